//! Statuses on the API server: what is to be written, and writing it.
//!
//! Only what is ours is changed, and only when it differs from what stands there: entries of other controllers in a route's
//! `parents` and a policy's `ancestors` stay as they are. A write names the `resourceVersion` it is based on, so
//! that two writers cannot undo each other's; the one that was late looks again when the watch tells it of the other's.

use crate::objects::Live;
use jiff::Timestamp;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::{Key, Kind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tokio::sync::mpsc::{Receiver, Sender};

/// At once towards the API server.
const WRITES: usize = 16;

/// One status to be written.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) api_version: String,
    pub(crate) resource_version: String,
    /// The whole status; null for fields that are to go.
    pub(crate) status: Value,
}

/// What became of a write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) key: Key,
    pub(crate) error: Option<String>,
}

/// The write that makes `live` say `desired`; `None` when it does already. `desired` is null when nothing of ours is
/// to stand there.
pub(crate) fn write(
    key: &Key,
    live: &Live,
    desired: &Value,
    is_mine: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Option<Write> {
    let mut status = match list_of_entries(key.kind) {
        Some((list, reference)) => entries(live, desired, list, reference, &is_mine)?,
        // Gateways, classes and ListenerSets have one controller, which owns the whole status.
        None if desired.is_null() => return None,
        None => desired.clone(),
    };
    keep_times(&mut status, &live.status, now);
    if status == live.status {
        return None;
    }
    if let (Some(status), Some(before)) = (status.as_object_mut(), live.status.as_object()) {
        for name in before.keys() {
            status.entry(name.clone()).or_insert(Value::Null);
        }
    }
    Some(Write {
        key: key.clone(),
        api_version: live.api_version.clone(),
        resource_version: live.resource_version.clone(),
        status,
    })
}

/// Whether a status says that proxies do not serve a generation of which it has been said that they do.
pub(crate) fn takes_synced_back(live: &Value, desired: &Value) -> bool {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    synced(live, &mut before);
    synced(desired, &mut after);
    let newest = before.iter().filter(|(holds, _)| *holds).map(|(_, generation)| *generation).max();
    after.iter().any(|(holds, generation)| !holds && Some(*generation) == newest)
}

/// Every condition `Synced` anywhere in a status: whether it holds, and for which generation.
fn synced(status: &Value, found: &mut Vec<(bool, i64)>) {
    match status {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == translate::SYNCED) => {
            found.push((status["status"] == "True", status["observedGeneration"].as_i64().unwrap_or_default()));
        }
        Value::Object(members) => members.values().for_each(|member| synced(member, found)),
        Value::Array(items) => items.iter().for_each(|item| synced(item, found)),
        _ => {}
    }
}

/// Where several controllers have their say, and what an entry is about.
fn list_of_entries(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::GatewayClass | Kind::Gateway | Kind::ListenerSet => None,
        Kind::BackendTlsPolicy
        | Kind::SecurityPolicy
        | Kind::ClientTrafficPolicy
        | Kind::XBackend
        | Kind::XBackendTrafficPolicy
        | Kind::XTelemetryPolicy => Some(("ancestors", "ancestorRef")),
        _ => Some(("parents", "parentRef")),
    }
}

/// The entries of others as they stand, then ours.
fn entries(
    live: &Live,
    desired: &Value,
    list: &str,
    reference: &str,
    is_mine: &impl Fn(&str) -> bool,
) -> Option<Value> {
    let none = Vec::new();
    let standing = live.status[list].as_array().unwrap_or(&none);
    let mine = |entry: &&Value| entry["controllerName"].as_str().is_some_and(is_mine);
    let wanted = desired[list].as_array().unwrap_or(&none);
    if wanted.is_empty() && !standing.iter().any(|entry| mine(&entry)) {
        return None;
    }
    // In the order in which they stand, so that nothing changes but what has changed.
    let mut all: Vec<Value> = Vec::new();
    let mut left: Vec<&Value> = wanted.iter().collect();
    for entry in standing {
        if !mine(&entry) {
            all.push(entry.clone());
        } else if let Some(at) = left.iter().position(|ours| ours[reference] == entry[reference]) {
            all.push(left.remove(at).clone());
        }
    }
    all.extend(left.into_iter().cloned());
    Some(json!({ list: all }))
}

/// Gives every condition the time at which its status changed last: the one that stands there, or now.
fn keep_times(status: &mut Value, before: &Value, now: Timestamp) {
    match status {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if name == "conditions" {
                    keep_foreign(value, &before["conditions"]);
                    date(value, &before["conditions"], now);
                } else {
                    keep_times(value, &before[name.as_str()], now);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                keep_times(item, counterpart(item, before), now);
            }
        }
        _ => {}
    }
}

/// The entry that is about the same parent, ancestor or listener.
fn counterpart<'a>(item: &Value, before: &'a Value) -> &'a Value {
    const NAMES: [&str; 3] = ["parentRef", "ancestorRef", "name"];
    let same = |other: &&Value| {
        item["controllerName"] == other["controllerName"] && NAMES.iter().all(|name| item[*name] == other[*name])
    };
    before.as_array().and_then(|items| items.iter().find(same)).unwrap_or(&Value::Null)
}

/// Conditions that are ours to set and to take away; one of any other type is somebody else's (Gateway API,
/// `GatewayStatus.conditions`).
fn is_ours(condition: &str) -> bool {
    const OURS: [&str; 9] = [
        "Accepted",
        "AttachedListenerSets",
        "Conflicted",
        "InsecureFrontendValidationMode",
        "OverlappingTLSConfig",
        "PartiallyInvalid",
        "Programmed",
        "ResolvedRefs",
        "SupportedVersion",
    ];
    OURS.contains(&condition) || condition.starts_with("sluicegate.dev/")
}

/// Keeps the conditions of others as they stand, and every condition at its place.
fn keep_foreign(conditions: &mut Value, before: &Value) {
    let (Some(wanted), Some(before)) = (conditions.as_array_mut(), before.as_array()) else { return };
    let mut left = std::mem::take(wanted);
    for standing in before {
        match left.iter().position(|condition| condition["type"] == standing["type"]) {
            Some(at) => wanted.push(left.remove(at)),
            None if !standing["type"].as_str().is_some_and(is_ours) => wanted.push(standing.clone()),
            None => {}
        }
    }
    wanted.append(&mut left);
}

fn date(conditions: &mut Value, before: &Value, now: Timestamp) {
    for condition in conditions.as_array_mut().into_iter().flatten() {
        // An entry of somebody else has its time.
        if condition["lastTransitionTime"].is_string() {
            continue;
        }
        let same = |other: &&Value| other["type"] == condition["type"] && other["status"] == condition["status"];
        let known = before.as_array().and_then(|items| items.iter().find(same));
        let time = match known.and_then(|known| known["lastTransitionTime"].as_str()) {
            Some(time) => time.to_owned(),
            None => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        if let Some(condition) = condition.as_object_mut() {
            condition.insert("lastTransitionTime".to_owned(), Value::String(time));
        }
    }
}

/// Writes what comes, several at once, each object's writes one after another.
pub(crate) async fn write_all(client: Client, mut writes: Receiver<Write>, done: Sender<Written>) {
    let mut running = tokio::task::JoinSet::new();
    // Of an object that is being written, only the newest status is of interest.
    let mut waiting: BTreeMap<Key, Write> = BTreeMap::new();
    let mut busy: std::collections::BTreeSet<Key> = std::collections::BTreeSet::new();
    loop {
        tokio::select! {
            write = writes.recv() => match write {
                Some(write) => { waiting.insert(write.key.clone(), write); }
                None => return,
            },
            Some(Ok(written)) = running.join_next(), if !running.is_empty() => {
                let written: Written = written;
                busy.remove(&written.key);
                if done.send(written).await.is_err() {
                    return;
                }
            }
        }
        while running.len() < WRITES {
            let Some(key) = waiting.keys().find(|key| !busy.contains(*key)).cloned() else { break };
            let Some(write) = waiting.remove(&key) else { break };
            busy.insert(key);
            running.spawn(put(client.clone(), write));
        }
    }
}

async fn put(client: Client, write: Write) -> Written {
    let version = write.api_version.parse().unwrap_or_else(|_| kube::core::GroupVersion::gv("", &write.api_version));
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk(&version.group, &version.version, write.key.kind.as_str()));
    let api: Api<DynamicObject> = if write.key.kind.is_namespaced() {
        Api::namespaced_with(client, &write.key.namespace, &resource)
    } else {
        Api::all_with(client, &resource)
    };
    let mut patch = Map::new();
    patch.insert("metadata".to_owned(), json!({ "resourceVersion": write.resource_version }));
    patch.insert("status".to_owned(), write.status);
    let result = api.patch_status(&write.key.name, &PatchParams::default(), &Patch::Merge(Value::Object(patch))).await;
    let error = match result {
        Ok(_) => None,
        // Somebody wrote before us, or it is gone: the watch says so, and what is right then is written then.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => None,
        Err(error) => Some(error.to_string()),
    };
    Written { key: write.key, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-02T03:04:05Z";

    fn live(status: Value) -> Live {
        Live { status, resource_version: "7".into(), api_version: "v".into(), ..Live::default() }
    }

    fn parent(controller: &str, name: &str, status: &str, time: Option<&str>) -> Value {
        let mut condition = json!({ "type": "Accepted", "status": status });
        if let Some(time) = time {
            condition["lastTransitionTime"] = json!(time);
        }
        json!({ "parentRef": { "name": name }, "controllerName": controller, "conditions": [condition] })
    }

    fn wanted(kind: Kind, standing: Value, desired: Value) -> Option<Value> {
        let key = Key::new(kind, "default", "a");
        let write = write(&key, &live(standing), &desired, |name| name == "ours", NOW.parse().unwrap());
        write.map(|write| write.status)
    }

    #[test]
    fn others_entries_stay_and_times_change_with_the_status_only() {
        let old = Some("2020-01-01T00:00:00Z");
        let standing = json!({ "parents": [
            parent("ours", "gone", "True", old),
            parent("theirs", "g", "False", old),
            parent("ours", "g", "True", old),
        ]});
        let desired = json!({ "parents": [parent("ours", "g", "True", None), parent("ours", "new", "True", None)] });
        let expected = json!({ "parents": [
            parent("theirs", "g", "False", old),
            parent("ours", "g", "True", old),
            parent("ours", "new", "True", Some(NOW)),
        ]});
        assert_eq!(wanted(Kind::HttpRoute, standing, desired.clone()), Some(expected.clone()));
        assert_eq!(wanted(Kind::HttpRoute, expected, desired), None, "it says so already");
        let changed = json!({ "parents": [parent("ours", "g", "False", None)] });
        let standing = json!({ "parents": [parent("ours", "g", "True", old)] });
        let expected = json!({ "parents": [parent("ours", "g", "False", Some(NOW))] });
        assert_eq!(wanted(Kind::HttpRoute, standing, changed), Some(expected));
    }

    #[test]
    fn a_route_that_left_us_loses_our_entries_and_no_others() {
        let standing =
            json!({ "parents": [parent("ours", "g", "True", Some(NOW)), parent("theirs", "g", "True", Some(NOW))] });
        let left = json!({ "parents": [parent("theirs", "g", "True", Some(NOW))] });
        assert_eq!(wanted(Kind::HttpRoute, standing, Value::Null), Some(left.clone()));
        assert_eq!(wanted(Kind::HttpRoute, left, Value::Null), None);
        assert_eq!(wanted(Kind::HttpRoute, Value::Null, Value::Null), None);
    }

    #[test]
    fn what_a_status_no_longer_has_is_taken_away() {
        let standing = json!({ "addresses": [{ "value": "10.0.0.1" }], "conditions": [] });
        let desired = json!({ "conditions": [] });
        assert_eq!(wanted(Kind::Gateway, standing, desired), Some(json!({ "conditions": [], "addresses": null })));
    }

    #[test]
    fn conditions_of_others_stay() {
        let of = |kind: &str, status: &str| json!({ "type": kind, "status": status, "lastTransitionTime": NOW });
        let seeded = of("example.com/Seeded", "True");
        let standing = json!({
            "conditions": [of("Accepted", "True"), seeded, of("sluicegate.dev/Synced", "True")],
            "listeners": [{ "name": "http", "conditions": [seeded, of("Programmed", "True")] }],
        });
        let ours = |kind: &str| json!({ "type": kind, "status": "True" });
        let desired = json!({
            "conditions": [ours("Programmed"), ours("Accepted")],
            "listeners": [{ "name": "http", "conditions": [ours("Programmed")] }],
        });
        let expected = json!({
            "conditions": [of("Accepted", "True"), seeded, of("Programmed", "True")],
            "listeners": [{ "name": "http", "conditions": [seeded, of("Programmed", "True")] }],
        });
        assert_eq!(wanted(Kind::Gateway, standing, desired), Some(expected));
    }

    #[test]
    fn only_what_was_synced_at_this_generation_is_taken_back() {
        let status = |holds: &str, generation: i64| {
            json!({ "parents": [{ "conditions": [
                { "type": "Accepted", "status": "True", "observedGeneration": generation },
                { "type": translate::SYNCED, "status": holds, "observedGeneration": generation },
            ] }] })
        };
        assert!(takes_synced_back(&status("True", 3), &status("False", 3)));
        assert!(!takes_synced_back(&status("True", 3), &status("False", 4)), "a change that is yet to be served");
        assert!(!takes_synced_back(&status("False", 3), &status("False", 3)));
        assert!(!takes_synced_back(&status("True", 3), &status("True", 3)));
        assert!(!takes_synced_back(&Value::Null, &status("False", 1)));
    }
}
