//! XTelemetryPolicy (experimental): tracing of what passes through a Gateway.

use super::{BackendObjectReference, Fraction, HttpHeader, LocalObjectReference};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Gateways tell of their requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XTelemetryPolicySpec {
    /// The Gateways of the same namespace.
    #[schemars(length(min = 1, max = 16))]
    pub target_refs: Vec<LocalObjectReference>,
    /// Distributed tracing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<TracingConfig>,
}

/// Distributed tracing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracingConfig {
    /// Whether there is any.
    #[serde(default)]
    pub mode: TelemetryMode,
    /// Who gets the spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<TracingProvider>,
    /// Share of new traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_rate: Option<Fraction>,
    /// What the caller's decision counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_based_sampling: Option<ParentBasedSampling>,
    /// `service.name` of the spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::ServiceName>")]
    pub service_name: Option<String>,
    /// Name of the spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SpanName>")]
    pub span_name: Option<String>,
    /// Attributes of every span.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<SpanAttribute>,
}

string_enum! {
    /// Whether something is done.
    #[derive(Default)]
    TelemetryMode {
        /// It is.
        Enabled = "Enabled",
        /// It is not.
        Disabled = "Disabled",
        /// As without a policy.
        #[default]
        ImplementationDefault = "ImplementationDefault",
    }
}

/// Who gets the spans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracingProvider {
    /// A backend that takes OTLP.
    pub backend_ref: BackendObjectReference,
    /// Headers of the requests to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<HttpHeader>,
}

/// What the caller's decision counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentBasedSampling {
    /// Whether it does.
    #[serde(default)]
    pub mode: TelemetryMode,
    /// Share of the traces that the caller wants which are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_rate: Option<Fraction>,
}

/// An attribute of a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanAttribute {
    /// Its name.
    #[schemars(with = "format::AttributeName")]
    pub name: String,
    /// Which of the three members is set.
    pub source_type: AttributeSourceType,
    /// A header whose value it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::HeaderName>")]
    pub header_name: Option<String>,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub literal_value: Option<String>,
    /// An attribute of OpenTelemetry's conventions whose value it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::AttributeKey>")]
    pub attribute_key: Option<String>,
}

string_enum! {
    /// Where an attribute's value comes from.
    AttributeSourceType {
        /// A header.
        Header = "Header",
        /// The policy.
        Literal = "Literal",
        /// OpenTelemetry's conventions.
        Attribute = "Attribute",
    }
}
