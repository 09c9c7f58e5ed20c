// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListConfigResourcesResponse`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListConfigResourcesResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListConfigResourcesResponse {
    /// `ThrottleTimeMs`: int32, versions 0-1.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `ConfigResources`: []ConfigResource, versions 0-1.
    pub config_resources: Vec<ConfigResource>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ListConfigResourcesResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.config_resources = r.array(true, 2, |r| ConfigResource::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.array(true, &self.config_resources, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ListConfigResourcesResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigResource {
    /// `ResourceName`: string, versions 0-1.
    pub resource_name: Str,
    /// `ResourceType`: int8, versions 1.
    pub resource_type: i8,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self { resource_name: Default::default(), resource_type: 16, unknown_tags: UnknownTags::default() }
    }
}

impl Message for ConfigResource {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_name = r.string(true)?;
        if version >= 1 {
            m.resource_type = r.i8()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.resource_name)?;
        if version >= 1 {
            w.i8(self.resource_type);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ListConfigResourcesResponse {
    const NAME: &'static str = "ListConfigResourcesResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
