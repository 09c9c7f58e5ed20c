// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `SaslAuthenticateResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `SaslAuthenticateResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct SaslAuthenticateResponse {
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-2.
    pub error_message: Option<Str>,
    /// `AuthBytes`: bytes, versions 0-2.
    pub auth_bytes: Bytes,
    /// `SessionLifetimeMs`: int64, versions 1-2.
    pub session_lifetime_ms: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for SaslAuthenticateResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            auth_bytes: Default::default(),
            session_lifetime_ms: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for SaslAuthenticateResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        m.auth_bytes = r.bytes(flex)?;
        if version >= 1 {
            m.session_lifetime_ms = r.i64()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        w.bytes(flex, &self.auth_bytes)?;
        if version >= 1 {
            w.i64(self.session_lifetime_ms);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for SaslAuthenticateResponse {
    const NAME: &'static str = "SaslAuthenticateResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
