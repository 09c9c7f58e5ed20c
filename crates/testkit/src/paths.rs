//! Folders: the cache that outlives a run, the run folders that do not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// `$SLUICEGATE_CACHE`, else `~/.cache/sluicegate`: jars, the Python environment, built clients.
pub fn cache() -> PathBuf {
    std::env::var_os("SLUICEGATE_CACHE").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache/sluicegate"),
        PathBuf::from,
    )
}

/// The root of this repository's work tree.
pub fn repo() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}

/// The sources of the clients, `crates/testkit/clients`.
pub fn client_sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Runs `make` once for all processes that share `dir`: under a lock file beside it, unless `stamp` inside it already
/// holds `content`. `make` finds `dir` existing and may leave a half-made one behind; the stamp is written last.
pub fn once(dir: &Path, stamp: &str, content: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = dir.join(stamp);
    let done = || fs::read_to_string(&stamp).is_ok_and(|found| found == content);
    if done() {
        return Ok(());
    }
    fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    let lock = {
        let mut path = dir.as_os_str().to_owned();
        path.push(".lock");
        File::create(path)?
    };
    lock.lock()?;
    if done() {
        return Ok(());
    }
    make()?;
    fs::write(&stamp, content)?;
    Ok(())
}

/// A folder of this run, removed when dropped, kept when the thread that drops it is panicking or [`RunDir::keep`] was called.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    keep: bool,
}

fn base() -> PathBuf {
    std::env::temp_dir().join("sluicegate-testkit")
}

impl RunDir {
    /// Makes `$TMPDIR/sluicegate-testkit/PID-SEQUENCE-name`.
    pub fn new(name: &str) -> Result<Self> {
        static SEQUENCE: AtomicU32 = AtomicU32::new(0);
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let path = base().join(format!("{}-{sequence}-{name}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("{}", path.display()))?;
        Ok(Self { path, keep: false })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the folder for a day, for whoever looks into a failure.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.keep || std::thread::panicking() {
            let _ = fs::write(self.path.join("kept"), "");
        } else {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes what processes that are gone left behind: handles in statics are never dropped.
fn sweep() {
    let Ok(entries) = fs::read_dir(base()) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.split('-').next()).and_then(|p| p.parse::<u32>().ok()) else {
            continue;
        };
        let age =
            entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| SystemTime::now().duration_since(m).ok());
        let day_old = age.is_some_and(|age| age > Duration::from_secs(86_400));
        let alive = Path::new("/proc").join(pid.to_string()).exists();
        if !alive && (day_old || !path.join("kept").exists()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}
