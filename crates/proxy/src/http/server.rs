//! Client connections: which version they speak, and what all of their requests share.

use super::{
    Table,
    body::Incoming,
    downstream,
    exchange::{self, Meter},
    http2, pipeline,
    table::Found,
    timer::Timer,
    upgrade::Tunnel,
};
use crate::{
    conn::{Alpn, Conn},
    drain::Signal,
    io::Io,
    listener::Cause,
    router::{self, Name},
    worker::Worker,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use std::{
    cell::{Cell, OnceCell, RefCell},
    convert::Infallible,
    future::poll_fn,
    io::ErrorKind,
    pin::pin,
    rc::{Rc, Weak},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What a connection without a request gets once it should end: a request may be on its way (RFC 9112 9.6).
const LINGER: Duration = Duration::from_secs(1);
/// What a body that the client does not take gets on top of the limit for quiet ones.
const STALLED: Duration = Duration::from_secs(2);
/// What the requests of one client connection share.
pub(super) struct Connection {
    pub(super) worker: Worker,
    pub(super) conn: Conn,
    /// The client's address, for `X-Forwarded-For`.
    pub(super) forwarded: HeaderValue,
    /// For the moment between a change of the configuration and the end of the connection.
    fallback: Arc<Table>,
    pub(super) active: Cell<usize>,
    pub(super) started: Cell<u64>,
    /// If it speaks HTTP/2.
    http2: OnceCell<Box<Http2>>,
    tunnel: RefCell<Option<Box<Tunnel>>>,
    /// Of the task that serves HTTP/1.1.
    timer: Rc<RefCell<Timer>>,
}

/// What the requests of an HTTP/2 connection share besides.
#[derive(Default)]
pub(super) struct Http2 {
    /// Requests that the client cancelled: since when, and how many.
    cancelled: Cell<(Option<Instant>, u32)>,
    /// The client does more of something than it may, and of what.
    pub(super) flooded: Signal,
    pub(super) flood: Cell<&'static str>,
    /// Of requests that may still be under way.
    meters: RefCell<Vec<Weak<Meter>>>,
}

impl Connection {
    /// The rule for a request, by the routes as they stand.
    pub(super) fn find(&self, name: &Name, request: &router::Request<'_>) -> Found {
        self.worker.with_runtime(|runtime| {
            let port = runtime.port(self.conn.listener.bound);
            port.and_then(|port| port.http.as_ref()).unwrap_or(&self.fallback).find(name, request)
        })
    }

    pub(super) fn is_http1(&self) -> bool {
        self.http2.get().is_none()
    }

    /// From now on it speaks HTTP/2.
    pub(super) fn begin_http2(&self) -> &Http2 {
        self.http2.get_or_init(Box::default)
    }

    /// A request begins.
    pub(super) fn begin(&self, meter: &Rc<Meter>) {
        self.active.set(self.active.get() + 1);
        if self.started.replace(self.started.get() + 1) == 0 {
            self.worker.has_asked(self.conn.id);
        }
        if let Some(http2) = self.http2.get() {
            let mut meters = http2.meters.borrow_mut();
            if meters.len() > 2 * self.active.get() {
                meters.retain(|meter| meter.strong_count() > 0);
            }
            meters.push(Rc::downgrade(meter));
        }
    }

    /// Whether a client does not take its response. A body looks at the clock itself, but only while hyper asks for more
    /// of it; so what has been quiet for longer waits for the client.
    pub(super) fn is_stalled(&self) -> bool {
        let quiet = |meter: Rc<Meter>| meter.last.get().elapsed() > meter.idle.get() + STALLED;
        self.http2.get().is_some_and(|http2| http2.meters.borrow().iter().filter_map(Weak::upgrade).any(quiet))
    }

    /// A request has ended.
    pub(super) fn end(&self, cancelled: bool) {
        self.active.set(self.active.get().saturating_sub(1));
        let Some(http2) = self.http2.get().filter(|_| cancelled) else { return };
        let now = self.worker.now();
        let (since, count) = match http2.cancelled.get() {
            (Some(since), count) if now.saturating_duration_since(since) < Duration::from_secs(1) => (since, count + 1),
            _ => (now, 1),
        };
        http2.cancelled.set((Some(since), count));
        if count > self.worker.limits().h2_resets_per_second {
            self.flood("more streams reset in a second than may be");
        }
    }

    /// The client is to be told to calm down, and the connection to end.
    pub(super) fn flood(&self, why: &'static str) {
        if let Some(http2) = self.http2.get() {
            http2.flood.set(why);
            http2.flooded.fire();
        }
    }

    /// Leaves what is to be done once the client has been sent a 101.
    pub(super) fn set_tunnel(&self, tunnel: Tunnel) {
        *self.tunnel.borrow_mut() = Some(Box::new(tunnel));
    }

    /// What was left there.
    pub(super) fn take_tunnel(&self) -> Option<Box<Tunnel>> {
        self.tunnel.borrow_mut().take()
    }

    /// A timer for the task that waits for a response: with HTTP/1.1 the connection's, as that waits for one at a time.
    pub(super) fn timer(&self) -> Rc<RefCell<Timer>> {
        if self.is_http1() { Rc::clone(&self.timer) } else { Rc::default() }
    }
}

/// Serves one connection of an HTTP or HTTPS listener; `table` is what its port serves now.
pub(crate) fn serve(worker: Worker, io: Io, conn: Conn, table: Arc<Table>) -> impl Future<Output = ()> {
    let forwarded = conn.peer.ip().to_canonical().to_string();
    let connection = Rc::new(Connection {
        forwarded: HeaderValue::from_str(&forwarded).unwrap_or_else(|_| HeaderValue::from_static("unknown")),
        fallback: table,
        active: Cell::new(0),
        started: Cell::new(0),
        http2: OnceCell::new(),
        tunnel: RefCell::default(),
        timer: Rc::default(),
        worker,
        conn,
    });
    // A block holds what it captures once, where a function would hold its arguments twice.
    async move {
        let (opening, early) = match connection.conn.tls.as_ref().map(|tls| tls.alpn) {
            Some(Alpn::H2) => (Opening::Http2, Bytes::new()),
            // What came with the end of the handshake may be read already, so the socket tells nothing.
            Some(Alpn::Http1 | Alpn::None) => (Opening::Http1, Bytes::new()),
            None => first_bytes(&connection, &io).await,
        };
        match opening {
            Opening::Nothing => {}
            Opening::Http1 => downstream::serve(&connection, Some(downstream::burst(&connection, io, early))).await,
            Opening::Http2 => Box::pin(http2::serve(&connection, io, early)).await,
            Opening::Foreign => {
                refuse(&connection, StatusCode::BAD_REQUEST, "neither a request of HTTP/1 nor the preface of HTTP/2");
            }
            Opening::Tls => {
                let why = "TLS on a plain HTTP listener; possible cause: an https:// URL for this port";
                refuse(&connection, StatusCode::BAD_REQUEST, why);
            }
        }
    }
}

enum Opening {
    /// Nothing came in time.
    Nothing,
    Http1,
    /// The preface of prior knowledge (RFC 9113 3.3).
    Http2,
    /// A TLS record.
    Tls,
    /// Another protocol.
    Foreign,
}

/// Whether a line has come that neither protocol begins with: three words, of which the last is no version. A client that
/// took this for HTTP/2 must be cut off (RFC 9113 3.4), and could not read an answer of HTTP/1.
fn is_foreign(first: &[u8]) -> bool {
    let Some(end) = first.iter().position(|byte| *byte == b'\n') else { return false };
    let words = first[..end].trim_ascii_end().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let is_version = |word: &[u8]| word.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP/"));
    words.skip(2).last().is_some_and(|word| !is_version(word))
}

/// What the first bytes of a plain connection begin, and those bytes.
async fn first_bytes(connection: &Connection, io: &Io) -> (Opening, Bytes) {
    const PREFACE: &[u8] = b"PRI ";
    let mut until = connection.worker.now() + connection.worker.limits().http_idle;
    let mut early = Vec::new();
    while rest(connection, io, until).await {
        // Room for a short line.
        let mut more = [0; 64];
        match io.socket().try_read(&mut more) {
            Ok(read @ 1..) => {
                if early.is_empty() {
                    until = connection.worker.now() + connection.worker.limits().header_read;
                }
                early.extend_from_slice(&more[..read]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Ok(0) | Err(_) => break,
        }
        let opening = match &*early {
            [0x16, 0x03, ..] => Opening::Tls,
            some if some.starts_with(PREFACE) => Opening::Http2,
            some if PREFACE.starts_with(some) || some == [0x16] => continue,
            some if is_foreign(some) => Opening::Foreign,
            _ => Opening::Http1,
        };
        return (opening, early.into());
    }
    (Opening::Nothing, Bytes::new())
}

/// Waits until there is something to read, be it the end; false if nothing has come by then, or the connection is to end.
/// This is what a connection does most of its life, so it holds no more than that takes.
pub(super) fn rest<'a>(connection: &'a Connection, io: &'a Io, mut until: Instant) -> impl Future<Output = bool> + 'a {
    let closing = &connection.conn.closing;
    let mut is_closing = false;
    async move {
        let mut closed = pin!(closing.notified());
        poll_fn(|cx| {
            if io.socket().poll_read_ready(cx).is_ready() {
                return Poll::Ready(true);
            }
            if !is_closing && (closing.is_fired() || closed.as_mut().poll(cx).is_ready()) {
                is_closing = true;
                until = until.min(connection.worker.now() + LINGER);
            }
            connection.timer.borrow_mut().poll(until, cx).map(|()| false)
        })
        .await
    }
}

/// Until a connection without a request has been given its time to end.
pub(super) async fn lingered(connection: &Connection) {
    connection.conn.closing.fired().await;
    sleep(LINGER).await;
}

pub(super) async fn answer(
    connection: Rc<Connection>,
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<super::body::ResponseBody>, Infallible> {
    Ok(pipeline::handle(connection, request.map(Incoming::Http2)).await)
}

/// Counts and logs a connection that speaks no HTTP we understand.
pub(super) fn refuse(connection: &Connection, status: StatusCode, why: &str) {
    connection.conn.listener.metrics.error(Cause::Protocol);
    exchange::log_refusal(connection, status, why);
}

#[cfg(test)]
mod tests {
    use super::is_foreign;

    #[test]
    fn only_a_whole_line_without_a_version_is_foreign() {
        for foreign in ["INVALID CONNECTION PREFACE\r\n\r\n", "a b c\n", "SSH 2 0 x\r\n"] {
            assert!(is_foreign(foreign.as_bytes()), "{foreign:?}");
        }
        let requests = ["GET / HTTP/1.1\r\nHost: a b c\r\n", "GET / http/9\r\n", "GET /a b HTTP/1.1\n"];
        for http in requests.into_iter().chain(["GET /\r\n", "\r\n", "a b c"]) {
            assert!(!is_foreign(http.as_bytes()), "{http:?}");
        }
    }
}
