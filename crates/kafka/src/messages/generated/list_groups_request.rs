// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `ListGroupsRequest`, versions 0-5.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `ListGroupsRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListGroupsRequest {
    /// `StatesFilter`: []string, versions 4-5.
    pub states_filter: Vec<Str>,
    /// `TypesFilter`: []string, versions 5.
    pub types_filter: Vec<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for ListGroupsRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 3;
        let mut m = Self::default();
        if version >= 4 {
            m.states_filter = r.array(flex, 1, |r| r.string(flex))?;
        }
        if version >= 5 {
            m.types_filter = r.array(flex, 1, |r| r.string(flex))?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 3;
        if version >= 4 {
            w.array(flex, &self.states_filter, |w, x| w.string(flex, x))?;
        }
        if version >= 5 {
            w.array(flex, &self.types_filter, |w, x| w.string(flex, x))?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;
}
impl Request for ListGroupsRequest {
    const KEY: ApiKey = ApiKey::ListGroups;
    type Response = super::ListGroupsResponse;
}
