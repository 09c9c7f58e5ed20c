//! The proxies of each Gateway and what they need in the cluster (GEP-1762): ServiceAccount, Deployment, Service and
//! PodDisruptionBudget, in the Gateway's namespace, owned by it, written by server-side apply.

mod apply;
mod deployment;
mod parameters;
mod selectors;
mod service;

use crate::objects::{Live, Objects};
use kube::Client;
use resources::GatewayParametersSpec;
use resources::status::ConditionStatus;
use resources::{Gateway, Key, NamespacedName, ObjectMeta};
use serde_json::{Value, json};
use snapshot::{Listener, ObjectName, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use translate::{Addresses, Status};

/// The field manager of what is applied.
const MANAGER: &str = "sluicegate-controller";
const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_LABEL: &str = "gateway.networking.k8s.io/gateway-class-name";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Longest name of a Service.
const NAME: usize = 63;

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
    wanted: watch::Sender<apply::Wanted>,
    selectors: watch::Sender<selectors::Wanted>,
}

impl Provision {
    pub(crate) fn new(client: Client, template: ProxyTemplate) -> Self {
        let (wanted, to_apply) = watch::channel(apply::Wanted::new());
        tokio::spawn(apply::apply_all(client.clone(), to_apply));
        let (selectors, to_write) = watch::channel(selectors::Wanted::new());
        tokio::spawn(selectors::write_all(client, to_write));
        Self { template, wanted, selectors }
    }

    /// Where each Gateway is reached, by its Services.
    pub(crate) fn addresses(&self, objects: &Objects) -> BTreeMap<NamespacedName, Addresses> {
        let mut services: BTreeMap<NamespacedName, Vec<_>> = BTreeMap::new();
        for service in objects.resources.services.values() {
            let labels = &service.meta.labels;
            let ours = labels.get(MANAGED_BY).is_some_and(|manager| manager == MANAGER);
            let Some(gateway) = labels.get(GATEWAY_LABEL).filter(|_| ours) else { continue };
            let Some(live) = objects.live.get(&service.key()) else { continue };
            let name = NamespacedName::new(service.meta.namespace.clone(), gateway.as_str());
            services.entry(name).or_default().extend(service::given(service, &live.status));
        }
        let gateways = objects.resources.gateways.values().filter_map(|gateway| {
            let label = NamespacedName::new(gateway.meta.namespace.clone(), short(&gateway.meta.name, NAME));
            let (assigned, missing) = service::settle(gateway, services.remove(&label)?);
            Some((gateway.meta.namespaced_name(), Addresses { assigned, missing }))
        });
        gateways.collect()
    }

    /// Makes what the Gateways that are accepted need. One that is not accepted keeps what it has. What a Gateway needed
    /// that is gone, goes with it: it owned it.
    pub(crate) fn settle(
        &self,
        objects: &Objects,
        statuses: &BTreeMap<Key, (Arc<Status>, Value)>,
        snapshot: &Snapshot,
    ) {
        let mut wanted = apply::Wanted::new();
        let before = self.wanted.borrow().clone();
        let mut added = service::of_listener_sets(snapshot);
        for gateway in objects.resources.gateways.values() {
            let Some(live) = objects.live.get(&gateway.key()).filter(|live| !live.deleting) else { continue };
            let Some((status, _)) = statuses.get(&gateway.key()) else { continue };
            let name = gateway.meta.namespaced_name();
            if is_accepted(status) {
                let served = added.remove(&ObjectName::new(&*name.namespace, &*name.name)).unwrap_or_default();
                let parameters = parameters::of(gateway, &objects.resources);
                wanted.insert(name, self.parts(gateway, &served, live, &parameters));
            } else if let Some(parts) = before.get(&name) {
                wanted.insert(name, parts.clone());
            }
        }
        if before != wanted {
            self.wanted.send_replace(wanted);
        }
        let selectors = selectors::wanted(objects, statuses);
        self.selectors.send_if_modified(|before| {
            let changed = *before != selectors;
            *before = selectors;
            changed
        });
    }

    fn parts(
        &self,
        gateway: &Gateway,
        added: &[&Listener],
        live: &Live,
        parameters: &GatewayParametersSpec,
    ) -> Vec<Value> {
        let name = name(&gateway.meta, &gateway.spec.gateway_class_name);
        let infrastructure = gateway.spec.infrastructure.clone().unwrap_or_default();
        let mut labels = infrastructure.labels.clone();
        labels.insert(GATEWAY_LABEL.to_owned(), short(&gateway.meta.name, NAME));
        labels.insert(CLASS_LABEL.to_owned(), short(&gateway.spec.gateway_class_name, NAME));
        labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
        labels.insert("app.kubernetes.io/name".to_owned(), "sluicegate-proxy".to_owned());
        let metadata = json!({
            "name": name,
            "namespace": gateway.meta.namespace,
            "labels": labels,
            "annotations": infrastructure.annotations,
            "ownerReferences": [{
                "apiVersion": live.api_version, "kind": "Gateway", "name": gateway.meta.name, "uid": live.uid,
                "controller": true,
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
        let asked = parameters.deployment.clone().unwrap_or_default();
        let deployment = deployment::deployment(&self.template, gateway, parameters, &metadata, &selector);
        let mut parts = vec![account, parameters::patched(deployment, asked.patch.as_ref()), budget];
        let asked = parameters.service.clone().unwrap_or_default();
        let services = service::services(gateway, service::ports(gateway, added), &asked, &metadata, &selector);
        parts.extend(services.into_iter().map(|service| parameters::patched(service, asked.patch.as_ref())));
        parts
    }
}

fn is_accepted(status: &Status) -> bool {
    let Status::Gateway(status) = status else { return false };
    status.conditions.iter().any(|it| it.condition_type == "Accepted" && it.status == ConditionStatus::True)
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
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digest: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}", text[..length - 9].trim_end_matches(['-', '.']))
}
