//! Writes the Kafka messages of `crates/kafka` from the definitions inside the `kafka-clients` jar.
//!
//! Only facts are taken over (names, types, versions, defaults); the definitions' sentences are not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::kafka_schema::{Field, Kind, Message, Range};

/// The jar whose definitions are generated from. Raise it, run `cargo xtask gen`, give new APIs a verdict in `ledger.rs`.
const VERSION: &str = "4.4.0";

/// Messages that are generated although they belong to no API of the broker listener.
const DATA: [&str; 2] = ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment"];

/// Generates everything about Kafka. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let messages = read_jar(&jar()?)?;
    let mut files = BTreeMap::new();
    let generated = Path::new("crates/kafka/src/messages/generated");
    let mut modules = Vec::new();
    for message in &messages {
        if wanted(message) {
            let module = snake(&message.name);
            files.insert(generated.join(format!("{module}.rs")), rust(message));
            modules.push((module, message.name.clone()));
        }
    }
    files.insert(generated.join("mod.rs"), modules_rs(&modules, &messages));
    files.insert(generated.join("apis.rs"), super::kafka_schema::apis_rs(&messages));
    let mut files = format(root, files)?;
    files.insert(
        PathBuf::from("crates/kafka/tests/schemas.json"),
        super::kafka_schema::schemas_json(&messages, wanted)?,
    );
    settle(root, generated, &files, check)?;
    let ledger = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "kafka", "--example", "ledger"])
        .current_dir(root)
        .output()?;
    ensure!(ledger.status.success(), "the ledger: {}", String::from_utf8_lossy(&ledger.stderr));
    let page = BTreeMap::from([(PathBuf::from("docs/reference/kafka-protocol.md"), String::from_utf8(ledger.stdout)?)]);
    settle(root, Path::new("docs/reference/none"), &page, check)
}

fn wanted(message: &Message) -> bool {
    (message.listeners.iter().any(|listener| listener == "broker") && message.valid.is_some())
        || DATA.contains(&message.name.as_str())
}

/// The jar, fetched once.
fn jar() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    let cache = Path::new(&home).join(".cache/sluicegate");
    let jar = cache.join(format!("kafka-clients-{VERSION}.jar"));
    if !jar.is_file() {
        let status = Command::new("mvn")
            .args(["-q", "-B", "dependency:copy"])
            .arg(format!("-Dartifact=org.apache.kafka:kafka-clients:{VERSION}"))
            .arg(format!("-DoutputDirectory={}", cache.display()))
            .current_dir(std::env::temp_dir())
            .status()
            .context("mvn (Debian: maven) fetches the Kafka definitions")?;
        ensure!(status.success() && jar.is_file(), "mvn did not fetch kafka-clients {VERSION}");
    }
    Ok(jar)
}

/// All messages of the jar, by API key, then requests before responses, then by name.
fn read_jar(jar: &Path) -> Result<Vec<Message>> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(jar)?)?;
    let names: Vec<String> = archive.file_names().map(String::from).collect();
    let mut messages = Vec::new();
    for name in names {
        if !name.starts_with("common/message/") || !name.ends_with(".json") {
            continue;
        }
        let mut text = String::new();
        archive.by_name(&name)?.read_to_string(&mut text)?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let json: Value = serde_json::from_str(&lines.join("\n")).with_context(|| name.clone())?;
        messages.push(Message::parse(&json).with_context(|| name.clone())?);
    }
    // A response's definition does not name the listeners, its request's does.
    let listeners: BTreeMap<i16, Vec<String>> = messages
        .iter()
        .filter(|message| message.kind == "request")
        .filter_map(|message| Some((message.key?, message.listeners.clone())))
        .collect();
    for message in &mut messages {
        if let Some(key) = message.key {
            message.listeners = listeners.get(&key).cloned().unwrap_or_default();
        }
    }
    messages.sort_by_key(|message| (message.key.unwrap_or(i16::MAX), message.kind.clone(), message.name.clone()));
    ensure!(messages.len() > 100, "the jar has {} definitions only", messages.len());
    Ok(messages)
}

/// Formats Rust sources as the workspace does.
pub(super) fn format(root: &Path, files: BTreeMap<PathBuf, String>) -> Result<BTreeMap<PathBuf, String>> {
    let work = root.join("target/gen-kafka");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    let place = |path: &Path| -> Result<PathBuf> { Ok(work.join(path.file_name().context("a file")?)) };
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--config-path"]).arg(root.join("rustfmt.toml"));
    for (path, text) in &files {
        std::fs::write(place(path)?, text)?;
        command.arg(place(path)?);
    }
    ensure!(command.status().context("rustfmt")?.success(), "rustfmt refused the generated code");
    files.into_keys().map(|path| Ok((path.clone(), std::fs::read_to_string(place(&path)?)?))).collect()
}

/// Writes what differs and removes what is no longer generated in `folder`; with `check`, tells instead.
pub(super) fn settle(root: &Path, folder: &Path, files: &BTreeMap<PathBuf, String>, check: bool) -> Result<()> {
    let mut different = Vec::new();
    for (path, text) in files {
        let place = root.join(path);
        if std::fs::read_to_string(&place).is_ok_and(|committed| committed == *text) {
            continue;
        }
        different.push(path.clone());
        if !check {
            std::fs::create_dir_all(place.parent().context("a folder")?)?;
            std::fs::write(place, text)?;
        }
    }
    for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten() {
        let path = folder.join(entry?.file_name());
        if !files.contains_key(&path) {
            if !check {
                std::fs::remove_file(root.join(&path))?;
            }
            different.push(path);
        }
    }
    if check && !different.is_empty() {
        bail!("not as `cargo xtask gen` writes them: {different:?}");
    }
    Ok(())
}

fn modules_rs(modules: &[(String, String)], messages: &[Message]) -> String {
    let mut out = header();
    out += "//! One module for each message.\n\npub mod apis;\n";
    for (module, _) in modules {
        let _ = writeln!(out, "pub mod {module};");
    }
    for (module, name) in modules {
        let _ = writeln!(out, "pub use {module}::{name};");
    }
    out += "\n/// Hands every API with its request and response to the macro `$with`.\n#[macro_export]\nmacro_rules! each_api {\n($with:ident) => { $with! {\n";
    for message in messages.iter().filter(|message| message.kind == "request" && wanted(message)) {
        let api = message.name.trim_end_matches("Request");
        let _ = writeln!(out, "({api}, {api}Request, {api}Response)");
    }
    out += "} };\n}\npub use each_api;\n";
    out
}

pub(super) fn header() -> String {
    format!("// Written by `cargo xtask gen` from kafka-clients {VERSION}: change the generator, not this file.\n\n")
}

/// One message's structures and their codecs.
fn rust(message: &Message) -> String {
    let mut out = header();
    let _ = writeln!(
        out,
        "//! `{}`, versions {}.\n\n#![allow(clippy::all, unused_variables, unused_imports)]\n\nuse bytes::Bytes;\n\n\
         use crate::error::{{DecodeError, EncodeError}};\nuse crate::messages::{{ApiKey, Body, Message, Request}};\n\
         use crate::read::Reader;\nuse crate::types::{{Str, UnknownTags, Uuid}};\nuse crate::write::{{TagFields, Writer, required}};\n",
        message.name,
        message.valid().text()
    );
    structure(&mut out, message, &message.name, &message.fields, message.valid(), true);
    let _ = writeln!(
        out,
        "impl Body for {0} {{ const NAME: &'static str = \"{0}\"; const MIN: i16 = {1}; const MAX: i16 = {2}; }}",
        message.name,
        message.valid().low,
        message.valid().high
    );
    if message.kind == "request" {
        let api = message.name.trim_end_matches("Request");
        let _ = writeln!(
            out,
            "impl Request for {0} {{ const KEY: ApiKey = ApiKey::{api}; type Response = super::{api}Response; }}",
            message.name
        );
    }
    out
}

/// Where the structures that `fields` use are defined: at the field, or once for the whole message.
fn structure(out: &mut String, message: &Message, name: &str, fields: &[Field], within: Range, top: bool) {
    let flexible = message.flexible;
    let flex = match flexible {
        Some(from) if from.low <= within.low => "true".to_owned(),
        Some(from) if from.low <= within.high => "flex".to_owned(),
        _ => "false".to_owned(),
    };
    let has_tags = flex != "false";
    let let_flex = match flexible {
        Some(from) if flex == "flex" => format!("let flex = version >= {};\n", from.low),
        _ => String::new(),
    };
    // Fields of versions that are gone are not there.
    let fields: Vec<(&Field, Range)> =
        fields.iter().filter_map(|field| Some((field, field.versions.intersect(within)?))).collect();
    let trivial = fields.iter().all(|(field, range)| default(field, *range).is_none());
    let _ = writeln!(
        out,
        "/// {}\n#[derive(Clone, Debug, PartialEq{})]\npub struct {name} {{",
        if top { format!("The message `{name}`.") } else { format!("A part of `{}`.", message.name) },
        if trivial { ", Default" } else { "" }
    );
    for (field, range) in &fields {
        let tag = field.tag.map(|tag| format!(", tag {tag}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "/// `{}`: {}, versions {}{tag}.\npub {}: {},",
            field.name,
            field.type_name,
            range.text(),
            field.rust_name(),
            rust_type(field, *range)
        );
    }
    if has_tags {
        *out += "/// Tagged fields this definition does not know, kept as they came.\npub unknown_tags: UnknownTags,\n";
    }
    *out += "}\n\n";
    if !trivial {
        let _ = writeln!(out, "impl Default for {name} {{ fn default() -> Self {{ Self {{");
        for (field, range) in &fields {
            let value = default(field, *range).unwrap_or_else(|| "Default::default()".into());
            let _ = writeln!(out, "{}: {value},", field.rust_name());
        }
        if has_tags {
            *out += "unknown_tags: UnknownTags::default(),\n";
        }
        *out += "} } }\n\n";
    }
    let _ = writeln!(
        out,
        "impl Message for {name} {{\nfn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError> {{\n{let_flex}let mut m = Self::default();"
    );
    let plain = || fields.iter().filter(|(field, _)| field.tag.is_none());
    let tagged = || fields.iter().filter(|(field, _)| field.tag.is_some());
    for (field, range) in plain() {
        let read = format!("m.{} = {};", field.rust_name(), read(message, field, *range, &flex));
        out.push_str(&when(&range.condition(within), &read));
    }
    if has_tags {
        let mut arms = String::new();
        for (field, range) in tagged() {
            let guard = range.condition(within).map(|condition| format!(" if {condition}")).unwrap_or_default();
            let _ = writeln!(
                arms,
                "{}{guard} => m.{} = {},",
                field.tag.unwrap_or_default(),
                field.rust_name(),
                read(message, field, *range, &flex)
            );
        }
        let closure = if arms.is_empty() {
            "|_, _| Ok(false)".to_owned()
        } else {
            format!("|tag, r| {{ match tag {{ {arms} _ => return Ok(false) }} Ok(true) }}")
        };
        let line = format!("m.unknown_tags = r.tags({closure})?;");
        out.push_str(&when(&(flex != "true").then(|| flex.clone()), &line));
    }
    *out += "Ok(m)\n}\n\nfn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError> {\n";
    *out += &let_flex;
    for (field, range) in plain() {
        out.push_str(&when(&range.condition(within), &write(field, *range, &flex)));
    }
    if has_tags {
        let mut lines = String::new();
        if tagged().next().is_some() {
            lines += "let mut known = TagFields::default();\n";
            for (field, range) in tagged() {
                let set = is_set(field, *range);
                let condition =
                    range.condition(within).map_or_else(|| set.clone(), |condition| format!("{condition} && {set}"));
                let _ = writeln!(
                    lines,
                    "if {condition} {{ known.add({}, |w| {{ {} Ok(()) }})?; }}",
                    field.tag.unwrap_or_default(),
                    write(field, *range, &flex)
                );
            }
            lines += "w.tags(known, &self.unknown_tags)?;";
        } else {
            lines += "w.tags(TagFields::default(), &self.unknown_tags)?;";
        }
        out.push_str(&when(&(flex != "true").then(|| flex.clone()), &lines));
    }
    *out += "Ok(())\n}\n}\n\n";
    for (field, range) in &fields {
        if let Some(inner) = field.own_fields() {
            structure(out, message, field.element(), inner, *range, false);
        }
    }
    if top {
        for (name, versions, fields) in &message.common {
            if let Some(range) = versions.intersect(within) {
                structure(out, message, name, fields, range, false);
            }
        }
    }
}

fn when(condition: &Option<String>, code: &str) -> String {
    match condition {
        Some(condition) => format!("if {condition} {{ {code} }}\n"),
        None => format!("{code}\n"),
    }
}

fn rust_type(field: &Field, range: Range) -> String {
    let kind = match field.kind() {
        Kind::Array(element) => format!("Vec<{}>", scalar(&element)),
        kind => scalar(&kind),
    };
    if field.nullable_in(range).is_some() { format!("Option<{kind}>") } else { kind }
}

fn scalar(kind: &Kind) -> String {
    match kind {
        Kind::Fixed(rust, ..) => (*rust).into(),
        Kind::Str => "Str".into(),
        Kind::Bytes => "Bytes".into(),
        Kind::Struct(name) => name.clone(),
        Kind::Array(_) => unreachable!("no arrays of arrays"),
    }
}

/// The default as an expression, where it is not the type's own.
fn default(field: &Field, range: Range) -> Option<String> {
    let text = field.default.as_deref();
    if field.nullable_in(range).is_some() {
        return match text {
            Some("null") => None,
            _ => Some("Some(Default::default())".into()),
        };
    }
    match (field.kind(), text) {
        (Kind::Fixed("bool", ..), Some("true")) => Some("true".into()),
        (Kind::Fixed("bool", ..), _) | (_, None | Some("" | "0")) => None,
        (Kind::Fixed("i32", ..), Some("-2147483648")) => Some("i32::MIN".into()),
        (Kind::Fixed("i32", ..), Some("0x7fffffff")) => Some("i32::MAX".into()),
        (Kind::Fixed("i64", ..), Some("9223372036854775807")) => Some("i64::MAX".into()),
        (Kind::Fixed(..), Some(number)) => Some(number.into()),
        (_, Some(_)) => None,
    }
}

/// Whether a tagged field differs from its default: only then is it written.
fn is_set(field: &Field, range: Range) -> String {
    let name = field.rust_name();
    match (default(field, range), field.kind()) {
        (Some(value), _) => format!("self.{name} != {value}"),
        (None, _) if field.nullable_in(range).is_some() => format!("self.{name}.is_some()"),
        (None, Kind::Array(_) | Kind::Str | Kind::Bytes) => format!("!self.{name}.is_empty()"),
        (None, kind) => format!("self.{name} != {}::default()", scalar(&kind)),
    }
}

fn read(message: &Message, field: &Field, range: Range, flex: &str) -> String {
    let min = |kind: &Kind| message.least(kind, field, range);
    let of = |optional: bool| {
        let opt = if optional { "_opt" } else { "" };
        match field.kind() {
            Kind::Fixed(_, method, _) => format!("r.{method}()?"),
            Kind::Str => format!("r.string{opt}({flex})?"),
            Kind::Bytes => format!("r.bytes{opt}({flex})?"),
            Kind::Struct(name) if optional => format!("r.struct_opt(|r| {name}::decode(version, r))?"),
            Kind::Struct(name) => format!("{name}::decode(version, r)?"),
            Kind::Array(element) => {
                let least = min(&element);
                let one = match *element {
                    Kind::Fixed(_, method, _) => format!("Reader::{method}"),
                    Kind::Str => format!("|r| r.string({flex})"),
                    Kind::Bytes => format!("|r| r.bytes({flex})"),
                    Kind::Struct(name) => format!("|r| {name}::decode(version, r)"),
                    Kind::Array(_) => unreachable!("no arrays of arrays"),
                };
                format!("r.array{opt}({flex}, {least}, {one})?")
            }
        }
    };
    match field.nullable_in(range) {
        None => of(false),
        Some(nullable) => match nullable.condition(range) {
            None => of(true),
            Some(condition) => format!("if {condition} {{ {} }} else {{ Some({}) }}", of(true), of(false)),
        },
    }
}

fn write(field: &Field, range: Range, flex: &str) -> String {
    let name = field.rust_name();
    let of = |optional: bool, value: &str| {
        let opt = if optional { "_opt" } else { "" };
        match field.kind() {
            Kind::Fixed(_, method, _) => format!("w.{method}({value});"),
            Kind::Str => format!("w.string{opt}({flex}, {value})?;"),
            Kind::Bytes => format!("w.bytes{opt}({flex}, {value})?;"),
            Kind::Struct(_) if optional => format!("w.struct_opt({value}, |w, x| x.encode(version, w))?;"),
            Kind::Struct(_) => format!("{value}.encode(version, w)?;").replacen('&', "", 1),
            Kind::Array(element) => {
                let one = match *element {
                    Kind::Fixed(_, method, _) => format!("|w, x| {{ w.{method}(*x); Ok(()) }}"),
                    Kind::Str => format!("|w, x| w.string({flex}, x)"),
                    Kind::Bytes => format!("|w, x| w.bytes({flex}, x)"),
                    Kind::Struct(_) => "|w, x| x.encode(version, w)".into(),
                    Kind::Array(_) => unreachable!("no arrays of arrays"),
                };
                format!("w.array{opt}({flex}, {value}, {one})?;")
            }
        }
    };
    let plain = if matches!(field.kind(), Kind::Fixed(..)) { format!("self.{name}") } else { format!("&self.{name}") };
    match field.nullable_in(range) {
        None => of(false, &plain),
        Some(nullable) => {
            let optional = of(true, &format!("self.{name}.as_ref()"));
            match nullable.condition(range) {
                None => optional,
                Some(condition) => {
                    let required = of(false, &format!("required(self.{name}.as_ref())?"));
                    format!("if {condition} {{ {optional} }} else {{ {required} }}")
                }
            }
        }
    }
}

/// `TopicData` → `topic_data`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let border = before.is_some_and(|before| {
            before.is_lowercase() || before.is_ascii_digit() || after.is_some_and(|after| after.is_lowercase())
        });
        if letter.is_uppercase() && border {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    match out.as_str() {
        "type" | "match" | "ref" | "move" | "static" => out + "_",
        _ => out,
    }
}
