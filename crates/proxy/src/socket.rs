//! Listening sockets: bound by the control side, one per worker and address, and accepted from by the workers.

use crate::{config::Wanted, drain::Signal, listener::Cause, tls::accept, udp, worker::Worker};
use rustix::io::Errno;
use snapshot::{EntityKey, Refusal};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpStream, sync::mpsc::error::TrySendError};

/// Connections that the kernel keeps for us to accept, per socket.
const BACKLOG: i32 = 4096;
/// How long a client may be silent before the kernel asks whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long to wait when the process has no file descriptor left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Room that the kernel gives to datagrams that nobody has taken yet, if it may.
const DATAGRAMS: usize = 1 << 20;

/// Whether an address is one of TCP or of UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) transport: Transport,
    /// An unspecified address means all.
    pub(crate) socket: SocketAddr,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Tcp => self.socket.fmt(f),
            Transport::Udp => write!(f, "{}/udp", self.socket),
        }
    }
}

/// Sockets of one address: one per worker.
#[derive(Clone, Debug)]
pub(crate) enum Sockets {
    Tcp(Arc<[Arc<TcpListener>]>),
    Udp(Arc<[Arc<UdpSocket>]>),
}

impl Sockets {
    /// Whether they are the same ones.
    pub(crate) fn are(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(own), Self::Tcp(other)) => Arc::ptr_eq(own, other),
            (Self::Udp(own), Self::Udp(other)) => Arc::ptr_eq(own, other),
            _ => false,
        }
    }
}

/// Binds one socket per worker. Unspecified addresses take both families.
pub(crate) fn bind(address: Address, workers: usize, ours: bool) -> io::Result<Sockets> {
    if !ours {
        // SO_REUSEPORT would quietly share the port with another process of this user: ask without it first.
        drop(either_family(address, false)?);
    }
    let sockets = (0..workers).map(|_| either_family(address, true));
    match address.transport {
        Transport::Tcp => {
            sockets.map(|socket| Ok(Arc::new(socket?.into()))).collect::<io::Result<_>>().map(Sockets::Tcp)
        }
        Transport::Udp => {
            sockets.map(|socket| Ok(Arc::new(socket?.into()))).collect::<io::Result<_>>().map(Sockets::Udp)
        }
    }
}

fn either_family(address: Address, share: bool) -> io::Result<Socket> {
    let open = |socket| match address.transport {
        Transport::Tcp => open_tcp(socket, share),
        Transport::Udp => open_udp(socket, share),
    };
    match open(address.socket) {
        Err(error) if address.socket.ip().is_unspecified() && no_ipv6(&error) => {
            open(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.socket.port()))
        }
        result => result,
    }
}

fn no_ipv6(error: &io::Error) -> bool {
    [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn open_tcp(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Connections inherit it: one whose far end is gone without a word does not wait for the longest of the limits.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4).with_retries(4))?;
    bind_to(&socket, address, share)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn open_udp(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    udp::socket::note_destinations(&socket, address)?;
    // The kernel gives less if it must.
    let _ = socket.set_recv_buffer_size(DATAGRAMS);
    bind_to(&socket, address, share)?;
    Ok(socket)
}

fn bind_to(socket: &Socket, address: SocketAddr, share: bool) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())
}

/// Says why an address could not be bound, and what to do.
pub(crate) fn refusal(address: Address, wanted: &Wanted, error: &io::Error) -> Refusal {
    let Address { transport, socket: address } = address;
    let port = address.port();
    let (index, name) = &wanted.listener;
    let mapped = if port == wanted.port { String::new() } else { format!(" (bound for port {})", wanted.port) };
    let is = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    let way_out = if is(Errno::ACCESS) {
        format!(
            "ports below 1024 are privileged; bind another one with --port-map {}={}, or grant CAP_NET_BIND_SERVICE",
            wanted.port,
            u32::from(wanted.port) + 8000
        )
    } else if is(Errno::ADDRINUSE) {
        format!(
            "another process listens there; end it or bind another port with --port-map {}=PORT; it is tried again every few seconds",
            wanted.port
        )
    } else {
        "it is tried again every few seconds".to_owned()
    };
    let field = match wanted.address {
        Some(address) if is(Errno::ADDRNOTAVAIL) => format!("spec.addresses[{address}].value"),
        _ => format!("spec.listeners[{index}].port"),
    };
    let place = if address.ip().is_unspecified() { format!("port {port}") } else { address.to_string() };
    let place = if transport == Transport::Udp { format!("UDP {place}") } else { place };
    Refusal {
        entity: match wanted.address {
            Some(_) if is(Errno::ADDRNOTAVAIL) => EntityKey::Gateway(wanted.gateway.clone()),
            _ => wanted.entity.clone(),
        },
        field,
        message: format!("listener {name:?}: cannot listen on {place}{mapped}: {error}: {way_out}"),
    }
}

/// Accepts until it is told to stop, and then what the kernel has already taken in, which would be reset else.
pub(crate) async fn accept(worker: Worker, port: u16, socket: Arc<TcpListener>, stop: Signal) {
    let listener = match socket.try_clone().and_then(tokio::net::TcpListener::from_std) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(port, %error, "cannot wait for connections");
            return;
        }
    };
    drop(socket);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.fired() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => place(&worker, stream, peer, port),
            Err(error) => failed(port, &error).await,
        }
    }
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
            place(&worker, stream, peer, port);
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn failed(port: u16, error: &io::Error) {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    if exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        tracing::warn!(port, %error, "cannot accept connections for now; raise the limit of open files");
        tokio::time::sleep(EXHAUSTED).await;
    } else {
        // The client has gone meanwhile, or the like: the next one is not concerned.
        tracing::debug!(port, %error, "accept");
    }
}

/// A connection on its way from the worker that accepted it to the one that serves it.
#[derive(Debug)]
pub(crate) struct Handed {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    port: u16,
}

/// Keeps the connection, or hands it to the worker with the fewest when this one is above its share.
fn place(worker: &Worker, stream: TcpStream, peer: SocketAddr, port: u16) {
    let shared = worker.shared();
    let loads = || shared.loads.iter().map(|load| load.get()).enumerate();
    let (mine, sum) = (shared.loads[worker.index()].get(), shared.connections());
    // Above 1.25 times the mean, with room for small numbers.
    let count = shared.loads.len();
    let idlest = if mine * count * 4 > (sum + 4 * count) * 5 { loads().min_by_key(|(_, load)| *load) } else { None };
    match idlest {
        None => adopt(worker, stream, peer, port),
        Some((idlest, _)) => {
            let Ok(stream) = stream.into_std() else { return };
            match shared.mailboxes[idlest].try_send(Handed { stream, peer, port }) {
                Ok(()) => {}
                Err(TrySendError::Full(handed) | TrySendError::Closed(handed)) => receive(worker, handed),
            }
        }
    }
}

/// Serves a connection that another worker has accepted.
pub(crate) fn receive(worker: &Worker, handed: Handed) {
    if let Ok(stream) = TcpStream::from_std(handed.stream) {
        adopt(worker, stream, handed.peer, handed.port);
    }
}

/// Serves a connection on this worker.
fn adopt(worker: &Worker, stream: TcpStream, peer: SocketAddr, port: u16) {
    let peer = canonical(peer);
    let runtime = worker.runtime();
    let Some(port) = runtime.port(port) else { return };
    let Some(listener) = port.listeners.first() else { return };
    let load = worker.shared().load(worker.index());
    if worker.shared().connections() > worker.shared().max_connections {
        listener.metrics.error(Cause::Limit);
        if !worker.evict() {
            let why = "more connections than may be, and each has made a request";
            accept::log_refusal(worker, worker.next_connection(), peer, listener, None, Cause::Limit, why);
            return;
        }
    }
    // Only saves latency; a socket that refuses it shows its fault at the first read.
    let _ = stream.set_nodelay(true);
    let local =
        stream.local_addr().map_or_else(|_| SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port.number), canonical);
    let arrival = accept::Arrival { peer, local, accepted: worker.now(), id: worker.next_connection() };
    let serving = accept::serve(worker.clone(), stream, arrival, Arc::clone(port));
    worker.spawn_connection(arrival.id, peer, listener, load, serving);
}
