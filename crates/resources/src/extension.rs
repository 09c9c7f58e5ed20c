//! Kinds beside the Gateway API, with Envoy Gateway's field names.

use crate::format::{self, string_enum};
use crate::gateway_api::LabelSelector;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A destination outside of Kubernetes Services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendSpec {
    /// Whether the endpoints are listed here.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub backend_type: Option<BackendType>,
    /// The endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub endpoints: Vec<BackendEndpoint>,
    /// What the endpoints speak; HTTP/1.1 when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub app_protocols: Vec<AppProtocol>,
    /// Whether it is used only when others fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<bool>,
    /// Networks in which Kafka brokers of this backend may lie, beside the endpoints' own hosts: an address that
    /// metadata advertises outside of them is not dialled.
    #[serde(rename = "allowedCIDRs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::Cidr>", length(max = 64))]
    pub allowed_cidrs: Vec<String>,
    /// TLS settings of Envoy Gateway, read but not typed. TLS towards a backend comes from a BackendTLSPolicy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Untyped>")]
    pub tls: Option<serde_json::Value>,
}

string_enum! {
    /// Where the endpoints of a Backend come from.
    BackendType {
        /// They are listed.
        Endpoints = "Endpoints",
        /// Each request names its own (a forward proxy).
        DynamicResolver = "DynamicResolver",
    }
}

string_enum! {
    /// What a Backend speaks.
    AppProtocol {
        /// HTTP/2 in plain text.
        H2c = "gateway.envoyproxy.io/h2c",
        /// WebSocket.
        Ws = "gateway.envoyproxy.io/ws",
        /// WebSocket over TLS.
        Wss = "gateway.envoyproxy.io/wss",
        /// HTTP/2 in plain text, as Services say it.
        KubernetesH2c = "kubernetes.io/h2c",
        /// WebSocket, as Services say it.
        KubernetesWs = "kubernetes.io/ws",
        /// WebSocket over TLS, as Services say it.
        KubernetesWss = "kubernetes.io/wss",
    }
}

/// One endpoint: exactly one of `fqdn`, `ip`, `unix`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendEndpoint {
    /// A DNS name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<FqdnEndpoint>,
    /// An IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpEndpoint>,
    /// A Unix domain socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix: Option<UnixEndpoint>,
    /// The Host header and server name for this endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PreciseHostname>")]
    pub hostname: Option<String>,
    /// Its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Text253>")]
    pub zone: Option<String>,
}

/// A DNS name and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FqdnEndpoint {
    /// The name.
    #[schemars(with = "format::PreciseHostname")]
    pub hostname: String,
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
}

/// An IP address and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpEndpoint {
    /// The IPv4 or IPv6 address.
    #[schemars(with = "format::IpAddress")]
    pub address: String,
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
}

/// A Unix domain socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnixEndpoint {
    /// Its path.
    #[schemars(length(min = 1, max = 108))]
    pub path: String,
}

/// Envoy Gateway's parameters of a class or a Gateway, read but not yet typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EnvoyProxySpec(#[schemars(with = "Untyped")] pub serde_json::Value);

/// Access control of Envoy Gateway, read but for its targets not typed: whatever it says, it is not served yet, and what it
/// targets is not served without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecurityPolicySpec(#[schemars(with = "Untyped")] pub serde_json::Value);

impl SecurityPolicySpec {
    /// What it is for; see [`TargetEntry`].
    pub fn targets(&self) -> Vec<TargetEntry> {
        targets(&self.0)
    }
}

/// How Envoy Gateway's listeners treat clients, read but for its targets not typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ClientTrafficPolicySpec(#[schemars(with = "Untyped")] pub serde_json::Value);

impl ClientTrafficPolicySpec {
    /// What it is for; see [`TargetEntry`].
    pub fn targets(&self) -> Vec<TargetEntry> {
        targets(&self.0)
    }

    /// Whether it asks clients for certificates (`tls.clientValidation`).
    pub fn validates_clients(&self) -> bool {
        self.0.pointer("/tls/clientValidation").is_some_and(|validation| !validation.is_null())
    }
}

/// One of `targetRef`, `targetRefs[]` and `targetSelectors[]`: its path such as `spec.targetRefs[0]`, and what it says or
/// why it cannot be read. Entries are read one by one, so that a bad one leaves the others in force.
pub type TargetEntry = (String, Result<PolicyTarget, String>);

/// What a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyTarget {
    /// One object.
    Reference(PolicyTargetReference),
    /// Every object with certain labels.
    Selector(PolicyTargetSelector),
}

/// One object that a policy is for, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTargetReference {
    /// The API group; the Gateway API's when absent.
    #[serde(default = "gateway_group")]
    pub group: String,
    /// The kind, such as `Gateway` or `HTTPRoute`.
    pub kind: String,
    /// The namespace; the policy's own when absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// A listener of a Gateway, or a rule of a route; all of it when absent.
    #[serde(default)]
    pub section_name: Option<String>,
}

/// Objects that a policy is for, by their labels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTargetSelector {
    /// The API group; the Gateway API's when absent.
    #[serde(default = "gateway_group")]
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Which of them; all when it asks for nothing.
    #[serde(flatten)]
    pub labels: LabelSelector,
    /// Which namespaces; the policy's own when absent. Its content is not typed.
    #[serde(default)]
    pub namespaces: Option<serde_json::Value>,
}

fn gateway_group() -> String {
    crate::GATEWAY_GROUP.to_owned()
}

fn targets(spec: &serde_json::Value) -> Vec<TargetEntry> {
    fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, String> {
        T::deserialize(value).map_err(|error| error.to_string())
    }
    let mut entries: Vec<TargetEntry> = Vec::new();
    for name in ["targetRef", "targetRefs", "targetSelectors"] {
        let Some(value) = spec.get(name).filter(|value| !value.is_null()) else { continue };
        let path = format!("spec.{name}");
        let entry = |value| match name {
            "targetSelectors" => read(value).map(PolicyTarget::Selector),
            _ => read(value).map(PolicyTarget::Reference),
        };
        match value.as_array() {
            _ if name == "targetRef" => entries.push((path, entry(value))),
            Some(list) => {
                entries.extend(list.iter().enumerate().map(|(i, item)| (format!("{path}[{i}]"), entry(item))))
            }
            None => entries.push((path, Err("expected a list".to_owned()))),
        }
    }
    entries
}

/// The schema of a value of any content.
#[derive(Debug)]
pub enum Untyped {}

impl JsonSchema for Untyped {
    fn schema_name() -> Cow<'static, str> {
        "Untyped".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object", "x-untyped": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_one_by_one() {
        let spec: SecurityPolicySpec = serde_json::from_value(serde_json::json!({
            "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gw"},
            "targetRefs": [{"kind": "HTTPRoute", "name": "web", "sectionName": "admin"}, {"kind": "HTTPRoute"}],
            "targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"team": "a"}}],
            "jwt": {"providers": []}
        }))
        .unwrap();
        let entries = spec.targets();
        let paths: Vec<&str> = entries.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["spec.targetRef", "spec.targetRefs[0]", "spec.targetRefs[1]", "spec.targetSelectors[0]"]);
        let Ok(PolicyTarget::Reference(web)) = &entries[1].1 else { panic!() };
        assert_eq!((&*web.group, web.section_name.as_deref()), (crate::GATEWAY_GROUP, Some("admin")));
        assert_eq!(entries[2].1, Err("missing field `name`".into()));
        let Ok(PolicyTarget::Selector(selector)) = &entries[3].1 else { panic!() };
        assert_eq!(selector.labels.match_labels["team"], "a");
        let odd: SecurityPolicySpec =
            serde_json::from_value(serde_json::json!({"targetRefs": {"name": "gw"}})).unwrap();
        assert_eq!(odd.targets(), [("spec.targetRefs".to_owned(), Err("expected a list".to_owned()))]);
    }

    #[test]
    fn validation_of_clients_is_found() {
        let spec = |value| ClientTrafficPolicySpec(value).validates_clients();
        assert!(spec(serde_json::json!({"tls": {"clientValidation": {"optional": true}}})));
        assert!(!spec(serde_json::json!({"tls": {"minVersion": "1.3"}})) && !spec(serde_json::json!({})));
    }
}
