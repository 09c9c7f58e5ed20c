//! Programs that flood a gateway on loopback, bounded in time and count: HTTP/2 frames by PyPI's `h2`, slow HTTP/1 by
//! Debian's slowhttptest.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{clients, paths, process};

/// Installs what the floods need.
pub fn prepare() -> Result<()> {
    python()?;
    if !Path::new(SLOWHTTPTEST).exists() {
        let mut apt = Command::new("sh");
        apt.args(["-c", "apt-get -qq update && apt-get -qq install -y --no-install-recommends slowhttptest"]);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        process::check(&apt, Duration::from_secs(300)).context("install slowhttptest")?;
    }
    Ok(())
}

const SLOWHTTPTEST: &str = "/usr/bin/slowhttptest";

fn python() -> Result<std::path::PathBuf> {
    clients::python_with("venv-floods", "floods")
}

/// Floods `127.0.0.1:port` with HTTP/2 by prior knowledge, each of the named floods on so many connections; see
/// `clients/floods/floods.py`, which has them, and says what comes back.
///
/// # Errors
/// When the program fails, or takes 30 s more than `seconds`.
pub fn http2(names: &[&str], port: u16, seconds: f64, connections: usize) -> Result<Value> {
    let mut command = Command::new(python()?);
    command.arg(paths::client_sources().join("floods/floods.py")).arg(names.join(",")).arg(port.to_string()).arg("-");
    command.arg(seconds.to_string()).arg(connections.to_string());
    let output = process::check(&command, Duration::from_secs_f64(seconds + 30.0))?;
    serde_json::from_str(output.trim()).with_context(|| format!("{names:?} said: {output}"))
}

/// What slowhttptest does slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// Slowloris: headers.
    Headers,
    /// R.U.D.Y.: the request's body.
    Body,
    /// Apache killer: many overlapping ranges.
    Range,
    /// Reading of the response.
    Read,
}

/// slowhttptest with so many connections against `http://HOST:PORT/path`, for `seconds`; what it printed.
pub fn slow_http(slow: Slow, to: SocketAddr, path: &str, connections: usize, seconds: u32) -> Result<String> {
    anyhow::ensure!(to.ip() == Ipv4Addr::LOCALHOST, "loopback only");
    let mut command = Command::new(SLOWHTTPTEST);
    let (connections, seconds) = (connections.to_string(), seconds.to_string());
    match slow {
        Slow::Headers => command.args(["-H", "-i", "1", "-t", "GET"]),
        Slow::Body => command.args(["-B", "-i", "1", "-s", "8192", "-t", "POST"]),
        Slow::Range => command.args(["-R", "-a", "1", "-b", "3000"]),
        Slow::Read => command.args(["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "1"]),
    };
    command.args(["-c", &connections, "-r", &connections, "-l", &seconds, "-p", "2", "-u"]);
    command.arg(format!("http://{to}{path}"));
    process::check(&command, Duration::from_secs(60))
}
