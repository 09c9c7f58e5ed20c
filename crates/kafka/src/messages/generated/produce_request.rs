// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ProduceRequest`, versions 3-13.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ProduceRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ProduceRequest {
    /// `TransactionalId`: string, versions 3-13.
    pub transactional_id: Option<Str>,
    /// `Acks`: int16, versions 3-13.
    pub acks: i16,
    /// `TimeoutMs`: int32, versions 3-13.
    pub timeout_ms: i32,
    /// `TopicData`: []TopicProduceData, versions 3-13.
    pub topic_data: Vec<TopicProduceData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ProduceRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.transactional_id = r.string_opt(flex)?;
        m.acks = r.i16()?;
        m.timeout_ms = r.i32()?;
        m.topic_data = r.array(flex, 1, |r| TopicProduceData::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.string_opt(flex, self.transactional_id.as_ref())?;
        w.i16(self.acks);
        w.i32(self.timeout_ms);
        w.array(flex, &self.topic_data, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicProduceData {
    /// `Name`: string, versions 3-12.
    pub name: Str,
    /// `TopicId`: uuid, versions 13.
    pub topic_id: Uuid,
    /// `PartitionData`: []PartitionProduceData, versions 3-13.
    pub partition_data: Vec<PartitionProduceData>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicProduceData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        if version <= 12 {
            m.name = r.string(flex)?;
        }
        if version >= 13 {
            m.topic_id = r.uuid()?;
        }
        m.partition_data = r.array(flex, 5, |r| PartitionProduceData::decode(version, r))?;
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
        w.array(flex, &self.partition_data, |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ProduceRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceData {
    /// `Index`: int32, versions 3-13.
    pub index: i32,
    /// `Records`: records, versions 3-13.
    pub records: Option<Bytes>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for PartitionProduceData {
    fn default() -> Self {
        Self { index: Default::default(), records: Some(Default::default()), unknown_tags: UnknownTags::default() }
    }
}

impl Message for PartitionProduceData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.index = r.i32()?;
        m.records = r.bytes_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        w.i32(self.index);
        w.bytes_opt(flex, self.records.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const MIN: i16 = 3;
    const MAX: i16 = 13;
}
impl Request for ProduceRequest {
    const KEY: ApiKey = ApiKey::Produce;
    type Response = super::ProduceResponse;
}
