// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeTopicPartitionsResponse`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeTopicPartitionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeTopicPartitionsResponse {
    /// `ThrottleTimeMs`: int32, versions 0.
    pub throttle_time_ms: i32,
    /// `Topics`: []DescribeTopicPartitionsResponseTopic, versions 0.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// `NextCursor`: Cursor, versions 0.
    pub next_cursor: Option<Cursor>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeTopicPartitionsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.topics = r.array(true, 26, |r| DescribeTopicPartitionsResponseTopic::decode(version, r))?;
        m.next_cursor = r.struct_opt(|r| Cursor::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.struct_opt(self.next_cursor.as_ref(), |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeTopicPartitionsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `Name`: string, versions 0.
    pub name: Option<Str>,
    /// `TopicId`: uuid, versions 0.
    pub topic_id: Uuid,
    /// `IsInternal`: bool, versions 0.
    pub is_internal: bool,
    /// `Partitions`: []DescribeTopicPartitionsResponsePartition, versions 0.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// `TopicAuthorizedOperations`: int32, versions 0.
    pub topic_authorized_operations: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Some(Default::default()),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: i32::MIN,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeTopicPartitionsResponseTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.name = r.string_opt(true)?;
        m.topic_id = r.uuid()?;
        m.is_internal = r.bool()?;
        m.partitions = r.array(true, 20, |r| DescribeTopicPartitionsResponsePartition::decode(version, r))?;
        m.topic_authorized_operations = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.string_opt(true, self.name.as_ref())?;
        w.uuid(self.topic_id);
        w.bool(self.is_internal);
        w.array(true, &self.partitions, |w, x| x.encode(version, w))?;
        w.i32(self.topic_authorized_operations);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeTopicPartitionsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `PartitionIndex`: int32, versions 0.
    pub partition_index: i32,
    /// `LeaderId`: int32, versions 0.
    pub leader_id: i32,
    /// `LeaderEpoch`: int32, versions 0.
    pub leader_epoch: i32,
    /// `ReplicaNodes`: []int32, versions 0.
    pub replica_nodes: Vec<i32>,
    /// `IsrNodes`: []int32, versions 0.
    pub isr_nodes: Vec<i32>,
    /// `EligibleLeaderReplicas`: []int32, versions 0.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// `LastKnownElr`: []int32, versions 0.
    pub last_known_elr: Option<Vec<i32>>,
    /// `OfflineReplicas`: []int32, versions 0.
    pub offline_replicas: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            eligible_leader_replicas: Default::default(),
            last_known_elr: Default::default(),
            offline_replicas: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeTopicPartitionsResponsePartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.partition_index = r.i32()?;
        m.leader_id = r.i32()?;
        m.leader_epoch = r.i32()?;
        m.replica_nodes = r.array(true, 4, Reader::i32)?;
        m.isr_nodes = r.array(true, 4, Reader::i32)?;
        m.eligible_leader_replicas = r.array_opt(true, 4, Reader::i32)?;
        m.last_known_elr = r.array_opt(true, 4, Reader::i32)?;
        m.offline_replicas = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.array(true, &self.replica_nodes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array(true, &self.isr_nodes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array_opt(true, self.eligible_leader_replicas.as_ref(), |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array_opt(true, self.last_known_elr.as_ref(), |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array(true, &self.offline_replicas, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeTopicPartitionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cursor {
    /// `TopicName`: string, versions 0.
    pub topic_name: Str,
    /// `PartitionIndex`: int32, versions 0.
    pub partition_index: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Cursor {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = r.string(true)?;
        m.partition_index = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.topic_name)?;
        w.i32(self.partition_index);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DescribeTopicPartitionsResponse {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
