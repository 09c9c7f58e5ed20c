// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `IncrementalAlterConfigsResponse`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `IncrementalAlterConfigsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct IncrementalAlterConfigsResponse {
    /// `ThrottleTimeMs`: int32, versions 0-1.
    pub throttle_time_ms: i32,
    /// `Responses`: []AlterConfigsResourceResponse, versions 0-1.
    pub responses: Vec<AlterConfigsResourceResponse>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for IncrementalAlterConfigsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.responses = r.array(flex, 5, |r| AlterConfigsResourceResponse::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.responses, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `IncrementalAlterConfigsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterConfigsResourceResponse {
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-1.
    pub error_message: Option<Str>,
    /// `ResourceType`: int8, versions 0-1.
    pub resource_type: i8,
    /// `ResourceName`: string, versions 0-1.
    pub resource_name: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for AlterConfigsResourceResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            resource_type: Default::default(),
            resource_name: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for AlterConfigsResourceResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        m.resource_type = r.i8()?;
        m.resource_name = r.string(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        w.i8(self.resource_type);
        w.string(flex, &self.resource_name)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for IncrementalAlterConfigsResponse {
    const NAME: &'static str = "IncrementalAlterConfigsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
