//! A `sluicegate` process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http::{Http, Response};
use crate::net::free_port;
use crate::paths::{self, RunDir};
use crate::process::{self, Process};

/// The binary: `$SLUICEGATE_BIN`, else the one beside the running test in cargo's target folder.
///
/// Integration tests of the crate `sluicegate` have it built by cargo; others build it first (`cargo build -p sluicegate`).
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SLUICEGATE_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).take(2).map(|dir| dir.join("sluicegate")).find(|path| path.is_file());
    let debug = paths::repo().join("target/debug/sluicegate");
    beside.or_else(|| debug.is_file().then_some(debug)).context("no sluicegate binary: cargo build -p sluicegate")
}

/// `sluicegate check PATH… -o json`: the exit code and what it printed.
pub fn check(paths: &[&Path]) -> Result<(i32, String)> {
    let mut command = Command::new(binary()?);
    command.arg("check").args(paths).args(["-o", "json"]);
    let output = process::output(&command, Duration::from_secs(60))?;
    Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// How to start one; see [`Sluicegate::run`].
#[derive(Debug)]
pub struct Builder {
    command: Command,
    ready_limit: Duration,
    dir: RunDir,
    admin: SocketAddr,
}

impl Builder {
    /// Adds `--port-map listener=bound`.
    #[must_use]
    pub fn port_map(mut self, listener: u16, bound: u16) -> Self {
        self.command.arg("--port-map").arg(format!("{listener}={bound}"));
        self
    }

    /// Adds any argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// How long it may take until it is ready; 20 s unless said otherwise.
    #[must_use]
    pub fn ready_limit(mut self, limit: Duration) -> Self {
        self.ready_limit = limit;
        self
    }

    /// Lets it open so many files and no more.
    #[must_use]
    pub fn open_files(mut self, files: usize) -> Self {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={files}:{files}")).arg(self.command.get_program());
        command.args(self.command.get_args());
        for (key, value) in self.command.get_envs() {
            value.map(|value| command.env(key, value));
        }
        self.command = command;
        self
    }

    /// Starts it and waits until `/readyz` answers 200.
    pub fn start(self) -> Result<Sluicegate> {
        let limit = self.ready_limit;
        let mut gate = self.spawn()?;
        gate.wait_ready(limit)?;
        Ok(gate)
    }

    /// Starts it without waiting.
    pub fn spawn(self) -> Result<Sluicegate> {
        let log = self.dir.path().join("log");
        let process = Process::start("sluicegate", &self.command, &log)?;
        Ok(Sluicegate { process, admin: self.admin, command: self.command, dir: self.dir })
    }
}

/// A running `sluicegate run`. Killed on drop; when the thread is panicking, the last lines of its log are printed.
#[derive(Debug)]
pub struct Sluicegate {
    process: Process,
    admin: SocketAddr,
    command: Command,
    dir: RunDir,
}

impl Sluicegate {
    /// `sluicegate run PATH… --admin 127.0.0.1:FREE`.
    pub fn run<P: AsRef<Path>>(paths: &[P]) -> Result<Builder> {
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new(binary()?);
        command.arg("run").args(paths.iter().map(AsRef::as_ref)).args(["--admin", &admin.to_string()]);
        Ok(Builder { command, ready_limit: Duration::from_secs(20), dir: RunDir::new("sluicegate")?, admin })
    }

    /// The admin port.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// `GET path` of the admin port.
    pub fn get(&self, path: &str) -> Result<Response> {
        Http::to(self.admin).limit(Duration::from_secs(5)).get(&self.admin.to_string(), path)
    }

    /// `/status` as JSON.
    pub fn status(&self) -> Result<Value> {
        self.get("/status")?.json()
    }

    /// The sum of a metric over all lines whose labels contain every one of `labels` (written `name="value"`).
    pub fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.get("/metrics")?.text();
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        Ok(text
            .lines()
            .filter(of_name)
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum())
    }

    /// Waits until `/readyz` answers 200.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<()> {
        let admin = self.admin;
        let http = Http::to(admin).limit(Duration::from_secs(2));
        self.process.wait_until(limit, |_| http.get("admin", "/readyz").is_ok_and(|response| response.status == 200))
    }

    /// Waits until `condition` holds, asked every 50 ms.
    ///
    /// # Errors
    /// When the process ends or `limit` passes.
    pub fn wait_until(&mut self, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
        self.process.wait_until(limit, |_| condition())
    }

    /// What it wrote, access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The lines of the log that are JSON objects.
    pub fn log_json(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// SIGTERM, and waits for the drain to end.
    pub fn stop(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.process.terminate(grace)
    }

    /// Kills it and starts it again with the same arguments.
    pub fn restart(&mut self) -> Result<()> {
        if self.process.ended().is_none() {
            self.process.kill();
        }
        self.process = Process::start("sluicegate", &self.command, &self.dir.path().join("log"))?;
        self.wait_ready(Duration::from_secs(20))
    }

    /// Fails when it has ended.
    pub fn expect_alive(&mut self) -> Result<()> {
        match self.process.ended() {
            Some(status) => bail!("sluicegate ended ({status}):\n{}", self.process.log_tail(40)),
            None => Ok(()),
        }
    }
}

impl Drop for Sluicegate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- sluicegate, last lines:\n{}", self.process.log_tail(40));
        }
    }
}
