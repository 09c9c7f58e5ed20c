// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `InitProducerIdRequest`, versions 0-6.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `InitProducerIdRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdRequest {
    /// `TransactionalId`: string, versions 0-6.
    pub transactional_id: Option<Str>,
    /// `TransactionTimeoutMs`: int32, versions 0-6.
    pub transaction_timeout_ms: i32,
    /// `ProducerId`: int64, versions 3-6.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 3-6.
    pub producer_epoch: i16,
    /// `Enable2Pc`: bool, versions 6.
    pub enable2_pc: bool,
    /// `KeepPreparedTxn`: bool, versions 6.
    pub keep_prepared_txn: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Some(Default::default()),
            transaction_timeout_ms: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
            enable2_pc: Default::default(),
            keep_prepared_txn: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for InitProducerIdRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 2;
        let mut m = Self::default();
        m.transactional_id = r.string_opt(flex)?;
        m.transaction_timeout_ms = r.i32()?;
        if version >= 3 {
            m.producer_id = r.i64()?;
        }
        if version >= 3 {
            m.producer_epoch = r.i16()?;
        }
        if version >= 6 {
            m.enable2_pc = r.bool()?;
        }
        if version >= 6 {
            m.keep_prepared_txn = r.bool()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 2;
        w.string_opt(flex, self.transactional_id.as_ref())?;
        w.i32(self.transaction_timeout_ms);
        if version >= 3 {
            w.i64(self.producer_id);
        }
        if version >= 3 {
            w.i16(self.producer_epoch);
        }
        if version >= 6 {
            w.bool(self.enable2_pc);
        }
        if version >= 6 {
            w.bool(self.keep_prepared_txn);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for InitProducerIdRequest {
    const NAME: &'static str = "InitProducerIdRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 6;
}
impl Request for InitProducerIdRequest {
    const KEY: ApiKey = ApiKey::InitProducerId;
    type Response = super::InitProducerIdResponse;
}
