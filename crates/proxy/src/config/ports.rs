//! One port: its listeners, its table of server names, its HTTP routes.

use super::{
    Port, SniTarget,
    compile::{Compiler, Place, certificates},
};
use crate::{
    http, kafka,
    listener::{Listener, ListenerKind, ListenerMetrics},
    tcp,
    tls::{certificate, client_auth::ClientAuth, sni::SniTable},
    udp,
};
use snapshot::{Entity, EntityKey, HttpRoute, ListenerProtocol, Refusal, Snapshot};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is new about a port.
pub(super) struct Change {
    /// Listeners, certificates, TLSRoutes, KafkaRoutes, TCPRoutes or UDPRoutes.
    pub(super) tls: bool,
    /// HTTPRoutes and GRPCRoutes.
    pub(super) routes: BTreeSet<EntityKey>,
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
            _ => {
                let previous = previous.map_or(&[][..], |port| &port.listeners);
                self.compile_listeners(number, places, previous, refusals)
            }
        };
        let is_tls = listeners.iter().any(|listener| !matches!(listener.kind, ListenerKind::Http | ListenerKind::Tcp));
        let sni = match previous {
            Some(port) if !change.tls => port.sni.clone(),
            _ => is_tls.then(|| Arc::new(self.compile_sni(snapshot, &listeners, refusals))),
        };
        let tcp = match previous {
            Some(port) if !change.tls => port.tcp.clone(),
            _ => self.compile_tcp(snapshot, &listeners),
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
        // A plain HTTP port of which nothing is new stays itself.
        if let Some(old) = previous.filter(|_| !is_tls && tcp.is_none()).filter(same_listeners).filter(same_http) {
            return Arc::clone(old);
        }
        Arc::new(Port { id: self.port_id(number, is_tls), number, listeners, sni, http, tcp })
    }

    /// `previous`: the listener of the port as it was, if there was one.
    pub(super) fn compile_udp_port(
        &mut self,
        snapshot: &Snapshot,
        number: u16,
        places: &[Place<'_>],
        previous: &[Arc<Listener>],
        refusals: &mut Vec<Refusal>,
    ) -> Option<udp::Port> {
        let listener = self.compile_listeners(number, places, previous, refusals).into_iter().next()?;
        let route = self.routes(snapshot, &listener).find_map(|route| match route {
            Entity::UdpRoute(route) => Some(Arc::new(tcp::Route::new(&route.name, &route.rules))),
            _ => None,
        });
        Some(udp::Port { listener, route })
    }

    fn compile_listeners(
        &mut self,
        number: u16,
        places: &[Place<'_>],
        previous: &[Arc<Listener>],
        refusals: &mut Vec<Refusal>,
    ) -> Vec<Arc<Listener>> {
        let mut listeners = Vec::new();
        let first = places[0].listener;
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
            let (mine, others) = (layer(&from.protocol), layer(&first.protocol));
            if mine != others || matches!(mine, "TCP" | "UDP") && !listeners.is_empty() {
                let message = format!("{others} and {mine} cannot share port {}", from.port);
                refusals.push(place.refusal("protocol", message));
                continue;
            }
            let (kind, http) = match &from.protocol {
                ListenerProtocol::Http => (ListenerKind::Http, true),
                ListenerProtocol::Https { .. } => (ListenerKind::Https, true),
                ListenerProtocol::TlsTerminate { .. } => (ListenerKind::TlsTerminate, false),
                ListenerProtocol::TlsPassthrough => (ListenerKind::TlsPassthrough, false),
                ListenerProtocol::Tcp => (ListenerKind::Tcp, false),
                ListenerProtocol::Udp => (ListenerKind::Udp, false),
            };
            let name = place.name();
            let Some((id, tickets)) = self.standing((name.clone(), number, kind)) else {
                refusals.push(place.refusal("tls", "the system gives no randomness for session tickets".into()));
                continue;
            };
            let identities = self.identities(place, refusals);
            let old = previous.iter().find(|old| old.id == id);
            let same_clients =
                |old: &Listener| old.client_auth.as_ref().map(|auth| auth.from()) == from.client_validation.as_ref();
            let unchanged = |old: &&Arc<Listener>| {
                old.hostname == from.hostname
                    && old.session_seed == place.gateway.session_seed
                    && same(&old.identities, &identities)
                    && same_clients(old)
                    && old.filters.is_from(&from.filters)
            };
            if let Some(old) = old.filter(unchanged) {
                listeners.push(Arc::clone(old));
                continue;
            }
            let client_auth =
                from.client_validation.as_ref().map(|from| ClientAuth::new(from).map(Arc::new)).transpose();
            let config = client_auth.as_ref().map_err(Clone::clone).and_then(|client_auth| {
                let Some(tickets) = tickets.filter(|_| !identities.is_empty()) else { return Ok(None) };
                certificate::server_config(identities.clone(), http, tickets, client_auth.as_deref())
                    .map(|config| Some(Arc::new(config)))
                    .map_err(|error| error.to_string())
            });
            let tls = config.unwrap_or_else(|message| {
                refusals.push(place.refusal("tls", message));
                None
            });
            let client_auth = client_auth.ok().flatten();
            let filters = match http::ListenerFilters::compile(&from.filters) {
                Ok(filters) => filters,
                // Without them nothing of it may be served.
                Err(message) => {
                    refusals.push(place.refusal("filters", message));
                    continue;
                }
            };
            let label: Arc<str> = name.to_string().into();
            listeners.push(Arc::new(Listener {
                id,
                metrics: ListenerMetrics::new(&self.metrics, &label, kind),
                name,
                port: from.port,
                bound: number,
                session_seed: place.gateway.session_seed.clone(),
                advertised: if self.options.advertise_bound_ports { number } else { from.port },
                hostname: from.hostname.clone(),
                kind,
                tls,
                filters,
                client_auth,
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
        for listener in listeners {
            if listener.kind == ListenerKind::Https {
                table.insert(&listener.hostname, SniTarget::Https(Arc::clone(listener)));
            }
            for route in self.routes(snapshot, listener) {
                let route = match route {
                    Entity::KafkaRoute(route) => route,
                    Entity::TlsRoute(route) => {
                        let compiled = Arc::new(tcp::Route::new(&route.name, &route.rules));
                        for attachment in route.attachments.iter().filter(|a| a.listener == listener.name) {
                            for hostname in &attachment.hostnames {
                                table.insert(hostname, SniTarget::Tls(Arc::clone(listener), Arc::clone(&compiled)));
                            }
                        }
                        continue;
                    }
                    _ => continue,
                };
                let Some(compiled) = self.kafka.get(&route.name) else { continue };
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
                            entity: EntityKey::KafkaRoute(route.name.clone()),
                            field: "spec.brokerMapping.hostname".into(),
                            message: message.into(),
                        });
                    }
                }
            }
        }
        table
    }

    /// Routes attached to a listener.
    fn routes<'a>(&self, snapshot: &'a Snapshot, listener: &Listener) -> impl Iterator<Item = &'a Entity> {
        let attached = self.attached.get(&listener.name);
        attached.into_iter().flatten().filter_map(|key| snapshot.entities.get(key))
    }

    /// The TCPRoute of a TCP listener.
    fn compile_tcp(&self, snapshot: &Snapshot, listeners: &[Arc<Listener>]) -> Option<Arc<tcp::Route>> {
        let listener = listeners.iter().find(|listener| listener.kind == ListenerKind::Tcp)?;
        self.routes(snapshot, listener).find_map(|route| match route {
            Entity::TcpRoute(route) => Some(Arc::new(tcp::Route::new(&route.name, &route.rules))),
            _ => None,
        })
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
        let names = |name: &EntityKey| listeners.iter().any(|listener| self.attached_http(listener, name));
        let route = |key: &EntityKey| match snapshot.entities.get(key) {
            Some(Entity::HttpRoute(route) | Entity::GrpcRoute(route)) if names(key) => Some(Arc::clone(route)),
            _ => None,
        };
        let mut routes: BTreeMap<EntityKey, Arc<HttpRoute>> =
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
            let all: BTreeSet<_> = all.flatten().cloned().collect();
            routes = all.into_iter().filter_map(|name| Some((name.clone(), route(&name)?))).collect();
        }
        let previous = old.map(|table| (&**table, &change.routes));
        let table = http::Table::build(&listeners, &routes, previous);
        kept.insert(number, routes);
        self.http = kept;
        Some(Arc::new(table))
    }

    fn attached_http(&self, listener: &Listener, route: &EntityKey) -> bool {
        self.attached.get(&listener.name).is_some_and(|attached| attached.contains(route))
    }
}

fn same(old: &[Arc<certificate::Identity>], new: &[Arc<certificate::Identity>]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new))
}

/// What the listeners of one port have in common; TCP and UDP have a port alone.
fn layer(protocol: &ListenerProtocol) -> &'static str {
    match protocol {
        ListenerProtocol::Http => "HTTP",
        ListenerProtocol::Https { .. } | ListenerProtocol::TlsTerminate { .. } | ListenerProtocol::TlsPassthrough => {
            "TLS"
        }
        ListenerProtocol::Tcp => "TCP",
        ListenerProtocol::Udp => "UDP",
    }
}
