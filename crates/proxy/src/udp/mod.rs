//! UDPRoutes: datagrams are relayed in sessions, one per client of a listener.
//!
//! ```text
//!   client ─▶ one socket per worker and address (the kernel keeps a client with one of them)
//!                └▶ session: one socket towards one endpoint ─▶ backend
//!                            its answers come from the address that the client sent to
//! ```
//!
//! A session is made by a client's first datagram, which chooses backend and endpoint, and ends when nothing has flowed for a
//! while, when the endpoint refuses (ICMP), or when the configuration no longer has route, backend or endpoint; any other change
//! leaves it alone. The number of sessions is bounded: beyond it the oldest one that has never been answered makes room, and if
//! there is none the datagram is dropped. Datagrams are never held, so memory is bounded by the number of sessions.

mod session;
pub(crate) mod socket;

use crate::{
    drain::Signal,
    listener::{Cause, Listener},
    tcp::Route,
    telemetry::metrics::{Counter, DatagramLabels, Lazy},
    upstream::{Active, ConnectError, resolve},
    worker::Worker,
};
use session::{Counted, Session, Upstream};
use snapshot::{BackendTarget, EndpointAddress};
use socket::Client;
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::net::UdpSocket;

/// The largest datagram there is.
const DATAGRAM: usize = 64 << 10;
/// Datagrams taken from one socket before others get their turn.
const BATCH: usize = 64;
/// In a drain: a session that has been quiet for so long has ended.
const QUIET: Duration = Duration::from_secs(2);

/// What is served on a UDP port.
#[derive(Debug)]
pub(crate) struct Port {
    /// The one listener.
    pub(crate) listener: Arc<Listener>,
    /// Its route, if it has one.
    pub(crate) route: Option<Arc<Route>>,
}

/// Sessions of one address on one worker.
struct Table {
    worker: Worker,
    /// The port that is bound.
    port: u16,
    socket: UdpSocket,
    sessions: RefCell<HashMap<Client, Rc<Session>>>,
    /// Those that have not been answered yet, by id and so by age.
    waiting: RefCell<BTreeMap<u64, Client>>,
    /// For the datagram at hand; never held while waiting.
    buffer: RefCell<Box<[u8]>>,
    draining: Cell<bool>,
    counts: OnceCell<Counts>,
}

/// Datagrams of the listener.
struct Counts {
    received: Lazy<DatagramLabels, Counter>,
    sent: Lazy<DatagramLabels, Counter>,
    dropped: Lazy<DatagramLabels, Counter>,
}

/// Serves one address until it is told to stop; the sessions then end at once or, if `gently` has fired, when they are quiet.
pub(crate) async fn serve(worker: Worker, port: u16, socket: Arc<std::net::UdpSocket>, stop: Signal, gently: Signal) {
    let socket = match socket.try_clone().and_then(UdpSocket::from_std) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(port, %error, "cannot wait for datagrams");
            return;
        }
    };
    let table = Rc::new(Table {
        port,
        socket,
        sessions: RefCell::default(),
        waiting: RefCell::default(),
        buffer: RefCell::new(vec![0; DATAGRAM].into_boxed_slice()),
        draining: Cell::new(false),
        counts: OnceCell::new(),
        worker,
    });
    let idle = table.worker.limits().udp_idle;
    let mut sweep = tokio::time::interval((idle / 4).max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            biased;
            () = stop.fired() => break,
            _ = sweep.tick() => table.sweep(idle, "idle"),
            ready = table.socket.readable() => if ready.is_ok() { table.take_in() },
        }
    }
    // The route may be gone by then, and who listens on the port next is not kept from it.
    if !gently.is_fired() {
        table.end_all("gone");
        return;
    }
    table.draining.set(true);
    let worker = table.worker.clone();
    worker.spawn(async move {
        let mut sweep = tokio::time::interval(QUIET / 8);
        while !table.sessions.borrow().is_empty() {
            tokio::select! {
                _ = sweep.tick() => table.sweep(QUIET, "drained"),
                ready = table.socket.readable() => if ready.is_ok() { table.take_in() },
            }
        }
    });
}

impl Table {
    /// Takes what the kernel has, up to a bound.
    fn take_in(self: &Rc<Self>) {
        let mut buffer = self.buffer.borrow_mut();
        for _ in 0..BATCH {
            match socket::receive(&self.socket, &mut buffer) {
                Ok((length, client)) => self.relay(client, &buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The fault of an earlier answer, e.g. that the client is gone.
                Err(error) => tracing::debug!(port = self.port, %error, "receive"),
            }
        }
    }

    fn relay(self: &Rc<Self>, client: Client, bytes: &[u8]) {
        let known = self.sessions.borrow().get(&client).cloned();
        let session = match known {
            Some(session) if self.stands(&session) => session,
            known => {
                if let Some(session) = known {
                    self.end(&session, "moved", None);
                }
                let Some(session) = self.open(client, bytes) else { return };
                session
            }
        };
        session.last.set(self.worker.now());
        session.received.set(session.received.get() + bytes.len() as u64);
        let counts = self.counts(&session.listener);
        counts.received.get().inc();
        let sent = match &session.upstream {
            Ok(upstream) => match upstream.socket.get() {
                Some(socket) => socket::send(socket, bytes),
                // The first one goes once the name is known.
                None if session.received.get() == bytes.len() as u64 => return,
                None => Err(io::ErrorKind::WouldBlock.into()),
            },
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        };
        match sent {
            Ok(()) => {}
            Err(error) => {
                counts.dropped.get().inc();
                self.failed(&session, &error);
            }
        }
    }

    /// Whether the configuration still has what a session goes to.
    fn stands(&self, session: &Session) -> bool {
        self.worker.with_runtime(|runtime| {
            if runtime.revision == session.revision.get() {
                return true;
            }
            let Some(port) = runtime.udp(self.port) else { return false };
            let (Some(route), Ok(upstream)) = (&port.route, &session.upstream) else { return false };
            let of_endpoint = |target: &BackendTarget| match target {
                BackendTarget::Backend(key) => runtime.backend(key).is_some_and(|backend| {
                    backend.unusable.is_none()
                        && backend.endpoints.iter().any(|endpoint| Arc::ptr_eq(endpoint, &upstream.endpoint))
                }),
                BackendTarget::Invalid(_) => false,
            };
            let stands = *route.label() == session.route && route.targets().any(of_endpoint);
            if stands {
                session.revision.set(runtime.revision);
            }
            stands
        })
    }

    /// A session for a new client.
    fn open(self: &Rc<Self>, client: Client, bytes: &[u8]) -> Option<Rc<Session>> {
        let runtime = self.worker.runtime();
        let port = runtime.udp(self.port)?;
        let listener = &port.listener;
        let refuse = |cause: Option<Cause>| {
            self.counts(listener).received.get().inc();
            self.counts(listener).dropped.get().inc();
            if let Some(cause) = cause {
                listener.metrics.error(cause);
            }
            None
        };
        if self.draining.get() {
            return refuse(None);
        }
        let Some(route) = &port.route else { return refuse(Some(Cause::Unserved)) };
        if !self.has_room() {
            return refuse(Some(Cause::Limit));
        }
        let chosen = self.choose(route, client);
        let count = Rc::clone(self.worker.udp_sessions());
        count.set(count.get() + 1);
        let now = self.worker.now();
        listener.metrics.total.inc();
        let error = chosen.as_ref().err().cloned();
        let session = Rc::new(Session {
            id: self.worker.next_connection(),
            client,
            worker: self.worker.clone(),
            listener: Arc::clone(listener),
            route: Arc::clone(route.label()),
            end: Cell::new(if error.is_some() { "no_backend" } else { "drained" }),
            error: RefCell::new(error),
            upstream: chosen,
            began: now,
            last: Cell::new(now),
            answered: Cell::new(false),
            revision: Cell::new(runtime.revision),
            received: Cell::new(0),
            sent: Cell::new(0),
            reader: RefCell::default(),
            _active: Active::new(&listener.metrics.active),
            _load: self.worker.shared().load(self.worker.index()),
            _counted: Counted(count),
        });
        self.sessions.borrow_mut().insert(client, Rc::clone(&session));
        self.waiting.borrow_mut().insert(session.id, client);
        if session.upstream.is_ok() {
            // The datagram is kept only while a name is looked up.
            let first = session.upstream.as_ref().ok().filter(|upstream| upstream.socket.get().is_none());
            let first = first.map(|_| bytes.to_vec());
            let task = tokio::task::spawn_local(answers(Rc::clone(self), Rc::clone(&session), first));
            *session.reader.borrow_mut() = Some(task.abort_handle());
        }
        Some(session)
    }

    /// Makes room for one more session if there is none; false if it cannot.
    fn has_room(&self) -> bool {
        let shared = self.worker.shared();
        let limit = self.worker.limits().udp_sessions.min(shared.max_connections / 4) / shared.loads.len();
        if self.worker.udp_sessions().get() < limit.max(1) {
            return true;
        }
        let oldest = self.waiting.borrow_mut().pop_first();
        let oldest = oldest.and_then(|(_, client)| self.sessions.borrow().get(&client).cloned());
        match oldest {
            Some(session) => {
                self.end(&session, "evicted", None);
                true
            }
            None => false,
        }
    }

    fn choose(&self, route: &Route, client: Client) -> Result<Upstream, String> {
        let backend = route.backend(&self.worker).map_err(|error| error.to_string())?;
        if let Some(why) = &backend.unusable {
            return Err(why.clone());
        }
        let endpoint = backend.pick(self.worker.now()).map(Arc::clone);
        let endpoint = endpoint.ok_or_else(|| ConnectError::NoEndpoint(Arc::clone(&backend.label)).to_string())?;
        let socket = OnceCell::new();
        if let EndpointAddress::Ip(ip) = &endpoint.address {
            let opened =
                self.connect(SocketAddr::new(*ip, endpoint.port), client).map_err(|error| error.to_string())?;
            // It is empty.
            let _ = socket.set(opened);
        }
        let active = backend.track();
        Ok(Upstream { backend, endpoint, socket, _active: active })
    }

    fn connect(&self, address: SocketAddr, client: Client) -> io::Result<UdpSocket> {
        let local = client.to.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        if self.worker.shared().bound_udp.leads_here(address, local) {
            return Err(io::Error::other(format!("{address} is this gateway itself")));
        }
        socket::connect(address)
    }

    /// A datagram could not be sent or an answer not be read.
    fn failed(&self, session: &Rc<Session>, error: &io::Error) {
        if error.kind() == io::ErrorKind::WouldBlock {
            return;
        }
        if let Ok(upstream) = &session.upstream {
            upstream.endpoint.failed(self.worker.now());
        }
        self.end(session, "backend", Some(error.to_string()));
    }

    /// The next datagram of its client makes a new one.
    fn end(&self, session: &Rc<Session>, end: &'static str, error: Option<String>) {
        let mut sessions = self.sessions.borrow_mut();
        if sessions.get(&session.client).is_some_and(|known| Rc::ptr_eq(known, session)) {
            sessions.remove(&session.client);
        }
        drop(sessions);
        self.waiting.borrow_mut().remove(&session.id);
        if session.upstream.is_ok() {
            session.end.set(end);
            *session.error.borrow_mut() = error;
        }
        if let Some(reader) = session.reader.borrow_mut().take() {
            reader.abort();
        }
    }

    /// Ends sessions that have been quiet for so long.
    fn sweep(&self, quiet: Duration, end: &'static str) {
        let now = self.worker.now();
        let is_quiet = |session: &&Rc<Session>| now.saturating_duration_since(session.last.get()) >= quiet;
        let over: Vec<_> = self.sessions.borrow().values().filter(is_quiet).cloned().collect();
        for session in over {
            self.end(&session, end, None);
        }
    }

    fn end_all(&self, end: &'static str) {
        self.sweep(Duration::ZERO, end);
    }

    fn counts(&self, listener: &Listener) -> &Counts {
        self.counts.get_or_init(|| {
            let series = &self.worker.metrics().udp_datagrams;
            let of = |outcome: &str| {
                series.lazy(DatagramLabels { listener: Arc::clone(&listener.label), outcome: outcome.into() })
            };
            Counts { received: of("received"), sent: of("sent"), dropped: of("dropped") }
        })
    }
}

/// Passes on what the endpoint sends, until the session ends. `first`: the datagram that waits for the endpoint's name.
async fn answers(table: Rc<Table>, session: Rc<Session>, first: Option<Vec<u8>>) {
    let Ok(upstream) = &session.upstream else { return };
    if let Some(first) = first
        && let Err(error) = look_up(&table, &session, upstream, &first).await
    {
        upstream.endpoint.failed(table.worker.now());
        return table.end(&session, "no_backend", Some(error));
    }
    let Some(socket) = upstream.socket.get() else { return };
    loop {
        if let Err(error) = socket.readable().await {
            return table.failed(&session, &error);
        }
        let mut buffer = table.buffer.borrow_mut();
        for _ in 0..BATCH {
            match socket.try_recv(&mut buffer) {
                Ok(length) => {
                    let counts = table.counts(&session.listener);
                    if !session.answered.replace(true) {
                        table.waiting.borrow_mut().remove(&session.id);
                        upstream.endpoint.succeeded();
                    }
                    session.last.set(table.worker.now());
                    // What the kernel does not take at once is lost, as it may be anywhere on its way.
                    match socket::answer(&table.socket, &buffer[..length], session.client) {
                        Ok(()) => {
                            session.sent.set(session.sent.get() + length as u64);
                            counts.sent.get().inc();
                        }
                        Err(_) => counts.dropped.get().inc(),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return table.failed(&session, &error),
            }
        }
    }
}

async fn look_up(table: &Table, session: &Session, upstream: &Upstream, first: &[u8]) -> Result<(), String> {
    let EndpointAddress::Fqdn(name) = &upstream.endpoint.address else { return Ok(()) };
    let addresses = resolve(&table.worker, name).await.map_err(|error| error.to_string())?;
    let ip: IpAddr = addresses.first().copied().ok_or_else(|| format!("{name} has no address"))?;
    let address = SocketAddr::new(ip, upstream.endpoint.port);
    let socket = table.connect(address, session.client).map_err(|error| error.to_string())?;
    socket::send(upstream.socket.get_or_init(|| socket), first).map_err(|error| error.to_string())
}
