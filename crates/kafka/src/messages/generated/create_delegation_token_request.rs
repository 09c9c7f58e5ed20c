// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `CreateDelegationTokenRequest`, versions 1-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `CreateDelegationTokenRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// `OwnerPrincipalType`: string, versions 3.
    pub owner_principal_type: Option<Str>,
    /// `OwnerPrincipalName`: string, versions 3.
    pub owner_principal_name: Option<Str>,
    /// `Renewers`: []CreatableRenewers, versions 1-3.
    pub renewers: Vec<CreatableRenewers>,
    /// `MaxLifetimeMs`: int64, versions 1-3.
    pub max_lifetime_ms: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreateDelegationTokenRequest {
    fn default() -> Self {
        Self {
            owner_principal_type: Some(Default::default()),
            owner_principal_name: Some(Default::default()),
            renewers: Default::default(),
            max_lifetime_ms: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for CreateDelegationTokenRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        if version >= 3 {
            m.owner_principal_type = r.string_opt(flex)?;
        }
        if version >= 3 {
            m.owner_principal_name = r.string_opt(flex)?;
        }
        m.renewers = r.array(flex, 2, |r| CreatableRenewers::decode(version, r))?;
        m.max_lifetime_ms = r.i64()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        if version >= 3 {
            w.string_opt(flex, self.owner_principal_type.as_ref())?;
        }
        if version >= 3 {
            w.string_opt(flex, self.owner_principal_name.as_ref())?;
        }
        w.array(flex, &self.renewers, |w, x| x.encode(version, w))?;
        w.i64(self.max_lifetime_ms);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateDelegationTokenRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableRenewers {
    /// `PrincipalType`: string, versions 1-3.
    pub principal_type: Str,
    /// `PrincipalName`: string, versions 1-3.
    pub principal_name: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreatableRenewers {
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

impl Body for CreateDelegationTokenRequest {
    const NAME: &'static str = "CreateDelegationTokenRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 3;
}
impl Request for CreateDelegationTokenRequest {
    const KEY: ApiKey = ApiKey::CreateDelegationToken;
    type Response = super::CreateDelegationTokenResponse;
}
