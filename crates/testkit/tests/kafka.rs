//! Real brokers of every version start, serve and stop.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that tells its timings")]

use std::time::Instant;

use testkit::{KafkaCluster, Listener};

fn starts(version: &str, brokers: u8) {
    let began = Instant::now();
    let mut kafka = KafkaCluster::builder().version(version).brokers(brokers).first_id(10).start().unwrap();
    let started = began.elapsed();
    kafka.warm_up().unwrap();
    println!("{version}: {brokers} brokers started in {started:.1?}, coordinators woken after {:.1?}", began.elapsed());
    assert_eq!(kafka.ids().len(), usize::from(brokers));
    assert!(kafka.bootstrap(Listener::SaslSsl).starts_with("broker-10-kafka.kafka.test:9094"));
    if brokers == 3 {
        kafka.kill(12).unwrap();
        kafka.start(12).unwrap();
    }
}

#[test]
fn one_broker_of_each_version() {
    for version in testkit::kafka::VERSIONS {
        starts(version, 1);
    }
}

#[test]
fn three_brokers_of_each_version() {
    for version in testkit::kafka::VERSIONS {
        starts(version, 3);
    }
}
