// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DeleteTopicsResponse`, versions 1-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DeleteTopicsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteTopicsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-6.
    pub throttle_time_ms: i32,
    /// `Responses`: []DeletableTopicResult, versions 1-6.
    pub responses: Vec<DeletableTopicResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DeleteTopicsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.responses = r.array(flex, 3, |r| DeletableTopicResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.responses, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DeleteTopicsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletableTopicResult {
    /// `Name`: string, versions 1-6.
    pub name: Option<Str>,
    /// `TopicId`: uuid, versions 6.
    pub topic_id: Uuid,
    /// `ErrorCode`: int16, versions 1-6.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 5-6.
    pub error_message: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self {
            name: Some(Default::default()),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DeletableTopicResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.name = if version >= 6 { r.string_opt(flex)? } else { Some(r.string(flex)?) };
        if version >= 6 {
            m.topic_id = r.uuid()?;
        }
        m.error_code = r.i16()?;
        if version >= 5 {
            m.error_message = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        if version >= 6 {
            w.string_opt(flex, self.name.as_ref())?;
        } else {
            w.string(flex, required(self.name.as_ref())?)?;
        }
        if version >= 6 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.string_opt(flex, self.error_message.as_ref())?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DeleteTopicsResponse {
    const NAME: &'static str = "DeleteTopicsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 6;
}
