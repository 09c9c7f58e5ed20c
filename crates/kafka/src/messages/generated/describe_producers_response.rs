// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeProducersResponse`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeProducersResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeProducersResponse {
    /// `ThrottleTimeMs`: int32, versions 0.
    pub throttle_time_ms: i32,
    /// `Topics`: []TopicResponse, versions 0.
    pub topics: Vec<TopicResponse>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeProducersResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.topics = r.array(true, 3, |r| TopicResponse::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeProducersResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicResponse {
    /// `Name`: string, versions 0.
    pub name: Str,
    /// `Partitions`: []PartitionResponse, versions 0.
    pub partitions: Vec<PartitionResponse>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.partitions = r.array(true, 9, |r| PartitionResponse::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.array(true, &self.partitions, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeProducersResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionResponse {
    /// `PartitionIndex`: int32, versions 0.
    pub partition_index: i32,
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0.
    pub error_message: Option<Str>,
    /// `ActiveProducers`: []ProducerState, versions 0.
    pub active_producers: Vec<ProducerState>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for PartitionResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.active_producers = r.array(true, 37, |r| ProducerState::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.array(true, &self.active_producers, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeProducersResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerState {
    /// `ProducerId`: int64, versions 0.
    pub producer_id: i64,
    /// `ProducerEpoch`: int32, versions 0.
    pub producer_epoch: i32,
    /// `LastSequence`: int32, versions 0.
    pub last_sequence: i32,
    /// `LastTimestamp`: int64, versions 0.
    pub last_timestamp: i64,
    /// `CoordinatorEpoch`: int32, versions 0.
    pub coordinator_epoch: i32,
    /// `CurrentTxnStartOffset`: int64, versions 0.
    pub current_txn_start_offset: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ProducerState {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            producer_epoch: Default::default(),
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: Default::default(),
            current_txn_start_offset: -1,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ProducerState {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.producer_id = r.i64()?;
        m.producer_epoch = r.i32()?;
        m.last_sequence = r.i32()?;
        m.last_timestamp = r.i64()?;
        m.coordinator_epoch = r.i32()?;
        m.current_txn_start_offset = r.i64()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i64(self.producer_id);
        w.i32(self.producer_epoch);
        w.i32(self.last_sequence);
        w.i64(self.last_timestamp);
        w.i32(self.coordinator_epoch);
        w.i64(self.current_txn_start_offset);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DescribeProducersResponse {
    const NAME: &'static str = "DescribeProducersResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
