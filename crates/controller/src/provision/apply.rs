//! Writes what is provisioned, and takes away what it was before.

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::NamespacedName;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;

const RETRY: Duration = Duration::from_secs(2);

/// What each Gateway is to have.
pub(super) type Wanted = BTreeMap<NamespacedName, Vec<Value>>;

/// Applies what has changed, and again what could not be applied.
pub(super) async fn apply_all(client: Client, mut wanted: watch::Receiver<Wanted>) {
    let mut applied = Wanted::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        applied.retain(|name, _| now.contains_key(name));
        let mut failed = false;
        for (name, parts) in now {
            if applied.get(&name) == Some(&parts) {
                continue;
            }
            match apply(&client, &name, &parts).await {
                Ok(()) => {
                    applied.insert(name, parts);
                }
                Err(error) => {
                    let gateway = format!("{}/{}", name.namespace, name.name);
                    tracing::warn!(gateway, %error, "its proxies cannot be provisioned; trying again");
                    failed = true;
                }
            }
        }
        let changed = if failed {
            tokio::time::timeout(RETRY, wanted.changed()).await.unwrap_or(Ok(()))
        } else {
            wanted.changed().await
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn apply(client: &Client, gateway: &NamespacedName, parts: &[Value]) -> Result<(), kube::Error> {
    for part in parts {
        let (api, name) = api(client, part);
        api.patch(name, &PatchParams::apply(super::MANAGER).force(), &Patch::Apply(part)).await?;
    }
    // Of each kind that is there at least once, what bears the labels and is not wanted was wanted once.
    let mut kinds: BTreeMap<&str, &Value> = BTreeMap::new();
    kinds.extend(parts.iter().filter_map(|part| Some((part["kind"].as_str()?, part))));
    let label = super::short(&gateway.name, super::NAME);
    let labels = format!("{}={label},{}={}", super::GATEWAY_LABEL, super::MANAGED_BY, super::MANAGER);
    for (kind, part) in kinds {
        let (api, _) = api(client, part);
        for found in api.list_metadata(&ListParams::default().labels(&labels)).await? {
            let name = found.metadata.name.unwrap_or_default();
            if !parts.iter().any(|part| part["kind"] == *kind && part["metadata"]["name"] == *name) {
                tracing::info!(kind, namespace = %gateway.namespace, name, "no longer wanted");
                match api.delete(&name, &DeleteParams::default()).await {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(())
}

/// Where a part belongs, and its name.
fn api<'a>(client: &Client, part: &'a Value) -> (Api<DynamicObject>, &'a str) {
    let text = |at: &str| part.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
    (Api::namespaced_with(client.clone(), text("/metadata/namespace"), &resource), text("/metadata/name"))
}
