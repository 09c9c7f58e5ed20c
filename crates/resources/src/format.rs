//! String formats of the Gateway API, each with the length and pattern of the upstream CRDs.
//!
//! Fields are plain `String`s; they name their format with `#[schemars(with = "format::Hostname")]`, so that the JSON
//! schema of a kind — the one thing the loader validates structure with — carries the same constraints as the CRD.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Declares marker types whose only content is a JSON schema of a string.
macro_rules! string_formats {
    ($($(#[$doc:meta])* $name:ident { $($key:literal : $value:expr),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", $($key: $value),* })
            }
        }
    )*};
}

/// Declares an enumeration of exact words: the Rust enum, its `as_str`, `Display`, serde and schema.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),*
        }

        impl $name {
            /// Every value, in the order of the API's documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word as it is written in a manifest.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),*] })
            }
        }
    };
}
pub(crate) use string_enum;

const DNS_LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const DNS_SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const TOKEN: &str = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$";
/// Characters of a path that need no escape (RFC 3986 `pchar` and `/`).
pub(crate) const PATH: &str = r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$";

string_formats! {
    /// An RFC 1123 hostname, whose first label may be `*`.
    Hostname { "minLength": 1, "maxLength": 253,
        "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" }
    /// An RFC 1123 hostname without a wildcard.
    PreciseHostname { "minLength": 1, "maxLength": 253, "pattern": DNS_SUBDOMAIN }
    /// A hostname as core Kubernetes kinds and Envoy Gateway take it: checked where it is used.
    AnyHostname { "minLength": 1, "maxLength": 253 }
    /// The name of an object that is referred to.
    ObjectName { "minLength": 1, "maxLength": 253 }
    /// The name of a namespace.
    NamespaceName { "minLength": 1, "maxLength": 63, "pattern": DNS_LABEL }
    /// The name of a listener, a rule or a port.
    SectionName { "minLength": 1, "maxLength": 253, "pattern": DNS_SUBDOMAIN }
    /// An API group; empty is the core group.
    Group { "maxLength": 253, "pattern": r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" }
    /// An API group after which `/VERSION` may stand, which is ignored.
    GroupMaybeVersion { "maxLength": 253,
        "pattern": r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(/[a-z0-9]+)?$" }
    /// The kind of an object that is referred to.
    KindName { "minLength": 1, "maxLength": 63, "pattern": "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" }
    /// An RFC 9110 token: the name of a header, a query parameter or a cookie.
    HeaderName { "minLength": 1, "maxLength": 256, "pattern": TOKEN }
    /// The value of a header: visible characters, single blanks or tabs between them.
    HeaderValue { "minLength": 1, "maxLength": 4096, "pattern": r"^[!-~]+([\t ]?[!-~]+)*$" }
    /// The value of a gRPC header match.
    GrpcHeaderValue { "minLength": 1, "maxLength": 4096 }
    /// The value of a query parameter match.
    QueryParamValue { "minLength": 1, "maxLength": 1024 }
    /// A path, or part of one, of at most 1024 characters.
    PathText { "maxLength": 1024 }
    /// A path of unescaped path characters and escapes.
    EscapedPath { "maxLength": 1024, "pattern": PATH }
    /// GEP-2257: one to four numbers, each followed by `h`, `m`, `s` or `ms`.
    GepDuration { "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$" }
    /// The name of a controller: a domain, a slash and a path.
    ControllerName { "minLength": 1, "maxLength": 253,
        "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$" }
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`, or a protocol with a domain as its prefix.
    Protocol { "minLength": 1, "maxLength": 255,
        "pattern": r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$" }
    /// `IPAddress`, `Hostname`, `NamedAddress`, or a type with a domain as its prefix.
    AddressType { "minLength": 1, "maxLength": 253,
        "pattern": r"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$" }
    /// Text of at most 253 characters.
    Text253 { "maxLength": 253 }
    /// Text of at most 64 characters.
    Text64 { "maxLength": 64 }
    /// The value of an annotation or a TLS option.
    AnnotationValue { "minLength": 0, "maxLength": 4096 }
    /// The value of a label.
    LabelValue { "minLength": 0, "maxLength": 63, "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$" }
    /// An origin of a CORS policy.
    CorsOrigin { "minLength": 1, "maxLength": 253,
        "pattern": r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)" }
    /// A method of a CORS policy, or `*`.
    CorsMethod { "enum": ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"] }
    /// An absolute URI with a scheme.
    AbsoluteUri { "minLength": 1, "maxLength": 253,
        "pattern": r"^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\?([^#]*))?(#(.*))?" }
    /// `System`, or a set of CA certificates with a domain as its prefix.
    WellKnownCaCertificates { "minLength": 1, "maxLength": 253,
        "pattern": r"^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$" }
    /// The name of a Kafka topic (Kafka's `Topic.validate`).
    TopicName { "minLength": 1, "maxLength": 249, "pattern": "^[a-zA-Z0-9._-]+$" }
    /// The hostname of a KafkaRoute: one DNS label, or a full name without a wildcard.
    KafkaHostname { "minLength": 1, "maxLength": 253, "pattern": DNS_SUBDOMAIN }
    /// A pattern of broker names; what is left after its placeholders must be a hostname.
    BrokerHostnamePattern { "minLength": 1, "maxLength": 253, "pattern": r"^[-a-z0-9.]*(\{(brokerId|hostname)\}[-a-z0-9.]*)+$" }
    /// `service.name` of OpenTelemetry.
    ServiceName { "minLength": 1, "maxLength": 253, "pattern": "^[a-zA-Z0-9_.:/-]+$" }
    /// The name of a span: words with single blanks between them.
    SpanName { "minLength": 1, "maxLength": 256, "pattern": "^[a-zA-Z0-9_.:/-]+( [a-zA-Z0-9_.:/-]+)*$" }
    /// The name of a span's attribute.
    AttributeName { "minLength": 1, "maxLength": 256, "pattern": "^[a-zA-Z0-9_.:/-]+$" }
    /// The name of an attribute in OpenTelemetry's conventions.
    AttributeKey { "minLength": 1, "maxLength": 256, "pattern": "^[a-z0-9_.-]+$" }
    /// Bytes in base64.
    Base64 { "format": "byte" }
    /// An IPv4 or IPv6 address.
    IpAddress { "format": "ip" }
    /// An amount, such as `100m` or `64Mi` (Kubernetes' `resource.Quantity`).
    QuantityText { "maxLength": 64,
        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$" }
    /// A network: an address, a slash, a number of bits.
    Cidr { "format": "cidr" }
}

/// A redirect's status code.
#[derive(Debug)]
pub enum RedirectStatusCode {}

impl JsonSchema for RedirectStatusCode {
    fn schema_name() -> Cow<'static, str> {
        "RedirectStatusCode".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [301, 302, 303, 307, 308] })
    }
}

/// An amount: a whole number, or a text such as `100m` or `64Mi`.
#[derive(Debug)]
pub enum Quantity {}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = QuantityText::json_schema(generator);
        json_schema!({ "type": ["integer", "string"], "maxLength": text.get("maxLength"), "pattern": text.get("pattern") })
    }
}

/// A number, or the name of something that has one (Kubernetes' `IntOrString`).
#[derive(Debug)]
pub enum IntOrString {}

impl JsonSchema for IntOrString {
    fn schema_name() -> Cow<'static, str> {
        "IntOrString".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"] })
    }
}
