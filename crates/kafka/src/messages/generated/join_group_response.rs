// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `JoinGroupResponse`, versions 0-9.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `JoinGroupResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// `ThrottleTimeMs`: int32, versions 2-9.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-9.
    pub error_code: i16,
    /// `GenerationId`: int32, versions 0-9.
    pub generation_id: i32,
    /// `ProtocolType`: string, versions 7-9.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`: string, versions 0-9.
    pub protocol_name: Option<Str>,
    /// `Leader`: string, versions 0-9.
    pub leader: Str,
    /// `SkipAssignment`: bool, versions 9.
    pub skip_assignment: bool,
    /// `MemberId`: string, versions 0-9.
    pub member_id: Str,
    /// `Members`: []JoinGroupResponseMember, versions 0-9.
    pub members: Vec<JoinGroupResponseMember>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            generation_id: -1,
            protocol_type: Default::default(),
            protocol_name: Some(Default::default()),
            leader: Default::default(),
            skip_assignment: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for JoinGroupResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        if version >= 2 {
            m.throttle_time_ms = r.i32()?;
        }
        m.error_code = r.i16()?;
        m.generation_id = r.i32()?;
        if version >= 7 {
            m.protocol_type = r.string_opt(flex)?;
        }
        m.protocol_name = if version >= 7 { r.string_opt(flex)? } else { Some(r.string(flex)?) };
        m.leader = r.string(flex)?;
        if version >= 9 {
            m.skip_assignment = r.bool()?;
        }
        m.member_id = r.string(flex)?;
        m.members = r.array(flex, 2, |r| JoinGroupResponseMember::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        if version >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.i32(self.generation_id);
        if version >= 7 {
            w.string_opt(flex, self.protocol_type.as_ref())?;
        }
        if version >= 7 {
            w.string_opt(flex, self.protocol_name.as_ref())?;
        } else {
            w.string(flex, required(self.protocol_name.as_ref())?)?;
        }
        w.string(flex, &self.leader)?;
        if version >= 9 {
            w.bool(self.skip_assignment);
        }
        w.string(flex, &self.member_id)?;
        w.array(flex, &self.members, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `JoinGroupResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JoinGroupResponseMember {
    /// `MemberId`: string, versions 0-9.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 5-9.
    pub group_instance_id: Option<Str>,
    /// `Metadata`: bytes, versions 0-9.
    pub metadata: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for JoinGroupResponseMember {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        m.member_id = r.string(flex)?;
        if version >= 5 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        m.metadata = r.bytes(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        w.string(flex, &self.member_id)?;
        if version >= 5 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        w.bytes(flex, &self.metadata)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 9;
}
