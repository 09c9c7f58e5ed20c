//! Addresses and ports that parallel tests do not share.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result};

fn lock(name: &str) -> Option<File> {
    let dir: PathBuf = std::env::temp_dir().join("sluicegate-locks");
    fs::create_dir_all(&dir).ok()?;
    let file = File::options().create(true).truncate(false).write(true).open(dir.join(name)).ok()?;
    file.try_lock().is_ok().then_some(file)
}

/// `127.0.NET.0/24`, held against every other test process until dropped. Servers of one network can all use the same
/// well-known port, as they would on machines of their own.
#[derive(Debug)]
pub struct LoopbackNet {
    net: u8,
    _lock: File,
}

impl LoopbackNet {
    /// Takes the first network of 127.0.20.0 … 127.0.250.0 that no one holds.
    pub fn claim() -> Result<Self> {
        let start = std::process::id() % 231;
        (0..231u32)
            .filter_map(|i| u8::try_from(20 + (start + i) % 231).ok())
            .find_map(|net| lock(&format!("net-{net}")).map(|file| Self { net, _lock: file }))
            .context("no free loopback network")
    }

    /// `127.0.NET.host`; `host` counts from 1.
    pub fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, self.net, host)
    }

    /// A free TCP port on [`Self::address`].
    pub fn socket(&self, host: u8) -> Result<SocketAddr> {
        let listener = TcpListener::bind((self.address(host), 0))?;
        Ok(listener.local_addr()?)
    }
}

/// A TCP port that is free on every local address and stays this process's until it ends. Below the kernel's range for
/// outgoing connections, so that no client of a parallel test can take it in between.
pub fn free_port() -> Result<u16> {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut held = HELD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let start = (std::process::id() % 600) * 20;
    for i in 0..12_000u32 {
        let port = u16::try_from(20_000 + (start + i) % 12_000)?;
        let Some(file) = lock(&format!("port-{port}")) else { continue };
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            held.push(file);
            return Ok(port);
        }
    }
    anyhow::bail!("no free port")
}
