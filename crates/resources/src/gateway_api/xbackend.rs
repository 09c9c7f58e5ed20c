//! XBackend (GEP-4894, experimental): a destination, and how to speak to it.

use super::{BackendTlsPolicyValidation, SecretObjectReference, SessionPersistence};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A destination of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XBackendSpec {
    /// Which of `externalHostname` and `endpointSelector` is set.
    #[serde(rename = "type")]
    pub backend_type: XBackendType,
    /// The port of every endpoint.
    pub port: XBackendPort,
    /// A host outside of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_hostname: Option<ExternalHostnameBackend>,
    /// Pods, by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_selector: Option<EndpointSelectorBackend>,
    /// Keeps a client on one endpoint; for `EndpointSelector` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
    /// What is spoken to the endpoints; what the route says when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<XBackendProtocol>,
    /// TLS to the endpoints.
    #[serde(default)]
    pub tls: XBackendTls,
}

string_enum! {
    /// Where the endpoints of an XBackend come from.
    XBackendType {
        /// A name that DNS resolves.
        ExternalHostname = "ExternalHostname",
        /// Pods with certain labels.
        EndpointSelector = "EndpointSelector",
    }
}

/// The port of an XBackend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
pub struct XBackendPort {
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub number: Option<u16>,
}

/// A host outside of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalHostnameBackend {
    /// Its name in DNS; no IP address, nothing under `.cluster.local`.
    #[schemars(with = "format::PreciseHostname")]
    pub hostname: String,
}

/// Pods, by their labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSelectorBackend {
    /// Labels that a Pod must have with these values.
    #[schemars(with = "BTreeMap<String, format::LabelValue>", extend("minProperties" = 1, "maxProperties" = 64))]
    pub match_labels: BTreeMap<String, String>,
}

string_enum! {
    /// What is spoken to the endpoints of an XBackend.
    XBackendProtocol {
        /// Bytes.
        Tcp = "TCP",
        /// HTTP, in the version that is agreed upon.
        Http = "HTTP",
        /// HTTP/2 under TLS.
        Http2 = "HTTP2",
        /// HTTP/1.1.
        Http11 = "HTTP11",
        /// HTTP/2 without TLS.
        H2c = "H2C",
        /// The Model Context Protocol.
        Mcp = "MCP",
        /// gRPC.
        Grpc = "GRPC",
        /// WebSocket under TLS.
        Wss = "WSS",
    }
}

/// TLS to the endpoints of an XBackend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XBackendTls {
    /// Whether there is TLS, and who shows a certificate.
    pub mode: XBackendTlsMode,
    /// The gateway's own certificate; for `ClientAndServer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<SecretObjectReference>,
    /// How the endpoints' certificate is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<BackendTlsPolicyValidation>,
}

string_enum! {
    /// Whether there is TLS to an XBackend.
    #[derive(Default)]
    XBackendTlsMode {
        /// None.
        #[default]
        None = "None",
        /// The endpoint shows a certificate.
        ServerOnly = "ServerOnly",
        /// Both do.
        ClientAndServer = "ClientAndServer",
    }
}
