//! What is wrong and what is so: problems with their places, statuses as a table, for people and for programs.

mod table;
mod text;

pub use table::statuses;
pub use text::{Sources, Style, github, problem};

pub use resources::Severity;
use resources::{Kind, Resources};
use serde::Serialize;
use std::path::Path;
use translate::{Finding, Statuses};

/// A code of this crate; those of objects and their relations are in `resources` and `translate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileCode {
    /// The stable text.
    pub code: &'static str,
    /// A title of a few words.
    pub title: &'static str,
    /// What it means and what to do.
    pub explanation: &'static str,
}

/// A path could not be read.
pub const UNREADABLE: FileCode = FileCode {
    code: "SG0001",
    title: "A file or folder cannot be read",
    explanation: "The path does not exist, or this process may not read it, or the file is too large. Everything else is served. \
        Look at the spelling and at the permissions; in a container, at the mount.",
};
/// There is nothing to serve.
pub const NOTHING: FileCode = FileCode {
    code: "SG0002",
    title: "There is nothing to serve",
    explanation: "No file was found, or the files hold no Gateway with a GatewayClass, so that no port is opened. Files must end in \
        .yaml, .yml or .json; names that begin with a dot are skipped. `sluicegate expose http localhost:3000 --no-run` \
        writes a folder to begin with.",
};
const FILE_CODES: [FileCode; 2] = [UNREADABLE, NOTHING];

/// Kind, namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Object {
    /// The kind.
    pub kind: &'static str,
    /// The namespace; empty for objects of the cluster.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl From<&resources::Key> for Object {
    fn from(key: &resources::Key) -> Self {
        Self { kind: key.kind.as_str(), namespace: key.namespace.to_string(), name: key.name.to_string() }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// One problem at one place; the JSON form is stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Problem {
    /// The file, as it was named or found; empty if the problem has no place.
    pub file: String,
    /// The line, from 1; 0 if the problem is about the whole file.
    pub line: u32,
    /// The column in characters, from 1; 0 if the problem is about the whole file.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of problem, such as `SG0301`; `check --explain` tells more.
    pub code: &'static str,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// Path of the field, such as `spec.rules[0].name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Problem {
    /// A problem about a whole file.
    pub fn of_file(path: &Path, severity: Severity, code: FileCode, message: impl Into<String>, help: &str) -> Self {
        Self {
            file: path.display().to_string(),
            line: 0,
            column: 0,
            severity,
            code: code.code,
            object: None,
            field: String::new(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// `file:line:col: error[SG0301] HTTPRoute default/shop: spec.rules[0].nmae: unknown field`, without control characters.
    pub fn line(&self) -> String {
        let mut line = String::new();
        if !self.file.is_empty() {
            line.push_str(&self.file);
            if self.line > 0 {
                line.push_str(&format!(":{}:{}", self.line, self.column));
            }
            line.push_str(": ");
        }
        line.push_str(&format!("{}[{}] ", self.severity.as_str(), self.code));
        line.push_str(&self.text());
        text::printable(&line)
    }

    /// `HTTPRoute default/shop: spec.rules[0].nmae: unknown field`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(object) = &self.object {
            text.push_str(&format!("{object}: "));
        }
        if !self.field.is_empty() {
            text.push_str(&format!("{}: ", self.field));
        }
        text.push_str(&self.message);
        text
    }
}

impl From<&resources::Problem> for Problem {
    fn from(problem: &resources::Problem) -> Self {
        Self {
            file: problem.file.to_string(),
            line: problem.line,
            column: problem.column,
            severity: problem.severity,
            code: problem.code.as_str(),
            object: problem.object.as_ref().map(Object::from),
            field: problem.field.clone().unwrap_or_default(),
            message: problem.message.clone(),
            help: problem.hint.clone().unwrap_or_default(),
        }
    }
}

/// Gives a finding of the translation its place in the files.
pub fn place(finding: &Finding, objects: &Resources) -> Problem {
    let (mut file, mut line, mut column) = (String::new(), 0, 0);
    if let Some(object) = objects.get_any(&finding.key) {
        let position = object.source().position(&finding.field_path);
        (file, line, column) = (object.source().file.to_string(), position.line, position.column);
    }
    Problem {
        file,
        line,
        column,
        severity: finding.severity,
        code: finding.code.as_str(),
        object: Some(Object::from(&finding.key)),
        field: finding.field_path.clone(),
        message: finding.message.clone(),
        help: finding.hint.clone(),
    }
}

/// The explanation of a code, for `check --explain` and the reference; `None` for a code that does not exist.
pub fn explain(code: &str) -> Option<(&'static str, &'static str, &'static str)> {
    all_codes().find(|(known, ..)| known.eq_ignore_ascii_case(code))
}

/// Every code with its title and its explanation, in ascending order.
pub fn all_codes() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    FILE_CODES
        .iter()
        .map(|code| (code.code, code.title, code.explanation))
        .chain(resources::Code::all().iter().map(|code| (code.as_str(), code.title(), code.explanation())))
}

/// The shape of `check -o json` and of the admin port's `/status`; stable.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Version of this shape: 1.
    pub version: u32,
    /// Whether there is no error.
    pub ok: bool,
    /// Number of errors.
    pub errors: usize,
    /// Number of warnings.
    pub warnings: usize,
    /// Number of notes.
    pub notes: usize,
    /// Every problem, by place.
    pub problems: &'a [Problem],
    /// Every object that was read, by kind, namespace and name.
    pub objects: Vec<ObjectReport<'a>>,
}

/// One object with the status it would have in a cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport<'a> {
    /// The version under which it was written.
    pub api_version: String,
    /// Kind, namespace and name.
    #[serde(flatten)]
    pub object: Object,
    /// Its file.
    pub file: String,
    /// The line in which it begins.
    pub line: u32,
    /// `status`; absent for kinds without one, and for objects that are not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a translate::Status>,
}

impl<'a> Report<'a> {
    /// Puts the parts together. Secrets are named, never shown.
    pub fn new(problems: &'a [Problem], objects: &Resources, statuses: &'a Statuses) -> Self {
        let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
        let errors = count(Severity::Error);
        Self {
            version: 1,
            ok: errors == 0,
            errors,
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            problems,
            objects: objects
                .iter()
                .map(|object| ObjectReport {
                    api_version: object.api_version().to_owned(),
                    object: Object::from(&object.key()),
                    file: object.source().file.to_string(),
                    line: object.source().start.line,
                    status: statuses.get(&object.key()).map(|status| &**status),
                })
                .collect(),
        }
    }
}

/// Whether text of the object may be shown: never of a Secret.
fn may_show(problem: &Problem, source: &str) -> bool {
    match &problem.object {
        Some(object) => object.kind != Kind::Secret.as_str(),
        // What it was meant to be is not known: a file without Secrets cannot give one away.
        None => !source.contains(Kind::Secret.as_str()),
    }
}
