// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `PushTelemetryRequest`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `PushTelemetryRequest`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PushTelemetryRequest {
    /// `ClientInstanceId`: uuid, versions 0.
    pub client_instance_id: Uuid,
    /// `SubscriptionId`: int32, versions 0.
    pub subscription_id: i32,
    /// `Terminating`: bool, versions 0.
    pub terminating: bool,
    /// `CompressionType`: int8, versions 0.
    pub compression_type: i8,
    /// `Metrics`: bytes, versions 0.
    pub metrics: Bytes,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for PushTelemetryRequest {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.client_instance_id = r.uuid()?;
        m.subscription_id = r.i32()?;
        m.terminating = r.bool()?;
        m.compression_type = r.i8()?;
        m.metrics = r.bytes(true)?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(self.client_instance_id);
        w.i32(self.subscription_id);
        w.bool(self.terminating);
        w.i8(self.compression_type);
        w.bytes(true, &self.metrics)?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for PushTelemetryRequest {
    const NAME: &'static str = "PushTelemetryRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
impl Request for PushTelemetryRequest {
    const KEY: ApiKey = ApiKey::PushTelemetry;
    type Response = super::PushTelemetryResponse;
}
