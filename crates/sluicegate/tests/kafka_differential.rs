//! The same work, directly and through the plain route, gives the same results.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{KafkaGateway, ROUTE};
use testkit::{Client, KafkaCluster, Listener, Target, Verb};

#[test]
fn the_plain_route_changes_nothing_but_addresses() -> Result<()> {
    let kafka = KafkaCluster::builder().name("differential").brokers(3).start()?;
    kafka.warm_up()?;
    let gateway = KafkaGateway::start("differential", "04-kafkaroute.yaml", &kafka)?;
    let script = |target: &Target, prefix: &str| -> Result<serde_json::Value> {
        let verb = Verb::Differential { prefix: prefix.into(), replication: 3, timeout: 180 };
        Ok(Client::Java.run(target, &verb)?.expect_ok()?.json)
    };
    let direct = script(&Target::direct(&kafka, Listener::Plaintext), "direct")?;
    let routed = script(&gateway.target(), "routed")?;
    let steps = |json: &serde_json::Value| json["steps"].as_array().cloned().unwrap_or_default();
    let (a, b) = (steps(&direct), steps(&routed));
    assert!(a.len() > 30, "only {} steps ran", a.len());
    let differences: Vec<String> = a
        .iter()
        .zip(&b)
        .filter(|(direct, routed)| direct != routed)
        .map(|(direct, routed)| format!("direct {direct}\nrouted {routed}"))
        .collect();
    assert!(differences.is_empty(), "{} of {} steps differ:\n{}", differences.len(), a.len(), differences.join("\n"));
    assert_eq!(a.len(), b.len());
    for address in routed["addresses"].as_array().context("addresses")? {
        let address = address.as_str().context("address")?;
        assert!(address.ends_with(&format!("{ROUTE}:{}", gateway.port)), "{address} is not a name of the route");
    }
    Ok(())
}
