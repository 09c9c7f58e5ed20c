//! One KafkaRoute over three real brokers: plain, with a topic mapping, with a mapping and ACLs; clients of five libraries.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{KafkaGateway, ROUTE};
use testkit::{Client, Group, KafkaCluster, Listener, Target, Verb};

fn cluster(name: &str) -> Result<KafkaCluster> {
    let kafka = KafkaCluster::builder().name(name).brokers(3).start()?;
    kafka.warm_up()?;
    Ok(kafka)
}

/// Runs `work` for every client at once, and says which failed.
fn each_client(work: impl Fn(Client) -> Result<()> + Sync) -> Result<()> {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = Client::ALL
            .into_iter()
            .map(|client| {
                (
                    client,
                    scope.spawn({
                        let work = &work;
                        move || work(client)
                    }),
                )
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(client, thread)| match thread.join() {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{client}: {error:?}")),
                Err(_) => Some(format!("{client}: panicked")),
            })
            .collect()
    });
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

fn round_trip(client: Client, target: &Target, topic: &str, groups: &[Group]) -> Result<()> {
    let mut session = client.session(target)?;
    let sent = session.run(&Verb::produce(topic, 200))?.expect_ok()?;
    assert_eq!(sent.count(), 200, "{client} produced");
    for group in groups {
        let verb = Verb::consume(topic, &format!("{topic}-{client}-{group:?}"), *group, 200);
        if client.supports(&verb) {
            let got = session.run(&verb)?.expect_ok().with_context(|| format!("{group:?}"))?;
            assert!(got.count() >= 200, "{client} {group:?} got {}", got.count());
        }
    }
    Ok(())
}

#[test]
fn every_client_does_everything_through_the_plain_route() -> Result<()> {
    let kafka = cluster("plain")?;
    let mut gateway = KafkaGateway::start("route-plain", "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();

    each_client(|client| {
        let topic = format!("all-{client}");
        let mut session = client.session(&target)?;
        session.run(&Verb::create_topic(&topic, 3, 3))?.expect_ok()?;
        let topics = session.run(&Verb::ListTopics)?.expect_ok()?;
        assert!(topics.topics().contains(&topic.as_str()), "{client}: {:?}", topics.topics());
        let described = session.run(&Verb::describe_topic(&topic))?.expect_ok()?;
        assert_eq!(described.json["partitions"].as_array().map(Vec::len), Some(3), "{client}: {}", described.json);

        round_trip(client, &target, &topic, &[Group::Classic, Group::Consumer])?;

        let transactional = format!("txn-{client}");
        session.run(&Verb::create_topic(&transactional, 3, 3))?.expect_ok()?;
        session.run(&Verb::transaction(&transactional, &format!("id-{client}"), 20, false))?.expect_ok()?;
        session.run(&Verb::transaction(&transactional, &format!("id-{client}"), 20, true))?.expect_ok()?;
        let mut verb = Verb::consume(&transactional, &transactional, Group::Classic, 20);
        if let Verb::Consume { read_committed, .. } = &mut verb {
            *read_committed = true;
        }
        let got = session.run(&verb)?.expect_ok()?;
        assert!(got.values().iter().all(|value| value.starts_with("committed-")), "{client}: {:?}", got.values());

        session.run(&Verb::delete_topic(&topic))?.expect_ok()?;
        Ok(())
    })?;

    // Nothing but names of the route was ever shown.
    let seen = Client::Java.run(&target, &Verb::DescribeCluster)?.expect_ok()?;
    let brokers = seen.json["brokers"].as_array().context("brokers")?;
    assert_eq!(brokers.len(), 3, "{}", seen.json);
    for broker in brokers {
        let id = broker["id"].as_u64().context("id")?;
        assert_eq!(broker["host"], format!("broker-{id}-{ROUTE}"));
        assert_eq!(broker["port"], gateway.port);
    }
    gateway.gate.expect_alive()
}

#[test]
fn share_groups_work_through_the_plain_route() -> Result<()> {
    let kafka = cluster("share")?;
    let gateway = KafkaGateway::start("route-share", "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();
    for client in [Client::Java, Client::Go] {
        let topic = format!("share-{client}");
        let mut session = client.session(&target)?;
        session.run(&Verb::create_topic(&topic, 3, 3))?.expect_ok()?;
        // A share group starts at the end of the topic, so the consumer must be there first.
        let verb = Verb::consume(&topic, &format!("group-{client}"), Group::Share, 100);
        session.begin(&verb)?;
        let mut producer = Client::Java.session(&target)?;
        let end = std::time::Instant::now() + std::time::Duration::from_secs(40);
        let (sender, done) = std::sync::mpsc::sync_channel(1);
        std::thread::scope(|scope| -> Result<()> {
            scope.spawn(move || sender.send(session.finish(&verb)));
            let got = loop {
                producer.run(&Verb::produce(&topic, 100))?.expect_ok()?;
                match done.recv_timeout(std::time::Duration::from_secs(2)) {
                    Ok(outcome) => break outcome?.expect_ok()?,
                    Err(_) => anyhow::ensure!(std::time::Instant::now() < end, "{client}: the share group got nothing"),
                }
            };
            assert!(got.count() >= 100, "{client} got {}", got.count());
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_topic_mapping_gives_clients_another_name() -> Result<()> {
    let kafka = cluster("mapping")?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    let mut admin = Client::Java.session(&direct)?;
    admin.run(&Verb::create_topic("orders-internal-topic", 3, 3))?.expect_ok()?;
    admin.run(&Verb::create_topic("unmapped", 3, 3))?.expect_ok()?;

    let mut gateway = KafkaGateway::start("route-mapping", "05-kafkaroute-topicmapping.yaml", &kafka)?;
    let target = gateway.target();
    each_client(|client| {
        let mut session = client.session(&target)?;
        let topics = session.run(&Verb::ListTopics)?.expect_ok()?;
        assert!(topics.topics().contains(&"orders-external-topic"), "{client}: {:?}", topics.topics());
        assert!(topics.topics().contains(&"unmapped"), "{client}: {:?}", topics.topics());
        assert!(!topics.topics().contains(&"orders-internal-topic"), "{client}: {:?}", topics.topics());
        round_trip(client, &target, "orders-external-topic", &[Group::Classic, Group::Consumer])?;
        round_trip(client, &target, "unmapped", &[Group::Classic])
    })?;

    // What went in under the client's name is in the broker's topic, and the group's offsets are there too.
    let there = admin.run(&Verb::consume("orders-internal-topic", "direct", Group::Classic, 1000))?.expect_ok()?;
    assert!(there.count() >= 1000, "five clients sent 200 each, {} came", there.count());

    // Mixed members of one group, direct and through the gateway, agree on the topic.
    let mixed = Verb::consume("orders-internal-topic", "orders-external-topic-java-Classic", Group::Classic, 1);
    admin.run(&Verb::produce("orders-internal-topic", 10))?.expect_ok()?;
    admin.run(&mixed)?.expect_ok().context("a group moves from the route to the direct address")?;

    for client in [Client::Java, Client::Go] {
        let hidden = client.run(&target, &Verb::describe_topic("orders-internal-topic"))?;
        assert!(!hidden.ok(), "{client} sees the broker's name: {}", hidden.json);
    }
    gateway.gate.expect_alive()
}

#[test]
fn transactions_work_under_a_topic_mapping() -> Result<()> {
    let kafka = cluster("mapped-txn")?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    Client::Java.run(&direct, &Verb::create_topic("orders-internal-topic", 3, 3))?.expect_ok()?;
    let gateway = KafkaGateway::start("route-txn", "05-kafkaroute-topicmapping.yaml", &kafka)?;
    let target = gateway.target();
    each_client(|client| {
        let mut session = client.session(&target)?;
        session.run(&Verb::transaction("orders-external-topic", &format!("id-{client}"), 20, false))?.expect_ok()?;
        session.run(&Verb::transaction("orders-external-topic", &format!("id-{client}"), 20, true))?.expect_ok()?;
        Ok(())
    })?;
    let mut verb = Verb::consume("orders-external-topic", "committed", Group::Classic, 100);
    if let Verb::Consume { read_committed, .. } = &mut verb {
        *read_committed = true;
    }
    let got = Client::Java.run(&target, &verb)?.expect_ok()?;
    assert_eq!(got.values().iter().filter(|value| value.starts_with("committed-")).count(), 100);
    Ok(())
}

#[test]
fn acls_let_clients_read_some_topics_and_do_nothing_else() -> Result<()> {
    let kafka = cluster("acls")?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    let mut admin = Client::Java.session(&direct)?;
    for topic in ["orders-internal-topic", "orders-open", "payments"] {
        admin.run(&Verb::create_topic(topic, 3, 3))?.expect_ok()?;
        admin.run(&Verb::produce(topic, 100))?.expect_ok()?;
    }
    let gateway = KafkaGateway::start("route-acls", "06-kafkaroute-acls.yaml", &kafka)?;
    let target = gateway.target();
    each_client(|client| {
        let mut session = client.session(&target)?;
        let topics = session.run(&Verb::ListTopics)?.expect_ok()?;
        let mut names = topics.topics();
        names.sort_unstable();
        assert_eq!(names, ["orders-external-topic", "orders-open"], "{client}");
        for group in [Group::Classic, Group::Consumer] {
            for topic in ["orders-external-topic", "orders-open"] {
                let verb = Verb::consume(topic, &format!("acl-{client}-{group:?}-{topic}"), group, 100);
                if client.supports(&verb) {
                    session.run(&verb)?.expect_ok().with_context(|| format!("{group:?} {topic}"))?;
                }
            }
        }
        for topic in ["orders-external-topic", "payments"] {
            let mut verb = Verb::produce(topic, 5);
            if let Verb::Produce { timeout, .. } = &mut verb {
                *timeout = 15;
            }
            let refused = session.run(&verb)?;
            assert!(!refused.ok(), "{client} produced to {topic}: {}", refused.json);
        }
        Ok(())
    })?;
    // Kafka's own words, where the library hands them on.
    for client in [Client::Java, Client::Librdkafka, Client::Go] {
        client.run(&target, &Verb::produce("orders-external-topic", 5))?.expect_error("TOPIC_AUTHORIZATION_FAILED")?;
        client.run(&target, &Verb::describe_topic("payments"))?.expect_error("TOPIC_AUTHORIZATION_FAILED")?;
    }
    let created = Client::Java.run(&target, &Verb::create_topic("orders-new", 1, 1))?;
    assert!(!created.ok(), "{}", created.json);
    // The brokers never saw any of it.
    let topics = admin.run(&Verb::ListTopics)?.expect_ok()?;
    assert!(!topics.topics().contains(&"orders-new"));
    Ok(())
}

#[test]
fn the_route_changes_under_running_clients() -> Result<()> {
    let kafka = cluster("switch")?;
    let direct = Target::direct(&kafka, Listener::Plaintext);
    let mut admin = Client::Java.session(&direct)?;
    admin.run(&Verb::create_topic("orders-internal-topic", 3, 3))?.expect_ok()?;
    let mut gateway = KafkaGateway::start("route-switch", "04-kafkaroute.yaml", &kafka)?;
    let target = gateway.target();
    let mut session = Client::Java.session(&target)?;
    session.run(&Verb::produce("orders-internal-topic", 50))?.expect_ok()?;
    gateway.switch("05-kafkaroute-topicmapping.yaml")?;
    session.run(&Verb::produce("orders-external-topic", 50))?.expect_ok()?;
    gateway.switch("06-kafkaroute-acls.yaml")?;
    session.run(&Verb::consume("orders-external-topic", "after", Group::Classic, 100))?.expect_ok()?;
    session.run(&Verb::produce("orders-external-topic", 5))?.expect_error("TOPIC_AUTHORIZATION_FAILED")?;
    gateway.gate.expect_alive()
}
