// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `UpdateFeaturesResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `UpdateFeaturesResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesResponse {
    /// `ThrottleTimeMs`: int32, versions 0-2.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-2.
    pub error_message: Option<Str>,
    /// `Results`: []UpdatableFeatureResult, versions 0-1.
    pub results: Vec<UpdatableFeatureResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for UpdateFeaturesResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            results: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for UpdateFeaturesResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        if version <= 1 {
            m.results = r.array(true, 5, |r| UpdatableFeatureResult::decode(version, r))?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        if version <= 1 {
            w.array(true, &self.results, |w, x| x.encode(version, w))?;
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `UpdateFeaturesResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatableFeatureResult {
    /// `Feature`: string, versions 0-1.
    pub feature: Str,
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-1.
    pub error_message: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for UpdatableFeatureResult {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for UpdatableFeatureResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.feature = r.string(true)?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.feature)?;
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for UpdateFeaturesResponse {
    const NAME: &'static str = "UpdateFeaturesResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
