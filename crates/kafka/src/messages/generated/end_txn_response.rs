// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `EndTxnResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `EndTxnResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct EndTxnResponse {
    /// `ThrottleTimeMs`: int32, versions 0-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-5.
    pub error_code: i16,
    /// `ProducerId`: int64, versions 5.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 5.
    pub producer_epoch: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for EndTxnResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        if version >= 5 {
            m.producer_id = r.i64()?;
        }
        if version >= 5 {
            m.producer_epoch = r.i16()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        if version >= 5 {
            w.i64(self.producer_id);
        }
        if version >= 5 {
            w.i16(self.producer_epoch);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for EndTxnResponse {
    const NAME: &'static str = "EndTxnResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
