// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `OffsetFetchRequest`, versions 1-10.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `OffsetFetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// `GroupId`: string, versions 1-7.
    pub group_id: Str,
    /// `Topics`: []OffsetFetchRequestTopic, versions 1-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// `Groups`: []OffsetFetchRequestGroup, versions 8-10.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// `RequireStable`: bool, versions 7-10.
    pub require_stable: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Some(Default::default()),
            groups: Default::default(),
            require_stable: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for OffsetFetchRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        if version <= 7 {
            m.group_id = r.string(flex)?;
        }
        if version <= 7 {
            m.topics = if version >= 2 {
                r.array_opt(flex, 2, |r| OffsetFetchRequestTopic::decode(version, r))?
            } else {
                Some(r.array(flex, 2, |r| OffsetFetchRequestTopic::decode(version, r))?)
            };
        }
        if version >= 8 {
            m.groups = r.array(flex, 3, |r| OffsetFetchRequestGroup::decode(version, r))?;
        }
        if version >= 7 {
            m.require_stable = r.bool()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        if version <= 7 {
            w.string(flex, &self.group_id)?;
        }
        if version <= 7 {
            if version >= 2 {
                w.array_opt(flex, self.topics.as_ref(), |w, x| x.encode(version, w))?;
            } else {
                w.array(flex, required(self.topics.as_ref())?, |w, x| x.encode(version, w))?;
            }
        }
        if version >= 8 {
            w.array(flex, &self.groups, |w, x| x.encode(version, w))?;
        }
        if version >= 7 {
            w.bool(self.require_stable);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `OffsetFetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetFetchRequestTopic {
    /// `Name`: string, versions 1-7.
    pub name: Str,
    /// `PartitionIndexes`: []int32, versions 1-7.
    pub partition_indexes: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for OffsetFetchRequestTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 6;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.partition_indexes = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 6;
        w.string(flex, &self.name)?;
        w.array(flex, &self.partition_indexes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `OffsetFetchRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// `GroupId`: string, versions 8-10.
    pub group_id: Str,
    /// `MemberId`: string, versions 9-10.
    pub member_id: Option<Str>,
    /// `MemberEpoch`: int32, versions 9-10.
    pub member_epoch: i32,
    /// `Topics`: []OffsetFetchRequestTopics, versions 8-10.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: -1,
            topics: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for OffsetFetchRequestGroup {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        if version >= 9 {
            m.member_id = r.string_opt(true)?;
        }
        if version >= 9 {
            m.member_epoch = r.i32()?;
        }
        m.topics = r.array_opt(true, 2, |r| OffsetFetchRequestTopics::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        if version >= 9 {
            w.string_opt(true, self.member_id.as_ref())?;
        }
        if version >= 9 {
            w.i32(self.member_epoch);
        }
        w.array_opt(true, self.topics.as_ref(), |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `OffsetFetchRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetFetchRequestTopics {
    /// `Name`: string, versions 8-9.
    pub name: Str,
    /// `TopicId`: uuid, versions 10.
    pub topic_id: Uuid,
    /// `PartitionIndexes`: []int32, versions 8-10.
    pub partition_indexes: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for OffsetFetchRequestTopics {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        if version <= 9 {
            m.name = r.string(true)?;
        }
        if version >= 10 {
            m.topic_id = r.uuid()?;
        }
        m.partition_indexes = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        if version <= 9 {
            w.string(true, &self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(true, &self.partition_indexes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 10;
}
impl Request for OffsetFetchRequest {
    const KEY: ApiKey = ApiKey::OffsetFetch;
    type Response = super::OffsetFetchResponse;
}
