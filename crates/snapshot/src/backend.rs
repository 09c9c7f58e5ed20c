use crate::{BackendKey, ObjectName};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A Service port or a `Backend`, with its endpoints and how to speak to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backend {
    /// What routes name.
    pub key: BackendKey,
    /// Endpoints that may get new connections, in a stable order: the ready ones or, if there is none, those that
    /// terminate and still serve. Empty: 503 (Gateway API).
    pub endpoints: Vec<Endpoint>,
    /// From `appProtocol`.
    pub protocol: AppProtocol,
    /// TLS to the endpoints, from a BackendTLSPolicy.
    pub tls: Option<BackendTls>,
    /// Why it cannot be used although it exists, e.g. a BackendTLSPolicy without a valid CA; connections are refused
    /// and HTTP requests answered with 500.
    pub unusable: Option<String>,
}

/// One address of a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where.
    pub address: EndpointAddress,
    /// TCP port.
    pub port: u16,
}

/// Address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndpointAddress {
    /// An IP address.
    Ip(IpAddr),
    /// A name for DNS, in lower case.
    Fqdn(String),
}

/// What the endpoints speak, from the Service port's `appProtocol` (GEP-1911).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppProtocol {
    /// HTTP/1.1, or anything for routes that do not look into the bytes.
    #[default]
    Default,
    /// `kubernetes.io/h2c`: HTTP/2 with prior knowledge; by ALPN under a BackendTLSPolicy.
    H2c,
    /// `kubernetes.io/ws`: HTTP/1.1 with WebSocket upgrades.
    WebSocket,
    /// `https`, `kubernetes.io/wss`: HTTP/1.1 under TLS; needs a BackendTLSPolicy.
    Https,
}

/// TLS towards a backend (BackendTLSPolicy, GEP-1897).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendTls {
    /// Sent as SNI, and the name the certificate must bear unless `subject_alt_names` is set.
    pub hostname: String,
    /// Who may have signed it.
    pub ca_certificates: CaCertificates,
    /// If not empty: one of these must be in the certificate, and `hostname` need not be.
    pub subject_alt_names: Vec<SubjectAltName>,
    /// The gateway's own certificate for the backend (`Gateway.spec.tls.backend`), if any.
    pub client_certificate: Option<ObjectName>,
}

/// Trust anchors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CaCertificates {
    /// The system's trust store.
    System,
    /// PEM bundle of at least one certificate.
    Pem(String),
}

/// A name that a backend's certificate may bear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectAltName {
    /// DNS name.
    Hostname(String),
    /// URI, e.g. a SPIFFE id.
    Uri(String),
}
