// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `EndTxnRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `EndTxnRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EndTxnRequest {
    /// `TransactionalId`: string, versions 0-5.
    pub transactional_id: Str,
    /// `ProducerId`: int64, versions 0-5.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 0-5.
    pub producer_epoch: i16,
    /// `Committed`: bool, versions 0-5.
    pub committed: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for EndTxnRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.transactional_id = r.string(flex)?;
        m.producer_id = r.i64()?;
        m.producer_epoch = r.i16()?;
        m.committed = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        w.string(flex, &self.transactional_id)?;
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        w.bool(self.committed);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for EndTxnRequest {
    const NAME: &'static str = "EndTxnRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for EndTxnRequest {
    const KEY: ApiKey = ApiKey::EndTxn;
    type Response = super::EndTxnResponse;
}
