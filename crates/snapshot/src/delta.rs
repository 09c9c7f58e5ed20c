use crate::{
    Backend, BackendKey, Certificate, Gateway, HttpRoute, KafkaRoute, ListenerSet, ObjectName, StreamRoute, TlsRoute,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Name of an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum EntityKey {
    Certificate(ObjectName),
    Backend(BackendKey),
    Gateway(ObjectName),
    ListenerSet(ObjectName),
    HttpRoute(ObjectName),
    TlsRoute(ObjectName),
    KafkaRoute(ObjectName),
    GrpcRoute(ObjectName),
    TcpRoute(ObjectName),
    UdpRoute(ObjectName),
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(name) => write!(f, "Secret/{name}"),
            Self::Backend(key) => key.fmt(f),
            Self::Gateway(name) => write!(f, "Gateway/{name}"),
            Self::ListenerSet(name) => write!(f, "ListenerSet/{name}"),
            Self::HttpRoute(name) => write!(f, "HTTPRoute/{name}"),
            Self::TlsRoute(name) => write!(f, "TLSRoute/{name}"),
            Self::KafkaRoute(name) => write!(f, "KafkaRoute/{name}"),
            Self::GrpcRoute(name) => write!(f, "GRPCRoute/{name}"),
            Self::TcpRoute(name) => write!(f, "TCPRoute/{name}"),
            Self::UdpRoute(name) => write!(f, "UDPRoute/{name}"),
        }
    }
}

/// One thing the proxy runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Entity {
    Certificate(Arc<Certificate>),
    Backend(Arc<Backend>),
    Gateway(Arc<Gateway>),
    ListenerSet(Arc<ListenerSet>),
    HttpRoute(Arc<HttpRoute>),
    TlsRoute(Arc<TlsRoute>),
    KafkaRoute(Arc<KafkaRoute>),
    /// In the terms of HTTP.
    GrpcRoute(Arc<HttpRoute>),
    TcpRoute(Arc<StreamRoute>),
    UdpRoute(Arc<StreamRoute>),
}

impl Entity {
    /// Its name.
    pub fn key(&self) -> EntityKey {
        match self {
            Self::Certificate(e) => EntityKey::Certificate(e.name.clone()),
            Self::Backend(e) => EntityKey::Backend(e.key.clone()),
            Self::Gateway(e) => EntityKey::Gateway(e.name.clone()),
            Self::ListenerSet(e) => EntityKey::ListenerSet(e.name.clone()),
            Self::HttpRoute(e) => EntityKey::HttpRoute(e.name.clone()),
            Self::TlsRoute(e) => EntityKey::TlsRoute(e.name.clone()),
            Self::KafkaRoute(e) => EntityKey::KafkaRoute(e.name.clone()),
            Self::GrpcRoute(e) => EntityKey::GrpcRoute(e.name.clone()),
            Self::TcpRoute(e) => EntityKey::TcpRoute(e.name.clone()),
            Self::UdpRoute(e) => EntityKey::UdpRoute(e.name.clone()),
        }
    }
}

/// One atomic change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Counts up by one.
    pub revision: u64,
    /// New or changed entities.
    pub upserts: Vec<Entity>,
    /// Entities that are gone.
    pub removes: Vec<EntityKey>,
}

impl Delta {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && self.removes.is_empty()
    }
}

/// A proxy's answer to a [`Delta`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// Revision that is now served.
    pub revision: u64,
    /// What of it could not be served; everything else is.
    pub refusals: Vec<Refusal>,
}

/// An entity, or a part of one, that a proxy could not serve, e.g. a port in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The entity.
    pub entity: EntityKey,
    /// Path of the field in the user's object, e.g. `spec.listeners[0].port`.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// All entities: the sum of the deltas so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Revision of the newest delta.
    pub revision: u64,
    /// By name.
    pub entities: BTreeMap<EntityKey, Entity>,
}

impl Snapshot {
    /// Applies a change.
    pub fn apply(&mut self, delta: &Delta) {
        for key in &delta.removes {
            self.entities.remove(key);
        }
        for entity in &delta.upserts {
            self.entities.insert(entity.key(), entity.clone());
        }
        self.revision = delta.revision;
    }

    /// The change that turns `self` into a snapshot of exactly `entities`.
    pub fn delta_to(&self, entities: &BTreeMap<EntityKey, Entity>) -> Delta {
        Delta {
            revision: self.revision + 1,
            upserts: entities
                .iter()
                .filter(|(key, entity)| self.entities.get(key) != Some(entity))
                .map(|(_, entity)| entity.clone())
                .collect(),
            removes: self.entities.keys().filter(|key| !entities.contains_key(key)).cloned().collect(),
        }
    }
}
