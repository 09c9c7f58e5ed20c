//! The row `soak`: the test of the same name, for half an hour, and what the process held meanwhile.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::measure::median;
use super::outcome::{Outcome, Sample, least, most};
use super::tools::Tool;
use super::{Bench, Row, measure, progress};
use crate::run;

/// The row.
pub(crate) const ROWS: &[Row] = &[Row { name: "soak", title: TITLE, tools: &[&TEST], run: soak }];

const TITLE: &str = "Half an hour of load and change";

const MINUTES: u64 = 30;

/// The test, and what it needs.
static TEST: Tool = Tool {
    name: "the soak test",
    present: || false,
    install: || {
        run::testkit("fetch", &[])?;
        run::status(&mut run::cargo(&["test", "--quiet", "-p", "sluicegate", "--test", "soak", "--no-run"]))
    },
    version: String::new,
};

/// Figures of a line, their keys, and what the column is called.
const FIGURES: [(&str, &str, usize); 4] =
    [("rss", "RSS, MiB", 1), ("files", "open files", 0), ("tasks", "tasks", 0), ("series", "metric series", 0)];

fn soak(bench: &Bench) -> Result<Outcome> {
    let mut outcome = Outcome::new(
        bench,
        "soak",
        TITLE,
        &format!(
            "{MINUTES} minutes of HTTP/1.1, HTTP/2, gRPC streams, WebSockets, TLS passthrough, Kafka producers and consumers, while routes, listeners, \
             certificates and endpoints change four times a second and broken files come and go (`crates/sluicegate/tests/soak.rs`; an unoptimised \
             build). Every request, stream and record is counted, and none is lost. Growth is the median of the last third of the samples \
             by that of the first."
        ),
    );
    (outcome.rounds, outcome.seconds, outcome.workers) = (1, 60 * MINUTES, measure::cores());
    for (key, title, digits) in FIGURES {
        outcome.column(key, title, digits);
    }
    progress(&format!("soak: {MINUTES} minutes from now"));
    let mut command: Command =
        run::cargo(&["test", "--quiet", "-p", "sluicegate", "--test", "soak", "nothing_grows", "--", "--nocapture"]);
    command.env("SLUICEGATE_SOAK_MINUTES", MINUTES.to_string());
    // The test's samples go to standard error.
    let output = testkit::process::output(&command, Duration::from_secs(60 * (MINUTES + 15)))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let samples: Vec<Sample> = said.lines().filter_map(sample).collect();
    for sample in &samples {
        outcome.sample("sluicegate", sample.clone());
    }
    anyhow::ensure!(
        output.status.success(),
        "the soak test failed:\n{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    for (key, title, _) in FIGURES {
        let values = outcome.samples("sluicegate", key).to_vec();
        let third = values.len() / 3;
        anyhow::ensure!(third > 0, "no samples in what the soak test said:\n{said}");
        let (first, last) = (&values[..third], &values[values.len() - third..]);
        let range = [least(last) / median(first), most(last) / median(first)];
        outcome.goal(&format!("growth of {title}"), [median(last) / median(first), range[0], range[1]], 1.05, "×");
    }
    Ok(outcome)
}

/// `  30 s: RSS 45.1 MiB, 100 files, 40 tasks, 300 series`.
fn sample(line: &str) -> Option<Sample> {
    let (_, figures) = line.split_once(" s: RSS ")?;
    let figures: Vec<f64> =
        figures.split(", ").map(|part| part.split(' ').next()?.parse().ok()).collect::<Option<_>>()?;
    (figures.len() == FIGURES.len()).then(|| FIGURES.iter().map(|(key, ..)| *key).zip(figures).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read() {
        let read = sample("  30 s: RSS 45.1 MiB, 100 files, 40 tasks, 300 series");
        assert_eq!(read, Some(Sample::from([("rss", 45.1), ("files", 100.0), ("tasks", 40.0), ("series", 300.0)])));
        assert_eq!(sample("30 minutes, 7000 changes"), None);
    }
}
