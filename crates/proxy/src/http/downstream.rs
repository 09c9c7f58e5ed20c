//! A client's connection that speaks HTTP/1.1: one request after the other. Between requests it holds its socket and little
//! else.

use super::{
    body::{Incoming, ResponseBody},
    exchange,
    head::Held,
    pipeline,
    server::{Connection, lingered, refuse, rest},
    timer::Timer,
    upgrade::Tunnel,
    upstream::announced,
};
use crate::{
    http1::{self, BodyError, Encoding, Filled, HeadError, RequestHead, SMALL, Scan, Stream, Writer},
    io::Io,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use std::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::io::AsyncWrite;

/// How long a connection waits for the next request before it is put to rest.
const PARK: Duration = Duration::from_millis(50);
/// How long a client may take to end a connection that we have ended, and what it may send meanwhile: closed at once, the
/// connection would take the response with it (RFC 9112 9.6).
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: usize = 1 << 20;

/// The connection: its reader, which a request's body shares, and its writer.
#[derive(Debug)]
pub(super) struct Downstream {
    stream: Stream<Io>,
    writer: Writer,
    scan: Scan,
    /// The client waits for a 100.
    expects_continue: bool,
}

impl Downstream {
    /// Reads on in the request's body; tells a client that waits to send it.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Filled, BodyError>> {
        if self.expects_continue {
            self.expects_continue = false;
            if self.stream.raw().is_empty() {
                self.writer.push(b"HTTP/1.1 100 Continue\r\n\r\n");
                // What does not go now goes with the response; what fails now, fails there.
                let _ = self.writer.poll_flush(self.stream.io(), cx);
            }
        }
        self.stream.poll_body(cx)
    }

    pub(super) fn data(&self) -> &[u8] {
        self.stream.data()
    }

    pub(super) fn consume(&mut self, length: usize) {
        self.stream.consume(length);
    }

    /// [`Downstream::data`] is not taken for now.
    pub(super) fn settle(&mut self) {
        self.stream.settle();
    }

    pub(super) fn is_body_done(&self) -> bool {
        self.stream.is_body_done()
    }

    pub(super) fn left(&self) -> Option<u64> {
        self.stream.left()
    }

    pub(super) fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.stream.trailers().take()
    }

    /// Whether the client has gone, as far as can be told behind a complete request.
    fn is_gone(&mut self, cx: &mut Context<'_>) -> bool {
        while self.stream.is_body_done() && self.stream.raw().len() < SMALL {
            match self.stream.poll_read(cx) {
                Poll::Pending => {
                    self.stream.compact();
                    return false;
                }
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return true,
            }
        }
        false
    }
}

type Shared = Rc<RefCell<Downstream>>;

/// What becomes of a connection after a response, or without one.
enum Next {
    /// It may have another request.
    Request,
    /// It waits for one.
    Rest,
    /// It has switched protocols.
    Tunnel(Box<Tunnel>),
    /// It ends at once.
    Drop,
    /// It ends when the client has seen that.
    Close,
}

/// Some requests, until none comes for a moment; gives the connection back if it goes on.
pub(super) type Burst = Pin<Box<dyn Future<Output = Option<Io>>>>;

/// Serves a client's connection, beginning with some requests. Bursts are boxed, so that a connection at rest holds its socket
/// and not the memory of its requests.
pub(super) async fn serve(connection: &Rc<Connection>, mut next: Option<Burst>) {
    let idle = connection.worker.limits().http_idle;
    let (mut until, mut started) = (connection.worker.now() + idle, 0);
    while let Some(now) = next.take()
        && let Some(io) = now.await
    {
        if connection.started.get() != started {
            started = connection.started.get();
            until = connection.worker.now() + idle.saturating_sub(PARK);
        }
        if rest(connection, &io, until).await {
            next = Some(burst(connection, io, Bytes::new()));
        }
    }
}

/// A burst of requests; `early`: bytes that were read before.
pub(super) fn burst(connection: &Rc<Connection>, io: Io, early: Bytes) -> Burst {
    Box::pin(requests(Rc::clone(connection), io, early))
}

async fn requests(connection: Rc<Connection>, io: Io, early: Bytes) -> Option<Io> {
    let connection = &connection;
    let buffers = Rc::clone(connection.worker.http_pool().buffers());
    let downstream = Rc::new(RefCell::new(Downstream {
        stream: Stream::new(io, buffers, &early),
        writer: Writer::default(),
        scan: Scan::default(),
        expects_continue: false,
    }));
    drop(early);
    loop {
        let soon = connection.worker.now() + PARK.min(connection.worker.limits().http_idle);
        match wait(connection, &downstream, soon, pin!(lingered(connection))).await {
            Waited::Bytes => {}
            Waited::Closed => return None,
            Waited::Expired => break,
        }
        // Boxed, so that a connection whose head is slow does not hold the memory of its requests.
        let next = match read_head(connection, &downstream).await {
            Ok(head) => Box::pin(active(connection, &downstream, head)).await,
            Err(Some(error)) => Box::pin(refused(connection, &downstream, error)).await,
            Err(None) => return None,
        };
        match next {
            Next::Request => {}
            Next::Rest => break,
            Next::Tunnel(tunnel) => {
                if let Some(downstream) = Rc::into_inner(downstream) {
                    let (io, early) = downstream.into_inner().stream.into_parts();
                    Box::pin(tunnel.run(io, early)).await;
                }
                return None;
            }
            Next::Drop => return None,
            Next::Close => {
                Box::pin(close(&downstream)).await;
                return None;
            }
        }
    }
    let (io, _) = Rc::into_inner(downstream)?.into_inner().stream.into_parts();
    Some(io)
}

enum Waited {
    /// There is something to read.
    Bytes,
    /// The connection has ended, or is to end.
    Closed,
    /// Nothing came.
    Expired,
}

/// Waits for the first byte of a request; `closing`: for no longer than that.
async fn wait(
    connection: &Connection,
    downstream: &Shared,
    until: Instant,
    mut closing: Pin<&mut impl Future<Output = ()>>,
) -> Waited {
    let timer = connection.timer();
    poll_fn(|cx| {
        let mut downstream = downstream.borrow_mut();
        if downstream.stream.raw().is_empty() {
            match downstream.stream.poll_read(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return Poll::Ready(Waited::Closed),
                Poll::Pending => {
                    if closing.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Waited::Closed);
                    }
                    return timer.borrow_mut().poll(until, cx).map(|()| Waited::Expired);
                }
            }
        }
        Poll::Ready(Waited::Bytes)
    })
    .await
}

/// Serves requests, `head` the first of them, until the next one is not there for a moment, or not whole.
async fn active(connection: &Rc<Connection>, downstream: &Shared, mut head: RequestHead) -> Next {
    let mut closing = pin!(lingered(connection));
    loop {
        let RequestHead { request, framing, keep_alive, expects_continue } = head;
        {
            let mut downstream = downstream.borrow_mut();
            downstream.stream.begin_body(framing);
            downstream.expects_continue = expects_continue;
        }
        let incoming =
            if framing == http1::Framing::Empty { Incoming::Empty } else { Incoming::Http1(Rc::clone(downstream)) };
        let asked = Asked::new(&request, keep_alive);
        let Some(response) = answer(connection, downstream, request.map(|()| incoming)).await else {
            return Next::Drop;
        };
        match respond(connection, downstream, &asked, response).await {
            Next::Request => {}
            next => return next,
        }
        let soon = connection.worker.now() + PARK.min(connection.worker.limits().http_idle);
        match wait(connection, downstream, soon, closing.as_mut()).await {
            Waited::Bytes => {}
            Waited::Closed => return Next::Drop,
            Waited::Expired => return Next::Rest,
        }
        head = match now(read_head(connection, downstream)).await {
            Poll::Ready(Ok(head)) => head,
            Poll::Ready(Err(Some(error))) => return refused(connection, downstream, error).await,
            Poll::Ready(Err(None)) => return Next::Drop,
            Poll::Pending => return Next::Request,
        };
    }
}

/// What a future comes to at once; it goes on in another one that starts where it has stopped.
async fn now<T>(future: impl Future<Output = T>) -> Poll<T> {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Reads a request's head. `None`: the connection has ended, or the client takes too long.
async fn read_head(connection: &Connection, downstream: &Shared) -> Result<RequestHead, Option<HeadError>> {
    let limits = connection.worker.limits();
    let mut until = None;
    let mut held = Held::new(&connection.worker);
    let timer = connection.timer();
    poll_fn(|cx| {
        let Downstream { stream, scan, .. } = &mut *downstream.borrow_mut();
        loop {
            if let Some(place) = scan.find(stream.raw())? {
                if place.end > limits.header_bytes {
                    return Poll::Ready(Err(Some(HeadError::TooLong)));
                }
                let end = place.end;
                let head = http1::request(&stream.raw()[place]);
                stream.consume_raw(end);
                return Poll::Ready(head.map_err(Some));
            }
            if stream.raw().len() >= limits.header_bytes {
                return Poll::Ready(Err(Some(scan.too_long())));
            }
            match stream.poll_read(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return Poll::Ready(Err(None)),
                Poll::Pending => {
                    stream.compact();
                    if !held.grow(stream.capacity()) {
                        return Poll::Ready(Err(Some(HeadError::NoRoom)));
                    }
                    let until = *until.get_or_insert_with(|| connection.worker.now() + limits.header_read);
                    return timer.borrow_mut().poll(until, cx).map(|()| Err(None));
                }
            }
        }
    })
    .await
}

/// Tells a client that its bytes are no request.
async fn refused(connection: &Connection, downstream: &Shared, error: HeadError) -> Next {
    let status = error.status();
    refuse(connection, status, &exchange::chain(&error));
    {
        let mut downstream = downstream.borrow_mut();
        let head = downstream.writer.begin(Encoding::Length(0));
        http1::write_status(head, Version::HTTP_11, status);
        head.extend_from_slice(b"content-length: 0\r\nconnection: close\r\n");
        connection.worker.http_pool().write_date(head);
        head.extend_from_slice(b"\r\n");
    }
    flush(connection, downstream).await
}

/// Sends what is left of a last response.
async fn flush(connection: &Connection, downstream: &Shared) -> Next {
    let until = connection.worker.now() + connection.worker.limits().http_idle;
    let timer = connection.timer();
    poll_fn(|cx| {
        let Downstream { stream, writer, .. } = &mut *downstream.borrow_mut();
        match writer.poll_flush(stream.io(), cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Next::Close),
            Poll::Ready(Err(_)) => Poll::Ready(Next::Drop),
            Poll::Pending => timer.borrow_mut().poll(until, cx).map(|()| Next::Drop),
        }
    })
    .await
}

/// What of a request its response depends on.
struct Asked {
    version: Version,
    keep_alive: bool,
    is_head: bool,
    /// The client takes trailers.
    trailers: bool,
}

impl Asked {
    fn new(request: &Request<()>, keep_alive: bool) -> Self {
        let trailers = || super::message::has_token(request.headers(), &header::TE, "trailers");
        Self { version: request.version(), keep_alive, is_head: request.method() == Method::HEAD, trailers: trailers() }
    }
}

/// The response to a request; `None` if the client has gone meanwhile.
async fn answer(
    connection: &Rc<Connection>,
    downstream: &Shared,
    request: Request<Incoming>,
) -> Option<Response<ResponseBody>> {
    let mut response = pin!(pipeline::handle(Rc::clone(connection), request));
    poll_fn(|cx| match response.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending if downstream.borrow_mut().is_gone(cx) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// A response on its way.
struct Responding<'a> {
    connection: &'a Connection,
    body: ResponseBody,
    timer: Rc<RefCell<Timer>>,
    /// The response's `Trailer`, if the client takes trailers.
    announced: Option<Vec<HeaderValue>>,
    /// There is a body, as far as the head says.
    reading: bool,
    /// When the client last took something.
    last: Instant,
}

/// Writes a response.
async fn respond(
    connection: &Connection,
    downstream: &Shared,
    asked: &Asked,
    response: Response<ResponseBody>,
) -> Next {
    let (mut parts, body) = response.into_parts();
    let switching = parts.status == StatusCode::SWITCHING_PROTOCOLS;
    let bodyless =
        asked.is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) || switching;
    if parts.status == StatusCode::NOT_MODIFIED {
        // It tells the length of another response, which not every client knows.
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let mut keep = asked.keep_alive && !connection.conn.closing.is_fired();
    if !switching && parts.headers.remove(header::CONNECTION).is_some() {
        // The pipeline only ever says `close`.
        keep = false;
    }
    {
        let downstream = &mut *downstream.borrow_mut();
        // A client that was not told to go on may send its body or not.
        keep &= !std::mem::take(&mut downstream.expects_continue);
        if body.own_length().is_some() && !downstream.stream.skip_body() {
            keep = false;
        }
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let encoding = match (length, body.own_length()) {
            _ if bodyless => Encoding::Length(0),
            (Some(length), _) => Encoding::Length(length),
            (None, Some(length)) => Encoding::Length(length as u64),
            (None, None) if asked.version == Version::HTTP_10 => Encoding::Close,
            (None, None) => Encoding::Chunked,
        };
        keep &= encoding != Encoding::Close;
        let head = downstream.writer.begin(encoding);
        http1::write_status(head, asked.version, parts.status);
        http1::write_fields(head, &parts.headers);
        match encoding {
            Encoding::Length(length) if !bodyless && !parts.headers.contains_key(header::CONTENT_LENGTH) => {
                let _ = std::io::Write::write_fmt(head, format_args!("content-length: {length}\r\n"));
            }
            Encoding::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            Encoding::Length(_) | Encoding::Close => {}
        }
        match (keep, asked.version) {
            _ if switching => {}
            (false, _) => head.extend_from_slice(b"connection: close\r\n"),
            (true, Version::HTTP_10) => head.extend_from_slice(b"connection: keep-alive\r\n"),
            (true, _) => {}
        }
        if !parts.headers.contains_key(header::DATE) {
            connection.worker.http_pool().write_date(head);
        }
        head.extend_from_slice(b"\r\n");
    }
    let announced = asked.trailers.then(|| parts.headers.get_all(header::TRAILER).iter().cloned().collect());
    let mut responding = Responding {
        connection,
        body,
        timer: connection.timer(),
        announced,
        reading: !bodyless,
        last: connection.worker.now(),
    };
    let sent = poll_fn(|cx| responding.poll(downstream, cx)).await;
    drop(responding);
    match connection.take_tunnel() {
        _ if sent.is_err() => Next::Drop,
        Some(tunnel) => Next::Tunnel(tunnel),
        None if !downstream.borrow().is_body_done() => Next::Close,
        None if keep => Next::Request,
        // Nothing that could still come would take the response with it.
        None if downstream.borrow().stream.raw().is_empty() => flush_tls(downstream).await,
        None => Next::Close,
    }
}

/// The response broke off, or the client did not take it; the log knows.
struct Cut;

impl Responding<'_> {
    fn poll(&mut self, downstream: &Shared, cx: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        self.body.poll_request(cx);
        while self.reading {
            match self.body.poll_fill(cx) {
                Poll::Ready(Ok(Filled::Data)) => {
                    let Downstream { stream, writer, .. } = &mut *downstream.borrow_mut();
                    match writer.poll_data(stream.io(), cx, self.body.data(), self.body.is_last()) {
                        Poll::Ready(Ok(length)) => {
                            self.body.consume(length);
                            continue;
                        }
                        Poll::Ready(Err(_)) => return Poll::Ready(Err(Cut)),
                        Poll::Pending => self.body.settle(),
                    }
                }
                Poll::Ready(Ok(Filled::End)) => {
                    let trailers = self.body.take_trailers();
                    let trailers = trailers.zip(self.announced.as_ref()).map(|(trailers, by)| announced(trailers, by));
                    if downstream.borrow_mut().writer.end(trailers.as_ref()).is_err() {
                        return Poll::Ready(Err(Cut));
                    }
                    self.reading = false;
                    self.last = self.connection.worker.now();
                    break;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Cut)),
                Poll::Pending => {
                    let mut downstream = downstream.borrow_mut();
                    let Downstream { stream, writer, .. } = &mut *downstream;
                    match writer.poll_flush(stream.io(), cx) {
                        Poll::Ready(Ok(())) if !downstream.is_gone(cx) => return Poll::Pending,
                        Poll::Ready(_) => return Poll::Ready(Err(Cut)),
                        Poll::Pending => {}
                    }
                }
            }
            return self.poll_client(cx);
        }
        let Downstream { stream, writer, .. } = &mut *downstream.borrow_mut();
        match writer.poll_flush(stream.io(), cx) {
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|_| Cut)),
            Poll::Pending => self.poll_client(cx),
        }
    }

    /// Waits for the client to take what was written, but not for ever.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        if self.reading && self.body.own_length().is_none() {
            ready!(self.body.poll_stalled(cx));
        } else {
            let until = self.last + self.connection.worker.limits().http_idle;
            ready!(self.timer.borrow_mut().poll(until, cx));
        }
        Poll::Ready(Err(Cut))
    }
}

/// Ends a connection on which nothing is left to come; under TLS, says so.
async fn flush_tls(downstream: &Shared) -> Next {
    if matches!(downstream.borrow_mut().stream.io(), Io::Plain(_)) { Next::Drop } else { Next::Close }
}

/// Ends our side, and reads on until the client has ended its own.
async fn close(downstream: &Shared) {
    let until = Instant::now() + FAREWELL;
    let mut timer = Timer::default();
    let (mut ended, mut bytes) = (false, 0);
    poll_fn(|cx| {
        let stream = &mut downstream.borrow_mut().stream;
        if !ended {
            match Pin::new(stream.io()).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => ended = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return timer.poll(until, cx),
            }
        }
        loop {
            let length = stream.raw().len() + stream.data().len();
            stream.consume(length);
            stream.consume_raw(length);
            bytes += length;
            match stream.poll_read(cx) {
                Poll::Ready(Ok(1..)) if bytes < FAREWELL_BYTES => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.poll(until, cx),
            }
        }
    })
    .await;
}
