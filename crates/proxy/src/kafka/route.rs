//! A KafkaRoute, compiled.

use super::{acl::Acls, addresses::Policy, cluster::Cluster, holds::Holds, metrics::RouteMetrics, names::Names};
use kafka::Str;
use snapshot::{
    AclEntry, BackendKey, BackendTarget, EntityKey, KafkaRoute, ListenerRef, ObjectName, Refusal, TopicMapping,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A compiled KafkaRoute.
#[derive(Debug)]
pub(crate) struct Route {
    /// The object.
    pub(super) name: ObjectName,
    /// `namespace/name`, as in metrics and logs.
    pub(super) label: Arc<str>,
    /// Bootstrap backends, tried in turn.
    pub(super) backends: Vec<BackendKey>,
    /// Backends of single brokers.
    pub(super) brokers: BTreeMap<i32, BackendKey>,
    /// What may be dialled.
    pub(super) addresses: Policy,
    /// What clients may see and do.
    pub(super) filters: Arc<Filters>,
    /// Names of the brokers under each listener.
    pub(super) advertised: HashMap<ListenerRef, Arc<Advertised>>,
    /// Why no connection is served.
    pub(super) unserved: Option<String>,
    /// What is known of the cluster; outlives changes of the route.
    pub(super) cluster: Arc<Cluster>,
    pub(super) metrics: Arc<RouteMetrics>,
    /// Room for its frames.
    pub(super) holds: Arc<Holds>,
}

impl Route {
    /// Compiles it. What `previous`, the same route before a change, has learned of the cluster stays known.
    pub(crate) fn compile(route: &KafkaRoute, previous: Option<&Self>, held_frames: usize) -> Result<Self, Refusal> {
        let refusal = |message| Refusal {
            entity: EntityKey::KafkaRoute(route.name.clone()),
            field: "spec.filters".into(),
            message,
        };
        let filters = Filters::compile(&route.topic_mappings, &route.acls).map_err(refusal)?;
        let backends: Vec<_> = route
            .backends
            .iter()
            .filter_map(|target| match target {
                BackendTarget::Backend(key) => Some(key.clone()),
                BackendTarget::Invalid(_) => None,
            })
            .collect();
        let brokers: BTreeMap<_, _> =
            route.brokers.iter().filter_map(|(&id, one)| Some((id, one.backend.clone()?))).collect();
        let same_cluster = previous.filter(|previous| previous.backends == backends);
        Ok(Self {
            label: route.name.to_string().into(),
            backends,
            brokers,
            addresses: Policy::new(&route.broker_addresses),
            filters: match previous {
                Some(previous) if previous.filters.is(&route.topic_mappings, &route.acls) => {
                    Arc::clone(&previous.filters)
                }
                _ => Arc::new(filters),
            },
            advertised: route
                .attachments
                .iter()
                .map(|one| {
                    let advertised = Advertised::new(&one.broker_pattern, &one.broker_names);
                    (one.listener.clone(), Arc::new(advertised))
                })
                .collect(),
            unserved: route.unserved.clone(),
            cluster: same_cluster.map_or_else(Arc::default, |previous| Arc::clone(&previous.cluster)),
            metrics: previous.map_or_else(Arc::default, |previous| Arc::clone(&previous.metrics)),
            holds: previous.map_or_else(|| Arc::new(Holds::new(held_frames)), |previous| Arc::clone(&previous.holds)),
            name: route.name.clone(),
        })
    }
}

/// The compiled filters of a route. One connection lives under one set of them.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    pub(super) names: Names,
    pub(super) acls: Acls,
    source: (Vec<TopicMapping>, Vec<AclEntry>),
}

impl Filters {
    pub(super) fn compile(mappings: &[TopicMapping], acls: &[AclEntry]) -> Result<Self, String> {
        Ok(Self {
            names: Names::compile(mappings)?,
            acls: Acls::compile(acls)?,
            source: (mappings.to_vec(), acls.to_vec()),
        })
    }

    fn is(&self, mappings: &[TopicMapping], acls: &[AclEntry]) -> bool {
        self.source.0 == mappings && self.source.1 == acls
    }

    /// Whether some filter stands, so that messages have to be read.
    pub(super) fn stand(&self) -> bool {
        !self.names.is_empty() || !self.acls.is_empty()
    }
}

/// Names under which clients of one listener reach the brokers.
#[derive(Debug, Default)]
pub(crate) struct Advertised {
    before: String,
    behind: String,
    own: BTreeMap<i32, Str>,
}

impl Advertised {
    pub(super) fn new(pattern: &str, own: &BTreeMap<i32, String>) -> Self {
        let (before, behind) = pattern.split_once("{brokerId}").unwrap_or((pattern, ""));
        Self {
            before: before.to_owned(),
            behind: behind.to_owned(),
            own: own.iter().map(|(&id, name)| (id, Str::from(name.as_str()))).collect(),
        }
    }

    /// The name of a broker.
    pub(super) fn host(&self, broker: i32) -> Str {
        match self.own.get(&broker) {
            Some(name) => name.clone(),
            None => Str::from(format!("{}{broker}{}", self.before, self.behind)),
        }
    }
}
