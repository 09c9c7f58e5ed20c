// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListPartitionReassignmentsResponse`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListPartitionReassignmentsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPartitionReassignmentsResponse {
    /// `ThrottleTimeMs`: int32, versions 0.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0.
    pub error_message: Option<Str>,
    /// `Topics`: []OngoingTopicReassignment, versions 0.
    pub topics: Vec<OngoingTopicReassignment>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ListPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            topics: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ListPartitionReassignmentsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.topics = r.array(true, 3, |r| OngoingTopicReassignment::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ListPartitionReassignmentsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OngoingTopicReassignment {
    /// `Name`: string, versions 0.
    pub name: Str,
    /// `Partitions`: []OngoingPartitionReassignment, versions 0.
    pub partitions: Vec<OngoingPartitionReassignment>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for OngoingTopicReassignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.partitions = r.array(true, 8, |r| OngoingPartitionReassignment::decode(version, r))?;
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

/// A part of `ListPartitionReassignmentsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OngoingPartitionReassignment {
    /// `PartitionIndex`: int32, versions 0.
    pub partition_index: i32,
    /// `Replicas`: []int32, versions 0.
    pub replicas: Vec<i32>,
    /// `AddingReplicas`: []int32, versions 0.
    pub adding_replicas: Vec<i32>,
    /// `RemovingReplicas`: []int32, versions 0.
    pub removing_replicas: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for OngoingPartitionReassignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.replicas = r.array(true, 4, Reader::i32)?;
        m.adding_replicas = r.array(true, 4, Reader::i32)?;
        m.removing_replicas = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.array(true, &self.replicas, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array(true, &self.adding_replicas, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array(true, &self.removing_replicas, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ListPartitionReassignmentsResponse {
    const NAME: &'static str = "ListPartitionReassignmentsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
