// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListTransactionsResponse`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListTransactionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListTransactionsResponse {
    /// `ThrottleTimeMs`: int32, versions 0-2.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0-2.
    pub error_code: i16,
    /// `UnknownStateFilters`: []string, versions 0-2.
    pub unknown_state_filters: Vec<Str>,
    /// `TransactionStates`: []TransactionState, versions 0-2.
    pub transaction_states: Vec<TransactionState>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ListTransactionsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.unknown_state_filters = r.array(true, 1, |r| r.string(true))?;
        m.transaction_states = r.array(true, 11, |r| TransactionState::decode(version, r))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.array(true, &self.unknown_state_filters, |w, x| w.string(true, x))?;
        w.array(true, &self.transaction_states, |w, x| x.encode(version, w))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `ListTransactionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TransactionState {
    /// `TransactionalId`: string, versions 0-2.
    pub transactional_id: Str,
    /// `ProducerId`: int64, versions 0-2.
    pub producer_id: i64,
    /// `TransactionState`: string, versions 0-2.
    pub transaction_state: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for TransactionState {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = r.string(true)?;
        m.producer_id = r.i64()?;
        m.transaction_state = r.string(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.transactional_id)?;
        w.i64(self.producer_id);
        w.string(true, &self.transaction_state)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ListTransactionsResponse {
    const NAME: &'static str = "ListTransactionsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
