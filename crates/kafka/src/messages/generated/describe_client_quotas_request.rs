// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `DescribeClientQuotasRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `DescribeClientQuotasRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeClientQuotasRequest {
    /// `Components`: []ComponentData, versions 0-1.
    pub components: Vec<ComponentData>,
    /// `Strict`: bool, versions 0-1.
    pub strict: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for DescribeClientQuotasRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.components = r.array(flex, 3, |r| ComponentData::decode(version, r))?;
        m.strict = r.bool()?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.array(flex, &self.components, |w, x| x.encode(version, w))?;
        w.bool(self.strict);
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `DescribeClientQuotasRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentData {
    /// `EntityType`: string, versions 0-1.
    pub entity_type: Str,
    /// `MatchType`: int8, versions 0-1.
    pub match_type: i8,
    /// `Match`: string, versions 0-1.
    pub match_: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for ComponentData {
    fn default() -> Self {
        Self {
            entity_type: Default::default(),
            match_type: Default::default(),
            match_: Some(Default::default()),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for ComponentData {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 1;
        let mut m = Self::default();
        m.entity_type = r.string(flex)?;
        m.match_type = r.i8()?;
        m.match_ = r.string_opt(flex)?;
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 1;
        w.string(flex, &self.entity_type)?;
        w.i8(self.match_type);
        w.string_opt(flex, self.match_.as_ref())?;
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for DescribeClientQuotasRequest {
    const NAME: &'static str = "DescribeClientQuotasRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for DescribeClientQuotasRequest {
    const KEY: ApiKey = ApiKey::DescribeClientQuotas;
    type Response = super::DescribeClientQuotasResponse;
}
