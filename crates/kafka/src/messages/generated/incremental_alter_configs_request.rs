// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `IncrementalAlterConfigsRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `IncrementalAlterConfigsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct IncrementalAlterConfigsRequest {
    /// `Resources`: []AlterConfigsResource, versions 0-1.
    pub resources: Vec<AlterConfigsResource>,
    /// `ValidateOnly`: bool, versions 0-1.
    pub validate_only: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for IncrementalAlterConfigsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.resources = r.array(flex, 3, |r| AlterConfigsResource::decode(version, r))?;
        m.validate_only = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.array(flex, &self.resources, |w, x| x.encode(version, w))?;
        w.bool(self.validate_only);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `IncrementalAlterConfigsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterConfigsResource {
    /// `ResourceType`: int8, versions 0-1.
    pub resource_type: i8,
    /// `ResourceName`: string, versions 0-1.
    pub resource_name: Str,
    /// `Configs`: []AlterableConfig, versions 0-1.
    pub configs: Vec<AlterableConfig>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AlterConfigsResource {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.resource_type = r.i8()?;
        m.resource_name = r.string(flex)?;
        m.configs = r.array(flex, 3, |r| AlterableConfig::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.i8(self.resource_type);
        w.string(flex, &self.resource_name)?;
        w.array(flex, &self.configs, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `IncrementalAlterConfigsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterableConfig {
    /// `Name`: string, versions 0-1.
    pub name: Str,
    /// `ConfigOperation`: int8, versions 0-1.
    pub config_operation: i8,
    /// `Value`: string, versions 0-1.
    pub value: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self {
            name: Default::default(),
            config_operation: Default::default(),
            value: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for AlterableConfig {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.config_operation = r.i8()?;
        m.value = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.string(flex, &self.name)?;
        w.i8(self.config_operation);
        w.string_opt(flex, self.value.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for IncrementalAlterConfigsRequest {
    const NAME: &'static str = "IncrementalAlterConfigsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for IncrementalAlterConfigsRequest {
    const KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
    type Response = super::IncrementalAlterConfigsResponse;
}
