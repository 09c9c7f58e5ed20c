//! What a row has found: samples per proxy, and goals with their verdicts. Kept as JSON, so that rows may be run apart.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::measure::{self, median};
use super::{Bench, progress};

/// One measurement of one proxy: figure by key.
pub(crate) type Sample = BTreeMap<&'static str, f64>;

/// A column of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Column {
    /// Key of the samples.
    pub(crate) key: String,
    /// Heading, with the unit.
    pub(crate) title: String,
    /// Digits after the point.
    pub(crate) digits: usize,
}

/// All samples of one proxy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The proxy and what is special about its configuration.
    pub(crate) name: String,
    /// By key, one value per round.
    pub(crate) samples: BTreeMap<String, Vec<f64>>,
}

/// A goal and what was reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Goal {
    /// What is wanted, such as `CPU per request, of nginx's`.
    pub(crate) what: String,
    /// What was reached: median, smallest and largest.
    #[serde(deserialize_with = "nan_for_null")]
    pub(crate) value: [f64; 3],
    /// At most this.
    pub(crate) limit: f64,
    /// `×` for ratios, else a unit.
    pub(crate) unit: String,
}

impl Goal {
    /// Whether the median is within the limit.
    pub(crate) fn met(&self) -> bool {
        self.value[0] <= self.limit
    }

    /// `met` or `missed by 12 %`.
    pub(crate) fn verdict(&self) -> String {
        match self.met() {
            true => "met".to_owned(),
            false if self.value[0].is_finite() => {
                format!("**missed by {:.0} %**", ((self.value[0] / self.limit - 1.0) * 100.0).max(1.0))
            }
            false => "**not measured**".to_owned(),
        }
    }
}

/// What a row has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Name of the row.
    pub(crate) row: String,
    /// Headline.
    pub(crate) title: String,
    /// What was done, in a sentence or two.
    pub(crate) method: String,
    /// `2026-11-21 16:30 UTC`.
    pub(crate) date: String,
    /// CPU model, cores, kernel.
    pub(crate) machine: String,
    /// Load average of the last minute, at the end.
    pub(crate) load: f64,
    /// Commit of the work tree.
    pub(crate) commit: String,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Seconds per round.
    pub(crate) seconds: u64,
    /// Workers of each proxy.
    pub(crate) workers: usize,
    /// Programs and versions.
    pub(crate) versions: Vec<String>,
    /// Columns of the table.
    pub(crate) columns: Vec<Column>,
    /// Proxies; the first is the gateway.
    pub(crate) peers: Vec<Measured>,
    /// Goals.
    pub(crate) goals: Vec<Goal>,
    /// What a reader must know, one sentence each.
    pub(crate) notes: Vec<String>,
    /// Keys that the plot stacks, such as `user` and `sys`.
    pub(crate) plot: Vec<String>,
}

impl Outcome {
    /// An outcome without figures.
    pub(crate) fn new(bench: &Bench, row: &str, title: &str, method: &str) -> Self {
        Self {
            row: row.to_owned(),
            title: title.to_owned(),
            method: method.to_owned(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            machine: machine(),
            load: load_average(),
            commit: commit(),
            rounds: bench.rounds,
            seconds: bench.seconds,
            workers: bench.workers,
            versions: Vec::new(),
            columns: Vec::new(),
            peers: Vec::new(),
            goals: Vec::new(),
            notes: Vec::new(),
            plot: Vec::new(),
        }
    }

    /// Adds a column.
    pub(crate) fn column(&mut self, key: &str, title: &str, digits: usize) {
        self.columns.push(Column { key: key.to_owned(), title: title.to_owned(), digits });
    }

    /// Adds a sample of a proxy; the first one adds the proxy.
    pub(crate) fn sample(&mut self, peer: &str, sample: Sample) {
        let at = self.peers.iter().position(|measured| measured.name == peer).unwrap_or_else(|| {
            self.peers.push(Measured { name: peer.to_owned(), samples: BTreeMap::new() });
            self.peers.len() - 1
        });
        for (key, value) in sample.into_iter().filter(|(_, value)| value.is_finite()) {
            self.peers[at].samples.entry(key.to_owned()).or_default().push(value);
        }
    }

    /// The samples of one proxy's figure.
    pub(crate) fn samples(&self, peer: &str, key: &str) -> &[f64] {
        let measured = self.peers.iter().find(|measured| measured.name == peer);
        measured.and_then(|measured| measured.samples.get(key)).map_or(&[], Vec::as_slice)
    }

    /// A goal: the median of `peer`'s figure divided by the median of `of`'s is at most `limit`. The range is that of the rounds' ratios.
    pub(crate) fn ratio(&mut self, what: &str, key: &str, peer: &str, of: &str, limit: f64) {
        let (ours, theirs) = (self.samples(peer, key).to_vec(), self.samples(of, key).to_vec());
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
        self.goal(what, [median(&ours) / median(&theirs), least(&ratios), most(&ratios)], limit, "×");
    }

    /// A goal: the median of `peer`'s figure is at most `limit`.
    pub(crate) fn at_most(&mut self, what: &str, key: &str, peer: &str, limit: f64, unit: &str) {
        let samples = self.samples(peer, key).to_vec();
        self.goal(what, [median(&samples), least(&samples), most(&samples)], limit, unit);
    }

    /// A goal about any figure: median, least, most.
    pub(crate) fn goal(&mut self, what: &str, value: [f64; 3], limit: f64, unit: &str) {
        self.goals.push(Goal { what: what.to_owned(), value, limit, unit: unit.to_owned() });
    }

    /// Writes `DIR/ROW.json`.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir)?;
        let path = dir.join(format!("{}.json", self.row));
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n").with_context(|| format!("{}", path.display()))
    }

    /// Reads one back.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))
    }
}

/// JSON has no NaN: what was not measured is written as `null`.
fn nan_for_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[f64; 3], D::Error> {
    Ok(<[Option<f64>; 3]>::deserialize(deserializer)?.map(|value| value.unwrap_or(f64::NAN)))
}

/// The smallest; NaN of none.
pub(crate) fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

/// The largest; NaN of none.
pub(crate) fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

/// Measures every subject once a round, in a new random order each round.
pub(crate) fn interleave<T>(
    bench: &Bench,
    outcome: &mut Outcome,
    subjects: &mut [T],
    name: impl Fn(&T) -> &str,
    mut one: impl FnMut(&mut T) -> Result<Sample>,
) -> Result<()> {
    // The gateway first in the table, whatever the order of the first round.
    for subject in subjects.iter() {
        outcome.sample(name(subject), Sample::new());
    }
    for round in 1..=bench.rounds {
        for at in measure::shuffled(subjects.len()) {
            let subject = &mut subjects[at];
            let what = name(subject).to_owned();
            let sample = one(subject).with_context(|| format!("{what}, round {round}"))?;
            let shown: Vec<String> =
                sample.iter().filter(|(_, v)| v.is_finite()).map(|(k, v)| format!("{k} {v:.2}")).collect();
            progress(&format!("{} {round}/{} {what}: {}", outcome.row, bench.rounds, shown.join(", ")));
            outcome.sample(&what, sample);
        }
    }
    Ok(())
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let cores = measure::cores();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    format!("{model}, {cores} cores, Linux {kernel}")
}

/// Processes that wanted to run, mean of the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN)
}

fn commit() -> String {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(crate::run::root())
        .output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(value: f64, limit: f64) -> Goal {
        Goal { what: String::new(), value: [value; 3], limit, unit: "×".to_owned() }
    }

    #[test]
    fn verdicts() {
        assert_eq!(goal(1.0, 1.15).verdict(), "met");
        assert_eq!(goal(1.38, 1.15).verdict(), "**missed by 20 %**");
        assert_eq!(goal(1.151, 1.15).verdict(), "**missed by 1 %**");
        assert_eq!(goal(f64::NAN, 1.15).verdict(), "**not measured**");
    }
}
