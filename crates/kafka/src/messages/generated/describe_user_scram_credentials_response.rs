// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeUserScramCredentialsResponse`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeUserScramCredentialsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeUserScramCredentialsResponse {
    /// `ThrottleTimeMs`: int32, versions 0.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0.
    pub error_message: Option<Str>,
    /// `Results`: []DescribeUserScramCredentialsResult, versions 0.
    pub results: Vec<DescribeUserScramCredentialsResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeUserScramCredentialsResponse {
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

impl Message for DescribeUserScramCredentialsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.results = r.array(true, 6, |r| DescribeUserScramCredentialsResult::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.array(true, &self.results, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeUserScramCredentialsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeUserScramCredentialsResult {
    /// `User`: string, versions 0.
    pub user: Str,
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0.
    pub error_message: Option<Str>,
    /// `CredentialInfos`: []CredentialInfo, versions 0.
    pub credential_infos: Vec<CredentialInfo>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeUserScramCredentialsResult {
    fn default() -> Self {
        Self {
            user: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            credential_infos: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeUserScramCredentialsResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.user = r.string(true)?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.credential_infos = r.array(true, 6, |r| CredentialInfo::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.user)?;
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.array(true, &self.credential_infos, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeUserScramCredentialsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CredentialInfo {
    /// `Mechanism`: int8, versions 0.
    pub mechanism: i8,
    /// `Iterations`: int32, versions 0.
    pub iterations: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CredentialInfo {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.mechanism = r.i8()?;
        m.iterations = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i8(self.mechanism);
        w.i32(self.iterations);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DescribeUserScramCredentialsResponse {
    const NAME: &'static str = "DescribeUserScramCredentialsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
