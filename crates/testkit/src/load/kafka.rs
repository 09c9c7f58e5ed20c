//! Numbered records: an idempotent producer and a consumer group, by franz-go.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::count::{Count, Ending};
use crate::clients::{Client, Session, Target, Verb};

/// What is produced and consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaStream {
    /// A topic that is there; each partition gets a key of its own, whose records are numbered.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// How many members the consumer group has.
    pub members: u32,
    /// `classic` or `consumer` (KIP-848).
    pub protocol: &'static str,
    /// Between two records of a partition.
    pub interval_ms: u32,
}

impl KafkaStream {
    /// Two members of a group of the new protocol, a hundred records a second for each partition.
    pub fn new(topic: &str, partitions: u32) -> Self {
        Self { topic: topic.to_owned(), partitions, members: 2, protocol: "consumer", interval_ms: 10 }
    }
}

/// A producer (`acks=all`, idempotent) and a consumer group that run until they are told to stop.
pub struct KafkaLoad {
    session: Session,
    name: String,
}

impl fmt::Debug for KafkaLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLoad").field("name", &self.name).finish_non_exhaustive()
    }
}

impl KafkaLoad {
    /// Begins; returns once records of every partition are acknowledged and consumed.
    pub fn start(name: &str, target: &Target, stream: &KafkaStream) -> Result<Self> {
        let mut session = Client::Go.session(target)?;
        session.run(&Verb::StreamStart(stream.clone()))?.expect_ok().with_context(|| name.to_owned())?;
        Ok(Self { session, name: name.to_owned() })
    }

    /// Waits until every partition's records are acknowledged and consumed again, the last of them sent after now, and gives
    /// the longest time that any partition was without an acknowledgement and without a consumed record since the last call.
    pub fn recovered(&mut self, limit: Duration) -> Result<(Duration, Duration)> {
        self.begin_recovered(limit)?;
        self.finish_recovered(limit)
    }

    /// Asks as [`Self::recovered`], without waiting.
    pub fn begin_recovered(&mut self, limit: Duration) -> Result<()> {
        self.session.begin(&recovered(limit))
    }

    /// Waits for what [`Self::begin_recovered`] has asked.
    pub fn finish_recovered(&mut self, limit: Duration) -> Result<(Duration, Duration)> {
        let answer = self.session.finish(&recovered(limit))?.expect_ok().with_context(|| self.name.clone())?;
        let gap = |name: &str| Duration::from_millis(answer.json[name].as_u64().unwrap_or(u64::MAX));
        Ok((gap("produce_gap_ms"), gap("consume_gap_ms")))
    }

    /// Stops producing, waits until the group has every acknowledged record, and gives what was counted: `failed` are records
    /// that were not acknowledged, `closed` connections that the other side has ended, `max_gap_ms` is that of
    /// acknowledgements of one partition over the whole run.
    pub fn stop(mut self) -> Result<Count> {
        let answer = self.session.run(&Verb::StreamStop)?.expect_ok().with_context(|| self.name.clone())?.json;
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        let reasons = answer["reasons"].as_object().into_iter().flatten();
        Ok(Count {
            name: self.name,
            sent: number("sent"),
            ok: number("acknowledged").min(number("consumed")),
            failed: number("failed"),
            retried: number("redelivered"),
            endings: (0..number("closed"))
                .map(|_| Ending { at: std::time::Instant::now(), told: false, what: "disconnected".to_owned() })
                .collect(),
            told: 0,
            lost: number("lost"),
            duplicated: number("duplicated"),
            reordered: number("reordered"),
            max_gap_ms: number("max_gap_ms"),
            reasons: reasons.map(|(why, count)| (why.clone(), Value::as_u64(count).unwrap_or_default())).collect(),
        })
    }
}

fn recovered(limit: Duration) -> Verb {
    Verb::StreamRecovered { limit_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX) }
}
