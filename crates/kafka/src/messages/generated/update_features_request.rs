// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `UpdateFeaturesRequest`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `UpdateFeaturesRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesRequest {
    /// `timeoutMs`: int32, versions 0-2.
    pub timeout_ms: i32,
    /// `FeatureUpdates`: []FeatureUpdateKey, versions 0-2.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// `ValidateOnly`: bool, versions 1-2.
    pub validate_only: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            feature_updates: Default::default(),
            validate_only: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for UpdateFeaturesRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.timeout_ms = r.i32()?;
        m.feature_updates = r.array(true, 4, |r| FeatureUpdateKey::decode(version, r))?;
        if version >= 1 {
            m.validate_only = r.bool()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.timeout_ms);
        w.array(true, &self.feature_updates, |w, x| x.encode(version, w))?;
        if version >= 1 {
            w.bool(self.validate_only);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `UpdateFeaturesRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureUpdateKey {
    /// `Feature`: string, versions 0-2.
    pub feature: Str,
    /// `MaxVersionLevel`: int16, versions 0-2.
    pub max_version_level: i16,
    /// `AllowDowngrade`: bool, versions 0.
    pub allow_downgrade: bool,
    /// `UpgradeType`: int8, versions 1-2.
    pub upgrade_type: i8,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            max_version_level: Default::default(),
            allow_downgrade: Default::default(),
            upgrade_type: 1,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for FeatureUpdateKey {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.feature = r.string(true)?;
        m.max_version_level = r.i16()?;
        if version <= 0 {
            m.allow_downgrade = r.bool()?;
        }
        if version >= 1 {
            m.upgrade_type = r.i8()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.feature)?;
        w.i16(self.max_version_level);
        if version <= 0 {
            w.bool(self.allow_downgrade);
        }
        if version >= 1 {
            w.i8(self.upgrade_type);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for UpdateFeaturesRequest {
    const NAME: &'static str = "UpdateFeaturesRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
impl Request for UpdateFeaturesRequest {
    const KEY: ApiKey = ApiKey::UpdateFeatures;
    type Response = super::UpdateFeaturesResponse;
}
