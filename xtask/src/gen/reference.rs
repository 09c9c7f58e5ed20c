//! Writes the reference pages that come from the sources: the fields of every kind, the codes of `check`, the command line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use resources::{Kind, schema_for};
use serde_json::Value;

use super::kafka::settle;
use crate::run::{cargo, root};

const FIELDS: &str = "docs/reference/fields";

/// Generates the pages. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> Result<()> {
    let fields = Path::new(FIELDS);
    let mut pages = BTreeMap::from([(fields.join("README.md"), index())]);
    for kind in written() {
        pages.insert(fields.join(file(kind)), page(kind));
    }
    settle(&root(), fields, &pages, check)?;
    let mut pages = BTreeMap::new();
    for (part, path) in [("codes", "docs/reference/check-codes.md"), ("cli", "docs/reference/cli.md")] {
        let output = cargo(&["run", "--quiet", "--package", "sluicegate", "--example", "reference", part]).output()?;
        ensure!(output.status.success(), "the page of {part}: {}", String::from_utf8_lossy(&output.stderr));
        pages.insert(PathBuf::from(path), String::from_utf8(output.stdout)?);
    }
    settle(&root(), Path::new("docs/reference/none"), &pages, check)
}

/// The kinds whose fields are typed.
fn written() -> impl Iterator<Item = Kind> {
    let untyped = [Kind::EnvoyProxy, Kind::SecurityPolicy, Kind::ClientTrafficPolicy];
    Kind::ALL.iter().copied().filter(move |kind| !untyped.contains(kind))
}

fn file(kind: Kind) -> String {
    format!("{}.md", kind.as_str().to_lowercase())
}

/// Where people read about the kind, if there is a page.
fn prose(kind: Kind) -> Option<String> {
    let name = match kind {
        Kind::Service
        | Kind::EndpointSlice
        | Kind::Secret
        | Kind::ConfigMap
        | Kind::ClusterTrustBundle
        | Kind::Namespace => "kubernetes.md".into(),
        Kind::KafkaHeaderPolicy => "not-served.md".into(),
        Kind::XBackend | Kind::XBackendTrafficPolicy | Kind::XTelemetryPolicy => "experimental.md".into(),
        _ => file(kind),
    };
    let path = format!("docs/reference/kinds/{name}");
    root().join(path).is_file().then(|| format!("../kinds/{name}"))
}

fn versions(kind: Kind) -> String {
    let versions: Vec<String> = kind.api_versions().iter().map(|version| format!("`{version}`")).collect();
    versions.join(", ")
}

fn index() -> String {
    let mut out = "# Fields of every kind\n\nWritten by `cargo xtask gen` from the types. A field that is not listed is an error, \
                   as with `kubectl` in strict mode.\n\n| kind | `apiVersion` | read about it |\n| --- | --- | --- |\n"
        .to_owned();
    for kind in written() {
        let about = prose(kind).map(|to| format!("[page]({to})")).unwrap_or_default();
        let _ = writeln!(out, "| [{kind}]({}) | {} | {about} |", file(kind), versions(kind));
    }
    out
}

fn page(kind: Kind) -> String {
    let schema = schema_for(kind);
    let scope = if kind.is_namespaced() { "namespaced" } else { "cluster-scoped" };
    let mut out =
        format!("# {kind}: fields\n\nWritten by `cargo xtask gen` from the types. {}; {scope}.", versions(kind));
    if let Some(to) = prose(kind) {
        let what = if to.ends_with("not-served.md") { "Not served yet" } else { "How it works" };
        let _ = write!(out, " [{what}]({to}).");
    }
    out +=
        "\n\n`metadata` is that of every Kubernetes object; `name` is required. A missing namespace is `default`.\n\n";
    out += "| field | type | required | default | constraints | meaning |\n| --- | --- | --- | --- | --- | --- |\n";
    let schema = schema.as_value();
    let walk = Walk { root: schema };
    let prefix = if kind.has_spec() { "spec" } else { "" };
    if kind.has_spec() {
        walk.row(&mut out, "spec", schema, "yes");
    }
    walk.children(&mut out, prefix, schema, &mut Vec::new());
    out
}

/// A walk over one kind's schema.
struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    /// The schema that counts: behind a reference, or what an optional field has if it is there.
    fn behind(&self, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        if let Some(path) = schema["$ref"].as_str() {
            return (self.root.pointer(path.trim_start_matches('#')).unwrap_or(schema), Some(path));
        }
        let inner = schema["anyOf"].as_array().and_then(|any| any.iter().find(|inner| inner["type"] != "null"));
        inner.map_or((schema, None), |inner| self.behind(inner))
    }

    /// Every field below `schema`, whose own path is `path`; `within` are the types around it.
    fn children(&self, out: &mut String, path: &str, schema: &'a Value, within: &mut Vec<&'a str>) {
        let (inner, name) = self.behind(schema);
        if name.is_some_and(|name| within.contains(&name)) {
            return;
        }
        within.extend(name);
        let required = |name: &str| inner["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        for (name, property) in inner["properties"].as_object().into_iter().flatten() {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.row(out, &below, property, if required(name) { "yes" } else { "" });
            self.children(out, &below, property, within);
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
            if inner[key].is_object() {
                self.children(out, &format!("{path}{suffix}"), &inner[key], within);
            }
        }
        if name.is_some() {
            within.pop();
        }
    }

    fn row(&self, out: &mut String, path: &str, schema: &'a Value, required: &str) {
        let (inner, _) = self.behind(schema);
        let default = match &schema["default"] {
            Value::Null => String::new(),
            Value::Array(all) if all.is_empty() => String::new(),
            value => code(value),
        };
        let meaning = text(schema["description"].as_str().or(inner["description"].as_str()).unwrap_or_default());
        let constraints = self.constraints(inner).join("; ");
        let kind = self.kind(inner);
        let _ = writeln!(out, "| `{path}` | {kind} | {required} | {default} | {constraints} | {meaning} |");
    }

    fn kind(&self, schema: &'a Value) -> String {
        let (inner, _) = self.behind(schema);
        let of = |key: &str, what: &str| inner[key].is_object().then(|| format!("{what} {}", self.kind(&inner[key])));
        let both: Vec<String> =
            [of("items", "list of"), of("additionalProperties", "map to")].into_iter().flatten().collect();
        if !both.is_empty() {
            return both.join(", or ");
        }
        let word = |kind: &str| if kind == "integer" { "number" } else { kind }.to_owned();
        match &inner["type"] {
            Value::String(kind) => word(kind),
            Value::Array(kinds) => {
                let kinds: Vec<String> =
                    kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").map(word).collect();
                kinds.join(" or ")
            }
            _ => "any".into(),
        }
    }

    /// What the value must be like, then what each item of a list must be like.
    fn constraints(&self, schema: &'a Value) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<String> = words.iter().filter(|word| !word.is_null()).map(code).collect();
            found.push(words.join(", "));
        }
        for (low, high, unit) in [
            ("minimum", "maximum", ""),
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " items"),
            ("minProperties", "maxProperties", " entries"),
        ] {
            let low = schema[low].as_f64().filter(|low| unit.is_empty() || *low > 0.0);
            match (low, schema[high].as_f64()) {
                (Some(low), Some(high)) => found.push(format!("{low} to {high}{unit}")),
                (Some(low), None) => found.push(format!("at least {low}{unit}")),
                (None, Some(high)) => found.push(format!("at most {high}{unit}")),
                (None, None) => {}
            }
        }
        if schema["uniqueItems"] == true {
            found.push("no item twice".into());
        }
        match schema["format"].as_str() {
            Some("byte") => found.push("base64".into()),
            Some("ip") => found.push("an IPv4 or IPv6 address".into()),
            Some("cidr") => found.push("a network, such as `10.0.0.0/8`".into()),
            _ => {}
        }
        if let Some(pattern) = schema["pattern"].as_str() {
            found.push(literal(pattern));
        }
        if schema.get("x-untyped").is_some() {
            found.push("any content".into());
        }
        if let Some(names) = schema["x-ignored"].as_array() {
            let names: Vec<String> = names.iter().map(code).collect();
            found.push(format!("accepted and dropped: {}", names.join(", ")));
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                let each = self.constraints(self.behind(&schema[key]).0);
                found.extend((!each.is_empty()).then(|| format!("each: {}", each.join("; "))));
            }
        }
        found
    }
}

/// A value as it is written in a manifest.
fn code(value: &Value) -> String {
    literal(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Text as code, inside of a table. A backtick inside asks for a longer fence.
fn literal(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let text = if text.is_empty() { "\"\"" } else { text };
    format!("{fence}{}{fence}", text.replace('|', "\\|"))
}

/// Rust documentation as one line of a table: no line ends, no links into the code.
fn text(documentation: &str) -> String {
    let words: Vec<&str> = documentation.split_whitespace().collect();
    words.join(" ").replace("[`", "`").replace("`]", "`").replace('|', "\\|").replace('<', "&lt;")
}
