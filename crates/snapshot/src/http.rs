use crate::{Attachment, BackendKey, Cors, ExternalAuth, Mirror, ObjectName};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, time::Duration};

/// An HTTPRoute, or a GRPCRoute in the terms of HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpRoute {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// Listeners that accepted it.
    pub attachments: Vec<Attachment>,
    /// In the order of the spec.
    pub rules: Vec<HttpRule>,
}

/// One `spec.rules[]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpRule {
    /// `name`, if given.
    pub name: Option<String>,
    /// At least one; a rule without matches has the default match, the path prefix `/`.
    pub matches: Vec<HttpMatch>,
    /// In the order of the spec.
    pub filters: Vec<HttpFilter>,
    /// Weighted choice. Empty: 500, unless a filter answers (Gateway API).
    pub backends: Vec<WeightedBackend>,
    /// Limits.
    pub timeouts: Timeouts,
    /// When a request is sent again; absent: only where nothing of it can have been done (RFC 9110 9.2.2).
    pub retry: Option<Box<Retry>>,
    /// Keeps a client on one endpoint of each backend; comes before what a backend says itself.
    pub session: Option<Box<Session>>,
    /// Why the rule as a whole cannot be served; every request that it matches is answered with 500.
    pub unserved: Option<String>,
}

/// One `matches[]`: all conditions must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpMatch {
    /// Where it stands among all matches of all routes under one hostname; the least wins.
    pub precedence: Precedence,
    /// Path condition.
    pub path: PathMatch,
    /// Method, in capitals.
    pub method: Option<String>,
    /// Header conditions; names in lower case, each name once.
    pub headers: Vec<ValueMatch>,
    /// Query conditions; names as written, each name once.
    pub query: Vec<ValueMatch>,
}

/// The order of the Gateway API among matches (`HTTPRouteRule.matches`), least first: path, method, number of headers, number of query
/// parameters, age of the route, its namespace and name, place of the rule, place of the match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Precedence {
    /// Exact first, then regular expressions, then the longest prefix.
    pub path: PathRank,
    /// False (a method is asked for) comes first.
    pub any_method: bool,
    /// More come first.
    pub headers: Reverse<u16>,
    /// More come first.
    pub query: Reverse<u16>,
    /// Seconds since 1970; `i64::MIN` if the object has no creationTimestamp: such objects are equally old, and oldest.
    pub created: i64,
    /// Namespace and name of the route.
    pub route: ObjectName,
    /// Index of the rule, then of the match.
    pub index: (u16, u16),
}

/// Rank of a path condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PathRank {
    /// `Exact`.
    Exact,
    /// `RegularExpression`, whose place the Gateway API leaves to us: before prefixes, so that a catch-all `/` does not hide it;
    /// the longer expression first.
    Regex(Reverse<u16>),
    /// `PathPrefix` by its length in characters, without a trailing slash.
    Prefix(Reverse<u16>),
    /// Of a GRPCRoute.
    Method(MethodRank),
}

/// Rank of a condition on a gRPC call: "characters in a matching service", then in a matching method (`GRPCRouteRule.matches`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MethodRank {
    /// Of the service.
    pub service: TextRank,
    /// Of the method.
    pub method: TextRank,
}

/// Rank of a condition on a text. All exact conditions that hold have one length: the text's. The longer expression comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TextRank {
    /// `Exact`.
    Exact,
    /// `RegularExpression`, by its length in characters.
    Regex(Reverse<u16>),
    /// No condition.
    Any,
}

/// A path condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PathMatch {
    /// The whole path.
    Exact(String),
    /// Whole segments from the start; no trailing slash, the empty string is `/` (every path).
    Prefix(String),
    /// RE2-style expression that the whole path must match.
    Regex(String),
    /// A gRPC call: a POST with the media type of gRPC and the path `/SERVICE/METHOD`. Matches of this kind and of the others are
    /// never compared: calls are looked for among those of GRPCRoutes alone, where a hostname has any.
    Method(MethodMatch),
}

/// A condition on a gRPC call (`GRPCMethodMatch`); absent: any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MethodMatch {
    /// Service with its package.
    pub service: Option<TextMatch>,
    /// Method.
    pub method: Option<TextMatch>,
}

/// A condition on one header or query parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueMatch {
    /// Name.
    pub name: String,
    /// Condition on the value.
    pub value: TextMatch,
}

/// A condition on a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TextMatch {
    /// Equal.
    Exact(String),
    /// Whole text matches.
    Regex(String),
}

/// `rules[].timeouts` (GEP-1742). `None`: not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// From the request's arrival to the end of the response.
    pub request: Option<Duration>,
    /// From the first byte towards the backend to the end of its response, per try.
    pub backend_request: Option<Duration>,
}

/// `rules[].retry` (GEP-1731).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Status codes of responses after which the request is sent again: 400 to 599.
    pub codes: Vec<u16>,
    /// How often it is sent again, beside the first time; 0: never.
    pub attempts: u32,
    /// The pause before the first of them, which grows from one to the next; `None`: the proxy's.
    pub backoff: Option<Duration>,
}

/// `sessionPersistence` (GEP-1619): of a rule, of an XBackend or of an XBackendTrafficPolicy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Where the client brings back what it was given.
    pub carrier: SessionCarrier,
    /// How long a session lasts at most, from its first response on.
    pub absolute_timeout: Option<Duration>,
}

/// `sessionPersistence.type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionCarrier {
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Its `Path`.
        path: String,
        /// Whether it has a `Max-Age`, which is the absolute timeout.
        permanent: bool,
    },
    /// A header with this name, in lower case.
    Header(String),
}

/// One of several backends of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedBackend {
    /// What to reach.
    pub target: BackendTarget,
    /// Share of the requests: weight / sum of weights; 0 gets none.
    pub weight: u32,
    /// Filters of this backendRef, after those of the rule.
    pub filters: Vec<HttpFilter>,
}

/// The end of a backendRef.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackendTarget {
    /// A backend that exists and may be used.
    Backend(BackendKey),
    /// It does not resolve; its share of the requests is answered with 500, its share of connections refused.
    Invalid(String),
}

/// A filter that is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HttpFilter {
    /// `RequestHeaderModifier`.
    RequestHeaders(HeaderEdit),
    /// `ResponseHeaderModifier`.
    ResponseHeaders(HeaderEdit),
    /// `RequestRedirect`.
    Redirect(Redirect),
    /// `URLRewrite`.
    UrlRewrite(UrlRewrite),
    /// `RequestMirror`.
    Mirror(Mirror),
    /// `CORS`.
    Cors(Cors),
    /// `ExternalAuth`.
    ExternalAuth(ExternalAuth),
}

/// Changes to headers: `set` replaces, `add` appends, `remove` deletes; names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderEdit {
    /// Name and value.
    pub set: Vec<(String, String)>,
    /// Name and value.
    pub add: Vec<(String, String)>,
    /// Names.
    pub remove: Vec<String>,
}

/// Answer with a redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// `http` or `https`; absent: the request's.
    pub scheme: Option<String>,
    /// Absent: the request's.
    pub hostname: Option<String>,
    /// Absent: the request's path.
    pub path: Option<PathModifier>,
    /// Absent: the well-known port of `scheme` if that is set, else the listener's.
    pub port: Option<u16>,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Change what the backend sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlRewrite {
    /// New `Host`.
    pub hostname: Option<String>,
    /// New path.
    pub path: Option<PathModifier>,
}

/// A new path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathModifier {
    /// `ReplaceFullPath`.
    Full(String),
    /// `ReplacePrefixMatch`: in place of the prefix that matched.
    Prefix(String),
}
