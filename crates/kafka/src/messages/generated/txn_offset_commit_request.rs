// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `TxnOffsetCommitRequest`, versions 0-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `TxnOffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequest {
    /// `TransactionalId`: string, versions 0-6.
    pub transactional_id: Str,
    /// `GroupId`: string, versions 0-6.
    pub group_id: Str,
    /// `ProducerId`: int64, versions 0-6.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 0-6.
    pub producer_epoch: i16,
    /// `GenerationIdOrMemberEpoch`: int32, versions 3-6.
    pub generation_id_or_member_epoch: i32,
    /// `MemberId`: string, versions 3-6.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 3-6.
    pub group_instance_id: Option<Str>,
    /// `Topics`: []TxnOffsetCommitRequestTopic, versions 0-6.
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            group_id: Default::default(),
            producer_id: Default::default(),
            producer_epoch: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            topics: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for TxnOffsetCommitRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.transactional_id = r.string(flex)?;
        m.group_id = r.string(flex)?;
        m.producer_id = r.i64()?;
        m.producer_epoch = r.i16()?;
        if version >= 3 {
            m.generation_id_or_member_epoch = r.i32()?;
        }
        if version >= 3 {
            m.member_id = r.string(flex)?;
        }
        if version >= 3 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        m.topics = r.array(flex, 1, |r| TxnOffsetCommitRequestTopic::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.string(flex, &self.transactional_id)?;
        w.string(flex, &self.group_id)?;
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        if version >= 3 {
            w.i32(self.generation_id_or_member_epoch);
        }
        if version >= 3 {
            w.string(flex, &self.member_id)?;
        }
        if version >= 3 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `TxnOffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TxnOffsetCommitRequestTopic {
    /// `Name`: string, versions 0-5.
    pub name: Str,
    /// `TopicId`: uuid, versions 6.
    pub topic_id: Uuid,
    /// `Partitions`: []TxnOffsetCommitRequestPartition, versions 0-6.
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TxnOffsetCommitRequestTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version <= 5 {
            m.name = r.string(flex)?;
        }
        if version >= 6 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 13, |r| TxnOffsetCommitRequestPartition::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version <= 5 {
            w.string(flex, &self.name)?;
        }
        if version >= 6 {
            w.uuid(self.topic_id);
        }
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `TxnOffsetCommitRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequestPartition {
    /// `PartitionIndex`: int32, versions 0-6.
    pub partition_index: i32,
    /// `CommittedOffset`: int64, versions 0-6.
    pub committed_offset: i64,
    /// `CommittedLeaderEpoch`: int32, versions 2-6.
    pub committed_leader_epoch: i32,
    /// `CommittedMetadata`: string, versions 0-6.
    pub committed_metadata: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for TxnOffsetCommitRequestPartition {
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

impl Message for TxnOffsetCommitRequestPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.committed_offset = r.i64()?;
        if version >= 2 {
            m.committed_leader_epoch = r.i32()?;
        }
        m.committed_metadata = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 2 {
            w.i32(self.committed_leader_epoch);
        }
        w.string_opt(flex, self.committed_metadata.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for TxnOffsetCommitRequest {
    const NAME: &'static str = "TxnOffsetCommitRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 6;
}
impl Request for TxnOffsetCommitRequest {
    const KEY: ApiKey = ApiKey::TxnOffsetCommit;
    type Response = super::TxnOffsetCommitResponse;
}
