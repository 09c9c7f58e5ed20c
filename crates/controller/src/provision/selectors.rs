//! Services for XBackends that select Pods (GEP-4894): without a cluster IP and under a name that nobody can rely on, they are
//! there for the EndpointSlices that Kubernetes makes of them.

use super::{MANAGED_BY, MANAGER, NAME, short};
use crate::objects::Objects;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::{Key, NamespacedName};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use translate::Status;

const RETRY: Duration = Duration::from_secs(2);
/// On a Service: the XBackend that it was made for.
const LABEL: &str = "sluicegate.dev/xbackend";

/// XBackends and the Services that are to be written for them.
pub(super) type Wanted = BTreeMap<NamespacedName, Value>;

/// Services that XBackends of ours lack: those that a route of ours reaches and whose selector no Service has.
pub(super) fn wanted(objects: &Objects, statuses: &BTreeMap<Key, (Arc<Status>, Value)>) -> Wanted {
    let mut wanted = Wanted::new();
    for backend in objects.resources.x_backends.values() {
        let (key, meta) = (backend.key(), &backend.meta);
        let Some(selector) = backend.spec.endpoint_selector.as_ref().map(|selector| &selector.match_labels) else {
            continue;
        };
        let Some(live) = objects.live.get(&key).filter(|live| !live.deleting && statuses.contains_key(&key)) else {
            continue;
        };
        let services = || objects.resources.services.values().filter(|it| it.meta.namespace == meta.namespace);
        if services().any(|service| service.spec.selector == *selector) {
            continue;
        }
        let label = short(&meta.name, NAME);
        let own = services().find(|it| {
            it.meta.labels.get(LABEL) == Some(&label) && it.meta.labels.get(MANAGED_BY).is_some_and(|by| by == MANAGER)
        });
        let mut metadata = json!({
            "namespace": meta.namespace,
            "labels": { LABEL: label, MANAGED_BY: MANAGER },
            "ownerReferences": [{
                "apiVersion": live.api_version, "kind": "XBackend", "name": meta.name, "uid": live.uid, "controller": true,
            }],
        });
        match own {
            Some(own) => metadata["name"] = json!(own.meta.name),
            None => metadata["generateName"] = json!(format!("{}-", short(&meta.name, NAME - 8))),
        }
        let port = backend.spec.port.number.unwrap_or_default();
        wanted.insert(
            meta.namespaced_name(),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": {
                    "clusterIP": "None", "selector": selector,
                    "ports": [{ "name": "backend", "port": port, "targetPort": port, "protocol": "TCP" }],
                },
            }),
        );
    }
    wanted
}

/// Writes them, each once: a new one is seen by the watch a moment later.
pub(super) async fn write_all(client: Client, mut wanted: watch::Receiver<Wanted>) {
    let mut written = Wanted::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        written.retain(|name, _| now.contains_key(name));
        let mut failed = false;
        for (name, service) in now {
            if written.get(&name) == Some(&service) {
                continue;
            }
            match write(&client, &service).await {
                Ok(()) => {
                    written.insert(name, service);
                }
                Err(error) => {
                    let backend = format!("{}/{}", name.namespace, name.name);
                    tracing::warn!(backend, %error, "no Service for this XBackend; trying again");
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

async fn write(client: &Client, service: &Value) -> Result<(), kube::Error> {
    let text = |at: &str| service.pointer(at).and_then(Value::as_str);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Service"));
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    match text("/metadata/name") {
        Some(name) => {
            // A selector's labels are replaced as a whole.
            let labels = json!([{ "op": "replace", "path": "/spec/selector", "value": service["spec"]["selector"] }]);
            let patch = serde_json::from_value(labels).map_err(kube::Error::SerdeError)?;
            api.patch(name, &PatchParams::default(), &Patch::Json::<()>(patch)).await?;
        }
        None => {
            let object = serde_json::from_value(service.clone()).map_err(kube::Error::SerdeError)?;
            api.create(&PostParams::default(), &object).await?;
        }
    }
    Ok(())
}
