//! One port: its listeners, its table of server names, its HTTP routes.

use super::{
    Port, SniTarget,
    compile::{Compiler, Place, certificates},
};
use crate::{
    http, kafka,
    listener::{Listener, ListenerKind, ListenerMetrics},
    tcp,
    tls::{certificate, sni::SniTable},
};
use snapshot::{Entity, EntityKey, HttpRoute, ListenerProtocol, ObjectName, Refusal, Snapshot};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is new about a port.
pub(super) struct Change {
    /// Listeners, certificates, TLSRoutes or KafkaRoutes.
    pub(super) tls: bool,
    /// HTTPRoutes.
    pub(super) routes: BTreeSet<ObjectName>,
}

impl Compiler {
    /// `places` is not empty. Refusals are only written if the change is one of `tls`.
    pub(super) fn compile_port(
        &mut self,
        snapshot: &Snapshot,
        number: u16,
        places: &[Place<'_>],
        previous: Option<&Arc<Port>>,
        change: &Change,
        refusals: &mut Vec<Refusal>,
    ) -> Arc<Port> {
        let listeners = match previous {
            Some(port) if !change.tls => port.listeners.clone(),
            _ => self.compile_listeners(number, places, previous, refusals),
        };
        let is_tls = listeners.iter().any(|listener| listener.kind != ListenerKind::Http);
        let sni = match previous {
            Some(port) if !change.tls => port.sni.clone(),
            _ => is_tls.then(|| Arc::new(self.compile_sni(snapshot, &listeners, refusals))),
        };
        let http = self.compile_http(snapshot, number, &listeners, previous, change);
        let same_listeners = |old: &&Arc<Port>| {
            old.listeners.len() == listeners.len()
                && old.listeners.iter().zip(&listeners).all(|(old, new)| Arc::ptr_eq(old, new))
        };
        let same_http = |old: &&Arc<Port>| match (&old.http, &http) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        // A plain port of which nothing is new stays itself.
        if let Some(old) = previous.filter(|_| !is_tls).filter(same_listeners).filter(same_http) {
            return Arc::clone(old);
        }
        Arc::new(Port { id: self.port_id(number, is_tls), number, listeners, sni, http })
    }

    fn compile_listeners(
        &mut self,
        number: u16,
        places: &[Place<'_>],
        previous: Option<&Arc<Port>>,
        refusals: &mut Vec<Refusal>,
    ) -> Vec<Arc<Listener>> {
        let mut listeners = Vec::new();
        let first = places[0].listener;
        let is_http = |protocol: &ListenerProtocol| matches!(protocol, ListenerProtocol::Http);
        for place in places {
            let from = place.listener;
            if from.port != first.port {
                let message = format!(
                    "--port-map puts the ports {} and {} both on {number}; only the first is served",
                    first.port, from.port
                );
                refusals.push(place.refusal("port", message));
                continue;
            }
            if is_http(&from.protocol) != is_http(&first.protocol) {
                let message = format!("HTTP and TLS cannot share port {}", from.port);
                refusals.push(place.refusal("protocol", message));
                continue;
            }
            let (kind, http) = match &from.protocol {
                ListenerProtocol::Http => (ListenerKind::Http, true),
                ListenerProtocol::Https { .. } => (ListenerKind::Https, true),
                ListenerProtocol::TlsTerminate { .. } => (ListenerKind::TlsTerminate, false),
                ListenerProtocol::TlsPassthrough => (ListenerKind::TlsPassthrough, false),
            };
            let name = place.name();
            let Some((id, tickets)) = self.standing((name.clone(), number, kind)) else {
                refusals.push(place.refusal("tls", "the system gives no randomness for session tickets".into()));
                continue;
            };
            let identities = self.identities(place, refusals);
            let old = previous.and_then(|port| port.listeners.iter().find(|old| old.id == id));
            if let Some(old) = old.filter(|old| old.hostname == from.hostname && same(&old.identities, &identities)) {
                listeners.push(Arc::clone(old));
                continue;
            }
            let tls = tickets.filter(|_| !identities.is_empty()).and_then(|tickets| {
                let config = certificate::server_config(identities.clone(), http, tickets);
                config.inspect_err(|error| refusals.push(place.refusal("tls", error.to_string()))).ok().map(Arc::new)
            });
            let label: Arc<str> = name.to_string().into();
            listeners.push(Arc::new(Listener {
                id,
                metrics: ListenerMetrics::new(&self.metrics, &label, kind),
                name,
                port: from.port,
                bound: number,
                advertised: if self.options.advertise_bound_ports { number } else { from.port },
                hostname: from.hostname.clone(),
                kind,
                tls,
                identities,
                label,
            }));
        }
        listeners
    }

    /// The usable certificates of a listener.
    fn identities(&self, place: &Place<'_>, refusals: &mut Vec<Refusal>) -> Vec<Arc<certificate::Identity>> {
        let wanted = certificates(&place.listener.protocol);
        let mut identities = Vec::new();
        for (index, name) in wanted.iter().enumerate() {
            let message = match self.certificates.get(name) {
                Some(Ok(identity)) => {
                    identities.push(Arc::clone(identity));
                    continue;
                }
                Some(Err(bad)) => format!("Secret {name}: {}: {}", bad.field, bad.message),
                None => format!("Secret {name} is not there"),
            };
            refusals.push(place.refusal(&format!("tls.certificateRefs[{index}]"), message));
        }
        identities
    }

    fn compile_sni(
        &self,
        snapshot: &Snapshot,
        listeners: &[Arc<Listener>],
        refusals: &mut Vec<Refusal>,
    ) -> SniTable<SniTarget> {
        let mut table = SniTable::default();
        let nothing = super::compile::Attached::default();
        for listener in listeners {
            if listener.kind == ListenerKind::Https {
                table.insert(&listener.hostname, SniTarget::Https(Arc::clone(listener)));
            }
            let attached = self.attached.get(&listener.name).unwrap_or(&nothing);
            for name in &attached.tls {
                let Some(Entity::TlsRoute(route)) = snapshot.entities.get(&EntityKey::TlsRoute(name.clone())) else {
                    continue;
                };
                let compiled = Arc::new(tcp::Route::new(route));
                for attachment in route.attachments.iter().filter(|a| a.listener == listener.name) {
                    for hostname in &attachment.hostnames {
                        table.insert(hostname, SniTarget::Tls(Arc::clone(listener), Arc::clone(&compiled)));
                    }
                }
            }
            for name in &attached.kafka {
                let (Some(route), Some(compiled)) = (self.kafka_entity(snapshot, name), self.kafka.get(name)) else {
                    continue;
                };
                for attachment in route.attachments.iter().filter(|a| a.listener == listener.name) {
                    let listener = || Arc::clone(listener);
                    let target = |wanted| match compiled {
                        Ok(compiled) => SniTarget::Kafka(listener(), Arc::clone(compiled), wanted),
                        Err(refusal) => SniTarget::Unserved(listener(), refusal.message.as_str().into()),
                    };
                    let exact = |name: &str| snapshot::Hostname::Exact(name.to_owned());
                    table.insert(&exact(&attachment.bootstrap), target(kafka::Wanted::Bootstrap));
                    for (id, name) in &attachment.broker_names {
                        table.insert(&exact(name), target(kafka::Wanted::Broker(*id)));
                    }
                    let brokers = table.insert_brokers(&attachment.broker_pattern, target(kafka::Wanted::Bootstrap));
                    if let Err(message) = brokers {
                        refusals.push(Refusal {
                            entity: EntityKey::KafkaRoute(name.clone()),
                            field: "spec.brokerMapping.hostname".into(),
                            message: message.into(),
                        });
                    }
                }
            }
        }
        table
    }

    fn kafka_entity<'a>(&self, snapshot: &'a Snapshot, name: &ObjectName) -> Option<&'a snapshot::KafkaRoute> {
        match snapshot.entities.get(&EntityKey::KafkaRoute(name.clone())) {
            Some(Entity::KafkaRoute(route)) => Some(route),
            _ => None,
        }
    }

    fn compile_http(
        &mut self,
        snapshot: &Snapshot,
        number: u16,
        listeners: &[Arc<Listener>],
        previous: Option<&Arc<Port>>,
        change: &Change,
    ) -> Option<Arc<http::Table>> {
        let is_http = |listener: &&Arc<Listener>| matches!(listener.kind, ListenerKind::Http | ListenerKind::Https);
        let listeners: Vec<_> = listeners.iter().filter(is_http).cloned().collect();
        if listeners.is_empty() {
            self.http.remove(&number);
            return None;
        }
        let old_listeners: Vec<_> =
            previous.map(|port| port.listeners.iter().filter(is_http).cloned().collect()).unwrap_or_default();
        let same = listeners.len() == old_listeners.len()
            && listeners.iter().zip(&old_listeners).all(|(new, old)| new.id == old.id && new.hostname == old.hostname);
        let old = previous.and_then(|port| port.http.as_ref()).filter(|_| same);
        if let Some(old) = old
            && change.routes.is_empty()
        {
            return Some(Arc::clone(old));
        }
        let (mut kept, mut none) = (std::mem::take(&mut self.http), BTreeMap::new());
        let names = |name: &ObjectName| listeners.iter().any(|listener| self.attached_http(listener, name));
        let route = |name: &ObjectName| match snapshot.entities.get(&EntityKey::HttpRoute(name.clone())) {
            Some(Entity::HttpRoute(route)) if names(name) => Some(Arc::clone(route)),
            _ => None,
        };
        let mut routes: BTreeMap<ObjectName, Arc<HttpRoute>> =
            std::mem::take(kept.get_mut(&number).unwrap_or(&mut none));
        if old.is_some() {
            for name in &change.routes {
                match route(name) {
                    Some(route) => drop(routes.insert(name.clone(), route)),
                    None => drop(routes.remove(name)),
                }
            }
        } else {
            let all = listeners.iter().filter_map(|listener| self.attached.get(&listener.name));
            let all: BTreeSet<_> = all.flat_map(|attached| attached.http.iter().cloned()).collect();
            routes = all.into_iter().filter_map(|name| Some((name.clone(), route(&name)?))).collect();
        }
        let previous = old.map(|table| (&**table, &change.routes));
        let table = http::Table::build(&listeners, &routes, previous);
        kept.insert(number, routes);
        self.http = kept;
        Some(Arc::new(table))
    }

    fn attached_http(&self, listener: &Listener, route: &ObjectName) -> bool {
        self.attached.get(&listener.name).is_some_and(|attached| attached.http.contains(route))
    }
}

fn same(old: &[Arc<certificate::Identity>], new: &[Arc<certificate::Identity>]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new))
}
