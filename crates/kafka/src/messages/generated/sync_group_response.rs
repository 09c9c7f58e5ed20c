// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `SyncGroupResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `SyncGroupResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupResponse {
    /// `ThrottleTimeMs`: int32, versions 1-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-5.
    pub error_code: i16,
    /// `ProtocolType`: string, versions 5.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`: string, versions 5.
    pub protocol_name: Option<Str>,
    /// `Assignment`: bytes, versions 0-5.
    pub assignment: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for SyncGroupResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        m.error_code = r.i16()?;
        if version >= 5 {
            m.protocol_type = r.string_opt(flex)?;
        }
        if version >= 5 {
            m.protocol_name = r.string_opt(flex)?;
        }
        m.assignment = r.bytes(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.string_opt(flex, self.protocol_type.as_ref())?;
        }
        if version >= 5 {
            w.string_opt(flex, self.protocol_name.as_ref())?;
        }
        w.bytes(flex, &self.assignment)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
