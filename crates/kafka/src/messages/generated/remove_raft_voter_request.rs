// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `RemoveRaftVoterRequest`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `RemoveRaftVoterRequest`.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoveRaftVoterRequest {
    /// `ClusterId`: string, versions 0.
    pub cluster_id: Option<Str>,
    /// `VoterId`: int32, versions 0.
    pub voter_id: i32,
    /// `VoterDirectoryId`: uuid, versions 0.
    pub voter_directory_id: Uuid,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Default for RemoveRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Some(Default::default()),
            voter_id: Default::default(),
            voter_directory_id: Default::default(),
            unknown_tags: UnknownTags::default(),
        }
    }
}

impl Message for RemoveRaftVoterRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.cluster_id = r.string_opt(true)?;
        m.voter_id = r.i32()?;
        m.voter_directory_id = r.uuid()?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.string_opt(true, self.cluster_id.as_ref())?;
        w.i32(self.voter_id);
        w.uuid(self.voter_directory_id);
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for RemoveRaftVoterRequest {
    const NAME: &'static str = "RemoveRaftVoterRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
impl Request for RemoveRaftVoterRequest {
    const KEY: ApiKey = ApiKey::RemoveRaftVoter;
    type Response = super::RemoveRaftVoterResponse;
}
