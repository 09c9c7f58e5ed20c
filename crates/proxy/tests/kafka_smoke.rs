//! The Kafka data path with real brokers and real clients. Starts Kafka, so it runs when asked for:
//! `cargo test -p proxy --test kafka_smoke -- --ignored`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{apply, backend, backend_key, free_port, gateway, object, start_with, terminate};
use proxy::{AccessLog, Proxy};
use snapshot::{
    AclAction, AclEntry, AclOperation, AclPattern, AclResource, BackendTarget, BackendTls, BrokerAddresses,
    CaCertificates, Certificate, Entity, KafkaAttachment, KafkaRoute, ListenerRef, MappingKind, TopicMapping,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};
use testkit::{Ca, Client, Group, Hosts, KafkaCluster, Listener, Target, User, Verb};

const DOMAIN: &str = "kafka-apis.acme.com";

static CA: LazyLock<Ca> = LazyLock::new(|| Ca::new("gateway").unwrap());

static KAFKA: LazyLock<KafkaCluster> = LazyLock::new(|| {
    let kafka = KafkaCluster::builder().version("4.3.1").brokers(3).start().unwrap();
    kafka.warm_up().unwrap();
    kafka
});

struct Gateway {
    _proxy: Proxy,
    port: u16,
    log: std::path::PathBuf,
}

fn route(name: &str, kafka: &KafkaCluster, listener: Listener) -> KafkaRoute {
    let endpoints: Vec<_> = kafka.ids().iter().map(|&id| kafka.socket(id, listener).unwrap()).collect();
    let hosts = kafka.hosts().iter().map(|(name, ip)| {
        (name.to_owned(), BTreeMap::from([(listener.port(), vec![SocketAddr::new(ip, listener.port())])]))
    });
    KafkaRoute {
        name: object(name),
        generation: 1,
        attachments: vec![KafkaAttachment {
            listener: ListenerRef { gateway: object("gateway"), listener: "kafka".into() },
            bootstrap: format!("{name}.{DOMAIN}"),
            broker_pattern: format!("broker-{{brokerId}}-{name}.{DOMAIN}"),
            broker_names: BTreeMap::new(),
        }],
        backends: vec![BackendTarget::Backend(backend_key(name))],
        brokers: BTreeMap::new(),
        broker_addresses: BrokerAddresses { hosts: hosts.collect(), endpoints, ..BrokerAddresses::default() },
        topic_mappings: vec![],
        acls: vec![],
        unserved: None,
    }
}

fn serve(routes: Vec<KafkaRoute>, kafka: &KafkaCluster, listener: Listener) -> Gateway {
    let dir = tempfile::tempdir().unwrap().keep();
    let log = dir.join("access.log");
    let proxy = start_with(|options| options.access_log = AccessLog::File(log.clone()));
    let port = free_port();
    let tls = matches!(listener, Listener::SaslSsl | Listener::Ssl).then(|| BackendTls {
        hostname: kafka.hosts().iter().next().unwrap().0.to_owned(),
        ca_certificates: CaCertificates::Pem(kafka.ca_pem().to_owned()),
        subject_alt_names: vec![],
        client_certificate: None,
    });
    let identity = CA.server(&[format!("*.{DOMAIN}")]).unwrap();
    let mut entities = vec![
        Entity::Certificate(Arc::new(Certificate {
            name: object("kafka-tls"),
            chain: identity.chain,
            key: identity.key,
        })),
        gateway(&[("kafka", port, &format!("*.{DOMAIN}"), terminate(&["kafka-tls"]))]),
    ];
    for route in routes {
        let mut backend = backend(&route.name.name, &route.broker_addresses.endpoints);
        backend.tls.clone_from(&tls);
        entities.push(Entity::Backend(Arc::new(backend)));
        entities.push(Entity::KafkaRoute(Arc::new(route)));
    }
    apply(&proxy, 1, entities, vec![]);
    Gateway { _proxy: proxy, port, log }
}

impl Gateway {
    fn target(&self, name: &str, kafka: &KafkaCluster) -> Target {
        let names = kafka.ids().iter().map(|id| format!("broker-{id}-{name}.{DOMAIN}")).collect::<Vec<_>>();
        let hosts = Hosts::new().with_all(names, [127, 0, 0, 1]).with(format!("{name}.{DOMAIN}"), [127, 0, 0, 1]);
        Target::tls(format!("{name}.{DOMAIN}:{}", self.port), CA.pem()).hosts(&hosts)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        std::thread::sleep(std::time::Duration::from_millis(200));
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

fn clients() -> Vec<Client> {
    match std::env::var("CLIENTS") {
        Ok(names) => Client::ALL.into_iter().filter(|client| names.contains(client.name())).collect(),
        Err(_) => Client::ALL.to_vec(),
    }
}

#[test]
#[ignore = "starts real brokers"]
fn a_plain_route_serves_every_client() {
    let gateway = serve(vec![route("plain", &KAFKA, Listener::Plaintext)], &KAFKA, Listener::Plaintext);
    let target = gateway.target("plain", &KAFKA);
    for client in clients() {
        let topic = format!("plain-{client}");
        let mut session = client.session(&target).unwrap();
        session.run(&Verb::create_topic(&topic, 3, 3)).unwrap().expect_ok().unwrap();
        assert_eq!(session.run(&Verb::produce(&topic, 200)).unwrap().expect_ok().unwrap().count(), 200, "{client}");
        for (name, group) in [("classic", Group::Classic), ("consumer", Group::Consumer)] {
            let verb = Verb::consume(&topic, &format!("{topic}-{name}"), group, 200);
            if client.supports(&verb) {
                let outcome = session.run(&verb).unwrap().expect_ok().unwrap();
                assert_eq!(outcome.count(), 200, "{client} {name}");
            }
        }
        session.run(&Verb::transaction(&topic, &format!("tx-{client}"), 10, true)).unwrap().expect_ok().unwrap();
        let verb = Verb::consume(&topic, &format!("{topic}-share"), Group::Share, 1);
        if client.supports(&verb) {
            // A share group begins at the end of the log: what it does not get here says nothing; that it runs does.
            eprintln!("{client} share group: {}", session.run(&verb).unwrap().error());
        }
    }
}

#[test]
#[ignore = "starts real brokers"]
fn older_brokers_are_served() {
    for version in ["3.9.2", "3.7.1"] {
        let kafka = KafkaCluster::builder().version(version).brokers(1).start().unwrap();
        kafka.warm_up().unwrap();
        let mut old_mapped = route("old", &kafka, Listener::Plaintext);
        old_mapped.topic_mappings = mapped().topic_mappings;
        let gateway = serve(vec![old_mapped], &kafka, Listener::Plaintext);
        let direct = Target::direct(&kafka, Listener::Plaintext);
        Client::Java.run(&direct, &Verb::create_topic("orders-internal-topic", 3, 1)).unwrap().expect_ok().unwrap();
        for (at, client) in clients().into_iter().enumerate() {
            let mut session = client.session(&gateway.target("old", &kafka)).unwrap();
            session.run(&Verb::produce("orders-external-topic", 50)).unwrap().expect_ok().unwrap();
            let count = 50 * (at as u32 + 1);
            let verb = Verb::consume("orders-external-topic", &format!("g-{client}"), Group::Classic, count);
            session.run(&verb).unwrap().expect_ok().unwrap();
        }
    }
}

fn mapped() -> KafkaRoute {
    let mut route = route("mapped", &KAFKA, Listener::Plaintext);
    route.topic_mappings = vec![TopicMapping {
        name: "mapping".into(),
        client: "orders-external-topic".into(),
        broker: "orders-internal-topic".into(),
        kind: MappingKind::Exact,
    }];
    route
}

fn acl(name: &str, pattern: AclPattern, operations: &[AclOperation]) -> AclEntry {
    AclEntry {
        name: name.into(),
        resource: AclResource::Topic,
        pattern,
        operations: operations.to_vec(),
        principals: vec![],
        action: AclAction::Allow,
    }
}

#[test]
#[ignore = "starts real brokers"]
fn the_headline_manifest() {
    let direct = Target::direct(&KAFKA, Listener::Plaintext);
    Client::Java.run(&direct, &Verb::create_topic("orders-internal-topic", 3, 3)).unwrap().expect_ok().unwrap();
    Client::Java.run(&direct, &Verb::create_topic("payments", 3, 3)).unwrap().expect_ok().unwrap();
    let mut read_only = mapped();
    read_only.name = object("reads");
    read_only.attachments[0].bootstrap = format!("reads.{DOMAIN}");
    read_only.attachments[0].broker_pattern = format!("broker-{{brokerId}}-reads.{DOMAIN}");
    read_only.backends = vec![BackendTarget::Backend(backend_key("reads"))];
    read_only.acls = vec![acl("acls/topic-match", AclPattern::Prefix("orders".into()), &[AclOperation::Read])];
    let gateway = serve(vec![mapped(), read_only], &KAFKA, Listener::Plaintext);
    let (write, read) = (gateway.target("mapped", &KAFKA), gateway.target("reads", &KAFKA));
    let mut sent = 0;
    for client in clients() {
        let mut writer = client.session(&write).unwrap();
        let outcome = writer.run(&Verb::produce("orders-external-topic", 100)).unwrap().expect_ok().unwrap();
        assert_eq!(outcome.count(), 100, "{client}");
        let transaction = Verb::transaction("orders-external-topic", &format!("mapped-{client}"), 10, true);
        writer.run(&transaction).unwrap().expect_ok().unwrap();
        sent += 110;
        let topics = writer.run(&Verb::ListTopics).unwrap().expect_ok().unwrap();
        assert!(topics.topics().contains(&"orders-external-topic"), "{client} {:?}", topics.topics());
        assert!(!topics.topics().contains(&"orders-internal-topic"), "{client} {:?}", topics.topics());
        let mut reader = client.session(&read).unwrap();
        for (name, group) in [("classic", Group::Classic), ("consumer", Group::Consumer)] {
            let verb = Verb::consume("orders-external-topic", &format!("mapped-{client}-{name}"), group, sent);
            if client.supports(&verb) {
                let outcome = reader.run(&verb).unwrap().expect_ok().unwrap();
                assert_eq!(outcome.count(), u64::from(sent), "{client} {name}");
                assert!(
                    outcome.json["records"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|one| one["topic"] == "orders-external-topic")
                );
            }
        }
        let topics = reader.run(&Verb::ListTopics).unwrap().expect_ok().unwrap();
        assert!(!topics.topics().contains(&"payments"), "{client} {:?}", topics.topics());
        for (topic, verb) in [
            ("orders-external-topic", Verb::produce("orders-external-topic", 1)),
            ("payments", Verb::produce("payments", 1)),
        ] {
            let outcome = reader.run(&verb).unwrap();
            eprintln!("{client} produce {topic}: {}", outcome.error());
            assert!(!outcome.ok(), "{client} {topic}");
        }
        let outcome = reader.run(&Verb::consume("payments", "g", Group::Classic, 1)).unwrap();
        eprintln!("{client} consume payments: {}", outcome.error());
        assert!(!outcome.ok());
    }
}

#[test]
#[ignore = "starts real brokers"]
fn sasl_passes_through_and_a_cold_broker_name_is_served() {
    let gateway = serve(vec![route("sasl", &KAFKA, Listener::SaslSsl)], &KAFKA, Listener::SaslSsl);
    let target = gateway.target("sasl", &KAFKA).scram(User::ADMIN);
    // No bootstrap first.
    let last = *KAFKA.ids().last().unwrap();
    let cold = target.clone().bootstrap(&format!("broker-{last}-sasl.{DOMAIN}:{}", gateway.port));
    Client::Java.run(&cold, &Verb::create_topic("sasl", 3, 3)).unwrap().expect_ok().unwrap();
    for client in clients() {
        let mut session = client.session(&target).unwrap();
        let outcome = session.run(&Verb::produce("sasl", 100)).unwrap().expect_ok().unwrap();
        assert_eq!(outcome.count(), 100, "{client}");
        let verb = Verb::consume("sasl", &format!("sasl-{client}"), Group::Classic, 100);
        session.run(&verb).unwrap().expect_ok().unwrap();
    }
    let wrong = gateway.target("sasl", &KAFKA).scram(User { name: "admin", password: "wrong" });
    let outcome = Client::Java.run(&wrong, &Verb::ListTopics).unwrap();
    eprintln!("wrong password: {}", outcome.error());
    assert!(!outcome.ok());
}

#[test]
#[ignore = "starts real brokers"]
fn a_cold_broker_name_is_served_without_sasl() {
    let gateway = serve(vec![route("cold", &KAFKA, Listener::Plaintext)], &KAFKA, Listener::Plaintext);
    let last = *KAFKA.ids().last().unwrap();
    let target = gateway.target("cold", &KAFKA);
    let cold = target.clone().bootstrap(&format!("broker-{last}-cold.{DOMAIN}:{}", gateway.port));
    Client::Java.run(&cold, &Verb::ListTopics).unwrap().expect_ok().unwrap();
}
