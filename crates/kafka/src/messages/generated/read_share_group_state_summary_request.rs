// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ReadShareGroupStateSummaryRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ReadShareGroupStateSummaryRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadShareGroupStateSummaryRequest {
    /// `GroupId`: string, versions 0-1.
    pub group_id: Str,
    /// `Topics`: []ReadStateSummaryData, versions 0-1.
    pub topics: Vec<ReadStateSummaryData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ReadShareGroupStateSummaryRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        m.topics = r.array(true, 18, |r| ReadStateSummaryData::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ReadShareGroupStateSummaryRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadStateSummaryData {
    /// `TopicId`: uuid, versions 0-1.
    pub topic_id: Uuid,
    /// `Partitions`: []PartitionData, versions 0-1.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ReadStateSummaryData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = r.uuid()?;
        m.partitions = r.array(true, 9, |r| PartitionData::decode(version, r))?;
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

/// A part of `ReadShareGroupStateSummaryRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionData {
    /// `Partition`: int32, versions 0-1.
    pub partition: i32,
    /// `LeaderEpoch`: int32, versions 0-1.
    pub leader_epoch: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for PartitionData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = r.i32()?;
        m.leader_epoch = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.partition);
        w.i32(self.leader_epoch);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ReadShareGroupStateSummaryRequest {
    const NAME: &'static str = "ReadShareGroupStateSummaryRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for ReadShareGroupStateSummaryRequest {
    const KEY: ApiKey = ApiKey::ReadShareGroupStateSummary;
    type Response = super::ReadShareGroupStateSummaryResponse;
}
