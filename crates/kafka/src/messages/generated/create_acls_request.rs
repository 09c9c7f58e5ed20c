// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `CreateAclsRequest`, versions 1-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `CreateAclsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreateAclsRequest {
    /// `Creations`: []AclCreation, versions 1-3.
    pub creations: Vec<AclCreation>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreateAclsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.creations = r.array(flex, 7, |r| AclCreation::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.array(flex, &self.creations, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreateAclsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct AclCreation {
    /// `ResourceType`: int8, versions 1-3.
    pub resource_type: i8,
    /// `ResourceName`: string, versions 1-3.
    pub resource_name: Str,
    /// `ResourcePatternType`: int8, versions 1-3.
    pub resource_pattern_type: i8,
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

impl Default for AclCreation {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            resource_pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for AclCreation {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.resource_type = r.i8()?;
        m.resource_name = r.string(flex)?;
        m.resource_pattern_type = r.i8()?;
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
        w.i8(self.resource_type);
        w.string(flex, &self.resource_name)?;
        w.i8(self.resource_pattern_type);
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

impl Body for CreateAclsRequest {
    const NAME: &'static str = "CreateAclsRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 3;
}
impl Request for CreateAclsRequest {
    const KEY: ApiKey = ApiKey::CreateAcls;
    type Response = super::CreateAclsResponse;
}
