//! Brokers restart, are killed, lose their leaders and get company while records flow, through the gateway and directly at the
//! same time, against the same brokers: nothing is lost, doubled or reordered, and who goes through the gateway waits no longer.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result, ensure};
use common::{KafkaGateway, ROUTE};
use std::net::Ipv4Addr;
use std::time::Duration;
use testkit::load::{Count, KafkaLoad, KafkaStream};
use testkit::{Client, Hosts, KafkaCluster, Listener, Session, Target, Verb};

/// How much later a client of the gateway may get its next acknowledgement, or its next record, than the clients that need none
/// have got theirs, at worst, when the same happened in the same run. Every event is judged.
const LATER: Duration = Duration::from_millis(500);
/// The topics of the clients that need no gateway: two loads, as each has luck of its own with its timers.
const DIRECT: [&str; 2] = ["direct", "direct-too"];
const ROUTED: &str = "routed";
const RECOVERY: Duration = Duration::from_secs(60);

struct Rig {
    kafka: KafkaCluster,
    gateway: KafkaGateway,
    admin: Session,
    /// Those of [`DIRECT`], and the one through the gateway.
    loads: Vec<KafkaLoad>,
    events: Vec<Event>,
}

/// What happened, and the gaps it made: of acknowledgements and of records.
struct Event {
    what: String,
    direct: Vec<(Duration, Duration)>,
    routed: (Duration, Duration),
}

fn topics() -> impl Iterator<Item = &'static str> {
    DIRECT.into_iter().chain([ROUTED])
}

/// Leaders on every broker of `order`, in this order.
fn placed(order: [u32; 3]) -> Vec<Vec<u32>> {
    let [a, b, c] = order;
    vec![vec![a, b, c], vec![b, c, a], vec![c, a, b]]
}

impl Rig {
    fn start() -> Result<Self> {
        let kafka = KafkaCluster::builder()
            .name("faults")
            .brokers(3)
            .property("broker.session.timeout.ms", "3000")
            // All groups have the same coordinator, and lose it together.
            .property("offsets.topic.num.partitions", "1")
            .start()?;
        kafka.warm_up()?;
        let folder = KafkaGateway::folder("faults", &kafka)?;
        folder.copy_as("000-kafkaroute", "04-kafkaroute.yaml", "kafkaroute.yaml")?;
        let gateway = KafkaGateway::run(folder, kafka.ids())?;
        let target = Target::direct(&kafka, Listener::Plaintext);
        let mut admin = Client::Go.session(&target)?;
        let order = <[u32; 3]>::try_from(kafka.ids()).ok().context("three brokers")?;
        for topic in topics() {
            admin.run(&Verb::PlaceTopic { topic: topic.to_owned(), replicas: placed(order) })?.expect_ok()?;
        }
        // A broker that comes later has a name already.
        let more = Hosts::new().with(format!("broker-3-{ROUTE}"), Ipv4Addr::LOCALHOST);
        let through = gateway.target().hosts(&more);
        let start = |topic| {
            let target = if topic == ROUTED { &through } else { &target };
            KafkaLoad::start(topic, target, &KafkaStream::new(topic, 3))
        };
        let loads = topics().map(start).collect::<Result<_>>()?;
        let mut rig = Self { kafka, gateway, admin, loads, events: Vec::new() };
        rig.recover("(nothing)")?;
        Ok(rig)
    }

    /// Waits until all have recovered from what has just happened, and takes note of how long that was.
    fn recover(&mut self, what: &str) -> Result<()> {
        self.loads.iter_mut().try_for_each(|load| load.begin_recovered(RECOVERY))?;
        let mut direct =
            self.loads.iter_mut().map(|load| load.finish_recovered(RECOVERY)).collect::<Result<Vec<_>>>()?;
        let routed = direct.pop().context("a load")?;
        self.events.push(Event { what: what.to_owned(), direct, routed });
        Ok(())
    }

    /// Gives the leaders of both topics to these brokers, a partition to each.
    fn lead(&mut self, order: [u32; 3]) -> Result<()> {
        for topic in topics() {
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

    let Rig { loads, events, mut gateway, .. } = rig;
    let counts = loads.into_iter().map(KafkaLoad::stop).collect::<Result<Vec<_>>>()?;
    eprintln!("{}", Count::heads());
    counts.iter().for_each(|count| eprintln!("{count}"));
    eprintln!(
        "{:<26} {:>14} {:>10} {:>18} {:>10}",
        "longest wait, ms", "ack, direct", "gateway", "record, direct", "gateway"
    );
    for Event { what, direct, routed } in &events {
        let ms =
            |waits: Vec<Duration>| waits.iter().map(|wait| wait.as_millis().to_string()).collect::<Vec<_>>().join(" ");
        let (acks, records) = direct.iter().copied().unzip();
        let (acks, records) = (ms(acks), ms(records));
        eprintln!("{what:<26} {acks:>14} {:>10} {records:>18} {:>10}", routed.0.as_millis(), routed.1.as_millis());
    }
    for count in &counts {
        count.expect_whole()?;
    }
    for Event { what, routed, .. } in events.iter().skip(1) {
        let direct = || events.iter().filter(|other| other.what == *what).flat_map(|other| &other.direct);
        let acks = direct().map(|waits| waits.0).max().context("nothing direct")?;
        let records = direct().map(|waits| waits.1).max().context("nothing direct")?;
        ensure!(routed.0 <= acks + LATER, "{what}: acknowledgements came after {:?}, directly {acks:?}", routed.0);
        ensure!(routed.1 <= records + LATER, "{what}: records came after {:?}, directly {records:?}", routed.1);
    }
    gateway.gate.expect_alive()
}
