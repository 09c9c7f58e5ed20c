// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DeleteAclsResponse`, versions 1-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DeleteAclsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteAclsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-3.
    pub throttle_time_ms: i32,
    /// `FilterResults`: []DeleteAclsFilterResult, versions 1-3.
    pub filter_results: Vec<DeleteAclsFilterResult>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DeleteAclsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.filter_results = r.array(flex, 4, |r| DeleteAclsFilterResult::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i32(self.throttle_time_ms);
        w.array(flex, &self.filter_results, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DeleteAclsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteAclsFilterResult {
    /// `ErrorCode`: int16, versions 1-3.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 1-3.
    pub error_message: Option<Str>,
    /// `MatchingAcls`: []DeleteAclsMatchingAcl, versions 1-3.
    pub matching_acls: Vec<DeleteAclsMatchingAcl>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DeleteAclsFilterResult {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            matching_acls: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DeleteAclsFilterResult {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        m.matching_acls = r.array(flex, 10, |r| DeleteAclsMatchingAcl::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        w.array(flex, &self.matching_acls, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DeleteAclsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteAclsMatchingAcl {
    /// `ErrorCode`: int16, versions 1-3.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 1-3.
    pub error_message: Option<Str>,
    /// `ResourceType`: int8, versions 1-3.
    pub resource_type: i8,
    /// `ResourceName`: string, versions 1-3.
    pub resource_name: Str,
    /// `PatternType`: int8, versions 1-3.
    pub pattern_type: i8,
    /// `Principal`: string, versions 1-3.
    pub principal: Str,
    /// `Host`: string, versions 1-3.
    pub host: Str,
    /// `Operation`: int8, versions 1-3.
    pub operation: i8,
    /// `PermissionType`: int8, versions 1-3.
    pub permission_type: i8,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DeleteAclsMatchingAcl {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            resource_type: Default::default(),
            resource_name: Default::default(),
            pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DeleteAclsMatchingAcl {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(flex)?;
        m.resource_type = r.i8()?;
        m.resource_name = r.string(flex)?;
        m.pattern_type = r.i8()?;
        m.principal = r.string(flex)?;
        m.host = r.string(flex)?;
        m.operation = r.i8()?;
        m.permission_type = r.i8()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i16(self.error_code);
        w.string_opt(flex, self.error_message.as_ref())?;
        w.i8(self.resource_type);
        w.string(flex, &self.resource_name)?;
        w.i8(self.pattern_type);
        w.string(flex, &self.principal)?;
        w.string(flex, &self.host)?;
        w.i8(self.operation);
        w.i8(self.permission_type);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DeleteAclsResponse {
    const NAME: &'static str = "DeleteAclsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 3;
}
