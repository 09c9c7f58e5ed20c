// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ElectLeadersRequest`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ElectLeadersRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectLeadersRequest {
    /// `ElectionType`: int8, versions 1-2.
    pub election_type: i8,
    /// `TopicPartitions`: []TopicPartitions, versions 0-2.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// `TimeoutMs`: int32, versions 0-2.
    pub timeout_ms: i32,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: Default::default(),
            topic_partitions: Some(Default::default()),
            timeout_ms: 60000,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ElectLeadersRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        if version >= 1 {
            m.election_type = r.i8()?;
        }
        m.topic_partitions = r.array_opt(flex, 2, |r| TopicPartitions::decode(version, r))?;
        m.timeout_ms = r.i32()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        if version >= 1 {
            w.i8(self.election_type);
        }
        w.array_opt(flex, self.topic_partitions.as_ref(), |w, x| x.encode(version, w))?;
        w.i32(self.timeout_ms);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `ElectLeadersRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartitions {
    /// `Topic`: string, versions 0-2.
    pub topic: Str,
    /// `Partitions`: []int32, versions 0-2.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TopicPartitions {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.topic = r.string(flex)?;
        m.partitions = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.topic)?;
        w.array(flex, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ElectLeadersRequest {
    const NAME: &'static str = "ElectLeadersRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
impl Request for ElectLeadersRequest {
    const KEY: ApiKey = ApiKey::ElectLeaders;
    type Response = super::ElectLeadersResponse;
}
