// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ProduceResponse`, versions 3-13.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ProduceResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ProduceResponse {
    /// `Responses`: []TopicProduceResponse, versions 3-13.
    pub responses: Vec<TopicProduceResponse>,
    /// `ThrottleTimeMs`: int32, versions 3-13.
    pub throttle_time_ms: i32,
    /// `NodeEndpoints`: []NodeEndpoint, versions 10-13, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ProduceResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.responses = r.array(flex, 1, |r| TopicProduceResponse::decode(version, r))?;
        m.throttle_time_ms = r.i32()?;
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 10 => m.node_endpoints = r.array(flex, 11, |r| NodeEndpoint::decode(version, r))?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.array(flex, &self.responses, |w, x| x.encode(version, w))?;
        w.i32(self.throttle_time_ms);
        if flex {
            let mut known = TagFields::default();
            if version >= 10 && !self.node_endpoints.is_empty() {
                known.add(0, |w| {
                    w.array(flex, &self.node_endpoints, |w, x| x.encode(version, w))?;
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicProduceResponse {
    /// `Name`: string, versions 3-12.
    pub name: Str,
    /// `TopicId`: uuid, versions 13.
    pub topic_id: Uuid,
    /// `PartitionResponses`: []PartitionProduceResponse, versions 3-13.
    pub partition_responses: Vec<PartitionProduceResponse>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicProduceResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        if version <= 12 {
            m.name = r.string(flex)?;
        }
        if version >= 13 {
            m.topic_id = r.uuid()?;
        }
        m.partition_responses = r.array(flex, 22, |r| PartitionProduceResponse::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        if version <= 12 {
            w.string(flex, &self.name)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(flex, &self.partition_responses, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// `Index`: int32, versions 3-13.
    pub index: i32,
    /// `ErrorCode`: int16, versions 3-13.
    pub error_code: i16,
    /// `BaseOffset`: int64, versions 3-13.
    pub base_offset: i64,
    /// `LogAppendTimeMs`: int64, versions 3-13.
    pub log_append_time_ms: i64,
    /// `LogStartOffset`: int64, versions 5-13.
    pub log_start_offset: i64,
    /// `RecordErrors`: []BatchIndexAndErrorMessage, versions 8-13.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// `ErrorMessage`: string, versions 8-13.
    pub error_message: Option<Str>,
    /// `CurrentLeader`: LeaderIdAndEpoch, versions 10-13, tag 0.
    pub current_leader: LeaderIdAndEpoch,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: Default::default(),
            error_code: Default::default(),
            base_offset: Default::default(),
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: Default::default(),
            current_leader: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for PartitionProduceResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.index = r.i32()?;
        m.error_code = r.i16()?;
        m.base_offset = r.i64()?;
        m.log_append_time_ms = r.i64()?;
        if version >= 5 {
            m.log_start_offset = r.i64()?;
        }
        if version >= 8 {
            m.record_errors = r.array(flex, 5, |r| BatchIndexAndErrorMessage::decode(version, r))?;
        }
        if version >= 8 {
            m.error_message = r.string_opt(flex)?;
        }
        if flex {
            m.unknown_tags = r.tags(|tag, r| {
                match tag {
                    0 if version >= 10 => m.current_leader = LeaderIdAndEpoch::decode(version, r)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i32(self.index);
        w.i16(self.error_code);
        w.i64(self.base_offset);
        w.i64(self.log_append_time_ms);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        if version >= 8 {
            w.array(flex, &self.record_errors, |w, x| x.encode(version, w))?;
        }
        if version >= 8 {
            w.string_opt(flex, self.error_message.as_ref())?;
        }
        if flex {
            let mut known = TagFields::default();
            if version >= 10 && self.current_leader != LeaderIdAndEpoch::default() {
                known.add(0, |w| {
                    self.current_leader.encode(version, w)?;
                    Ok(())
                })?;
            }
            w.tags(known, &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct BatchIndexAndErrorMessage {
    /// `BatchIndex`: int32, versions 8-13.
    pub batch_index: i32,
    /// `BatchIndexErrorMessage`: string, versions 8-13.
    pub batch_index_error_message: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for BatchIndexAndErrorMessage {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.batch_index = r.i32()?;
        m.batch_index_error_message = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i32(self.batch_index);
        w.string_opt(flex, self.batch_index_error_message.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `LeaderId`: int32, versions 10-13.
    pub leader_id: i32,
    /// `LeaderEpoch`: int32, versions 10-13.
    pub leader_epoch: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1, unknown_tags: UnknownTags::default() }
    }
}

impl Message for LeaderIdAndEpoch {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = r.i32()?;
        m.leader_epoch = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ProduceResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NodeEndpoint {
    /// `NodeId`: int32, versions 10-13.
    pub node_id: i32,
    /// `Host`: string, versions 10-13.
    pub host: Str,
    /// `Port`: int32, versions 10-13.
    pub port: i32,
    /// `Rack`: string, versions 10-13.
    pub rack: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for NodeEndpoint {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = r.i32()?;
        m.host = r.string(true)?;
        m.port = r.i32()?;
        m.rack = r.string_opt(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(true, &self.host)?;
        w.i32(self.port);
        w.string_opt(true, self.rack.as_ref())?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const MIN: i16 = 3;
    const MAX: i16 = 13;
}
