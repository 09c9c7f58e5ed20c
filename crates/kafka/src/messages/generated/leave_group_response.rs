// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `LeaveGroupResponse`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `LeaveGroupResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// `ThrottleTimeMs`: int32, versions 1-5.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-5.
    pub error_code: i16,
    /// `Members`: []MemberResponse, versions 3-5.
    pub members: Vec<MemberResponse>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for LeaveGroupResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        m.error_code = r.i16()?;
        if version >= 3 {
            m.members = r.array(flex, 4, |r| MemberResponse::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 3 {
            w.array(flex, &self.members, |w, x| x.encode(version, w))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `LeaveGroupResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberResponse {
    /// `MemberId`: string, versions 3-5.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 3-5.
    pub group_instance_id: Option<Str>,
    /// `ErrorCode`: int16, versions 3-5.
    pub error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: Some(Default::default()),
            error_code: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for MemberResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.member_id = r.string(flex)?;
        m.group_instance_id = r.string_opt(flex)?;
        m.error_code = r.i16()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.member_id)?;
        w.string_opt(flex, self.group_instance_id.as_ref())?;
        w.i16(self.error_code);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
