//! TLS listeners: choice by server name, passthrough, termination, certificates, bad input.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use proxy::AccessLog;
use snapshot::{
    BackendTls, CaCertificates, Certificate, Delta, Endpoint, EndpointAddress, Entity, EntityKey, ListenerProtocol,
    SubjectAltName,
};
use std::{
    io::{Read, Write},
    net::Shutdown,
    sync::Arc,
    thread,
};

fn secret(certificate: &Certificate) -> Entity {
    Entity::Certificate(Arc::new(certificate.clone()))
}

fn service(name: &str, at: std::net::SocketAddr) -> Entity {
    Entity::Backend(Arc::new(backend(name, &[at])))
}

#[test]
fn terminate_and_passthrough_share_a_port_and_the_name_decides() {
    let (a, b, own) = (
        certificate("a", &["a.example.com"]),
        certificate("b", &["b.example.com"]),
        certificate("own", &["*.ended.example.com"]),
    );
    let port = free_port();
    let proxy = start();
    apply(
        &proxy,
        1,
        vec![
            secret(&own),
            gateway(&[
                ("pass", port, "*.example.com", ListenerProtocol::TlsPassthrough),
                ("end", port, "*.ended.example.com", terminate(&["own"])),
            ]),
            service("a", tls_echo("a", &a)),
            service("b", tls_echo("b", &b)),
            service("plain", echo("plain")),
            tls_route("a", "pass", "a.example.com", &[("a", 1)]),
            tls_route("b", "pass", "b.example.com", &[("a", 0), ("b", 1)]),
            tls_route("end", "end", "*.ended.example.com", &[("plain", 1)]),
        ],
        vec![],
    );
    for (name, says) in [("a.example.com", "a"), ("b.example.com", "b"), ("x.ended.example.com", "plain")] {
        // The client checks the certificate: on a and b it is the backend's own.
        let mut tls = connect(port, name).unwrap();
        assert_eq!(line(&mut tls).unwrap(), says);
        ping(&mut tls);
    }
    assert!(connect(port, "c.example.com").unwrap_err().to_string().contains("UnrecognisedName"));
}

#[test]
fn much_data_passes_both_ways_and_half_closing_keeps_the_rest() {
    let own = certificate("own", &["a.example.com"]);
    // Answers only after the client has ended its half.
    let gather = || {
        serve(|mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(&all).unwrap();
        })
    };
    let (port, ended) = (free_port(), free_port());
    let proxy = start();
    apply(
        &proxy,
        1,
        vec![
            secret(&own),
            gateway(&[("pass", port, "", ListenerProtocol::TlsPassthrough), ("end", ended, "", terminate(&["own"]))]),
            service("gather", gather()),
            tls_route("pass", "pass", "", &[("gather", 1)]),
            tls_route("end", "end", "a.example.com", &[("gather", 1)]),
        ],
        vec![],
    );
    let data: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    // Passthrough looks at the ClientHello only: what follows may be anything.
    let mut hello = client_hello("a.example.com");
    let mut stream = tcp(port).unwrap();
    hello.extend(&data);
    let mut reader = stream.try_clone().unwrap();
    let back = thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    stream.write_all(&hello).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(back.join().unwrap() == hello);

    let mut tls = connect(ended, "a.example.com").unwrap();
    tls.write_all(&data).unwrap();
    tls.conn.send_close_notify();
    tls.flush().unwrap();
    let mut all = Vec::new();
    tls.read_to_end(&mut all).unwrap();
    assert!(all == data);
}

/// The first bytes that a TLS client sends.
fn client_hello(name: &str) -> Vec<u8> {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_new_certificate_serves_new_connections_and_disturbs_no_old_one() {
    let port = free_port();
    let proxy = start();
    let (old, new) = (certificate("own", &["a.example.com"]), certificate("own", &["a.example.com"]));
    apply(
        &proxy,
        1,
        vec![
            secret(&old),
            gateway(&[("end", port, "", terminate(&["own"]))]),
            service("plain", echo("plain")),
            tls_route("end", "end", "a.example.com", &[("plain", 1)]),
        ],
        vec![],
    );
    let mut first = connect(port, "a.example.com").unwrap();
    assert_eq!(line(&mut first).unwrap(), "plain");
    apply(&proxy, 2, vec![secret(&new)], vec![]);
    let second = connect(port, "a.example.com").unwrap();
    let shown = |tls: &Tls| tls.conn.peer_certificates().unwrap()[0].clone();
    assert_ne!(shown(&first), shown(&second));
    ping(&mut first);

    // A Secret that cannot be used is refused by name, and so is the listener's reference to it.
    let bad = Certificate { key: old.key.clone(), ..new };
    let ack = proxy.apply(Delta { revision: 3, upserts: vec![secret(&bad)], removes: vec![] });
    let fields: Vec<_> = ack.refusals.iter().map(|r| (r.entity.to_string(), r.field.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("Secret/default/own".into(), "data[tls.key]"),
            ("Gateway/default/gateway".into(), "spec.listeners[0].tls.certificateRefs[0]")
        ]
    );
    assert!(ack.refusals[0].message.contains("does not belong to"));
    assert!(connect(port, "a.example.com").is_err());
    ping(&mut first);
}

#[test]
fn of_several_certificates_the_name_chooses() {
    let port = free_port();
    let proxy = start();
    let one = certificate("one", &["one.example.com"]);
    let wild = certificate("wild", &["*.example.com"]);
    let two = certificate("two", &["two.example.com"]);
    apply(
        &proxy,
        1,
        vec![
            secret(&one),
            secret(&wild),
            secret(&two),
            gateway(&[(
                "https",
                port,
                "",
                ListenerProtocol::Https { certificates: vec![object("one"), object("wild"), object("two")] },
            )]),
        ],
        vec![],
    );
    let names = [("one.example.com", &one), ("two.example.com", &two), ("three.example.com", &wild)];
    for (name, wanted) in names {
        let tls = connect_alpn(port, name, &["h2", "http/1.1"]).unwrap();
        assert_eq!(tls.conn.alpn_protocol(), Some(&b"h2"[..]));
        let shown = &tls.conn.peer_certificates().unwrap()[0];
        let pem = rustls::pki_types::pem::PemObject::from_pem_slice(wanted.chain.as_bytes());
        let wanted: rustls::pki_types::CertificateDer<'static> = pem.unwrap();
        assert_eq!(*shown, wanted, "{name}");
    }
    // An asterisk stands for one label: the first certificate is shown, and the client refuses it.
    assert!(connect(port, "a.b.example.com").unwrap_err().to_string().contains("not valid for name"));
}

#[test]
fn bytes_that_are_no_tls_are_counted_and_told() {
    let port = free_port();
    let log = tempfile::NamedTempFile::new().unwrap();
    let proxy = start_with(|options| {
        with_admin(options);
        options.access_log = AccessLog::File(log.path().into());
    });
    let own = certificate("own", &["a.example.com"]);
    apply(&proxy, 1, vec![secret(&own), gateway(&[("end", port, "", terminate(&["own"]))])], vec![]);
    let send = |bytes: &[u8]| {
        let mut stream = tcp(port).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset is an answer, too.
        let _ = stream.read_to_end(&mut answer);
        answer
    };
    let answer = send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(String::from_utf8(answer).unwrap().starts_with("HTTP/1.1 400 "));
    assert_eq!(send(&[0, 0, 0, 20, 0, 18, 0, 4]), b"");
    assert_eq!(send(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), b"");
    // A record header that promises more than a record may hold.
    assert_eq!(send(&[22, 3, 1, 255, 255, 1]), b"");
    // A ClientHello without end is cut at the limit.
    let mut endless = vec![];
    for _ in 0..40 {
        endless.extend([22, 3, 1, 4, 0]);
        endless.extend(if endless.len() == 5 { [1, 255, 255, 255] } else { [0; 4] });
        endless.extend([0; 1020]);
    }
    assert_eq!(send(&endless), b"");
    let mut half = tcp(port).unwrap();
    half.write_all(&client_hello("a.example.com")[..100]).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(half.read(&mut [0]).unwrap(), 0);
    let error = |cause: &str| {
        let labels = format!("{{listener=\"default/gateway/end\",cause=\"{cause}\"}}");
        metric(&proxy, &format!("sluicegate_connection_errors_total{labels}")).unwrap()
    };
    assert_eq!(error("not_tls"), 2.0);
    assert_eq!(error("client_hello"), 4.0);
    assert!(connect(port, "unknown.example.com").is_err());
    assert_eq!(error("unknown_name"), 1.0);
    drop(proxy);
    let log = std::fs::read_to_string(log.path()).unwrap();
    let entries: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 7);
    // Workers write on their own: the order between two of them is open.
    let with = |name: &str, value: &str| {
        entries.iter().filter(|e| e[name].as_str().is_some_and(|v| v.contains(value))).count()
    };
    assert_eq!(with("error", "possible cause: a plain connection to a TLS listener"), 2);
    assert_eq!(with("sni", "unknown.example.com"), 1);
}

#[test]
fn tls_to_backends_is_verified() {
    let port = free_port();
    let proxy = start();
    let own = certificate("own", &["*.example.com"]);
    let at = tls_echo("secure", &certificate("b", &["b.internal", "spiffe://a/b"]));
    let tls = |hostname: &str, ca: CaCertificates, names: Vec<SubjectAltName>| BackendTls {
        hostname: hostname.into(),
        ca_certificates: ca,
        subject_alt_names: names,
        client_certificate: None,
    };
    let ca = || CaCertificates::Pem(CA.0.clone());
    let other = CaCertificates::Pem(rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap().cert.pem());
    let uri = |uri: &str| vec![SubjectAltName::Uri(uri.into())];
    let cases = [
        ("good", tls("b.internal", ca(), vec![]), true),
        ("name", tls("c.internal", ca(), vec![]), false),
        ("ca", tls("b.internal", other, vec![]), false),
        ("uri", tls("c.internal", ca(), uri("spiffe://a/b")), true),
        ("wrong-uri", tls("b.internal", ca(), uri("spiffe://a/c")), false),
        ("san", tls("c.internal", ca(), vec![SubjectAltName::Hostname("b.internal".into())]), true),
    ];
    let mut upserts = vec![secret(&own), gateway(&[("end", port, "", terminate(&["own"]))])];
    for (name, tls, _) in &cases {
        let backend = snapshot::Backend { tls: Some(tls.clone()), ..backend(name, &[at]) };
        upserts.push(Entity::Backend(Arc::new(backend)));
        upserts.push(tls_route(name, "end", &format!("{name}.example.com"), &[(name, 1)]));
    }
    apply(&proxy, 1, upserts, vec![]);
    for (name, _, served) in &cases {
        let mut tls = connect(port, &format!("{name}.example.com")).unwrap();
        assert_eq!(line(&mut tls).ok().as_deref(), served.then_some("secure"), "{name}");
    }
    let broken = snapshot::Backend {
        tls: Some(tls("b.internal", CaCertificates::Pem("no PEM".into()), vec![])),
        ..backend("good", &[at])
    };
    let ack = proxy.apply(Delta { revision: 2, upserts: vec![Entity::Backend(Arc::new(broken))], removes: vec![] });
    assert_eq!(ack.refusals.len(), 1);
    assert_eq!(ack.refusals[0].entity, EntityKey::Backend(backend_key("good")));
}

#[test]
fn names_are_resolved_from_the_hosts_file_and_an_unknown_one_ends_soon() {
    let port = free_port();
    let proxy = start();
    let own = certificate("own", &["*.example.com"]);
    let at = echo("named").port();
    let named = |name: &str, host: &str| {
        let endpoint = Endpoint { address: EndpointAddress::Fqdn(host.into()), port: at };
        Entity::Backend(Arc::new(snapshot::Backend { endpoints: vec![endpoint], ..backend(name, &[]) }))
    };
    apply(
        &proxy,
        1,
        vec![
            secret(&own),
            gateway(&[("end", port, "", terminate(&["own"]))]),
            named("local", "localhost"),
            named("unknown", "nothing.invalid"),
            tls_route("local", "end", "a.example.com", &[("local", 1)]),
            tls_route("unknown", "end", "b.example.com", &[("unknown", 1)]),
        ],
        vec![],
    );
    for _ in 0..2 {
        assert_eq!(line(&mut connect(port, "a.example.com").unwrap()).unwrap(), "named");
        assert!(line(&mut connect(port, "b.example.com").unwrap()).is_err());
    }
}

#[test]
fn a_dead_endpoint_is_passed_over() {
    let port = free_port();
    let proxy = start();
    let own = certificate("own", &["a.example.com"]);
    let dead = ([127, 0, 0, 1], free_port()).into();
    apply(
        &proxy,
        1,
        vec![
            secret(&own),
            gateway(&[("end", port, "", terminate(&["own"]))]),
            Entity::Backend(Arc::new(backend("two", &[dead, echo("alive")]))),
            tls_route("end", "end", "a.example.com", &[("two", 1)]),
        ],
        vec![],
    );
    for _ in 0..4 {
        assert_eq!(line(&mut connect(port, "a.example.com").unwrap()).unwrap(), "alive");
    }
}
