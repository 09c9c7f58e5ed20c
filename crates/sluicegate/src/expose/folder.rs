//! The folder that `expose` writes.

use crate::certificate::{Ca, write_private};
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder being written. Files that somebody changed by hand stay, unless told otherwise.
pub(super) struct Folder {
    path: PathBuf,
    overwrite: bool,
    kept: Vec<String>,
}

impl Folder {
    pub(super) fn open(path: &Path, overwrite: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        Ok(Self { path, overwrite, kept: Vec::new() })
    }

    /// The absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute path of a file in it.
    pub(super) fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Writes a file that the user may edit: one that differs is kept.
    pub(super) fn manifest(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        if self.keeps(name, text) { Ok(()) } else { self.generated(name, text) }
    }

    /// As [`Folder::manifest`], for files into which the user writes a password: only their owner may read them.
    pub(super) fn private(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        if self.keeps(name, text) { Ok(()) } else { write_private(&self.path.join(name), text) }
    }

    /// Whether the file stands there with other text and shall stay; takes note of it.
    fn keeps(&mut self, name: &str, text: &str) -> bool {
        let keeps = !self.overwrite && fs::read_to_string(self.path.join(name)).is_ok_and(|standing| standing != text);
        if keeps {
            self.kept.push(name.to_owned());
        }
        keeps
    }

    /// Writes a file that follows from the others.
    pub(super) fn generated(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes a certificate for these names, by the folder's own CA.
    pub(super) fn certificate(&self, hosts: &[String]) -> anyhow::Result<()> {
        let identity = Ca::open(&self.path)?.issue(hosts)?;
        write_private(&self.path.join("certificate.yaml"), &identity.secret("default", "certificate"))
    }

    /// A note on files that were kept; empty if there are none.
    pub(super) fn note(&self) -> String {
        if self.kept.is_empty() {
            return String::new();
        }
        format!(
            "\nnote: kept {} as found, although this command would write something else, so that what is said above may not hold; \
             --overwrite replaces {}\n",
            self.kept.join(" and "),
            if self.kept.len() == 1 { "it" } else { "them" }
        )
    }
}
