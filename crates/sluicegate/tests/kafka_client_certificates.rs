//! A KafkaRoute on a listener that asks for client certificates: only clients with a valid one get in, and an ACL knows them by
//! the subject.
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::KafkaGateway;
use rcgen::DnType;
use testkit::{Ca, Client, KafkaCluster, Listener, Target, Verb};

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: api-gtw}
spec:
  gatewayClassName: api-gtw
  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: clients}]}}}}
  listeners:
  - name: kafka
    port: 9092
    protocol: TLS
    hostname: '*.kafka-apis.acme.com'
    tls: {certificateRefs: [{name: gateway-kafka-tls}]}
---
apiVersion: gateway.networking.k8s.io/experimental
kind: KafkaRoute
metadata: {name: kafka-app-1}
spec:
  parentRefs: [{name: api-gtw}]
  backendRefs: [{name: my-kafka-service, port: 9092}]
  hostname: my-kafka-route
  filters:
  - name: who
    type: ACLs
    acls:
    - name: anna
      type: Topic
      pattern: {type: LITERAL, expression: orders}
      topicOperation: Read
      principals: ['User:CN=anna,O=Blue']
    - name: anna-writes
      type: Topic
      pattern: {type: LITERAL, expression: orders}
      topicOperation: Write
      principals: ['User:CN=anna,O=Blue']
";

#[test]
fn a_clients_certificate_is_its_principal() -> Result<()> {
    let kafka = KafkaCluster::builder().name("client-certificates").brokers(1).start()?;
    kafka.warm_up()?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    Client::Librdkafka.run(&direct, &Verb::create_topic("orders", 1, 1))?.expect_ok()?;
    let (clients, strangers) = (Ca::new("clients")?, Ca::new("strangers")?);
    let named = |ca: &Ca, name: &str| ca.client(&[(DnType::OrganizationName, "Blue"), (DnType::CommonName, name)]);
    let folder = KafkaGateway::folder("kafka-client-certificates", &kafka)?;
    let pem: String = clients.pem().lines().map(|line| format!("    {line}\n")).collect();
    let ca = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: clients}}\ndata:\n  ca.crt: |\n{pem}");
    folder.write("clients.yaml", &ca)?.write("03-gateway.yaml", GATEWAY)?;
    let gateway = KafkaGateway::run(folder, kafka.ids())?;
    let mut produce = Verb::produce("orders", 10);
    if let Verb::Produce { timeout, .. } = &mut produce {
        *timeout = 5;
    }
    let run = |client: Client, target: Target| client.run(&target, &produce);
    for client in [Client::Java, Client::Librdkafka] {
        run(client, gateway.target().identity(named(&clients, "anna")?))?.expect_ok()?;
    }
    let otto = run(Client::Librdkafka, gateway.target().identity(named(&clients, "otto")?))?;
    assert!(!otto.ok(), "only anna may write: {}", otto.json);
    let stranger = run(Client::Librdkafka, gateway.target().identity(named(&strangers, "anna")?))?;
    assert!(!stranger.ok(), "another CA: {}", stranger.json);
    assert!(!run(Client::Librdkafka, gateway.target())?.ok(), "without a certificate");
    Ok(())
}
