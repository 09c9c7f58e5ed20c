// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `SaslHandshakeResponse`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `SaslHandshakeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SaslHandshakeResponse {
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `Mechanisms`: []string, versions 0-1.
    pub mechanisms: Vec<Str>,
}

impl Message for SaslHandshakeResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.mechanisms = r.array(false, 2, |r| r.string(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.array(false, &self.mechanisms, |w, x| w.string(false, x))?;
        Ok(())
    }
}

impl Body for SaslHandshakeResponse {
    const NAME: &'static str = "SaslHandshakeResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
