// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ConsumerGroupDescribeRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ConsumerGroupDescribeRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ConsumerGroupDescribeRequest {
    /// `GroupIds`: []string, versions 0-1.
    pub group_ids: Vec<Str>,
    /// `IncludeAuthorizedOperations`: bool, versions 0-1.
    pub include_authorized_operations: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ConsumerGroupDescribeRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_ids = r.array(true, 1, |r| r.string(true))?;
        m.include_authorized_operations = r.bool()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.array(true, &self.group_ids, |w, x| w.string(true, x))?;
        w.bool(self.include_authorized_operations);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribeRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for ConsumerGroupDescribeRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupDescribe;
    type Response = super::ConsumerGroupDescribeResponse;
}
