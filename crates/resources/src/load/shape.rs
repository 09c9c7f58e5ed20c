//! The structure of a kind, compiled from its JSON schema, and the check of a tree against it.

use super::tree::{Entry, Node, Value};
use crate::{Code, Kind, ObjectMeta, Position};
use regex::Regex;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a value must be like: a JSON schema of the kinds of constraints that CRDs use.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Names of JSON types; empty allows all.
    types: Vec<String>,
    /// Any content goes.
    untyped: bool,
    properties: BTreeMap<String, Arc<Shape>>,
    required: Vec<String>,
    /// Fields that are accepted whatever they hold.
    ignored: Vec<String>,
    /// Values of a mapping with free keys.
    additional: Option<Arc<Shape>>,
    items: Option<Arc<Shape>>,
    /// Items of a list, entries of a mapping.
    min_count: u64,
    max_count: Option<u64>,
    unique: bool,
    min_length: u64,
    max_length: Option<u64>,
    pattern: Option<Arc<Regex>>,
    format: Option<String>,
    allowed: Vec<Json>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

/// The shape of an object of this kind: `apiVersion`, `kind`, `metadata`, `status` and its own content.
pub(crate) fn shape_of(kind: Kind) -> Arc<Shape> {
    // Each kind when it is first met: most folders hold a few of them, and the regular expressions of all cost as much as a start.
    static SHAPES: [OnceLock<Arc<Shape>>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];
    static PATTERNS: Mutex<Option<Patterns>> = Mutex::new(None);
    let shape = || {
        let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::new(whole_object(kind, patterns.get_or_insert_default()))
    };
    Arc::clone(SHAPES[kind as usize].get_or_init(shape))
}

/// Compiled patterns by their text; many fields have the same.
type Patterns = HashMap<String, Option<Arc<Regex>>>;

fn whole_object(kind: Kind, patterns: &mut Patterns) -> Shape {
    let content = compile_root(&crate::schema_for(kind), patterns);
    let text = Arc::new(Shape { types: vec!["string".to_owned()], ..Shape::default() });
    let mut shape = if kind.has_spec() {
        let required = if content.required.is_empty() { Vec::new() } else { vec!["spec".to_owned()] };
        Shape { properties: BTreeMap::from([("spec".to_owned(), Arc::new(content))]), required, ..Shape::default() }
    } else {
        content
    };
    shape.types = vec!["object".to_owned()];
    shape.ignored.push("status".to_owned());
    shape.required.push("metadata".to_owned());
    let meta = compile_root(&schemars::schema_for!(ObjectMeta), patterns);
    for (name, field) in [("apiVersion", text.clone()), ("kind", text), ("metadata", Arc::new(meta))] {
        shape.properties.insert(name.to_owned(), field);
    }
    shape
}

fn compile_root(schema: &schemars::Schema, patterns: &mut Patterns) -> Shape {
    let root = schema.as_value();
    compile(root, root, patterns)
}

fn compile(schema: &Json, root: &Json, patterns: &mut Patterns) -> Shape {
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix('#')) {
        return root.pointer(target).map_or_else(Shape::default, |target| compile(target, root, patterns));
    }
    // Optional structs: anyOf [the struct, null].
    let not_null = |s: &&Json| s.get("type").and_then(Json::as_str) != Some("null");
    if let Some(inner) = schema.get("anyOf").and_then(Json::as_array).and_then(|any| any.iter().find(not_null)) {
        return compile(inner, root, patterns);
    }
    let texts = |key: &str| -> Vec<String> {
        match schema.get(key) {
            Some(Json::String(text)) => vec![text.clone()],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let number = |key: &str| schema.get(key).and_then(Json::as_f64);
    let count = |key: &str| schema.get(key).and_then(Json::as_u64);
    let format = schema.get("format").and_then(Json::as_str);
    // Upstream integers are int32 and int64, where ours are unsigned.
    let format_maximum = match format {
        Some("uint16" | "uint32" | "int32") => Some(f64::from(i32::MAX)),
        _ => None,
    };
    let mut child = |key: &str| match schema.get(key) {
        Some(inner @ Json::Object(_)) => Some(Arc::new(compile(inner, root, patterns))),
        _ => None,
    };
    let (additional, items) = (child("additionalProperties"), child("items"));
    let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    let properties = properties.map(|(name, s)| (name.clone(), Arc::new(compile(s, root, patterns)))).collect();
    let pattern = schema.get("pattern").and_then(Json::as_str).and_then(|pattern| {
        patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok().map(Arc::new)).clone()
    });
    Shape {
        types: texts("type").into_iter().filter(|name| name != "null").collect(),
        untyped: schema.get("x-untyped").is_some(),
        properties,
        required: texts("required"),
        ignored: texts("x-ignored"),
        additional,
        items,
        min_count: count("minItems").or(count("minProperties")).unwrap_or(0),
        max_count: count("maxItems").or(count("maxProperties")),
        unique: schema.get("uniqueItems").and_then(Json::as_bool).unwrap_or(false),
        min_length: count("minLength").unwrap_or(0),
        max_length: count("maxLength"),
        pattern,
        format: format.map(str::to_owned),
        allowed: schema
            .get("enum")
            .and_then(Json::as_array)
            .map_or_else(Vec::new, |values| values.iter().filter(|value| !value.is_null()).cloned().collect()),
        minimum: number("minimum"),
        maximum: number("maximum").or(format_maximum),
    }
}

/// A finding of the check, not yet tied to a file and an object.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) at: Position,
    pub(super) field: String,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Walks a tree along a shape.
pub(super) struct Check {
    pub(super) findings: Vec<Finding>,
    /// The place of every field that was met.
    pub(super) places: Vec<(String, Position)>,
    /// Whether values must not be shown (Secrets).
    redact: bool,
    path: String,
}

/// Findings beyond this many in one document say nothing new.
const MAX_FINDINGS: usize = 100;

impl Check {
    pub(super) fn new(redact: bool) -> Self {
        Self { findings: Vec::new(), places: Vec::new(), redact, path: String::new() }
    }

    /// Checks the root of a document.
    pub(super) fn root(&mut self, node: &Node, shape: &Shape) {
        self.value(node, node.at, shape);
    }

    fn report(&mut self, at: Position, code: Code, message: String, hint: Option<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { at, field: self.path.clone(), code, message, hint });
        }
    }

    /// Runs `f` with the path longer by `part`.
    fn within(&mut self, part: &str, at: Position, f: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if !part.starts_with('[') && length > 0 {
            self.path.push('.');
        }
        self.path.push_str(part);
        self.places.push((self.path.clone(), at));
        f(self);
        self.path.truncate(length);
    }

    /// Checks one value; `at` is where its key stands, or the value itself in a list.
    fn value(&mut self, node: &Node, at: Position, shape: &Shape) {
        let found = match &node.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        };
        if !shape.types.is_empty() && !shape.types.iter().any(|name| name == found) {
            let quote =
                shape.types.iter().any(|name| name == "string") && matches!(found, "boolean" | "integer" | "number");
            let expected = shape.types.iter().map(|name| type_name(name)).collect::<Vec<_>>().join(" or ");
            let unquote = found == "string" && shape.types.iter().any(|name| name == "integer" || name == "boolean");
            let hint = if quote {
                Some("put the value in quotes".to_owned())
            } else if unquote {
                Some("write it without quotes".to_owned())
            } else if shape.types.iter().any(|name| name == "array") {
                Some("write it as a list, each item on a line of its own after `- `".to_owned())
            } else {
                self.no_space_after_colon(node, shape)
            };
            let shown = self.shown(node);
            return self.report(
                at,
                Code::WrongType,
                format!("expected {expected}, found {}{shown}", type_name(found)),
                hint,
            );
        }
        match &node.value {
            Value::Map(entries) if shape.untyped => self.duplicates(entries),
            Value::Map(entries) => self.mapping(node, entries, at, shape),
            Value::List(items) => self.list(items, at, shape),
            Value::Text(text) => self.text(text, at, shape),
            Value::Int(value) => self.number(*value as f64, &Json::from(*value), at, shape),
            Value::Float(value) => self.number(*value, &Json::from(*value), at, shape),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// YAML takes `name:shop` for text: a mapping needs a space after the colon.
    fn no_space_after_colon(&self, node: &Node, shape: &Shape) -> Option<String> {
        let key = node.text()?.split_once(':')?.0;
        shape.properties.contains_key(key).then(|| format!("put a space after `{key}:`"))
    }

    /// A scalar as it may be shown in a message.
    fn shown(&self, node: &Node) -> String {
        match &node.value {
            _ if self.redact => String::new(),
            Value::Bool(value) => format!(" {value}"),
            Value::Int(value) => format!(" {value}"),
            Value::Float(value) => format!(" {value}"),
            Value::Text(value) => format!(" {}", self.quoted(value)),
            _ => String::new(),
        }
    }

    fn quoted(&self, text: &str) -> String {
        if self.redact {
            return "the value".to_owned();
        }
        let mut short: String = text.chars().take(60).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        format!("{short:?}")
    }

    fn duplicates(&mut self, entries: &[Entry]) {
        let mut seen: HashMap<&str, Position> = HashMap::with_capacity(entries.len());
        for entry in entries {
            match seen.get(entry.key.as_str()).copied() {
                Some(first) => {
                    let hint = format!("the first one is at line {}, column {}", first.line, first.column);
                    self.within(&part(&entry.key), entry.at, |check| {
                        check.report(entry.at, Code::DuplicateKey, "the key stands twice".to_owned(), Some(hint));
                    });
                }
                None => {
                    seen.insert(&entry.key, entry.at);
                }
            }
        }
    }

    fn count(&mut self, count: usize, what: &str, at: Position, shape: &Shape) {
        let count = count as u64;
        if count < shape.min_count {
            let message = match shape.min_count {
                1 => "must not be empty".to_owned(),
                min => format!("expected at least {min} {what}, found {count}"),
            };
            self.report(at, Code::BadCount, message, None);
        } else if let Some(max) = shape.max_count.filter(|max| count > *max) {
            self.report(at, Code::BadCount, format!("expected at most {max} {what}, found {count}"), None);
        }
    }

    fn mapping(&mut self, node: &Node, entries: &[Entry], at: Position, shape: &Shape) {
        self.duplicates(entries);
        let known = |key: &str| shape.properties.contains_key(key) || shape.ignored.iter().any(|name| name == key);
        if let Some(additional) = &shape.additional {
            self.count(entries.len(), "entries", at, shape);
            for entry in entries.iter().filter(|entry| !known(&entry.key)) {
                self.within(&part(&entry.key), entry.at, |check| check.value(&entry.node, entry.at, additional));
            }
        } else {
            for entry in entries.iter().filter(|entry| !known(&entry.key)) {
                let names = shape.properties.keys().map(String::as_str);
                let hint = moved(&self.path, &entry.key)
                    .map(str::to_owned)
                    .or_else(|| closest(&entry.key, names).map(|name| format!("did you mean {name}?")));
                self.within(&part(&entry.key), entry.at, |check| {
                    check.report(entry.at, Code::UnknownField, "unknown field".to_owned(), hint);
                });
            }
        }
        for name in &shape.required {
            if node.entry(name).is_none() {
                // The place where it should stand: the mapping around it.
                let around = if at == Position::default() { node.at } else { at };
                self.within(name, around, |check| {
                    check.report(around, Code::MissingField, "required, but not set".to_owned(), None);
                });
            }
        }
        for entry in entries {
            if let Some(inner) = shape.properties.get(&entry.key)
                && !matches!(entry.node.value, Value::Null)
            {
                self.within(&entry.key, entry.at, |check| check.value(&entry.node, entry.at, inner));
            }
        }
    }

    fn list(&mut self, items: &[Node], at: Position, shape: &Shape) {
        self.count(items.len(), if shape.max_count == Some(1) { "item" } else { "items" }, at, shape);
        let mut seen = HashSet::new();
        for (i, item) in items.iter().enumerate() {
            self.within(&format!("[{i}]"), item.at, |check| {
                if let Some(inner) = &shape.items {
                    check.value(item, item.at, inner);
                }
                if shape.unique && !seen.insert(item.to_json().to_string()) {
                    check.report(item.at, Code::RepeatedItem, "the item stands twice".to_owned(), None);
                }
            });
        }
    }

    fn text(&mut self, text: &str, at: Position, shape: &Shape) {
        if !shape.allowed.is_empty() && !shape.allowed.iter().any(|value| value.as_str() == Some(text)) {
            let names = || shape.allowed.iter().filter_map(Json::as_str);
            let expected = names().collect::<Vec<_>>().join(", ");
            let hint = closest(text, names()).map(|name| format!("did you mean {name}?"));
            let message = format!("{} is not allowed; expected one of {expected}", self.quoted(text));
            return self.report(at, Code::NotAllowed, message, hint);
        }
        let length = text.chars().count() as u64;
        if length < shape.min_length {
            let message = if length == 0 {
                "must not be empty".to_owned()
            } else {
                format!("expected at least {} characters, found {length}", shape.min_length)
            };
            return self.report(at, Code::BadLength, message, None);
        }
        if let Some(max) = shape.max_length.filter(|max| length > *max) {
            let message = format!("expected at most {max} characters, found {length}");
            return self.report(at, Code::BadLength, message, None);
        }
        if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            let hint = if text != text.to_lowercase() && pattern.is_match(&text.to_lowercase()) {
                Some("it must be in lower case".to_owned())
            } else if self.path.contains("hostname") {
                host(text).filter(|host| pattern.is_match(host)).map(|host| format!("write {host}"))
            } else {
                None
            };
            let message = format!("{} should match '{pattern}'", self.quoted(text));
            return self.report(at, Code::BadFormat, message, hint);
        }
        let (valid, what) = match shape.format.as_deref() {
            Some("byte") => (crate::kubernetes::Base64Bytes::decode(text).is_some(), "base64"),
            Some("ip") => (text.parse::<IpAddr>().is_ok(), "an IP address"),
            Some("cidr") => (is_cidr(text), "a network such as 10.0.0.0/8"),
            Some("date-time") => (text.parse::<jiff::Timestamp>().is_ok(), "a time such as 2026-01-31T12:00:00Z"),
            _ => (true, ""),
        };
        if !valid {
            self.report(at, Code::BadFormat, format!("{} is not {what}", self.quoted(text)), None);
        }
    }

    fn number(&mut self, value: f64, json: &Json, at: Position, shape: &Shape) {
        if !shape.allowed.is_empty() && !shape.allowed.contains(json) {
            let expected = shape.allowed.iter().map(Json::to_string).collect::<Vec<_>>().join(", ");
            return self.report(
                at,
                Code::NotAllowed,
                format!("{json} is not allowed; expected one of {expected}"),
                None,
            );
        }
        let bounds = match (shape.minimum, shape.maximum) {
            (Some(min), _) if value < min => format!("at least {min}"),
            (_, Some(max)) if value > max => format!("at most {max}"),
            _ => return,
        };
        self.report(at, Code::OutOfRange, format!("expected {bounds}, found {json}"), None);
    }
}

fn type_name(name: &str) -> &str {
    match name {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "nothing",
    }
}

/// The host in a URL, before a port, or before the root's dot: what fields for host names take of it.
fn host(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    text.split(['/', ':']).next().map(|host| host.trim_end_matches('.'))
}

/// A key as a part of a path: keys that are no names stand in brackets.
fn part(key: &str) -> String {
    if key.bytes().all(|b| b.is_ascii_alphanumeric()) && !key.is_empty() { key.to_owned() } else { format!("[{key}]") }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let max = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= max)
}

/// Fields of earlier releases and common mistakes, whose place no distance of letters tells.
fn moved(path: &str, key: &str) -> Option<&'static str> {
    let parent = path.rsplit('.').next().unwrap_or_default();
    Some(match (parent, key) {
        ("sessionPersistence", "sessionName") => "the name of the cookie is cookie.name, that of a header header.name",
        ("sessionPersistence", "idleTimeout") => "idle timeouts were removed from the Gateway API in v1.6",
        (_, "serviceName") => "did you mean name?",
        (_, "servicePort") => "did you mean port?",
        _ => return None,
    })
}

/// The name nearest to `word`, if it is near enough to be meant.
pub(super) fn closest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let limit = (word.len() / 3).clamp(1, 3);
    names
        .map(|name| (distance(&word, &name.to_lowercase().chars().collect::<Vec<_>>()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in which two neighbours that have changed places count once.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_one_that_could_be_meant() {
        let names = ["hostnames", "rules", "parentRefs"];
        assert_eq!(closest("hostname", names.into_iter()), Some("hostnames"));
        assert_eq!(closest("ParentRef", names.into_iter()), Some("parentRefs"));
        assert_eq!(closest("ruels", names.into_iter()), Some("rules"));
        assert_eq!(closest("timeout", names.into_iter()), None);
    }

    #[test]
    fn a_host_is_found_in_what_people_write() {
        for written in ["http://shop.example.com/", "shop.example.com:8080", "shop.example.com.", " shop.example.com"] {
            assert_eq!(host(written), Some("shop.example.com"), "{written}");
        }
    }

    #[test]
    fn every_pattern_of_every_kind_compiles() {
        fn patterns(schema: &Json) {
            match schema {
                Json::Object(map) => {
                    if let Some(Json::String(pattern)) = map.get("pattern") {
                        Regex::new(pattern).unwrap();
                    }
                    map.values().for_each(patterns);
                }
                Json::Array(list) => list.iter().for_each(patterns),
                _ => {}
            }
        }
        for kind in Kind::ALL {
            patterns(crate::schema_for(*kind).as_value());
            assert!(!shape_of(*kind).properties.is_empty());
        }
    }
}
