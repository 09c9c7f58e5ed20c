//! The same work, directly and through the plain route, gives the same results.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{KafkaGateway, ROUTE};
use testkit::{Client, KafkaCluster, Listener, Target, Verb, differing_steps};

#[test]
fn the_plain_route_changes_nothing_but_addresses() -> Result<()> {
    let kafka = KafkaCluster::builder().name("differential").brokers(3).start()?;
    kafka.warm_up()?;
    let gateway = KafkaGateway::start("differential", "04-kafkaroute.yaml", &kafka)?;
    let script = |target: &Target, prefix: String| {
        Client::Java.run(target, &Verb::Differential { prefix, replication: 3, timeout: 180 })?.expect_ok()
    };
    let mut routed = serde_json::Value::Null;
    let differing = differing_steps(|round| {
        let one = script(&Target::direct(&kafka, Listener::Plaintext), format!("direct-{round}-"))?;
        let other = script(&gateway.target(), format!("routed-{round}-"))?;
        routed = other.json.clone();
        Ok((one, other))
    })?;
    assert!(differing.is_empty(), "first directly, then through the gateway:\n{}", differing.join("\n"));
    let steps = routed["steps"].as_array().context("steps")?;
    assert!(steps.len() > 70, "only {} steps ran", steps.len());
    for address in routed["addresses"].as_array().context("addresses")? {
        let address = address.as_str().context("address")?;
        assert!(address.ends_with(&format!("{ROUTE}:{}", gateway.port)), "{address} is not a name of the route");
    }
    Ok(())
}
