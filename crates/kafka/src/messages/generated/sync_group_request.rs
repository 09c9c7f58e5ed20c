// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `SyncGroupRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `SyncGroupRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupRequest {
    /// `GroupId`: string, versions 0-5.
    pub group_id: Str,
    /// `GenerationId`: int32, versions 0-5.
    pub generation_id: i32,
    /// `MemberId`: string, versions 0-5.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 3-5.
    pub group_instance_id: Option<Str>,
    /// `ProtocolType`: string, versions 5.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`: string, versions 5.
    pub protocol_name: Option<Str>,
    /// `Assignments`: []SyncGroupRequestAssignment, versions 0-5.
    pub assignments: Vec<SyncGroupRequestAssignment>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for SyncGroupRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        m.generation_id = r.i32()?;
        m.member_id = r.string(flex)?;
        if version >= 3 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        if version >= 5 {
            m.protocol_type = r.string_opt(flex)?;
        }
        if version >= 5 {
            m.protocol_name = r.string_opt(flex)?;
        }
        m.assignments = r.array(flex, 2, |r| SyncGroupRequestAssignment::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.group_id)?;
        w.i32(self.generation_id);
        w.string(flex, &self.member_id)?;
        if version >= 3 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        if version >= 5 {
            w.string_opt(flex, self.protocol_type.as_ref())?;
        }
        if version >= 5 {
            w.string_opt(flex, self.protocol_name.as_ref())?;
        }
        w.array(flex, &self.assignments, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `SyncGroupRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupRequestAssignment {
    /// `MemberId`: string, versions 0-5.
    pub member_id: Str,
    /// `Assignment`: bytes, versions 0-5.
    pub assignment: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for SyncGroupRequestAssignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.member_id = r.string(flex)?;
        m.assignment = r.bytes(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.member_id)?;
        w.bytes(flex, &self.assignment)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for SyncGroupRequest {
    const KEY: ApiKey = ApiKey::SyncGroup;
    type Response = super::SyncGroupResponse;
}
