// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `CreateTopicsResponse`, versions 2-7.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `CreateTopicsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreateTopicsResponse {
    /// `ThrottleTimeMs`: int32, versions 2-7.
    pub throttle_time_ms: i32,
    /// `Topics`: []CreatableTopicResult, versions 2-7.
    pub topics: Vec<CreatableTopicResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreateTopicsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.topics = r.array(flex, 4, |r| CreatableTopicResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateTopicsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// `Name`: string, versions 2-7.
    pub name: Str,
    /// `TopicId`: uuid, versions 7.
    pub topic_id: Uuid,
    /// `ErrorCode`: int16, versions 2-7.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 2-7.
    pub error_message: Option<Str>,
    /// `TopicConfigErrorCode`: int16, versions 5-7, tag 0.
    pub topic_config_error_code: i16,
    /// `NumPartitions`: int32, versions 5-7.
    pub num_partitions: i32,
    /// `ReplicationFactor`: int16, versions 5-7.
    pub replication_factor: i16,
    /// `Configs`: []CreatableTopicConfigs, versions 5-7.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            topic_config_error_code: Default::default(),
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for CreatableTopicResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        if version >= 7 {
            m.topic_id = r.uuid()?;
        }
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        if version >= 5 {
            m.num_partitions = r.i32()?;
        }
        if version >= 5 {
            m.replication_factor = r.i16()?;
        }
        if version >= 5 {
            m.configs = r.array_opt(flex, 6, |r| CreatableTopicConfigs::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 5 => m.topic_config_error_code = r.i16()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.string(flex, &self.name)?;
        if version >= 7 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        if version >= 5 {
            w.i32(self.num_partitions);
        }
        if version >= 5 {
            w.i16(self.replication_factor);
        }
        if version >= 5 {
            w.array_opt(flex, self.configs.as_ref(), |w, x| x.encode(version, w))?;
        }
        if flex {
            let mut known = TagFields::default();
            if version >= 5 && self.topic_config_error_code != i16::default() {
                known.add(0, |w| {
                    w.i16(self.topic_config_error_code);
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateTopicsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// `Name`: string, versions 5-7.
    pub name: Str,
    /// `Value`: string, versions 5-7.
    pub value: Option<Str>,
    /// `ReadOnly`: bool, versions 5-7.
    pub read_only: bool,
    /// `ConfigSource`: int8, versions 5-7.
    pub config_source: i8,
    /// `IsSensitive`: bool, versions 5-7.
    pub is_sensitive: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for CreatableTopicConfigs {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.value = r.string_opt(true)?;
        m.read_only = r.bool()?;
        m.config_source = r.i8()?;
        m.is_sensitive = r.bool()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.string_opt(true, self.value.as_ref())?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const MIN: i16 = 2;
    const MAX: i16 = 7;
}
