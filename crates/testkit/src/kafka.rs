//! Real Apache Kafka: brokers in KRaft combined mode, started from the jars of Maven Central.

mod cluster;
mod config;
mod dist;

pub use cluster::{Builder, KafkaCluster};
pub use config::{ExtraListener, Listener, Security};
pub use dist::{Dist, VERSIONS, command};
