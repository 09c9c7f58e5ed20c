//! A proxy, origins and clients for the tests.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use proxy::{AccessLog, Options, Proxy};
use snapshot::{
    AppProtocol, Attachment, Backend, BackendKey, BackendKind, BackendTarget, Delta, Endpoint, EndpointAddress, Entity,
    EntityKey, Gateway, Hostname, HttpFilter, HttpMatch, HttpRoute, HttpRule, Listener, ListenerProtocol, ListenerRef,
    ObjectName, PathMatch, PathRank, Precedence, TextMatch, Timeouts, ValueMatch, WeightedBackend,
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    convert::Infallible,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// Port of the spec; the proxy binds another one.
pub const SPEC_PORT: u16 = 8080;

/// A running proxy with one HTTP listener per hostname on one port.
pub struct World {
    pub proxy: Proxy,
    pub port: u16,
    pub revision: u64,
    log: tempfile::NamedTempFile,
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl World {
    /// Routes are attached as they say themselves.
    pub fn start(hostnames: &[&str], entities: Vec<Entity>) -> Self {
        Self::start_with(hostnames, entities, |_| {})
    }

    pub fn start_with(hostnames: &[&str], entities: Vec<Entity>, set: impl FnOnce(&mut Options)) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let port = free_port();
        let mut options = Options {
            workers: 1,
            port_map: BTreeMap::from([(SPEC_PORT, port)]),
            access_log: AccessLog::File(log.path().to_owned()),
            min_drain: Duration::ZERO,
            ..Options::default()
        };
        set(&mut options);
        let proxy = Proxy::start(options).unwrap();
        let mut world = Self { proxy, port, revision: 0, log };
        let mut all = vec![gateway(hostnames)];
        all.extend(entities);
        world.apply(all);
        world
    }

    pub fn apply(&mut self, upserts: Vec<Entity>) {
        self.revision += 1;
        let ack = self.proxy.apply(Delta { revision: self.revision, upserts, removes: vec![] });
        assert_eq!(ack.refusals, []);
    }

    pub fn remove(&mut self, removes: Vec<EntityKey>) {
        self.revision += 1;
        let ack = self.proxy.apply(Delta { revision: self.revision, upserts: vec![], removes });
        assert_eq!(ack.refusals, []);
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Sends bytes on a new connection, reads what comes until the end or for as long as it takes to be sure.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.write_all(bytes.as_ref()).unwrap();
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client
    }

    /// `GET` with `Connection: close`.
    pub fn get(&self, host: &str, path: &str) -> Answer {
        self.ask("GET", host, path, &[])
    }

    pub fn ask(&self, method: &str, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = self.raw(format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n"));
        Answer::parse(&text)
    }

    /// The line of the access log that `is` finds; waits for it.
    pub fn log_line(&self, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        self.log_line_within(Duration::from_secs(3), is)
    }

    pub fn log_line_within(&self, time: Duration, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let until = Instant::now() + time;
        loop {
            let text = std::fs::read_to_string(self.log.path()).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            if let Some(line) = lines.into_iter().find(|line| is(line)) {
                return line;
            }
            assert!(Instant::now() < until, "no such line in:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Whether an echo origin got this line.
    #[track_caller]
    pub fn saw(&self, line: &str) {
        assert!(self.body.lines().any(|l| l == line), "{line:?} is not in {:#?}", self);
    }

    #[track_caller]
    pub fn saw_no(&self, start: &str) {
        assert!(!self.body.lines().any(|l| l.starts_with(start)), "{start:?} is in {:#?}", self);
    }
}

pub fn listener_ref(index: usize) -> ListenerRef {
    ListenerRef { gateway: ObjectName::new("ns", "gateway"), listener: format!("l{index}").into() }
}

pub fn gateway(hostnames: &[&str]) -> Entity {
    let listeners = hostnames.iter().enumerate().map(|(index, hostname)| Listener {
        name: format!("l{index}").into(),
        index,
        port: SPEC_PORT,
        hostname: Hostname::parse(hostname),
        protocol: ListenerProtocol::Http,
        client_validation: None,
        filters: Vec::new(),
    });
    Entity::Gateway(Arc::new(Gateway {
        name: ObjectName::new("ns", "gateway"),
        generation: 1,
        session_seed: None,
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        listeners: listeners.collect(),
    }))
}

pub fn backend_key(name: &str) -> BackendKey {
    BackendKey { kind: BackendKind::Service, name: ObjectName::new("ns", name), port: 80 }
}

pub fn backend(name: &str, protocol: AppProtocol, addresses: &[SocketAddr]) -> Entity {
    let endpoint = |a: &SocketAddr| Endpoint { address: EndpointAddress::Ip(a.ip()), port: a.port() };
    Entity::Backend(Arc::new(Backend {
        key: backend_key(name),
        endpoints: addresses.iter().map(endpoint).collect(),
        protocol,
        tls: None,
        unusable: None,
        traffic: None,
    }))
}

/// A rule in the making; with one match, on a path.
#[derive(Clone)]
pub struct Rule {
    rule: HttpRule,
}

impl Rule {
    pub fn prefix(path: &str) -> Self {
        Self::path(PathMatch::Prefix(path.trim_end_matches('/').to_owned()))
    }

    pub fn path(path: PathMatch) -> Self {
        let rank = match &path {
            PathMatch::Exact(_) => PathRank::Exact,
            PathMatch::Regex(text) => PathRank::Regex(Reverse(text.len() as u16)),
            PathMatch::Prefix(text) => PathRank::Prefix(Reverse(text.len() as u16)),
            PathMatch::Method(_) => unreachable!("a path of HTTP"),
        };
        let precedence = Precedence {
            path: rank,
            any_method: true,
            headers: Reverse(0),
            query: Reverse(0),
            created: 0,
            route: ObjectName::new("ns", "route"),
            index: (0, 0),
        };
        let one = HttpMatch { precedence, path, method: None, headers: vec![], query: vec![] };
        let rule = HttpRule {
            name: None,
            matches: vec![one],
            filters: vec![],
            backends: vec![],
            timeouts: Timeouts::default(),
            retry: None,
            session: None,
            unserved: None,
        };
        Self { rule }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let one = &mut self.rule.matches[0];
        one.headers.push(ValueMatch { name: name.into(), value: TextMatch::Exact(value.into()) });
        one.precedence.headers = Reverse(one.headers.len() as u16);
        self
    }

    pub fn to(self, backend: &str) -> Self {
        self.weighted(backend, 1, vec![])
    }

    pub fn weighted(mut self, backend: &str, weight: u32, filters: Vec<HttpFilter>) -> Self {
        let target = BackendTarget::Backend(backend_key(backend));
        self.rule.backends.push(WeightedBackend { target, weight, filters });
        self
    }

    pub fn invalid(mut self, weight: u32) -> Self {
        let target = BackendTarget::Invalid("no such Service".into());
        self.rule.backends.push(WeightedBackend { target, weight, filters: vec![] });
        self
    }

    pub fn filter(mut self, filter: HttpFilter) -> Self {
        self.rule.filters.push(filter);
        self
    }

    pub fn timeouts(mut self, request: Option<u64>, backend: Option<u64>) -> Self {
        let millis = |timeout: Option<u64>| timeout.map(Duration::from_millis);
        self.rule.timeouts = Timeouts { request: millis(request), backend_request: millis(backend) };
        self
    }

    pub fn retry(mut self, codes: &[u16], attempts: u32) -> Self {
        let backoff = Some(Duration::from_millis(5));
        self.rule.retry = Some(Box::new(snapshot::Retry { codes: codes.to_vec(), attempts, backoff }));
        self
    }

    pub fn session(mut self, carrier: snapshot::SessionCarrier, absolute_timeout: Option<Duration>) -> Self {
        self.rule.session = Some(Box::new(snapshot::Session { carrier, absolute_timeout }));
        self
    }

    pub fn unserved(mut self) -> Self {
        self.rule.unserved = Some("a filter that we do not know".into());
        self
    }
}

/// A route on the listeners with these indices, each under these hostnames.
pub fn route(name: &str, attachments: &[(usize, &[&str])], rules: Vec<Rule>) -> Entity {
    let name = ObjectName::new("ns", name);
    let rules = rules.into_iter().enumerate().map(|(index, Rule { mut rule })| {
        for one in &mut rule.matches {
            one.precedence.route = name.clone();
            one.precedence.index = (index as u16, 0);
        }
        rule
    });
    let attachment = |(index, hostnames): &(usize, &[&str])| Attachment {
        listener: listener_ref(*index),
        hostnames: hostnames.iter().map(|hostname| Hostname::parse(hostname)).collect(),
    };
    Entity::HttpRoute(Arc::new(HttpRoute {
        rules: rules.collect(),
        name,
        generation: 1,
        attachments: attachments.iter().map(attachment).collect(),
    }))
}

/// One route for everything on one listener, and the backend `echo`.
pub fn simple(rules: Vec<Rule>) -> Vec<Entity> {
    vec![backend("echo", AppProtocol::Default, &[echo("echo")]), route("route", &[(0, &[""])], rules)]
}

/// Runs a future on a runtime of its own, in a thread that lives as long as the test process.
pub fn background<F: Future<Output = ()> + 'static>(make: impl FnOnce() -> F + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(tokio::task::LocalSet::new().run_until(make()));
    });
}

/// Runs hyper's tasks where they are.
#[derive(Clone)]
pub struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

type Reply = Response<BoxBody<Bytes, Infallible>>;

/// An origin that tells what it got: its name, the request line, one line per header, `body=` and `trailer` lines.
/// `/slow` waits two seconds, `/stall` sends half a body and stops, `/status/N` answers with N, `/grpc` streams with trailers.
pub fn echo(name: &'static str) -> SocketAddr {
    origin(name, false)
}

/// The same over HTTP/2 with prior knowledge.
pub fn echo_h2c(name: &'static str) -> SocketAddr {
    origin(name, true)
}

fn origin(name: &'static str, http2: bool) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    background(move || async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut connections = 0;
        while let Ok((stream, _)) = listener.accept().await {
            connections += 1;
            let (io, connection) = (TokioIo::new(stream), connections);
            let service = service_fn(move |request| reply(name, connection, request));
            tokio::task::spawn_local(async move {
                if http2 {
                    let builder = hyper::server::conn::http2::Builder::new(Local);
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    });
    address
}

async fn reply(name: &str, connection: usize, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let mut text =
        format!("name={name}\nconnection={connection}\n{} {} {:?}\n", parts.method, parts.uri, parts.version);
    for (name, value) in &parts.headers {
        text += &format!("{name}: {}\n", value.to_str().unwrap());
    }
    if path == "/slow" {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    if path == "/grpc" || path == "/stall" {
        let frames = stream(body, path == "/stall");
        let mut response = Response::new(BodyExt::boxed(frames));
        response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        response.headers_mut().insert("trailer", "grpc-status".parse().unwrap());
        return Ok(response);
    }
    let collected = body.collect().await;
    if let Ok(collected) = collected {
        let trailers = collected.trailers().cloned();
        text += &format!("body={}\n", String::from_utf8_lossy(&collected.to_bytes()));
        for (name, value) in trailers.iter().flatten() {
            text += &format!("trailer {name}: {}\n", value.to_str().unwrap());
        }
    }
    let mut response = Response::new(BodyExt::boxed(Full::new(Bytes::from(text))));
    if let Some(status) = path.strip_prefix("/status/") {
        *response.status_mut() = status.parse().unwrap();
    }
    let headers = response.headers_mut();
    headers.insert("x-origin", name.parse().unwrap());
    headers.insert("connection", "x-hop".parse().unwrap());
    headers.insert("x-hop", "1".parse().unwrap());
    headers.insert("keep-alive", "timeout=5".parse().unwrap());
    Ok(response)
}

/// Echoes each frame of the body and ends with trailers; or stops after a first frame of its own.
fn stream(body: Incoming, stall: bool) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send + Sync {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    tokio::task::spawn_local(async move {
        let mut body = body;
        if stall {
            let _ = sender.send(Ok(Frame::data(Bytes::from_static(b"first")))).await;
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        while let Some(Ok(frame)) = body.frame().await {
            if frame.is_data() && sender.send(Ok(frame)).await.is_err() {
                return;
            }
        }
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let _ = sender.send(Ok(Frame::trailers(trailers))).await;
    });
    Receiver(receiver)
}

struct Receiver(tokio::sync::mpsc::Receiver<Result<Frame<Bytes>, Infallible>>);

impl http_body::Body for Receiver {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx)
    }
}

/// An origin that hands each connection to a function, on a thread of its own.
pub fn raw_origin(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads up to the end of a header.
pub fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Reads a response with a Content-Length.
pub fn read_answer(stream: &mut TcpStream) -> Answer {
    let head = read_head(stream);
    let mut answer = Answer::parse(&head);
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    answer.body = String::from_utf8(body).unwrap();
    answer
}

/// Runs a test's client.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(10), future).await.unwrap() };
    tokio::task::LocalSet::new().block_on(&runtime, limited)
}
