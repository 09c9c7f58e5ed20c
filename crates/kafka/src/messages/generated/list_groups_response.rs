// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListGroupsResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListGroupsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListGroupsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-5.
    pub error_code: i16,
    /// `Groups`: []ListedGroup, versions 0-5.
    pub groups: Vec<ListedGroup>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ListGroupsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        m.error_code = r.i16()?;
        m.groups = r.array(flex, 2, |r| ListedGroup::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.array(flex, &self.groups, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ListGroupsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListedGroup {
    /// `GroupId`: string, versions 0-5.
    pub group_id: Str,
    /// `ProtocolType`: string, versions 0-5.
    pub protocol_type: Str,
    /// `GroupState`: string, versions 4-5.
    pub group_state: Str,
    /// `GroupType`: string, versions 5.
    pub group_type: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ListedGroup {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        m.protocol_type = r.string(flex)?;
        if version >= 4 {
            m.group_state = r.string(flex)?;
        }
        if version >= 5 {
            m.group_type = r.string(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.string(flex, &self.group_id)?;
        w.string(flex, &self.protocol_type)?;
        if version >= 4 {
            w.string(flex, &self.group_state)?;
        }
        if version >= 5 {
            w.string(flex, &self.group_type)?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ListGroupsResponse {
    const NAME: &'static str = "ListGroupsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
