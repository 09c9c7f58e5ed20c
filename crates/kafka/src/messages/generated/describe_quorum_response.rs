// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeQuorumResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeQuorumResponse {
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 2.
    pub error_message: Option<Str>,
    /// `Topics`: []TopicData, versions 0-2.
    pub topics: Vec<TopicData>,
    /// `Nodes`: []Node, versions 2.
    pub nodes: Vec<Node>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            topics: Default::default(),
            nodes: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeQuorumResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = r.i16()?;
        if version >= 2 {
            m.error_message = r.string_opt(true)?;
        }
        m.topics = r.array(true, 3, |r| TopicData::decode(version, r))?;
        if version >= 2 {
            m.nodes = r.array(true, 6, |r| Node::decode(version, r))?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        if version >= 2 {
            w.string_opt(true, self.error_message.as_ref())?;
        }
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        if version >= 2 {
            w.array(true, &self.nodes, |w, x| x.encode(version, w))?;
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicData {
    /// `TopicName`: string, versions 0-2.
    pub topic_name: Str,
    /// `Partitions`: []PartitionData, versions 0-2.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = r.string(true)?;
        m.partitions = r.array(true, 25, |r| PartitionData::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.topic_name)?;
        w.array(true, &self.partitions, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// `PartitionIndex`: int32, versions 0-2.
    pub partition_index: i32,
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 2.
    pub error_message: Option<Str>,
    /// `LeaderId`: int32, versions 0-2.
    pub leader_id: i32,
    /// `LeaderEpoch`: int32, versions 0-2.
    pub leader_epoch: i32,
    /// `HighWatermark`: int64, versions 0-2.
    pub high_watermark: i64,
    /// `CurrentVoters`: []ReplicaState, versions 0-2.
    pub current_voters: Vec<ReplicaState>,
    /// `Observers`: []ReplicaState, versions 0-2.
    pub observers: Vec<ReplicaState>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            leader_id: Default::default(),
            leader_epoch: Default::default(),
            high_watermark: Default::default(),
            current_voters: Default::default(),
            observers: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for PartitionData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.error_code = r.i16()?;
        if version >= 2 {
            m.error_message = r.string_opt(true)?;
        }
        m.leader_id = r.i32()?;
        m.leader_epoch = r.i32()?;
        m.high_watermark = r.i64()?;
        m.current_voters = r.array(true, 13, |r| ReplicaState::decode(version, r))?;
        m.observers = r.array(true, 13, |r| ReplicaState::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        if version >= 2 {
            w.string_opt(true, self.error_message.as_ref())?;
        }
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.i64(self.high_watermark);
        w.array(true, &self.current_voters, |w, x| x.encode(version, w))?;
        w.array(true, &self.observers, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Node {
    /// `NodeId`: int32, versions 2.
    pub node_id: i32,
    /// `Listeners`: []Listener, versions 2.
    pub listeners: Vec<Listener>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Node {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = r.i32()?;
        m.listeners = r.array(true, 5, |r| Listener::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.array(true, &self.listeners, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Listener {
    /// `Name`: string, versions 2.
    pub name: Str,
    /// `Host`: string, versions 2.
    pub host: Str,
    /// `Port`: uint16, versions 2.
    pub port: u16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Listener {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.host = r.string(true)?;
        m.port = r.u16()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.string(true, &self.host)?;
        w.u16(self.port);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeQuorumResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `ReplicaId`: int32, versions 0-2.
    pub replica_id: i32,
    /// `ReplicaDirectoryId`: uuid, versions 2.
    pub replica_directory_id: Uuid,
    /// `LogEndOffset`: int64, versions 0-2.
    pub log_end_offset: i64,
    /// `LastFetchTimestamp`: int64, versions 1-2.
    pub last_fetch_timestamp: i64,
    /// `LastCaughtUpTimestamp`: int64, versions 1-2.
    pub last_caught_up_timestamp: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            replica_directory_id: Default::default(),
            log_end_offset: Default::default(),
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ReplicaState {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = r.i32()?;
        if version >= 2 {
            m.replica_directory_id = r.uuid()?;
        }
        m.log_end_offset = r.i64()?;
        if version >= 1 {
            m.last_fetch_timestamp = r.i64()?;
        }
        if version >= 1 {
            m.last_caught_up_timestamp = r.i64()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        if version >= 2 {
            w.uuid(self.replica_directory_id);
        }
        w.i64(self.log_end_offset);
        if version >= 1 {
            w.i64(self.last_fetch_timestamp);
        }
        if version >= 1 {
            w.i64(self.last_caught_up_timestamp);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DescribeQuorumResponse {
    const NAME: &'static str = "DescribeQuorumResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
