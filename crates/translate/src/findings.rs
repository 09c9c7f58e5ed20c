//! Problems with a place: what `check` prints as `file:line:col` and statuses show as messages.

use resources::Key;
use serde::{Serialize, Serializer};
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something the user wrote is not served as written.
    Error,
    /// It is served, but probably not as meant.
    Warning,
}

/// Declares the codes: one line each, a number that never changes and what it is about.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)*) => {
        /// What a finding is about. Numbers are stable and never used again; `SG06xx` are those of this crate, lower ones those of `resources`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name),* }

        impl Code {
            /// Every code, in ascending order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as it is printed, such as `SG0601`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code),* }
            }

            /// One sentence about it, for the reference.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$name => concat!($($doc),+).trim_ascii()),* }
            }
        }
    };
}

codes! {
    /// A Gateway names a GatewayClass that does not exist or belongs to another controller.
    UnknownClass = "SG0601";
    /// parametersRef names something that does not exist or is of a kind that is not read.
    InvalidParameters = "SG0602";
    /// A field that changes the infrastructure is not used here.
    IgnoredField = "SG0603";
    /// An address is of a type that is not served, or is none.
    UnsupportedAddress = "SG0604";
    /// Two listeners of a Gateway cannot be told apart.
    ListenerConflict = "SG0605";
    /// A port belongs to another Gateway, or the proxy could not listen on it.
    PortUnavailable = "SG0606";
    /// A protocol is not served.
    UnsupportedProtocol = "SG0607";
    /// A field or a value is not served.
    UnsupportedValue = "SG0608";
    /// A certificate is missing, of the wrong kind, or does not load.
    InvalidCertificate = "SG0609";
    /// A reference to another namespace lacks a ReferenceGrant.
    RefNotPermitted = "SG0610";
    /// A listener allows kinds of routes that do not fit it or are not served.
    InvalidRouteKinds = "SG0611";
    /// Listeners of one port have hostnames that overlap.
    OverlappingTls = "SG0612";
    /// A parentRef names no Gateway, no listener or no port that there is.
    NoMatchingParent = "SG0613";
    /// The listeners do not allow the route's namespace or kind.
    NotAllowedByListeners = "SG0614";
    /// The route's hostnames and the listeners' have nothing in common.
    NoMatchingHostname = "SG0615";
    /// A backendRef names something that does not exist.
    BackendNotFound = "SG0616";
    /// A reference names a kind that cannot stand there.
    InvalidKind = "SG0617";
    /// A Service has no endpoint that could take traffic.
    NoEndpoints = "SG0618";
    /// A regular expression does not compile.
    InvalidRegex = "SG0619";
    /// Filters of one rule exclude each other.
    IncompatibleFilters = "SG0620";
    /// A server name belongs to an older route, or to a more specific listener.
    HostnameConflict = "SG0621";
    /// A certificate does not cover names that clients are sent to.
    CertificateCoverage = "SG0622";
    /// A hostname or a broker name is not valid, too long, or ambiguous.
    InvalidHostname = "SG0623";
    /// Two topic mappings exclude each other.
    TopicMappingConflict = "SG0624";
    /// A filter's ExtensionRef names something that does not exist.
    ExtensionNotFound = "SG0625";
    /// A policy targets something that does not exist.
    TargetNotFound = "SG0626";
    /// An older policy has the same target.
    PolicyConflict = "SG0627";
    /// A policy or a certificate authority is not valid.
    InvalidPolicy = "SG0628";
    /// A kind is read and not served yet.
    KindNotServed = "SG0629";
    /// The last good state is served, since the present one cannot be read.
    LastGood = "SG0630";
    /// The proxy refused a part of the configuration.
    Refused = "SG0631";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One problem of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The object.
    pub key: Key,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// Path of the field, such as `spec.listeners[0].tls.certificateRefs[0]`.
    pub field_path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// A problem on its way into a condition and a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Reason of the condition.
    pub(crate) reason: &'static str,
    pub(crate) severity: Severity,
    pub(crate) code: Code,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Problem {
    /// An error; `path` is the field, `hint` what to do.
    pub(crate) fn error(
        reason: &'static str,
        code: Code,
        path: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (path, message, hint) = (path.into(), message.into(), hint.into());
        Self { reason, severity: Severity::Error, code, path, message, hint }
    }

    /// The same problem as a warning.
    pub(crate) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// A field or value that is not served yet.
    pub(crate) fn unsupported(path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::error("UnsupportedValue", Code::UnsupportedValue, path, message, hint)
    }

    pub(crate) fn finding(&self, key: &Key) -> Finding {
        Finding {
            key: key.clone(),
            severity: self.severity,
            code: self.code,
            field_path: self.path.clone(),
            message: self.message.clone(),
            hint: self.hint.clone(),
        }
    }
}

impl fmt::Display for Problem {
    /// `field: message; hint`, as conditions show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

/// At most this many problems are spelled out in one condition, whose message Kubernetes bounds to 32,768 octets.
const SHOWN: usize = 8;

/// One message for several problems, each once.
pub(crate) fn join<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut more = 0;
    for problem in problems {
        let text = problem.to_string();
        if texts.contains(&text) {
            continue;
        }
        if texts.len() < SHOWN { texts.push(text) } else { more += 1 }
    }
    let mut message = texts.join(". ");
    if more > 0 {
        message.push_str(&format!(". And {more} more"));
    }
    // Enough for people, and below the API's limit whatever the user wrote.
    let end = message.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 8192).last();
    message.truncate(end.unwrap_or(0));
    message
}

/// The name among `known` that `wanted` was probably meant to be.
pub(crate) fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(wanted, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein distance of two short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_ascending() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes, codes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        assert!(Code::ALL.iter().all(|code| code.summary().ends_with('.')));
    }

    #[test]
    fn the_closest_name_is_offered_when_it_is_close() {
        assert_eq!(closest("gatway", ["gateway", "other"]), Some("gateway"));
        assert_eq!(closest("x", ["gateway"]), None);
    }

    #[test]
    fn a_message_names_each_problem_once_and_stays_short() {
        let problem = |i: usize| Problem::unsupported(format!("spec[{i}]"), "m".repeat(2000), "");
        let many: Vec<_> = (0..20).map(problem).chain([problem(0)]).collect();
        let message = join(&many);
        assert!(message.len() <= 8192);
        assert_eq!(join(&[problem(1), problem(1)]), format!("spec[1]: {}", "m".repeat(2000)));
    }
}
