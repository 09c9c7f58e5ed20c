// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `HeartbeatRequest`, versions 0-4.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `HeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct HeartbeatRequest {
    /// `GroupId`: string, versions 0-4.
    pub group_id: Str,
    /// `GenerationId`: int32, versions 0-4.
    pub generation_id: i32,
    /// `MemberId`: string, versions 0-4.
    pub member_id: Str,
    /// `GroupInstanceId`: string, versions 3-4.
    pub group_instance_id: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for HeartbeatRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        m.group_id = r.string(flex)?;
        m.generation_id = r.i32()?;
        m.member_id = r.string(flex)?;
        if version >= 3 {
            m.group_instance_id = r.string_opt(flex)?;
        }
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
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for HeartbeatRequest {
    const NAME: &'static str = "HeartbeatRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 4;
}
impl Request for HeartbeatRequest {
    const KEY: ApiKey = ApiKey::Heartbeat;
    type Response = super::HeartbeatResponse;
}
