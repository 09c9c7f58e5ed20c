// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `StreamsGroupDescribeRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `StreamsGroupDescribeRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupDescribeRequest {
    /// `GroupIds`: []string, versions 0-1.
    pub group_ids: Vec<Str>,
    /// `IncludeAuthorizedOperations`: bool, versions 0-1.
    pub include_authorized_operations: bool,
    /// `IncludeTopologyDescription`: bool, versions 1.
    pub include_topology_description: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for StreamsGroupDescribeRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_ids = r.array(true, 1, |r| r.string(true))?;
        m.include_authorized_operations = r.bool()?;
        if version >= 1 {
            m.include_topology_description = r.bool()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.group_ids, |w, x| w.string(true, x))?;
        w.bool(self.include_authorized_operations);
        if version >= 1 {
            w.bool(self.include_topology_description);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for StreamsGroupDescribeRequest {
    const NAME: &'static str = "StreamsGroupDescribeRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for StreamsGroupDescribeRequest {
    const KEY: ApiKey = ApiKey::StreamsGroupDescribe;
    type Response = super::StreamsGroupDescribeResponse;
}
