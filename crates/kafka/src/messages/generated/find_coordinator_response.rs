// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `FindCoordinatorResponse`, versions 0-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `FindCoordinatorResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct FindCoordinatorResponse {
    /// `ThrottleTimeMs`: int32, versions 1-6.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-3.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 1-3.
    pub error_message: Option<Str>,
    /// `NodeId`: int32, versions 0-3.
    pub node_id: i32,
    /// `Host`: string, versions 0-3.
    pub host: Str,
    /// `Port`: int32, versions 0-3.
    pub port: i32,
    /// `Coordinators`: []Coordinator, versions 4-6.
    pub coordinators: Vec<Coordinator>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            coordinators: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for FindCoordinatorResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version >= 1 {
            m.throttle_time_ms = r.i32()?;
        }
        if version <= 3 {
            m.error_code = r.i16()?;
        }
        if version >= 1 && version <= 3 {
            m.error_message = r.string_opt(flex)?;
        }
        if version <= 3 {
            m.node_id = r.i32()?;
        }
        if version <= 3 {
            m.host = r.string(flex)?;
        }
        if version <= 3 {
            m.port = r.i32()?;
        }
        if version >= 4 {
            m.coordinators = r.array(flex, 14, |r| Coordinator::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 3 {
            w.i16(self.error_code);
        }
        if version >= 1 && version <= 3 {
            w.string_opt(flex, self.error_message.as_ref())?;
        }
        if version <= 3 {
            w.i32(self.node_id);
        }
        if version <= 3 {
            w.string(flex, &self.host)?;
        }
        if version <= 3 {
            w.i32(self.port);
        }
        if version >= 4 {
            w.array(flex, &self.coordinators, |w, x| x.encode(version, w))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `FindCoordinatorResponse`.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    /// `Key`: string, versions 4-6.
    pub key: Str,
    /// `NodeId`: int32, versions 4-6.
    pub node_id: i32,
    /// `Host`: string, versions 4-6.
    pub host: Str,
    /// `Port`: int32, versions 4-6.
    pub port: i32,
    /// `ErrorCode`: int16, versions 4-6.
    pub error_code: i16,
    /// `ErrorMessage`: string, versions 4-6.
    pub error_message: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: Default::default(),
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for Coordinator {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = r.string(true)?;
        m.node_id = r.i32()?;
        m.host = r.string(true)?;
        m.port = r.i32()?;
        m.error_code = r.i16()?;
        m.error_message = r.string_opt(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.key)?;
        w.i32(self.node_id);
        w.string(true, &self.host)?;
        w.i32(self.port);
        w.i16(self.error_code);
        w.string_opt(true, self.error_message.as_ref())?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 6;
}
