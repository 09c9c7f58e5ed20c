// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `FetchRequest`, versions 4-18.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `FetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// `ClusterId`: string, versions 12-18, tag 0.
    pub cluster_id: Option<Str>,
    /// `ReplicaId`: int32, versions 4-14.
    pub replica_id: i32,
    /// `ReplicaState`: ReplicaState, versions 15-18, tag 1.
    pub replica_state: ReplicaState,
    /// `MaxWaitMs`: int32, versions 4-18.
    pub max_wait_ms: i32,
    /// `MinBytes`: int32, versions 4-18.
    pub min_bytes: i32,
    /// `MaxBytes`: int32, versions 4-18.
    pub max_bytes: i32,
    /// `IsolationLevel`: int8, versions 4-18.
    pub isolation_level: i8,
    /// `SessionId`: int32, versions 7-18.
    pub session_id: i32,
    /// `SessionEpoch`: int32, versions 7-18.
    pub session_epoch: i32,
    /// `Topics`: []FetchTopic, versions 4-18.
    pub topics: Vec<FetchTopic>,
    /// `ForgottenTopicsData`: []ForgottenTopic, versions 7-18.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// `RackId`: string, versions 11-18.
    pub rack_id: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: i32::MAX,
            isolation_level: Default::default(),
            session_id: Default::default(),
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for FetchRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        if version <= 14 {
            m.replica_id = r.i32()?;
        }
        m.max_wait_ms = r.i32()?;
        m.min_bytes = r.i32()?;
        m.max_bytes = r.i32()?;
        m.isolation_level = r.i8()?;
        if version >= 7 {
            m.session_id = r.i32()?;
        }
        if version >= 7 {
            m.session_epoch = r.i32()?;
        }
        m.topics = r.array(flex, 1, |r| FetchTopic::decode(version, r))?;
        if version >= 7 {
            m.forgotten_topics_data = r.array(flex, 1, |r| ForgottenTopic::decode(version, r))?;
        }
        if version >= 11 {
            m.rack_id = r.string(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 12 => m.cluster_id = r.string_opt(flex)?,
                    1 if version >= 15 => m.replica_state = ReplicaState::decode(version, r)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        if version <= 14 {
            w.i32(self.replica_id);
        }
        w.i32(self.max_wait_ms);
        w.i32(self.min_bytes);
        w.i32(self.max_bytes);
        w.i8(self.isolation_level);
        if version >= 7 {
            w.i32(self.session_id);
        }
        if version >= 7 {
            w.i32(self.session_epoch);
        }
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if version >= 7 {
            w.array(flex, &self.forgotten_topics_data, |w, x| x.encode(version, w))?;
        }
        if version >= 11 {
            w.string(flex, &self.rack_id)?;
        }
        if flex {
            let mut known = TagFields::default();
            if version >= 12 && self.cluster_id.is_some() {
                known.add(0, |w| {
                    w.string_opt(flex, self.cluster_id.as_ref())?;
                    Ok(())
                })?;
            }
            if version >= 15 && self.replica_state != ReplicaState::default() {
                known.add(1, |w| {
                    self.replica_state.encode(version, w)?;
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `ReplicaId`: int32, versions 15-18.
    pub replica_id: i32,
    /// `ReplicaEpoch`: int64, versions 15-18.
    pub replica_epoch: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self { replica_id: -1, replica_epoch: -1, unknown_tags: UnknownTags::default() }
    }
}

impl Message for ReplicaState {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = r.i32()?;
        m.replica_epoch = r.i64()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        w.i64(self.replica_epoch);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `FetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchTopic {
    /// `Topic`: string, versions 4-12.
    pub topic: Str,
    /// `TopicId`: uuid, versions 13-18.
    pub topic_id: Uuid,
    /// `Partitions`: []FetchPartition, versions 4-18.
    pub partitions: Vec<FetchPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FetchTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        if version <= 12 {
            m.topic = r.string(flex)?;
        }
        if version >= 13 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 16, |r| FetchPartition::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        if version <= 12 {
            w.string(flex, &self.topic)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    /// `Partition`: int32, versions 4-18.
    pub partition: i32,
    /// `CurrentLeaderEpoch`: int32, versions 9-18.
    pub current_leader_epoch: i32,
    /// `FetchOffset`: int64, versions 4-18.
    pub fetch_offset: i64,
    /// `LastFetchedEpoch`: int32, versions 12-18.
    pub last_fetched_epoch: i32,
    /// `LogStartOffset`: int64, versions 5-18.
    pub log_start_offset: i64,
    /// `PartitionMaxBytes`: int32, versions 4-18.
    pub partition_max_bytes: i32,
    /// `ReplicaDirectoryId`: uuid, versions 17-18, tag 0.
    pub replica_directory_id: Uuid,
    /// `HighWatermark`: int64, versions 18, tag 1.
    pub high_watermark: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            fetch_offset: Default::default(),
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: Default::default(),
            replica_directory_id: Default::default(),
            high_watermark: i64::MAX,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for FetchPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        m.partition = r.i32()?;
        if version >= 9 {
            m.current_leader_epoch = r.i32()?;
        }
        m.fetch_offset = r.i64()?;
        if version >= 12 {
            m.last_fetched_epoch = r.i32()?;
        }
        if version >= 5 {
            m.log_start_offset = r.i64()?;
        }
        m.partition_max_bytes = r.i32()?;
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 17 => m.replica_directory_id = r.uuid()?,
                    1 if version >= 18 => m.high_watermark = r.i64()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        w.i32(self.partition);
        if version >= 9 {
            w.i32(self.current_leader_epoch);
        }
        w.i64(self.fetch_offset);
        if version >= 12 {
            w.i32(self.last_fetched_epoch);
        }
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.i32(self.partition_max_bytes);
        if flex {
            let mut known = TagFields::default();
            if version >= 17 && self.replica_directory_id != Uuid::default() {
                known.add(0, |w| {
                    w.uuid(self.replica_directory_id);
                    Ok(())
                })?;
            }
            if version >= 18 && self.high_watermark != i64::MAX {
                known.add(1, |w| {
                    w.i64(self.high_watermark);
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ForgottenTopic {
    /// `Topic`: string, versions 7-12.
    pub topic: Str,
    /// `TopicId`: uuid, versions 13-18.
    pub topic_id: Uuid,
    /// `Partitions`: []int32, versions 7-18.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ForgottenTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        if version <= 12 {
            m.topic = r.string(flex)?;
        }
        if version >= 13 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        if version <= 12 {
            w.string(flex, &self.topic)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(flex, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const MIN: i16 = 4;
    const MAX: i16 = 18;
}
impl Request for FetchRequest {
    const KEY: ApiKey = ApiKey::Fetch;
    type Response = super::FetchResponse;
}
