//! Every property of the upstream CRDs of both channels must be in our types, with the same constraints and defaults,
//! or in the short lists below. `examples/extract_crds.rs` tells how the extracts are made.
#![allow(clippy::unwrap_used)]

use resources::Kind;
use resources::status::{GatewayClassStatus, GatewayStatus, ListenerSetStatus, PolicyStatus, RouteStatus};
use schemars::{Schema, schema_for};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const EXPERIMENTAL: &str = include_str!("upstream/v1.7.0-experimental.txt");
const STANDARD: &str = include_str!("upstream/v1.7.0-standard.txt");

type Paths = BTreeMap<String, Map<String, Value>>;

/// The lines of an extract without rules: path and constraints.
fn upstream(extract: &str) -> Paths {
    let mut paths = Paths::new();
    for line in extract.lines() {
        let (path, rest) = line.split_once(' ').unwrap_or((line, ""));
        if !path.contains('.') || rest.starts_with("rule ") {
            continue;
        }
        let mut constraints = Map::new();
        let mut rest = rest;
        while let Some((name, tail)) = rest.split_once('=') {
            let mut values = serde_json::Deserializer::from_str(tail).into_iter::<Value>();
            let value = values.next().unwrap().unwrap();
            rest = tail[values.byte_offset()..].trim_start();
            constraints.insert(name.to_owned(), value);
        }
        paths.insert(path.to_owned(), constraints);
    }
    paths
}

/// The same of one of our schemas.
fn ours(schema: &Schema, path: &str, paths: &mut Paths) {
    walk(schema.as_value(), schema.as_value(), path, paths);
}

fn walk(schema: &Value, root: &Value, path: &str, paths: &mut Paths) {
    let mut constraints = Map::new();
    let mut schema = schema;
    loop {
        for (name, value) in schema.as_object().unwrap() {
            constraints.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            schema = root.pointer(&target[1..]).unwrap();
        } else if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            schema = any.iter().find(|s| s.get("type") != Some(&Value::from("null"))).unwrap();
        } else {
            break;
        }
    }
    if let Some(Value::Array(types)) = constraints.get("type").cloned() {
        constraints.insert("type".to_owned(), types[0].clone());
    }
    if let Some(Value::Array(values)) = constraints.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    paths.insert(path.to_owned(), constraints);
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(property, root, &format!("{path}.{name}"), paths);
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner @ Value::Object(_)) = schema.get(key) {
            walk(inner, root, &format!("{path}{suffix}"), paths);
        }
    }
}

fn all_ours() -> Paths {
    let mut paths = Paths::new();
    let statuses = [
        (Kind::GatewayClass, Some(schema_for!(GatewayClassStatus))),
        (Kind::Gateway, Some(schema_for!(GatewayStatus))),
        (Kind::ListenerSet, Some(schema_for!(ListenerSetStatus))),
        (Kind::HttpRoute, Some(schema_for!(RouteStatus))),
        (Kind::GrpcRoute, Some(schema_for!(RouteStatus))),
        (Kind::TlsRoute, Some(schema_for!(RouteStatus))),
        (Kind::TcpRoute, Some(schema_for!(RouteStatus))),
        (Kind::UdpRoute, Some(schema_for!(RouteStatus))),
        (Kind::BackendTlsPolicy, Some(schema_for!(PolicyStatus))),
        (Kind::ReferenceGrant, None),
        (Kind::XBackend, Some(schema_for!(PolicyStatus))),
        (Kind::XBackendTrafficPolicy, Some(schema_for!(PolicyStatus))),
        (Kind::XTelemetryPolicy, Some(schema_for!(PolicyStatus))),
    ];
    for (kind, status) in statuses {
        ours(&resources::schema_for(kind), &format!("{kind}.spec"), &mut paths);
        if let Some(status) = status {
            ours(&status, &format!("{kind}.status"), &mut paths);
        }
    }
    paths
}

#[test]
fn every_property_of_both_channels_is_ours_and_none_is_invented() {
    let ours = all_ours();
    let (experimental, standard) = (upstream(EXPERIMENTAL), upstream(STANDARD));
    assert!(experimental.len() > 500 && standard.len() > 400);
    let missing: Vec<&String> =
        experimental.keys().chain(standard.keys()).filter(|path| !ours.contains_key(*path)).collect();
    assert!(missing.is_empty(), "missing in our types: {missing:#?}");
    let invented: Vec<&String> = ours.keys().filter(|path| !experimental.contains_key(*path)).collect();
    assert!(invented.is_empty(), "not upstream: {invented:#?}");
}

#[test]
fn constraints_and_defaults_are_those_of_the_experimental_channel() {
    let ours = all_ours();
    let mut differences = Vec::new();
    for (path, theirs) in upstream(EXPERIMENTAL) {
        // Statuses are written by us, and only an API server checks them.
        if path.contains(".status") {
            continue;
        }
        let Some(mine) = ours.get(&path) else { continue };
        let names = [
            "type",
            "enum",
            "pattern",
            "minLength",
            "maxLength",
            "minimum",
            "maximum",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "default",
            "required",
        ];
        for name in names {
            let (a, b) = (normal(theirs.get(name)), normal(mine.get(name)));
            // Ours are unsigned, so that they cannot be negative.
            let unsigned = name == "minimum" && a.is_none() && b == Some(Value::from(0.0));
            if a != b && !unsigned && !same_default(name, &a, &b) {
                differences.push(format!("{path} {name}: upstream {a:?}, ours {b:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Numbers as floats, words of enumerations and required fields in one order.
fn normal(value: Option<&Value>) -> Option<Value> {
    Some(match value? {
        Value::Number(number) => Value::from(number.as_f64().unwrap()),
        Value::Array(list) => {
            let sorted: BTreeSet<String> = list.iter().map(Value::to_string).collect();
            Value::from(sorted.into_iter().collect::<Vec<_>>())
        }
        other => other.clone(),
    })
}

/// An absent default is the same as our empty one; a default of a mapping may be written out further by us.
fn same_default(name: &str, upstream: &Option<Value>, ours: &Option<Value>) -> bool {
    name == "default"
        && match (upstream, ours) {
            (None, Some(value)) => {
                matches!(value, Value::Object(_)) || value == "" || *value == Value::from(Vec::<Value>::new())
            }
            (Some(Value::Object(a)), Some(Value::Object(b))) => a.iter().all(|(key, value)| b.get(key) == Some(value)),
            _ => false,
        }
}

#[test]
fn scope_and_versions_are_those_of_the_crds() {
    for line in EXPERIMENTAL.lines().chain(STANDARD.lines()).filter(|line| line.contains(" scope=")) {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == name).unwrap();
        assert_eq!(words.next().unwrap() == "scope=Namespaced", kind.is_namespaced(), "{kind}");
        for version in words.next().unwrap().strip_prefix("versions=").unwrap().split(',') {
            let group = if name.starts_with('X') { resources::GATEWAY_X_GROUP } else { resources::GATEWAY_GROUP };
            let api_version = format!("{group}/{version}");
            assert!(kind.api_versions().contains(&api_version.as_str()), "{kind} {api_version}");
        }
    }
}

/// The texts of all CEL rules upstream. A new one makes this fail: write it in `src/rules`, then add it here.
#[test]
fn no_rule_is_unknown() {
    let known: BTreeSet<&str> = include_str!("upstream/v1.7.0-rules.txt").lines().collect();
    let rules: BTreeSet<&str> = EXPERIMENTAL
        .lines()
        .chain(STANDARD.lines())
        .filter_map(|line| line.split_once(" rule "))
        .map(|(_, text)| text)
        .collect();
    let unknown: Vec<_> = rules.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(known.len() > 50);
}
