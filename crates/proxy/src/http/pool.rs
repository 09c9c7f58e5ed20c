//! Connections to HTTP backends, kept per worker and endpoint: HTTP/1.1 one request at a time, the last used one first;
//! HTTP/2 many at a time.

use super::{
    body::{Received, RequestBody},
    exchange::chain,
    filter, mirror, session,
    transport::Transport,
    upstream::{Failure, MAX_HEADER, Outgoing, Upstream},
};
use crate::{
    http1::{BodyError, Buffers, Filled},
    io::Io,
    upstream::{Active, Backend, ConnectError, Endpoint, Protocols, connect_endpoint},
    worker::Worker,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header, uri::Scheme};
use hyper::client::conn::http2;
use hyper_util::rt::TokioTimer;
use snapshot::AppProtocol;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::{Rc, Weak},
    sync::{self, Arc},
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};
use tokio::{sync::Mutex, time::timeout};

/// Idle connections that one worker keeps to one endpoint.
const MAX_IDLE: usize = 256;
/// Requests at one time on one HTTP/2 connection; should the backend allow fewer, the others wait in it.
const MAX_STREAMS: usize = 100;
/// How long a request waits for another one's HTTP/2 connection before it makes its own.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often idle connections are looked at.
const SWEEP: Duration = Duration::from_secs(5);
/// Between probes of HTTP/2 connections, and how long an answer may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
/// What is read of a response that nobody reads, so that its connection may serve another request.
const SKIPPED: usize = 64 << 10;
/// Flow-control windows of HTTP/2 towards backends.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// The golden ratio's fraction of 2³²: stepping by it visits the unit interval evenly, whoever takes which steps.
pub(super) const STRIDE: u32 = 0x9e37_79b9;

/// Upstream connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    inner: Rc<Inner>,
    point: Cell<u32>,
    buffers: Rc<Buffers>,
    mirrors: Rc<mirror::Load>,
    date: RefCell<Date>,
    sessions: session::Keys,
}

/// The `Date` field of this second.
#[derive(Debug, Default)]
struct Date {
    /// Since the epoch.
    second: u64,
    line: String,
}

#[derive(Debug, Default)]
struct Inner {
    /// By [`Endpoint::id`], which changes when protocol or TLS do.
    peers: RefCell<HashMap<u64, Rc<Peer>>>,
    sweeping: Cell<bool>,
}

/// Connections to one endpoint.
#[derive(Debug)]
struct Peer {
    /// Gone: no backend has it any more, so nobody would ask for its connections again.
    endpoint: sync::Weak<Endpoint>,
    idle: RefCell<Vec<Idle>>,
    multiplexed: RefCell<Vec<Rc<Multiplexed>>>,
    /// Held while an HTTP/2 connection is made, so that a burst of requests makes one.
    connecting: Mutex<()>,
}

#[derive(Debug)]
struct Idle {
    upstream: Box<Upstream>,
    since: Instant,
}

#[derive(Debug)]
struct Multiplexed {
    sender: http2::SendRequest<RequestBody>,
    streams: Cell<usize>,
    since: Cell<Instant>,
}

/// A connection that one request uses.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Leased,
    /// It has served a request before, so it may have died since.
    pub(super) reused: bool,
}

#[derive(Debug)]
enum Leased {
    One { upstream: Box<Upstream>, home: Weak<Peer> },
    Many(Stream),
}

/// What a request needs of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// What the backend speaks.
    Any,
    /// HTTP/1.1, as the request switches protocols.
    Http1,
    /// HTTP/2, without asking where there is no TLS: the gateway's own gRPC.
    Http2,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no HTTP connection to the backend")]
    Handshake(#[from] hyper::Error),
}

/// Whether HTTP/2 is spoken without asking, asked for by ALPN, or not spoken.
fn protocols(backend: &Backend, want: Want) -> Protocols {
    match (backend.tls.is_some(), backend.protocol) {
        (true, AppProtocol::H2c) if want == Want::Any => Protocols::H2OrHttp1,
        (true, _) if want == Want::Http2 => Protocols::H2OrHttp1,
        (true, _) => Protocols::Http1,
        (false, _) => Protocols::None,
    }
}

/// Whether a connection for a request can be HTTP/2.
fn is_multiplexed(backend: &Backend, want: Want) -> bool {
    want == Want::Http2 || want == Want::Any && may_multiplex(backend)
}

/// Whether connections to the backend can be HTTP/2.
pub(super) fn may_multiplex(backend: &Backend) -> bool {
    backend.protocol == AppProtocol::H2c
}

/// Whether they can be nothing else.
pub(super) fn must_multiplex(backend: &Backend) -> bool {
    may_multiplex(backend) && backend.tls.is_none()
}

impl Pool {
    /// The next point of an even spread over the unit interval, as a fraction of 2³².
    pub(super) fn next_point(&self) -> u32 {
        let point = self.point.get().wrapping_add(STRIDE);
        self.point.set(point);
        point
    }

    /// A connection to an endpoint that has been kept.
    pub(super) fn kept(
        &self,
        worker: &Worker,
        backend: &Arc<Backend>,
        endpoint: &Arc<Endpoint>,
        want: Want,
    ) -> Option<Lease> {
        self.peer(endpoint).take(worker, backend, want)
    }

    /// A connection to an endpoint where none [has been kept](Pool::kept): a new one, or one that came about meanwhile.
    pub(super) async fn lease(
        &self,
        worker: &Worker,
        backend: &Arc<Backend>,
        endpoint: &Arc<Endpoint>,
        want: Want,
        fresh: bool,
    ) -> Result<Lease, LeaseError> {
        let peer = self.peer(endpoint);
        let multiplex = is_multiplexed(backend, want);
        // One at a time makes an HTTP/2 connection; who waited looks again first. Nobody waits for long, as it may fail.
        let _turn = if multiplex { timeout(PATIENCE, peer.connecting.lock()).await.ok() } else { None };
        if multiplex
            && !fresh
            && let Some(lease) = peer.take(worker, backend, want)
        {
            return Ok(lease);
        }
        // Before anything can fail, so that no entry stays for good.
        self.sweep(worker);
        let io = connect_endpoint(worker, backend, endpoint, protocols(backend, want)).await?;
        let active = backend.track();
        if multiplex && (backend.tls.is_none() || io.alpn() == Some(b"h2")) {
            open_http2(worker, &peer, io, active).await
        } else {
            let upstream = Box::new(Upstream::new(io, Rc::clone(&self.buffers), active));
            Ok(Lease { connection: Leased::One { upstream, home: Rc::downgrade(&peer) }, reused: false })
        }
    }

    /// What the worker sends to mirrors.
    pub(super) fn mirrors(&self) -> &Rc<mirror::Load> {
        &self.mirrors
    }

    /// Keys of sessions.
    pub(super) fn sessions(&self) -> &session::Keys {
        &self.sessions
    }

    /// The worker's buffers.
    pub(super) fn buffers(&self) -> &Rc<Buffers> {
        &self.buffers
    }

    /// Writes `Date`, as who passes on a response without it must (RFC 9110 6.6.1).
    pub(super) fn write_date(&self, out: &mut Vec<u8>) {
        let second = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let mut date = self.date.borrow_mut();
        if date.second != second || date.line.is_empty() {
            let now = jiff::Timestamp::new(i64::try_from(second).unwrap_or_default(), 0).unwrap_or_default();
            let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
            let Ok(text) = printer.timestamp_to_rfc9110_string(&now) else { return };
            *date = Date { second, line: format!("date: {text}\r\n") };
        }
        out.extend_from_slice(date.line.as_bytes());
    }

    fn peer(&self, endpoint: &Arc<Endpoint>) -> Rc<Peer> {
        let mut peers = self.inner.peers.borrow_mut();
        let new = || {
            Rc::new(Peer {
                endpoint: Arc::downgrade(endpoint),
                idle: RefCell::default(),
                multiplexed: RefCell::default(),
                connecting: Mutex::default(),
            })
        };
        Rc::clone(peers.entry(endpoint.id).or_insert_with(new))
    }

    /// Starts to look at idle connections from time to time, for as long as there are any.
    fn sweep(&self, worker: &Worker) {
        if self.inner.sweeping.replace(true) {
            return;
        }
        let (inner, idle) = (Rc::clone(&self.inner), worker.limits().upstream_idle);
        worker.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                inner.peers.borrow_mut().retain(|_, peer| peer.keep(idle) || Rc::strong_count(peer) > 1);
                if inner.peers.borrow().is_empty() {
                    inner.sweeping.set(false);
                    return;
                }
            }
        });
    }
}

impl Peer {
    fn take(self: &Rc<Self>, worker: &Worker, backend: &Backend, want: Want) -> Option<Lease> {
        if is_multiplexed(backend, want) {
            let mut all = self.multiplexed.borrow_mut();
            all.retain(|one| !one.sender.is_closed());
            let free = all.iter().find(|one| one.streams.get() < MAX_STREAMS);
            if let Some(free) = free {
                return Some(Lease { connection: Leased::Many(Stream::new(free)), reused: true });
            }
        }
        if want == Want::Http2 {
            return None;
        }
        let (now, limit) = (worker.now(), worker.limits().upstream_idle);
        loop {
            let Idle { mut upstream, since } = self.idle.borrow_mut().pop()?;
            if now.saturating_duration_since(since) < limit && upstream.is_alive() {
                let connection = Leased::One { upstream, home: Rc::downgrade(self) };
                return Some(Lease { connection, reused: true });
            }
        }
    }

    /// Drops what is dead, has been idle for too long or leads to an endpoint that is gone; says whether anything is left.
    fn keep(&self, idle: Duration) -> bool {
        let wanted = self.endpoint.strong_count() > 0;
        let fresh = |since: Instant| wanted && since.elapsed() < idle;
        let mut single = self.idle.borrow_mut();
        single.retain_mut(|one| fresh(one.since) && one.upstream.is_alive());
        let mut many = self.multiplexed.borrow_mut();
        many.retain(|one| !one.sender.is_closed() && (one.streams.get() > 0 || fresh(one.since.get())));
        !single.is_empty() || !many.is_empty()
    }
}

async fn open_http2(worker: &Worker, peer: &Rc<Peer>, io: Io, active: Active) -> Result<Lease, LeaseError> {
    let mut builder = http2::Builder::new(Spawn(worker.clone()));
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(MAX_HEADER).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    let (sender, connection) = builder.handshake(Transport::new(io, Bytes::new())).await?;
    worker.spawn(async move {
        let _active = active;
        // What ends it, each of its requests is told.
        let _ = connection.await;
    });
    let since = Cell::new(worker.now());
    let one = Rc::new(Multiplexed { sender, streams: Cell::new(0), since });
    peer.multiplexed.borrow_mut().push(Rc::clone(&one));
    Ok(Lease { connection: Leased::Many(Stream::new(&one)), reused: false })
}

/// Runs hyper's tasks on the worker.
#[derive(Clone)]
pub(super) struct Spawn(pub(super) Worker);

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Spawn {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// One request's place on a shared connection.
#[derive(Debug)]
struct Stream(Rc<Multiplexed>);

impl Stream {
    fn new(one: &Rc<Multiplexed>) -> Self {
        one.streams.set(one.streams.get() + 1);
        Self(Rc::clone(one))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get().saturating_sub(1));
        self.0.since.set(Instant::now());
    }
}

impl Lease {
    /// Whether it is HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.connection, Leased::Many(_))
    }

    /// Sends a request and waits for the header of its response, which is fit to be passed on. `outgoing` stays as it is, if
    /// `again`: it may have to be sent a second time.
    pub(super) async fn send(
        &mut self,
        backend: &Backend,
        outgoing: &mut Outgoing,
        body: RequestBody,
        again: bool,
    ) -> Result<Response<Received>, Failure> {
        match &mut self.connection {
            Leased::One { upstream, .. } => {
                upstream.send(outgoing, body).await.map(|head| head.map(|()| Received::Http1))
            }
            Leased::Many(one) => one.send(backend, outgoing, body, again).await,
        }
    }

    /// The connection itself, once the backend has switched protocols, and what was read behind the 101.
    pub(super) fn into_upgrade(self) -> Option<(Io, Bytes)> {
        match self.connection {
            Leased::One { upstream, .. } => Some(upstream.into_parts()),
            Leased::Many(_) => None,
        }
    }

    /// The response has been read: the connection may serve another request.
    pub(super) fn give_back(self) {
        let Leased::One { mut upstream, home } = self.connection else { return };
        if let Some(home) = home.upgrade()
            && home.idle.borrow().len() < MAX_IDLE
            && upstream.rest()
        {
            home.idle.borrow_mut().push(Idle { upstream, since: Instant::now() });
        }
    }

    /// Sends what is left of the request.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) {
        if let Leased::One { upstream, .. } = &mut self.connection {
            // A request that breaks off leaves a connection that is not used again, and a response like any other.
            let _ = upstream.poll_request(cx);
        }
    }

    /// Reads on in the body of an HTTP/1.1 response.
    pub(super) fn poll_body(
        &mut self,
        trailers: &mut Option<HeaderMap>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Filled, BodyError>> {
        match &mut self.connection {
            Leased::One { upstream, .. } => upstream.poll_body(trailers, cx),
            Leased::Many(_) => Poll::Ready(Ok(Filled::End)),
        }
    }

    /// What has come of it.
    pub(super) fn data(&self) -> &[u8] {
        match &self.connection {
            Leased::One { upstream, .. } => upstream.data(),
            Leased::Many(_) => &[],
        }
    }

    /// Takes what has come of a response that nobody reads; says whether that is all of it.
    pub(super) fn skip_body(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut skipped = 0;
        loop {
            let mut trailers = None;
            match self.poll_body(&mut trailers, &mut cx) {
                Poll::Ready(Ok(Filled::Data)) if skipped < SKIPPED => {
                    skipped += self.data().len();
                    self.consume(self.data().len());
                }
                Poll::Ready(Ok(Filled::Data)) => return false,
                Poll::Ready(Ok(Filled::End)) => return true,
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
        }
    }

    /// [`Lease::data`] is not taken for now.
    pub(super) fn settle(&mut self) {
        if let Leased::One { upstream, .. } = &mut self.connection {
            upstream.settle();
        }
    }

    /// So many bytes of that are done with.
    pub(super) fn consume(&mut self, length: usize) {
        if let Leased::One { upstream, .. } = &mut self.connection {
            upstream.consume(length);
        }
    }

    /// Nothing comes behind [`Lease::data`].
    pub(super) fn is_read(&self) -> bool {
        match &self.connection {
            Leased::One { upstream, .. } => upstream.is_read(),
            Leased::Many(_) => true,
        }
    }

    /// Bytes of the body that are still to be taken, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match &self.connection {
            Leased::One { upstream, .. } => upstream.left(),
            Leased::Many(_) => Some(0),
        }
    }
}

impl Stream {
    async fn send(
        &self,
        backend: &Backend,
        outgoing: &mut Outgoing,
        body: RequestBody,
        again: bool,
    ) -> Result<Response<Received>, Failure> {
        let mut headers =
            if again { outgoing.parts.headers.clone() } else { std::mem::take(&mut outgoing.parts.headers) };
        if outgoing.wants_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        let mut request = Request::new(body);
        *request.version_mut() = Version::HTTP_2;
        *request.method_mut() = outgoing.parts.method.clone();
        *request.uri_mut() = filter::absolute_form(&outgoing.target, scheme(backend), &mut headers);
        *request.headers_mut() = headers;
        let mut sender = self.0.sender.clone();
        let mut error = match sender.try_send_request(request).await {
            Ok(response) => return Ok(response.map(Received::Http2)),
            Err(error) => error,
        };
        let unsent = error.take_message();
        let is_unsent = unsent.is_some();
        let body = unsent.map(|request| {
            let (parts, body) = request.into_parts();
            outgoing.parts.headers = parts.headers;
            body
        });
        Err(Failure { why: chain(error.error()), unsent: is_unsent, refused: is_refused(error.error()), body })
    }
}

/// Whether a backend says that it has not begun on a request: by RST_STREAM, or by a GOAWAY that does not cover it
/// (RFC 9113 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let error = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    let refused = |error: &h2::Error| error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_some_and(|error| refused(error) || error.is_go_away() && error.is_remote())
}

/// The scheme that HTTP/2 requests carry.
fn scheme(backend: &Backend) -> Scheme {
    if backend.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
}
