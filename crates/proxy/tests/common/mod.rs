//! What tests of the whole proxy share: certificates, entities, backends, clients.
#![allow(dead_code, clippy::unwrap_used)]

use proxy::{AccessLog, Limits, Options, Proxy};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use snapshot::{
    AppProtocol, Attachment, Backend, BackendKey, BackendKind, BackendTarget, Certificate, Delta, Endpoint,
    EndpointAddress, Entity, EntityKey, Gateway, Hostname, Listener, ListenerProtocol, ListenerRef, ObjectName,
    StreamRule, TlsRoute, WeightedBackend,
};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, LazyLock},
    thread,
    time::{Duration, Instant},
};

/// A CA for all tests of a process.
pub(crate) static CA: LazyLock<(String, Issuer<'static, KeyPair>)> = LazyLock::new(|| {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
});

/// A certificate for DNS names, or URIs where a name has a colon.
pub(crate) fn certificate(secret: &str, names: &[&str]) -> Certificate {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.contains(':') {
            true => SanType::URI((*name).try_into().unwrap()),
            false => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    let key = KeyPair::generate().unwrap();
    let chain = params.signed_by(&key, &CA.1).unwrap().pem();
    Certificate { name: object(secret), chain, key: key.serialize_pem() }
}

pub(crate) fn object(name: &str) -> ObjectName {
    ObjectName::new("default", name)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn start() -> Proxy {
    start_with(|_| {})
}

pub(crate) fn start_with(change: impl FnOnce(&mut Options)) -> Proxy {
    let mut options =
        Options { workers: 2, access_log: AccessLog::Off, min_drain: Duration::ZERO, ..Options::default() };
    options.limits = Limits { tls_handshake: Duration::from_secs(5), ..Limits::default() };
    change(&mut options);
    Proxy::start(options).unwrap()
}

/// A Gateway on loopback: name, port, hostname, protocol of its listeners.
pub(crate) fn gateway(listeners: &[(&str, u16, &str, ListenerProtocol)]) -> Entity {
    let listeners = listeners.iter().enumerate().map(|(index, (name, port, hostname, protocol))| Listener {
        name: (*name).into(),
        index,
        port: *port,
        hostname: Hostname::parse(hostname),
        protocol: protocol.clone(),
        client_validation: None,
        filters: Vec::new(),
    });
    Entity::Gateway(Arc::new(Gateway {
        name: object("gateway"),
        generation: 1,
        session_seed: None,
        addresses: vec![[127, 0, 0, 1].into()],
        listeners: listeners.collect(),
    }))
}

pub(crate) fn terminate(secrets: &[&str]) -> ListenerProtocol {
    ListenerProtocol::TlsTerminate { certificates: secrets.iter().map(|name| object(name)).collect() }
}

pub(crate) fn backend_key(name: &str) -> BackendKey {
    BackendKey { kind: BackendKind::Service, name: object(name), port: 443 }
}

pub(crate) fn backend(name: &str, endpoints: &[SocketAddr]) -> Backend {
    let endpoint = |at: &SocketAddr| Endpoint { address: EndpointAddress::Ip(at.ip()), port: at.port() };
    Backend {
        key: backend_key(name),
        endpoints: endpoints.iter().map(endpoint).collect(),
        protocol: AppProtocol::Default,
        tls: None,
        unusable: None,
        traffic: None,
    }
}

/// A TLSRoute of one listener: hostname, and backends with their weights.
pub(crate) fn tls_route(name: &str, listener: &str, hostname: &str, backends: &[(&str, u32)]) -> Entity {
    let target = |(name, weight): &(&str, u32)| WeightedBackend {
        target: BackendTarget::Backend(backend_key(name)),
        weight: *weight,
        filters: vec![],
    };
    Entity::TlsRoute(Arc::new(TlsRoute {
        name: object(name),
        generation: 1,
        attachments: vec![Attachment {
            listener: ListenerRef { gateway: object("gateway"), listener: listener.into() },
            hostnames: vec![Hostname::parse(hostname)],
        }],
        rules: vec![StreamRule { name: None, backends: backends.iter().map(target).collect() }],
    }))
}

/// Applies a change and wants no refusal.
pub(crate) fn apply(proxy: &Proxy, revision: u64, upserts: Vec<Entity>, removes: Vec<EntityKey>) {
    let ack = proxy.apply(Delta { revision, upserts, removes });
    assert_eq!(ack.refusals, []);
    assert_eq!(ack.revision, revision);
}

/// Accepts connections and serves each on a thread of its own.
pub(crate) fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Says its name, then echoes until the end.
pub(crate) fn echo(name: &'static str) -> SocketAddr {
    serve(move |mut stream| drop(greet_and_echo(name, &mut stream)))
}

/// The same under TLS.
pub(crate) fn tls_echo(name: &'static str, certificate: &Certificate) -> SocketAddr {
    let config = server_config(certificate);
    serve(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let _ = greet_and_echo(name, &mut StreamOwned::new(session, stream));
    })
}

fn greet_and_echo(name: &str, stream: &mut (impl Read + Write)) -> io::Result<()> {
    writeln!(stream, "{name}")?;
    stream.flush()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n])?;
        stream.flush()?;
    }
}

fn server_config(certificate: &Certificate) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(certificate.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A TLS client that trusts [`CA`]; the handshake is done when it returns.
pub(crate) fn connect(port: u16, name: &str) -> io::Result<Tls> {
    connect_alpn(port, name, &[])
}

pub(crate) fn connect_alpn(port: u16, name: &str, alpn: &[&str]) -> io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CA.0.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut tls = StreamOwned::new(session, tcp(port)?);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

pub(crate) fn tcp(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}

/// Reads up to and with the end of a line.
pub(crate) fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        if stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.push(byte[0]);
    }
    line.pop();
    Ok(String::from_utf8(line).unwrap())
}

/// Sends a line and wants it back.
pub(crate) fn ping(stream: &mut (impl Read + Write)) {
    writeln!(stream, "ping").unwrap();
    stream.flush().unwrap();
    assert_eq!(line(stream).unwrap(), "ping");
}

/// Until it holds, at most ten seconds.
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "it does not come to hold");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A GET of the admin server: status line and headers, body.
pub(crate) fn admin(proxy: &Proxy, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(proxy.admin_address().unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Value of a metric's series whose line begins so.
pub(crate) fn metric(proxy: &Proxy, begins: &str) -> Option<f64> {
    let text = admin(proxy, "/metrics").1;
    let line = text.lines().find(|line| line.starts_with(begins))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// An admin server on a free port.
pub(crate) fn with_admin(options: &mut Options) {
    options.admin = Some(([127, 0, 0, 1], 0).into());
}

pub(crate) fn port_map(options: &mut Options, pairs: &[(u16, u16)]) {
    options.port_map = pairs.iter().copied().collect::<BTreeMap<_, _>>();
}
