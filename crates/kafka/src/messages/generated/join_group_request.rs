// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `JoinGroupRequest`, versions 0-9.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `JoinGroupRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    /// `GroupId`: string, versions 0-9.
    pub group_id: Str,
    /// `SessionTimeoutMs`: int32, versions 0-9.
    pub session_timeout_ms: i32,
    /// `RebalanceTimeoutMs`: int32, versions 1-9.
    pub rebalance_timeout_ms: i32,
    /// `MemberId`: string, versions 0-9.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 5-9.
    pub group_instance_id: Option<Str>,
    /// `ProtocolType`: string, versions 0-9.
    pub protocol_type: Str,
    /// `Protocols`: []JoinGroupRequestProtocol, versions 0-9.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// `Reason`: string, versions 8-9.
    pub reason: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            session_timeout_ms: Default::default(),
            rebalance_timeout_ms: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            protocol_type: Default::default(),
            protocols: Default::default(),
            reason: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for JoinGroupRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        m.session_timeout_ms = r.i32()?;
        if version >= 1 {
            m.rebalance_timeout_ms = r.i32()?;
        }
        m.member_id = r.string(flex)?;
        if version >= 5 {
            m.group_instance_id = r.string_opt(flex)?;
        }
        m.protocol_type = r.string(flex)?;
        m.protocols = r.array(flex, 2, |r| JoinGroupRequestProtocol::decode(version, r))?;
        if version >= 8 {
            m.reason = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        w.string(flex, &self.group_id)?;
        w.i32(self.session_timeout_ms);
        if version >= 1 {
            w.i32(self.rebalance_timeout_ms);
        }
        w.string(flex, &self.member_id)?;
        if version >= 5 {
            w.string_opt(flex, self.group_instance_id.as_ref())?;
        }
        w.string(flex, &self.protocol_type)?;
        w.array(flex, &self.protocols, |w, x| x.encode(version, w))?;
        if version >= 8 {
            w.string_opt(flex, self.reason.as_ref())?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `JoinGroupRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JoinGroupRequestProtocol {
    /// `Name`: string, versions 0-9.
    pub name: Str,
    /// `Metadata`: bytes, versions 0-9.
    pub metadata: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for JoinGroupRequestProtocol {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.metadata = r.bytes(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        w.string(flex, &self.name)?;
        w.bytes(flex, &self.metadata)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for JoinGroupRequest {
    const NAME: &'static str = "JoinGroupRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 9;
}
impl Request for JoinGroupRequest {
    const KEY: ApiKey = ApiKey::JoinGroup;
    type Response = super::JoinGroupResponse;
}
