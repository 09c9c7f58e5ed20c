// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `CreatePartitionsRequest`, versions 0-3.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `CreatePartitionsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatePartitionsRequest {
    /// `Topics`: []CreatePartitionsTopic, versions 0-3.
    pub topics: Vec<CreatePartitionsTopic>,
    /// `TimeoutMs`: int32, versions 0-3.
    pub timeout_ms: i32,
    /// `ValidateOnly`: bool, versions 0-3.
    pub validate_only: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreatePartitionsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.topics = r.array(flex, 6, |r| CreatePartitionsTopic::decode(version, r))?;
        m.timeout_ms = r.i32()?;
        m.validate_only = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.array(flex, &self.topics, |w, x| x.encode(version, w))?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreatePartitionsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePartitionsTopic {
    /// `Name`: string, versions 0-3.
    pub name: Str,
    /// `Count`: int32, versions 0-3.
    pub count: i32,
    /// `Assignments`: []CreatePartitionsAssignment, versions 0-3.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self {
            name: Default::default(),
            count: Default::default(),
            assignments: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for CreatePartitionsTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.count = r.i32()?;
        m.assignments = r.array_opt(flex, 1, |r| CreatePartitionsAssignment::decode(version, r))?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string(flex, &self.name)?;
        w.i32(self.count);
        w.array_opt(flex, self.assignments.as_ref(), |w, x| x.encode(version, w))?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `CreatePartitionsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatePartitionsAssignment {
    /// `BrokerIds`: []int32, versions 0-3.
    pub broker_ids: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for CreatePartitionsAssignment {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.broker_ids = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.array(flex, &self.broker_ids, |w, x| {
            w.i32(*x);
            Ok(())
        })?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for CreatePartitionsRequest {
    const NAME: &'static str = "CreatePartitionsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 3;
}
impl Request for CreatePartitionsRequest {
    const KEY: ApiKey = ApiKey::CreatePartitions;
    type Response = super::CreatePartitionsResponse;
}
