// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `UnregisterControllerRequest`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `UnregisterControllerRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct UnregisterControllerRequest {
    /// `ControllerId`: int32, versions 0.
    pub controller_id: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for UnregisterControllerRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.controller_id = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.controller_id);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for UnregisterControllerRequest {
    const NAME: &'static str = "UnregisterControllerRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
impl Request for UnregisterControllerRequest {
    const KEY: ApiKey = ApiKey::UnregisterController;
    type Response = super::UnregisterControllerResponse;
}
