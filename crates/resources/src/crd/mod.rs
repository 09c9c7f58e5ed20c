//! CustomResourceDefinitions of our kinds, made from their types: structural schemas with the constraints of the types, the rules of
//! [`Spec::validate`](crate::Spec::validate) as CEL as far as CEL has them, defaults, printer columns and the status subresource.

mod rules;
mod structural;

use crate::status::{BackendStatus, KafkaRouteStatus, PolicyStatus};
use crate::{ENVOY_GATEWAY_GROUP, EVENT_STREAM_GATEWAY_GROUP, GATEWAY_GROUP, Kind, SLUICEGATE_GROUP};
use schemars::schema_for;
use serde_json::{Map, Value, json};

/// Whose kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrdSet {
    /// Ours: what every cluster with Sluicegate needs beside the Gateway API.
    Own,
    /// Kinds of Envoy Gateway that Sluicegate reads, or answers for: for clusters that never had Envoy Gateway.
    EnvoyGateway,
}

/// A definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Crd {
    /// Its name, such as `kafkaroutes.sluicegate.dev`.
    pub name: String,
    /// The object.
    pub manifest: Value,
}

impl Crd {
    /// The object as YAML.
    pub fn yaml(&self) -> String {
        serde_saphyr::to_string(&self.manifest).unwrap_or_default()
    }
}

/// What one definition is made from.
struct Definition {
    kind: &'static str,
    typed: Option<Kind>,
    group: &'static str,
    version: &'static str,
}

const fn typed(kind: Kind, name: &'static str, group: &'static str, version: &'static str) -> Definition {
    Definition { kind: name, typed: Some(kind), group, version }
}

const fn untyped(name: &'static str) -> Definition {
    Definition { kind: name, typed: None, group: ENVOY_GATEWAY_GROUP, version: ALPHA }
}

const ALPHA: &str = "v1alpha1";

const OWN: &[Definition] = &[
    typed(Kind::Backend, "Backend", SLUICEGATE_GROUP, ALPHA),
    typed(Kind::GatewayParameters, "GatewayParameters", SLUICEGATE_GROUP, ALPHA),
    typed(Kind::KafkaHeaderPolicy, "KafkaHeaderPolicy", SLUICEGATE_GROUP, ALPHA),
    typed(Kind::KafkaHeaderPolicy, "KafkaHeaderPolicy", EVENT_STREAM_GATEWAY_GROUP, ALPHA),
    typed(Kind::KafkaRoute, "KafkaRoute", SLUICEGATE_GROUP, ALPHA),
    typed(Kind::KafkaRoute, "KafkaRoute", GATEWAY_GROUP, "experimental"),
];

const ENVOY_GATEWAY: &[Definition] = &[
    typed(Kind::Backend, "Backend", ENVOY_GATEWAY_GROUP, ALPHA),
    untyped("BackendTrafficPolicy"),
    typed(Kind::ClientTrafficPolicy, "ClientTrafficPolicy", ENVOY_GATEWAY_GROUP, ALPHA),
    untyped("EnvoyExtensionPolicy"),
    untyped("EnvoyPatchPolicy"),
    typed(Kind::EnvoyProxy, "EnvoyProxy", ENVOY_GATEWAY_GROUP, ALPHA),
    typed(Kind::EnvoyProxy, "EnvoyProxy", "config.gateway.envoyproxy.io", ALPHA),
    untyped("HTTPRouteFilter"),
    typed(Kind::SecurityPolicy, "SecurityPolicy", ENVOY_GATEWAY_GROUP, ALPHA),
];

/// The definitions of a set, by name.
pub fn crds(set: CrdSet) -> Vec<Crd> {
    let definitions = match set {
        CrdSet::Own => OWN,
        CrdSet::EnvoyGateway => ENVOY_GATEWAY,
    };
    let mut crds: Vec<Crd> = definitions.iter().map(Definition::crd).collect();
    crds.sort_by(|a, b| a.name.cmp(&b.name));
    crds
}

/// The name of a kind in URLs, such as `kafkaroutes`.
pub fn plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        Some(_) => format!("{singular}s"),
        None if singular.ends_with('s') && !singular.ends_with("ss") => singular,
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

impl Definition {
    fn crd(&self) -> Crd {
        let plural = plural(self.kind);
        let name = format!("{plural}.{}", self.group);
        let mut annotations = Map::new();
        if self.group == GATEWAY_GROUP {
            // A group of Kubernetes' own wants to know where its API was approved.
            annotations.insert("api-approved.kubernetes.io".into(), "unapproved, a proposal".into());
            // The admission policy that comes with the Gateway API's own definitions wants these of everything in its group.
            annotations.insert("gateway.networking.k8s.io/bundle-version".into(), "v0.0.0-dev".into());
            annotations.insert("gateway.networking.k8s.io/channel".into(), "experimental".into());
        }
        annotations.insert("sluicegate.dev/version".into(), env!("CARGO_PKG_VERSION").into());
        let manifest = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": name, "annotations": annotations },
            "spec": {
                "group": self.group,
                "scope": "Namespaced",
                "names": {
                    "kind": self.kind,
                    "listKind": format!("{}List", self.kind),
                    "plural": plural,
                    "singular": self.kind.to_lowercase(),
                    "categories": ["gateway-api"],
                },
                "versions": [{
                    "name": self.version,
                    "served": true,
                    "storage": true,
                    "schema": { "openAPIV3Schema": self.schema() },
                    "subresources": { "status": {} },
                    "additionalPrinterColumns": self.columns(),
                }],
            },
        });
        Crd { name, manifest }
    }

    fn schema(&self) -> Value {
        let mut root = json!({
            "type": "object",
            "properties": {
                "apiVersion": { "type": "string" },
                "kind": { "type": "string" },
                "metadata": { "type": "object" },
            },
            "required": ["spec"],
        });
        let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let spec = self.typed.map_or_else(|| open.clone(), |kind| structural::convert(&crate::schema_for(kind)));
        root["properties"]["status"] = self.status().unwrap_or(open);
        root["properties"]["spec"] = spec;
        if let Some(description) = root["properties"]["spec"].get("description").cloned() {
            root["description"] = description;
        }
        if let Some(kind) = self.typed {
            rules::add(kind, &mut root);
        }
        root
    }

    fn status(&self) -> Option<Value> {
        let schema = match self.typed? {
            Kind::KafkaRoute => schema_for!(KafkaRouteStatus),
            Kind::KafkaHeaderPolicy => schema_for!(PolicyStatus),
            Kind::Backend => schema_for!(BackendStatus),
            _ => return None,
        };
        Some(structural::convert(&schema))
    }

    fn columns(&self) -> Value {
        let condition = |list: &str, name: &str| json!({ "name": name, "type": "string", "jsonPath": format!(".status.{list}conditions[?(@.type==\"{name}\")].status") });
        let field = |name: &str, kind: &str, path: &str| json!({ "name": name, "type": kind, "jsonPath": path });
        let wide = |mut column: Value| {
            column["priority"] = 1.into();
            column
        };
        let mut columns = match self.typed {
            Some(Kind::KafkaRoute) => vec![
                field("Hostname", "string", ".spec.hostname"),
                condition("parents[0].", "Accepted"),
                field("Bootstrap", "string", ".status.bootstrapAddresses[0]"),
                field("Reachable", "integer", ".status.brokers.reachable"),
                field("Brokers", "integer", ".status.brokers.known"),
                field("Clients", "integer", ".status.connectedClients"),
                wide(condition("parents[0].", "ResolvedRefs")),
            ],
            Some(Kind::Backend) => vec![field("Type", "string", ".spec.type"), condition("", "Accepted")],
            Some(Kind::GatewayParameters) => vec![
                field("Replicas", "integer", ".spec.deployment.replicas"),
                field("Service", "string", ".spec.service.type"),
            ],
            _ => Vec::new(),
        };
        columns.push(field("Age", "date", ".metadata.creationTimestamp"));
        columns.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_kubernetes_has_them() {
        let names = |set| crds(set).into_iter().map(|crd| crd.name).collect::<Vec<_>>();
        assert_eq!(
            names(CrdSet::Own),
            [
                "backends.sluicegate.dev",
                "gatewayparameters.sluicegate.dev",
                "kafkaheaderpolicies.eventstreamgateway.io",
                "kafkaheaderpolicies.sluicegate.dev",
                "kafkaroutes.gateway.networking.k8s.io",
                "kafkaroutes.sluicegate.dev",
            ]
        );
        assert!(names(CrdSet::EnvoyGateway).contains(&"envoyproxies.config.gateway.envoyproxy.io".to_owned()));
        assert_eq!(plural("GatewayClass"), "gatewayclasses");
        assert_eq!(plural("Gateway"), "gateways");
        assert_eq!(plural("BackendTLSPolicy"), "backendtlspolicies");
    }

    /// What a definition's kind says of itself is what [`Kind`] does.
    #[test]
    fn every_definition_is_of_a_kind_that_is_read() {
        for definition in OWN.iter().chain(ENVOY_GATEWAY) {
            let Some(kind) = definition.typed else { continue };
            let api_version = format!("{}/{}", definition.group, definition.version);
            assert_eq!(Kind::find(&api_version, definition.kind), Some(kind), "{api_version}");
            assert!(kind.is_namespaced() && kind.has_spec());
        }
    }
}
