//! Everything CI runs, stage by stage, each against a budget of seconds on two cores with nothing cached.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{fuzz, run};

struct Stage {
    name: &'static str,
    what: &'static str,
    budget: u64,
    run: fn(&mut Log) -> Result<()>,
}

/// In this order; an hour in all.
const STAGES: [Stage; 14] = [
    Stage {
        name: "tools",
        what: "Kafka's jars, client libraries, HTTP servers, what floods, test suites, into ~/.cache/sluicegate",
        budget: 420,
        run: tools,
    },
    Stage { name: "build", what: "all crates and tests", budget: 220, run: build },
    Stage { name: "lint", what: "rustfmt, clippy, generated files, words, links", budget: 220, run: lint },
    Stage { name: "gate", what: "instructions of the hot paths, of the release binary", budget: 480, run: gate },
    Stage { name: "unit", what: "tests beside the code", budget: 90, run: unit },
    Stage { name: "fuzz", what: "a minute for each target", budget: 520, run: fuzzing },
    Stage { name: "http", what: "HTTP and TLS end to end", budget: 80, run: http },
    Stage { name: "cli", what: "the command line, published manifests and bad input end to end", budget: 90, run: cli },
    Stage { name: "kafka", what: "real brokers and clients end to end", budget: 620, run: kafka },
    Stage { name: "floods", what: "floods and slow sockets, with good clients beside them", budget: 200, run: floods },
    Stage {
        name: "change",
        what: "load of all protocols while configuration, gateways and brokers change",
        budget: 330,
        run: change,
    },
    Stage {
        name: "suites",
        what: "h2spec, Autobahn, gRPC's interoperability, sslyze, the smuggling differential",
        budget: 270,
        run: suites,
    },
    Stage { name: "soak", what: "three minutes of load and change, in which nothing grows", budget: 300, run: soak },
    Stage { name: "demo", what: "the demo, once", budget: 60, run: demo },
];

/// Only when they are named: the control plane is ten minutes of Go code to build.
const ON_REQUEST: [Stage; 2] = [
    Stage { name: "cluster", what: "controller, packaging and verdicts, in a cluster", budget: 900, run: cluster },
    Stage {
        name: "conformance",
        what: "the Gateway API's conformance suite, in a cluster",
        budget: 420,
        run: conformance,
    },
];

/// Runs the named stages, or all of [`STAGES`].
pub(crate) fn run(names: &[&str]) -> Result<()> {
    let known = || STAGES.iter().chain(&ON_REQUEST);
    if let Some(name) = names.iter().find(|name| !known().any(|stage| stage.name == **name)) {
        bail!("no stage {name}; there are {}", known().map(|stage| stage.name).collect::<Vec<_>>().join(" "));
    }
    let began = Instant::now();
    let chosen: Vec<&Stage> = match names {
        [] => STAGES.iter().collect(),
        names => known().filter(|stage| names.contains(&stage.name)).collect(),
    };
    let mut rows = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    for stage in &chosen {
        println!("== {}: {} (budget {} s)", stage.name, stage.what, stage.budget);
        let mut log = Log::open(stage.name)?;
        let start = Instant::now();
        let result = (stage.run)(&mut log);
        let seconds = start.elapsed().as_secs();
        if let Err(e) = &result {
            println!("-- {} failed: {e:#}\n{}", stage.name, log.failures());
        }
        passed += log.passed;
        failed += log.failed;
        let verdict = if result.is_err() {
            "FAILED"
        } else if seconds > stage.budget {
            "over budget"
        } else {
            "ok"
        };
        println!("== {}: {verdict}, {seconds} s, {} passed, {} failed", stage.name, log.passed, log.failed);
        rows.push((stage, seconds, verdict));
    }
    println!("\nstage    seconds  budget");
    for (stage, seconds, verdict) in &rows {
        println!("{:<8} {seconds:>7} {:>7}  {verdict}", stage.name, stage.budget);
    }
    let budget: u64 = chosen.iter().map(|stage| stage.budget).sum();
    println!("{:<8} {:>7} {budget:>7}\n", "total", began.elapsed().as_secs());
    if names.is_empty() {
        let left: Vec<&str> = ON_REQUEST.iter().map(|stage| stage.name).collect();
        println!("not run, since not named: {}", left.join(", "));
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        // Said already, stage by stage; the line above is the last.
        std::process::exit(1);
    }
    Ok(())
}

/// What a stage printed, in `target/xtask/STAGE.log`, and what it counted.
struct Log {
    path: std::path::PathBuf,
    file: File,
    lines: Vec<String>,
    passed: u64,
    failed: u64,
}

impl Log {
    fn open(stage: &str) -> Result<Self> {
        let dir = run::root().join("target/xtask");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{stage}.log"));
        Ok(Self { file: File::create(&path)?, path, lines: Vec::new(), passed: 0, failed: 0 })
    }

    /// Runs commands side by side. One that prints cargo's test results counts by its tests, any other as one.
    fn run_all(&mut self, commands: Vec<Command>, echo: bool) -> Result<()> {
        let runs: Vec<_> = commands.into_iter().map(|command| Run::start(command, echo)).collect::<Result<_>>()?;
        let mut failures = Vec::new();
        for run in runs {
            let what = run.what.clone();
            let (lines, success) = run.wait()?;
            let (passed, failed, results) = count(&lines);
            self.passed += passed + u64::from(success && results == 0);
            self.failed += failed + u64::from(!success && failed == 0);
            for line in &lines {
                writeln!(self.file, "{line}")?;
            }
            self.lines.extend(lines);
            if !success {
                failures.push(what);
            }
        }
        if failures.is_empty() { Ok(()) } else { bail!("{} (log: {})", failures.join("; "), self.path.display()) }
    }

    fn run(&mut self, command: Command, echo: bool) -> Result<()> {
        self.run_all(vec![command], echo)
    }

    /// The lines that name a failure, and the end.
    fn failures(&self) -> String {
        let telling =
            |line: &&String| line.contains("panicked at") || line.ends_with("FAILED") || line.starts_with("error");
        let named: Vec<&str> = self.lines.iter().filter(telling).map(String::as_str).take(60).collect();
        let tail = self.lines[self.lines.len().saturating_sub(80)..].join("\n");
        format!("{}\n-- its last lines:\n{tail}", named.join("\n"))
    }
}

/// Passed and failed tests, and how many result lines said so.
fn count(lines: &[String]) -> (u64, u64, u64) {
    let number = |line: &str, word: &str| -> u64 {
        line.split(word)
            .next()
            .and_then(|before| before.trim_end().rsplit(' ').next())
            .and_then(|n| n.parse().ok())
            .unwrap_or_default()
    };
    let results = lines.iter().filter_map(|line| line.strip_prefix("test result: "));
    results.fold((0, 0, 0), |(passed, failed, results), line| {
        (passed + number(line, " passed;"), failed + number(line, " failed;"), results + 1)
    })
}

struct Run {
    what: String,
    child: std::process::Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Run {
    fn start(mut command: Command, echo: bool) -> Result<Self> {
        let name =
            std::path::Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).take(6).collect();
        let what = format!("{name} {}", arguments.join(" "));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {what}"))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let streams: [Option<Box<dyn std::io::Read + Send>>; 2] =
            [child.stdout.take().map(|s| Box::new(s) as _), child.stderr.take().map(|s| Box::new(s) as _)];
        let readers = streams
            .into_iter()
            .flatten()
            .map(|stream| {
                let lines = Arc::clone(&lines);
                std::thread::spawn(move || {
                    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                        let line = String::from_utf8_lossy(&line).into_owned();
                        if echo {
                            println!("   {line}");
                        }
                        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    }
                })
            })
            .collect();
        Ok(Self { what, child, lines, readers })
    }

    fn wait(mut self) -> Result<(Vec<String>, bool)> {
        let status = self.child.wait()?;
        // What the command left running may hold its streams open: the readers get a moment, not for ever.
        let end = Instant::now() + Duration::from_secs(5);
        while self.readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((lines, status.success()))
    }
}

/// A program of the workspace, built by the stage `build` (or now) with the features of the whole workspace: one set of
/// dependencies is compiled, not one for each way to ask for it.
fn program(log: &mut Log, name: &str) -> Result<Command> {
    log.run(run::cargo(&["build", "--workspace", "--bins"]), false)?;
    let own = std::env::current_exe()?;
    let mut command = Command::new(own.with_file_name(name));
    command.current_dir(run::root());
    Ok(command)
}

fn tools(log: &mut Log) -> Result<()> {
    let mut fetch = program(log, "testkit")?;
    fetch.arg("fetch");
    log.run(fetch, true)
}

fn build(log: &mut Log) -> Result<()> {
    log.run(run::cargo(&["test", "--workspace", "--no-run"]), false)
}

fn lint(log: &mut Log) -> Result<()> {
    // By its name: building the workspace replaces the file this process runs from.
    let mut lint = Command::new(std::env::current_exe()?.with_file_name("xtask"));
    lint.arg("lint").current_dir(run::root());
    log.run(lint, false)
}

/// Instructions beside `xtask/instructions.json`; the release binary is built for it.
fn gate(log: &mut Log) -> Result<()> {
    let mut gate = Command::new(std::env::current_exe()?.with_file_name("xtask"));
    gate.args(["bench", "gate"]).current_dir(run::root());
    log.run(gate, true)
}

fn unit(log: &mut Log) -> Result<()> {
    let beside = log.run(run::cargo(&["test", "--workspace", "--lib", "--bins", "--no-fail-fast"]), false);
    let documented = log.run(run::cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]), false);
    beside.and(documented).and(integration(log, "unit"))
}

fn fuzzing(log: &mut Log) -> Result<()> {
    log.run(fuzz::build(), false)?;
    // Two at a time: one for each core.
    let mut result = Ok(());
    for pair in fuzz::TARGETS.chunks(2) {
        let commands = pair.iter().map(|name| fuzz::target(name, 60)).collect::<Result<Vec<_>>>()?;
        result = result.and(log.run_all(commands, false));
    }
    result
}

/// The crates whose `tests` folders start servers; of the others they are unit tests.
const END_TO_END: [&str; 3] = ["testkit", "proxy", "sluicegate"];

/// Which stage runs a file of a crate's `tests`, by the beginning of its name.
fn stage_of(package: &str, test: &str) -> &'static str {
    match test {
        _ if !END_TO_END.contains(&package) => "unit",
        "origins" | "listeners" => "http",
        "clients" => "kafka",
        _ if ["http", "tls", "grpc_routes", "transport"].iter().any(|name| test.starts_with(name)) => "http",
        _ if test.starts_with("kafka") => "kafka",
        "floods" => "floods",
        _ if test.starts_with("change") || test.starts_with("fault") => "change",
        "suites" | "smuggling" => "suites",
        "soak" => "soak",
        _ if test.starts_with("cluster") => "cluster",
        _ => "cli",
    }
}

/// Runs the files of `crates/*/tests` that belong to this stage: the folders, not a list of ours, decide which there are.
fn integration(log: &mut Log, stage: &str) -> Result<()> {
    let entries = |dir: &std::path::Path| -> Vec<fs::DirEntry> {
        let mut entries: Vec<_> = fs::read_dir(dir).into_iter().flatten().flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        entries
    };
    let mut cargo = run::cargo(&["test", "--workspace", "--no-fail-fast"]);
    let mut any = false;
    for package in entries(&run::root().join("crates")) {
        for entry in entries(&package.path().join("tests")) {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let folder = entry.path().join("main.rs").is_file().then_some(name.as_str());
            let Some(test) = name.strip_suffix(".rs").or(folder) else { continue };
            if stage_of(&package.file_name().to_string_lossy(), test) == stage {
                cargo.args(["--test", test]);
                any = true;
            }
        }
    }
    anyhow::ensure!(any, "no test belongs to the stage {stage}");
    log.run(cargo, false)
}

fn http(log: &mut Log) -> Result<()> {
    integration(log, "http")
}

fn cli(log: &mut Log) -> Result<()> {
    integration(log, "cli")
}

fn kafka(log: &mut Log) -> Result<()> {
    integration(log, "kafka")
}

fn floods(log: &mut Log) -> Result<()> {
    integration(log, "floods")
}

fn change(log: &mut Log) -> Result<()> {
    integration(log, "change")
}

fn soak(log: &mut Log) -> Result<()> {
    integration(log, "soak")
}

fn suites(log: &mut Log) -> Result<()> {
    integration(log, "suites")
}

fn cluster(log: &mut Log) -> Result<()> {
    integration(log, "cluster")
}

fn conformance(log: &mut Log) -> Result<()> {
    let mut suite = program(log, "testkit")?;
    suite.arg("conformance");
    log.run(suite, true)
}

fn demo(log: &mut Log) -> Result<()> {
    let mut demo = program(log, "testkit")?;
    demo.args(["demo", "--once"]);
    log.run(demo, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_results() {
        let lines = [
            "noise",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored",
        ]
        .map(str::to_owned);
        assert_eq!(count(&lines), (15, 2, 2));
    }
}
