//! Files to objects, and objects of all files to one set.

use super::document::{self, Identity};
use super::shape::Check;
use super::shape_of;
use super::tree::{self, Node, Value};
use crate::object::{KindVisitor, dispatch};
use crate::{
    AnyObject, Code, Key, Kind, Object, ObjectMeta, Position, Problem, Report, Resources, Source, Spec, Stored,
};
use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every object of a folder, and everything that is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The objects that are valid. Nothing of an invalid object is in here.
    pub resources: Resources,
    /// The problems, sorted by file, line and column.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Whether any problem is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == crate::Severity::Error)
    }
}

/// What one file holds. Files can be read one by one, kept, and [`assemble`]d whenever one of them has changed.
#[derive(Clone, Debug)]
pub struct FileObjects {
    path: Arc<str>,
    objects: Vec<FileObject>,
    problems: Vec<Problem>,
    broken: bool,
}

#[derive(Clone, Debug)]
struct FileObject {
    key: Key,
    at: Position,
    /// `None` when it is invalid.
    object: Option<AnyObject>,
}

impl FileObjects {
    /// The file's path, as it was given.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// What is wrong with this file by itself; duplicates across files come with [`assemble`].
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether some document could not be parsed, so that it is unknown which objects the file should define.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The objects that are valid, in the order of the file.
    pub fn valid(&self) -> impl Iterator<Item = &AnyObject> {
        self.objects.iter().filter_map(|object| object.object.as_ref())
    }

    /// The keys of all objects that the file defines, valid or not.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.iter().map(|object| &object.key)
    }
}

/// Reads all files of a folder, each with its path and its bytes, in any order.
///
/// Files are taken as YAML (several documents, `kind: List`) or JSON, which is YAML too. Never fails and never panics:
/// what cannot be used is in [`Loaded::problems`], and affects nothing else.
pub fn load<P: Into<Arc<str>>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, B)>) -> Loaded {
    let files: Vec<FileObjects> = files.into_iter().map(|(path, bytes)| read_file(path, bytes.as_ref())).collect();
    assemble(&files)
}

/// Puts the objects of files together. Of objects that are defined more than once, the first in sorted path order
/// counts; every other one is a [`Code::DuplicateObject`].
pub fn assemble<'a>(files: impl IntoIterator<Item = &'a FileObjects>) -> Loaded {
    let mut files: Vec<&FileObjects> = files.into_iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut loaded = Loaded::default();
    let mut first: BTreeMap<&Key, (&Arc<str>, Position)> = BTreeMap::new();
    for file in files {
        loaded.problems.extend(file.problems.iter().cloned());
        for found in &file.objects {
            match first.entry(&found.key) {
                MapEntry::Vacant(entry) => {
                    entry.insert((&file.path, found.at));
                    if let Some(object) = &found.object {
                        loaded.resources.upsert(object.clone());
                    }
                }
                MapEntry::Occupied(entry) => {
                    let (path, at) = entry.get();
                    loaded.problems.push(Problem {
                        file: file.path.clone(),
                        line: found.at.line,
                        column: found.at.column,
                        severity: Code::DuplicateObject.severity(),
                        code: Code::DuplicateObject,
                        object: Some(found.key.clone()),
                        field: None,
                        message: format!("already defined at {path}:{}:{}, which counts", at.line, at.column),
                        hint: Some("remove or rename one of them".to_owned()),
                    });
                }
            }
        }
    }
    loaded.problems.sort();
    loaded
}

/// Reads one file.
pub fn read_file(path: impl Into<Arc<str>>, bytes: &[u8]) -> FileObjects {
    let mut reader = Reader {
        file: FileObjects { path: path.into(), objects: Vec::new(), problems: Vec::new(), broken: false },
        noted: BTreeSet::new(),
        texts: BTreeSet::new(),
    };
    for document in document::split(bytes) {
        let start = Position { line: document.lines_before + 1, column: 1 };
        let text = match std::str::from_utf8(document.bytes) {
            Ok(text) => text,
            Err(error) => {
                let good = String::from_utf8_lossy(&document.bytes[..error.valid_up_to()]);
                let (lines, last) = (good.matches('\n').count(), good.rsplit('\n').next().unwrap_or_default());
                let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                let at = Position {
                    line: start.line.saturating_add(count(lines)),
                    column: count(last.chars().count()).saturating_add(1),
                };
                reader.broken(at, Code::NotText, "the document is not UTF-8 from here on".to_owned());
                continue;
            }
        };
        match tree::parse(text, document.lines_before) {
            Ok(node) => reader.document(&node),
            Err(error) => reader.broken(error.at, error.code, error.message),
        }
    }
    reader.file.objects.shrink_to_fit();
    reader.file
}

struct Reader {
    file: FileObjects,
    /// Kinds about which this file has had its one note.
    noted: BTreeSet<String>,
    /// Namespaces and versions, of which thousands of objects have the same.
    texts: BTreeSet<Arc<str>>,
}

/// Lists of lists end here.
const MAX_LIST_DEPTH: usize = 4;

impl Reader {
    fn problem(
        &mut self,
        at: Position,
        code: Code,
        object: Option<&Key>,
        field: Option<String>,
        message: String,
        hint: Option<String>,
    ) {
        self.file.problems.push(Problem {
            file: self.file.path.clone(),
            line: at.line,
            column: at.column,
            severity: code.severity(),
            code,
            object: object.cloned(),
            field,
            message,
            hint,
        });
    }

    /// The one copy of a text that many objects have.
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        text
    }

    fn broken(&mut self, at: Position, code: Code, message: String) {
        self.file.broken = true;
        self.problem(at, code, None, None, message, None);
    }

    fn note(&mut self, at: Position, code: Code, what: &str, message: String, hint: Option<String>) {
        if self.noted.insert(what.to_owned()) {
            self.problem(at, code, None, None, message, hint);
        }
    }

    fn document(&mut self, node: &Node) {
        if !matches!(node.value, Value::Null) {
            self.object(node, 0);
        }
    }

    fn object(&mut self, node: &Node, depth: usize) {
        match document::identify(node) {
            Identity::Ours(kind) => self.ours(kind, node),
            Identity::List if depth < MAX_LIST_DEPTH => match node.get("items").map(|items| &items.value) {
                Some(Value::List(items)) => items.iter().for_each(|item| self.object(item, depth + 1)),
                _ => self.problem(
                    node.at,
                    Code::WrongType,
                    None,
                    Some("items".to_owned()),
                    "expected a list".to_owned(),
                    None,
                ),
            },
            Identity::List => {
                self.problem(node.at, Code::TooLarge, None, None, "lists stand in lists too deeply".to_owned(), None);
            }
            Identity::Ingress(kind) => {
                let hint = "ingress2gateway converts it to a Gateway and HTTPRoutes".to_owned();
                self.note(node.at, Code::IngressKind, &kind, format!("{kind} is not served; skipped"), Some(hint));
            }
            Identity::Unserved(what) => {
                let message = format!("{what} is not served yet: what it asks for is not done");
                self.note(node.at, Code::PolicyNotServed, &what, message, None);
            }
            Identity::Foreign { what, hint } => {
                self.note(node.at, Code::ForeignKind, &what, format!("{what} is not one of our kinds; skipped"), hint);
            }
            Identity::UnknownVersion(kind) => {
                let at = node.entry("apiVersion").map_or(node.at, |entry| entry.at);
                let written = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
                let message = format!("no {kind} in {written}; expected {}", kind.api_versions().join(" or "));
                self.problem(at, Code::UnknownVersion, None, Some("apiVersion".to_owned()), message, None);
            }
            Identity::Misspelt(kind) => {
                let at = node.entry("kind").map_or(node.at, |entry| entry.at);
                let written = node.get("kind").and_then(Node::text).unwrap_or_default();
                let hint = Some(format!("did you mean {kind}?"));
                let message = format!("the group has no kind {written:.60}");
                self.problem(at, Code::UnknownKind, None, Some("kind".to_owned()), message, hint);
            }
            Identity::NotAnObject(why) => {
                self.problem(node.at, Code::NotAnObject, None, None, format!("not a Kubernetes object: {why}"), None);
            }
        }
    }

    fn ours(&mut self, kind: Kind, node: &Node) {
        let mut check = Check::new(kind == Kind::Secret);
        check.root(node, &shape_of(kind));
        let (findings, places) = (std::mem::take(&mut check.findings), std::mem::take(&mut check.places));
        let source = Source::new(self.file.path.clone(), node.at, places.into_iter());
        let meta = node.get("metadata");
        let text = |name: &str| meta.and_then(|meta| meta.get(name)).and_then(Node::text);
        let name = text("name").unwrap_or_default();
        let written_namespace = text("namespace");
        let namespace = if kind.is_namespaced() { written_namespace.unwrap_or("default") } else { "" };
        let namespace = self.shared(namespace);
        let key = (!name.is_empty()).then(|| Key::new(kind, Arc::clone(&namespace), name));

        let mut valid = true;
        for finding in findings {
            valid = false;
            let field = Some(finding.field).filter(|field| !field.is_empty());
            self.problem(finding.at, finding.code, key.as_ref(), field, finding.message, finding.hint);
        }
        if !kind.is_namespaced() && written_namespace.is_some() {
            let at = source.position("metadata.namespace");
            let message = format!("{kind} belongs to the whole cluster; the namespace is ignored");
            let field = Some("metadata.namespace".to_owned());
            self.problem(at, Code::NamespaceIgnored, key.as_ref(), field, message, Some("remove it".to_owned()));
        }
        let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
        if is_deprecated(kind, api_version) {
            let at = source.position("apiVersion");
            let message = format!("the {} version of {kind} is deprecated", version(api_version));
            let hint = kind.api_versions().first().map(|preferred| format!("use {preferred}"));
            self.problem(at, Code::DeprecatedVersion, key.as_ref(), Some("apiVersion".to_owned()), message, hint);
        }
        if matches!(kind, Kind::GrpcRoute | Kind::TcpRoute | Kind::UdpRoute | Kind::ListenerSet) {
            let message = format!("{kind} is not served yet: it is checked, but takes no traffic");
            self.note(node.at, Code::KindNotServed, kind.as_str(), message, None);
        }

        let (api_version, mut report) = (self.shared(api_version), Report::default());
        let build = Build { node, key: key.as_ref(), namespace, api_version, source: &source, report: &mut report };
        let built = dispatch(kind, build);
        for violation in report.into_violations() {
            valid = false;
            let at = source.position(&violation.field);
            self.problem(at, violation.code, key.as_ref(), Some(violation.field), violation.message, violation.hint);
        }
        let object = match built {
            Ok(object) => Some(object).filter(|_| valid),
            // The structure was sound and yet the type refuses it. Values of Secrets must not come into messages.
            Err(error) if valid => {
                let message = if kind == Kind::Secret { "the object cannot be read".to_owned() } else { error };
                self.problem(node.at, Code::WrongType, key.as_ref(), None, message, None);
                None
            }
            Err(_) => None,
        };
        if let Some(key) = key {
            self.file.objects.push(FileObject { key, at: node.at, object });
        }
    }
}

/// Makes the typed object and checks its meaning.
struct Build<'a> {
    node: &'a Node,
    /// Absent if the object has no name, and so is not valid.
    key: Option<&'a Key>,
    namespace: Arc<str>,
    api_version: Arc<str>,
    source: &'a Source,
    report: &'a mut Report,
}

impl KindVisitor for Build<'_> {
    type Output = Result<AnyObject, String>;

    fn visit<S: Spec>(self) -> Self::Output
    where
        Object<S>: Stored,
    {
        let empty = || serde_json::Value::Object(serde_json::Map::new());
        let meta = self.node.get("metadata").map_or_else(empty, Node::to_json);
        let mut meta: ObjectMeta = serde_json::from_value(meta).map_err(|error| error.to_string())?;
        meta.namespace = self.namespace;
        if let Some(key) = self.key {
            meta.name = Arc::clone(&key.name);
        }
        crate::rules::check_meta(S::KIND, &meta, self.report);
        let content =
            if S::UNDER_SPEC { self.node.get("spec").map_or_else(empty, Node::to_json) } else { self.node.to_json() };
        let mut spec: S = serde_json::from_value(content).map_err(|error| error.to_string())?;
        spec.validate(self.report);
        spec.complete();
        let object = Object { api_version: self.api_version, meta, spec, source: self.source.clone() };
        Ok(Arc::new(object).into_any())
    }
}

fn version(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or_default()
}

/// Versions that the CRDs of v1.7.0 mark as deprecated, or do not serve any more.
fn is_deprecated(kind: Kind, api_version: &str) -> bool {
    match kind {
        Kind::TlsRoute
        | Kind::TcpRoute
        | Kind::UdpRoute
        | Kind::GrpcRoute
        | Kind::BackendTlsPolicy
        | Kind::ReferenceGrant => version(api_version).starts_with("v1alpha"),
        _ => false,
    }
}
