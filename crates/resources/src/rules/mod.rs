//! The meaning of what was written, where structure is sound: the CEL rules of the upstream CRDs with their messages,
//! what an API server checks of metadata and core kinds, and the rules of our own kinds.

mod experimental;
mod gateway;
mod http;
mod kafka;
mod kubernetes;
mod routes;

use crate::{Code, Kind, ObjectMeta};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One rule that an object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, such as `spec.rules[0].backendRefs[0].port`.
    pub field: String,
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do, if that is not plain from the message.
    pub hint: Option<String>,
}

/// Collects what [`crate::Spec::validate`] finds.
#[derive(Debug, Default)]
pub struct Report {
    violations: Vec<Violation>,
}

impl Report {
    /// Everything found, in the order of the checks.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    pub(crate) fn add(&mut self, code: Code, field: impl Into<String>, message: impl Into<String>) {
        self.violations.push(Violation { field: field.into(), code, message: message.into(), hint: None });
    }

    pub(crate) fn add_hint(
        &mut self,
        code: Code,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (field, message, hint) = (field.into(), message.into(), Some(hint.into()));
        self.violations.push(Violation { field, code, message, hint });
    }

    /// Adds one violation for every name that stands twice; `field` gives the path of item `i`.
    fn unique<'a, T: PartialEq + 'a>(
        &mut self,
        code: Code,
        names: impl IntoIterator<Item = T>,
        field: impl Fn(usize) -> String,
        message: &str,
    ) {
        let mut seen: Vec<T> = Vec::new();
        for (i, name) in names.into_iter().enumerate() {
            if seen.contains(&name) {
                self.add(code, field(i), message);
            }
            seen.push(name);
        }
    }

    /// Checks that exactly the members that belong to `chosen` are set. Each member is its name, the type to which it
    /// belongs, and whether it is set.
    fn union(&mut self, field: &str, chosen: &str, members: &[(&str, &str, bool)], prefix: &str) {
        for (name, belongs_to, set) in members {
            match (*belongs_to == chosen, set) {
                (true, false) => {
                    let message = format!("{prefix}{name} must be specified for {chosen} {prefix}type");
                    self.add_hint(Code::UnionMember, field, message.trim(), format!("add {name}"));
                }
                (false, true) => {
                    let message = format!("{prefix}{name} must be nil if the {prefix}type is not {belongs_to}");
                    self.add(Code::UnionMember, format!("{field}.{name}"), message);
                }
                _ => {}
            }
        }
    }
}

/// What [`crate::Spec`] does for one kind.
pub(crate) trait Validate {
    /// Adds every rule that is broken.
    fn check(&self, _report: &mut Report) {}
    /// See [`crate::Spec::complete`].
    fn complete(&mut self) {}
}

static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").ok());
static SUBDOMAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").ok());
static QUALIFIED_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$").ok());
static LABEL_VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$").ok());

fn is(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Whether a text is one DNS label (RFC 1123), of at most 63 characters.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is(&LABEL, text)
}

/// Whether a text is a DNS name (RFC 1123) of at most 253 characters. Labels may be longer than DNS has them, as in
/// the API server's own check.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && is(&SUBDOMAIN, text)
}

/// Whether a key of a label or an annotation has the form `[DNS name/]name`.
pub(crate) fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is(&QUALIFIED_NAME, name),
        None => is(&QUALIFIED_NAME, key),
    }
}

/// Checks names, labels and annotations, as an API server does for every object.
pub(crate) fn check_meta(kind: Kind, meta: &ObjectMeta, report: &mut Report) {
    let one_label = matches!(kind, Kind::Service | Kind::Namespace);
    if one_label && !is_label(&meta.name) {
        let message = format!("{:?} is not a DNS label: lower case letters, digits and '-', 63 at most", meta.name);
        report.add(Code::InvalidName, "metadata.name", message);
    } else if kind != Kind::ClusterTrustBundle && !is_subdomain(&meta.name) {
        let message = format!("{:?} is not a DNS subdomain: lower case letters, digits, '-' and '.'", meta.name);
        report.add(Code::InvalidName, "metadata.name", message);
    }
    if kind == Kind::ClusterTrustBundle && (meta.name.contains(['/', '%']) || matches!(&*meta.name, "." | "..")) {
        let message =
            format!("{:?} is no name of a ClusterTrustBundle: it may hold colons, and no '/' or '%'", meta.name);
        report.add(Code::InvalidName, "metadata.name", message);
    }
    if kind.is_namespaced() && !is_label(&meta.namespace) {
        report.add(Code::InvalidName, "metadata.namespace", format!("{:?} is not a DNS label", meta.namespace));
    }
    for (key, value) in &meta.labels {
        if !is_qualified_name(key) {
            report.add(Code::InvalidKey, format!("metadata.labels{}", bracket(key)), "the key is not a qualified name");
        }
        if value.len() > 63 || !is(&LABEL_VALUE, value) {
            let message = format!("{value:?} is not a label value: 63 characters at most, of [-A-Za-z0-9_.]");
            report.add(Code::InvalidName, format!("metadata.labels{}", bracket(key)), message);
        }
    }
    check_keys(&meta.annotations, "metadata.annotations", report);
}

/// The last part of the path of a map's entry, as the loader writes it.
pub(crate) fn bracket(key: &str) -> String {
    if key.bytes().all(|b| b.is_ascii_alphanumeric()) && !key.is_empty() {
        format!(".{key}")
    } else {
        format!("[{key}]")
    }
}

/// Checks the keys of annotations, labels or options.
pub(crate) fn check_keys(map: &BTreeMap<String, String>, field: &str, report: &mut Report) {
    for key in map.keys().filter(|key| !is_qualified_name(&key.to_lowercase())) {
        let message = "keys must be in the form of an optional DNS subdomain prefix followed by a required name segment \
                       of up to 63 characters";
        report.add(Code::InvalidKey, format!("{field}{}", bracket(key)), message);
    }
}
