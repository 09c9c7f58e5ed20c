// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ConsumerProtocolSubscription`, versions 0-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ConsumerProtocolSubscription`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// `Topics`: []string, versions 0-3.
    pub topics: Vec<Str>,
    /// `UserData`: bytes, versions 0-3.
    pub user_data: Option<Bytes>,
    /// `OwnedPartitions`: []TopicPartition, versions 1-3.
    pub owned_partitions: Vec<TopicPartition>,
    /// `GenerationId`: int32, versions 2-3.
    pub generation_id: i32,
    /// `RackId`: string, versions 3.
    pub rack_id: Option<Str>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            user_data: Default::default(),
            owned_partitions: Default::default(),
            generation_id: -1,
            rack_id: Default::default(),
        }
    }
}

impl Message for ConsumerProtocolSubscription {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = r.array(false, 2, |r| r.string(false))?;
        m.user_data = r.bytes_opt(false)?;
        if version >= 1 {
            m.owned_partitions = r.array(false, 6, |r| TopicPartition::decode(version, r))?;
        }
        if version >= 2 {
            m.generation_id = r.i32()?;
        }
        if version >= 3 {
            m.rack_id = r.string_opt(false)?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(false, &self.topics, |w, x| w.string(false, x))?;
        w.bytes_opt(false, self.user_data.as_ref())?;
        if version >= 1 {
            w.array(false, &self.owned_partitions, |w, x| x.encode(version, w))?;
        }
        if version >= 2 {
            w.i32(self.generation_id);
        }
        if version >= 3 {
            w.string_opt(false, self.rack_id.as_ref())?;
        }
        Ok(())
    }
}

/// A part of `ConsumerProtocolSubscription`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartition {
    /// `Topic`: string, versions 1-3.
    pub topic: Str,
    /// `Partitions`: []int32, versions 1-3.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartition {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = r.string(false)?;
        m.partitions = r.array(false, 4, Reader::i32)?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(false, &self.topic)?;
        w.array(false, &self.partitions, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        Ok(())
    }
}

impl Body for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const MIN: i16 = 0;
    const MAX: i16 = 3;
}
