// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ShareFetchRequest`, versions 1-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ShareFetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareFetchRequest {
    /// `GroupId`: string, versions 1-2.
    pub group_id: Option<Str>,
    /// `MemberId`: string, versions 1-2.
    pub member_id: Option<Str>,
    /// `ShareSessionEpoch`: int32, versions 1-2.
    pub share_session_epoch: i32,
    /// `MaxWaitMs`: int32, versions 1-2.
    pub max_wait_ms: i32,
    /// `MinBytes`: int32, versions 1-2.
    pub min_bytes: i32,
    /// `MaxBytes`: int32, versions 1-2.
    pub max_bytes: i32,
    /// `MaxRecords`: int32, versions 1-2.
    pub max_records: i32,
    /// `BatchSize`: int32, versions 1-2.
    pub batch_size: i32,
    /// `ShareAcquireMode`: int8, versions 2.
    pub share_acquire_mode: i8,
    /// `IsRenewAck`: bool, versions 2.
    pub is_renew_ack: bool,
    /// `Topics`: []FetchTopic, versions 1-2.
    pub topics: Vec<FetchTopic>,
    /// `ForgottenTopicsData`: []ForgottenTopic, versions 1-2.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ShareFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Some(Default::default()),
            share_session_epoch: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: i32::MAX,
            max_records: Default::default(),
            batch_size: Default::default(),
            share_acquire_mode: Default::default(),
            is_renew_ack: Default::default(),
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ShareFetchRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string_opt(true)?;
        m.member_id = r.string_opt(true)?;
        m.share_session_epoch = r.i32()?;
        m.max_wait_ms = r.i32()?;
        m.min_bytes = r.i32()?;
        m.max_bytes = r.i32()?;
        m.max_records = r.i32()?;
        m.batch_size = r.i32()?;
        if version >= 2 {
            m.share_acquire_mode = r.i8()?;
        }
        if version >= 2 {
            m.is_renew_ack = r.bool()?;
        }
        m.topics = r.array(true, 18, |r| FetchTopic::decode(version, r))?;
        m.forgotten_topics_data = r.array(true, 18, |r| ForgottenTopic::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string_opt(true, self.group_id.as_ref())?;
        w.string_opt(true, self.member_id.as_ref())?;
        w.i32(self.share_session_epoch);
        w.i32(self.max_wait_ms);
        w.i32(self.min_bytes);
        w.i32(self.max_bytes);
        w.i32(self.max_records);
        w.i32(self.batch_size);
        if version >= 2 {
            w.i8(self.share_acquire_mode);
        }
        if version >= 2 {
            w.bool(self.is_renew_ack);
        }
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.array(true, &self.forgotten_topics_data, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ShareFetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchTopic {
    /// `TopicId`: uuid, versions 1-2.
    pub topic_id: Uuid,
    /// `Partitions`: []FetchPartition, versions 1-2.
    pub partitions: Vec<FetchPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FetchTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = r.uuid()?;
        m.partitions = r.array(true, 6, |r| FetchPartition::decode(version, r))?;
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

/// A part of `ShareFetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchPartition {
    /// `PartitionIndex`: int32, versions 1-2.
    pub partition_index: i32,
    /// `AcknowledgementBatches`: []AcknowledgementBatch, versions 1-2.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FetchPartition {
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

/// A part of `ShareFetchRequest`.
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

/// A part of `ShareFetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ForgottenTopic {
    /// `TopicId`: uuid, versions 1-2.
    pub topic_id: Uuid,
    /// `Partitions`: []int32, versions 1-2.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ForgottenTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = r.uuid()?;
        m.partitions = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(true, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ShareFetchRequest {
    const NAME: &'static str = "ShareFetchRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 2;
}
impl Request for ShareFetchRequest {
    const KEY: ApiKey = ApiKey::ShareFetch;
    type Response = super::ShareFetchResponse;
}
