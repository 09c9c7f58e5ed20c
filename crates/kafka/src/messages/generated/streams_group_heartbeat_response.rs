// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `StreamsGroupHeartbeatResponse`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `StreamsGroupHeartbeatResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatResponse {
    /// `ThrottleTimeMs`: int32, versions 0-1.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-1.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-1.
    pub error_message: Option<Str>,
    /// `MemberId`: string, versions 0-1.
    pub member_id: Str,
    /// `MemberEpoch`: int32, versions 0-1.
    pub member_epoch: i32,
    /// `HeartbeatIntervalMs`: int32, versions 0-1.
    pub heartbeat_interval_ms: i32,
    /// `AcceptableRecoveryLagLegacy`: int32, versions 0.
    pub acceptable_recovery_lag_legacy: i32,
    /// `TaskOffsetIntervalMs`: int32, versions 0-1.
    pub task_offset_interval_ms: i32,
    /// `AcceptableRecoveryLag`: int64, versions 1.
    pub acceptable_recovery_lag: i64,
    /// `Status`: []Status, versions 0-1.
    pub status: Option<Vec<Status>>,
    /// `ActiveTasks`: []TaskIds, versions 0-1.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// `StandbyTasks`: []TaskIds, versions 0-1.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// `WarmupTasks`: []TaskIds, versions 0-1.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// `TopologyDescriptionRequired`: bool, versions 1.
    pub topology_description_required: bool,
    /// `EndpointInformationEpoch`: int32, versions 0-1.
    pub endpoint_information_epoch: i32,
    /// `PartitionsByUserEndpoint`: []EndpointToPartitions, versions 0-1.
    pub partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for StreamsGroupHeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            heartbeat_interval_ms: Default::default(),
            acceptable_recovery_lag_legacy: Default::default(),
            task_offset_interval_ms: Default::default(),
            acceptable_recovery_lag: -1,
            status: Some(Default::default()),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            topology_description_required: Default::default(),
            endpoint_information_epoch: Default::default(),
            partitions_by_user_endpoint: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for StreamsGroupHeartbeatResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.member_id = r.string(true)?;
        m.member_epoch = r.i32()?;
        m.heartbeat_interval_ms = r.i32()?;
        if version <= 0 {
            m.acceptable_recovery_lag_legacy = r.i32()?;
        }
        m.task_offset_interval_ms = r.i32()?;
        if version >= 1 {
            m.acceptable_recovery_lag = r.i64()?;
        }
        m.status = r.array_opt(true, 3, |r| Status::decode(version, r))?;
        m.active_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        m.standby_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        m.warmup_tasks = r.array_opt(true, 3, |r| TaskIds::decode(version, r))?;
        if version >= 1 {
            m.topology_description_required = r.bool()?;
        }
        m.endpoint_information_epoch = r.i32()?;
        m.partitions_by_user_endpoint = r.array_opt(true, 7, |r| EndpointToPartitions::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.string(true, &self.member_id)?;
        w.i32(self.member_epoch);
        w.i32(self.heartbeat_interval_ms);
        if version <= 0 {
            w.i32(self.acceptable_recovery_lag_legacy);
        }
        w.i32(self.task_offset_interval_ms);
        if version >= 1 {
            w.i64(self.acceptable_recovery_lag);
        }
        w.array_opt(true, self.status.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.active_tasks.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.standby_tasks.as_ref(), |w, x| x.encode(version, w))?;
        w.array_opt(true, self.warmup_tasks.as_ref(), |w, x| x.encode(version, w))?;
        if version >= 1 {
            w.bool(self.topology_description_required);
        }
        w.i32(self.endpoint_information_epoch);
        w.array_opt(true, self.partitions_by_user_endpoint.as_ref(), |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EndpointToPartitions {
    /// `UserEndpoint`: Endpoint, versions 0-1.
    pub user_endpoint: Endpoint,
    /// `ActivePartitions`: []TopicPartition, versions 0-1.
    pub active_partitions: Vec<TopicPartition>,
    /// `StandbyPartitions`: []TopicPartition, versions 0-1.
    pub standby_partitions: Vec<TopicPartition>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for EndpointToPartitions {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.user_endpoint = Endpoint::decode(version, r)?;
        m.active_partitions = r.array(true, 3, |r| TopicPartition::decode(version, r))?;
        m.standby_partitions = r.array(true, 3, |r| TopicPartition::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        self.user_endpoint.encode(version, w)?;
        w.array(true, &self.active_partitions, |w, x| x.encode(version, w))?;
        w.array(true, &self.standby_partitions, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Status {
    /// `StatusCode`: int8, versions 0-1.
    pub status_code: i8,
    /// `StatusDetail`: string, versions 0-1.
    pub status_detail: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Status {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.status_code = r.i8()?;
        m.status_detail = r.string(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i8(self.status_code);
        w.string(true, &self.status_detail)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartition {
    /// `Topic`: string, versions 0-1.
    pub topic: Str,
    /// `Partitions`: []int32, versions 0-1.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = r.string(true)?;
        m.partitions = r.array(true, 4, Reader::i32)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.topic)?;
        w.array(true, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `StreamsGroupHeartbeatResponse`.
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

/// A part of `StreamsGroupHeartbeatResponse`.
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

impl Body for StreamsGroupHeartbeatResponse {
    const NAME: &'static str = "StreamsGroupHeartbeatResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
