//! GRPCRoute.

use super::{
    BackendRef, GatewayDefaultScope, HttpHeaderFilter, HttpRequestMirrorFilter, LocalObjectReference, MatchType,
    ParentReference, SessionPersistence,
};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// gRPC calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteSpec {
    /// The Gateways and ListenerSets to attach to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub parent_refs: Vec<ParentReference>,
    /// Whether to attach to default Gateways (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<GatewayDefaultScope>,
    /// Hostnames, maybe with `*` as their first label; those of the listener when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::Hostname>", length(max = 16))]
    pub hostnames: Vec<String>,
    /// The rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub rules: Vec<GrpcRouteRule>,
}

/// One rule: what it matches, what happens then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteRule {
    /// Name of the rule, unique within the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub name: Option<String>,
    /// Matches, of which one must hold. An empty list means every call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub matches: Vec<GrpcRouteMatch>,
    /// Filters for every call of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub filters: Vec<GrpcRouteFilter>,
    /// Backends, each with its share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub backend_refs: Vec<GrpcBackendRef>,
    /// Session persistence (GEP-1619, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteMatch {
    /// Service and method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<GrpcMethodMatch>,
    /// Headers, whose names differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<GrpcHeaderMatch>,
}

/// A condition on service and method, of which at least one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcMethodMatch {
    /// How to compare.
    #[serde(rename = "type", default)]
    pub match_type: MatchType,
    /// The service with its package; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PathText>")]
    pub service: Option<String>,
    /// The method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PathText>")]
    pub method: Option<String>,
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcHeaderMatch {
    /// How to compare.
    #[serde(rename = "type", default)]
    pub match_type: MatchType,
    /// The header's name, in any case of letters.
    #[schemars(with = "format::HeaderName")]
    pub name: String,
    /// The value or the regular expression.
    #[schemars(with = "format::GrpcHeaderValue")]
    pub value: String,
}

/// One filter: `type` says which, the member of that name holds its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteFilter {
    /// Which filter.
    #[serde(rename = "type")]
    pub filter_type: GrpcRouteFilterType,
    /// Settings of `RequestHeaderModifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_header_modifier: Option<HttpHeaderFilter>,
    /// Settings of `ResponseHeaderModifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_header_modifier: Option<HttpHeaderFilter>,
    /// Settings of `RequestMirror`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_mirror: Option<HttpRequestMirrorFilter>,
    /// Settings of `ExtensionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_ref: Option<LocalObjectReference>,
}

string_enum! {
    /// Filters of gRPC calls.
    GrpcRouteFilterType {
        /// Change headers of the response.
        ResponseHeaderModifier = "ResponseHeaderModifier",
        /// Change headers of the request.
        RequestHeaderModifier = "RequestHeaderModifier",
        /// Send a copy elsewhere.
        RequestMirror = "RequestMirror",
        /// A filter of another kind.
        ExtensionRef = "ExtensionRef",
    }
}

/// A backend, its share, and filters for what goes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcBackendRef {
    /// The backend and its share.
    #[serde(flatten)]
    pub backend: BackendRef,
    /// Filters for calls to this backend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub filters: Vec<GrpcRouteFilter>,
}
