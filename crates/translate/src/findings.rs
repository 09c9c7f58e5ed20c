//! Problems with a place: what `check` prints as `file:line:col` and statuses show as messages.

use resources::{Code, Key, Severity};
use serde::Serialize;
use std::fmt;

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
    /// A problem as bad as its code says; `path` is the field, `hint` what to do.
    pub(crate) fn new(
        reason: &'static str,
        code: Code,
        path: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (path, message, hint) = (path.into(), message.into(), hint.into());
        Self { reason, severity: code.severity(), code, path, message, hint }
    }

    /// The same problem as a warning.
    pub(crate) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// A field or value that is not served yet.
    pub(crate) fn unsupported(path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new("UnsupportedValue", Code::UnsupportedValue, path, message, hint)
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
