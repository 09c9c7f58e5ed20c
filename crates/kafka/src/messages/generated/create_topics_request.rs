// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `CreateTopicsRequest`, versions 2-7.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `CreateTopicsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// `Topics`: []CreatableTopic, versions 2-7.
    pub topics: Vec<CreatableTopic>,
    /// `timeoutMs`: int32, versions 2-7.
    pub timeout_ms: i32,
    /// `validateOnly`: bool, versions 2-7.
    pub validate_only: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: 60000,
            validate_only: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for CreateTopicsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.topics = r.array(flex, 9, |r| CreatableTopic::decode(version, r))?;
        m.timeout_ms = r.i32()?;
        m.validate_only = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateTopicsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableTopic {
    /// `Name`: string, versions 2-7.
    pub name: Str,
    /// `NumPartitions`: int32, versions 2-7.
    pub num_partitions: i32,
    /// `ReplicationFactor`: int16, versions 2-7.
    pub replication_factor: i16,
    /// `Assignments`: []CreatableReplicaAssignment, versions 2-7.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// `Configs`: []CreatableTopicConfig, versions 2-7.
    pub configs: Vec<CreatableTopicConfig>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreatableTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.num_partitions = r.i32()?;
        m.replication_factor = r.i16()?;
        m.assignments = r.array(flex, 5, |r| CreatableReplicaAssignment::decode(version, r))?;
        m.configs = r.array(flex, 2, |r| CreatableTopicConfig::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.string(flex, &self.name)?;
        w.i32(self.num_partitions);
        w.i16(self.replication_factor);
        w.array(flex, &self.assignments, |w, x| x.encode(version, w))?;
        w.array(flex, &self.configs, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateTopicsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableReplicaAssignment {
    /// `PartitionIndex`: int32, versions 2-7.
    pub partition_index: i32,
    /// `BrokerIds`: []int32, versions 2-7.
    pub broker_ids: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreatableReplicaAssignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.partition_index = r.i32()?;
        m.broker_ids = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.i32(self.partition_index);
        w.array(flex, &self.broker_ids, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateTopicsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfig {
    /// `Name`: string, versions 2-7.
    pub name: Str,
    /// `Value`: string, versions 2-7.
    pub value: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self { name: Default::default(), value: Some(Default::default()), unknown_tags: UnknownTags::default() }
    }
}

impl Message for CreatableTopicConfig {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.value = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.string(flex, &self.name)?;
        w.string_opt(flex, self.value.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for CreateTopicsRequest {
    const NAME: &'static str = "CreateTopicsRequest";
    const MIN: i16 = 2;
    const MAX: i16 = 7;
}
impl Request for CreateTopicsRequest {
    const KEY: ApiKey = ApiKey::CreateTopics;
    type Response = super::CreateTopicsResponse;
}
