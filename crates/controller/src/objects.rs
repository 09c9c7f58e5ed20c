//! The objects that the watches have seen, read as those of a folder are.

use crate::watch::{Feed, Seen};
use resources::{AnyObject, Key, Kind, Problem, Resources};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What an object is beside what it wants: of use to those who write to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Live {
    /// The feed that has it.
    pub(crate) group: &'static str,
    pub(crate) api_version: String,
    pub(crate) uid: String,
    /// Changes with every write, also to the status.
    pub(crate) resource_version: String,
    /// As it stands on the server; null when there is none.
    pub(crate) status: Value,
    /// It is being deleted: finalizers hold it.
    pub(crate) deleting: bool,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// What is valid, as `translate` takes it. Secrets and ConfigMaps are in it once their content has been read.
    pub(crate) resources: Resources,
    pub(crate) live: BTreeMap<Key, Live>,
    /// Objects that the server has and we cannot read, such as those of a newer release.
    pub(crate) unreadable: BTreeMap<Key, Vec<Problem>>,
    /// Feeds that have shown all their objects, or are known to be absent.
    settled: BTreeSet<Feed>,
    absent: BTreeMap<Feed, String>,
}

impl Objects {
    /// Takes what a watch has seen. Says whether anything changed that a translation reads.
    pub(crate) fn take(&mut self, feed: Feed, seen: Seen) -> bool {
        let changed = match seen {
            Seen::All(objects) => {
                let mut changed = false;
                if let Some(why) = self.absent.remove(&feed) {
                    tracing::info!(kind = feed.kind.as_str(), group = feed.group, was = why, "watched from now on");
                    changed = true;
                }
                let mut gone: BTreeSet<Key> = self.of(&feed).collect();
                for object in objects {
                    let Some(key) = self.apply(&feed, object, &mut changed) else { continue };
                    gone.remove(&key);
                }
                gone.iter().fold(changed, |changed, key| self.remove(key) | changed)
            }
            Seen::Applied(object) => {
                let mut changed = false;
                self.apply(&feed, object, &mut changed);
                changed
            }
            Seen::Deleted(key) => self.live.get(&key).is_some_and(|live| live.group == feed.group) && self.remove(&key),
            Seen::Absent => {
                let gone: Vec<Key> = self.of(&feed).collect();
                let is_new = self.absent.insert(feed.clone(), "the API server has no such kind".to_owned()).is_none();
                gone.iter().fold(is_new, |changed, key| self.remove(key) | changed)
            }
            // What was seen stays: it is the best that is known.
            Seen::Unreadable(why) => {
                if self.absent.get(&feed) != Some(&why) {
                    tracing::warn!(
                        kind = feed.kind.as_str(),
                        group = feed.group,
                        why,
                        "cannot be watched; trying again"
                    );
                }
                self.absent.insert(feed.clone(), why).is_none()
            }
        };
        // The first complete view of the last feed is worth a translation, whatever was in it.
        self.settled.insert(feed) | changed
    }

    /// Whether every feed has shown what there is, so that what is not there is known not to be.
    pub(crate) fn are_complete(&self) -> bool {
        self.settled.len() == Feed::all().len()
    }

    /// Whether the server has the kind, and lets us read it.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        Feed::all().iter().any(|feed| feed.kind == kind && !self.absent.contains_key(feed))
    }

    /// Takes the content of a Secret or a ConfigMap that was asked for. Says whether it is new.
    pub(crate) fn take_content(&mut self, object: Value) -> bool {
        match read(object) {
            Ok(object) => self.live.contains_key(&object.key()) && self.resources.upsert(object),
            Err(problems) => {
                for problem in problems {
                    tracing::warn!("{problem}");
                }
                false
            }
        }
    }

    fn of<'a>(&'a self, feed: &'a Feed) -> impl Iterator<Item = Key> + 'a {
        self.live
            .iter()
            .filter(|(key, live)| key.kind == feed.kind && live.group == feed.group)
            .map(|(key, _)| key.clone())
    }

    fn remove(&mut self, key: &Key) -> bool {
        let known = self.live.remove(key).is_some();
        self.unreadable.remove(key);
        self.resources.remove(key) | known
    }

    /// Takes one object; gives its key, unless it belongs to another feed.
    fn apply(&mut self, feed: &Feed, mut object: Value, changed: &mut bool) -> Option<Key> {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = Key::new(feed.kind, text("/metadata/namespace"), text("/metadata/name"));
        let mut live = Live {
            group: feed.group,
            api_version: text("/apiVersion"),
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
            status: Value::Null,
            deleting: object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null()),
        };
        if let Some(map) = object.as_object_mut() {
            live.status = map.remove("status").unwrap_or_default();
        }
        // The same name in two groups: the group that was there first has it, until it is gone there.
        if self.live.get(&key).is_some_and(|known| known.group != feed.group) {
            tracing::warn!(%key, group = feed.group, "left aside: an object of this kind and name is there in another group");
            return None;
        }
        let before = self.live.insert(key.clone(), live);
        if feed.is_metadata() {
            let version = |live: &Live| live.resource_version.clone();
            *changed |= before.as_ref().map(version) != self.live.get(&key).map(version);
            return Some(key);
        }
        match read(object) {
            Ok(object) => {
                self.unreadable.remove(&key);
                *changed |= self.resources.upsert(object);
            }
            Err(problems) => {
                *changed |= self.resources.remove(&key);
                if self.unreadable.get(&key) != Some(&problems) {
                    problems.iter().for_each(|problem| tracing::warn!(%key, "not readable here: {problem}"));
                    self.unreadable.insert(key.clone(), problems);
                }
            }
        }
        Some(key)
    }
}

/// One object, read and judged as if it came from a file.
fn read(object: Value) -> Result<AnyObject, Vec<Problem>> {
    let file = resources::read_file("", object.to_string().as_bytes());
    let loaded = resources::assemble([&file]);
    match loaded.resources.iter().next() {
        Some(object) => Ok(object),
        None => Err(loaded.problems),
    }
}
