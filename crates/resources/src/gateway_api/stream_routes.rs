//! TLSRoute, TCPRoute, UDPRoute: routes of connections and datagrams.

use super::{BackendRef, GatewayDefaultScope, ParentReference};
use crate::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS connections by server name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsRouteSpec {
    /// The Gateways and ListenerSets to attach to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub parent_refs: Vec<ParentReference>,
    /// Whether to attach to default Gateways (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<GatewayDefaultScope>,
    /// Server names, maybe with `*` as their first label.
    #[schemars(with = "Vec<format::Hostname>", length(min = 1, max = 1024))]
    pub hostnames: Vec<String>,
    /// The one rule.
    #[schemars(length(min = 1, max = 1))]
    pub rules: Vec<StreamRouteRule>,
}

/// Every TCP connection of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpRouteSpec {
    /// The Gateways and ListenerSets to attach to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub parent_refs: Vec<ParentReference>,
    /// Whether to attach to default Gateways (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<GatewayDefaultScope>,
    /// The one rule.
    #[schemars(length(min = 1, max = 1))]
    pub rules: Vec<StreamRouteRule>,
}

/// Every UDP datagram of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UdpRouteSpec {
    /// The Gateways and ListenerSets to attach to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub parent_refs: Vec<ParentReference>,
    /// Whether to attach to default Gateways (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<GatewayDefaultScope>,
    /// The one rule.
    #[schemars(length(min = 1, max = 1))]
    pub rules: Vec<StreamRouteRule>,
}

/// Where connections or datagrams go (upstream `TLSRouteRule`, `TCPRouteRule`, `UDPRouteRule`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamRouteRule {
    /// Name of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub name: Option<String>,
    /// Backends, each with its share.
    #[schemars(length(min = 1, max = 16))]
    pub backend_refs: Vec<BackendRef>,
}
