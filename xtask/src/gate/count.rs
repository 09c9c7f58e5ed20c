//! Counting a process's instructions with valgrind's callgrind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::process::{self, Process};

/// What the last work of a request may take after its answer has been seen: the access log's buffer is written by then.
const REST: Duration = Duration::from_millis(200);

/// `valgrind … PROGRAM`, its counts written to `OUT` (or `OUT.1`, `OUT.2` … at each [`Counted::read`]).
fn valgrind(out: &Path, more: &[&str], program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]).args(more);
    command.arg(format!("--callgrind-out-file={}", out.display())).arg(program);
    // Memory advice of the machine must not decide which code of an allocator runs.
    command.env("RUST_BACKTRACE", "0");
    command
}

fn total(file: &Path) -> Result<f64> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let totals = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    totals.and_then(|total| total.trim().parse().ok()).with_context(|| format!("no total in {}", file.display()))
}

/// Instructions of a program from its start to its end.
pub(super) fn whole(program: &Path, arguments: &[&str], out: &Path) -> Result<f64> {
    let mut command = valgrind(out, &[], program);
    command.args(arguments);
    process::check(&command, Duration::from_secs(300))?;
    total(out)
}

/// A running program whose instructions can be read.
pub(super) struct Counted {
    process: Process,
    out: PathBuf,
    reads: u32,
}

impl Counted {
    /// Starts it; nothing is counted before [`Counted::begin`].
    pub(super) fn start(program: &Path, arguments: &[String], dir: &Path) -> Result<Self> {
        let out = dir.join("callgrind");
        let mut command = valgrind(&out, &["--instr-atstart=no"], program);
        command.args(arguments);
        let process = Process::start("valgrind", &command, &dir.join("log"))?;
        Ok(Self { process, out, reads: 0 })
    }

    pub(super) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn tell(&self, words: &[&str]) -> Result<()> {
        let mut vgdb = Command::new("vgdb");
        vgdb.arg(format!("--pid={}", self.process.id())).args(words);
        process::check(&vgdb, Duration::from_secs(60)).context("vgdb").map(drop)
    }

    /// Begins to count.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.tell(&["instrumentation", "on"])
    }

    /// Instructions since the last time.
    fn read(&mut self) -> Result<f64> {
        std::thread::sleep(REST);
        self.tell(&["dump"])?;
        self.reads += 1;
        total(&self.newest())
    }

    /// What was counted last, function by function, in callgrind's format.
    pub(super) fn newest(&self) -> PathBuf {
        let mut file = self.out.as_os_str().to_owned();
        file.push(format!(".{}", self.reads));
        file.into()
    }

    /// Instructions of one operation. Between the counts of `few` and of `many` operations lie those of the rest: what
    /// begins and ends a row of operations is in both.
    pub(super) fn each(&mut self, [few, many]: [u32; 2], mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
        let mut run = |count: u32| (0..count).try_for_each(|_| operation());
        run(few)?;
        self.read()?;
        let mut samples = Vec::new();
        for _ in 0..3 {
            run(few)?;
            let low = self.read()?;
            run(many)?;
            let high = self.read()?;
            samples.push((high - low) / f64::from(many - few));
        }
        samples.sort_by(f64::total_cmp);
        if samples[0] <= 0.0 {
            bail!("no instruction was counted: {samples:?}");
        }
        Ok(samples[1])
    }
}
