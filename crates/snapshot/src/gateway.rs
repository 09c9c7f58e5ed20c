use crate::{ExternalAuth, Hostname, ListenerRef, ObjectName};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, sync::Arc};

/// A Gateway with the listeners that can be served. Listeners that cannot are left out and say why in the status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// What the keys of its sessions come from: the same in all proxies of the Gateway. `metadata.uid`; absent in most folders.
    pub session_seed: Option<Arc<str>>,
    /// Addresses to listen on; empty means all.
    pub addresses: Vec<IpAddr>,
    /// In the order of the spec.
    pub listeners: Vec<Listener>,
}

/// The listeners that a ListenerSet adds to a Gateway and that can be served (GEP-1713).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenerSet {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// The Gateway, on whose addresses they listen.
    pub gateway: ObjectName,
    /// In the order of the spec; [`ListenerSet::listener_name`] says how they are named.
    pub listeners: Vec<Listener>,
}

impl ListenerSet {
    /// How a listener of a set is named beside those of its Gateway, whose names hold no slash: `namespace/set/listener`.
    pub fn listener_name(set: &ObjectName, listener: &str) -> Arc<str> {
        format!("{set}/{listener}").into()
    }
}

/// One `spec.listeners[]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// Unique within the Gateway and its ListenerSets.
    pub name: Arc<str>,
    /// Place in the object's `spec.listeners`, from 0, for paths of fields: listeners that cannot be served are counted.
    pub index: usize,
    /// Port of the spec; the proxy may be told to bind another one in its place.
    pub port: u16,
    /// Names it answers to.
    pub hostname: Hostname,
    /// What is spoken on it.
    pub protocol: ListenerProtocol,
    /// How clients prove who they are, where TLS is ended (GEP-91).
    pub client_validation: Option<ClientValidation>,
    /// What every request passes before a route is chosen, in order (GEP-5224); of HTTP and HTTPS alone.
    pub filters: Vec<ExternalAuth>,
}

/// Validation of client certificates (`Gateway.spec.tls.frontend`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientValidation {
    /// PEM bundle of at least one certificate: who may have signed a client's.
    pub ca_certificates: Arc<str>,
    /// Whether clients without a valid certificate are let in all the same (`AllowInsecureFallback`).
    pub insecure_fallback: bool,
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
    /// `TCP`: a TCPRoute. It shares its port with no other listener.
    Tcp,
    /// `UDP`: a UDPRoute. Its port is one of UDP, beside the TCP port of the same number.
    Udp,
}

/// A route's bond to one listener: the listener, and the names under which it serves the route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The listener.
    pub listener: ListenerRef,
    /// At least one. Of HTTPRoutes and GRPCRoutes: those of the route that the listener answers to, as written, which may be
    /// wider than the listener's: within it they have the precedence of what is written. Of TLSRoutes: intersected with the
    /// listener's; names that another route owns are left out.
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
