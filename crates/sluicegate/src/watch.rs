//! Tells when files change.
//!
//! The kernel's events only wake the watcher; what counts is the comparison of two looks at the files, so that a missed event
//! costs seconds, never a change. A change is told once the files have been still for a moment: no file is open in a
//! writer that has begun to write, and two looks in a row are equal.

use crate::files::{self, Scan};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher as _};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// How long files must be still. A change is told after this, and at most twice this if nobody goes on writing.
pub const STILL: Duration = Duration::from_millis(20);
/// How long a writer can hold back a change by not closing its file.
const LONGEST_WRITE: Duration = Duration::from_secs(1);
/// How often to look when the kernel tells nothing (network file systems, no watches left).
const POLL: Duration = Duration::from_secs(2);
/// How often to look all the same when the kernel does tell.
const SAFETY_POLL: Duration = Duration::from_secs(10);

/// Something happened to a file, or somebody wants a look.
#[derive(Debug)]
enum Wake {
    Event(notify::Event),
    Look,
}

/// Wakes the watcher from outside.
#[derive(Clone, Debug)]
pub struct Handle(SyncSender<Wake>);

impl Handle {
    /// Asks for a look now, after which `changed` is called even if nothing changed.
    pub fn look(&self) {
        // A full queue means that a look is due anyway.
        let _ = self.0.try_send(Wake::Look);
    }
}

/// Watches paths on a thread of its own, which lives as long as `changed` returns true. `known` is the look that the
/// caller has acted upon; `changed` gets each later one that differs.
pub fn spawn(
    paths: Vec<PathBuf>,
    known: Scan,
    changed: impl FnMut(Scan) -> bool + Send + 'static,
) -> std::io::Result<Handle> {
    let (sender, receiver) = sync_channel(1024);
    let handle = Handle(sender.clone());
    let watcher = Watcher { paths, known, events: Events::new(sender), receiver, changed };
    std::thread::Builder::new().name("watch".into()).spawn(move || watcher.run())?;
    Ok(handle)
}

struct Watcher<F> {
    paths: Vec<PathBuf>,
    known: Scan,
    events: Events,
    receiver: Receiver<Wake>,
    changed: F,
}

impl<F: FnMut(Scan) -> bool> Watcher<F> {
    fn run(mut self) {
        self.events.follow(&self.paths, &self.known);
        loop {
            let asked = match self.wait() {
                Some(asked) => asked,
                None => return,
            };
            let scan = self.settle();
            self.events.follow(&self.paths, &scan);
            if asked || scan != self.known {
                self.known = scan.clone();
                if !(self.changed)(scan) {
                    return;
                }
            }
        }
    }

    /// Waits for a reason to look; says whether somebody asked for it. `None`: nobody is left who could.
    fn wait(&mut self) -> Option<bool> {
        let deadline = Instant::now() + if self.events.work() { SAFETY_POLL } else { POLL };
        loop {
            match self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Wake::Look) => return Some(true),
                Ok(Wake::Event(event)) if self.events.take(&event) => return Some(false),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Some(false),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Waits until the files are still, and gives the last look.
    fn settle(&mut self) -> Scan {
        let deadline = Instant::now() + LONGEST_WRITE;
        let mut scan = files::scan(&self.paths);
        loop {
            let still = Instant::now() + STILL;
            while let Ok(wake) = self.receiver.recv_timeout(still.saturating_duration_since(Instant::now())) {
                if let Wake::Event(event) = wake {
                    self.events.take(&event);
                }
            }
            let next = files::scan(&self.paths);
            let quiet = next == scan && self.events.writing.is_empty();
            scan = next;
            if quiet || Instant::now() >= deadline {
                self.events.writing.clear();
                return scan;
            }
        }
    }
}

/// The kernel's events.
struct Events {
    watcher: Option<notify::RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    failed: bool,
    roots: Vec<PathBuf>,
    /// Files that somebody has begun to write and not closed.
    writing: HashSet<PathBuf>,
}

impl Events {
    fn new(sender: SyncSender<Wake>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let wake = match event {
                // Our own reading opens and closes files.
                Ok(event) if is_reading(&event.kind) => return,
                Ok(event) => Wake::Event(event),
                // A queue that overflowed, say: something happened.
                Err(_) => Wake::Event(notify::Event::new(EventKind::Any)),
            };
            if let Err(TrySendError::Full(_)) = sender.try_send(wake) {
                // 1,024 events wait: the look they cause will see this one too.
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "the system tells no file changes: looking every {} s", POLL.as_secs());
        }
        Self {
            failed: watcher.is_err(),
            watcher: watcher.ok(),
            watched: BTreeSet::new(),
            roots: Vec::new(),
            writing: HashSet::new(),
        }
    }

    fn work(&self) -> bool {
        !self.failed
    }

    /// Watches every folder that was read, the folders in which the paths themselves stand, and those that links lead to.
    fn follow(&mut self, paths: &[PathBuf], scan: &Scan) {
        let Some(watcher) = &mut self.watcher else { return };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.roots = paths.iter().map(|path| absolute(path)).collect();
        let mut wanted: BTreeSet<PathBuf> = scan.folders.iter().map(|folder| absolute(folder)).collect();
        wanted.extend(self.roots.iter().filter_map(|root| root.parent()).map(Path::to_owned));
        for file in scan.files.keys() {
            if let Some(folder) = file.canonicalize().ok().as_deref().and_then(Path::parent) {
                wanted.insert(folder.to_owned());
            }
        }
        self.failed = false;
        for gone in self.watched.difference(&wanted) {
            // Fails for a folder that was removed, which the kernel has forgotten by itself.
            let _ = watcher.unwatch(gone);
        }
        let mut watched = BTreeSet::new();
        for folder in wanted {
            // A folder may have been replaced under its name, so each is watched anew: that costs one system call.
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => _ = watched.insert(folder),
                Err(error) => {
                    tracing::debug!(folder = %folder.display(), %error, "cannot watch");
                    self.failed = true;
                }
            }
        }
        self.watched = watched;
    }

    /// Takes note of who writes; says whether the event can matter.
    fn take(&mut self, event: &notify::Event) -> bool {
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) if files::is_manifest(path) => {
                    self.writing.insert(path.clone());
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Remove(_) => {
                    self.writing.remove(path);
                }
                EventKind::Modify(ModifyKind::Name(_)) => _ = self.writing.remove(path),
                _ => {}
            }
        }
        // The folder in which a path stands is watched for that path alone.
        let matters = event.paths.is_empty()
            || event.paths.iter().any(|path| {
                let alone = |root: &PathBuf| {
                    root.parent() == path.parent()
                        && !self.roots.iter().any(|root| Some(root.as_path()) == path.parent())
                };
                path.ancestors().any(|above| self.roots.iter().any(|root| root == above))
                    || !self.roots.iter().any(alone)
            });
        if !matters {
            event.paths.iter().for_each(|path| _ = self.writing.remove(path));
        }
        matters
    }
}

fn is_reading(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    struct Watched {
        dir: tempfile::TempDir,
        changes: Receiver<Scan>,
        _handle: Handle,
    }

    fn watch(prepare: impl Fn(&Path)) -> Watched {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("served");
        fs::create_dir(&root).unwrap();
        prepare(&root);
        let paths = vec![root];
        let (sender, changes) = sync_channel(100);
        let known = files::scan(&paths);
        let handle = spawn(paths, known, move |scan| sender.send(scan).is_ok()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        Watched { dir, changes, _handle: handle }
    }

    impl Watched {
        fn root(&self) -> PathBuf {
            self.dir.path().join("served")
        }
        fn next(&self) -> String {
            let scan = self.changes.recv_timeout(Duration::from_secs(8)).unwrap();
            let (sources, _) = files::read(&scan);
            sources.iter().map(|source| String::from_utf8_lossy(&source.bytes).into_owned()).collect()
        }
        fn silent(&self) {
            assert!(self.changes.recv_timeout(Duration::from_millis(300)).is_err());
        }
    }

    #[test]
    fn a_saved_file_is_told_soon_and_once() {
        let watched = watch(|root| fs::write(root.join("a.yaml"), "one").unwrap());
        let before = Instant::now();
        fs::write(watched.root().join("a.yaml"), "three").unwrap();
        assert_eq!(watched.next(), "three");
        assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
        watched.silent();
    }

    #[test]
    fn foreign_files_tell_nothing() {
        let watched = watch(|root| fs::write(root.join("a.yaml"), "one").unwrap());
        fs::write(watched.root().join(".a.yaml.swp"), "x").unwrap();
        fs::write(watched.dir.path().join("beside.yaml"), "x").unwrap();
        watched.silent();
    }

    #[test]
    fn new_folders_are_watched_too() {
        let watched = watch(|_| {});
        fs::create_dir_all(watched.root().join("b/c")).unwrap();
        assert_eq!(watched.next(), "");
        fs::write(watched.root().join("b/c/x.yml"), "deep").unwrap();
        assert_eq!(watched.next(), "deep");
    }

    #[test]
    fn a_swapped_link_is_one_change() {
        let watched = watch(|root| {
            for version in ["..1", "..2"] {
                fs::create_dir(root.join(version)).unwrap();
                fs::write(root.join(version).join("a.yaml"), version).unwrap();
                fs::write(root.join(version).join("b.yaml"), version).unwrap();
            }
            symlink("..1", root.join("..data")).unwrap();
            symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
            symlink("..data/b.yaml", root.join("b.yaml")).unwrap();
        });
        symlink("..2", watched.root().join("..data_tmp")).unwrap();
        fs::rename(watched.root().join("..data_tmp"), watched.root().join("..data")).unwrap();
        assert_eq!(watched.next(), "..2..2");
        fs::remove_dir_all(watched.root().join("..1")).unwrap();
        watched.silent();
    }

    #[test]
    fn a_half_written_file_waits_for_its_end() {
        let watched = watch(|_| {});
        let mut file = fs::File::create(watched.root().join("a.yaml")).unwrap();
        file.write_all(b"one, ").unwrap();
        std::thread::sleep(Duration::from_millis(200));
        file.write_all(b"two").unwrap();
        drop(file);
        assert_eq!(watched.next(), "one, two");
        watched.silent();
    }

    #[test]
    fn a_file_moved_into_place_and_a_removed_one_are_told() {
        let watched = watch(|root| fs::write(root.join("a.yaml"), "a").unwrap());
        fs::write(watched.root().join(".new"), "b").unwrap();
        fs::rename(watched.root().join(".new"), watched.root().join("b.yaml")).unwrap();
        assert_eq!(watched.next(), "ab");
        fs::remove_file(watched.root().join("a.yaml")).unwrap();
        assert_eq!(watched.next(), "b");
    }

    #[test]
    fn a_look_can_be_asked_for() {
        let watched = watch(|root| fs::write(root.join("a.yaml"), "a").unwrap());
        watched._handle.look();
        assert_eq!(watched.next(), "a");
    }
}
