// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `FetchResponse`, versions 4-18.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `FetchResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchResponse {
    /// `ThrottleTimeMs`: int32, versions 4-18.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 7-18.
    pub error_code: i16,
    /// `SessionId`: int32, versions 7-18.
    pub session_id: i32,
    /// `Responses`: []FetchableTopicResponse, versions 4-18.
    pub responses: Vec<FetchableTopicResponse>,
    /// `NodeEndpoints`: []NodeEndpoint, versions 16-18, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FetchResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        if version >= 7 {
            m.error_code = r.i16()?;
        }
        if version >= 7 {
            m.session_id = r.i32()?;
        }
        m.responses = r.array(flex, 1, |r| FetchableTopicResponse::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 16 => m.node_endpoints = r.array(flex, 11, |r| NodeEndpoint::decode(version, r))?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        w.i32(self.throttle_time_ms);
        if version >= 7 {
            w.i16(self.error_code);
        }
        if version >= 7 {
            w.i32(self.session_id);
        }
        w.array(flex, &self.responses, |w, x| x.encode(version, w))?;
        if flex {
            let mut known = TagFields::default();
            if version >= 16 && !self.node_endpoints.is_empty() {
                known.add(0, |w| {
                    w.array(flex, &self.node_endpoints, |w, x| x.encode(version, w))?;
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchableTopicResponse {
    /// `Topic`: string, versions 4-12.
    pub topic: Str,
    /// `TopicId`: uuid, versions 13-18.
    pub topic_id: Uuid,
    /// `Partitions`: []PartitionData, versions 4-18.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FetchableTopicResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        if version <= 12 {
            m.topic = r.string(flex)?;
        }
        if version >= 13 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 24, |r| PartitionData::decode(version, r))?;
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

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// `PartitionIndex`: int32, versions 4-18.
    pub partition_index: i32,
    /// `ErrorCode`: int16, versions 4-18.
    pub error_code: i16,
    /// `HighWatermark`: int64, versions 4-18.
    pub high_watermark: i64,
    /// `LastStableOffset`: int64, versions 4-18.
    pub last_stable_offset: i64,
    /// `LogStartOffset`: int64, versions 5-18.
    pub log_start_offset: i64,
    /// `DivergingEpoch`: EpochEndOffset, versions 12-18, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// `CurrentLeader`: LeaderIdAndEpoch, versions 12-18, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// `SnapshotId`: SnapshotId, versions 12-18, tag 2.
    pub snapshot_id: SnapshotId,
    /// `AbortedTransactions`: []AbortedTransaction, versions 4-18.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// `PreferredReadReplica`: int32, versions 11-18.
    pub preferred_read_replica: i32,
    /// `Records`: records, versions 4-18.
    pub records: Option<Bytes>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            high_watermark: Default::default(),
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Some(Default::default()),
            preferred_read_replica: -1,
            records: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for PartitionData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.error_code = r.i16()?;
        m.high_watermark = r.i64()?;
        m.last_stable_offset = r.i64()?;
        if version >= 5 {
            m.log_start_offset = r.i64()?;
        }
        m.aborted_transactions = r.array_opt(flex, 16, |r| AbortedTransaction::decode(version, r))?;
        if version >= 11 {
            m.preferred_read_replica = r.i32()?;
        }
        m.records = r.bytes_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 12 => m.diverging_epoch = EpochEndOffset::decode(version, r)?,
                    1 if version >= 12 => m.current_leader = LeaderIdAndEpoch::decode(version, r)?,
                    2 if version >= 12 => m.snapshot_id = SnapshotId::decode(version, r)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.high_watermark);
        w.i64(self.last_stable_offset);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.array_opt(flex, self.aborted_transactions.as_ref(), |w, x| x.encode(version, w))?;
        if version >= 11 {
            w.i32(self.preferred_read_replica);
        }
        w.bytes_opt(flex, self.records.as_ref())?;
        if flex {
            let mut known = TagFields::default();
            if version >= 12 && self.diverging_epoch != EpochEndOffset::default() {
                known.add(0, |w| {
                    self.diverging_epoch.encode(version, w)?;
                    Ok(())
                })?;
            }
            if version >= 12 && self.current_leader != LeaderIdAndEpoch::default() {
                known.add(1, |w| {
                    self.current_leader.encode(version, w)?;
                    Ok(())
                })?;
            }
            if version >= 12 && self.snapshot_id != SnapshotId::default() {
                known.add(2, |w| {
                    self.snapshot_id.encode(version, w)?;
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// `Epoch`: int32, versions 12-18.
    pub epoch: i32,
    /// `EndOffset`: int64, versions 12-18.
    pub end_offset: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { epoch: -1, end_offset: -1, unknown_tags: UnknownTags::default() }
    }
}

impl Message for EpochEndOffset {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = r.i32()?;
        m.end_offset = r.i64()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.i64(self.end_offset);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `LeaderId`: int32, versions 12-18.
    pub leader_id: i32,
    /// `LeaderEpoch`: int32, versions 12-18.
    pub leader_epoch: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1, unknown_tags: UnknownTags::default() }
    }
}

impl Message for LeaderIdAndEpoch {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = r.i32()?;
        m.leader_epoch = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// `EndOffset`: int64, versions 12-18.
    pub end_offset: i64,
    /// `Epoch`: int32, versions 12-18.
    pub epoch: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self { end_offset: -1, epoch: -1, unknown_tags: UnknownTags::default() }
    }
}

impl Message for SnapshotId {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.end_offset = r.i64()?;
        m.epoch = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i64(self.end_offset);
        w.i32(self.epoch);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AbortedTransaction {
    /// `ProducerId`: int64, versions 4-18.
    pub producer_id: i64,
    /// `FirstOffset`: int64, versions 4-18.
    pub first_offset: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AbortedTransaction {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 12;
        let mut m = Self::default();
        m.producer_id = r.i64()?;
        m.first_offset = r.i64()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 12;
        w.i64(self.producer_id);
        w.i64(self.first_offset);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FetchResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NodeEndpoint {
    /// `NodeId`: int32, versions 16-18.
    pub node_id: i32,
    /// `Host`: string, versions 16-18.
    pub host: Str,
    /// `Port`: int32, versions 16-18.
    pub port: i32,
    /// `Rack`: string, versions 16-18.
    pub rack: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for NodeEndpoint {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = r.i32()?;
        m.host = r.string(true)?;
        m.port = r.i32()?;
        m.rack = r.string_opt(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(true, &self.host)?;
        w.i32(self.port);
        w.string_opt(true, self.rack.as_ref())?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const MIN: i16 = 4;
    const MAX: i16 = 18;
}
