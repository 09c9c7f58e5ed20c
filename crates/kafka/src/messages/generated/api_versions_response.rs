// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ApiVersionsResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ApiVersionsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// `ErrorCode`: int16, versions 0-5.
    pub error_code: i16,
    /// `ApiKeys`: []ApiVersion, versions 0-5.
    pub api_keys: Vec<ApiVersion>,
    /// `ThrottleTimeMs`: int32, versions 1-5.
    pub throttle_time_ms: i32,
    /// `SupportedFeatures`: []SupportedFeatureKey, versions 3-5, tag 0.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// `FinalizedFeaturesEpoch`: int64, versions 3-5, tag 1.
    pub finalized_features_epoch: i64,
    /// `FinalizedFeatures`: []FinalizedFeatureKey, versions 3-5, tag 2.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// `ZkMigrationReady`: bool, versions 3-5, tag 3.
    pub zk_migration_ready: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            api_keys: Default::default(),
            throttle_time_ms: Default::default(),
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ApiVersionsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.api_keys = r.array(flex, 6, |r| ApiVersion::decode(version, r))?;
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 3 => {
                        m.supported_features = r.array(flex, 6, |r| SupportedFeatureKey::decode(version, r))?
                    }
                    1 if version >= 3 => m.finalized_features_epoch = r.i64()?,
                    2 if version >= 3 => {
                        m.finalized_features = r.array(flex, 6, |r| FinalizedFeatureKey::decode(version, r))?
                    }
                    3 if version >= 3 => m.zk_migration_ready = r.bool()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i16(self.error_code);
        w.array(flex, &self.api_keys, |w, x| x.encode(version, w))?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if flex {
            let mut known = TagFields::default();
            if version >= 3 && !self.supported_features.is_empty() {
                known.add(0, |w| {
                    w.array(flex, &self.supported_features, |w, x| x.encode(version, w))?;
                    Ok(())
                })?;
            }
            if version >= 3 && self.finalized_features_epoch != -1 {
                known.add(1, |w| {
                    w.i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if version >= 3 && !self.finalized_features.is_empty() {
                known.add(2, |w| {
                    w.array(flex, &self.finalized_features, |w, x| x.encode(version, w))?;
                    Ok(())
                })?;
            }
            if version >= 3 && self.zk_migration_ready != bool::default() {
                known.add(3, |w| {
                    w.bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ApiVersionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ApiVersion {
    /// `ApiKey`: int16, versions 0-5.
    pub api_key: i16,
    /// `MinVersion`: int16, versions 0-5.
    pub min_version: i16,
    /// `MaxVersion`: int16, versions 0-5.
    pub max_version: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ApiVersion {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.api_key = r.i16()?;
        m.min_version = r.i16()?;
        m.max_version = r.i16()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.i16(self.api_key);
        w.i16(self.min_version);
        w.i16(self.max_version);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ApiVersionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SupportedFeatureKey {
    /// `Name`: string, versions 3-5.
    pub name: Str,
    /// `MinVersion`: int16, versions 3-5.
    pub min_version: i16,
    /// `MaxVersion`: int16, versions 3-5.
    pub max_version: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for SupportedFeatureKey {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.min_version = r.i16()?;
        m.max_version = r.i16()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ApiVersionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FinalizedFeatureKey {
    /// `Name`: string, versions 3-5.
    pub name: Str,
    /// `MaxVersionLevel`: int16, versions 3-5.
    pub max_version_level: i16,
    /// `MinVersionLevel`: int16, versions 3-5.
    pub min_version_level: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for FinalizedFeatureKey {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.max_version_level = r.i16()?;
        m.min_version_level = r.i16()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.i16(self.max_version_level);
        w.i16(self.min_version_level);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
