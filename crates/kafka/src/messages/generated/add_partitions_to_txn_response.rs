// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `AddPartitionsToTxnResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `AddPartitionsToTxnResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnResponse {
    /// `ThrottleTimeMs`: int32, versions 0-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 4-5.
    pub error_code: i16,
    /// `ResultsByTransaction`: []AddPartitionsToTxnResult, versions 4-5.
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// `ResultsByTopicV3AndBelow`: []AddPartitionsToTxnTopicResult, versions 0-3.
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        if version >= 4 {
            m.error_code = r.i16()?;
        }
        if version >= 4 {
            m.results_by_transaction = r.array(flex, 3, |r| AddPartitionsToTxnResult::decode(version, r))?;
        }
        if version <= 3 {
            m.results_by_topic_v3_and_below =
                r.array(flex, 2, |r| AddPartitionsToTxnTopicResult::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.throttle_time_ms);
        if version >= 4 {
            w.i16(self.error_code);
        }
        if version >= 4 {
            w.array(flex, &self.results_by_transaction, |w, x| x.encode(version, w))?;
        }
        if version <= 3 {
            w.array(flex, &self.results_by_topic_v3_and_below, |w, x| x.encode(version, w))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `AddPartitionsToTxnResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnResult {
    /// `TransactionalId`: string, versions 4-5.
    pub transactional_id: Str,
    /// `TopicResults`: []AddPartitionsToTxnTopicResult, versions 4-5.
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = r.string(true)?;
        m.topic_results = r.array(true, 3, |r| AddPartitionsToTxnTopicResult::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.transactional_id)?;
        w.array(true, &self.topic_results, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `AddPartitionsToTxnResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnTopicResult {
    /// `Name`: string, versions 0-5.
    pub name: Str,
    /// `ResultsByPartition`: []AddPartitionsToTxnPartitionResult, versions 0-5.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnTopicResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.results_by_partition = r.array(flex, 6, |r| AddPartitionsToTxnPartitionResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.string(flex, &self.name)?;
        w.array(flex, &self.results_by_partition, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `AddPartitionsToTxnResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnPartitionResult {
    /// `PartitionIndex`: int32, versions 0-5.
    pub partition_index: i32,
    /// `PartitionErrorCode`: int16, versions 0-5.
    pub partition_error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnPartitionResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.partition_error_code = r.i16()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.partition_index);
        w.i16(self.partition_error_code);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for AddPartitionsToTxnResponse {
    const NAME: &'static str = "AddPartitionsToTxnResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
