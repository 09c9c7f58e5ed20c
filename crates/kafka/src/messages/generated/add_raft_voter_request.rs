// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `AddRaftVoterRequest`, versions 0-1.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `AddRaftVoterRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct AddRaftVoterRequest {
    /// `ClusterId`: string, versions 0-1.
    pub cluster_id: Option<Str>,
    /// `TimeoutMs`: int32, versions 0-1.
    pub timeout_ms: i32,
    /// `VoterId`: int32, versions 0-1.
    pub voter_id: i32,
    /// `VoterDirectoryId`: uuid, versions 0-1.
    pub voter_directory_id: Uuid,
    /// `Listeners`: []Listener, versions 0-1.
    pub listeners: Vec<Listener>,
    /// `AckWhenCommitted`: bool, versions 1.
    pub ack_when_committed: bool,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for AddRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Some(Default::default()),
            timeout_ms: Default::default(),
            voter_id: Default::default(),
            voter_directory_id: Default::default(),
            listeners: Default::default(),
            ack_when_committed: true,
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for AddRaftVoterRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.cluster_id = r.string_opt(true)?;
        m.timeout_ms = r.i32()?;
        m.voter_id = r.i32()?;
        m.voter_directory_id = r.uuid()?;
        m.listeners = r.array(true, 5, |r| Listener::decode(version, r))?;
        if version >= 1 {
            m.ack_when_committed = r.bool()?;
        }
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string_opt(true, self.cluster_id.as_ref())?;
        w.i32(self.timeout_ms);
        w.i32(self.voter_id);
        w.uuid(self.voter_directory_id);
        w.array(true, &self.listeners, |w, x| x.encode(version, w))?;
        if version >= 1 {
            w.bool(self.ack_when_committed);
        }
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

/// A part of `AddRaftVoterRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Listener {
    /// `Name`: string, versions 0-1.
    pub name: Str,
    /// `Host`: string, versions 0-1.
    pub host: Str,
    /// `Port`: uint16, versions 0-1.
    pub port: u16,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for Listener {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = r.string(true)?;
        m.host = r.string(true)?;
        m.port = r.u16()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(true, &self.name)?;
        w.string(true, &self.host)?;
        w.u16(self.port);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for AddRaftVoterRequest {
    const NAME: &'static str = "AddRaftVoterRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;
}
impl Request for AddRaftVoterRequest {
    const KEY: ApiKey = ApiKey::AddRaftVoter;
    type Response = super::AddRaftVoterResponse;
}
