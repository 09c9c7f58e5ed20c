//! What is wrong with what was written: a stable code, the place, and what to do.

use crate::Key;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong, but something is not served.
    Note,
    /// It is served, but maybe not as it was meant.
    Warning,
    /// The object is rejected.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Declares the table of codes, from which the documentation is generated.
macro_rules! codes {
    ($($code:ident = $id:literal, $severity:ident, $title:literal, $explanation:literal;)*) => {
        /// What kind of problem it is. The text of a code (`SG0301`) never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $code),* }

        impl Code {
            /// Every code, in order.
            pub fn all() -> &'static [Code] {
                &[$(Code::$code),*]
            }

            /// The stable text, such as `SG0301`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $id),* }
            }

            /// A title of a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title),* }
            }

            /// One paragraph for the documentation: what it means, why it matters, what to do.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$code => $explanation),* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity),* }
            }
        }
    };
}

codes! {
    Syntax = "SG0101", Error, "The document is not YAML",
        "The document could not be parsed as YAML or JSON. Other documents of the same file are not affected: reading goes on at the next `---`. Look at the indentation and the quotes at the place shown and just before it.";
    NotAnObject = "SG0102", Error, "The document is not a Kubernetes object",
        "Every document needs `apiVersion`, `kind` and `metadata.name`, at the outermost level. A document that is a list or a plain value, or lacks one of the first two, is skipped.";
    NotText = "SG0103", Error, "The document is not UTF-8",
        "YAML and JSON files must be encoded in UTF-8. Save the file in that encoding.";
    TooLarge = "SG0104", Error, "The document expands beyond the limits",
        "The document is nested too deeply, has too many values, or its aliases expand to too much. The limits protect against documents that are small on disk and huge in memory. Split it, or write the repeated part out.";
    DuplicateKey = "SG0105", Error, "A key stands twice in one mapping",
        "A mapping names the same key twice. Readers of YAML differ in which one they take, so neither is taken. Remove one of them.";
    ForeignKind = "SG0201", Note, "The kind is not one of ours",
        "Objects of this kind are skipped and not validated, not even their metadata. One note stands for all of them in a file.";
    IngressKind = "SG0202", Note, "Ingress is not served",
        "Ingress and IngressClass are not part of the Gateway API. The tool `ingress2gateway` converts them to Gateways and HTTPRoutes.";
    KindNotServed = "SG0203", Note, "The kind is not served yet",
        "The kind is known, but this version does not serve it. It is read and checked, and has no effect.";
    UnknownVersion = "SG0204", Error, "The kind has no such version",
        "The kind is one of ours, but not under this `apiVersion`, or the group is misspelt. The message lists the versions that are read.";
    DuplicateObject = "SG0205", Error, "The object is defined twice",
        "Two documents define the same kind, namespace and name. The first in sorted path order counts, even when it is invalid; the other is ignored. Remove or rename one of them.";
    NamespaceIgnored = "SG0206", Warning, "The kind has no namespace",
        "Objects of this kind belong to the whole cluster. `metadata.namespace` is ignored, as an API server does; remove it.";
    InvalidName = "SG0207", Error, "A name or label is not valid",
        "Names, namespaces, labels and annotation keys must have the form that Kubernetes demands: lower case letters, digits and `-` (and `.` in most names), beginning and ending with a letter or digit.";
    DeprecatedVersion = "SG0208", Warning, "The version is deprecated",
        "The object is read, but newer releases of the Gateway API do not serve this `apiVersion`. Change it to the one that the message names.";
    UnknownKind = "SG0209", Error, "The group has no such kind",
        "The API group is one of ours, and its kinds are known, but this one is not among them; it looks like a misspelling of one that is.";
    PolicyNotServed = "SG0210", Warning, "The policy or filter is not enforced",
        "The kind is one of Envoy Gateway's policies or filters, and this version does not serve it: what it asks for, such as limits, is not done. A route that refers to such a filter answers with an error and never passes it by; a policy for access control is SG0626, and what it targets is not served without it.";
    UnknownField = "SG0301", Error, "Unknown field",
        "The kind has no such field at this place. It is an error, as with `kubectl` in strict mode, because a misspelt field would otherwise be ignored in silence.";
    WrongType = "SG0302", Error, "Wrong type of value",
        "The field takes another type of value: text, a number, true or false, a list, or a mapping. Text that looks like a number or like true and false must be quoted.";
    MissingField = "SG0303", Error, "A required field is missing",
        "The field has no default and must be set.";
    NotAllowed = "SG0304", Error, "The value is not one of those allowed",
        "The field takes one of a fixed set of words or numbers, spelt exactly so.";
    BadFormat = "SG0305", Error, "The text does not have the form required",
        "The text does not match the pattern of the field, such as that of a hostname, a duration or a header name.";
    OutOfRange = "SG0306", Error, "The number is out of range",
        "The number is below the minimum or above the maximum of the field.";
    BadLength = "SG0307", Error, "The text is too short or too long",
        "The length of the text, in characters, is outside of what the field takes.";
    BadCount = "SG0308", Error, "Too few or too many items",
        "The list or mapping has fewer or more entries than the field takes.";
    RepeatedItem = "SG0309", Error, "An item stands twice in a list",
        "The list is a set: every item may stand in it once.";
    UnionMember = "SG0401", Error, "The type and the members disagree",
        "The object has a `type` that says which one of its other fields is set. Set exactly the field that belongs to the type.";
    MissingPort = "SG0402", Error, "A reference to a Service needs a port",
        "A Service has several ports in general, so that a reference to it must name one: the Service's own port, not the port of its pods.";
    InvalidPath = "SG0403", Error, "The path is not valid",
        "Paths of type Exact and PathPrefix begin with `/` and have none of `//`, `/./`, `/../`, `%2f`, `#`; other characters must be those of RFC 3986 or escaped.";
    RepeatedFilter = "SG0404", Error, "The filter may stand only once",
        "Filters of this type may not be repeated within one list.";
    FilterConflict = "SG0405", Error, "The filter does not go with its surroundings",
        "A redirect answers by itself, so it goes neither with backends nor with a rewrite; `replacePrefixMatch` needs exactly one match, of type PathPrefix.";
    DuplicateName = "SG0406", Error, "A name stands twice",
        "Names in this list must differ.";
    ListenerTls = "SG0407", Error, "TLS settings do not go with the protocol",
        "HTTP, TCP and UDP listeners have no `tls`; HTTPS listeners terminate; TLS listeners must have `tls`; a listener that terminates needs a certificate or options.";
    ListenerHostname = "SG0408", Error, "The protocol has no hostname",
        "TCP and UDP know no hostnames; remove `hostname` from the listener.";
    ListenerConflict = "SG0409", Error, "Two listeners are the same",
        "The combination of port, protocol and hostname must differ between the listeners of a Gateway.";
    InvalidTimeout = "SG0410", Error, "The timeouts contradict each other",
        "`backendRequest` is a part of `request` and cannot be longer; a permanent session cookie needs an `absoluteTimeout`.";
    AmbiguousParent = "SG0411", Error, "References to the same object must differ",
        "When several references name the same object, all of them must set `sectionName` (or `port`), and each differently.";
    CaCertificates = "SG0412", Error, "Exactly one source of CA certificates is needed",
        "Set either `caCertificateRefs` or `wellKnownCACertificates`, not both and not none.";
    TooManyMatches = "SG0413", Error, "The route has too many matches",
        "All rules of a route together may have at most 128 matches. Split the route.";
    InvalidHostname = "SG0414", Error, "The hostname is not valid",
        "A hostname is a DNS name, not an IP address; `*` may only be its whole first label; no label is longer than 63 characters.";
    InvalidPattern = "SG0415", Error, "The regular expression is not valid",
        "The expression could not be compiled. Look-around and back-references are not supported: matching takes linear time.";
    WildcardNotAlone = "SG0416", Error, "`*` must stand alone",
        "`*` means every value, so that nothing else may stand beside it in the list.";
    InvalidShare = "SG0417", Error, "The share of requests is not valid",
        "Set at most one of `percent` and `fraction`; the numerator may not be above the denominator.";
    InvalidAddress = "SG0418", Error, "The address is not valid",
        "The value must fit the type of the address, and no address may stand twice.";
    InvalidKey = "SG0419", Error, "A label or annotation key is not valid",
        "A key is a name of up to 63 characters, with a DNS name and a slash before it if needed.";
    BackendPort = "SG0420", Error, "The reference must not have a port",
        "An XBackend has a port of its own.";
    BrokerMapping = "SG0501", Error, "The broker names are not valid",
        "The pattern must contain `{brokerId}`, the names that come out of it must be hostnames with labels of at most 63 characters, and no two brokers may have the same id or name.";
    TopicMappingConflict = "SG0502", Error, "Two topic mappings claim the same name",
        "A client name may stand for one topic only, and a topic may have one client name only; otherwise requests or responses could not be told apart.";
    AclOperation = "SG0503", Error, "The operations do not fit the type of resource",
        "Each type of resource has a member of its own (`topicOperation`, `groupOperation` and so on) and knows certain operations only. At least one operation is needed.";
    EmptyQuota = "SG0504", Error, "The quota limits nothing",
        "Set at least one of `produce`, `fetch` and `requests`.";
    UnknownClass = "SG0601", Error, "No controller answers for the Gateway",
        "The Gateway names a GatewayClass that does not exist, is not accepted, or belongs to another controller; nothing of the Gateway is served.";
    InvalidParameters = "SG0602", Error, "The parameters cannot be read",
        "`parametersRef` names an object that does not exist or is of a kind that is not read as parameters.";
    IgnoredField = "SG0603", Warning, "The field has no effect here",
        "The field changes the infrastructure around a Gateway, of which there is none when a folder is served. Everything else is served.";
    UnsupportedAddress = "SG0604", Error, "The address cannot be listened on",
        "Gateways listen on IP addresses. The whole Gateway waits until every address is one.";
    IndistinctListeners = "SG0605", Error, "Two listeners cannot be told apart",
        "Listeners of one port must differ in their hostname, and all of them must use TLS or none. None of the listeners in conflict is served.";
    PortUnavailable = "SG0606", Error, "The port cannot be had",
        "One process serves all Gateways of a folder, so a port belongs to the oldest Gateway, then to the first by namespace and name; or the operating system refused the port.";
    UnsupportedProtocol = "SG0607", Error, "The protocol is not served",
        "The protocol of the listener, or the `appProtocol` of the Service's port, is not one that this version serves.";
    UnsupportedValue = "SG0608", Error, "The field or value is not served yet",
        "The field is valid and bears on routing or security, but this version does not serve it. What it stands in is not served without it: a rule answers with 500, a KafkaRoute refuses connections, a listener is not opened.";
    InvalidCertificate = "SG0609", Error, "The certificate cannot be used",
        "The reference must name an existing Secret of type `kubernetes.io/tls` whose `tls.crt` holds PEM certificates, the leaf first, and whose `tls.key` holds the private key of the leaf.";
    RefNotPermitted = "SG0610", Error, "The other namespace does not permit the reference",
        "A reference into another namespace needs a ReferenceGrant there that names the referring kind and namespace, and the kind referred to.";
    InvalidRouteKinds = "SG0611", Error, "The listener allows kinds that it cannot take",
        "`allowedRoutes.kinds` names a kind of route that does not go with the listener's protocol, or is not served. The other kinds are.";
    OverlappingTls = "SG0612", Warning, "Hostnames of two TLS listeners overlap",
        "A browser may reuse a connection that it opened for one of them to send requests for the other. Everything is served.";
    NoMatchingParent = "SG0613", Error, "The parent does not exist",
        "A parentRef names a Gateway, a listener or a port that does not exist or is not served.";
    NotAllowedByListeners = "SG0614", Error, "The parent does not allow the object",
        "The listener's `allowedRoutes` (or the Gateway's `allowedListeners`) leave out the namespace or the kind.";
    NoMatchingHostname = "SG0615", Error, "No hostname in common with the listener",
        "The hostnames must lie within those of the listener. A KafkaRoute's single label is completed under a wildcard hostname; its full name, and those of its brokers, must lie within the listener's.";
    BackendNotFound = "SG0616", Error, "The backend does not exist",
        "A backendRef names a Service, a port of a Service, or a Backend that does not exist. Its share of requests is answered with 500, its share of connections is refused.";
    InvalidKind = "SG0617", Error, "The kind cannot stand there",
        "The reference names a kind that is not known, or not usable at this place.";
    NoEndpoints = "SG0618", Warning, "No endpoint is ready",
        "The Service exists, and none of its EndpointSlices has an endpoint that is ready, or ends and still serves. Requests are answered with 503.";
    HostnameConflict = "SG0619", Error, "The server name belongs to another object",
        "Server names are shared by all routes of a port. A name belongs to the listener with the more specific hostname, then to the oldest route, then to the first by namespace and name.";
    CertificateCoverage = "SG0620", Warning, "The certificate does not cover all names",
        "Clients are sent to names that no certificate of the listener has; those that check the name will refuse to connect.";
    BrokerNames = "SG0621", Error, "The broker names do not work out",
        "Under the listener's hostname two of the names are the same, or one is too long for DNS.";
    ExtensionNotFound = "SG0622", Error, "The filter's object does not exist",
        "An extensionRef names an object that does not exist. Nothing passes by a filter that cannot be read.";
    TargetNotFound = "SG0623", Error, "The policy's target does not exist",
        "The policy has no target, or names an object, or a part of one, that does not exist.";
    PolicyConflict = "SG0624", Error, "Another policy has the same target",
        "Of two policies for the same target the older stands, then the first by namespace and name.";
    InvalidPolicy = "SG0625", Error, "The policy cannot be enforced",
        "The policy lacks a valid certificate authority, or has a value that is not known. Backends that it is for are not used without it.";
    NotServed = "SG0626", Error, "The object is not served yet",
        "The object is attached to a Gateway that is served, but this version does not serve its kind. If it is a policy for access control, nothing that it targets is served without it: HTTP routes answer with 500, other routes refuse connections, listeners that should ask for client certificates are not opened.";
    LastGood = "SG0627", Warning, "The last good state is served",
        "The file no longer parses, or the certificate no longer loads, and what was there before is served in its place. A restart drops it.";
    Refused = "SG0628", Error, "The proxy refused a part of the configuration",
        "Everything else is served. The message is the proxy's own.";
    ShadowedMatch = "SG0629", Warning, "The match never takes a request",
        "Under every hostname of the route another match asks for exactly the same and stands before this one: the older route first, then the first by namespace and name, then the first in the list.";
    ClientCa = "SG0630", Error, "Client certificates cannot be checked",
        "The Gateway asks for client certificates, and a reference to those who may sign them names an object that does not exist or holds no PEM certificates. While another one can be used, clients of that one are let in; when none can, the listeners are not opened.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One problem at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, as its path was given to the loader.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of problem it is.
    pub code: Code,
    /// The object, when its kind and name are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Key>,
    /// The field, such as `spec.rules[0].backendRefs[0].port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, in a sentence without a full stop. Never a value of a Secret.
    pub message: String,
    /// What to do, if that is not plain from the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    /// `shop.yaml:12:9: error SG0301: HTTPRoute default/shop: spec.rules[0].nmae: unknown field (did you mean name?)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {} {}: ", self.file, self.line, self.column, self.severity.as_str(), self.code)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_explained() {
        let codes: Vec<&str> = Code::all().iter().map(|c| c.as_str()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        for code in Code::all() {
            assert!(code.as_str().len() == 6 && code.title().len() > 10 && code.explanation().len() > 30, "{code}");
        }
    }
}
