//! Entities as they travel: JSON, with private keys beside it, and a digest of everything.

use super::generated as wire;
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;
use snapshot::{Ack, Delta, Entity, EntityKey, Refusal, Snapshot};
use std::fmt::Write as _;

/// Writes an entity.
pub(super) fn write(entity: &Entity) -> wire::Entity {
    let private_key =
        if let Entity::Certificate(certificate) = entity { certificate.key.clone() } else { String::new() };
    wire::Entity { json: serde_json::to_string(entity).unwrap_or_default(), private_key }
}

/// Reads an entity. A field that this release does not know is an error, unless it is empty: what it asks for could not be done.
pub(super) fn read(entity: &wire::Entity) -> Result<Entity, String> {
    let mut value: Value = serde_json::from_str(&entity.json).map_err(|error| error.to_string())?;
    if let Some(certificate) = value.get_mut("Certificate").and_then(Value::as_object_mut) {
        certificate.insert("key".to_owned(), Value::String(entity.private_key.clone()));
    }
    let read: Entity = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let mut known = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    if let Some(certificate) = value.get_mut("Certificate").and_then(Value::as_object_mut) {
        certificate.remove("key");
    }
    strip(&mut value);
    strip(&mut known);
    match unknown(&value, &known, "") {
        None => Ok(read),
        Some(path) => Err(format!("{path}: this release of the proxy does not know the field; update the proxy")),
    }
}

/// The key of an entity that could not be read, if that much of it can be.
pub(super) fn key_of(entity: &wire::Entity) -> Option<EntityKey> {
    let value: Value = serde_json::from_str(&entity.json).ok()?;
    let (kind, content) = value.as_object()?.iter().next()?;
    let name = content.get("key").or_else(|| content.get("name"))?;
    serde_json::from_value(serde_json::json!({ kind.as_str(): name })).ok()
}

/// Takes away what says nothing.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(strip);
            map.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The path of the first field of `value` that `known` lacks.
fn unknown(value: &Value, known: &Value, path: &str) -> Option<String> {
    match (value, known) {
        (Value::Object(value), Value::Object(known)) => value.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => unknown(value, known, &path),
                None => Some(path),
            }
        }),
        (Value::Array(value), Value::Array(known)) if value.len() == known.len() => {
            let mut pairs = value.iter().zip(known).enumerate();
            pairs.find_map(|(at, (value, known))| unknown(value, known, &format!("{path}[{at}]")))
        }
        // Numbers may be spelt in more than one way; they were read.
        (value, known) => (std::mem::discriminant(value) != std::mem::discriminant(known)).then(|| path.to_owned()),
    }
}

/// Of everything in a snapshot, to see whether two have the same. Empty for nothing.
pub(super) fn digest(snapshot: &Snapshot) -> String {
    if snapshot.entities.is_empty() {
        return String::new();
    }
    let mut context = Context::new(&SHA256);
    for entity in snapshot.entities.values() {
        let entity = write(entity);
        for part in [&entity.json, &entity.private_key] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    context.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a change.
pub(super) fn write_delta(delta: &Delta, reset: bool, digest: &str) -> wire::Delta {
    wire::Delta {
        revision: delta.revision,
        reset,
        upserts: delta.upserts.iter().map(write).collect(),
        removes: delta.removes.iter().filter_map(|key| serde_json::to_string(key).ok()).collect(),
        digest: digest.to_owned(),
    }
}

/// Reads a change. What cannot be read is refused and taken away: what it was before must not be served in its place.
pub(super) fn read_delta(delta: &wire::Delta) -> (Delta, Vec<Refusal>) {
    let mut read = Delta { revision: delta.revision, ..Delta::default() };
    let mut refusals = Vec::new();
    for entity in &delta.upserts {
        match (self::read(entity), key_of(entity)) {
            (Ok(entity), _) => read.upserts.push(entity),
            (Err(message), Some(entity)) => {
                read.removes.push(entity.clone());
                refusals.push(Refusal { entity, field: String::new(), message });
            }
            (Err(error), None) => {
                tracing::warn!(error, "an entity of a kind that this release does not know is not served")
            }
        }
    }
    read.removes.extend(delta.removes.iter().filter_map(|key| serde_json::from_str(key).ok()));
    (read, refusals)
}

/// Writes an answer.
pub(super) fn write_ack(ack: &Ack) -> wire::Ack {
    let refusal = |refusal: &Refusal| wire::Refusal {
        entity: serde_json::to_string(&refusal.entity).unwrap_or_default(),
        field: refusal.field.clone(),
        message: refusal.message.clone(),
    };
    wire::Ack { revision: ack.revision, refusals: ack.refusals.iter().map(refusal).collect() }
}

/// Reads an answer.
pub(super) fn read_ack(ack: &wire::Ack) -> Ack {
    let refusal = |refusal: &wire::Refusal| {
        let entity = serde_json::from_str(&refusal.entity).ok()?;
        Some(Refusal { entity, field: refusal.field.clone(), message: refusal.message.clone() })
    };
    Ack { revision: ack.revision, refusals: ack.refusals.iter().filter_map(refusal).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapshot::{Certificate, Gateway, ObjectName};
    use std::sync::Arc;

    fn gateway() -> Entity {
        let name = ObjectName::new("default", "edge");
        Entity::Gateway(Arc::new(Gateway {
            name,
            generation: 3,
            session_seed: None,
            addresses: Vec::new(),
            listeners: Vec::new(),
        }))
    }

    #[test]
    fn entities_travel_whole_and_keys_apart() {
        assert_eq!(read(&write(&gateway())), Ok(gateway()));
        let name = ObjectName::new("default", "c");
        let secret = Entity::Certificate(Arc::new(Certificate { name, chain: "chain".into(), key: "secret".into() }));
        let written = write(&secret);
        assert!(!written.json.contains("secret"), "{}", written.json);
        assert_eq!(read(&written), Ok(secret));
    }

    #[test]
    fn what_is_not_known_is_refused_unless_it_is_empty() {
        let mut newer = write(&gateway());
        newer.json = newer.json.replace("\"generation\":3", "\"generation\":3,\"shiny\":[]");
        assert_eq!(read(&newer), Ok(gateway()));
        newer.json = newer.json.replace("\"shiny\":[]", "\"shiny\":[1]");
        let error = read(&newer).unwrap_err();
        assert!(error.starts_with("Gateway.shiny: "), "{error}");
        let (delta, refusals) = read_delta(&wire::Delta { upserts: vec![newer], ..wire::Delta::default() });
        assert_eq!(delta.removes, [gateway().key()]);
        assert_eq!(refusals[0].entity, gateway().key());
    }
}
