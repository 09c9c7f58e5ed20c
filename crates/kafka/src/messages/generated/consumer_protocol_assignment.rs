// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ConsumerProtocolAssignment`, versions 0-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ConsumerProtocolAssignment`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ConsumerProtocolAssignment {
    /// `AssignedPartitions`: []TopicPartition, versions 0-3.
    pub assigned_partitions: Vec<TopicPartition>,
    /// `UserData`: bytes, versions 0-3.
    pub user_data: Option<Bytes>,
}

impl Message for ConsumerProtocolAssignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.assigned_partitions = r.array(false, 6, |r| TopicPartition::decode(version, r))?;
        m.user_data = r.bytes_opt(false)?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(false, &self.assigned_partitions, |w, x| x.encode(version, w))?;
        w.bytes_opt(false, self.user_data.as_ref())?;
        Ok(())
    }
}

/// A part of `ConsumerProtocolAssignment`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartition {
    /// `Topic`: string, versions 0-3.
    pub topic: Str,
    /// `Partitions`: []int32, versions 0-3.
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

impl Body for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const MIN: i16 = 0;
    const MAX: i16 = 3;
}
