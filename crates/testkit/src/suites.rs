//! Test suites that others wrote, run against a server: h2spec, Autobahn's WebSocket cases, grpc-go's interoperability
//! tests, sslyze. Built and installed once, into `~/.cache/sluicegate`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::clients::{go_tools, python_with};
use crate::paths::{self, RunDir};
use crate::process::{self, Process};

const AUTOBAHN: &str = "autobahntestsuite==25.10.1";
const LIMIT: Duration = Duration::from_secs(400);

/// Fetches and builds all of them.
pub fn prepare() -> Result<()> {
    go_tools("suites")?;
    sslyze_python()?;
    autobahn_package()?;
    Ok(())
}

/// A folder on the command line, which is text.
fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))
}

/// What h2spec counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct H2spec {
    /// Cases that were run, and skipped ones.
    pub tests: u32,
    /// Those that held.
    pub passed: u32,
    /// The name of every other one, what was expected and what came; empty when all held.
    pub failures: String,
}

/// Runs h2spec's cases, the strict ones too, over TLS or with prior knowledge. `GET /` must be answered with 200 and a body.
pub fn h2spec(address: SocketAddr, tls: bool) -> Result<H2spec> {
    let mut command = Command::new(go_tools("suites")?.join("h2spec"));
    command.args(["--strict", "--timeout", "5", "--host", &address.ip().to_string()]);
    command.args(["--port", &address.port().to_string()]);
    if tls {
        command.args(["--tls", "--insecure"]);
    }
    let output = process::output(&command, LIMIT)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    read_h2spec(&printed).with_context(|| format!("h2spec: {}\n{printed}", output.status))
}

/// Reads `146 tests, 145 passed, 0 skipped, 1 failed` and what stands under `Failures:`.
fn read_h2spec(printed: &str) -> Option<H2spec> {
    let (cases, summary) = printed.rsplit_once("Finished in ")?;
    let counts = summary.lines().find(|line| line.contains(" tests, "))?;
    let count = |word: &str| -> Option<u32> { counts.split(word).next()?.rsplit(' ').next()?.parse().ok() };
    let failures = cases.split_once("Failures:").map(|(_, failures)| failures.trim().to_owned()).unwrap_or_default();
    Some(H2spec { tests: count(" tests")?, passed: count(" passed")?, failures })
}

/// The verdict on one of Autobahn's cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `OK`, `NON-STRICT`, `INFORMATIONAL` or `FAILED`.
    pub behaviour: String,
    /// Of the closing handshake: `OK`, `INFORMATIONAL`, `WRONG CODE`, `UNCLEAN`, `FAILED BY CLIENT` or `FAILED`.
    pub close: String,
    /// For people.
    pub why: String,
}

impl Verdict {
    /// 0 for what the specification asks for, higher for what is further from it.
    pub fn distance(&self) -> (usize, usize) {
        let rank = |order: &[&str], verdict: &str| order.iter().position(|one| *one == verdict).unwrap_or(order.len());
        let close = ["OK", "INFORMATIONAL", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT"];
        (rank(&["OK", "NON-STRICT", "INFORMATIONAL"], &self.behaviour), rank(&close, &self.close))
    }
}

/// Runs Autobahn's cases but those on compression against a server that echoes, over TLS when the CA file is given; by
/// their numbers, such as `5.19`.
pub fn websocket(address: SocketAddr, authority: &str, ca_file: Option<&Path>) -> Result<BTreeMap<String, Verdict>> {
    let mut command = Command::new("python3");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(paths::client_sources().join("suites/autobahn.py")).arg(autobahn_package()?);
    command.args([&address.ip().to_string(), &address.port().to_string(), authority]).args(ca_file);
    let printed = process::check(&command, LIMIT)?;
    let verdict = |line: &str| -> Result<(String, Verdict)> {
        let json: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let field = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Ok((field("case"), Verdict { behaviour: field("verdict"), close: field("close"), why: field("why") }))
    };
    printed.lines().map(verdict).collect()
}

/// The folder with the published package, which is Python 2 and not to be run.
fn autobahn_package() -> Result<PathBuf> {
    let dir = paths::cache().join("autobahn");
    paths::once(&dir, ".complete", AUTOBAHN, || {
        let mut pip = Command::new(sslyze_python()?);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"]);
        pip.args(["--no-binary=:all:", "--upgrade", "--target", text(&dir)?, AUTOBAHN]);
        process::check(&pip, LIMIT).context("install Autobahn's cases")?;
        Ok(())
    })?;
    Ok(dir)
}

/// The interoperability server of grpc-go, in plaintext (h2c); killed on drop.
#[derive(Debug)]
pub struct GrpcServer {
    process: Process,
    address: SocketAddr,
    _dir: RunDir,
}

impl GrpcServer {
    /// Serves on all addresses at `port`.
    pub fn start(port: u16) -> Result<Self> {
        let dir = RunDir::new("grpc-interop")?;
        let mut command = Command::new(go_tools("suites")?.join("server"));
        command.args(["--port", &port.to_string()]);
        let mut process = Process::start("grpc-interop", &command, &dir.path().join("log"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        process.wait_until(Duration::from_secs(20), |_| TcpStream::connect(address).is_ok())?;
        Ok(Self { process, address, _dir: dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The cases that grpc-go's client knows and that need neither Google Cloud nor a second server; those on load reports
/// (ORCA) are left out because grpc-go's own server does not pass them.
pub const GRPC_CASES: [&str; 16] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "rpc_soak",
    "channel_soak",
];

/// Runs one of them, over TLS when the name in the server's certificate and the CA file are given.
///
/// # Errors
/// When the case fails, with what the client says.
pub fn grpc(address: SocketAddr, case: &str, tls: Option<(&str, &Path)>) -> Result<()> {
    let mut command = Command::new(go_tools("suites")?.join("client"));
    command.args([format!("--server_host={}", address.ip()), format!("--server_port={}", address.port())]);
    command.arg(format!("--test_case={case}"));
    // Latency is no matter of interoperability.
    command.args(["--soak_per_iteration_max_acceptable_latency_ms=20000", "--soak_overall_timeout_seconds=60"]);
    if let Some((name, ca)) = tls {
        command.args(["--use_tls", "--use_test_ca", "--ca_file", text(ca)?, "--server_host_override", name]);
    }
    process::check(&command, Duration::from_secs(90)).with_context(|| case.to_owned())?;
    Ok(())
}

fn sslyze_python() -> Result<PathBuf> {
    python_with("venv-suites", "suites")
}

/// What sslyze finds out about the TLS server that `name` leads to, and whether that is Mozilla's `configuration`
/// (`modern`, `intermediate`): the JSON of its one scan (`server_scan_results[0]`), and what it says of the configuration.
pub fn sslyze(address: SocketAddr, name: &str, ca_file: &Path, configuration: &str) -> Result<(Value, String)> {
    let dir = RunDir::new("sslyze")?;
    let json = dir.path().join("scan.json");
    let mut command = Command::new(sslyze_python()?);
    // Beside what the check of the configuration looks at.
    command.args(["-m", "sslyze", "--early_data", "--reneg", "--robot", "--ems", "--heartbleed", "--openssl_ccs"]);
    command.args(["--mozilla_config", configuration, "--sni", name]);
    command.args(["--certinfo_ca_file", text(ca_file)?, "--json_out", text(&json)?, &address.to_string()]);
    let output = process::output(&command, LIMIT)?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = || format!("sslyze: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    let scan = std::fs::read_to_string(&json).with_context(said)?;
    let mut scan: Value = serde_json::from_str(&scan)?;
    let verdict = printed.split("COMPLIANCE AGAINST").nth(1).with_context(said)?.to_owned();
    Ok((scan["server_scan_results"][0].take(), verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2spec_counts_are_read() {
        let all = "Generic\n...\n\nFinished in 0.5 seconds\n146 tests, 146 passed, 0 skipped, 0 failed\n";
        assert_eq!(read_h2spec(all), Some(H2spec { tests: 146, passed: 146, failures: String::new() }));
        let one =
            "Failures: \n\nHTTP/2\n  x 2: Sends\n\nFinished in 1 seconds\n146 tests, 145 passed, 0 skipped, 1 failed";
        let failures = "HTTP/2\n  x 2: Sends".to_owned();
        assert_eq!(read_h2spec(one), Some(H2spec { tests: 146, passed: 145, failures }));
        assert_eq!(read_h2spec("Error: connect: connection refused"), None);
    }
}
