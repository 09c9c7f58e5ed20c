// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ApiVersionsRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ApiVersionsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsRequest {
    /// `ClientSoftwareName`: string, versions 3-5.
    pub client_software_name: Str,
    /// `ClientSoftwareVersion`: string, versions 3-5.
    pub client_software_version: Str,
    /// `ClusterId`: string, versions 5.
    pub cluster_id: Option<Str>,
    /// `NodeId`: int32, versions 5.
    pub node_id: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ApiVersionsRequest {
    fn default() -> Self {
        Self {
            client_software_name: Default::default(),
            client_software_version: Default::default(),
            cluster_id: Default::default(),
            node_id: -1,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ApiVersionsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version >= 3 {
            m.client_software_name = r.string(flex)?;
        }
        if version >= 3 {
            m.client_software_version = r.string(flex)?;
        }
        if version >= 5 {
            m.cluster_id = r.string_opt(flex)?;
        }
        if version >= 5 {
            m.node_id = r.i32()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version >= 3 {
            w.string(flex, &self.client_software_name)?;
        }
        if version >= 3 {
            w.string(flex, &self.client_software_version)?;
        }
        if version >= 5 {
            w.string_opt(flex, self.cluster_id.as_ref())?;
        }
        if version >= 5 {
            w.i32(self.node_id);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersionsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for ApiVersionsRequest {
    const KEY: ApiKey = ApiKey::ApiVersions;
    type Response = super::ApiVersionsResponse;
}
