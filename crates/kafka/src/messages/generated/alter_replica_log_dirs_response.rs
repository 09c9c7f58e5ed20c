// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `AlterReplicaLogDirsResponse`, versions 1-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `AlterReplicaLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterReplicaLogDirsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-2.
    pub throttle_time_ms: i32,
    /// `Results`: []AlterReplicaLogDirTopicResult, versions 1-2.
    pub results: Vec<AlterReplicaLogDirTopicResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AlterReplicaLogDirsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.results = r.array(flex, 2, |r| AlterReplicaLogDirTopicResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.results, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `AlterReplicaLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterReplicaLogDirTopicResult {
    /// `TopicName`: string, versions 1-2.
    pub topic_name: Str,
    /// `Partitions`: []AlterReplicaLogDirPartitionResult, versions 1-2.
    pub partitions: Vec<AlterReplicaLogDirPartitionResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AlterReplicaLogDirTopicResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.topic_name = r.string(flex)?;
        m.partitions = r.array(flex, 6, |r| AlterReplicaLogDirPartitionResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.topic_name)?;
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `AlterReplicaLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterReplicaLogDirPartitionResult {
    /// `PartitionIndex`: int32, versions 1-2.
    pub partition_index: i32,
    /// `ErrorCode`: int16, versions 1-2.
    pub error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AlterReplicaLogDirPartitionResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.error_code = r.i16()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.partition_index);
        w.i16(self.error_code);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for AlterReplicaLogDirsResponse {
    const NAME: &'static str = "AlterReplicaLogDirsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 2;
}
