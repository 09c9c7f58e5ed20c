// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeGroupsResponse`, versions 0-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeGroupsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeGroupsResponse {
    /// `ThrottleTimeMs`: int32, versions 1-6.
    pub throttle_time_ms: i32,
    /// `Groups`: []DescribedGroup, versions 0-6.
    pub groups: Vec<DescribedGroup>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeGroupsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        m.groups = r.array(flex, 7, |r| DescribedGroup::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.array(flex, &self.groups, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeGroupsResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `ErrorCode`: int16, versions 0-6.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 6.
    pub error_message: Option<Str>,
    /// `GroupId`: string, versions 0-6.
    pub group_id: Str,
    /// `GroupState`: string, versions 0-6.
    pub group_state: Str,
    /// `ProtocolType`: string, versions 0-6.
    pub protocol_type: Str,
    /// `ProtocolData`: string, versions 0-6.
    pub protocol_data: Str,
    /// `Members`: []DescribedGroupMember, versions 0-6.
    pub members: Vec<DescribedGroupMember>,
    /// `AuthorizedOperations`: int32, versions 3-6.
    pub authorized_operations: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: i32::MIN,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribedGroup {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        if version >= 6 {
            m.error_message = r.string_opt(flex)?;
        }
        m.group_id = r.string(flex)?;
        m.group_state = r.string(flex)?;
        m.protocol_type = r.string(flex)?;
        m.protocol_data = r.string(flex)?;
        m.members = r.array(flex, 5, |r| DescribedGroupMember::decode(version, r))?;
        if version >= 3 {
            m.authorized_operations = r.i32()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.i16(self.error_code);
        if version >= 6 {
            w.string_opt(flex, self.error_message.as_ref())?;
        }
        w.string(flex, &self.group_id)?;
        w.string(flex, &self.group_state)?;
        w.string(flex, &self.protocol_type)?;
        w.string(flex, &self.protocol_data)?;
        w.array(flex, &self.members, |w, x| x.encode(version, w))?;
        if version >= 3 {
            w.i32(self.authorized_operations);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeGroupsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribedGroupMember {
    /// `MemberId`: string, versions 0-6.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 4-6.
    pub group_instance_id: Option<Str>,
    /// `ClientId`: string, versions 0-6.
    pub client_id: Str,
    /// `ClientHost`: string, versions 0-6.
    pub client_host: Str,
    /// `MemberMetadata`: bytes, versions 0-6.
    pub member_metadata: Bytes,
    /// `MemberAssignment`: bytes, versions 0-6.
    pub member_assignment: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribedGroupMember {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 5;
        let mut m = Self::default();
        m.member_id = r.string(flex)?;
        if version >= 4 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        m.client_id = r.string(flex)?;
        m.client_host = r.string(flex)?;
        m.member_metadata = r.bytes(flex)?;
        m.member_assignment = r.bytes(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 5;
        w.string(flex, &self.member_id)?;
        if version >= 4 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        w.string(flex, &self.client_id)?;
        w.string(flex, &self.client_host)?;
        w.bytes(flex, &self.member_metadata)?;
        w.bytes(flex, &self.member_assignment)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 6;
}
