//! What the workers run: compiled from the snapshot, immutable, swapped at once.

mod compile;
mod ports;
#[cfg(test)]
mod tests;

pub(crate) use compile::{Compiled, Compiler, Wanted};

use crate::{http, kafka, listener::Listener, router::Map, tcp, tls::sni::SniTable, udp, upstream::Backend};
use snapshot::BackendKey;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

type Backends = Map<Arc<BackendKey>, Arc<Backend>>;

/// One revision, compiled. What a change does not touch keeps its `Arc`.
#[derive(Debug, Default)]
pub(crate) struct Runtime {
    /// Of the newest delta in it.
    pub(crate) revision: u64,
    /// By the port that is bound.
    pub(crate) ports: BTreeMap<u16, Arc<Port>>,
    /// As `ports`, of UDP.
    pub(crate) udp: BTreeMap<u16, Arc<udp::Port>>,
    /// Ids of all ports and listeners.
    pub(crate) live: Arc<HashSet<u64>>,
    /// Shared keys, as the map is copied when a backend changes.
    backends: Arc<Backends>,
}

impl Runtime {
    /// A backend by name; `None` if the snapshot has none such.
    pub(crate) fn backend(&self, key: &BackendKey) -> Option<&Arc<Backend>> {
        self.backends.get(key)
    }

    /// The port under which clients reach what the spec calls `port`: another one where ports are mapped.
    pub(crate) fn advertised(&self, port: u16) -> u16 {
        let listeners = self.ports.values().flat_map(|port| &port.listeners);
        listeners.into_iter().find(|listener| listener.port == port).map_or(port, |listener| listener.advertised)
    }

    /// What is served on a bound port of UDP.
    pub(crate) fn udp(&self, bound: u16) -> Option<&Arc<udp::Port>> {
        self.udp.get(&bound)
    }

    /// What is served on a bound port.
    pub(crate) fn port(&self, bound: u16) -> Option<&Arc<Port>> {
        self.ports.get(&bound)
    }
}

/// All listeners that share a port.
#[derive(Debug)]
pub(crate) struct Port {
    /// Stays the same as long as the port is served, with or without TLS.
    pub(crate) id: u64,
    /// The port that is bound.
    pub(crate) number: u16,
    /// In the order of Gateways and their specs; at least one.
    pub(crate) listeners: Vec<Arc<Listener>>,
    /// Where TLS connections go by SNI; `None`: the port takes no TLS.
    pub(crate) sni: Option<Arc<SniTable<SniTarget>>>,
    /// Routes of the HTTP or HTTPS listeners, if there are such.
    pub(crate) http: Option<Arc<http::Table>>,
    /// The route of the TCP listener, if there is such.
    pub(crate) tcp: Option<Arc<tcp::Route>>,
}

/// What serves a server name.
#[derive(Clone, Debug)]
pub(crate) enum SniTarget {
    /// An HTTPS listener.
    Https(Arc<Listener>),
    /// A TLSRoute; the kind of the listener tells whether TLS is ended.
    Tls(Arc<Listener>, Arc<tcp::Route>),
    /// A KafkaRoute; the broker id of a pattern comes with the lookup.
    Kafka(Arc<Listener>, Arc<kafka::Route>, kafka::Wanted),
    /// A route that could not be compiled: its names must not fall to a wildcard of somebody else.
    Unserved(Arc<Listener>, Arc<str>),
}
