//! The gateway and its peers, each configured to do the same, and running.

mod http;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{Process, net};

pub(crate) use http::{HttpPeer, Site, backend, route, sluicegate_config};

/// A proxy (or a backend) that runs; it is killed when this is dropped.
pub(crate) struct Running {
    /// As the tables call it.
    pub(crate) name: String,
    /// The process; its tree is what is measured.
    pub(crate) process: Process,
    /// Where clients connect, on 127.0.0.1.
    pub(crate) port: u16,
    /// The gateway's admin port, or a peer's port for metrics.
    pub(crate) admin: Option<u16>,
    /// The access log.
    pub(crate) log: PathBuf,
}

impl Running {
    /// Starts `command` and waits until it accepts connections on `port` (and, if `admin` is the gateway's, is ready). What it prints
    /// goes to `DIR/output`.
    pub(crate) fn start(name: &str, command: &Command, dir: &Path, port: u16, log: PathBuf) -> Result<Self> {
        let forks = command.get_program().to_string_lossy().ends_with("/nginx");
        let process = match forks {
            true => Process::start(name, &family(command), &dir.join("output"))?,
            false => Process::start(name, command, &dir.join("output"))?,
        };
        let mut running = Self { name: name.to_owned(), process, port, admin: None, log };
        running.process.wait_until(Duration::from_secs(120), |_| accepts(port))?;
        Ok(running)
    }

    /// The process id of the tree's root.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Counts the lines of the access log and empties it.
    pub(crate) fn take_log(&self) -> Result<usize> {
        let mut file = File::open(&self.log).with_context(|| format!("{}", self.log.display()))?;
        let mut buffer = vec![0; 1 << 20];
        let mut lines = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => lines += buffer[..n].iter().filter(|byte| **byte == b'\n').count(),
            }
        }
        File::options().write(true).open(&self.log)?.set_len(0)?;
        Ok(lines)
    }
}

/// The same command, in a namespace of processes of its own where that is permitted: when this program is broken off, the kernel ends the
/// command, and with it everything that it has forked.
fn family(command: &Command) -> Command {
    let unshare = ["--pid", "--fork", "--kill-child"];
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    let permitted = *PERMITTED.get_or_init(|| {
        Command::new("unshare").args(unshare).arg("true").output().is_ok_and(|output| output.status.success())
    });
    let mut whole = Command::new(if permitted { "unshare".as_ref() } else { command.get_program() });
    if permitted {
        whole.args(unshare).arg(command.get_program());
    }
    whole.args(command.get_args());
    whole
}

/// Whether something accepts connections on this port of 127.0.0.1.
pub(crate) fn accepts(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The answer to `GET path` on a port of 127.0.0.1; `None` if there is none.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The gateway, serving the folder `DIR/config`.
pub(crate) fn sluicegate(binary: &Path, dir: &Path, port: u16, workers: usize) -> Result<Running> {
    let (command, admin, log) = sluicegate_command(binary, dir, workers)?;
    let mut running = Running::start("sluicegate", &command, dir, admin, log)?;
    ready(&mut running, admin)?;
    running.port = port;
    running.admin = Some(admin);
    Ok(running)
}

/// Waits until the gateway has applied its configuration.
pub(crate) fn ready(running: &mut Running, admin: u16) -> Result<()> {
    running.process.wait_until(Duration::from_secs(300), |_| {
        get(admin, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    })
}

/// The command of [`sluicegate`], its admin port and its access log.
pub(crate) fn sluicegate_command(binary: &Path, dir: &Path, workers: usize) -> Result<(Command, u16, PathBuf)> {
    let admin = net::free_port()?;
    let log = dir.join("access.log");
    let mut command = Command::new(binary);
    command.arg("run").args(["--workers", &workers.to_string(), "--admin", &format!("127.0.0.1:{admin}")]);
    command.arg("--access-log").arg(&log).arg(dir.join("config"));
    Ok((command, admin, log))
}

/// Writes a file below a folder, with the folders on the way.
pub(crate) fn file(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, text).with_context(|| format!("{}", path.display()))?;
    Ok(path)
}
