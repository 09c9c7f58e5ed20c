//! Which Secrets and ConfigMaps the objects refer to: a controller reads these and no others (design, invariant 8).

use crate::ControllerNames;
use resources::gateway_api::{Listener, SecretObjectReference};
use resources::{Gateway, Key, Kind, Resources};
use std::collections::BTreeSet;

/// The Secrets and ConfigMaps that Gateways of these controllers, their ListenerSets and BackendTLSPolicies name, whether a
/// ReferenceGrant permits it or not.
pub fn references(resources: &Resources, controllers: &ControllerNames) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let is_ours = |gateway: &Gateway| {
        let class = resources.get::<resources::GatewayClass>("", &gateway.spec.gateway_class_name);
        class.is_some_and(|class| match controllers {
            ControllerNames::All => true,
            ControllerNames::These(names) => names.contains(&class.spec.controller_name),
        })
    };
    for gateway in resources.gateways.values().filter(|gateway| is_ours(gateway)) {
        let namespace = &gateway.meta.namespace;
        certificates(&mut found, namespace, &gateway.spec.listeners);
        let Some(tls) = &gateway.spec.tls else { continue };
        if let Some(reference) = tls.backend.as_ref().and_then(|backend| backend.client_certificate_ref.as_ref()) {
            secret(&mut found, namespace, reference);
        }
        let frontend = tls.frontend.iter();
        let configs =
            frontend.flat_map(|it| std::iter::once(&it.default).chain(it.per_port.iter().map(|port| &port.tls)));
        for reference in configs.flat_map(|config| &config.validation).flat_map(|it| &it.ca_certificate_refs) {
            let namespace = reference.namespace.as_deref().unwrap_or(namespace);
            object(&mut found, namespace, &reference.group, &reference.kind, &reference.name);
        }
    }
    for set in resources.listener_sets.values() {
        let parent = &set.spec.parent_ref;
        let namespace = parent.namespace.as_deref().unwrap_or(&set.meta.namespace);
        if resources.get::<Gateway>(namespace, &parent.name).is_some_and(|gateway| is_ours(gateway)) {
            certificates(&mut found, &set.meta.namespace, &set.spec.listeners);
        }
    }
    for policy in resources.backend_tls_policies.values() {
        for reference in &policy.spec.validation.ca_certificate_refs {
            object(&mut found, &policy.meta.namespace, &reference.group, &reference.kind, &reference.name);
        }
    }
    found
}

fn certificates(found: &mut BTreeSet<Key>, namespace: &str, listeners: &[Listener]) {
    for reference in listeners.iter().flat_map(|listener| &listener.tls).flat_map(|tls| &tls.certificate_refs) {
        secret(found, namespace, reference);
    }
}

fn secret(found: &mut BTreeSet<Key>, namespace: &str, reference: &SecretObjectReference) {
    let namespace = reference.namespace.as_deref().unwrap_or(namespace);
    object(found, namespace, &reference.group, &reference.kind, &reference.name);
}

fn object(found: &mut BTreeSet<Key>, namespace: &str, group: &str, kind: &str, name: &str) {
    if let Some(kind @ (Kind::Secret | Kind::ConfigMap)) = Kind::find_in_group(group, kind) {
        found.insert(Key::new(kind, namespace, name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_referred_to_is_read() {
        let yaml = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: theirs}
spec: {controllerName: example.com/other}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: a, namespace: x}
spec:
  gatewayClassName: ours
  listeners: [{name: s, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}, {name: d, namespace: y}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: b, namespace: x}
spec:
  gatewayClassName: theirs
  listeners: [{name: s, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: e}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: p, namespace: z}
spec:
  targetRefs: [{group: '', kind: Service, name: s}]
  validation: {hostname: s.test, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}
";
        let resources = resources::load([("a.yaml", yaml.as_bytes())]).resources;
        let ours = ControllerNames::These([crate::CONTROLLER_NAME.to_owned()].into());
        let found: Vec<String> = references(&resources, &ours).iter().map(Key::to_string).collect();
        assert_eq!(found, ["Secret x/c", "Secret y/d", "ConfigMap z/ca"]);
    }
}
