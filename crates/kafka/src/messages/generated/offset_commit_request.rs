// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `OffsetCommitRequest`, versions 2-10.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `OffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// `GroupId`: string, versions 2-10.
    pub group_id: Str,
    /// `GenerationIdOrMemberEpoch`: int32, versions 2-10.
    pub generation_id_or_member_epoch: i32,
    /// `MemberId`: string, versions 2-10.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 7-10.
    pub group_instance_id: Option<Str>,
    /// `RetentionTimeMs`: int64, versions 2-4.
    pub retention_time_ms: i64,
    /// `Topics`: []OffsetCommitRequestTopic, versions 2-10.
    pub topics: Vec<OffsetCommitRequestTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            retention_time_ms: -1,
            topics: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for OffsetCommitRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 8;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        m.generation_id_or_member_epoch = r.i32()?;
        m.member_id = r.string(flex)?;
        if version >= 7 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        if version <= 4 {
            m.retention_time_ms = r.i64()?;
        }
        m.topics = r.array(flex, 1, |r| OffsetCommitRequestTopic::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 8;
        w.string(flex, &self.group_id)?;
        w.i32(self.generation_id_or_member_epoch);
        w.string(flex, &self.member_id)?;
        if version >= 7 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        if version <= 4 {
            w.i64(self.retention_time_ms);
        }
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `OffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetCommitRequestTopic {
    /// `Name`: string, versions 2-9.
    pub name: Str,
    /// `TopicId`: uuid, versions 10.
    pub topic_id: Uuid,
    /// `Partitions`: []OffsetCommitRequestPartition, versions 2-10.
    pub partitions: Vec<OffsetCommitRequestPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for OffsetCommitRequestTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 8;
        let mut m = Self::default();
        if version <= 9 {
            m.name = r.string(flex)?;
        }
        if version >= 10 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 13, |r| OffsetCommitRequestPartition::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 8;
        if version <= 9 {
            w.string(flex, &self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `OffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// `PartitionIndex`: int32, versions 2-10.
    pub partition_index: i32,
    /// `CommittedOffset`: int64, versions 2-10.
    pub committed_offset: i64,
    /// `CommittedLeaderEpoch`: int32, versions 6-10.
    pub committed_leader_epoch: i32,
    /// `CommittedMetadata`: string, versions 2-10.
    pub committed_metadata: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for OffsetCommitRequestPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 8;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.committed_offset = r.i64()?;
        if version >= 6 {
            m.committed_leader_epoch = r.i32()?;
        }
        m.committed_metadata = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 8;
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 6 {
            w.i32(self.committed_leader_epoch);
        }
        w.string_opt(flex, self.committed_metadata.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const MIN: i16 = 2;
    const MAX: i16 = 10;
}
impl Request for OffsetCommitRequest {
    const KEY: ApiKey = ApiKey::OffsetCommit;
    type Response = super::OffsetCommitResponse;
}
