// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `MetadataRequest`, versions 0-13.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `MetadataRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// `Topics`: []MetadataRequestTopic, versions 0-13.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// `AllowAutoTopicCreation`: bool, versions 4-13.
    pub allow_auto_topic_creation: bool,
    /// `IncludeClusterAuthorizedOperations`: bool, versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// `IncludeTopicAuthorizedOperations`: bool, versions 8-13.
    pub include_topic_authorized_operations: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Default::default()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for MetadataRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        m.topics = if version >= 1 {
            r.array_opt(flex, 1, |r| MetadataRequestTopic::decode(version, r))?
        } else {
            Some(r.array(flex, 1, |r| MetadataRequestTopic::decode(version, r))?)
        };
        if version >= 4 {
            m.allow_auto_topic_creation = r.bool()?;
        }
        if version >= 8 && version <= 10 {
            m.include_cluster_authorized_operations = r.bool()?;
        }
        if version >= 8 {
            m.include_topic_authorized_operations = r.bool()?;
        }
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        if version >= 1 {
            w.array_opt(flex, self.topics.as_ref(), |w, x| x.encode(version, w))?;
        } else {
            w.array(flex, required(self.topics.as_ref())?, |w, x| x.encode(version, w))?;
        }
        if version >= 4 {
            w.bool(self.allow_auto_topic_creation);
        }
        if version >= 8 && version <= 10 {
            w.bool(self.include_cluster_authorized_operations);
        }
        if version >= 8 {
            w.bool(self.include_topic_authorized_operations);
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

/// A part of `MetadataRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequestTopic {
    /// `TopicId`: uuid, versions 10-13.
    pub topic_id: Uuid,
    /// `Name`: string, versions 0-13.
    pub name: Option<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self { topic_id: Default::default(), name: Some(Default::default()), unknown_tags: UnknownTags::default() }
    }
}

impl Message for MetadataRequestTopic {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let flex = version >= 9;
        let mut m = Self::default();
        if version >= 10 {
            m.topic_id = r.uuid()?;
        }
        m.name = if version >= 10 { r.string_opt(flex)? } else { Some(r.string(flex)?) };
        if flex {
            m.unknown_tags = r.tags(|_, _| Ok(false))?;
        }
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        let flex = version >= 9;
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        if version >= 10 {
            w.string_opt(flex, self.name.as_ref())?;
        } else {
            w.string(flex, required(self.name.as_ref())?)?;
        }
        if flex {
            w.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

impl Body for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 13;
}
impl Request for MetadataRequest {
    const KEY: ApiKey = ApiKey::Metadata;
    type Response = super::MetadataResponse;
}
