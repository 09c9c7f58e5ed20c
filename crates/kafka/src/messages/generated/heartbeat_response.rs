// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `HeartbeatResponse`, versions 0-4.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `HeartbeatResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct HeartbeatResponse {
    /// `ThrottleTimeMs`: int32, versions 1-4.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-4.
    pub error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for HeartbeatResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        m.error_code = r.i16()?;
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
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for HeartbeatResponse {
    const NAME: &'static str = "HeartbeatResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 4;
}
