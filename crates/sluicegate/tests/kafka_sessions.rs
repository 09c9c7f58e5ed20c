//! What long Kafka sessions live through: re-authentication, SASL of every form, brokers that go, come back or lose their leaders.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{KafkaGateway, ROUTE};
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use testkit::raw::RawKafka;
use testkit::{Client, Group, KafkaCluster, Listener, Target, User, Verb};

/// An address that nobody can dial (RFC 5737).
const NOWHERE: &str = "192.0.2.1";

/// Produces `count` records, one every `interval_ms`, as an idempotent producer.
fn slowly(topic: &str, count: u32, interval_ms: u32) -> Verb {
    let mut verb = Verb::produce(topic, count);
    if let Verb::Produce { interval_ms: interval, timeout, .. } = &mut verb {
        (*interval, *timeout) = (interval_ms, 60);
    }
    verb
}

/// All values of a topic, by a client that asks the brokers themselves: `count` of them, none twice.
fn expect_each_once(target: &Target, topic: &str, count: u32) -> Result<()> {
    let mut client = Client::Java.session(target)?;
    let got = client.run(&Verb::consume(topic, topic, Group::Classic, count))?.expect_ok()?;
    let values: HashSet<_> = got.values().into_iter().map(str::to_owned).collect();
    anyhow::ensure!(values.len() == count as usize, "{topic}: {} values of {count}", values.len());
    let mut more = Verb::consume(topic, topic, Group::Classic, 1);
    if let Verb::Consume { timeout, .. } = &mut more {
        *timeout = 2;
    }
    client.run(&more)?.expect_error("TIMEOUT").with_context(|| format!("{topic}: duplicates"))?;
    Ok(())
}

fn raw(gateway: &KafkaGateway) -> Result<RawKafka> {
    let tls = testkit::certs::client_config(gateway.folder.ca.pem(), None, &[])?;
    RawKafka::connect_tls((Ipv4Addr::LOCALHOST, gateway.port).into(), ROUTE, tls)
}

/// Metadata version 1 without topics: whether the broker knows the client.
fn is_authenticated(client: &mut RawKafka) -> Result<bool> {
    client.send_request(3, 1, 9, false, &[0; 4])?;
    Ok(client.read_frame().ok().flatten().is_some_and(|answer| answer.starts_with(&[0, 0, 0, 9])))
}

fn until(limit: Duration, what: &str, mut is: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + limit;
    while !is()? {
        anyhow::ensure!(Instant::now() < end, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The cluster advertises an address that leads nowhere, so all of this goes through `brokerMapping.brokers[].backendRef`.
#[test]
fn sasl_in_every_form_and_again_and_again() -> Result<()> {
    let oauth = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
                 unsecuredLoginStringClaim_sub=\"broker\";";
    let kafka = KafkaCluster::builder()
        .name("sasl")
        .advertise(Listener::SaslPlaintext, NOWHERE, 9)
        .property("connections.max.reauth.ms", "3000")
        .property(
            "listener.name.sasl_plaintext.sasl.enabled.mechanisms",
            "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER",
        )
        .property("listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config", oauth)
        .start()?;
    kafka.warm_up()?;
    let folder = KafkaGateway::folder("sasl", &kafka)?;
    folder.endpoints("default", "my-kafka-service", "kafka", Listener::SaslPlaintext.port(), &kafka.addresses())?;
    folder.write(
        "kafkaroute.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {{name: kafka-app-1}}\nspec:\n  \
             parentRefs: [{{name: api-gtw}}]\n  hostname: my-kafka-route\n  backendRefs: [{{name: my-kafka-service, port: 9092}}]\n  \
             brokerMapping:\n    brokers:\n    - {{id: {}, backendRef: {{name: my-kafka-service, port: 9092}}}}\n",
            kafka.ids()[0]
        ),
    )?;
    let mut gateway = KafkaGateway::run(folder, kafka.ids())?;

    // KIP-368: sessions of three seconds, twelve seconds of records.
    let target = gateway.target().scram(User::ADMIN);
    let mut java = Client::Java.session(&target)?;
    java.run(&Verb::create_topic("again", 1, 1))?.expect_ok()?;
    let broker = format!("broker=\"{}\"", kafka.ids()[0]);
    let tokens = |gateway: &KafkaGateway| {
        gateway.gate.metric("sluicegate_kafka_requests_total", &["api=\"SaslAuthenticate\"", &broker])
    };
    let before = tokens(&gateway).unwrap_or_default();
    let verb = slowly("again", 600, 20);
    java.begin(&verb)?;

    // Handshake version 0: tokens without Kafka's header (KIP-12).
    let mut oldest = raw(&gateway)?;
    oldest.send_request(17, 0, 1, false, b"\0\x05PLAIN")?;
    oldest.read_frame()?.context("handshake")?;
    oldest.send_frame(b"\0admin\0admin-secret")?;
    assert_eq!(oldest.read_frame()?.context("token")?, b"", "PLAIN answers nothing");
    assert!(is_authenticated(&mut oldest)?);
    let mut wrong = raw(&gateway)?;
    wrong.send_request(17, 0, 1, false, b"\0\x05PLAIN")?;
    wrong.read_frame()?.context("handshake")?;
    wrong.send_frame(b"\0admin\0guess")?;
    assert!(wrong.closed_within(Duration::from_secs(5))?);

    // A token that nobody has signed, which this broker takes.
    let mut bearer = raw(&gateway)?;
    bearer.send_request(17, 1, 1, false, b"\0\x0bOAUTHBEARER")?;
    bearer.read_frame()?.context("handshake")?;
    let token = format!("n,,\u{1}auth=Bearer {TOKEN}\u{1}\u{1}");
    let mut body = u32::try_from(token.len())?.to_be_bytes().to_vec();
    body.extend_from_slice(token.as_bytes());
    bearer.send_request(36, 1, 2, false, &body)?;
    let answer = bearer.read_frame()?.context("token")?;
    assert_eq!(answer.get(..6), Some(&[0, 0, 0, 2, 0, 0][..]), "{answer:?}");
    assert!(is_authenticated(&mut bearer)?);
    drop(bearer);
    until(Duration::from_secs(5), "carol in the access log", || Ok(gateway.gate.log().contains("\"User:carol\"")))?;

    assert_eq!(java.finish(&verb)?.expect_ok()?.count(), 600);
    // Two for SCRAM, at the beginning and about every three seconds; fewer when the machine is slow.
    let tokens = tokens(&gateway)? - before;
    assert!(tokens >= 4.0, "{tokens} tokens: it has not authenticated again");
    let of_broker = format!("\"broker\":{}", kafka.ids()[0]);
    let cut = |line: &&str| line.contains("\"end\":\"broker_closed\"") && line.contains(&of_broker);
    assert_eq!(gateway.gate.log().lines().find(cut), None, "a session has expired");
    gateway.gate.expect_alive()
}

/// A JWT without a signature: `{"sub":"carol"}`, from 2023 to 2096.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYXJvbCIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MDAwMDAwMDAwfQ.";

/// AlterPartitionReassignments version 0 of partition 0 to one broker.
fn move_partition(kafka: &KafkaCluster, topic: &str, to: u32) -> Result<()> {
    let mut client = RawKafka::connect(kafka.socket(kafka.ids()[0], Listener::Plaintext)?)?;
    let mut body = 10_000_i32.to_be_bytes().to_vec();
    body.push(2);
    body.push(u8::try_from(topic.len() + 1)?);
    body.extend_from_slice(topic.as_bytes());
    body.extend_from_slice(&[2, 0, 0, 0, 0, 2]);
    body.extend_from_slice(&to.to_be_bytes());
    body.extend_from_slice(&[0, 0, 0]);
    client.send_request(45, 0, 1, true, &body)?;
    let answer = client.read_frame()?.context("an answer")?;
    // Correlation, tags, throttle time, error code.
    anyhow::ensure!(answer.get(9..11) == Some(&[0, 0]), "{answer:?}");
    Ok(())
}

fn leader(client: &mut testkit::Session, topic: &str) -> Result<u64> {
    let described = client.run(&Verb::describe_topic(topic))?.expect_ok()?;
    described.json["partitions"][0]["leader"].as_u64().context("a leader")
}

#[test]
fn nothing_is_lost_or_doubled_while_brokers_come_and_go() -> Result<()> {
    let mut kafka =
        KafkaCluster::builder().name("unrest").brokers(3).property("broker.session.timeout.ms", "3000").start()?;
    kafka.warm_up()?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    let mut gateway = KafkaGateway::start("unrest", "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();
    let ids = kafka.ids();
    let mut admin = Client::Java.session(&direct)?;
    admin.run(&Verb::create_topic("steady", 3, 3))?.expect_ok()?;
    admin.run(&Verb::create_topic("moved", 1, 1))?.expect_ok()?;

    let (steady, moved) = (slowly("steady", 900, 15), slowly("moved", 300, 10));
    let (mut one, mut other) = (Client::Java.session(&target)?, Client::Go.session(&target)?);
    one.begin(&steady)?;
    other.begin(&moved)?;
    // The leader moves while the producer knows it elsewhere (KIP-951 tells it, with the gateway's names).
    let old = u32::try_from(leader(&mut admin, "moved")?)?;
    let new = *ids.iter().find(|id| **id != old).context("another broker")?;
    move_partition(&kafka, "moved", new)?;
    assert_eq!(other.finish(&moved)?.expect_ok()?.count(), 300);
    assert_eq!(leader(&mut admin, "moved")?, u64::from(new));
    expect_each_once(&direct, "moved", 300)?;

    kafka.stop(ids[1])?;
    kafka.start(ids[1])?;
    kafka.kill(ids[2])?;
    assert_eq!(one.finish(&steady)?.expect_ok()?.count(), 900);
    expect_each_once(&direct, "steady", 900)?;
    gateway.gate.expect_alive()
}
