//! Brokers restart, are killed, lose their leaders and get company while records flow, through the gateway and directly at the
//! same time, against the same brokers: nothing is lost, doubled or reordered, and who goes through the gateway waits no longer.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result, ensure};
use common::{KafkaGateway, ROUTE};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;
use testkit::load::{Count, KafkaLoad, KafkaStream};
use testkit::{Client, Hosts, KafkaCluster, Listener, Session, Target, Verb};

/// How much later a client of the gateway may get its next acknowledgement, or its next record, than one that needs none. What
/// happens twice is judged by the better time: a busy machine delays the one or the other, a slow gateway would do so always.
const LATER: Duration = Duration::from_millis(500);
const RECOVERY: Duration = Duration::from_secs(60);

struct Rig {
    kafka: KafkaCluster,
    gateway: KafkaGateway,
    admin: Session,
    direct: KafkaLoad,
    routed: KafkaLoad,
    /// What happened, and the gaps it made: of acknowledgements and of records, directly and through the gateway.
    events: Vec<(String, [Duration; 4])>,
}

/// Leaders on every broker of `order`, in this order.
fn placed(order: [u32; 3]) -> Vec<Vec<u32>> {
    let [a, b, c] = order;
    vec![vec![a, b, c], vec![b, c, a], vec![c, a, b]]
}

impl Rig {
    fn start() -> Result<Self> {
        let kafka =
            KafkaCluster::builder().name("faults").brokers(3).property("broker.session.timeout.ms", "3000").start()?;
        kafka.warm_up()?;
        let folder = KafkaGateway::folder("faults", &kafka)?;
        folder.copy_as("000-kafkaroute", "04-kafkaroute.yaml", "kafkaroute.yaml")?;
        let gateway = KafkaGateway::run(folder, kafka.ids())?;
        let target = Target::direct(&kafka, Listener::Plaintext);
        let mut admin = Client::Go.session(&target)?;
        let order = <[u32; 3]>::try_from(kafka.ids()).ok().context("three brokers")?;
        for topic in ["direct", "routed"] {
            admin.run(&Verb::PlaceTopic { topic: topic.to_owned(), replicas: placed(order) })?.expect_ok()?;
        }
        // A broker that comes later has a name already.
        let more = Hosts::new().with(format!("broker-3-{ROUTE}"), Ipv4Addr::LOCALHOST);
        let direct = KafkaLoad::start("direct", &target, &KafkaStream::new("direct", 3))?;
        let routed = KafkaLoad::start("routed", &gateway.target().hosts(&more), &KafkaStream::new("routed", 3))?;
        let mut rig = Self { kafka, gateway, admin, direct, routed, events: Vec::new() };
        rig.recover("(nothing)")?;
        Ok(rig)
    }

    /// Waits until both have recovered from what has just happened, and takes note of how long that was.
    fn recover(&mut self, what: &str) -> Result<()> {
        self.direct.begin_recovered(RECOVERY)?;
        self.routed.begin_recovered(RECOVERY)?;
        let (direct, routed) = (self.direct.finish_recovered(RECOVERY)?, self.routed.finish_recovered(RECOVERY)?);
        self.events.push((what.to_owned(), [direct.0, routed.0, direct.1, routed.1]));
        Ok(())
    }

    /// Gives the leaders of both topics to these brokers, a partition to each.
    fn lead(&mut self, order: [u32; 3]) -> Result<()> {
        for topic in ["direct", "routed"] {
            let verb = Verb::MoveTopic { topic: topic.to_owned(), replicas: placed(order) };
            self.admin.run(&verb)?.expect_ok()?;
        }
        Ok(())
    }
}

#[test]
fn clients_recover_through_the_gateway_as_they_do_without() -> Result<()> {
    let mut rig = Rig::start()?;
    let ids = rig.kafka.ids();
    let home = [ids[0], ids[1], ids[2]];
    for (stopped, killed) in [(ids[1], ids[2]), (ids[2], ids[0])] {
        rig.lead([ids[1], ids[2], ids[0]])?;
        rig.recover("leaders moved")?;
        rig.lead(home)?;
        rig.recover("leaders moved")?;

        rig.kafka.stop(stopped)?;
        rig.recover("broker stopped")?;
        rig.kafka.start(stopped)?;
        rig.lead(home)?;
        rig.recover("broker back, leads again")?;

        rig.kafka.kill(killed)?;
        rig.recover("broker killed")?;
        rig.kafka.start(killed)?;
        rig.lead(home)?;
        rig.recover("broker back, leads again")?;
    }

    let added = rig.kafka.add_broker()?;
    let addresses = rig.kafka.addresses();
    rig.gateway.folder.endpoints("default", "my-kafka-service", "kafka", Listener::Plaintext.port(), &addresses)?;
    for order in [[added, ids[1], ids[2]], home, [added, ids[1], ids[2]]] {
        rig.lead(order)?;
        rig.recover(if order == home { "leaders moved" } else { "broker added, leads" })?;
    }

    let Rig { direct, routed, events, mut gateway, .. } = rig;
    let counts = [direct.stop()?, routed.stop()?];
    eprintln!("{}", Count::heads());
    counts.iter().for_each(|count| eprintln!("{count}"));
    eprintln!(
        "{:<26} {:>14} {:>10} {:>18} {:>10}",
        "longest wait, ms", "ack, direct", "gateway", "record, direct", "gateway"
    );
    for (what, [ack, routed_ack, record, routed_record]) in &events {
        let ms = Duration::as_millis;
        eprintln!("{what:<26} {:>14} {:>10} {:>18} {:>10}", ms(ack), ms(routed_ack), ms(record), ms(routed_record));
    }
    for count in &counts {
        count.expect_whole()?;
    }
    for what in events.iter().map(|(what, _)| what).skip(1).collect::<BTreeSet<_>>() {
        let of = || events.iter().filter(|(of, _)| of == what).map(|(_, waits)| waits);
        let acks = of().map(|[direct, routed, ..]| routed.saturating_sub(*direct)).min().unwrap_or_default();
        let records = of().map(|[.., direct, routed]| routed.saturating_sub(*direct)).min().unwrap_or_default();
        ensure!(acks <= LATER, "{what}: acknowledgements came {acks:?} later through the gateway");
        ensure!(records <= LATER, "{what}: records came {records:?} later through the gateway");
    }
    gateway.gate.expect_alive()
}
