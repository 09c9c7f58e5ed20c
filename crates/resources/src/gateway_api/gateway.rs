//! Gateway: listeners, addresses, TLS of both sides.

use super::shared::gateway_group;
use super::{
    GatewayDefaultScope, HttpExternalAuthFilter, LabelSelector, LocalObjectReference, ObjectReference,
    SecretObjectReference,
};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Listeners and what they have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// Name of the GatewayClass.
    #[schemars(with = "format::ObjectName")]
    pub gateway_class_name: String,
    /// The listeners, whose names differ.
    #[schemars(length(min = 1, max = 64))]
    pub listeners: Vec<Listener>,
    /// Addresses to listen on; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub addresses: Vec<GatewaySpecAddress>,
    /// Labels, annotations and parameters of what is made for this Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infrastructure: Option<GatewayInfrastructure>,
    /// Which ListenerSets may add listeners; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_listeners: Option<AllowedListeners>,
    /// TLS towards clients and backends beyond the listeners' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<GatewayTlsConfig>,
    /// Which routes without a parent attach to this Gateway (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_scope: Option<GatewayDefaultScope>,
}

/// Which ListenerSets a Gateway takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedListeners {
    /// Namespaces of those ListenerSets.
    #[serde(default)]
    pub namespaces: ListenerNamespaces,
}

/// Namespaces of ListenerSets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerNamespaces {
    /// Which namespaces.
    #[serde(default)]
    pub from: FromListenerNamespaces,
    /// Labels of the namespaces, for `Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

string_enum! {
    /// Where ListenerSets may come from.
    #[derive(Default)]
    FromListenerNamespaces {
        /// Every namespace.
        All = "All",
        /// Namespaces chosen by label.
        Selector = "Selector",
        /// The Gateway's own namespace.
        Same = "Same",
        /// Nowhere.
        #[default]
        None = "None",
    }
}

/// One listener of a Gateway or a ListenerSet (upstream `Listener`, `ListenerEntry`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Name, unique within the Gateway or ListenerSet.
    #[schemars(with = "format::SectionName")]
    pub name: std::sync::Arc<str>,
    /// Hostname to answer for, maybe with `*` as its first label; every one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Hostname>")]
    pub hostname: Option<String>,
    /// Port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`, or a protocol with a domain as its prefix.
    #[schemars(with = "format::Protocol")]
    pub protocol: String,
    /// TLS towards clients. Required for `TLS`, forbidden for `HTTP`, `TCP` and `UDP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTlsConfig>,
    /// Which routes may attach.
    #[serde(default)]
    pub allowed_routes: AllowedRoutes,
    /// Filters for every request of the listener (experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<ListenerFilters>,
}

/// Filters of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerFilters {
    /// Filters of requests, run before a route is chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub requests: Vec<ListenerFilter>,
}

/// One filter of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerFilter {
    /// Which filter; the member of the same name holds its settings.
    #[serde(rename = "type")]
    pub filter_type: ListenerFilterType,
    /// Settings of `ExternalAuth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_auth: Option<HttpExternalAuthFilter>,
    /// Settings of `ExtensionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_ref: Option<LocalObjectReference>,
}

string_enum! {
    /// Filters that a listener may have.
    ListenerFilterType {
        /// Ask another service whether a request may pass.
        ExternalAuth = "ExternalAuth",
        /// A filter of another kind.
        ExtensionRef = "ExtensionRef",
    }
}

/// TLS of one listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTlsConfig {
    /// Whether TLS ends here.
    #[serde(default)]
    pub mode: TlsMode,
    /// Certificates; the first that fits the server name is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub certificate_refs: Vec<SecretObjectReference>,
    /// Options of implementations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::AnnotationValue>", extend("maxProperties" = 16))]
    pub options: BTreeMap<String, String>,
}

string_enum! {
    /// Where TLS ends.
    #[derive(Default)]
    TlsMode {
        /// At the Gateway.
        #[default]
        Terminate = "Terminate",
        /// At the backend; the Gateway reads the server name only.
        Passthrough = "Passthrough",
    }
}

/// TLS of a whole Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTlsConfig {
    /// TLS towards backends (GEP-3155).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<GatewayBackendTls>,
    /// TLS towards clients (GEP-91).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<FrontendTlsConfig>,
}

/// TLS of a Gateway towards its backends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayBackendTls {
    /// The certificate shown to backends that ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<SecretObjectReference>,
}

/// TLS of a Gateway towards its clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTlsConfig {
    /// For every port that `perPort` does not name.
    pub default: TlsConfig,
    /// For single ports, in place of the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub per_port: Vec<TlsPortConfig>,
}

/// How clients are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsConfig {
    /// Validation of client certificates; none are asked for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<FrontendTlsValidation>,
}

/// How clients of one port are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsPortConfig {
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// How its clients are checked.
    pub tls: TlsConfig,
}

/// Validation of client certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTlsValidation {
    /// ConfigMaps (key `ca.crt`) or Secrets with CA certificates; all of them are trusted.
    #[schemars(length(min = 1, max = 16))]
    pub ca_certificate_refs: Vec<ObjectReference>,
    /// What becomes of clients without a valid certificate.
    #[serde(default)]
    pub mode: FrontendValidationMode,
}

string_enum! {
    /// What becomes of clients without a valid certificate.
    #[derive(Default)]
    FrontendValidationMode {
        /// They are refused.
        #[default]
        AllowValidOnly = "AllowValidOnly",
        /// They are let in all the same.
        AllowInsecureFallback = "AllowInsecureFallback",
    }
}

/// Which routes may attach to a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedRoutes {
    /// Namespaces of those routes.
    #[serde(default)]
    pub namespaces: RouteNamespaces,
    /// Kinds of those routes; what the protocol allows when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub kinds: Vec<RouteGroupKind>,
}

/// Namespaces of routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteNamespaces {
    /// Which namespaces.
    #[serde(default)]
    pub from: FromNamespaces,
    /// Labels of the namespaces, for `Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

string_enum! {
    /// Where routes may come from.
    #[derive(Default)]
    FromNamespaces {
        /// Every namespace.
        All = "All",
        /// Namespaces chosen by label.
        Selector = "Selector",
        /// The Gateway's (or ListenerSet's) own namespace.
        #[default]
        Same = "Same",
    }
}

/// A kind of route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteGroupKind {
    /// Group of the kind.
    #[serde(default = "gateway_group")]
    #[schemars(with = "format::Group")]
    pub group: String,
    /// The kind.
    #[schemars(with = "format::KindName")]
    pub kind: String,
}

/// An address that a Gateway asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpecAddress {
    /// `IPAddress`, `Hostname`, or a type with a domain as its prefix.
    #[serde(rename = "type", default = "ip_address")]
    #[schemars(with = "format::AddressType")]
    pub address_type: String,
    /// The address; absent, the implementation chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Text253>")]
    pub value: Option<String>,
    /// From where the address can be reached (experimental): empty, `Cluster`, or a name with a domain as its prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Text253>")]
    pub routability: Option<String>,
}

fn ip_address() -> String {
    "IPAddress".to_owned()
}

/// Labels, annotations and parameters of what is made for a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayInfrastructure {
    /// Labels for everything made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::LabelValue>", extend("maxProperties" = 8))]
    pub labels: BTreeMap<String, String>,
    /// Annotations for everything made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::AnnotationValue>", extend("maxProperties" = 16))]
    pub annotations: BTreeMap<String, String>,
    /// Parameters, of the Gateway's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_ref: Option<LocalObjectReference>,
}
