//! Brokers that advertise the public names themselves: four TLSRoutes on a passthrough listener, and the one KafkaRoute that replaces them.
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::Folder;
use std::net::Ipv4Addr;
use testkit::kafka::{ExtraListener, Security};
use testkit::{Ca, Client, Group, Hosts, KafkaCluster, Listener, Sluicegate, Target, User, Verb, free_port};

const DOMAIN: &str = "strimzi.gateway.api.test";
const SET: &str = "001-strimzi";

struct Setup {
    kafka: KafkaCluster,
    brokers_ca: Ca,
    port: u16,
}

/// Brokers 10 to 12 with SCRAM-SHA-512 over TLS, advertised as the manifests say, and a second, internal TLS listener.
fn setup() -> Result<Setup> {
    let port = free_port()?;
    let brokers_ca = Ca::new("brokers")?;
    let identity = brokers_ca.server(&[&format!("*.{DOMAIN}"), "kafka.internal.test"])?;
    let kafka = KafkaCluster::builder()
        .name("strimzi")
        .brokers(3)
        .first_id(10)
        .certificates(brokers_ca.pem(), identity)
        .advertise(Listener::SaslSsl, &format!("broker-{{id}}.{DOMAIN}"), port)
        .listener(ExtraListener { name: "INTERNAL".into(), security: Security::SaslSsl, port: 9097, advertised: None })
        .start()?;
    kafka.warm_up()?;
    Ok(Setup { kafka, brokers_ca, port })
}

fn passthrough_folder(setup: &Setup, routes: &str) -> Result<Folder> {
    let folder = Folder::new("strimzi")?;
    for file in [
        "support.yaml",
        "01-kind-cluster.yaml",
        "02-gatewayclass.yaml",
        "03-gateway.yaml",
        "04-certificate.yaml",
        "05-kafka.yaml",
        "06-kafkanodepools.yaml",
        routes,
        "08-kafkauser-kafkatopic.yaml",
    ] {
        folder.copy(SET, file)?;
    }
    let addresses = setup.kafka.addresses();
    for (i, address) in addresses.iter().enumerate() {
        folder.endpoints(
            "strimzi",
            &format!("gateway-api-test-broker-obiwan-{}", 10 + i),
            "tcp-obiwan",
            Listener::SaslSsl.port(),
            &[*address],
        )?;
    }
    folder.endpoints(
        "strimzi",
        "gateway-api-test-kafka-obiwan-bootstrap",
        "tcp-obiwan",
        Listener::SaslSsl.port(),
        &addresses,
    )?;
    Ok(folder)
}

fn names() -> Hosts {
    Hosts::new()
        .with(format!("bootstrap.{DOMAIN}"), Ipv4Addr::LOCALHOST)
        .with_all((10..=12).map(|id| format!("broker-{id}.{DOMAIN}")), Ipv4Addr::LOCALHOST)
}

fn work(target: &Target, topic: &str) -> Result<()> {
    for client in [Client::Java, Client::Librdkafka, Client::Go, Client::Aiokafka] {
        let mut session = client.session(target)?;
        session.run(&Verb::produce(topic, 100))?.expect_ok()?;
        session.run(&Verb::consume(topic, &format!("g-{client}-{topic}"), Group::Classic, 100))?.expect_ok()?;
    }
    Ok(())
}

/// `kafka-console-producer` and `kafka-console-consumer`, as the manifests' text has them.
fn console(kafka: &KafkaCluster, target: &Target, bootstrap: &str, topic: &str) -> Result<()> {
    let dir = testkit::paths::RunDir::new("console")?;
    let (hosts, config) = (dir.path().join("hosts"), dir.path().join("client.properties"));
    names().write(&hosts)?;
    std::fs::write(&config, target.properties(dir.path())?)?;
    let (producer, consumer) = kafka.dist().console_classes();
    let tool = |class: &str, config_flag: &str, more: &[&str]| -> Result<std::process::Command> {
        let mut command = kafka.dist().tool(class)?;
        command.args(["--bootstrap-server", bootstrap, "--topic", topic, config_flag]).arg(&config).args(more);
        Ok(testkit::hosts::with_hosts(&hosts, &command))
    };
    let word = format!("by hand, {topic}, {:?}", std::time::SystemTime::now());
    let mut shell = std::process::Command::new("sh");
    let line = testkit::kafka::command(&tool(producer, "--producer.config", &[])?);
    shell.arg("-c").arg(format!("printf '%s\\n' \"$0\" | {line}")).arg(&word);
    let limit = std::time::Duration::from_secs(60);
    testkit::process::check(&shell, limit)?;
    let read = tool(consumer, "--consumer.config", &["--from-beginning", "--timeout-ms", "8000"])?;
    let output = testkit::process::output(&read, limit)?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(text.lines().any(|line| line == word), "{word:?} is not among {} lines", text.lines().count());
    Ok(())
}

#[test]
fn four_tlsroutes_pass_tls_through_and_one_kafkaroute_replaces_them() -> Result<()> {
    let setup = setup()?;
    for routes in ["07-tlsroutes.yaml", "07-tlsroutes.fixed.yaml"] {
        let folder = passthrough_folder(&setup, routes)?;
        let gate = Sluicegate::run(&[folder.path()])?.port_map(9092, setup.port).start()?;
        let target = Target::tls(format!("bootstrap.{DOMAIN}:{}", setup.port), setup.brokers_ca.pem())
            .hosts(&names())
            .scram(User::ADMIN);
        if routes == "07-tlsroutes.yaml" {
            Client::Java.run(&target, &Verb::create_topic("my-topic", 12, 3))?.expect_ok()?;
        }
        console(&setup.kafka, &target, &format!("bootstrap.{DOMAIN}:{}", setup.port), "my-topic")?;
        work(&target, "my-topic")?;
        // A name that no route bears is refused: the handshake does not end.
        let config = testkit::certs::client_config(setup.brokers_ca.pem(), None, &[])?;
        let address = (Ipv4Addr::LOCALHOST, setup.port).into();
        assert!(testkit::raw::RawKafka::connect_tls(address, &format!("broker-99.{DOMAIN}"), config).is_err());
        drop(gate);
    }

    // The one KafkaRoute: a Terminate listener, TLS to the brokers' internal listener by a BackendTLSPolicy.
    let folder = Folder::new("kafkaroute-strimzi")?;
    folder.copy(SET, "02-gatewayclass.fixed.yaml")?.copy(SET, "support.yaml")?;
    folder.secret("strimzi", "gateway-tls", &[&format!("*.{DOMAIN}")])?;
    folder.endpoints("strimzi", "internal-bootstrap", "tls", 9097, &setup.kafka.addresses())?;
    let indented: String = setup.brokers_ca.pem().lines().map(|line| format!("    {line}\n")).collect();
    folder.write(
        "kafkaroute.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: my-gateway, namespace: strimzi}}
spec:
  gatewayClassName: my-gateway-class
  listeners:
  - name: kafka
    protocol: TLS
    port: 9092
    hostname: '*.{DOMAIN}'
    tls:
      mode: Terminate
      certificateRefs: [{{name: gateway-tls}}]
---
apiVersion: gateway.networking.k8s.io/experimental
kind: KafkaRoute
metadata: {{name: gateway-api-test, namespace: strimzi}}
spec:
  parentRefs: [{{name: my-gateway}}]
  hostname: bootstrap
  backendRefs: [{{name: internal-bootstrap, port: 9097}}]
  brokerMapping:
    hostname: broker-{{brokerId}}
---
apiVersion: v1
kind: Service
metadata: {{name: internal-bootstrap, namespace: strimzi}}
spec:
  ports: [{{name: tls, port: 9097}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: internal, namespace: strimzi}}
spec:
  targetRefs: [{{group: '', kind: Service, name: internal-bootstrap}}]
  validation:
    hostname: kafka.internal.test
    caCertificateRefs: [{{group: '', kind: ConfigMap, name: brokers-ca}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: brokers-ca, namespace: strimzi}}
data:
  ca.crt: |
{indented}"
        ),
    )?;
    let mut gate = Sluicegate::run(&[folder.path()])?.port_map(9092, setup.port).start()?;
    let target =
        Target::tls(format!("bootstrap.{DOMAIN}:{}", setup.port), folder.ca.pem()).hosts(&names()).scram(User::ADMIN);
    console(&setup.kafka, &target, &format!("bootstrap.{DOMAIN}:{}", setup.port), "my-topic")?;
    work(&target, "my-topic")?;
    // PLAIN too, and a wrong password is refused by the broker, not by us.
    Client::Java.run(&target.clone().plain(User::ADMIN), &Verb::DescribeCluster)?.expect_ok()?;
    let wrong = User { name: "admin", password: "wrong" };
    let refused = Client::Java.run(&target.clone().plain(wrong), &Verb::DescribeCluster)?;
    assert!(!refused.ok(), "{}", refused.json);

    // After a restart clients come back on the brokers' names; the session never bootstraps again.
    let mut session = Client::Java.session(&target)?;
    session.run(&Verb::produce("my-topic", 50))?.expect_ok()?;
    gate.restart()?;
    session.run(&Verb::produce("my-topic", 50))?.expect_ok()?;
    // With nothing but a broker's name to start from.
    let broker = target.clone().bootstrap(&format!("broker-11.{DOMAIN}:{}", setup.port));
    gate.restart()?;
    Client::Java.run(&broker, &Verb::produce("my-topic", 50))?.expect_ok()?;
    gate.expect_alive()
}
