//! HTTPRoute: hostnames, rules, matches, timeouts.

use super::{BackendRef, Duration, GatewayDefaultScope, HttpRouteFilter, ParentReference};
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// HTTP requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
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
    /// The rules. Which one takes a request depends on their matches, not on their order, unless they are equal.
    #[serde(default = "default_rules")]
    #[schemars(length(min = 1, max = 16))]
    pub rules: Vec<HttpRouteRule>,
}

fn default_rules() -> Vec<HttpRouteRule> {
    vec![HttpRouteRule { matches: default_matches(), ..HttpRouteRule::default() }]
}

fn default_matches() -> Vec<HttpRouteMatch> {
    vec![HttpRouteMatch::default()]
}

/// One rule: what it matches, what happens then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRule {
    /// Name of the rule, unique within the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub name: Option<String>,
    /// Matches, of which one must hold. An empty list means every request.
    #[serde(default = "default_matches")]
    #[schemars(length(max = 64))]
    pub matches: Vec<HttpRouteMatch>,
    /// Filters for every request of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub filters: Vec<HttpRouteFilter>,
    /// Backends, each with its share. Without any, and without a redirect, the answer is 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub backend_refs: Vec<HttpBackendRef>,
    /// Timeouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<HttpRouteTimeouts>,
    /// Retries (GEP-1731, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<HttpRouteRetry>,
    /// Session persistence (GEP-1619, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// The path; any when absent.
    #[serde(default)]
    pub path: HttpPathMatch,
    /// Headers, whose names differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<HttpHeaderMatch>,
    /// Query parameters, whose names differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub query_params: Vec<HttpQueryParamMatch>,
    /// The method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpPathMatch {
    /// How to compare.
    #[serde(rename = "type", default = "path_prefix")]
    pub match_type: PathMatchType,
    /// The path, the prefix (of whole segments), or the regular expression.
    #[serde(default = "slash")]
    #[schemars(with = "format::PathText")]
    pub value: String,
}

impl Default for HttpPathMatch {
    fn default() -> Self {
        Self { match_type: path_prefix(), value: slash() }
    }
}

fn path_prefix() -> PathMatchType {
    PathMatchType::PathPrefix
}

pub(crate) fn slash() -> String {
    "/".to_owned()
}

string_enum! {
    /// How a path is compared.
    PathMatchType {
        /// Equal, by character.
        Exact = "Exact",
        /// Begins with these segments.
        PathPrefix = "PathPrefix",
        /// The whole path matches the regular expression.
        RegularExpression = "RegularExpression",
    }
}

string_enum! {
    /// How a header, a query parameter or a gRPC method is compared.
    #[derive(Default)]
    MatchType {
        /// Equal, by character.
        #[default]
        Exact = "Exact",
        /// The whole value matches the regular expression.
        RegularExpression = "RegularExpression",
    }
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpHeaderMatch {
    /// How to compare.
    #[serde(rename = "type", default)]
    pub match_type: MatchType,
    /// The header's name, in any case of letters.
    #[schemars(with = "format::HeaderName")]
    pub name: String,
    /// The value or the regular expression.
    #[schemars(with = "format::HeaderValue")]
    pub value: String,
}

/// A condition on a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpQueryParamMatch {
    /// How to compare.
    #[serde(rename = "type", default)]
    pub match_type: MatchType,
    /// The parameter's name, by character.
    #[schemars(with = "format::HeaderName")]
    pub name: String,
    /// The value or the regular expression.
    #[schemars(with = "format::QueryParamValue")]
    pub value: String,
}

string_enum! {
    /// A method of HTTP.
    HttpMethod {
        /// GET
        Get = "GET",
        /// HEAD
        Head = "HEAD",
        /// POST
        Post = "POST",
        /// PUT
        Put = "PUT",
        /// DELETE
        Delete = "DELETE",
        /// CONNECT
        Connect = "CONNECT",
        /// OPTIONS
        Options = "OPTIONS",
        /// TRACE
        Trace = "TRACE",
        /// PATCH
        Patch = "PATCH",
    }
}

/// A backend, its share, and filters for what goes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpBackendRef {
    /// The backend and its share.
    #[serde(flatten)]
    pub backend: BackendRef,
    /// Filters for requests to this backend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub filters: Vec<HttpRouteFilter>,
}

/// Timeouts; `0s` switches one off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteTimeouts {
    /// For the whole request, retries and all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Duration>,
    /// For one request to a backend; at most `request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_request: Option<Duration>,
}

/// Retries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRetry {
    /// Status codes to retry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 400, max = 599)), extend("uniqueItems" = true))]
    pub codes: Vec<u16>,
    /// How often at most.
    #[serde(default = "one_attempt")]
    #[schemars(range(min = 0))]
    pub attempts: u32,
    /// The shortest pause between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Duration>,
}

fn one_attempt() -> u32 {
    1
}

/// Keeps a client on one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPersistence {
    /// How long a session lasts at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute_timeout: Option<Duration>,
    /// By what a session is known.
    #[serde(rename = "type", default)]
    pub session_type: SessionPersistenceType,
    /// Settings of `Cookie`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<CookieConfig>,
    /// Settings of `Header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderConfig>,
}

string_enum! {
    /// By what a session is known.
    #[derive(Default)]
    SessionPersistenceType {
        /// A cookie.
        #[default]
        Cookie = "Cookie",
        /// A header.
        Header = "Header",
    }
}

/// The cookie of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CookieConfig {
    /// Its name; one is made up when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::HeaderName>")]
    pub name: Option<String>,
    /// Its path.
    #[serde(default = "slash")]
    #[schemars(with = "format::PathText")]
    pub path: String,
    /// Whether it outlives the browser's session.
    #[serde(default)]
    pub lifetime_type: CookieLifetimeType,
}

string_enum! {
    /// How long a cookie lives.
    #[derive(Default)]
    CookieLifetimeType {
        /// Until `absoluteTimeout`.
        Permanent = "Permanent",
        /// As long as the browser's session.
        #[default]
        Session = "Session",
    }
}

/// The header of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderConfig {
    /// Its name.
    #[schemars(with = "format::HeaderName")]
    pub name: String,
}
