// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ShareGroupHeartbeatRequest`, versions 1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ShareGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ShareGroupHeartbeatRequest {
    /// `GroupId`: string, versions 1.
    pub group_id: Str,
    /// `MemberId`: string, versions 1.
    pub member_id: Str,
    /// `MemberEpoch`: int32, versions 1.
    pub member_epoch: i32,
    /// `RackId`: string, versions 1.
    pub rack_id: Option<Str>,
    /// `SubscribedTopicNames`: []string, versions 1.
    pub subscribed_topic_names: Option<Vec<Str>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ShareGroupHeartbeatRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        m.member_id = r.string(true)?;
        m.member_epoch = r.i32()?;
        m.rack_id = r.string_opt(true)?;
        m.subscribed_topic_names = r.array_opt(true, 1, |r| r.string(true))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        w.string(true, &self.member_id)?;
        w.i32(self.member_epoch);
        w.string_opt(true, self.rack_id.as_ref())?;
        w.array_opt(true, self.subscribed_topic_names.as_ref(), |w, x| w.string(true, x))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ShareGroupHeartbeatRequest {
    const NAME: &'static str = "ShareGroupHeartbeatRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 1;
}
impl Request for ShareGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::ShareGroupHeartbeat;
    type Response = super::ShareGroupHeartbeatResponse;
}
