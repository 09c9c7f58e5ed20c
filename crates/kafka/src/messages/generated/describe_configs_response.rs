// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeConfigsResponse`, versions 1-4.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeConfigsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeConfigsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-4.
    pub throttle_time_ms: i32,
    /// `Results`: []DescribeConfigsResult, versions 1-4.
    pub results: Vec<DescribeConfigsResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeConfigsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.results = r.array(flex, 6, |r| DescribeConfigsResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.results, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeConfigsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResult {
    /// `ErrorCode`: int16, versions 1-4.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 1-4.
    pub error_message: Option<Str>,
    /// `ResourceType`: int8, versions 1-4.
    pub resource_type: i8,
    /// `ResourceName`: string, versions 1-4.
    pub resource_name: Str,
    /// `Configs`: []DescribeConfigsResourceResult, versions 1-4.
    pub configs: Vec<DescribeConfigsResourceResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeConfigsResult {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            resource_type: Default::default(),
            resource_name: Default::default(),
            configs: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeConfigsResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        m.resource_type = r.i8()?;
        m.resource_name = r.string(flex)?;
        m.configs = r.array(flex, 6, |r| DescribeConfigsResourceResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        w.i8(self.resource_type);
        w.string(flex, &self.resource_name)?;
        w.array(flex, &self.configs, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeConfigsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResourceResult {
    /// `Name`: string, versions 1-4.
    pub name: Str,
    /// `Value`: string, versions 1-4.
    pub value: Option<Str>,
    /// `ReadOnly`: bool, versions 1-4.
    pub read_only: bool,
    /// `ConfigSource`: int8, versions 1-4.
    pub config_source: i8,
    /// `IsSensitive`: bool, versions 1-4.
    pub is_sensitive: bool,
    /// `Synonyms`: []DescribeConfigsSynonym, versions 1-4.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// `ConfigType`: int8, versions 3-4.
    pub config_type: i8,
    /// `Documentation`: string, versions 3-4.
    pub documentation: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
            synonyms: Default::default(),
            config_type: Default::default(),
            documentation: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeConfigsResourceResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.value = r.string_opt(flex)?;
        m.read_only = r.bool()?;
        m.config_source = r.i8()?;
        m.is_sensitive = r.bool()?;
        m.synonyms = r.array(flex, 3, |r| DescribeConfigsSynonym::decode(version, r))?;
        if version >= 3 {
            m.config_type = r.i8()?;
        }
        if version >= 3 {
            m.documentation = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.name)?;
        w.string_opt(flex, self.value.as_ref())?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.array(flex, &self.synonyms, |w, x| x.encode(version, w))?;
        if version >= 3 {
            w.i8(self.config_type);
        }
        if version >= 3 {
            w.string_opt(flex, self.documentation.as_ref())?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeConfigsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsSynonym {
    /// `Name`: string, versions 1-4.
    pub name: Str,
    /// `Value`: string, versions 1-4.
    pub value: Option<Str>,
    /// `Source`: int8, versions 1-4.
    pub source: i8,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeConfigsSynonym {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
            source: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeConfigsSynonym {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.value = r.string_opt(flex)?;
        m.source = r.i8()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.name)?;
        w.string_opt(flex, self.value.as_ref())?;
        w.i8(self.source);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DescribeConfigsResponse {
    const NAME: &'static str = "DescribeConfigsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 4;
}
