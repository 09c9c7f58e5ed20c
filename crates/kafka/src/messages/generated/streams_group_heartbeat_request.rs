// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `StreamsGroupHeartbeatRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatRequest {
    /// `GroupId`: string, versions 0-1.
    pub group_id: Str,
    /// `MemberId`: string, versions 0-1.
    pub member_id: Str,
    /// `MemberEpoch`: int32, versions 0-1.
    pub member_epoch: i32,
    /// `EndpointInformationEpoch`: int32, versions 0-1.
    pub endpoint_information_epoch: i32,
    /// `InstanceId`: string, versions 0-1.
    pub instance_id: Option<Str>,
    /// `RackId`: string, versions 0-1.
    pub rack_id: Option<Str>,
    /// `RebalanceTimeoutMs`: int32, versions 0-1.
    pub rebalance_timeout_ms: i32,
    /// `Topology`: Topology, versions 0-1.
    pub topology: Option<Topology>,
    /// `ActiveTasks`: []TaskIds, versions 0-1.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// `StandbyTasks`: []TaskIds, versions 0-1.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// `WarmupTasks`: []TaskIds, versions 0-1.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// `ProcessId`: string, versions 0-1.
    pub process_id: Option<Str>,
    /// `UserEndpoint`: Endpoint, versions 0-1.
    pub user_endpoint: Option<Endpoint>,
    /// `ClientTags`: []KeyValue, versions 0-1.
    pub client_tags: Option<Vec<KeyValue>>,
    /// `TaskOffsets`: []TaskOffset, versions 0-1.
    pub task_offsets: Option<Vec<TaskOffset>>,
    /// `TaskEndOffsets`: []TaskOffset, versions 0-1.
    pub task_end_offsets: Option<Vec<TaskOffset>>,
    /// `ShutdownApplication`: bool, versions 0-1.
    pub shutdown_application: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for StreamsGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            endpoint_information_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            topology: Default::default(),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
            task_offsets: Default::default(),
            task_end_offsets: Default::default(),
            shutdown_application: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for StreamsGroupHeartbeatRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        m.member_id = r.string(true)?;
        m.member_epoch = r.i32()?;
        m.endpoint_information_epoch = r.i32()?;
        m.instance_id = r.string_opt(true)?;
        m.rack_id = r.string_opt(true)?;
        m.rebalance_timeout_ms = r.i32()?;
        m.topology = r.struct_opt(|r| Topology::decode(version, r))?;
        m.active_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        m.standby_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        m.warmup_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        m.process_id = r.string_opt(true)?;
        m.user_endpoint = r.struct_opt(|r| Endpoint::decode(version, r))?;
        m.client_tags = r.array_opt(true, 3, |r| KeyValue::decode(version, r))?;
        m.task_offsets = r.array_opt(true, 14, |r| TaskOffset::decode(version, r))?;
        m.task_end_offsets = r.array_opt(true, 14, |r| TaskOffset::decode(version, r))?;
        m.shutdown_application = r.bool()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        w.string(true, &self.member_id)?;
        w.i32(self.member_epoch);
        w.i32(self.endpoint_information_epoch);
        w.string_opt(true, self.instance_id.as_ref())?;
        w.string_opt(true, self.rack_id.as_ref())?;
        w.i32(self.rebalance_timeout_ms);
        w.struct_opt(self.topology.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.active_tasks.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.standby_tasks.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.warmup_tasks.as_ref(), |w, x| x.encode(version, w))?;
        w.string_opt(true, self.process_id.as_ref())?;
        w.struct_opt(self.user_endpoint.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.client_tags.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.task_offsets.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.task_end_offsets.as_ref(), |w, x| x.encode(version, w))?;
        w.bool(self.shutdown_application);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Topology {
    /// `Epoch`: int32, versions 0-1.
    pub epoch: i32,
    /// `Subtopologies`: []Subtopology, versions 0-1.
    pub subtopologies: Vec<Subtopology>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Topology {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = r.i32()?;
        m.subtopologies = r.array(true, 8, |r| Subtopology::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.array(true, &self.subtopologies, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Subtopology {
    /// `SubtopologyId`: string, versions 0-1.
    pub subtopology_id: Str,
    /// `SourceTopics`: []string, versions 0-1.
    pub source_topics: Vec<Str>,
    /// `SourceTopicRegex`: []string, versions 0-1.
    pub source_topic_regex: Vec<Str>,
    /// `StateChangelogTopics`: []TopicInfo, versions 0-1.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// `RepartitionSinkTopics`: []string, versions 0-1.
    pub repartition_sink_topics: Vec<Str>,
    /// `RepartitionSourceTopics`: []TopicInfo, versions 0-1.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// `CopartitionGroups`: []CopartitionGroup, versions 0-1.
    pub copartition_groups: Vec<CopartitionGroup>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Subtopology {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = r.string(true)?;
        m.source_topics = r.array(true, 1, |r| r.string(true))?;
        m.source_topic_regex = r.array(true, 1, |r| r.string(true))?;
        m.state_changelog_topics = r.array(true, 9, |r| TopicInfo::decode(version, r))?;
        m.repartition_sink_topics = r.array(true, 1, |r| r.string(true))?;
        m.repartition_source_topics = r.array(true, 9, |r| TopicInfo::decode(version, r))?;
        m.copartition_groups = r.array(true, 4, |r| CopartitionGroup::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.subtopology_id)?;
        w.array(true, &self.source_topics, |w, x| w.string(true, x))?;
        w.array(true, &self.source_topic_regex, |w, x| w.string(true, x))?;
        w.array(true, &self.state_changelog_topics, |w, x| x.encode(version, w))?;
        w.array(true, &self.repartition_sink_topics, |w, x| w.string(true, x))?;
        w.array(true, &self.repartition_source_topics, |w, x| x.encode(version, w))?;
        w.array(true, &self.copartition_groups, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CopartitionGroup {
    /// `SourceTopics`: []int16, versions 0-1.
    pub source_topics: Vec<i16>,
    /// `SourceTopicRegex`: []int16, versions 0-1.
    pub source_topic_regex: Vec<i16>,
    /// `RepartitionSourceTopics`: []int16, versions 0-1.
    pub repartition_source_topics: Vec<i16>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CopartitionGroup {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source_topics = r.array(true, 2, Reader::i16)?;
        m.source_topic_regex = r.array(true, 2, Reader::i16)?;
        m.repartition_source_topics = r.array(true, 2, Reader::i16)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.source_topics, |w, x| {
            w.i16(*x);
            Ok(())
        })?;
        w.array(true, &self.source_topic_regex, |w, x| {
            w.i16(*x);
            Ok(())
        })?;
        w.array(true, &self.repartition_source_topics, |w, x| {
            w.i16(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct KeyValue {
    /// `Key`: string, versions 0-1.
    pub key: Str,
    /// `Value`: string, versions 0-1.
    pub value: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for KeyValue {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = r.string(true)?;
        m.value = r.string(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.key)?;
        w.string(true, &self.value)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicInfo {
    /// `Name`: string, versions 0-1.
    pub name: Str,
    /// `Partitions`: int32, versions 0-1.
    pub partitions: i32,
    /// `ReplicationFactor`: int16, versions 0-1.
    pub replication_factor: i16,
    /// `TopicConfigs`: []KeyValue, versions 0-1.
    pub topic_configs: Vec<KeyValue>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicInfo {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.partitions = r.i32()?;
        m.replication_factor = r.i16()?;
        m.topic_configs = r.array(true, 3, |r| KeyValue::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.i32(self.partitions);
        w.i16(self.replication_factor);
        w.array(true, &self.topic_configs, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Endpoint {
    /// `Host`: string, versions 0-1.
    pub host: Str,
    /// `Port`: uint16, versions 0-1.
    pub port: u16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Endpoint {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.host = r.string(true)?;
        m.port = r.u16()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.host)?;
        w.u16(self.port);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskOffset {
    /// `SubtopologyId`: string, versions 0-1.
    pub subtopology_id: Str,
    /// `Partition`: int32, versions 0-1.
    pub partition: i32,
    /// `Offset`: int64, versions 0-1.
    pub offset: i64,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TaskOffset {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = r.string(true)?;
        m.partition = r.i32()?;
        m.offset = r.i64()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.subtopology_id)?;
        w.i32(self.partition);
        w.i64(self.offset);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskIds {
    /// `SubtopologyId`: string, versions 0-1.
    pub subtopology_id: Str,
    /// `Partitions`: []int32, versions 0-1.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TaskIds {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = r.string(true)?;
        m.partitions = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.subtopology_id)?;
        w.array(true, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for StreamsGroupHeartbeatRequest {
    const NAME: &'static str = "StreamsGroupHeartbeatRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for StreamsGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::StreamsGroupHeartbeat;
    type Response = super::StreamsGroupHeartbeatResponse;
}
