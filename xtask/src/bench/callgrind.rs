//! Instructions per request, counted by callgrind: the same on a quiet machine and on a loud one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::Process;

use super::{measure, tools};

/// A command that runs `command` under callgrind, which counts nothing until [`Counter::new`].
pub(crate) fn wrap(command: &Command, dir: &Path) -> Command {
    let mut wrapped = tools::program("valgrind");
    wrapped.args(["--quiet", "--tool=callgrind", "--instr-atstart=no"]);
    wrapped.arg(format!("--callgrind-out-file={}", dir.join("callgrind.out").display()));
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped
}

/// Counts the instructions of a process that was started by [`wrap`]: user mode, all threads.
pub(crate) struct Counter<'a> {
    process: &'a Process,
    dir: &'a Path,
    dumps: u32,
}

impl<'a> Counter<'a> {
    /// From now on everything is counted (and runs some fifty times slower).
    pub(crate) fn new(process: &'a Process, dir: &'a Path) -> Result<Self> {
        let counter = Self { process, dir, dumps: 0 };
        counter.control(&["-i", "on"])?;
        Ok(counter)
    }

    /// What `work` makes the process execute.
    pub(crate) fn count(&mut self, work: impl FnOnce() -> Result<()>) -> Result<f64> {
        self.control(&["-z"])?;
        work()?;
        self.control(&["-d"])?;
        self.dumps += 1;
        let path = self.dir.join(format!("callgrind.out.{}", self.dumps));
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
        total.and_then(|n| n.trim().parse().ok()).with_context(|| format!("no totals in {}", path.display()))
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = tools::program("callgrind_control");
        command.args(arguments).arg(self.process.id().to_string());
        let said = measure::output(&command, Duration::from_secs(120))?;
        anyhow::ensure!(said.contains("OK"), "callgrind_control {}: {said}", arguments.join(" "));
        Ok(())
    }
}
