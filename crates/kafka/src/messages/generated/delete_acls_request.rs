// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DeleteAclsRequest`, versions 1-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DeleteAclsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteAclsRequest {
    /// `Filters`: []DeleteAclsFilter, versions 1-3.
    pub filters: Vec<DeleteAclsFilter>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DeleteAclsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.filters = r.array(flex, 7, |r| DeleteAclsFilter::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.array(flex, &self.filters, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DeleteAclsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteAclsFilter {
    /// `ResourceTypeFilter`: int8, versions 1-3.
    pub resource_type_filter: i8,
    /// `ResourceNameFilter`: string, versions 1-3.
    pub resource_name_filter: Option<Str>,
    /// `PatternTypeFilter`: int8, versions 1-3.
    pub pattern_type_filter: i8,
    /// `PrincipalFilter`: string, versions 1-3.
    pub principal_filter: Option<Str>,
    /// `HostFilter`: string, versions 1-3.
    pub host_filter: Option<Str>,
    /// `Operation`: int8, versions 1-3.
    pub operation: i8,
    /// `PermissionType`: int8, versions 1-3.
    pub permission_type: i8,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DeleteAclsFilter {
    fn default() -> Self {
        Self {
            resource_type_filter: Default::default(),
            resource_name_filter: Some(Default::default()),
            pattern_type_filter: 3,
            principal_filter: Some(Default::default()),
            host_filter: Some(Default::default()),
            operation: Default::default(),
            permission_type: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DeleteAclsFilter {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.resource_type_filter = r.i8()?;
        m.resource_name_filter = r.string_opt(flex)?;
        m.pattern_type_filter = r.i8()?;
        m.principal_filter = r.string_opt(flex)?;
        m.host_filter = r.string_opt(flex)?;
        m.operation = r.i8()?;
        m.permission_type = r.i8()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.i8(self.resource_type_filter);
        w.string_opt(flex, self.resource_name_filter.as_ref())?;
        w.i8(self.pattern_type_filter);
        w.string_opt(flex, self.principal_filter.as_ref())?;
        w.string_opt(flex, self.host_filter.as_ref())?;
        w.i8(self.operation);
        w.i8(self.permission_type);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DeleteAclsRequest {
    const NAME: &'static str = "DeleteAclsRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 3;
}
impl Request for DeleteAclsRequest {
    const KEY: ApiKey = ApiKey::DeleteAcls;
    type Response = super::DeleteAclsResponse;
}
