// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ElectLeadersResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ElectLeadersResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ElectLeadersResponse {
    /// `ThrottleTimeMs`: int32, versions 0-2.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 1-2.
    pub error_code: i16,
    /// `ReplicaElectionResults`: []ReplicaElectionResult, versions 0-2.
    pub replica_election_results: Vec<ReplicaElectionResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ElectLeadersResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        if version >= 1 {
            m.error_code = r.i16()?;
        }
        m.replica_election_results = r.array(flex, 2, |r| ReplicaElectionResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.throttle_time_ms);
        if version >= 1 {
            w.i16(self.error_code);
        }
        w.array(flex, &self.replica_election_results, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ElectLeadersResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReplicaElectionResult {
    /// `Topic`: string, versions 0-2.
    pub topic: Str,
    /// `PartitionResult`: []PartitionResult, versions 0-2.
    pub partition_result: Vec<PartitionResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ReplicaElectionResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.topic = r.string(flex)?;
        m.partition_result = r.array(flex, 7, |r| PartitionResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.topic)?;
        w.array(flex, &self.partition_result, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ElectLeadersResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionResult {
    /// `PartitionId`: int32, versions 0-2.
    pub partition_id: i32,
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-2.
    pub error_message: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for PartitionResult {
    fn default() -> Self {
        Self {
            partition_id: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for PartitionResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.partition_id = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.partition_id);
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ElectLeadersResponse {
    const NAME: &'static str = "ElectLeadersResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
