// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeLogDirsResponse`, versions 1-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeLogDirsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 3-5.
    pub error_code: i16,
    /// `Results`: []DescribeLogDirsResult, versions 1-5.
    pub results: Vec<DescribeLogDirsResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeLogDirsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        if version >= 3 {
            m.error_code = r.i16()?;
        }
        m.results = r.array(flex, 4, |r| DescribeLogDirsResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.throttle_time_ms);
        if version >= 3 {
            w.i16(self.error_code);
        }
        w.array(flex, &self.results, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeLogDirsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsResult {
    /// `ErrorCode`: int16, versions 1-5.
    pub error_code: i16,
    /// `LogDir`: string, versions 1-5.
    pub log_dir: Str,
    /// `Topics`: []DescribeLogDirsTopic, versions 1-5.
    pub topics: Vec<DescribeLogDirsTopic>,
    /// `TotalBytes`: int64, versions 4-5.
    pub total_bytes: i64,
    /// `UsableBytes`: int64, versions 4-5.
    pub usable_bytes: i64,
    /// `IsCordoned`: bool, versions 5.
    pub is_cordoned: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            log_dir: Default::default(),
            topics: Default::default(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeLogDirsResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.log_dir = r.string(flex)?;
        m.topics = r.array(flex, 2, |r| DescribeLogDirsTopic::decode(version, r))?;
        if version >= 4 {
            m.total_bytes = r.i64()?;
        }
        if version >= 4 {
            m.usable_bytes = r.i64()?;
        }
        if version >= 5 {
            m.is_cordoned = r.bool()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i16(self.error_code);
        w.string(flex, &self.log_dir)?;
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if version >= 4 {
            w.i64(self.total_bytes);
        }
        if version >= 4 {
            w.i64(self.usable_bytes);
        }
        if version >= 5 {
            w.bool(self.is_cordoned);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeLogDirsTopic {
    /// `Name`: string, versions 1-5.
    pub name: Str,
    /// `Partitions`: []DescribeLogDirsPartition, versions 1-5.
    pub partitions: Vec<DescribeLogDirsPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeLogDirsTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.partitions = r.array(flex, 21, |r| DescribeLogDirsPartition::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.name)?;
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeLogDirsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeLogDirsPartition {
    /// `PartitionIndex`: int32, versions 1-5.
    pub partition_index: i32,
    /// `PartitionSize`: int64, versions 1-5.
    pub partition_size: i64,
    /// `OffsetLag`: int64, versions 1-5.
    pub offset_lag: i64,
    /// `IsFutureKey`: bool, versions 1-5.
    pub is_future_key: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeLogDirsPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.partition_size = r.i64()?;
        m.offset_lag = r.i64()?;
        m.is_future_key = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.partition_index);
        w.i64(self.partition_size);
        w.i64(self.offset_lag);
        w.bool(self.is_future_key);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DescribeLogDirsResponse {
    const NAME: &'static str = "DescribeLogDirsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 5;
}
