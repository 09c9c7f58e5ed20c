//! Filters of HTTP requests.

use super::{BackendObjectReference, LocalObjectReference};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One filter: `type` says which, the member of that name holds its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteFilter {
    /// Which filter.
    #[serde(rename = "type")]
    pub filter_type: HttpRouteFilterType,
    /// Settings of `RequestHeaderModifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_header_modifier: Option<HttpHeaderFilter>,
    /// Settings of `ResponseHeaderModifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_header_modifier: Option<HttpHeaderFilter>,
    /// Settings of `RequestMirror`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_mirror: Option<HttpRequestMirrorFilter>,
    /// Settings of `RequestRedirect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_redirect: Option<HttpRequestRedirectFilter>,
    /// Settings of `URLRewrite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_rewrite: Option<HttpUrlRewriteFilter>,
    /// Settings of `CORS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<HttpCorsFilter>,
    /// Settings of `ExternalAuth` (experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_auth: Option<HttpExternalAuthFilter>,
    /// Settings of `ExtensionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_ref: Option<LocalObjectReference>,
}

string_enum! {
    /// Filters of HTTP requests.
    HttpRouteFilterType {
        /// Change headers of the request.
        RequestHeaderModifier = "RequestHeaderModifier",
        /// Change headers of the response.
        ResponseHeaderModifier = "ResponseHeaderModifier",
        /// Send a copy elsewhere.
        RequestMirror = "RequestMirror",
        /// Answer with a redirect.
        RequestRedirect = "RequestRedirect",
        /// Change host or path on the way to the backend.
        UrlRewrite = "URLRewrite",
        /// A filter of another kind.
        ExtensionRef = "ExtensionRef",
        /// Cross-origin resource sharing.
        Cors = "CORS",
        /// Ask another service whether the request may pass.
        ExternalAuth = "ExternalAuth",
    }
}

/// Changes of headers, in the order set, add, remove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpHeaderFilter {
    /// Headers to put in place of those of the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub set: Vec<HttpHeader>,
    /// Headers to add to those of the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub add: Vec<HttpHeader>,
    /// Names of headers to take away, in any case of letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("uniqueItems" = true))]
    pub remove: Vec<String>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpHeader {
    /// Its name, in any case of letters.
    #[schemars(with = "format::HeaderName")]
    pub name: String,
    /// Its value.
    #[schemars(with = "format::HeaderValue")]
    pub value: String,
}

/// Copies requests to another backend, whose answers are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequestMirrorFilter {
    /// Where copies go.
    pub backend_ref: BackendObjectReference,
    /// Share of requests to copy, in percent. All when neither this nor `fraction` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u32>,
    /// Share of requests to copy, as a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<Fraction>,
}

/// A fraction of at most one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fraction {
    /// At most the denominator.
    #[schemars(range(min = 0))]
    pub numerator: u32,
    /// At least 1.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    pub denominator: u32,
}

fn hundred() -> u32 {
    100
}

/// A redirect; what is absent stays as in the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequestRedirectFilter {
    /// `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<RedirectScheme>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PreciseHostname>")]
    pub hostname: Option<String>,
    /// The path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<HttpPathModifier>,
    /// The port; when absent that of the scheme, or the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// 301, 302, 303, 307 or 308.
    #[serde(default = "found")]
    #[schemars(with = "format::RedirectStatusCode")]
    pub status_code: u16,
}

fn found() -> u16 {
    302
}

string_enum! {
    /// The scheme of a redirect.
    RedirectScheme {
        /// http
        Http = "http",
        /// https
        Https = "https",
    }
}

/// Changes of host and path on the way to the backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpUrlRewriteFilter {
    /// The Host header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PreciseHostname>")]
    pub hostname: Option<String>,
    /// The path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<HttpPathModifier>,
}

/// A change of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpPathModifier {
    /// Which member is set.
    #[serde(rename = "type")]
    pub modifier_type: HttpPathModifierType,
    /// The whole new path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PathText>")]
    pub replace_full_path: Option<String>,
    /// What stands in place of the prefix that the rule matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::PathText>")]
    pub replace_prefix_match: Option<String>,
}

string_enum! {
    /// How a path is changed.
    HttpPathModifierType {
        /// The whole path is replaced.
        ReplaceFullPath = "ReplaceFullPath",
        /// The matched prefix is replaced.
        ReplacePrefixMatch = "ReplacePrefixMatch",
    }
}

/// Cross-origin resource sharing (GEP-1767).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpCorsFilter {
    /// Origins that may read answers; `*` alone for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::CorsOrigin>", length(max = 64), extend("uniqueItems" = true))]
    pub allow_origins: Vec<String>,
    /// Whether credentials may be sent; never answered with `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Methods that may be used; `*` alone for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::CorsMethod>", length(max = 9), extend("uniqueItems" = true))]
    pub allow_methods: Vec<String>,
    /// Headers that may be sent; `*` alone for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::HeaderName>", length(max = 64), extend("uniqueItems" = true))]
    pub allow_headers: Vec<String>,
    /// Headers of answers that may be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::HeaderName>", length(max = 64), extend("uniqueItems" = true))]
    pub expose_headers: Vec<String>,
    /// Seconds for which a browser may keep the answer to a preflight.
    #[serde(default = "five")]
    #[schemars(range(min = 1))]
    pub max_age: u32,
}

fn five() -> u32 {
    5
}

/// Asks another service whether a request may pass (GEP-1494).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpExternalAuthFilter {
    /// How it is asked.
    pub protocol: ExternalAuthProtocol,
    /// Who is asked.
    pub backend_ref: BackendObjectReference,
    /// Settings of `GRPC` (Envoy's ext_authz).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcAuthConfig>,
    /// Settings of `HTTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpAuthConfig>,
    /// Whether the body is sent along; not when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_body: Option<ForwardBodyConfig>,
}

string_enum! {
    /// How an authorization service is asked.
    ExternalAuthProtocol {
        /// An HTTP request whose status decides.
        Http = "HTTP",
        /// Envoy's ext_authz over gRPC.
        Grpc = "GRPC",
    }
}

/// Settings of an authorization service over gRPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcAuthConfig {
    /// Headers of the request to send; all when absent.
    #[serde(rename = "allowedHeaders", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    pub allowed_request_headers: Vec<String>,
}

/// Settings of an authorization service over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpAuthConfig {
    /// Prefix of the path to ask at; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::EscapedPath>")]
    pub path: Option<String>,
    /// Headers of the request to send beside Host, Method, Path, Content-Length and Authorization.
    #[serde(rename = "allowedHeaders", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    pub allowed_request_headers: Vec<String>,
    /// Headers of the answer to add to the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    pub allowed_response_headers: Vec<String>,
}

/// Whether and how much of the body is sent along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardBodyConfig {
    /// Bytes at most; 0 or absent sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_size: Option<u32>,
}
