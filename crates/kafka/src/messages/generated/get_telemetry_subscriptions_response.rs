// Written by `cargo xtask gen` from kafka-clients 4.4.0: change the generator, not this file.

//! `GetTelemetrySubscriptionsResponse`, versions 0.

#![allow(clippy::all, unused_variables, unused_imports)]

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{ApiKey, Body, Message, Request};
use crate::read::Reader;
use crate::types::{Str, UnknownTags, Uuid};
use crate::write::{TagFields, Writer, required};

/// The message `GetTelemetrySubscriptionsResponse`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetTelemetrySubscriptionsResponse {
    /// `ThrottleTimeMs`: int32, versions 0.
    pub throttle_time_ms: i32,
    /// `ErrorCode`: int16, versions 0.
    pub error_code: i16,
    /// `ClientInstanceId`: uuid, versions 0.
    pub client_instance_id: Uuid,
    /// `SubscriptionId`: int32, versions 0.
    pub subscription_id: i32,
    /// `AcceptedCompressionTypes`: []int8, versions 0.
    pub accepted_compression_types: Vec<i8>,
    /// `PushIntervalMs`: int32, versions 0.
    pub push_interval_ms: i32,
    /// `TelemetryMaxBytes`: int32, versions 0.
    pub telemetry_max_bytes: i32,
    /// `DeltaTemporality`: bool, versions 0.
    pub delta_temporality: bool,
    /// `RequestedMetrics`: []string, versions 0.
    pub requested_metrics: Vec<Str>,
    /// Tagged fields this definition does not know, kept as they came.
    pub unknown_tags: UnknownTags,
}

impl Message for GetTelemetrySubscriptionsResponse {
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = r.i32()?;
        m.error_code = r.i16()?;
        m.client_instance_id = r.uuid()?;
        m.subscription_id = r.i32()?;
        m.accepted_compression_types = r.array(true, 1, Reader::i8)?;
        m.push_interval_ms = r.i32()?;
        m.telemetry_max_bytes = r.i32()?;
        m.delta_temporality = r.bool()?;
        m.requested_metrics = r.array(true, 1, |r| r.string(true))?;
        m.unknown_tags = r.tags(|_, _| Ok(false))?;
        Ok(m)
    }

    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.uuid(self.client_instance_id);
        w.i32(self.subscription_id);
        w.array(true, &self.accepted_compression_types, |w, x| {
            w.i8(*x);
            Ok(())
        })?;
        w.i32(self.push_interval_ms);
        w.i32(self.telemetry_max_bytes);
        w.bool(self.delta_temporality);
        w.array(true, &self.requested_metrics, |w, x| w.string(true, x))?;
        w.tags(TagFields::default(), &self.unknown_tags)?;
        Ok(())
    }
}

impl Body for GetTelemetrySubscriptionsResponse {
    const NAME: &'static str = "GetTelemetrySubscriptionsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;
}
