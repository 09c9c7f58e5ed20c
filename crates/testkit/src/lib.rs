//! What the tests and the demo stand on (never shipped): real Apache Kafka brokers, real clients in four languages,
//! HTTP origins, certificates, and a launcher for the `sluicegate` binary.
//!
//! Everything is started as a child process of this one, on loopback addresses only, and is stopped when its handle
//! is dropped or this process ends, however it ends. Files that are expensive to get (jars, wheels, built clients)
//! lie in `~/.cache/sluicegate` and are made once.
//!
//! ```no_run
//! use testkit::{Client, Listener, KafkaCluster, Target, User, Verb};
//! let kafka = KafkaCluster::builder().version("4.3.1").brokers(3).start()?;
//! kafka.warm_up()?;
//! let target = Target::direct(&kafka, Listener::SaslSsl).scram(User::ADMIN);
//! Client::Java.run(&target, &Verb::create_topic("orders", 3, 3))?.expect_ok()?;
//! let sent = Client::Go.run(&target, &Verb::produce("orders", 100))?.expect_ok()?;
//! assert_eq!(sent.count(), 100);
//! # anyhow::Ok(())
//! ```

pub mod apt;
pub mod authz;
pub mod certs;
pub mod clients;
pub mod cluster;
pub mod echo;
pub mod floods;
pub mod grpc;
pub mod hosts;
pub mod http;
pub mod kafka;
pub mod load;
pub mod net;
pub mod origin;
pub mod packaging;
pub mod paths;
pub mod process;
pub mod raw;
pub mod servers;
pub mod sluicegate;
pub mod suites;

pub use certs::{Ca, Identity};
pub use clients::{Client, Group, Outcome, Protocol, Session, Target, User, Verb, differing_steps};
pub use cluster::Cluster;
pub use hosts::Hosts;
pub use kafka::{KafkaCluster, Listener};
pub use net::{LoopbackNet, free_port};
pub use process::Process;
pub use sluicegate::Sluicegate;
