// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `StreamsGroupDescribeResponse`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupDescribeResponse {
    /// `ThrottleTimeMs`: int32, versions 0-1.
    pub throttle_time_ms: i32,
    /// `Groups`: []DescribedGroup, versions 0-1.
    pub groups: Vec<DescribedGroup>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for StreamsGroupDescribeResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.groups = r.array(true, 20, |r| DescribedGroup::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.array(true, &self.groups, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-1.
    pub error_message: Option<Str>,
    /// `GroupId`: string, versions 0-1.
    pub group_id: Str,
    /// `GroupState`: string, versions 0-1.
    pub group_state: Str,
    /// `GroupEpoch`: int32, versions 0-1.
    pub group_epoch: i32,
    /// `AssignmentEpoch`: int32, versions 0-1.
    pub assignment_epoch: i32,
    /// `Topology`: Topology, versions 0-1.
    pub topology: Option<Topology>,
    /// `Members`: []Member, versions 0-1.
    pub members: Vec<Member>,
    /// `AuthorizedOperations`: int32, versions 0-1.
    pub authorized_operations: i32,
    /// `TopologyDescription`: TopologyDescription, versions 1.
    pub topology_description: Option<TopologyDescription>,
    /// `TopologyDescriptionStatus`: int8, versions 1.
    pub topology_description_status: i8,
    /// `AssignorName`: string, versions 1.
    pub assignor_name: Option<Str>,
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
            group_epoch: Default::default(),
            assignment_epoch: Default::default(),
            topology: Default::default(),
            members: Default::default(),
            authorized_operations: i32::MIN,
            topology_description: Default::default(),
            topology_description_status: Default::default(),
            assignor_name: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribedGroup {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.group_id = r.string(true)?;
        m.group_state = r.string(true)?;
        m.group_epoch = r.i32()?;
        m.assignment_epoch = r.i32()?;
        m.topology = r.struct_opt(|r| Topology::decode(version, r))?;
        m.members = r.array(true, 28, |r| Member::decode(version, r))?;
        m.authorized_operations = r.i32()?;
        if version >= 1 {
            m.topology_description = r.struct_opt(|r| TopologyDescription::decode(version, r))?;
        }
        if version >= 1 {
            m.topology_description_status = r.i8()?;
        }
        if version >= 1 {
            m.assignor_name = r.string_opt(true)?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.string(true, &self.group_id)?;
        w.string(true, &self.group_state)?;
        w.i32(self.group_epoch);
        w.i32(self.assignment_epoch);
        w.struct_opt(self.topology.as_ref(), |w, x| x.encode(version, w))?;
        w.array(true, &self.members, |w, x| x.encode(version, w))?;
        w.i32(self.authorized_operations);
        if version >= 1 {
            w.struct_opt(self.topology_description.as_ref(), |w, x| x.encode(version, w))?;
        }
        if version >= 1 {
            w.i8(self.topology_description_status);
        }
        if version >= 1 {
            w.string_opt(true, self.assignor_name.as_ref())?;
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Topology {
    /// `Epoch`: int32, versions 0-1.
    pub epoch: i32,
    /// `Subtopologies`: []Subtopology, versions 0-1.
    pub subtopologies: Option<Vec<Subtopology>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Topology {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = r.i32()?;
        m.subtopologies = r.array_opt(true, 6, |r| Subtopology::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.array_opt(true, self.subtopologies.as_ref(), |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Subtopology {
    /// `SubtopologyId`: string, versions 0-1.
    pub subtopology_id: Str,
    /// `SourceTopics`: []string, versions 0-1.
    pub source_topics: Vec<Str>,
    /// `RepartitionSinkTopics`: []string, versions 0-1.
    pub repartition_sink_topics: Vec<Str>,
    /// `StateChangelogTopics`: []TopicInfo, versions 0-1.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// `RepartitionSourceTopics`: []TopicInfo, versions 0-1.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Subtopology {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = r.string(true)?;
        m.source_topics = r.array(true, 1, |r| r.string(true))?;
        m.repartition_sink_topics = r.array(true, 1, |r| r.string(true))?;
        m.state_changelog_topics = r.array(true, 9, |r| TopicInfo::decode(version, r))?;
        m.repartition_source_topics = r.array(true, 9, |r| TopicInfo::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.subtopology_id)?;
        w.array(true, &self.source_topics, |w, x| w.string(true, x))?;
        w.array(true, &self.repartition_sink_topics, |w, x| w.string(true, x))?;
        w.array(true, &self.state_changelog_topics, |w, x| x.encode(version, w))?;
        w.array(true, &self.repartition_source_topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Member {
    /// `MemberId`: string, versions 0-1.
    pub member_id: Str,
    /// `MemberEpoch`: int32, versions 0-1.
    pub member_epoch: i32,
    /// `InstanceId`: string, versions 0-1.
    pub instance_id: Option<Str>,
    /// `RackId`: string, versions 0-1.
    pub rack_id: Option<Str>,
    /// `ClientId`: string, versions 0-1.
    pub client_id: Str,
    /// `ClientHost`: string, versions 0-1.
    pub client_host: Str,
    /// `TopologyEpoch`: int32, versions 0-1.
    pub topology_epoch: i32,
    /// `ProcessId`: string, versions 0-1.
    pub process_id: Str,
    /// `UserEndpoint`: Endpoint, versions 0-1.
    pub user_endpoint: Option<Endpoint>,
    /// `ClientTags`: []KeyValue, versions 0-1.
    pub client_tags: Vec<KeyValue>,
    /// `TaskOffsets`: []TaskOffset, versions 0-1.
    pub task_offsets: Vec<TaskOffset>,
    /// `TaskEndOffsets`: []TaskOffset, versions 0-1.
    pub task_end_offsets: Vec<TaskOffset>,
    /// `Assignment`: Assignment, versions 0-1.
    pub assignment: Assignment,
    /// `TargetAssignment`: Assignment, versions 0-1.
    pub target_assignment: Assignment,
    /// `IsClassic`: bool, versions 0-1.
    pub is_classic: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Member {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = r.string(true)?;
        m.member_epoch = r.i32()?;
        m.instance_id = r.string_opt(true)?;
        m.rack_id = r.string_opt(true)?;
        m.client_id = r.string(true)?;
        m.client_host = r.string(true)?;
        m.topology_epoch = r.i32()?;
        m.process_id = r.string(true)?;
        m.user_endpoint = r.struct_opt(|r| Endpoint::decode(version, r))?;
        m.client_tags = r.array(true, 3, |r| KeyValue::decode(version, r))?;
        m.task_offsets = r.array(true, 14, |r| TaskOffset::decode(version, r))?;
        m.task_end_offsets = r.array(true, 14, |r| TaskOffset::decode(version, r))?;
        m.assignment = Assignment::decode(version, r)?;
        m.target_assignment = Assignment::decode(version, r)?;
        m.is_classic = r.bool()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.member_id)?;
        w.i32(self.member_epoch);
        w.string_opt(true, self.instance_id.as_ref())?;
        w.string_opt(true, self.rack_id.as_ref())?;
        w.string(true, &self.client_id)?;
        w.string(true, &self.client_host)?;
        w.i32(self.topology_epoch);
        w.string(true, &self.process_id)?;
        w.struct_opt(self.user_endpoint.as_ref(), |w, x| x.encode(version, w))?;
        w.array(true, &self.client_tags, |w, x| x.encode(version, w))?;
        w.array(true, &self.task_offsets, |w, x| x.encode(version, w))?;
        w.array(true, &self.task_end_offsets, |w, x| x.encode(version, w))?;
        self.assignment.encode(version, w)?;
        self.target_assignment.encode(version, w)?;
        w.bool(self.is_classic);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
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

/// A part of `StreamsGroupDescribeResponse`.
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

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Assignment {
    /// `ActiveTasks`: []TaskIds, versions 0-1.
    pub active_tasks: Vec<TaskIds>,
    /// `StandbyTasks`: []TaskIds, versions 0-1.
    pub standby_tasks: Vec<TaskIds>,
    /// `WarmupTasks`: []TaskIds, versions 0-1.
    pub warmup_tasks: Vec<TaskIds>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Assignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.active_tasks = r.array(true, 3, |r| TaskIds::decode(version, r))?;
        m.standby_tasks = r.array(true, 3, |r| TaskIds::decode(version, r))?;
        m.warmup_tasks = r.array(true, 3, |r| TaskIds::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.active_tasks, |w, x| x.encode(version, w))?;
        w.array(true, &self.standby_tasks, |w, x| x.encode(version, w))?;
        w.array(true, &self.warmup_tasks, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
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

/// A part of `StreamsGroupDescribeResponse`.
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

/// A part of `StreamsGroupDescribeResponse`.
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

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescription {
    /// `Subtopologies`: []TopologyDescriptionSubtopology, versions 1.
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// `GlobalStores`: []TopologyDescriptionGlobalStore, versions 1.
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopologyDescription {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopologies = r.array(true, 3, |r| TopologyDescriptionSubtopology::decode(version, r))?;
        m.global_stores = r.array(true, 15, |r| TopologyDescriptionGlobalStore::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.subtopologies, |w, x| x.encode(version, w))?;
        w.array(true, &self.global_stores, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionSubtopology {
    /// `SubtopologyId`: string, versions 1.
    pub subtopology_id: Str,
    /// `Nodes`: []TopologyDescriptionNode, versions 1.
    pub nodes: Vec<TopologyDescriptionNode>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopologyDescriptionSubtopology {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = r.string(true)?;
        m.nodes = r.array(true, 7, |r| TopologyDescriptionNode::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.subtopology_id)?;
        w.array(true, &self.nodes, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionNode {
    /// `Name`: string, versions 1.
    pub name: Str,
    /// `NodeType`: int8, versions 1.
    pub node_type: i8,
    /// `SourceTopics`: []string, versions 1.
    pub source_topics: Vec<Str>,
    /// `SinkTopic`: string, versions 1.
    pub sink_topic: Option<Str>,
    /// `Stores`: []string, versions 1.
    pub stores: Vec<Str>,
    /// `Successors`: []string, versions 1.
    pub successors: Vec<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopologyDescriptionNode {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.node_type = r.i8()?;
        m.source_topics = r.array(true, 1, |r| r.string(true))?;
        m.sink_topic = r.string_opt(true)?;
        m.stores = r.array(true, 1, |r| r.string(true))?;
        m.successors = r.array(true, 1, |r| r.string(true))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.i8(self.node_type);
        w.array(true, &self.source_topics, |w, x| w.string(true, x))?;
        w.string_opt(true, self.sink_topic.as_ref())?;
        w.array(true, &self.stores, |w, x| w.string(true, x))?;
        w.array(true, &self.successors, |w, x| w.string(true, x))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupDescribeResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionGlobalStore {
    /// `Source`: TopologyDescriptionNode, versions 1.
    pub source: TopologyDescriptionNode,
    /// `Processor`: TopologyDescriptionNode, versions 1.
    pub processor: TopologyDescriptionNode,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopologyDescriptionGlobalStore {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source = TopologyDescriptionNode::decode(version, r)?;
        m.processor = TopologyDescriptionNode::decode(version, r)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        self.source.encode(version, w)?;
        self.processor.encode(version, w)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for StreamsGroupDescribeResponse {
    const NAME: &'static str = "StreamsGroupDescribeResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
