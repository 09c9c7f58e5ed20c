//! HTTP origins that tell what reached them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::certs::Identity;

type Body = BoxBody<Bytes, hyper::Error>;

/// An HTTP server that answers every request with JSON about it:
/// `{origin, method, path, host, protocol, headers: {name: [values]}, body, tls, connection}`, where `path` is the whole request
/// target and `connection` counts the connections of this origin.
///
/// It speaks HTTP/1.1 and HTTP/2 with prior knowledge, or both over TLS by ALPN. Special paths, wherever they stand in the path:
///
/// | path | does |
/// | --- | --- |
/// | `/status/503` | answers with this status |
/// | `/delay/250` | waits so many milliseconds first |
/// | `/bytes/1000` | answers with so many `x` instead of JSON, chunked |
/// | `/slow-body/5` | answers with five lines, 100 ms apart |
/// | `/reset` | closes the connection without an answer |
/// | `/header/NAME/VALUE` | adds a response header |
///
/// A WebSocket handshake is accepted (the first offered subprotocol is chosen) and messages are echoed. A request of
/// `application/grpc` gets its body back, frame by frame, and the trailer `grpc-status: 0`.
#[derive(Debug)]
pub struct Origin {
    name: String,
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

#[derive(Debug)]
struct State {
    name: String,
    tls: bool,
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Origin {
    /// Serves in plaintext at `address`; port 0 takes a free one.
    pub fn start(name: &str, address: SocketAddr) -> Result<Self> {
        Self::serve(name, address, None)
    }

    /// Serves with TLS, ALPN `h2` and `http/1.1`.
    pub fn start_tls(name: &str, address: SocketAddr, identity: &Identity) -> Result<Self> {
        Self::serve(name, address, Some(identity.server_config(&["h2", "http/1.1"])?))
    }

    fn serve(name: &str, address: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Self> {
        let listener = std::net::TcpListener::bind(address).with_context(|| format!("bind {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            name: name.to_owned(),
            tls: tls.is_some(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        });
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let (started, ready) = mpsc::sync_channel(1);
        let shared = Arc::clone(&state);
        std::thread::Builder::new().name(format!("origin {name}")).spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let acceptor = tls.map(tokio_rustls::TlsAcceptor::from);
                let _ = started.send(());
                loop {
                    let socket = tokio::select! {
                        _ = &mut stopped => return Ok(()),
                        accepted = listener.accept() => accepted?.0,
                    };
                    let _ = socket.set_nodelay(true);
                    let state = Arc::clone(&shared);
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        match acceptor {
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(socket).await {
                                    connection(stream, state).await;
                                }
                            }
                            None => connection(socket, state).await,
                        }
                    });
                }
            })
        })?;
        ready.recv().context("the origin did not start")?;
        Ok(Self { name: name.to_owned(), address, state, stop: Some(stop) })
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it took.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// How many requests it saw.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn connection<S>(stream: S, state: Arc<State>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let number = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
    let service = service_fn(move |request| answer(request, Arc::clone(&state), number));
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http2().enable_connect_protocol();
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

/// Why a request gets no answer: its connection is closed.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("as asked by /reset")
    }
}

impl std::error::Error for Reset {}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed()
}

fn parameter<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.split_once(name)?.1;
    rest.split(['/', '?']).next()
}

async fn answer(request: Request<Incoming>, state: Arc<State>, connection: u64) -> Result<Response<Body>, Reset> {
    state.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path().to_owned();
    if path.contains("/reset") {
        return Err(Reset);
    }
    if let Some(ms) = parameter(&path, "/delay/").and_then(|ms| ms.parse().ok()) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if request.headers().get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return Ok(websocket(request));
    }
    let is = |name: header::HeaderName, value: &[u8]| {
        request.headers().get(name).is_some_and(|v| v.as_bytes().starts_with(value))
    };
    if is(header::CONTENT_TYPE, b"application/grpc") {
        return Ok(grpc(request));
    }
    let status = parameter(&path, "/status/").and_then(|status| status.parse().ok()).unwrap_or(StatusCode::OK);
    let mut response = Response::builder().status(status).header("x-origin", &state.name);
    if let Some((name, value)) = path.split_once("/header/").and_then(|(_, rest)| rest.split_once('/')) {
        response = response.header(name, value.split('/').next().unwrap_or_default());
    }
    let body = if let Some(count) = parameter(&path, "/bytes/").and_then(|count| count.parse().ok()) {
        bytes(count)
    } else if let Some(lines) = parameter(&path, "/slow-body/").and_then(|lines| lines.parse().ok()) {
        slow_body(lines)
    } else {
        response = response.header(header::CONTENT_TYPE, "application/json");
        full(describe(request, &state, connection).await)
    };
    Ok(response.body(body).unwrap_or_else(|_| Response::new(full("the path asks for an impossible header"))))
}

async fn describe(request: Request<Incoming>, state: &State, connection: u64) -> String {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(e) => format!("body failed: {e}"),
    };
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in &head.headers {
        headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let host =
        head.uri.authority().map(|authority| authority.to_string()).or_else(|| {
            head.headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
        });
    json!({
        "origin": state.name, "method": head.method.as_str(), "host": host,
        "path": head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string),
        "protocol": format!("{:?}", head.version), "headers": headers, "body": body, "tls": state.tls, "connection": connection,
    })
    .to_string()
}

fn bytes(count: usize) -> Body {
    let chunk = Bytes::from_static(&[b'x'; 16 * 1024]);
    let chunks =
        (0..count).step_by(chunk.len()).map(move |at| Ok(Frame::data(chunk.slice(..chunk.len().min(count - at)))));
    StreamBody::new(Frames::from_iter(chunks.collect::<Vec<_>>())).boxed()
}

fn slow_body(lines: u32) -> Body {
    let (sender, frames) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for line in 0..lines {
            if sender.send(Ok(Frame::data(Bytes::from(format!("line {line}\n"))))).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    Channel(frames).boxed()
}

/// Echoes the body frame by frame, so that a stream can be a conversation.
fn grpc(request: Request<Incoming>) -> Response<Body> {
    let (sender, frames) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut body = request.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data()
                && sender.send(Ok(Frame::data(data))).await.is_err()
            {
                return;
            }
        }
        let trailers = HeaderMap::from_iter([(
            header::HeaderName::from_static("grpc-status"),
            header::HeaderValue::from_static("0"),
        )]);
        let _ = sender.send(Ok(Frame::trailers(trailers))).await;
    });
    let mut response = Response::new(Channel(frames).boxed());
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/grpc"));
    response
}

fn websocket(mut request: Request<Incoming>) -> Response<Body> {
    let Some(key) = request.headers().get("sec-websocket-key").map(|key| derive_accept_key(key.as_bytes())) else {
        return Response::builder().status(400).body(full("no Sec-WebSocket-Key")).unwrap_or_default_response();
    };
    let protocol =
        request.headers().get("sec-websocket-protocol").and_then(|v| v.to_str().ok()).and_then(|v| v.split(',').next());
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header("sec-websocket-accept", key);
    if let Some(protocol) = protocol {
        response = response.header("sec-websocket-protocol", protocol.trim());
    }
    let response = response.body(full("")).unwrap_or_default_response();
    tokio::spawn(async move {
        use futures_util::{SinkExt, StreamExt};
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    response
}

trait OrEmpty {
    fn unwrap_or_default_response(self) -> Response<Body>;
}

impl OrEmpty for http::Result<Response<Body>> {
    fn unwrap_or_default_response(self) -> Response<Body> {
        self.unwrap_or_else(|_| Response::new(full("")))
    }
}

type Item = Result<Frame<Bytes>, hyper::Error>;

/// Frames that are there already.
struct Frames(std::vec::IntoIter<Item>);

impl FromIterator<Item> for Frames {
    fn from_iter<T: IntoIterator<Item = Item>>(items: T) -> Self {
        Self(items.into_iter().collect::<Vec<_>>().into_iter())
    }
}

impl futures_util::Stream for Frames {
    type Item = Item;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

/// Frames that come through a channel.
struct Channel(tokio::sync::mpsc::Receiver<Item>);

impl hyper::body::Body for Channel {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Item>> {
        self.0.poll_recv(context)
    }
}
