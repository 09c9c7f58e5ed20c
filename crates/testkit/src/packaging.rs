//! Tools for what `deploy` holds: helm and kubeconform, built from Go modules into `~/.cache/sluicegate`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Cluster;
use crate::clients::go_tools;
use crate::paths::RunDir;

/// helm, with nothing of this machine's configuration.
pub fn helm(home: &Path) -> Result<Command> {
    let mut helm = Command::new(go_tools("packaging")?.join("helm"));
    for (name, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")] {
        helm.env(name, home.join(folder));
    }
    Ok(helm)
}

/// kubeconform, with the schemas of [`schemas`].
pub fn kubeconform(schemas: &Path) -> Result<Command> {
    let mut command = Command::new(go_tools("packaging")?.join("kubeconform"));
    let location = schemas.join("{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json");
    command.args(["-summary", "-output", "text", "-schema-location"]).arg(location);
    Ok(command)
}

/// The JSON schemas of every kind that an API server knows, as it publishes them, in a folder.
pub fn schemas(cluster: &Cluster) -> Result<RunDir> {
    let text = cluster.run(async |client| {
        let request = http::Request::get("/openapi/v2").body(Vec::new())?;
        Ok(client.request_text(request).await?)
    })?;
    let mut document: Value = serde_json::from_str(&text).context("/openapi/v2")?;
    loosen(&mut document["definitions"]);
    let dir = RunDir::new("schemas")?;
    let definitions = document["definitions"].as_object().context("no definitions")?;
    let mut files = BTreeMap::new();
    for (name, definition) in definitions {
        for kind in definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let part = |key: &str| kind[key].as_str().unwrap_or_default().to_lowercase();
            // kubeconform takes `v1` for the group of core kinds.
            let group = if part("group").is_empty() { part("version") } else { part("group") };
            let file = format!("{group}-{}-{}.json", part("version"), part("kind"));
            files.insert(file, json!({ "$ref": format!("definitions.json#/definitions/{name}") }));
        }
    }
    fs::write(dir.path().join("definitions.json"), json!({ "definitions": definitions }).to_string())?;
    for (file, schema) in files {
        fs::write(dir.path().join(file), schema.to_string())?;
    }
    Ok(dir)
}

/// Numbers where OpenAPI 2 has no words for them: it calls what is a number or a text a text.
fn loosen(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("format").is_some_and(|format| format == "int-or-string") {
                members.remove("type");
            }
            members.values_mut().for_each(loosen);
        }
        Value::Array(items) => items.iter_mut().for_each(loosen),
        _ => {}
    }
}
