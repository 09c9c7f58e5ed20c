// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `AddOffsetsToTxnRequest`, versions 0-4.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `AddOffsetsToTxnRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddOffsetsToTxnRequest {
    /// `TransactionalId`: string, versions 0-4.
    pub transactional_id: Str,
    /// `ProducerId`: int64, versions 0-4.
    pub producer_id: i64,
    /// `ProducerEpoch`: int16, versions 0-4.
    pub producer_epoch: i16,
    /// `GroupId`: string, versions 0-4.
    pub group_id: Str,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for AddOffsetsToTxnRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        m.transactional_id = r.string(flex)?;
        m.producer_id = r.i64()?;
        m.producer_epoch = r.i16()?;
        m.group_id = r.string(flex)?;
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
        w.string(flex, &self.group_id)?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for AddOffsetsToTxnRequest {
    const NAME: &'static str = "AddOffsetsToTxnRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 4;
}
impl Request for AddOffsetsToTxnRequest {
    const KEY: ApiKey = ApiKey::AddOffsetsToTxn;
    type Response = super::AddOffsetsToTxnResponse;
}
