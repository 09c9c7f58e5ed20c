//! What a proxy serves, on its disk: it starts from there when the controller is away.

use super::code;
use super::generated as wire;
use serde_json::{Value, json};
use snapshot::{Entity, Snapshot};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// A file that holds a snapshot, private keys included: it is readable by its owner alone.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// In this folder, which is there and belongs to the proxy.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { path: folder.into().join("snapshot.json") }
    }

    /// What was kept; nothing if there is none, or none that can be read.
    pub fn load(&self) -> Snapshot {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Snapshot::default(),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot read the snapshot of the last run");
                return Snapshot::default();
            }
        };
        let kept: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let entities = kept["entities"].as_array().into_iter().flatten().map(|entity| {
            let text = |name: &str| entity[name].as_str().unwrap_or_default().to_owned();
            code::read(&wire::Entity { json: text("json"), private_key: text("private_key") })
        });
        // One that is only read in part would serve a part: better to wait for the controller.
        let Ok(entities) = entities.collect::<Result<Vec<Entity>, String>>() else {
            tracing::warn!(path = %self.path.display(), "the snapshot of the last run is of another release; waiting for the controller");
            return Snapshot::default();
        };
        let revision = kept["revision"].as_u64().unwrap_or_default();
        Snapshot { revision, entities: entities.into_iter().map(|entity| (entity.key(), entity)).collect() }
    }

    /// Keeps it. The file is whole or as it was.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let entities: Vec<Value> = snapshot
            .entities
            .values()
            .map(code::write)
            .map(|entity| json!({ "json": entity.json, "private_key": entity.private_key }))
            .collect();
        let kept = json!({ "revision": snapshot.revision, "entities": entities });
        let new = self.path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(kept.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(new, &self.path)
    }
}
