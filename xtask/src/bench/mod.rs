//! `cargo xtask bench`: what a request, a connection, a start costs, beside the proxies that one would pick instead.
//!
//! A row is one question. All its proxies run at the same time, each with the same number of workers and one line of access log per
//! request; they are measured in turn, in a new random order every round. Judged are counts (CPU seconds, instructions, bytes), never
//! wall time: see `docs/operating/performance`.

mod callgrind;
mod idle;
mod kafka;
mod kafka_peers;
mod kroxylicious;
mod load;
mod measure;
mod outcome;
mod peers;
mod plot;
mod report;
mod requests;
mod routes;
mod soak;
mod start;
mod tcp;
mod tools;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::run;
use outcome::Outcome;
use tools::Tool;

/// One question and how it is answered.
pub(crate) struct Row {
    /// What one types.
    pub(crate) name: &'static str,
    /// Headline of its table.
    pub(crate) title: &'static str,
    /// What has to be installed, besides the gateway.
    pub(crate) tools: &'static [&'static Tool],
    /// Starts the proxies, measures, and says what came out.
    pub(crate) run: fn(&Bench) -> Result<Outcome>,
}

/// Every row, in the order of the tables.
const ROWS: &[&[Row]] = &[requests::ROWS, routes::ROWS, idle::ROWS, start::ROWS, tcp::ROWS, kafka::ROWS, soak::ROWS];

/// Rows that take too long to run unless they are named.
const APART: &[&str] = &["soak"];

/// How to measure.
pub(crate) struct Bench {
    /// Rounds per row; the figures are medians of them.
    pub(crate) rounds: usize,
    /// Seconds of load per proxy and round.
    pub(crate) seconds: u64,
    /// Worker threads or processes of every proxy.
    pub(crate) workers: usize,
    /// The gateway's binary.
    pub(crate) binary: PathBuf,
    /// Where configurations and logs of this run go: a folder per row.
    pub(crate) dir: PathBuf,
}

impl Bench {
    /// An empty folder for a proxy's configuration and logs.
    pub(crate) fn folder(&self, row: &str, proxy: &str) -> Result<PathBuf> {
        let dir = self.dir.join(row).join(proxy);
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
        Ok(dir)
    }
}

/// Where results lie: `target/bench/ROW.json`.
fn results() -> PathBuf {
    run::root().join("target/bench")
}

/// Prints one line of progress, with the seconds since the start.
pub(crate) fn progress(text: &str) {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    println!("{:>5} s  {text}", START.get_or_init(Instant::now).elapsed().as_secs());
}

fn usage() -> String {
    let mut text = "usage: cargo xtask bench [ROW…] [OPTIONS]
       cargo xtask bench report       write docs/operating/performance from the newest result of each row

Without a row: all but soak, which takes half an hour, and then the report. Each result is also target/bench/ROW.json.

  --rounds N      rounds per row, in random order of the proxies (default 3)
  --seconds S     seconds of load per proxy and round (default 3)
  --workers N     worker threads of every proxy (default 1)
  --binary PATH   measure this sluicegate instead of building one

rows:
"
    .to_owned();
    for row in ROWS.iter().copied().flatten() {
        text += &format!("  {:<14}  {}\n", row.name, row.title);
    }
    text
}

/// The command.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    if arguments == ["report"] {
        return report::write(&results(), &order());
    }
    let (mut rounds, mut seconds, mut workers, mut binary, mut names) = (3, 3, 1, None, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{argument} wants a value"));
        match *argument {
            "--rounds" => rounds = value()?.parse().context("--rounds wants a number")?,
            "--seconds" => seconds = value()?.parse().context("--seconds wants a number")?,
            "--workers" => workers = value()?.parse().context("--workers wants a number")?,
            "--binary" => binary = Some(PathBuf::from(value()?)),
            "--help" | "-h" => {
                print!("{}", usage());
                return Ok(());
            }
            name if order().contains(&name) => names.push(name),
            unknown => bail!("no row or option {unknown}\n\n{}", usage()),
        }
    }
    anyhow::ensure!(rounds > 0 && seconds > 0 && workers > 0, "--rounds, --seconds and --workers are at least 1");
    let chosen = |row: &&Row| if names.is_empty() { !APART.contains(&row.name) } else { names.contains(&row.name) };
    let rows: Vec<&Row> = ROWS.iter().copied().flatten().filter(|row| chosen(row)).collect();
    if std::env::var_os(INSIDE).is_none() {
        prepare(&rows, binary.is_none())?;
        enter_namespace();
    }
    let binary = binary.unwrap_or_else(|| run::root().join("target/release/sluicegate"));
    let bench = Bench {
        rounds,
        seconds,
        workers,
        binary: binary.canonicalize().with_context(|| format!("{}", binary.display()))?,
        dir: results().join("run"),
    };
    raise_limits();
    let measured = measure_all(&bench, &rows);
    // What could be measured is written, whatever could not.
    if names.is_empty() {
        report::write(&results(), &order())?;
    }
    measured
}

fn order() -> Vec<&'static str> {
    ROWS.iter().copied().flatten().map(|row| row.name).collect()
}

fn measure_all(bench: &Bench, rows: &[&Row]) -> Result<()> {
    let mut failed = Vec::new();
    let mut missed = 0;
    for row in rows {
        progress(&format!("== {}: {}", row.name, row.title));
        let result = (row.run)(bench).and_then(|mut outcome| {
            outcome.versions = row.tools.iter().map(|tool| (tool.version)()).filter(|v| !v.is_empty()).collect();
            outcome.load = outcome::load_average();
            outcome.write(&results())?;
            Ok(outcome)
        });
        match result {
            Ok(outcome) => {
                print!("\n{}\n", report::table(&outcome));
                missed += outcome.goals.iter().filter(|goal| !goal.met()).count();
            }
            // The other rows are worth having all the same.
            Err(e) => {
                eprintln!("{}: {e:#}", row.name);
                failed.push(row.name);
            }
        }
    }
    progress(&format!("{} rows measured, {missed} goals missed", rows.len() - failed.len()));
    anyhow::ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

/// Installs what the rows need and builds the gateway, while there is a network.
fn prepare(rows: &[&Row], build: bool) -> Result<()> {
    let mut tools: Vec<&Tool> = Vec::new();
    for tool in [&tools::IPROUTE].into_iter().chain(rows.iter().flat_map(|row| row.tools.iter().copied())) {
        if !tools.iter().any(|known| known.name == tool.name) {
            tools.push(tool);
        }
    }
    for tool in tools {
        tool.prepare()?;
    }
    if build {
        progress("cargo build --release -p sluicegate");
        run::status(&mut run::cargo(&["build", "--quiet", "--release", "-p", "sluicegate"]))?;
    }
    Ok(())
}

/// Set for the process that runs inside the namespace.
const INSIDE: &str = "SLUICEGATE_BENCH_INSIDE";

/// Becomes the same command in a network namespace of its own, where only loopback exists and no port is taken. Where namespaces are
/// not permitted, returns, and loopback is shared.
fn enter_namespace() {
    let permitted = Command::new("unshare")
        .args(["--net", "ip", "link", "set", "lo", "up"])
        .output()
        .is_ok_and(|o| o.status.success());
    let Ok(own) = std::env::current_exe() else { return };
    if !permitted {
        progress("no network namespace permitted here: using the shared loopback");
        return;
    }
    let error = Command::new("unshare")
        .args(["--net", "sh", "-c", r#"ip link set lo up && exec "$@""#, "sh"])
        .arg(own)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    progress(&format!("unshare: {error}: using the shared loopback"));
}

/// As many file descriptors as this user may have, for this process and its children.
fn raise_limits() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        progress(&format!("file descriptors stay limited: {e}"));
    }
}
