//! Real Kafka clients in four languages behind one interface.
//!
//! Each client is a program that reads one JSON request per line and answers each with one JSON line, so that a test
//! says the same thing to all of them, and one process (a JVM, above all) can serve many requests: see [`Session`].
//!
//! A request is `{"verb": …, …}`, its fields those of [`Verb`]; the first line is the [`Target`]. An answer is
//! `{"ok": true, …}` or `{"ok": false, "error": "TOPIC_AUTHORIZATION_FAILED", "message": …}`, `error` being Kafka's own
//! name of the error, or the client's class of it where it has no Kafka code.

mod build;
mod differential;
mod target;
mod verb;

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub use build::go_program;
pub use build::prepare_all;
pub(crate) use build::{go_tools, python_with};
pub use differential::differing_steps;
pub use target::{Protocol, Sasl, Target, User};
pub use verb::{Group, Verb};

use crate::hosts::with_hosts;
use crate::paths::RunDir;
use crate::process;

/// A client library. All take every verb, except where [`Client::supports`] says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Client {
    /// Apache Kafka's own, of the newest broker version in tests.
    Java,
    /// librdkafka, by confluent-kafka for Python.
    Librdkafka,
    /// kafka-python.
    Python,
    /// aiokafka.
    Aiokafka,
    /// franz-go.
    Go,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Java, Self::Librdkafka, Self::Python, Self::Aiokafka, Self::Go];

    /// The library's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Librdkafka => "librdkafka",
            Self::Python => "kafka-python",
            Self::Aiokafka => "aiokafka",
            Self::Go => "franz-go",
        }
    }

    /// Whether the library can do that at all.
    pub fn supports(self, verb: &Verb) -> bool {
        match verb {
            Verb::Differential { .. } => self == Self::Java,
            Verb::PlaceTopic { .. }
            | Verb::MoveTopic { .. }
            | Verb::StreamStart(_)
            | Verb::StreamRecovered { .. }
            | Verb::StreamStop => self == Self::Go,
            Verb::Consume { protocol: Group::Share, .. } => matches!(self, Self::Java | Self::Go),
            Verb::Consume { protocol: Group::Consumer, .. } => matches!(self, Self::Java | Self::Librdkafka | Self::Go),
            _ => true,
        }
    }

    /// One request in a process of its own.
    ///
    /// # Errors
    /// When the client cannot be run or does not answer in time; what Kafka refused is an [`Outcome`].
    pub fn run(self, target: &Target, verb: &Verb) -> Result<Outcome> {
        self.session(target)?.run(verb)
    }

    /// A client process that takes requests one after the other.
    pub fn session(self, target: &Target) -> Result<Session> {
        Session::open(self, target)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A running client. Dropping it ends the process.
#[derive(Debug)]
pub struct Session {
    client: Client,
    child: Child,
    answers: mpsc::Receiver<String>,
    dir: RunDir,
}

impl Session {
    fn open(client: Client, target: &Target) -> Result<Self> {
        let dir = RunDir::new(&format!("client-{client}"))?;
        let command = build::command(client)?;
        let command = if target.hosts_ref().iter().next().is_some() {
            let hosts = dir.path().join("hosts");
            target.hosts_ref().write(&hosts)?;
            with_hosts(&hosts, &command)
        } else {
            command
        };
        let stderr = std::fs::File::create(dir.path().join("stderr"))?;
        let mut child = process::spawn(&command, Stdio::piped(), Stdio::piped(), Stdio::from(stderr))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, answers) = mpsc::sync_channel(64);
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut session = Self { client, child, answers, dir };
        let target = target.json(session.dir.path())?;
        session.send(&target)?;
        Ok(session)
    }

    fn send(&mut self, line: &Value) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("no stdin")?;
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .with_context(|| format!("{}: {}", self.client, self.stderr()))
    }

    /// One request; see [`Client::run`].
    pub fn run(&mut self, verb: &Verb) -> Result<Outcome> {
        self.begin(verb)?;
        self.finish(verb)
    }

    /// Sends a request without waiting for its answer.
    pub fn begin(&mut self, verb: &Verb) -> Result<()> {
        if !self.client.supports(verb) {
            bail!("{} cannot {}", self.client, verb.name());
        }
        self.send(&verb.json())
    }

    /// Waits for the answer to what [`Self::begin`] sent.
    pub fn finish(&mut self, verb: &Verb) -> Result<Outcome> {
        let limit = verb.limit() + Duration::from_secs(45);
        match self.answers.recv_timeout(limit) {
            Ok(line) => {
                let json: Value =
                    serde_json::from_str(&line).with_context(|| format!("{} said: {line}", self.client))?;
                Ok(Outcome { client: self.client, verb: verb.name(), json, stderr: self.stderr() })
            }
            Err(e) => {
                self.dir.keep();
                bail!("{} {}: {e} (limit {limit:?})\n{}", self.client, verb.name(), self.stderr())
            }
        }
    }

    fn stderr(&self) -> String {
        process::file_tail(&self.dir.path().join("stderr"), 30)
    }

    /// The client, as the kernel knows it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client answered.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Who.
    pub client: Client,
    /// To what.
    pub verb: &'static str,
    /// The answer.
    pub json: Value,
    /// The last lines the client logged.
    pub stderr: String,
}

impl Outcome {
    /// Whether it was done.
    pub fn ok(&self) -> bool {
        self.json["ok"] == true
    }

    /// Kafka's name of the error, such as `TOPIC_AUTHORIZATION_FAILED`; empty when there was none.
    pub fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }

    /// The records produced or consumed.
    pub fn count(&self) -> u64 {
        self.json["count"].as_u64().unwrap_or_default()
    }

    /// The values of the records consumed, in no particular order over partitions.
    pub fn values(&self) -> Vec<&str> {
        self.json["records"].as_array().into_iter().flatten().filter_map(|record| record["value"].as_str()).collect()
    }

    /// The names in a listing of topics.
    pub fn topics(&self) -> Vec<&str> {
        self.json["topics"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Itself when it was done.
    ///
    /// # Errors
    /// With the answer and the client's log when it was not.
    pub fn expect_ok(self) -> Result<Self> {
        if !self.ok() {
            bail!("{} {}: {}\n{}", self.client, self.verb, self.json, self.stderr);
        }
        Ok(self)
    }

    /// Itself when it failed with this error of Kafka's.
    ///
    /// # Errors
    /// When it was done, or failed with another.
    pub fn expect_error(self, error: &str) -> Result<Self> {
        if self.ok() || self.error() != error {
            bail!("{} {}: {error} expected, got {}\n{}", self.client, self.verb, self.json, self.stderr);
        }
        Ok(self)
    }
}

/// A command line of the same client for people: the program and the folder it runs in.
pub fn command_of(client: Client) -> Result<Command> {
    build::command(client)
}
