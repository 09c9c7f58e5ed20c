//! Hostile and mistaken peers of a KafkaRoute: each is ended with one clear reason, and a good client beside them never notices.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{KafkaGateway, ROUTE, endpoint_slice};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::raw::RawKafka;
use testkit::{Client, Group, KafkaCluster, Listener, Target, User, Verb};

fn tls(gateway: &KafkaGateway) -> Result<Arc<rustls::ClientConfig>> {
    testkit::certs::client_config(gateway.folder.ca.pem(), None, &[])
}

fn connect(gateway: &KafkaGateway, name: &str) -> Result<RawKafka> {
    RawKafka::connect_tls((Ipv4Addr::LOCALHOST, gateway.port).into(), name, tls(gateway)?)
}

const SOON: Duration = Duration::from_secs(5);

#[test]
fn bad_bytes_end_their_own_connection_only() -> Result<()> {
    let kafka = KafkaCluster::builder().name("hostile").start()?;
    kafka.warm_up()?;
    let mut gateway = KafkaGateway::start("hostile", "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port));
    let mut good = Client::Java.session(&target)?;
    good.run(&Verb::create_topic("good", 3, 1))?.expect_ok()?;
    let busy = Verb::Produce {
        topic: "good".into(),
        count: 400,
        prefix: "v".into(),
        acks: "all",
        compression: "none",
        size: 100,
        interval_ms: 10,
        headers: Vec::new(),
        timeout: 60,
    };
    good.begin(&busy)?;

    // Plaintext where TLS is spoken.
    let mut plain = TcpStream::connect(address)?;
    plain.set_read_timeout(Some(SOON))?;
    plain.write_all(&[0, 0, 0, 18, 0, 18, 0, 3, 0, 0, 0, 1, 0, 7])?;
    plain.write_all(b"testkit\0\0\0")?;
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest);
    assert!(rest.len() < 16, "{rest:?}");
    // Garbage, and nothing at all but a closed half.
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 300], &[0x16, 3, 1, 0xff, 0xff, 1, 2, 3]] {
        let mut garbage = TcpStream::connect(address)?;
        garbage.set_read_timeout(Some(Duration::from_secs(15)))?;
        garbage.write_all(bytes)?;
        garbage.shutdown(std::net::Shutdown::Write)?;
        let mut rest = Vec::new();
        let _ = garbage.read_to_end(&mut rest);
    }
    // A name that no route has, and no name.
    assert!(connect(&gateway, "unknown.kafka-apis.acme.com").is_err());

    // Inside TLS: sizes that lie, TLS in TLS, HTTP, unknown APIs and versions.
    let frames: [(&str, Vec<u8>); 7] = [
        ("negative", vec![0xff, 0xff, 0xff, 0xff, 0, 18, 0, 3]),
        ("huge", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 9, 0, 0, 0, 1]),
        ("zero", vec![0, 0, 0, 0]),
        ("TLS", vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("unknown API", vec![0, 0, 0, 10, 0x27, 0x10, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        ("header cut short", vec![0, 0, 0, 3, 0, 18, 0]),
    ];
    for (what, frame) in frames {
        let mut connection = connect(&gateway, ROUTE)?;
        connection.send(&frame).with_context(|| what.to_owned())?;
        assert!(connection.closed_within(SOON)?, "{what}: still open");
    }
    // A frame that ends in the middle.
    let mut truncated = connect(&gateway, ROUTE)?;
    truncated.send(&[0, 0, 0, 100, 0, 3, 0, 9, 0, 0, 0, 1])?;
    truncated.shutdown_write()?;
    assert!(truncated.closed_within(SOON)?, "truncated: still open");
    // A version of ApiVersions from the future gets error 35 in version 0, and the connection goes on.
    let mut future = connect(&gateway, ROUTE)?;
    future.send_request(18, 99, 5, true, b"\x02a\x02b\0")?;
    let answer = future.read_frame()?.context("an answer")?;
    assert_eq!(answer.get(..6), Some(&[0, 0, 0, 5, 0, 35][..]), "{answer:?}");
    future.send_request(18, 0, 6, false, b"")?;
    let answer = future.read_frame()?.context("an answer")?;
    assert_eq!(answer.get(..6), Some(&[0, 0, 0, 6, 0, 0][..]));
    // A broker that does not exist ends quickly.
    let begin = Instant::now();
    if let Ok(mut nobody) = connect(&gateway, &format!("broker-77-{ROUTE}")) {
        nobody.send_request(18, 0, 1, false, b"").ok();
        assert!(nobody.closed_within(SOON)?, "broker 77: still open");
    }
    assert!(begin.elapsed() < SOON);

    assert_eq!(good.finish(&busy)?.expect_ok()?.count(), 400, "the good client lost something");
    good.run(&Verb::consume("good", "g", Group::Classic, 400))?.expect_ok()?;
    gateway.gate.expect_alive()
}

#[test]
fn unauthenticated_clients_cannot_send_much() -> Result<()> {
    let kafka = KafkaCluster::builder().name("preauth").start()?;
    kafka.warm_up()?;
    let folder = KafkaGateway::folder("preauth", &kafka)?;
    folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
    folder.endpoints("default", "my-kafka-service", "kafka", Listener::SaslPlaintext.port(), &kafka.addresses())?;
    let gateway = KafkaGateway::run(folder, kafka.ids())?;
    let target = gateway.target().plain(User::ADMIN);
    Client::Java.run(&target, &Verb::create_topic("t", 1, 1))?.expect_ok()?;
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let user = if mechanism.ends_with("256") { User::ALICE } else { User::ADMIN };
        Client::Java.run(&gateway.target().sasl(mechanism, user), &Verb::DescribeCluster)?.expect_ok()?;
    }
    let mut big = connect(&gateway, ROUTE)?;
    big.send_request(17, 1, 1, false, b"\0\x05PLAIN")?;
    big.read_frame()?.context("handshake")?;
    let mut frame = vec![0, 0x10, 0, 0];
    frame.extend_from_slice(&[0, 36, 0, 1, 0, 0, 0, 2, 0xff, 0xff]);
    big.send(&frame)?;
    assert!(big.closed_within(SOON)?, "a megabyte before the login is accepted");
    Ok(())
}

/// What a broker says of itself must be an endpoint of its Service; else nobody dials it.
#[test]
fn brokers_that_advertise_other_addresses_are_refused() -> Result<()> {
    let port = testkit::free_port()?;
    for (what, host, advertised) in [
        ("loopback", "127.0.0.1", 9092),
        ("link-local", "169.254.169.254", 80),
        ("our own listener", "127.0.0.1", port),
    ] {
        let kafka =
            KafkaCluster::builder().name("liar").advertise(Listener::SaslPlaintext, host, advertised).start()?;
        let folder = KafkaGateway::folder("liar", &kafka)?;
        folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
        folder.endpoints("default", "my-kafka-service", "kafka", Listener::SaslPlaintext.port(), &kafka.addresses())?;
        let mut gateway = KafkaGateway::run(folder, kafka.ids())?;
        let mut verb = Verb::produce("never", 1);
        if let Verb::Produce { timeout, .. } = &mut verb {
            *timeout = 8;
        }
        let refused = Client::Java.run(&gateway.target().plain(User::ADMIN), &verb)?;
        assert!(!refused.ok(), "{what}: {}", refused.json);
        let log = gateway.gate.log();
        assert!(log.contains(host), "{what}: the log does not name {host}:\n{log}");
        gateway.gate.expect_alive()?;
    }
    Ok(())
}

#[test]
fn other_routes_serve_while_one_has_no_broker() -> Result<()> {
    let kafka = KafkaCluster::builder().name("alone").start()?;
    kafka.warm_up()?;
    let folder = KafkaGateway::folder("alone", &kafka)?;
    folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
    folder.write(
        "dead.yaml",
        "apiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {name: dead}\nspec:\n  parentRefs: [{name: api-gtw}]\n  \
         hostname: dead\n  backendRefs: [{name: nowhere, port: 9092}]\n",
    )?;
    let gateway = KafkaGateway::run(folder, kafka.ids())?;
    let begin = Instant::now();
    if let Ok(mut dead) = connect(&gateway, "dead.kafka-apis.acme.com") {
        dead.send_request(18, 0, 1, false, b"").ok();
        assert!(dead.closed_within(SOON)?);
    }
    assert!(begin.elapsed() < SOON);
    // A Service that leads back to the gateway ends at once, and not as one connection after the other.
    let before = gateway.revision()?;
    let slice = endpoint_slice("default", "self", "kafka", gateway.port, &[Ipv4Addr::LOCALHOST]);
    gateway.folder.write(
        "self.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {{name: self}}\nspec:\n  \
             parentRefs: [{{name: api-gtw}}]\n  hostname: self\n  backendRefs: [{{name: self, port: 9092}}]\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {{name: self}}\nspec:\n  ports: [{{name: kafka, port: 9092}}]\n---\n{slice}"
        ),
    )?;
    let end = Instant::now() + SOON;
    while gateway.revision()? == before {
        anyhow::ensure!(Instant::now() < end, "the route was not taken up\n{}", gateway.gate.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    if let Ok(mut looped) = connect(&gateway, "self.kafka-apis.acme.com") {
        looped.send_request(18, 0, 1, false, b"").ok();
        assert!(looped.closed_within(SOON)?);
    }
    let end = Instant::now() + SOON;
    while !gateway.gate.log().contains("listener of this gateway") {
        anyhow::ensure!(Instant::now() < end, "the log does not say why\n{}", gateway.gate.log());
        std::thread::sleep(Duration::from_millis(50));
    }

    let target: Target = gateway.target();
    Client::Go.run(&target, &Verb::create_topic("t", 1, 1))?.expect_ok()?;
    Client::Go.run(&target, &Verb::produce("t", 10))?.expect_ok()?;
    Ok(())
}
