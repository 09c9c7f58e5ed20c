//! From deltas to a [`Runtime`]: only what a delta touches is compiled anew.

use super::{Backends, Port, Runtime, ports};
use crate::{
    kafka,
    listener::ListenerKind,
    options::Options,
    socket::{Address, Transport},
    telemetry::metrics::Metrics,
    tls::certificate::{BadCertificate, Identity},
    udp,
    upstream::{Backend, ClientTls},
};
use rustls::server::ProducesTickets;
use snapshot::{
    BackendKey, Delta, Entity, EntityKey, Gateway, HttpRoute, KafkaRoute, Listener, ListenerProtocol, ListenerRef,
    ListenerSet, ObjectName, Refusal, Snapshot,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// What became of a delta.
pub(crate) struct Compiled {
    /// To be swapped in.
    pub(crate) runtime: Arc<Runtime>,
    /// What of the whole snapshot cannot be served, whatever the sockets say.
    pub(crate) refusals: Vec<Refusal>,
    /// Addresses to listen on; an unspecified address means all.
    pub(crate) sockets: BTreeMap<Address, Wanted>,
}

/// Who wants a socket, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The Gateway.
    pub(crate) gateway: ObjectName,
    /// The Gateway, or the ListenerSet that has the listener.
    pub(crate) entity: EntityKey,
    /// Place and name of the first listener on the port.
    pub(crate) listener: (usize, Arc<str>),
    /// Place in `spec.addresses`, if the address stands there.
    pub(crate) address: Option<usize>,
    /// Port of the spec.
    pub(crate) port: u16,
}

/// A listener and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) gateway: &'a Gateway,
    /// Whose listener it is, if not the Gateway's own.
    pub(super) set: Option<&'a ListenerSet>,
    pub(super) listener: &'a Listener,
}

impl Place<'_> {
    pub(super) fn name(&self) -> ListenerRef {
        ListenerRef { gateway: self.gateway.name.clone(), listener: self.listener.name.clone() }
    }

    fn entity(&self) -> EntityKey {
        match self.set {
            Some(set) => EntityKey::ListenerSet(set.name.clone()),
            None => EntityKey::Gateway(self.gateway.name.clone()),
        }
    }

    pub(super) fn refusal(&self, field: &str, message: String) -> Refusal {
        Refusal {
            entity: self.entity(),
            field: format!("spec.listeners[{}].{field}", self.listener.index),
            message: format!("listener {:?}: {message}", self.listener.name),
        }
    }
}

/// What stays with a listener as long as its name, port and kind do.
pub(super) struct Standing {
    pub(super) id: u64,
    pub(super) tickets: Option<Arc<dyn ProducesTickets>>,
}

/// Keeps what has been compiled.
pub(crate) struct Compiler {
    pub(super) options: Arc<Options>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) snapshot: Snapshot,
    pub(super) certificates: BTreeMap<ObjectName, Result<Arc<Identity>, BadCertificate>>,
    pub(super) kafka: BTreeMap<ObjectName, Result<Arc<kafka::Route>, Refusal>>,
    /// Routes attached to each listener.
    pub(super) attached: HashMap<ListenerRef, BTreeSet<EntityKey>>,
    /// HTTPRoutes and GRPCRoutes by bound port.
    pub(super) http: HashMap<u16, BTreeMap<EntityKey, Arc<HttpRoute>>>,
    pub(super) standing: HashMap<(ListenerRef, u16, ListenerKind), Standing>,
    port_ids: HashMap<(u16, bool), u64>,
    last_id: u64,
    runtime: Arc<Runtime>,
    backend_refusals: BTreeMap<BackendKey, Refusal>,
    port_refusals: BTreeMap<u16, Vec<Refusal>>,
    udp_refusals: BTreeMap<u16, Vec<Refusal>>,
}

/// What a delta touches.
#[derive(Default)]
struct Touched {
    gateways: bool,
    /// Listeners whose TLSRoutes, KafkaRoutes, TCPRoutes, UDPRoutes or certificates differ.
    listeners: BTreeSet<ListenerRef>,
    http: BTreeMap<ListenerRef, BTreeSet<EntityKey>>,
    certificates: BTreeSet<ObjectName>,
    backends: BTreeSet<BackendKey>,
    kafka: BTreeSet<ObjectName>,
}

impl Compiler {
    pub(crate) fn new(options: Arc<Options>, metrics: Arc<Metrics>) -> Self {
        Self {
            options,
            metrics,
            snapshot: Snapshot::default(),
            certificates: BTreeMap::new(),
            kafka: BTreeMap::new(),
            attached: HashMap::new(),
            http: HashMap::new(),
            standing: HashMap::new(),
            port_ids: HashMap::new(),
            last_id: 0,
            runtime: Arc::default(),
            backend_refusals: BTreeMap::new(),
            port_refusals: BTreeMap::new(),
            udp_refusals: BTreeMap::new(),
        }
    }

    /// All entities.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes a delta in.
    pub(crate) fn apply(&mut self, delta: &Delta) -> Compiled {
        let mut touched = Touched::default();
        for key in delta.removes.iter().cloned().chain(delta.upserts.iter().map(Entity::key)) {
            let old = self.snapshot.entities.get(&key).cloned();
            self.touch(old.as_ref(), &mut touched, false);
        }
        for entity in &delta.upserts {
            self.touch(Some(entity), &mut touched, true);
        }
        self.snapshot.apply(delta);
        self.compile_certificates(&mut touched);
        self.compile_kafka(&touched);
        let backends = self.compile_backends(&touched);
        let ports = self.compile_ports(&touched);
        let udp = self.compile_udp(&touched);
        let ids =
            |port: &Arc<Port>| port.listeners.iter().map(|listener| listener.id).chain([port.id]).collect::<Vec<_>>();
        let live = ports.values().flat_map(ids).chain(udp.values().map(|port| port.listener.id));
        let live: HashSet<u64> = live.collect();
        let live = if live == *self.runtime.live { Arc::clone(&self.runtime.live) } else { Arc::new(live) };
        self.runtime = Arc::new(Runtime { revision: delta.revision, ports, udp, live, backends });
        self.forget();
        let certificates = self.certificates.iter().filter_map(|(name, certificate)| {
            let bad = certificate.as_ref().err()?;
            let entity = EntityKey::Certificate(name.clone());
            Some(Refusal { entity, field: bad.field.to_owned(), message: bad.message.clone() })
        });
        let kafka = self.kafka.values().filter_map(|route| route.as_ref().err().cloned());
        let ports = self.port_refusals.values().chain(self.udp_refusals.values()).flatten().cloned();
        let refusals = certificates.chain(self.backend_refusals.values().cloned()).chain(kafka).chain(ports).collect();
        Compiled { runtime: Arc::clone(&self.runtime), refusals, sockets: self.sockets() }
    }

    /// Notes what depends on an entity, and which routes are attached where.
    fn touch(&mut self, entity: Option<&Entity>, touched: &mut Touched, attach: bool) {
        let Some(entity) = entity else { return };
        let listeners: Vec<&ListenerRef> = match entity {
            Entity::Gateway(_) | Entity::ListenerSet(_) => {
                touched.gateways = true;
                return;
            }
            Entity::Certificate(certificate) => {
                touched.certificates.insert(certificate.name.clone());
                return;
            }
            Entity::Backend(backend) => {
                touched.backends.insert(backend.key.clone());
                return;
            }
            Entity::HttpRoute(route) | Entity::GrpcRoute(route) => {
                route.attachments.iter().map(|attachment| &attachment.listener).collect()
            }
            Entity::TlsRoute(route) => route.attachments.iter().map(|attachment| &attachment.listener).collect(),
            Entity::KafkaRoute(route) => {
                touched.kafka.insert(route.name.clone());
                route.attachments.iter().map(|attachment| &attachment.listener).collect()
            }
            Entity::TcpRoute(route) | Entity::UdpRoute(route) => route.listeners.iter().collect(),
        };
        let (key, is_http) = (entity.key(), matches!(entity, Entity::HttpRoute(_) | Entity::GrpcRoute(_)));
        for listener in listeners {
            let routes = self.attached.entry(listener.clone()).or_default();
            if attach {
                routes.insert(key.clone())
            } else {
                routes.remove(&key)
            };
            if is_http {
                touched.http.entry(listener.clone()).or_default().insert(key.clone());
            } else {
                touched.listeners.insert(listener.clone());
            }
        }
    }

    fn compile_certificates(&mut self, touched: &mut Touched) {
        for name in &touched.certificates {
            match self.snapshot.entities.get(&EntityKey::Certificate(name.clone())) {
                Some(Entity::Certificate(certificate)) => {
                    let identity = Identity::new(certificate).map(Arc::new);
                    self.certificates.insert(name.clone(), identity);
                }
                _ => drop(self.certificates.remove(name)),
            }
        }
        if touched.certificates.is_empty() {
            return;
        }
        let listeners = |gateway: &ObjectName, listeners: &[Listener], touched: &mut Touched| {
            for listener in listeners {
                if certificates(&listener.protocol).iter().any(|name| touched.certificates.contains(name)) {
                    let gateway = gateway.clone();
                    touched.listeners.insert(ListenerRef { gateway, listener: listener.name.clone() });
                }
            }
        };
        for entity in self.snapshot.entities.values() {
            match entity {
                Entity::Gateway(gateway) => listeners(&gateway.name, &gateway.listeners, touched),
                Entity::ListenerSet(set) => listeners(&set.gateway, &set.listeners, touched),
                Entity::Backend(backend) => {
                    let used = backend.tls.as_ref().and_then(|tls| tls.client_certificate.as_ref());
                    if used.is_some_and(|name| touched.certificates.contains(name)) {
                        touched.backends.insert(backend.key.clone());
                    }
                }
                _ => {}
            }
        }
    }

    fn compile_kafka(&mut self, touched: &Touched) {
        for name in &touched.kafka {
            match self.kafka_route(name) {
                Some(route) => {
                    let previous = self.kafka.get(name).and_then(|route| route.as_deref().ok());
                    let route =
                        kafka::Route::compile(&route, previous, self.options.limits.kafka_held_frames).map(Arc::new);
                    self.kafka.insert(name.clone(), route);
                }
                None => drop(self.kafka.remove(name)),
            }
        }
    }

    pub(super) fn kafka_route(&self, name: &ObjectName) -> Option<Arc<KafkaRoute>> {
        match self.snapshot.entities.get(&EntityKey::KafkaRoute(name.clone())) {
            Some(Entity::KafkaRoute(route)) => Some(Arc::clone(route)),
            _ => None,
        }
    }

    fn compile_backends(&mut self, touched: &Touched) -> Arc<Backends> {
        if touched.backends.is_empty() {
            return Arc::clone(&self.runtime.backends);
        }
        let mut backends = Clone::clone(&*self.runtime.backends);
        for key in &touched.backends {
            self.backend_refusals.remove(key);
            let Some(Entity::Backend(from)) = self.snapshot.entities.get(&EntityKey::Backend(key.clone())) else {
                backends.remove(key);
                continue;
            };
            let client_tls = |tls| {
                let identity = |name| self.certificates.get(name)?.as_ref().ok().cloned();
                ClientTls::new(tls, tls.client_certificate.as_ref().and_then(identity))
            };
            let (tls, mut unusable) = (from.tls.as_ref().map(client_tls), from.unusable.clone());
            let tls = match tls.transpose() {
                Ok(tls) => tls,
                Err(message) => {
                    let entity = EntityKey::Backend(key.clone());
                    unusable.get_or_insert_with(|| format!("TLS to {key}: {message}"));
                    self.backend_refusals.insert(key.clone(), Refusal { entity, field: "tls".into(), message });
                    None
                }
            };
            let previous = backends.get(key).map(|backend| &**backend);
            let backend = Backend::new(from, tls, unusable, previous, &self.metrics);
            backends.insert(Arc::new(key.clone()), Arc::new(backend));
        }
        Arc::new(backends)
    }

    fn compile_ports(&mut self, touched: &Touched) -> BTreeMap<u16, Arc<Port>> {
        let mut ports = self.runtime.ports.clone();
        let snapshot = std::mem::take(&mut self.snapshot);
        let places = places(&snapshot, &self.options, Transport::Tcp);
        if touched.gateways {
            ports.retain(|number, _| places.contains_key(number));
            self.http.retain(|number, _| places.contains_key(number));
            self.port_refusals.retain(|number, _| places.contains_key(number));
        }
        let no_routes = BTreeSet::new();
        for (number, places) in &places {
            let names: Vec<_> = places.iter().map(Place::name).collect();
            let mut routes = BTreeSet::new();
            for name in &names {
                routes.extend(touched.http.get(name).unwrap_or(&no_routes).iter().cloned());
            }
            let tls = names.iter().any(|name| touched.listeners.contains(name));
            if !touched.gateways && !tls && routes.is_empty() {
                continue;
            }
            let previous = ports.get(number).cloned();
            let change = ports::Change { tls: tls || touched.gateways, routes };
            let mut refusals = Vec::new();
            let port = self.compile_port(&snapshot, *number, places, previous.as_ref(), &change, &mut refusals);
            if change.tls {
                self.port_refusals.insert(*number, refusals);
            }
            ports.insert(*number, port);
        }
        drop(places);
        self.snapshot = snapshot;
        ports
    }

    fn compile_udp(&mut self, touched: &Touched) -> BTreeMap<u16, Arc<udp::Port>> {
        let mut ports = self.runtime.udp.clone();
        let snapshot = std::mem::take(&mut self.snapshot);
        let places = places(&snapshot, &self.options, Transport::Udp);
        if touched.gateways {
            ports.retain(|number, _| places.contains_key(number));
            self.udp_refusals.retain(|number, _| places.contains_key(number));
        }
        for (number, places) in &places {
            if !touched.gateways && !places.iter().any(|place| touched.listeners.contains(&place.name())) {
                continue;
            }
            let mut refusals = Vec::new();
            let previous = ports.get(number).map(|port| Arc::clone(&port.listener));
            match self.compile_udp_port(&snapshot, *number, places, previous.as_slice(), &mut refusals) {
                Some(port) => drop(ports.insert(*number, Arc::new(port))),
                None => drop(ports.remove(number)),
            }
            self.udp_refusals.insert(*number, refusals);
        }
        drop(places);
        self.snapshot = snapshot;
        ports
    }

    /// Drops what belongs to listeners that are gone.
    fn forget(&mut self) {
        let live = &self.runtime.live;
        self.standing.retain(|_, standing| live.contains(&standing.id));
        self.port_ids.retain(|_, id| live.contains(id));
        self.attached.retain(|_, routes| !routes.is_empty());
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn port_id(&mut self, number: u16, tls: bool) -> u64 {
        if let Some(id) = self.port_ids.get(&(number, tls)) {
            return *id;
        }
        let id = self.next_id();
        self.port_ids.insert((number, tls), id);
        id
    }

    /// Id of a listener and, if it ends TLS, its ticket keys; `None` if the system has no randomness for the keys.
    pub(super) fn standing(
        &mut self,
        key: (ListenerRef, u16, ListenerKind),
    ) -> Option<(u64, Option<Arc<dyn ProducesTickets>>)> {
        if let Some(standing) = self.standing.get(&key) {
            return Some((standing.id, standing.tickets.clone()));
        }
        // Keys are rotated by the ticketer itself, every six hours. The first use of randomness costs a third of a start.
        let ends_tls = matches!(key.2, ListenerKind::Https | ListenerKind::TlsTerminate);
        let tickets = if ends_tls { Some(rustls::crypto::aws_lc_rs::Ticketer::new().ok()?) } else { None };
        let id = self.next_id();
        self.standing.insert(key, Standing { id, tickets: tickets.clone() });
        Some((id, tickets))
    }

    fn sockets(&self) -> BTreeMap<Address, Wanted> {
        let mut sockets = BTreeMap::new();
        for transport in [Transport::Tcp, Transport::Udp] {
            self.sockets_of(transport, &mut sockets);
        }
        sockets
    }

    fn sockets_of(&self, transport: Transport, sockets: &mut BTreeMap<Address, Wanted>) {
        for (number, places) in places(&self.snapshot, &self.options, transport) {
            for place in places {
                let mut want = |address: IpAddr, index| {
                    let wanted = Wanted {
                        gateway: place.gateway.name.clone(),
                        entity: place.entity(),
                        listener: (place.listener.index, place.listener.name.clone()),
                        address: index,
                        port: place.listener.port,
                    };
                    let socket = SocketAddr::new(address, number);
                    sockets.entry(Address { transport, socket }).or_insert(wanted);
                };
                if place.gateway.addresses.is_empty() {
                    want(IpAddr::from([0u16; 8]), None);
                }
                for (index, address) in place.gateway.addresses.iter().enumerate() {
                    want(*address, Some(index));
                }
            }
        }
        // Who listens on all addresses of a port needs no socket for one of them.
        let of_all = |address: &&Address| address.transport == transport && address.socket.ip().is_unspecified();
        let all: BTreeSet<u16> = sockets.keys().filter(of_all).map(|address| address.socket.port()).collect();
        sockets.retain(|address, _| {
            address.transport != transport
                || address.socket.ip().is_unspecified()
                || !all.contains(&address.socket.port())
        });
    }
}

/// Secrets that a listener ends TLS with.
pub(super) fn certificates(protocol: &ListenerProtocol) -> &[ObjectName] {
    match protocol {
        ListenerProtocol::Https { certificates } | ListenerProtocol::TlsTerminate { certificates } => certificates,
        ListenerProtocol::Http | ListenerProtocol::TlsPassthrough | ListenerProtocol::Tcp | ListenerProtocol::Udp => {
            &[]
        }
    }
}

/// All listeners of a transport by the port that is bound for them.
fn places<'a>(snapshot: &'a Snapshot, options: &Options, transport: Transport) -> BTreeMap<u16, Vec<Place<'a>>> {
    let mut places: BTreeMap<u16, Vec<Place<'_>>> = BTreeMap::new();
    // Gateways stand together in the map, and ListenerSets behind them: the others, which may be many, are not looked at.
    let first = EntityKey::Gateway(ObjectName::new("", ""));
    for entity in snapshot.entities.range(first..).map(|(_, entity)| entity) {
        let (gateway, set) = match entity {
            Entity::Gateway(gateway) => (&**gateway, None),
            Entity::ListenerSet(set) => match snapshot.entities.get(&EntityKey::Gateway(set.gateway.clone())) {
                Some(Entity::Gateway(gateway)) => (&**gateway, Some(&**set)),
                _ => continue,
            },
            _ => break,
        };
        for listener in set.map_or(&gateway.listeners, |set| &set.listeners) {
            let bound = options.port_map.get(&listener.port).copied().unwrap_or(listener.port);
            if (listener.protocol == ListenerProtocol::Udp) != (transport == Transport::Udp) {
                continue;
            }
            places.entry(bound).or_default().push(Place { gateway, set, listener });
        }
    }
    places
}
