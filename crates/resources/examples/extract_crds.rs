//! Writes the compact extract of a channel's CRDs that `tests/upstream_crds.rs` compares our types with.
//!
//! ```text
//! cd "$(mktemp -d)" && go mod init x && go mod download -json sigs.k8s.io/gateway-api@v1.7.0   # prints "Dir"
//! cargo run -p resources --example extract_crds -- DIR/config/crd/experimental > tests/upstream/v1.7.0-experimental.txt
//! ```
//!
//! One line per property: its path, then its constraints as `name=JSON`. A line `PATH rule TEXT` stands for a CEL rule.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::Value;
use std::path::PathBuf;

const ATTRIBUTES: &[&str] = &[
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

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let ours = ["gateway.networking.k8s.io_", "gateway.networking.x-k8s.io_"];
        if !ours.iter().any(|group| name.starts_with(group)) || name.contains("_vap_") || name.contains("xmesh") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let crd: Value = serde_saphyr::from_str(&text).unwrap();
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
        let versions = crd["spec"]["versions"].as_array().unwrap();
        let served: Vec<&str> =
            versions.iter().filter(|v| v["served"] == true).map(|v| v["name"].as_str().unwrap()).collect();
        println!("{kind} scope={} versions={}", crd["spec"]["scope"].as_str().unwrap(), served.join(","));
        let v1 = versions.iter().find(|version| version["name"] == "v1").unwrap_or(&versions[0]);
        for part in ["spec", "status"] {
            let schema = &v1["schema"]["openAPIV3Schema"]["properties"][part];
            if schema.is_object() {
                walk(schema, &format!("{kind}.{part}"));
            }
        }
    }
}

fn walk(schema: &Value, path: &str) {
    let attributes = ATTRIBUTES.iter().filter_map(|name| Some(format!(" {name}={}", schema.get(name)?)));
    println!("{path}{}", attributes.collect::<String>());
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        println!("{path} rule {}", rule["message"].as_str().unwrap_or("(computed)"));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"));
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[key].is_object() {
            walk(&schema[key], &format!("{path}{suffix}"));
        }
    }
}
