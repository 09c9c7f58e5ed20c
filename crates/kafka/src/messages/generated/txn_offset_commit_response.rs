// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `TxnOffsetCommitResponse`, versions 0-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `TxnOffsetCommitResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TxnOffsetCommitResponse {
    /// `ThrottleTimeMs`: int32, versions 0-6.
    pub throttle_time_ms: i32,
    /// `Topics`: []TxnOffsetCommitResponseTopic, versions 0-6.
    pub topics: Vec<TxnOffsetCommitResponseTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TxnOffsetCommitResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.topics = r.array(flex, 1, |r| TxnOffsetCommitResponseTopic::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `TxnOffsetCommitResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TxnOffsetCommitResponseTopic {
    /// `Name`: string, versions 0-5.
    pub name: Str,
    /// `TopicId`: uuid, versions 6.
    pub topic_id: Uuid,
    /// `Partitions`: []TxnOffsetCommitResponsePartition, versions 0-6.
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TxnOffsetCommitResponseTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version <= 5 {
            m.name = r.string(flex)?;
        }
        if version >= 6 {
            m.topic_id = r.uuid()?;
        }
        m.partitions = r.array(flex, 6, |r| TxnOffsetCommitResponsePartition::decode(version, r))?;
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

/// A part of `TxnOffsetCommitResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TxnOffsetCommitResponsePartition {
    /// `PartitionIndex`: int32, versions 0-6.
    pub partition_index: i32,
    /// `ErrorCode`: int16, versions 0-6.
    pub error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TxnOffsetCommitResponsePartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.error_code = r.i16()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.partition_index);
        w.i16(self.error_code);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for TxnOffsetCommitResponse {
    const NAME: &'static str = "TxnOffsetCommitResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 6;
}
