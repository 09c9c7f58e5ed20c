//! Which files are served, their stamps and their bytes.
//!
//! A path is a file, or a folder that is read with all folders in it. Files end in `.yaml`, `.yml` or `.json`; names
//! that begin with a dot are skipped. Links are followed, so that a mounted ConfigMap works: there `a.yaml` is a link to
//! `..data/a.yaml`, `..data` is a link to a folder with a date for a name, and an update swaps that one link.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// No manifest is larger; a file that is gives a problem instead of an empty memory.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Folders in folders, beyond which a tree is taken for a mistake.
const MAX_DEPTH: usize = 32;
/// Files in all paths together.
const MAX_FILES: usize = 100_000;

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// How long ago the file was written; zero for a time in the future.
    pub fn age(&self) -> Duration {
        let (seconds, nanos) = self.modified;
        let written = Duration::new(seconds.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0));
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + written).unwrap_or_default()
    }

    /// Whether the file is empty.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }
}

/// One look at the paths: which files there are, and what could not be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// By path as the user would write it, sorted.
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Folders that were read, to be watched.
    pub folders: BTreeSet<PathBuf>,
    /// What could not be read, and why.
    pub unreadable: BTreeMap<PathBuf, String>,
}

/// A file and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user would write it.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Looks at all paths.
pub fn scan(paths: &[PathBuf]) -> Scan {
    let mut scan = Scan::default();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                visit(path, &mut scan, &mut vec![(metadata.dev(), metadata.ino())]);
            }
            // A file that is named outright is read whatever its name.
            Ok(metadata) => {
                scan.files.insert(path.clone(), Stamp::of(&metadata));
            }
            Err(error) => {
                scan.unreadable.insert(path.clone(), describe(&error));
            }
        }
    }
    scan
}

fn visit(folder: &Path, scan: &mut Scan, above: &mut Vec<(u64, u64)>) {
    scan.folders.insert(folder.to_owned());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            scan.unreadable.insert(folder.to_owned(), describe(&error));
            return;
        }
    };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let id = (metadata.dev(), metadata.ino());
                // A link to a folder above would go on for ever.
                if !above.contains(&id) && above.len() < MAX_DEPTH {
                    above.push(id);
                    visit(&path, scan, above);
                    above.pop();
                }
            }
            Ok(metadata) if metadata.is_file() && is_manifest(&path) => {
                if scan.files.len() < MAX_FILES {
                    scan.files.insert(path, Stamp::of(&metadata));
                } else {
                    scan.unreadable.insert(path, format!("more than {MAX_FILES} files"));
                }
            }
            Ok(_) => {}
            Err(error) if is_manifest(&path) => {
                scan.unreadable.insert(path, describe(&error));
            }
            Err(_) => {}
        }
    }
}

/// Whether the name is one of a file that folders are read for.
pub fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

/// Reads what a scan found. A file that changes while it is read is read again; one that is gone, unreadable or too large is named
/// among the unreadable ones.
pub fn read(scan: &Scan) -> (Vec<Source>, BTreeMap<PathBuf, String>) {
    let mut unreadable = scan.unreadable.clone();
    let mut sources = Vec::with_capacity(scan.files.len());
    for path in scan.files.keys() {
        match read_whole(path) {
            Ok(bytes) => sources.push(Source { path: path.clone(), bytes }),
            Err(error) => {
                unreadable.insert(path.clone(), describe(&error));
            }
        }
    }
    (sources, unreadable)
}

fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::other(format!("larger than {} MiB", MAX_FILE_BYTES >> 20));
    let mut tries = 0;
    loop {
        let mut file = std::fs::File::open(path)?;
        let before = Stamp::of(&file.metadata()?);
        if before.size > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        file.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(too_large());
        }
        tries += 1;
        if tries > 10 || Stamp::of(&std::fs::metadata(path)?) == before {
            // Kept as long as the file is served.
            bytes.shrink_to_fit();
            return Ok(bytes);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn names(scan: &Scan, root: &Path) -> Vec<String> {
        scan.files.keys().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_are_read_recursively_without_hidden_and_foreign_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("b/.git")).unwrap();
        for name in ["z.yaml", "a.yml", "b/c.json", "b/.hidden.yaml", "b/.git/x.yaml", "README.md", "ca.key"] {
            fs::write(root.join(name), "x").unwrap();
        }
        symlink("..", root.join("b/loop")).unwrap();
        let scan = scan(&[root.to_owned()]);
        assert_eq!(names(&scan, root), ["a.yml", "b/c.json", "z.yaml"]);
        assert!(scan.unreadable.is_empty());
    }

    #[test]
    fn a_mounted_config_map_is_read_through_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(root.join(version)).unwrap();
            fs::write(root.join(version).join("a.yaml"), text).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
        let first = scan(&[root.to_owned()]);
        assert_eq!(names(&first, root), ["a.yaml"]);
        assert_eq!(read(&first).0[0].bytes, b"one");
        symlink("..2", root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        let second = scan(&[root.to_owned()]);
        assert_ne!(first, second);
        assert_eq!(read(&second).0[0].bytes, b"two");
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.yaml");
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let (sources, unreadable) = read(&scan(&[dir.path().to_owned()]));
        assert!(sources.is_empty());
        assert_eq!(unreadable[&path], "larger than 64 MiB");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        symlink("nowhere", dir.path().join("dangling.yaml")).unwrap();
        let scan = scan(&[dir.path().to_owned(), dir.path().join("missing.yaml")]);
        assert_eq!(scan.unreadable.len(), 2);
        assert_eq!(scan.unreadable[&dir.path().join("missing.yaml")], "no such file or folder");
    }
}
