use crate::{BackendKey, ObjectName, Session};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};

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
    /// What an XBackendTrafficPolicy or the XBackend itself says of requests to it.
    pub traffic: Option<Box<Traffic>>,
}

/// How requests to a backend are treated, whichever rule they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Keeps a client on one endpoint.
    pub session: Option<Session>,
    /// How many of the requests may be retries.
    pub retry_constraint: Option<RetryConstraint>,
}

/// `retryConstraint` of an XBackendTrafficPolicy (GEP-3388): a retry is made if either of the two allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryConstraint {
    /// Share of the requests that may be retries, 0 to 100.
    pub percent: u8,
    /// Which requests count: those of so long a time.
    pub interval: Duration,
    /// So many retries are allowed in any case …
    pub min_count: u32,
    /// … in so long a time.
    pub min_interval: Duration,
}

/// One address of a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where.
    pub address: EndpointAddress,
    /// TCP port; UDP port for UDPRoutes.
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
