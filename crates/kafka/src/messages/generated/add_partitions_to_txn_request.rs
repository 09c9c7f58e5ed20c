// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `AddPartitionsToTxnRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `AddPartitionsToTxnRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnRequest {
    /// `Transactions`: []AddPartitionsToTxnTransaction, versions 4-5.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// `V3AndBelowTransactionalId`: string, versions 0-3.
    pub v3_and_below_transactional_id: Str,
    /// `V3AndBelowProducerId`: int64, versions 0-3.
    pub v3_and_below_producer_id: i64,
    /// `V3AndBelowProducerEpoch`: int16, versions 0-3.
    pub v3_and_below_producer_epoch: i16,
    /// `V3AndBelowTopics`: []AddPartitionsToTxnTopic, versions 0-3.
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version >= 4 {
            m.transactions = r.array(flex, 14, |r| AddPartitionsToTxnTransaction::decode(version, r))?;
        }
        if version <= 3 {
            m.v3_and_below_transactional_id = r.string(flex)?;
        }
        if version <= 3 {
            m.v3_and_below_producer_id = r.i64()?;
        }
        if version <= 3 {
            m.v3_and_below_producer_epoch = r.i16()?;
        }
        if version <= 3 {
            m.v3_and_below_topics = r.array(flex, 2, |r| AddPartitionsToTxnTopic::decode(version, r))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version >= 4 {
            w.array(flex, &self.transactions, |w, x| x.encode(version, w))?;
        }
        if version <= 3 {
            w.string(flex, &self.v3_and_below_transactional_id)?;
        }
        if version <= 3 {
            w.i64(self.v3_and_below_producer_id);
        }
        if version <= 3 {
            w.i16(self.v3_and_below_producer_epoch);
        }
        if version <= 3 {
            w.array(flex, &self.v3_and_below_topics, |w, x| x.encode(version, w))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `AddPartitionsToTxnRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnTransaction {
    /// `TransactionalId`: string, versions 4-5.
    pub transactional_id: Str,
    /// `ProducerId`: int64, versions 4-5.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 4-5.
    pub producer_epoch: i16,
    /// `VerifyOnly`: bool, versions 4-5.
    pub verify_only: bool,
    /// `Topics`: []AddPartitionsToTxnTopic, versions 4-5.
    pub topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnTransaction {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = r.string(true)?;
        m.producer_id = r.i64()?;
        m.producer_epoch = r.i16()?;
        m.verify_only = r.bool()?;
        m.topics = r.array(true, 3, |r| AddPartitionsToTxnTopic::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.transactional_id)?;
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        w.bool(self.verify_only);
        w.array(true, &self.topics, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `AddPartitionsToTxnRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnTopic {
    /// `Name`: string, versions 0-5.
    pub name: Str,
    /// `Partitions`: []int32, versions 0-5.
    pub partitions: Vec<i32>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddPartitionsToTxnTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.name = r.string(flex)?;
        m.partitions = r.array(flex, 4, Reader::i32)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.string(flex, &self.name)?;
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

impl Body for AddPartitionsToTxnRequest {
    const NAME: &'static str = "AddPartitionsToTxnRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for AddPartitionsToTxnRequest {
    const KEY: ApiKey = ApiKey::AddPartitionsToTxn;
    type Response = super::AddPartitionsToTxnResponse;
}
