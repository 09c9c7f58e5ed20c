// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `LeaveGroupRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `LeaveGroupRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LeaveGroupRequest {
    /// `GroupId`: string, versions 0-5.
    pub group_id: Str,
    /// `MemberId`: string, versions 0-2.
    pub member_id: Str,
    /// `Members`: []MemberIdentity, versions 3-5.
    pub members: Vec<MemberIdentity>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for LeaveGroupRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        if version <= 2 {
            m.member_id = r.string(flex)?;
        }
        if version >= 3 {
            m.members = r.array(flex, 2, |r| MemberIdentity::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.group_id)?;
        if version <= 2 {
            w.string(flex, &self.member_id)?;
        }
        if version >= 3 {
            w.array(flex, &self.members, |w, x| x.encode(version, w))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `LeaveGroupRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MemberIdentity {
    /// `MemberId`: string, versions 3-5.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 3-5.
    pub group_instance_id: Option<Str>,
    /// `Reason`: string, versions 5.
    pub reason: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for MemberIdentity {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.member_id = r.string(flex)?;
        m.group_instance_id = r.string_opt(flex)?;
        if version >= 5 {
            m.reason = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        w.string(flex, &self.member_id)?;
        w.string_opt(flex, self.group_instance_id.as_ref())?;
        if version >= 5 {
            w.string_opt(flex, self.reason.as_ref())?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for LeaveGroupRequest {
    const KEY: ApiKey = ApiKey::LeaveGroup;
    type Response = super::LeaveGroupResponse;
}
