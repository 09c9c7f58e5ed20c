//! What a client is asked to do.

use std::time::Duration;

use serde_json::{Value, json};

use crate::load::KafkaStream;

/// The kind of group a consumer joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// JoinGroup and SyncGroup.
    Classic,
    /// KIP-848: `group.protocol=consumer`.
    Consumer,
    /// KIP-932: share groups.
    Share,
}

/// One request to a client. Where a count of seconds stands, the client gives up after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// Waits until a topic of this name can be described.
    CreateTopic {
        /// Its name.
        topic: String,
        /// How many.
        partitions: u32,
        /// Replicas of each.
        replication: u16,
    },
    /// Deletes a topic.
    DeleteTopic {
        /// Its name.
        topic: String,
    },
    /// Answers `topics`: all names but internal ones, sorted.
    ListTopics,
    /// Answers `partitions: [{partition, leader, replicas, isr}]` and, where the client tells it, `topic_id`.
    DescribeTopic {
        /// Its name.
        topic: String,
    },
    /// Answers `brokers: [{id, host, port}]`, and `cluster_id` and `controller` where the client tells them.
    DescribeCluster,
    /// Produces `{prefix}0` … `{prefix}{count-1}`, keyed by the number; answers `count`, those acknowledged.
    Produce {
        /// The topic.
        topic: String,
        /// How many records.
        count: u32,
        /// Begins each value.
        prefix: String,
        /// `all` (idempotent, the default), `1` or `0`.
        acks: &'static str,
        /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
        compression: &'static str,
        /// Pads each value with `x` to this length.
        size: u32,
        /// Waits this long between records.
        interval_ms: u32,
        /// Headers of each record.
        headers: Vec<(String, String)>,
        /// Seconds.
        timeout: u32,
    },
    /// Consumes from the earliest offset (or the group's) until `count` records have come or time is up; commits or
    /// acknowledges them; answers `count` and the first thousand `records: [{topic, partition, offset, key, value, headers}]`.
    /// It is an error (`TIMEOUT`) when fewer came.
    Consume {
        /// The topic.
        topic: String,
        /// The group.
        group: String,
        /// Its kind.
        protocol: Group,
        /// How many records.
        count: u32,
        /// `isolation.level=read_committed`.
        read_committed: bool,
        /// Seconds.
        timeout: u32,
    },
    /// Produces as [`Verb::Produce`] in one transaction, and commits or aborts it.
    Transaction {
        /// The topic.
        topic: String,
        /// `transactional.id`.
        id: String,
        /// How many records.
        count: u32,
        /// Begins each value.
        prefix: String,
        /// Else it is aborted.
        commit: bool,
        /// Seconds.
        timeout: u32,
    },
    /// Runs a fixed script of every admin and client operation that the Java client has; answers `steps: [{op, result}]` or
    /// `{op, error}`, in which what differs by run (ids, times, the prefix of names, addresses) is replaced by a constant, and
    /// `addresses`: every host:port any step showed.
    Differential {
        /// Begins the name of every topic, group and transactional id.
        prefix: String,
        /// Replicas of each topic.
        replication: u16,
        /// Seconds.
        timeout: u32,
    },
    /// Creates a topic whose partitions have exactly these replicas, the first of each its leader.
    PlaceTopic {
        /// Its name.
        topic: String,
        /// Node ids, by partition.
        replicas: Vec<Vec<u32>>,
    },
    /// Gives a topic's partitions other replicas and waits until the first of each leads.
    MoveTopic {
        /// Its name.
        topic: String,
        /// Node ids, by partition.
        replicas: Vec<Vec<u32>>,
    },
    /// Begins to produce and consume until told to stop; see [`crate::load::KafkaLoad`].
    StreamStart(KafkaStream),
    /// Answers once every partition serves again, with the longest gaps since the last time: `produce_gap_ms`, `consume_gap_ms`.
    StreamRecovered {
        /// How long that may take.
        limit_ms: u32,
    },
    /// Stops; answers `sent`, `acknowledged`, `consumed`, `failed`, `lost`, `duplicated`, `reordered`, `redelivered`, `closed`,
    /// `max_gap_ms`, `reasons`.
    StreamStop,
}

impl Verb {
    /// [`Verb::CreateTopic`].
    pub fn create_topic(topic: &str, partitions: u32, replication: u16) -> Self {
        Self::CreateTopic { topic: topic.to_owned(), partitions, replication }
    }

    /// [`Verb::DeleteTopic`].
    pub fn delete_topic(topic: &str) -> Self {
        Self::DeleteTopic { topic: topic.to_owned() }
    }

    /// [`Verb::DescribeTopic`].
    pub fn describe_topic(topic: &str) -> Self {
        Self::DescribeTopic { topic: topic.to_owned() }
    }

    /// [`Verb::Produce`]: idempotent, `acks=all`, values `v0` ….
    pub fn produce(topic: &str, count: u32) -> Self {
        Self::Produce {
            topic: topic.to_owned(),
            count,
            prefix: "v".to_owned(),
            acks: "all",
            compression: "none",
            size: 0,
            interval_ms: 0,
            headers: Vec::new(),
            timeout: 30,
        }
    }

    /// [`Verb::Consume`] in a group of this kind, 45 seconds at most.
    pub fn consume(topic: &str, group: &str, protocol: Group, count: u32) -> Self {
        Self::Consume {
            topic: topic.to_owned(),
            group: group.to_owned(),
            protocol,
            count,
            read_committed: false,
            timeout: 45,
        }
    }

    /// [`Verb::Transaction`], values `t0` ….
    pub fn transaction(topic: &str, id: &str, count: u32, commit: bool) -> Self {
        let prefix = if commit { "committed-" } else { "aborted-" }.to_owned();
        Self::Transaction { topic: topic.to_owned(), id: id.to_owned(), count, prefix, commit, timeout: 45 }
    }

    /// The verb's name in a request.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateTopic { .. } => "create-topic",
            Self::DeleteTopic { .. } => "delete-topic",
            Self::ListTopics => "list-topics",
            Self::DescribeTopic { .. } => "describe-topic",
            Self::DescribeCluster => "describe-cluster",
            Self::Produce { .. } => "produce",
            Self::Consume { .. } => "consume",
            Self::Transaction { .. } => "transaction",
            Self::Differential { .. } => "differential",
            Self::PlaceTopic { .. } => "place-topic",
            Self::MoveTopic { .. } => "move-topic",
            Self::StreamStart(_) => "stream-start",
            Self::StreamRecovered { .. } => "stream-recovered",
            Self::StreamStop => "stream-stop",
        }
    }

    pub(super) fn limit(&self) -> Duration {
        Duration::from_secs(u64::from(match self {
            Self::Produce { timeout, .. }
            | Self::Consume { timeout, .. }
            | Self::Transaction { timeout, .. }
            | Self::Differential { timeout, .. } => *timeout,
            Self::StreamRecovered { limit_ms } => limit_ms.div_ceil(1000),
            Self::StreamStart(_) | Self::StreamStop => 60,
            _ => 30,
        }))
    }

    pub(super) fn json(&self) -> Value {
        let mut json = match self {
            Self::CreateTopic { topic, partitions, replication } => {
                json!({"topic": topic, "partitions": partitions, "replication": replication})
            }
            Self::DeleteTopic { topic } | Self::DescribeTopic { topic } => json!({"topic": topic}),
            Self::ListTopics | Self::DescribeCluster => json!({}),
            Self::Produce { topic, count, prefix, acks, compression, size, interval_ms, headers, .. } => json!({
                "topic": topic, "count": count, "prefix": prefix, "acks": acks, "compression": compression,
                "size": size, "interval_ms": interval_ms, "headers": headers,
            }),
            Self::Consume { topic, group, protocol, count, read_committed, .. } => {
                let protocol = match protocol {
                    Group::Classic => "classic",
                    Group::Consumer => "consumer",
                    Group::Share => "share",
                };
                json!({"topic": topic, "group": group, "protocol": protocol, "count": count, "read_committed": read_committed})
            }
            Self::Transaction { topic, id, count, prefix, commit, .. } => {
                json!({"topic": topic, "id": id, "count": count, "prefix": prefix, "commit": commit})
            }
            Self::Differential { prefix, replication, .. } => json!({"prefix": prefix, "replication": replication}),
            Self::PlaceTopic { topic, replicas } | Self::MoveTopic { topic, replicas } => {
                json!({"topic": topic, "replicas": replicas})
            }
            Self::StreamStart(stream) => json!({
                "topic": stream.topic, "group": format!("{}-group", stream.topic), "partitions": stream.partitions,
                "members": stream.members, "protocol": stream.protocol, "interval_ms": stream.interval_ms,
            }),
            Self::StreamRecovered { limit_ms } => json!({"limit_ms": limit_ms}),
            Self::StreamStop => json!({}),
        };
        json["verb"] = self.name().into();
        json["timeout"] = self.limit().as_secs().into();
        json
    }
}
