// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `MetadataResponse`, versions 0-13.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `MetadataResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// `ThrottleTimeMs`: int32, versions 3-13.
    pub throttle_time_ms: i32,
    /// `Brokers`: []MetadataResponseBroker, versions 0-13.
    pub brokers: Vec<MetadataResponseBroker>,
    /// `ClusterId`: string, versions 2-13.
    pub cluster_id: Option<Str>,
    /// `ControllerId`: int32, versions 1-13.
    pub controller_id: i32,
    /// `Topics`: []MetadataResponseTopic, versions 0-13.
    pub topics: Vec<MetadataResponseTopic>,
    /// `ClusterAuthorizedOperations`: int32, versions 8-10.
    pub cluster_authorized_operations: i32,
    /// `ErrorCode`: int16, versions 13.
    pub error_code: i16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            brokers: Default::default(),
            cluster_id: Default::default(),
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: i32::MIN,
            error_code: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for MetadataResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        if version >= 3 {
            m.throttle_time_ms = r.i32()?;
        }
        m.brokers = r.array(flex, 9, |r| MetadataResponseBroker::decode(version, r))?;
        if version >= 2 {
            m.cluster_id = r.string_opt(flex)?;
        }
        if version >= 1 {
            m.controller_id = r.i32()?;
        }
        m.topics = r.array(flex, 4, |r| MetadataResponseTopic::decode(version, r))?;
        if version >= 8 && version <= 10 {
            m.cluster_authorized_operations = r.i32()?;
        }
        if version >= 13 {
            m.error_code = r.i16()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(flex, &self.brokers, |w, x| x.encode(version, w))?;
        if version >= 2 {
            w.string_opt(flex, self.cluster_id.as_ref())?;
        }
        if version >= 1 {
            w.i32(self.controller_id);
        }
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        if version >= 8 && version <= 10 {
            w.i32(self.cluster_authorized_operations);
        }
        if version >= 13 {
            w.i16(self.error_code);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `MetadataResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MetadataResponseBroker {
    /// `NodeId`: int32, versions 0-13.
    pub node_id: i32,
    /// `Host`: string, versions 0-13.
    pub host: Str,
    /// `Port`: int32, versions 0-13.
    pub port: i32,
    /// `Rack`: string, versions 1-13.
    pub rack: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for MetadataResponseBroker {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.node_id = r.i32()?;
        m.host = r.string(flex)?;
        m.port = r.i32()?;
        if version >= 1 {
            m.rack = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i32(self.node_id);
        w.string(flex, &self.host)?;
        w.i32(self.port);
        if version >= 1 {
            w.string_opt(flex, self.rack.as_ref())?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `MetadataResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// `ErrorCode`: int16, versions 0-13.
    pub error_code: i16,
    /// `Name`: string, versions 0-13.
    pub name: Option<Str>,
    /// `TopicId`: uuid, versions 10-13.
    pub topic_id: Uuid,
    /// `IsInternal`: bool, versions 1-13.
    pub is_internal: bool,
    /// `Partitions`: []MetadataResponsePartition, versions 0-13.
    pub partitions: Vec<MetadataResponsePartition>,
    /// `TopicAuthorizedOperations`: int32, versions 8-13.
    pub topic_authorized_operations: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Some(Default::default()),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: i32::MIN,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for MetadataResponseTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.name = if version >= 12 { r.string_opt(flex)? } else { Some(r.string(flex)?) };
        if version >= 10 {
            m.topic_id = r.uuid()?;
        }
        if version >= 1 {
            m.is_internal = r.bool()?;
        }
        m.partitions = r.array(flex, 12, |r| MetadataResponsePartition::decode(version, r))?;
        if version >= 8 {
            m.topic_authorized_operations = r.i32()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i16(self.error_code);
        if version >= 12 {
            w.string_opt(flex, self.name.as_ref())?;
        } else {
            w.string(flex, required(self.name.as_ref())?)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        if version >= 1 {
            w.bool(self.is_internal);
        }
        w.array(flex, &self.partitions, |w, x| x.encode(version, w))?;
        if version >= 8 {
            w.i32(self.topic_authorized_operations);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `MetadataResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// `ErrorCode`: int16, versions 0-13.
    pub error_code: i16,
    /// `PartitionIndex`: int32, versions 0-13.
    pub partition_index: i32,
    /// `LeaderId`: int32, versions 0-13.
    pub leader_id: i32,
    /// `LeaderEpoch`: int32, versions 7-13.
    pub leader_epoch: i32,
    /// `ReplicaNodes`: []int32, versions 0-13.
    pub replica_nodes: Vec<i32>,
    /// `IsrNodes`: []int32, versions 0-13.
    pub isr_nodes: Vec<i32>,
    /// `OfflineReplicas`: []int32, versions 5-13.
    pub offline_replicas: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for MetadataResponsePartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.error_code = r.i16()?;
        m.partition_index = r.i32()?;
        m.leader_id = r.i32()?;
        if version >= 7 {
            m.leader_epoch = r.i32()?;
        }
        m.replica_nodes = r.array(flex, 4, Reader::i32)?;
        m.isr_nodes = r.array(flex, 4, Reader::i32)?;
        if version >= 5 {
            m.offline_replicas = r.array(flex, 4, Reader::i32)?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        if version >= 7 {
            w.i32(self.leader_epoch);
        }
        w.array(flex, &self.replica_nodes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.array(flex, &self.isr_nodes, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if version >= 5 {
            w.array(flex, &self.offline_replicas, |w, x| {
                w.i32(*x);
                Ok(())
            })?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 13;
}
