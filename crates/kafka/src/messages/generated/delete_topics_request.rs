// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DeleteTopicsRequest`, versions 1-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DeleteTopicsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteTopicsRequest {
    /// `Topics`: []DeleteTopicState, versions 6.
    pub topics: Vec<DeleteTopicState>,
    /// `TopicNames`: []string, versions 1-5.
    pub topic_names: Vec<Str>,
    /// `TimeoutMs`: int32, versions 1-6.
    pub timeout_ms: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DeleteTopicsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 4;
        let mut m = Self::default();
        if version >= 6 {
            m.topics = r.array(flex, 18, |r| DeleteTopicState::decode(version, r))?;
        }
        if version <= 5 {
            m.topic_names = r.array(flex, 1, |r| r.string(flex))?;
        }
        m.timeout_ms = r.i32()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 4;
        if version >= 6 {
            w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        }
        if version <= 5 {
            w.array(flex, &self.topic_names, |w, x| w.string(flex, x))?;
        }
        w.i32(self.timeout_ms);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DeleteTopicsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteTopicState {
    /// `Name`: string, versions 6.
    pub name: Option<Str>,
    /// `TopicId`: uuid, versions 6.
    pub topic_id: Uuid,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DeleteTopicState {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string_opt(true)?;
        m.topic_id = r.uuid()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string_opt(true, self.name.as_ref())?;
        w.uuid(self.topic_id);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 6;
}
impl Request for DeleteTopicsRequest {
    const KEY: ApiKey = ApiKey::DeleteTopics;
    type Response = super::DeleteTopicsResponse;
}
