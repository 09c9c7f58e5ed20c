// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `StreamsGroupTopologyDescriptionUpdateRequest`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `StreamsGroupTopologyDescriptionUpdateRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupTopologyDescriptionUpdateRequest {
    /// `GroupId`: string, versions 0.
    pub group_id: Str,
    /// `MemberId`: string, versions 0.
    pub member_id: Str,
    /// `TopologyEpoch`: int32, versions 0.
    pub topology_epoch: i32,
    /// `TopologyDescription`: TopologyDescription, versions 0.
    pub topology_description: TopologyDescription,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for StreamsGroupTopologyDescriptionUpdateRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = r.string(true)?;
        m.member_id = r.string(true)?;
        m.topology_epoch = r.i32()?;
        m.topology_description = TopologyDescription::decode(version, r)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.group_id)?;
        w.string(true, &self.member_id)?;
        w.i32(self.topology_epoch);
        self.topology_description.encode(version, w)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupTopologyDescriptionUpdateRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescription {
    /// `Subtopologies`: []TopologyDescriptionSubtopology, versions 0.
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// `GlobalStores`: []TopologyDescriptionGlobalStore, versions 0.
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

/// A part of `StreamsGroupTopologyDescriptionUpdateRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionSubtopology {
    /// `SubtopologyId`: string, versions 0.
    pub subtopology_id: Str,
    /// `Nodes`: []TopologyDescriptionNode, versions 0.
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

/// A part of `StreamsGroupTopologyDescriptionUpdateRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionNode {
    /// `Name`: string, versions 0.
    pub name: Str,
    /// `NodeType`: int8, versions 0.
    pub node_type: i8,
    /// `SourceTopics`: []string, versions 0.
    pub source_topics: Vec<Str>,
    /// `SinkTopic`: string, versions 0.
    pub sink_topic: Option<Str>,
    /// `Stores`: []string, versions 0.
    pub stores: Vec<Str>,
    /// `Successors`: []string, versions 0.
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

/// A part of `StreamsGroupTopologyDescriptionUpdateRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionGlobalStore {
    /// `Source`: TopologyDescriptionNode, versions 0.
    pub source: TopologyDescriptionNode,
    /// `Processor`: TopologyDescriptionNode, versions 0.
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

impl Body for StreamsGroupTopologyDescriptionUpdateRequest {
    const NAME: &'static str = "StreamsGroupTopologyDescriptionUpdateRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
impl Request for StreamsGroupTopologyDescriptionUpdateRequest {
    const KEY: ApiKey = ApiKey::StreamsGroupTopologyDescriptionUpdate;
    type Response = super::StreamsGroupTopologyDescriptionUpdateResponse;
}
