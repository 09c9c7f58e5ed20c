// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ShareAcknowledgeRequest`, versions 1-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ShareAcknowledgeRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareAcknowledgeRequest {
    /// `GroupId`: string, versions 1-2.
    pub group_id: Option<Str>,
    /// `MemberId`: string, versions 1-2.
    pub member_id: Option<Str>,
    /// `ShareSessionEpoch`: int32, versions 1-2.
    pub share_session_epoch: i32,
    /// `IsRenewAck`: bool, versions 2.
    pub is_renew_ack: bool,
    /// `Topics`: []AcknowledgeTopic, versions 1-2.
    pub topics: Vec<AcknowledgeTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ShareAcknowledgeRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Some(Default::default()),
            share_session_epoch: Default::default(),
            is_renew_ack: Default::default(),
            topics: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ShareAcknowledgeRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string_opt(true)?;
        m.member_id = r.string_opt(true)?;
        m.share_session_epoch = r.i32()?;
        if version >= 2 {
            m.is_renew_ack = r.bool()?;
        }
        m.topics = r.array(true, 18, |r| AcknowledgeTopic::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string_opt(true, self.group_id.as_ref())?;
        w.string_opt(true, self.member_id.as_ref())?;
        w.i32(self.share_session_epoch);
        if version >= 2 {
            w.bool(self.is_renew_ack);
        }
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ShareAcknowledgeRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AcknowledgeTopic {
    /// `TopicId`: uuid, versions 1-2.
    pub topic_id: Uuid,
    /// `Partitions`: []AcknowledgePartition, versions 1-2.
    pub partitions: Vec<AcknowledgePartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AcknowledgeTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = r.uuid()?;
        m.partitions = r.array(true, 6, |r| AcknowledgePartition::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(true, &self.partitions, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ShareAcknowledgeRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AcknowledgePartition {
    /// `PartitionIndex`: int32, versions 1-2.
    pub partition_index: i32,
    /// `AcknowledgementBatches`: []AcknowledgementBatch, versions 1-2.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AcknowledgePartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.acknowledgement_batches = r.array(true, 18, |r| AcknowledgementBatch::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.array(true, &self.acknowledgement_batches, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ShareAcknowledgeRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AcknowledgementBatch {
    /// `FirstOffset`: int64, versions 1-2.
    pub first_offset: i64,
    /// `LastOffset`: int64, versions 1-2.
    pub last_offset: i64,
    /// `AcknowledgeTypes`: []int8, versions 1-2.
    pub acknowledge_types: Vec<i8>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AcknowledgementBatch {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = r.i64()?;
        m.last_offset = r.i64()?;
        m.acknowledge_types = r.array(true, 1, Reader::i8)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i64(self.first_offset);
        w.i64(self.last_offset);
        w.array(true, &self.acknowledge_types, |w, x| {
            w.i8(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ShareAcknowledgeRequest {
    const NAME: &'static str = "ShareAcknowledgeRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 2;
}
impl Request for ShareAcknowledgeRequest {
    const KEY: ApiKey = ApiKey::ShareAcknowledge;
    type Response = super::ShareAcknowledgeResponse;
}
