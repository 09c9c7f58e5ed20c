//! Older brokers, and two clusters behind one listener.
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::{KafkaGateway, endpoint_slice};
use std::net::Ipv4Addr;
use testkit::{Client, Group, Hosts, KafkaCluster, Listener, Target, Verb};

fn works_on(version: &str) -> Result<()> {
    let kafka = KafkaCluster::builder().name("old").version(version).brokers(3).start()?;
    kafka.warm_up()?;
    let gateway = KafkaGateway::start(&format!("route-{version}"), "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();
    for client in Client::ALL {
        let topic = format!("old-{client}");
        let mut session = client.session(&target)?;
        session.run(&Verb::create_topic(&topic, 3, 3))?.expect_ok()?;
        session.run(&Verb::produce(&topic, 100))?.expect_ok()?;
        session.run(&Verb::consume(&topic, &topic, Group::Classic, 100))?.expect_ok()?;
        session.run(&Verb::transaction(&topic, &format!("id-{client}"), 10, true))?.expect_ok()?;
    }
    Ok(())
}

#[test]
fn brokers_of_3_9_2() -> Result<()> {
    works_on("3.9.2")
}

#[test]
fn brokers_of_3_7_1() -> Result<()> {
    works_on("3.7.1")
}

#[test]
fn two_routes_to_two_clusters_on_one_listener() -> Result<()> {
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| KafkaCluster::builder().name("one").brokers(1).start());
        let two = KafkaCluster::builder().name("two").brokers(3).start();
        (one.join(), two)
    });
    let (one, two) = (one.map_err(|_| anyhow::anyhow!("panicked"))??, two?);
    one.warm_up()?;
    two.warm_up()?;
    let folder = KafkaGateway::folder("route-two", &one)?;
    folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
    folder.write(
        "second.yaml",
        "apiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {name: kafka-app-2}\nspec:\n  \
         parentRefs: [{name: api-gtw}]\n  hostname: second\n  backendRefs: [{name: second, port: 9092}]\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: second}\nspec:\n  ports: [{name: kafka, port: 9092}]\n",
    )?;
    folder.write(
        "slice.yaml",
        &endpoint_slice("default", "second", "kafka", Listener::Plaintext.port(), &two.addresses()),
    )?;
    let gateway = KafkaGateway::run(folder, one.ids())?;
    let second = "second.kafka-apis.acme.com";
    let hosts = Hosts::new()
        .with(second, Ipv4Addr::LOCALHOST)
        .with_all(two.ids().iter().map(|id| format!("broker-{id}-{second}")), Ipv4Addr::LOCALHOST);
    let to_one = gateway.target();
    let to_two = Target::tls(format!("{second}:{}", gateway.port), gateway.folder.ca.pem()).hosts(&hosts);

    let mut first = Client::Java.session(&to_one)?;
    let mut other = Client::Go.session(&to_two)?;
    first.run(&Verb::create_topic("same-name", 3, 1))?.expect_ok()?;
    other.run(&Verb::create_topic("same-name", 3, 3))?.expect_ok()?;
    first.run(&Verb::produce("same-name", 50))?.expect_ok()?;
    other.run(&Verb::produce("same-name", 70))?.expect_ok()?;
    let got = first.run(&Verb::consume("same-name", "g", Group::Classic, 50))?.expect_ok()?;
    assert_eq!(got.count(), 50);
    let got = other.run(&Verb::consume("same-name", "g", Group::Classic, 70))?.expect_ok()?;
    assert_eq!(got.count(), 70);
    let (a, b) = (first.run(&Verb::DescribeCluster)?, other.run(&Verb::DescribeCluster)?);
    assert_eq!(a.json["brokers"].as_array().map(Vec::len), Some(1), "{}", a.json);
    assert_eq!(b.json["brokers"].as_array().map(Vec::len), Some(3), "{}", b.json);
    Ok(())
}
