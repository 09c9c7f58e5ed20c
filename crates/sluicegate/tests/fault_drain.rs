//! Two gateways behind a load balancer that honours readiness; one of them is told to end, or is killed, under load of all
//! protocols. What a client may see of it is counted.
#![allow(missing_docs)]

mod common;
#[path = "common/lab.rs"]
mod lab;

use anyhow::{Context, Result, ensure};
use common::Folder;
use lab::{Lab, report};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use testkit::Sluicegate;
use testkit::load::{Balancer, Count, Header, Instance, KafkaLoad, Load};

/// `--min-drain`: ten times what the balancer needs to notice.
const MIN_DRAIN: Duration = Duration::from_secs(1);
/// `--drain-timeout`.
const DEADLINE: Duration = Duration::from_secs(6);

/// Generators of requests, which begin and end: a drain fails none of them.
const UNARY: [&str; 5] =
    ["HTTP/1.1", "HTTP/1.1, TLS", "HTTP/1.1, TLS, no reuse", "HTTP/1.1, edited route", "HTTP/2, TLS"];

/// Generators of streams, which stay as long as they may.
const STREAMS: [&str; 5] =
    ["gRPC streams, TLS", "gRPC streams that stay", "WebSocket", "WebSocket, TLS", "TLS passthrough"];

struct Pair {
    lab: Lab,
    _second: Folder,
    gates: [Sluicegate; 2],
    balancer: Balancer,
    address: Ipv4Addr,
}

impl Pair {
    fn start(name: &str) -> Result<Self> {
        let lab = Lab::new(name)?;
        let second = Folder::new(name)?;
        lab.fill(&second, lab.net.address(11))?;
        let arguments = [
            "--min-drain",
            &format!("{}s", MIN_DRAIN.as_secs()),
            "--drain-timeout",
            &format!("{}s", DEADLINE.as_secs()),
        ];
        let gates = [lab.run(&lab.folder, &arguments)?, lab.run(&second, &arguments)?];
        let address = lab.net.address(12);
        let at = |address: Ipv4Addr| lab.ports.standing().map(|port| SocketAddr::from((address, port))).to_vec();
        let instances = [10, 11]
            .iter()
            .zip(&gates)
            .map(|(host, gate)| Instance { admin: gate.admin(), ports: at(lab.net.address(*host)) })
            .collect();
        let balancer = Balancer::start(&at(address), instances)?;
        let pair = Self { lab, _second: second, gates, balancer, address };
        pair.until("both are ready", |pair| pair.balancer.is_ready(0) && pair.balancer.is_ready(1))?;
        Ok(pair)
    }

    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        while !is(self) {
            ensure!(Instant::now() < end, "{what}: not within 30 s");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Load of all protocols through the balancer. Among the gRPC streams are some that stay although they are told to go.
    fn load(&self, topic: &str) -> Result<(Load, KafkaLoad)> {
        let mut load = self.lab.load(self.address, &Header::new("x-edit"))?;
        load.grpc("gRPC streams that stay", &self.lab.secure(self.address, "grpc.lab.test")?, 2, false);
        let kafka = self.lab.kafka_load(self.address, topic)?;
        load.warm_up(20)?;
        Ok((load, kafka))
    }

    /// Starts an instance again and waits until it gets connections.
    fn revive(&mut self, index: usize) -> Result<()> {
        self.gates[index].restart()?;
        let before = self.balancer.connections()[index];
        self.until("the new instance gets connections", |pair| pair.balancer.connections()[index] > before)
    }
}

#[test]
fn a_drain_fails_no_request_and_cuts_no_stream_before_its_deadline() -> Result<()> {
    let mut pair = Pair::start("drain")?;
    let (load, mut kafka) = pair.load("drain")?;
    let mut drains = Vec::new();
    for index in [0, 1] {
        let began = Instant::now();
        let status = pair.gates[index].stop(DEADLINE + Duration::from_secs(20))?;
        drains.push(began..Instant::now());
        let log = pair.gates[index].log();
        let last = log.lines().rev().find(|line| line.contains("ended")).unwrap_or_default();
        eprintln!("drained in {:.1} s, {status}: {last}", began.elapsed().as_secs_f64());
        assert_eq!(status.code(), Some(1), "streams were cut at the deadline, and that is said");
        kafka.recovered(Duration::from_secs(20))?;
        pair.revive(index)?;
    }
    let mut counts = load.stop();
    counts.push(kafka.stop()?);
    report("two drains", &counts);
    assert_eq!(pair.balancer.refused(), 0, "an instance that was ready refused a connection");

    // A stream whose end was not announced ended no sooner than the deadline.
    for count in counts.iter().filter(|count| STREAMS.contains(&count.name.as_str())) {
        for ending in &count.endings {
            let drain = drains.iter().find(|drain| drain.start <= ending.at && ending.at <= drain.end + MIN_DRAIN);
            let drain = drain.with_context(|| format!("{}: {} without a drain", count.name, ending.what))?;
            let after = ending.at - drain.start;
            ensure!(
                ending.told || after >= DEADLINE,
                "{}: {} after {after:?}, and the deadline is {DEADLINE:?}",
                count.name,
                ending.what
            );
        }
    }
    for name in UNARY {
        named(&counts, name).expect_whole()?;
    }
    named(&counts, "Kafka").expect_whole()?;
    let heeding = named(&counts, "gRPC streams, TLS");
    heeding.expect_whole()?;
    assert!(heeding.told >= 4, "each stream was told: {heeding}");
    // What stays until it is cut loses at most the message that was on its way.
    let staying = named(&counts, "gRPC streams that stay");
    assert!(staying.told >= 2 && staying.failed <= 4, "{staying}");
    for count in counts.iter().filter(|count| count.name.starts_with("WebSocket")) {
        assert!(count.closed() >= 2 && count.untold().count() == 0, "each was told 1001: {count}");
        count.expect_whole()?;
    }
    Ok(())
}

#[test]
fn a_kill_fails_what_was_in_flight_and_nothing_else() -> Result<()> {
    let mut pair = Pair::start("kill")?;
    let (load, mut kafka) = pair.load("kill")?;
    for index in [0, 1] {
        pair.gates[index].process().kill();
        pair.until("the balancer knows", |pair| !pair.balancer.is_ready(index))?;
        kafka.recovered(Duration::from_secs(20))?;
        pair.revive(index)?;
    }
    let mut counts = load.stop();
    counts.push(kafka.stop()?);
    report(&format!("two kills; {} connections refused by the dead", pair.balancer.refused()), &counts);
    // One request or message can be in flight on each connection or stream, and each was on one of the two.
    let in_flight = [("HTTP/2, TLS", 8), ("gRPC streams, TLS", 4), ("HTTP/1.1", 4)];
    for count in &counts {
        match count.name.as_str() {
            "Kafka" => count.expect_whole()?,
            // Sent without waiting for what comes back.
            "TLS passthrough" => assert_eq!(count.sent, count.ok + count.failed, "{count}"),
            name => {
                let streams = in_flight.iter().find(|(of, _)| *of == name).map_or(2, |(_, streams)| *streams);
                assert!(count.failed <= 2 * streams, "{count}");
                assert_eq!(count.sent, count.ok + count.failed, "{count}");
            }
        }
        assert_eq!(count.lost + count.duplicated + count.reordered, 0, "{count}");
    }
    Ok(())
}

fn named<'a>(counts: &'a [Count], name: &str) -> &'a Count {
    counts.iter().find(|count| count.name == name).expect("a load of this name")
}
