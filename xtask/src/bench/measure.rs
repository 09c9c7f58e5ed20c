//! What processes have used, read from `/proc`; nothing here depends on how long anything took.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::process;

use super::tools;

/// CPU time in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// In user mode.
    pub(crate) user: f64,
    /// In the kernel.
    pub(crate) sys: f64,
}

impl Cpu {
    /// Both.
    pub(crate) fn total(self) -> f64 {
        self.user + self.sys
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, sys: self.sys - earlier.sys }
    }
}

/// Memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Proportional set size: shared pages count by the share.
    pub(crate) pss: f64,
    /// Resident set size.
    pub(crate) rss: f64,
}

/// Clock ticks per second of `/proc/PID/stat`: `USER_HZ`, 100 on every Linux that Rust's standard library supports.
const TICKS: f64 = 100.0;

/// The fields of `/proc/PID/stat` from the third on (`state` is 0, `ppid` 1, `utime` 11 …).
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// A process and all that descend from it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.get(pid).into_iter().flatten());
        next += 1;
    }
    found
}

/// User and system time of a process tree, with that of children which have ended and been waited for. Resolution 10 ms.
pub(crate) fn cpu(root: u32) -> Cpu {
    let ticks = |fields: &[String], at: usize| -> f64 { fields.get(at).and_then(|n| n.parse().ok()).unwrap_or(0.0) };
    tree(root).into_iter().filter_map(stat).fold(Cpu::default(), |sum, fields| Cpu {
        user: sum.user + (ticks(&fields, 11) + ticks(&fields, 13)) / TICKS,
        sys: sum.sys + (ticks(&fields, 12) + ticks(&fields, 14)) / TICKS,
    })
}

/// CPU seconds of all threads that a process tree has now, by the scheduler's nanoseconds. For what takes milliseconds.
pub(crate) fn fine_cpu(root: u32) -> f64 {
    let threads = tree(root).into_iter().flat_map(|pid| {
        fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().map(|task| task.path())
    });
    let nanoseconds = threads.filter_map(|path| {
        fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// Memory of a process tree.
pub(crate) fn memory(root: u32) -> Memory {
    let field = |text: &str, name: &str| -> f64 {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|v| v.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
    };
    tree(root).into_iter().fold(Memory::default(), |sum, pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        Memory { pss: sum.pss + field(&text, "Pss"), rss: sum.rss + field(&text, "Rss") }
    })
}

/// Runs `load` while the syscalls of a process tree are counted; `None` where the kernel does not let them be counted.
pub(crate) fn syscalls<T>(root: u32, load: impl FnOnce() -> Result<T>) -> Result<(T, Option<f64>)> {
    let pids = tree(root).iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut command: Command = tools::program("perf");
    command.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &pids]);
    let dir = testkit::paths::RunDir::new("perf")?;
    let log = dir.path().join("out");
    let mut perf = testkit::Process::start("perf", &command, &log)?;
    std::thread::sleep(Duration::from_millis(300));
    let result = load()?;
    perf.signal(rustix::process::Signal::INT);
    let end = std::time::Instant::now() + Duration::from_secs(5);
    while perf.ended().is_none() && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    let count = perf
        .log()
        .lines()
        .find(|line| line.contains("raw_syscalls"))
        .and_then(|line| line.split(',').next()?.parse::<f64>().ok());
    Ok((result, count))
}

/// Runs a command to its end and gives what it printed.
pub(crate) fn output(command: &Command, limit: Duration) -> Result<String> {
    process::check(command, limit).with_context(|| format!("{:?}", command.get_program()))
}

/// Cores of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

/// The middle one, or the mean of the two in the middle; NaN of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// `0..n` in random order.
pub(crate) fn shuffled(n: usize) -> Vec<usize> {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|i| random.hash_one(i));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        assert!(tree(pid).contains(&pid));
        assert!(memory(pid).pss > 0.0 && memory(pid).rss >= memory(pid).pss);
        assert!(fine_cpu(pid) > 0.0);
    }
}
