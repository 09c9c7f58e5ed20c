// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeDelegationTokenResponse`, versions 1-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeDelegationTokenResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeDelegationTokenResponse {
    /// `ErrorCode`: int16, versions 1-3.
    pub error_code: i16,
    /// `Tokens`: []DescribedDelegationToken, versions 1-3.
    pub tokens: Vec<DescribedDelegationToken>,
    /// `ThrottleTimeMs`: int32, versions 1-3.
    pub throttle_time_ms: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeDelegationTokenResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.tokens = r.array(flex, 29, |r| DescribedDelegationToken::decode(version, r))?;
        m.throttle_time_ms = r.i32()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i16(self.error_code);
        w.array(flex, &self.tokens, |w, x| x.encode(version, w))?;
        w.i32(self.throttle_time_ms);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeDelegationTokenResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribedDelegationToken {
    /// `PrincipalType`: string, versions 1-3.
    pub principal_type: Str,
    /// `PrincipalName`: string, versions 1-3.
    pub principal_name: Str,
    /// `TokenRequesterPrincipalType`: string, versions 3.
    pub token_requester_principal_type: Str,
    /// `TokenRequesterPrincipalName`: string, versions 3.
    pub token_requester_principal_name: Str,
    /// `IssueTimestamp`: int64, versions 1-3.
    pub issue_timestamp: i64,
    /// `ExpiryTimestamp`: int64, versions 1-3.
    pub expiry_timestamp: i64,
    /// `MaxTimestamp`: int64, versions 1-3.
    pub max_timestamp: i64,
    /// `TokenId`: string, versions 1-3.
    pub token_id: Str,
    /// `Hmac`: bytes, versions 1-3.
    pub hmac: Bytes,
    /// `Renewers`: []DescribedDelegationTokenRenewer, versions 1-3.
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribedDelegationToken {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.principal_type = r.string(flex)?;
        m.principal_name = r.string(flex)?;
        if version >= 3 {
            m.token_requester_principal_type = r.string(flex)?;
        }
        if version >= 3 {
            m.token_requester_principal_name = r.string(flex)?;
        }
        m.issue_timestamp = r.i64()?;
        m.expiry_timestamp = r.i64()?;
        m.max_timestamp = r.i64()?;
        m.token_id = r.string(flex)?;
        m.hmac = r.bytes(flex)?;
        m.renewers = r.array(flex, 2, |r| DescribedDelegationTokenRenewer::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.principal_type)?;
        w.string(flex, &self.principal_name)?;
        if version >= 3 {
            w.string(flex, &self.token_requester_principal_type)?;
        }
        if version >= 3 {
            w.string(flex, &self.token_requester_principal_name)?;
        }
        w.i64(self.issue_timestamp);
        w.i64(self.expiry_timestamp);
        w.i64(self.max_timestamp);
        w.string(flex, &self.token_id)?;
        w.bytes(flex, &self.hmac)?;
        w.array(flex, &self.renewers, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeDelegationTokenResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribedDelegationTokenRenewer {
    /// `PrincipalType`: string, versions 1-3.
    pub principal_type: Str,
    /// `PrincipalName`: string, versions 1-3.
    pub principal_name: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribedDelegationTokenRenewer {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.principal_type = r.string(flex)?;
        m.principal_name = r.string(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.principal_type)?;
        w.string(flex, &self.principal_name)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DescribeDelegationTokenResponse {
    const NAME: &'static str = "DescribeDelegationTokenResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 3;
}
