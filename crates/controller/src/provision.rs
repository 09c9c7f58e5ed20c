//! The proxies of each Gateway and what they need in the cluster (GEP-1762): ServiceAccount, Deployment, Service and
//! PodDisruptionBudget, in the Gateway's namespace, owned by it, written by server-side apply.

use crate::authenticate::AUDIENCE;
use crate::objects::Objects;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::gateway_api::Listener;
use resources::status::GatewayStatusAddress;
use resources::{Gateway, Key, Kind, NamespacedName, ObjectMeta};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::sync::watch;

/// The field manager of what is applied.
const MANAGER: &str = "sluicegate-controller";
const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_LABEL: &str = "gateway.networking.k8s.io/gateway-class-name";
/// Longest name of a Service.
const NAME: usize = 63;
const RETRY: Duration = Duration::from_secs(2);

/// What every provisioned proxy runs.
#[derive(Debug, Clone)]
pub struct ProxyTemplate {
    /// Image whose entry point is `sluicegate`.
    pub image: String,
    /// Where proxies find the controller, such as `https://sluicegate-controller.sluicegate-system.svc:15010`.
    pub controller: String,
    /// PEM of the CA of the controller's certificate.
    pub ca: Option<String>,
    /// The name in that certificate.
    pub server_name: String,
}

/// Keeps the proxies as the Gateways want them.
#[derive(Debug)]
pub(crate) struct Provision {
    template: ProxyTemplate,
    wanted: watch::Sender<BTreeMap<NamespacedName, Vec<Value>>>,
}

impl Provision {
    pub(crate) fn new(client: Client, template: ProxyTemplate) -> Self {
        let (wanted, to_apply) = watch::channel(BTreeMap::new());
        tokio::spawn(apply_all(client, to_apply));
        Self { template, wanted }
    }

    /// The addresses of each Gateway's Service.
    pub(crate) fn addresses(&self, objects: &Objects) -> BTreeMap<NamespacedName, Vec<GatewayStatusAddress>> {
        let services = objects.resources.services.values();
        let labelled = services.filter_map(|service| {
            let gateway = service.meta.labels.get(GATEWAY_LABEL)?;
            let live = objects.live.get(&service.key())?;
            let name = NamespacedName::new(service.meta.namespace.clone(), gateway.as_str());
            Some((name, addresses_of(&live.status, service.spec.cluster_ip.as_deref())))
        });
        labelled.collect()
    }

    /// Makes what the Gateways that are accepted need. What a Gateway needed that is gone, goes with it: it owned it.
    pub(crate) fn settle(&self, objects: &Objects, statuses: &BTreeMap<Key, Value>) {
        let accepted = |gateway: &Gateway| {
            let status = statuses.get(&gateway.key())?;
            let accepted = status["conditions"].as_array()?.iter().find(|it| it["type"] == "Accepted")?;
            (accepted["status"] == "True").then_some(())
        };
        let mut wanted = BTreeMap::new();
        for gateway in objects.resources.gateways.values() {
            let Some(live) = objects.live.get(&gateway.key()).filter(|live| !live.deleting) else { continue };
            if accepted(gateway).is_some() {
                wanted.insert(gateway.meta.namespaced_name(), self.parts(gateway, &live.uid, &live.api_version));
            }
        }
        self.wanted.send_if_modified(|before| {
            let changed = *before != wanted;
            *before = wanted;
            changed
        });
    }

    fn parts(&self, gateway: &Gateway, uid: &str, api_version: &str) -> Vec<Value> {
        let name = name(&gateway.meta, &gateway.spec.gateway_class_name);
        let infrastructure = gateway.spec.infrastructure.clone().unwrap_or_default();
        let mut labels = infrastructure.labels.clone();
        labels.insert(GATEWAY_LABEL.to_owned(), short(&gateway.meta.name, NAME));
        labels.insert(CLASS_LABEL.to_owned(), short(&gateway.spec.gateway_class_name, NAME));
        labels.insert("app.kubernetes.io/managed-by".to_owned(), MANAGER.to_owned());
        labels.insert("app.kubernetes.io/name".to_owned(), "sluicegate-proxy".to_owned());
        let metadata = json!({
            "name": name,
            "namespace": gateway.meta.namespace,
            "labels": labels,
            "annotations": infrastructure.annotations,
            "ownerReferences": [{
                "apiVersion": api_version, "kind": "Gateway", "name": gateway.meta.name, "uid": uid, "controller": true,
            }],
        });
        let selector = json!({ GATEWAY_LABEL: labels[GATEWAY_LABEL], CLASS_LABEL: labels[CLASS_LABEL] });
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": false,
        });
        let budget = json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata,
            "spec": { "maxUnavailable": 1, "selector": { "matchLabels": selector } },
        });
        vec![account, self.deployment(gateway, &name, &metadata, &selector, &labels, &infrastructure.annotations), service(gateway, &metadata, &selector), budget]
    }

    fn deployment(
        &self,
        gateway: &Gateway,
        name: &str,
        metadata: &Value,
        selector: &Value,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
    ) -> Value {
        let template = &self.template;
        let gateway_name = format!("{}/{}", gateway.meta.namespace, gateway.meta.name);
        let mut arguments = vec![
            "proxy".to_owned(),
            format!("--gateway={gateway_name}"),
            format!("--controller={}", template.controller),
            format!("--server-name={}", template.server_name),
            "--token=/var/run/sluicegate/token".to_owned(),
            "--state=/var/lib/sluicegate".to_owned(),
            "--admin=0.0.0.0:15000".to_owned(),
            "--replica=$(POD_NAME)".to_owned(),
        ];
        if template.ca.is_some() {
            arguments.push("--ca-env=SLUICEGATE_CA".to_owned());
        }
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": 15000 } });
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {
                "selector": { "matchLabels": selector },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
                "template": {
                    "metadata": { "labels": labels, "annotations": annotations },
                    "spec": {
                        "serviceAccountName": name,
                        "automountServiceAccountToken": false,
                        "terminationGracePeriodSeconds": 60,
                        "securityContext": {
                            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                            "seccompProfile": { "type": "RuntimeDefault" },
                            "sysctls": [{ "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" }],
                        },
                        "containers": [{
                            "name": "proxy",
                            "image": template.image,
                            "args": arguments,
                            "env": [
                                { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                                { "name": "SLUICEGATE_CA", "value": template.ca.clone().unwrap_or_default() },
                            ],
                            "ports": [{ "name": "admin", "containerPort": 15000 }],
                            "readinessProbe": probe("/readyz"),
                            "livenessProbe": probe("/healthz"),
                            "securityContext": {
                                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                                "capabilities": { "drop": ["ALL"] },
                            },
                            "volumeMounts": [
                                { "name": "token", "mountPath": "/var/run/sluicegate", "readOnly": true },
                                { "name": "state", "mountPath": "/var/lib/sluicegate" },
                            ],
                        }],
                        "volumes": [
                            { "name": "token", "projected": { "sources": [
                                { "serviceAccountToken": { "path": "token", "audience": AUDIENCE, "expirationSeconds": 3600 } },
                            ] } },
                            { "name": "state", "emptyDir": {} },
                        ],
                    },
                },
            },
        })
    }
}

fn service(gateway: &Gateway, metadata: &Value, selector: &Value) -> Value {
    let mut ports: BTreeSet<(u16, &str)> = BTreeSet::new();
    for listener in &gateway.spec.listeners {
        ports.insert((listener.port, transport(listener)));
    }
    let ports: Vec<Value> = ports
        .into_iter()
        .map(|(port, protocol)| {
            let name = format!("{}-{port}", protocol.to_lowercase());
            json!({ "name": name, "port": port, "targetPort": port, "protocol": protocol })
        })
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": { "type": "LoadBalancer", "selector": selector, "ports": ports, "externalTrafficPolicy": "Local" },
    })
}

fn transport(listener: &Listener) -> &'static str {
    if listener.protocol == "UDP" { "UDP" } else { "TCP" }
}

/// `<gateway>-<class>`.
fn name(gateway: &ObjectMeta, class: &str) -> String {
    short(&format!("{}-{class}", gateway.name), NAME)
}

/// The text, or as much of it as may be, and a digest of all of it.
fn short(text: &str, length: usize) -> String {
    if text.len() <= length {
        return text.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let digest = format!("{:08x}", hasher.finish() as u32);
    format!("{}-{digest}", text[..length - 9].trim_end_matches(['-', '.']))
}

/// What a Service can be reached at: by its load balancer, or inside the cluster where there is none.
fn addresses_of(status: &Value, cluster_ip: Option<&str>) -> Vec<GatewayStatusAddress> {
    let address = |kind: &str, value: &str| GatewayStatusAddress {
        address_type: Some(kind.to_owned()),
        value: value.to_owned(),
        routability: None,
    };
    let ingress = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    let found: Vec<_> = ingress
        .into_iter()
        .flatten()
        .filter_map(|it| {
            let ip = it["ip"].as_str().map(|ip| address("IPAddress", ip));
            ip.or_else(|| it["hostname"].as_str().map(|name| address("Hostname", name)))
        })
        .collect();
    if found.is_empty() { cluster_ip.filter(|ip| *ip != "None").map(|ip| address("IPAddress", ip)).into_iter().collect() } else { found }
}

/// Applies what has changed, and again what could not be applied.
async fn apply_all(client: Client, mut wanted: watch::Receiver<BTreeMap<NamespacedName, Vec<Value>>>) {
    let mut applied: BTreeMap<NamespacedName, Vec<Value>> = BTreeMap::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        applied.retain(|name, _| now.contains_key(name));
        let mut failed = false;
        for (name, parts) in now {
            if applied.get(&name) == Some(&parts) {
                continue;
            }
            match apply(&client, &parts).await {
                Ok(()) => {
                    applied.insert(name, parts);
                }
                Err(error) => {
                    tracing::warn!(gateway = %format_args!("{}/{}", name.namespace, name.name), %error, "its proxies cannot be provisioned; trying again");
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

async fn apply(client: &Client, parts: &[Value]) -> Result<(), kube::Error> {
    for part in parts {
        let text = |at: &str| part.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), text("/metadata/namespace"), &resource);
        api.patch(text("/metadata/name"), &PatchParams::apply(MANAGER).force(), &Patch::Apply(part)).await?;
    }
    Ok(())
}

/// The kind of object that is provisioned and watched for addresses.
pub(crate) const WATCHED: Kind = Kind::Service;
