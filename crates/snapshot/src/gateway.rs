use crate::{Hostname, ListenerRef, ObjectName};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, sync::Arc};

/// A Gateway with the listeners that can be served. Listeners that cannot are left out and say why in the status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// Addresses to listen on; empty means all.
    pub addresses: Vec<IpAddr>,
    /// In the order of the spec.
    pub listeners: Vec<Listener>,
}

/// One `spec.listeners[]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// Unique within the Gateway.
    pub name: Arc<str>,
    /// Place in the object's `spec.listeners`, from 0, for paths of fields: listeners that cannot be served are counted.
    pub index: usize,
    /// Port of the spec; the proxy may be told to bind another one in its place.
    pub port: u16,
    /// Names it answers to.
    pub hostname: Hostname,
    /// What is spoken on it.
    pub protocol: ListenerProtocol,
}

/// Protocol and TLS mode of a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ListenerProtocol {
    /// `HTTP`: HTTP/1.1 and HTTP/2 with prior knowledge, no TLS.
    Http,
    /// `HTTPS`: TLS ended with one of these certificates (Secrets), chosen by SNI; the first is the default.
    Https {
        /// Secrets, in the order of `tls.certificateRefs`; at least one.
        certificates: Vec<ObjectName>,
    },
    /// `TLS` with mode `Terminate`: TLSRoutes and KafkaRoutes.
    TlsTerminate {
        /// Secrets, in the order of `tls.certificateRefs`; at least one.
        certificates: Vec<ObjectName>,
    },
    /// `TLS` with mode `Passthrough`: TLSRoutes.
    TlsPassthrough,
}

/// A route's bond to one listener: the listener, and the names under which it serves the route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The listener.
    pub listener: ListenerRef,
    /// The route's hostnames intersected with the listener's; at least one. Names that an older route owns are left out.
    pub hostnames: Vec<Hostname>,
}

/// A certificate chain and its key, from one Secret. `Debug` never shows the key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The Secret.
    pub name: ObjectName,
    /// PEM, leaf first.
    pub chain: String,
    /// PEM; PKCS#8, PKCS#1 or SEC1.
    #[serde(skip_serializing)]
    pub key: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("name", &self.name).finish_non_exhaustive()
    }
}
