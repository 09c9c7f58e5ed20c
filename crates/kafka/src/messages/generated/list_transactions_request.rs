// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListTransactionsRequest`, versions 0-2.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListTransactionsRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    /// `StateFilters`: []string, versions 0-2.
    pub state_filters: Vec<Str>,
    /// `ProducerIdFilters`: []int64, versions 0-2.
    pub producer_id_filters: Vec<i64>,
    /// `DurationFilter`: int64, versions 1-2.
    pub duration_filter: i64,
    /// `TransactionalIdPattern`: string, versions 2.
    pub transactional_id_pattern: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Default::default(),
            producer_id_filters: Default::default(),
            duration_filter: -1,
            transactional_id_pattern: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ListTransactionsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.state_filters = r.array(true, 1, |r| r.string(true))?;
        m.producer_id_filters = r.array(true, 8, Reader::i64)?;
        if version >= 1 {
            m.duration_filter = r.i64()?;
        }
        if version >= 2 {
            m.transactional_id_pattern = r.string_opt(true)?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.state_filters, |w, x| w.string(true, x))?;
        w.array(true, &self.producer_id_filters, |w, x| {
            w.i64(*x);
            Ok(())
        })?;
        if version >= 1 {
            w.i64(self.duration_filter);
        }
        if version >= 2 {
            w.string_opt(true, self.transactional_id_pattern.as_ref())?;
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ListTransactionsRequest {
    const NAME: &'static str = "ListTransactionsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 2;
}
impl Request for ListTransactionsRequest {
    const KEY: ApiKey = ApiKey::ListTransactions;
    type Response = super::ListTransactionsResponse;
}
