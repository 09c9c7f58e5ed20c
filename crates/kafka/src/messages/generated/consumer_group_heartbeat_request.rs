// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ConsumerGroupHeartbeatRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ConsumerGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// `GroupId`: string, versions 0-1.
    pub group_id: Str,
    /// `MemberId`: string, versions 0-1.
    pub member_id: Str,
    /// `MemberEpoch`: int32, versions 0-1.
    pub member_epoch: i32,
    /// `InstanceId`: string, versions 0-1.
    pub instance_id: Option<Str>,
    /// `RackId`: string, versions 0-1.
    pub rack_id: Option<Str>,
    /// `RebalanceTimeoutMs`: int32, versions 0-1.
    pub rebalance_timeout_ms: i32,
    /// `SubscribedTopicNames`: []string, versions 0-1.
    pub subscribed_topic_names: Option<Vec<Str>>,
    /// `SubscribedTopicRegex`: string, versions 1.
    pub subscribed_topic_regex: Option<Str>,
    /// `ServerAssignor`: string, versions 0-1.
    pub server_assignor: Option<Str>,
    /// `TopicPartitions`: []TopicPartitions, versions 0-1.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            server_assignor: Default::default(),
            topic_partitions: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        m.member_id = r.string(true)?;
        m.member_epoch = r.i32()?;
        m.instance_id = r.string_opt(true)?;
        m.rack_id = r.string_opt(true)?;
        m.rebalance_timeout_ms = r.i32()?;
        m.subscribed_topic_names = r.array_opt(true, 1, |r| r.string(true))?;
        if version >= 1 {
            m.subscribed_topic_regex = r.string_opt(true)?;
        }
        m.server_assignor = r.string_opt(true)?;
        m.topic_partitions = r.array_opt(true, 18, |r| TopicPartitions::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        w.string(true, &self.member_id)?;
        w.i32(self.member_epoch);
        w.string_opt(true, self.instance_id.as_ref())?;
        w.string_opt(true, self.rack_id.as_ref())?;
        w.i32(self.rebalance_timeout_ms);
        w.array_opt(true, self.subscribed_topic_names.as_ref(), |w, x| w.string(true, x))?;
        if version >= 1 {
            w.string_opt(true, self.subscribed_topic_regex.as_ref())?;
        }
        w.string_opt(true, self.server_assignor.as_ref())?;
        w.array_opt(true, self.topic_partitions.as_ref(), |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ConsumerGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartitions {
    /// `TopicId`: uuid, versions 0-1.
    pub topic_id: Uuid,
    /// `Partitions`: []int32, versions 0-1.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicPartitions {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = r.uuid()?;
        m.partitions = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(true, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ConsumerGroupHeartbeatRequest {
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for ConsumerGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    type Response = super::ConsumerGroupHeartbeatResponse;
}
