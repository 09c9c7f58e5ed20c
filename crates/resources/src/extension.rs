//! Kinds beside the Gateway API, with Envoy Gateway's field names.

use crate::format::{self, string_enum};
use schemars::{JsonSchema, Schema, SchemaGenerator};
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
