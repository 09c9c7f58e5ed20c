// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeClusterResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeClusterResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    /// `ThrottleTimeMs`: int32, versions 0-2.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 0-2.
    pub error_message: Option<Str>,
    /// `EndpointType`: int8, versions 1-2.
    pub endpoint_type: i8,
    /// `ClusterId`: string, versions 0-2.
    pub cluster_id: Str,
    /// `ControllerId`: int32, versions 0-2.
    pub controller_id: i32,
    /// `Brokers`: []DescribeClusterBroker, versions 0-2.
    pub brokers: Vec<DescribeClusterBroker>,
    /// `ClusterAuthorizedOperations`: int32, versions 0-2.
    pub cluster_authorized_operations: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            endpoint_type: 1,
            cluster_id: Default::default(),
            controller_id: -1,
            brokers: Default::default(),
            cluster_authorized_operations: i32::MIN,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for DescribeClusterResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        if version >= 1 {
            m.endpoint_type = r.i8()?;
        }
        m.cluster_id = r.string(true)?;
        m.controller_id = r.i32()?;
        m.brokers = r.array(true, 11, |r| DescribeClusterBroker::decode(version, r))?;
        m.cluster_authorized_operations = r.i32()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        if version >= 1 {
            w.i8(self.endpoint_type);
        }
        w.string(true, &self.cluster_id)?;
        w.i32(self.controller_id);
        w.array(true, &self.brokers, |w, x| x.encode(version, w))?;
        w.i32(self.cluster_authorized_operations);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `DescribeClusterResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeClusterBroker {
    /// `BrokerId`: int32, versions 0-2.
    pub broker_id: i32,
    /// `Host`: string, versions 0-2.
    pub host: Str,
    /// `Port`: int32, versions 0-2.
    pub port: i32,
    /// `Rack`: string, versions 0-2.
    pub rack: Option<Str>,
    /// `IsFenced`: bool, versions 2.
    pub is_fenced: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeClusterBroker {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = r.i32()?;
        m.host = r.string(true)?;
        m.port = r.i32()?;
        m.rack = r.string_opt(true)?;
        if version >= 2 {
            m.is_fenced = r.bool()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.broker_id);
        w.string(true, &self.host)?;
        w.i32(self.port);
        w.string_opt(true, self.rack.as_ref())?;
        if version >= 2 {
            w.bool(self.is_fenced);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for DescribeClusterResponse {
    const NAME: &'static str = "DescribeClusterResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
