//! HTTPS listeners, and backends under TLS.

use crate::support::*;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use snapshot::{
    AppProtocol, Backend, BackendTls, CaCertificates, Certificate, Entity, Gateway, Hostname, Listener,
    ListenerProtocol, ObjectName,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

fn made(names: &[&str]) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn connector(trusted: &rcgen::CertifiedKey<rcgen::KeyPair>, alpn: &[&str]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config).into()
}

/// Two HTTPS listeners on one port with one certificate, a route each.
fn world(trusted: &rcgen::CertifiedKey<rcgen::KeyPair>, mut entities: Vec<Entity>) -> World {
    let secret = ObjectName::new("ns", "cert");
    let listener = |index: usize, name: &str, hostname: &str| Listener {
        name: name.into(),
        index,
        port: SPEC_PORT,
        hostname: Hostname::parse(hostname),
        protocol: ListenerProtocol::Https { certificates: vec![secret.clone()] },
        client_validation: None,
        filters: Vec::new(),
    };
    entities.push(Entity::Certificate(Arc::new(Certificate {
        name: secret.clone(),
        chain: trusted.cert.pem(),
        key: trusted.signing_key.serialize_pem(),
    })));
    let gateway = Gateway {
        name: ObjectName::new("ns", "gateway"),
        generation: 1,
        session_seed: None,
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        listeners: vec![listener(0, "l0", "a.example.com"), listener(1, "l1", "*.example.com")],
    };
    let mut world = World::start(&[""], vec![]);
    entities.push(Entity::Gateway(Arc::new(gateway)));
    world.apply(entities);
    world
}

async fn open(
    world: &World,
    connector: &TlsConnector,
    name: &'static str,
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap()
}

fn routes() -> Vec<Entity> {
    vec![
        backend("echo", AppProtocol::Default, &[echo("echo")]),
        route("route", &[(0, &["a.example.com"]), (1, &["*.example.com"])], vec![Rule::prefix("/").to("echo")]),
    ]
}

#[test]
fn alpn_chooses_the_protocol_and_a_foreign_host_is_misdirected() {
    let trusted = made(&["a.example.com", "*.example.com"]);
    let world = world(&trusted, routes());
    block_on(async {
        let stream = open(&world, &connector(&trusted, &["h2", "http/1.1"]), "a.example.com").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(Local, TokioIo::new(stream)).await.unwrap();
        tokio::task::spawn_local(async move { drop(connection.await) });
        let mut ask = async |host: &str| {
            let request = Request::get(format!("https://{host}/x")).body(Empty::<Bytes>::new()).unwrap();
            let response = sender.send_request(request).await.unwrap();
            let status = response.status().as_u16();
            (status, String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned())
        };
        let (status, seen) = ask("a.example.com").await;
        assert!(status == 200 && seen.contains("x-forwarded-proto: https\n"), "{seen}");
        // Another listener's host on this listener's connection.
        assert_eq!(ask("b.example.com").await.0, 421);
        assert_eq!(ask("a.example.org").await.0, 404);
        for alpn in [&["http/1.1"][..], &[]] {
            let stream = open(&world, &connector(&trusted, alpn), "b.example.com").await;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::task::spawn_local(async move { drop(connection.await) });
            for pause in [0, 1200, 0] {
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
                let request = Request::get("/").header("host", "b.example.com").body(Empty::<Bytes>::new()).unwrap();
                let response = sender.send_request(request).await.unwrap();
                assert_eq!(response.status(), 200);
                response.into_body().collect().await.unwrap();
                sender.ready().await.unwrap();
            }
        }
    });
    let line = world.log_line(|line| line["status"] == 421);
    assert_eq!((&line["flags"], &line["tls"]), (&"MISDIRECTED".into(), &"TLSv1.3".into()));
}

/// An origin under TLS that tells the protocol and the server name.
fn tls_origin(trusted: &rcgen::CertifiedKey<rcgen::KeyPair>, alpn: &'static [&'static str]) -> SocketAddr {
    let key = PrivateKeyDer::try_from(trusted.signing_key.serialize_der()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let certificates = vec![trusted.cert.der().clone()];
    let mut config = builder.unwrap().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    background(move || async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let name = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                let text = format!("{:?} {} {name}\n", request.version(), request.uri());
                async move {
                    Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::new(Bytes::from(text))))
                }
            });
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            tokio::task::spawn_local(async move {
                if http2 {
                    let builder = hyper::server::conn::http2::Builder::new(Local);
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                }
            });
        }
    });
    address
}

fn tls_backend(name: &str, protocol: AppProtocol, address: SocketAddr, hostname: &str, ca: String) -> Entity {
    let Entity::Backend(backend) = backend(name, protocol, &[address]) else { unreachable!() };
    Entity::Backend(Arc::new(Backend {
        tls: Some(BackendTls {
            hostname: hostname.into(),
            ca_certificates: CaCertificates::Pem(ca),
            subject_alt_names: vec![],
            client_certificate: None,
        }),
        ..(*backend).clone()
    }))
}

#[test]
fn backends_are_reached_under_tls_and_checked() {
    let (trusted, other) = (made(&["in.example.com"]), made(&["in.example.com"]));
    let both = tls_origin(&trusted, &["h2", "http/1.1"]);
    let old = tls_origin(&trusted, &[]);
    let ca = trusted.cert.pem();
    let entities = vec![
        tls_backend("default", AppProtocol::Default, both, "in.example.com", ca.clone()),
        tls_backend("h2", AppProtocol::H2c, both, "in.example.com", ca.clone()),
        tls_backend("old", AppProtocol::H2c, old, "in.example.com", ca.clone()),
        tls_backend("name", AppProtocol::Default, both, "else.example.com", ca),
        tls_backend("ca", AppProtocol::Default, both, "in.example.com", other.cert.pem()),
        route(
            "route",
            &[(0, &[""])],
            ["default", "h2", "old", "name", "ca"].map(|name| Rule::prefix(&format!("/{name}")).to(name)).into(),
        ),
    ];
    let world = World::start(&[""], entities);
    let ask = |path: &str| {
        let answer = world.get("h", path);
        if answer.status == 200 { answer.body } else { answer.status.to_string() }
    };
    assert_eq!(ask("/default"), "HTTP/1.1 /default in.example.com\n");
    assert_eq!(ask("/h2"), "HTTP/2.0 https://h/h2 in.example.com\n");
    assert_eq!(ask("/old"), "HTTP/1.1 /old in.example.com\n");
    assert_eq!(ask("/name"), "502");
    assert_eq!(ask("/ca"), "502");
    let line = world.log_line(|line| line["path"] == "/ca");
    assert_eq!(line["flags"], "UPSTREAM_CONNECT");
    assert!(line["error"].as_str().unwrap().contains("certificate"), "{line}");
}
