//! What a process uses, as the kernel tells.

use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;

/// One moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Bytes in memory.
    pub rss: u64,
    /// The most it was since [`reset_peak`].
    pub peak: u64,
    /// Bytes in memory, those shared with others divided among them.
    pub pss: u64,
    /// User and system time of all threads that live.
    pub cpu: Duration,
    /// File descriptors.
    pub fds: usize,
}

impl Usage {
    pub fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the gateway is gone")?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let mut cpu = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            cpu += schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0u64);
        }
        Ok(Self {
            rss: field(&status, "VmRSS:")?,
            peak: field(&status, "VmHWM:")?,
            pss: field(&rollup, "Pss:")?,
            cpu: Duration::from_nanos(cpu),
            fds: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}

/// Begins to look for the peak anew.
pub fn reset_peak(pid: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib << 10)
}
