//! The Kafka definitions as values, and the tables that come out of them.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::kafka::{header, snake};

/// Versions `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: i16,
    pub(super) high: i16,
}

impl Range {
    /// `3`, `3-12`, `3+`; `none` is `None`.
    fn parse(text: &str) -> Result<Option<Self>> {
        let number = |text: &str| text.trim().parse::<i16>().with_context(|| format!("versions {text:?}"));
        Ok(match (text, text.strip_suffix('+'), text.split_once('-')) {
            ("none", ..) => None,
            (_, Some(low), _) => Some(Self { low: number(low)?, high: i16::MAX }),
            (_, _, Some((low, high))) => Some(Self { low: number(low)?, high: number(high)? }),
            _ => Some(Self { low: number(text)?, high: number(text)? }),
        })
    }

    pub(super) fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    /// What tells these versions among those of `within`; nothing if all are.
    pub(super) fn condition(self, within: Self) -> Option<String> {
        let low = (self.low > within.low).then(|| format!("version >= {}", self.low));
        let high = (self.high < within.high).then(|| format!("version <= {}", self.high));
        match (low, high) {
            (Some(_), Some(_)) if self.low == self.high => Some(format!("version == {}", self.low)),
            (Some(low), Some(high)) => Some(format!("{low} && {high}")),
            (low, high) => low.or(high),
        }
    }

    pub(super) fn text(self) -> String {
        if self.low == self.high { self.low.to_string() } else { format!("{}-{}", self.low, self.high) }
    }
}

pub(super) struct Message {
    pub(super) key: Option<i16>,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) listeners: Vec<String>,
    pub(super) unstable: bool,
    pub(super) valid: Option<Range>,
    pub(super) flexible: Option<Range>,
    pub(super) fields: Vec<Field>,
    pub(super) common: Vec<(String, Range, Vec<Field>)>,
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) versions: Range,
    pub(super) nullable: Option<Range>,
    pub(super) tag: Option<u32>,
    pub(super) default: Option<String>,
    entity: Option<String>,
    fields: Vec<Field>,
}

/// A field's type: for a fixed one its Rust name, the codec's method and its size.
pub(super) enum Kind {
    Fixed(&'static str, &'static str, usize),
    Str,
    Bytes,
    Struct(String),
    Array(Box<Kind>),
}

fn text<'a>(json: &'a Value, name: &str) -> Result<&'a str> {
    json.get(name).and_then(Value::as_str).with_context(|| format!("{name} is missing"))
}

fn fields(json: &Value) -> Result<Vec<Field>> {
    json.get("fields").and_then(Value::as_array).into_iter().flatten().map(Field::parse).collect()
}

impl Message {
    pub(super) fn parse(json: &Value) -> Result<Self> {
        let list = |name: &str| json.get(name).and_then(Value::as_array).into_iter().flatten();
        let common = list("commonStructs").map(|part| {
            let versions = Range::parse(text(part, "versions")?)?.context("a structure without versions")?;
            Ok((text(part, "name")?.to_owned(), versions, fields(part)?))
        });
        Ok(Self {
            key: json.get("apiKey").and_then(Value::as_i64).map(i16::try_from).transpose()?,
            kind: text(json, "type")?.into(),
            name: text(json, "name")?.into(),
            listeners: list("listeners").filter_map(Value::as_str).map(String::from).collect(),
            unstable: json.get("latestVersionUnstable").and_then(Value::as_bool).unwrap_or(false),
            valid: Range::parse(text(json, "validVersions")?)?,
            flexible: Range::parse(text(json, "flexibleVersions").unwrap_or("none"))?,
            fields: fields(json)?,
            common: common.collect::<Result<_>>()?,
        })
    }

    pub(super) fn valid(&self) -> Range {
        self.valid.unwrap_or(Range { low: 0, high: 0 })
    }

    /// The least number of bytes that a value of `kind`, an element of `field`, takes in any version of `range`.
    pub(super) fn least(&self, kind: &Kind, field: &Field, range: Range) -> usize {
        let compact = self.flexible.is_some_and(|flexible| flexible.intersect(range).is_some());
        let always = self.flexible.is_some_and(|flexible| flexible.low <= range.low);
        match kind {
            Kind::Fixed(_, _, size) => *size,
            Kind::Str => {
                if compact {
                    1
                } else {
                    2
                }
            }
            Kind::Bytes | Kind::Array(_) => {
                if compact {
                    1
                } else {
                    4
                }
            }
            Kind::Struct(name) => {
                let common = self.common.iter().find(|(common, ..)| common == name).map(|(_, _, fields)| fields);
                let fields = field.own_fields().or(common.map(Vec::as_slice)).unwrap_or_default();
                let always_there = fields.iter().filter(|inner| {
                    inner.tag.is_none() && inner.versions.low <= range.low && inner.versions.high >= range.high
                });
                let sum: usize = always_there
                    .map(|inner| if inner.nullable.is_some() { 1 } else { self.least(&inner.kind(), inner, range) })
                    .sum();
                (sum + usize::from(always)).max(1)
            }
        }
    }
}

impl Field {
    fn parse(json: &Value) -> Result<Self> {
        let range = |name: &str| text(json, name).ok().map_or(Ok(None), Range::parse);
        let versions = range("taggedVersions")?.or(range("versions")?).context("a field without versions")?;
        Ok(Self {
            name: text(json, "name")?.into(),
            type_name: text(json, "type")?.into(),
            versions,
            nullable: range("nullableVersions")?,
            tag: json.get("tag").and_then(Value::as_u64).map(u32::try_from).transpose()?,
            default: json.get("default").map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)),
            entity: json.get("entityType").and_then(Value::as_str).map(String::from),
            fields: fields(json)?,
        })
    }

    pub(super) fn rust_name(&self) -> String {
        snake(&self.name)
    }

    /// The type's name, or that of an array's elements.
    pub(super) fn element(&self) -> &str {
        self.type_name.trim_start_matches("[]")
    }

    pub(super) fn own_fields(&self) -> Option<&[Field]> {
        (!self.fields.is_empty()).then_some(&self.fields)
    }

    pub(super) fn nullable_in(&self, range: Range) -> Option<Range> {
        self.nullable?.intersect(range)
    }

    pub(super) fn kind(&self) -> Kind {
        let one = match self.element() {
            "bool" => Kind::Fixed("bool", "bool", 1),
            "int8" => Kind::Fixed("i8", "i8", 1),
            "int16" => Kind::Fixed("i16", "i16", 2),
            "uint16" => Kind::Fixed("u16", "u16", 2),
            "int32" => Kind::Fixed("i32", "i32", 4),
            "int64" => Kind::Fixed("i64", "i64", 8),
            "float64" => Kind::Fixed("f64", "f64", 8),
            "uuid" => Kind::Fixed("Uuid", "uuid", 16),
            "string" => Kind::Str,
            "bytes" | "records" => Kind::Bytes,
            name => Kind::Struct(name.into()),
        };
        if self.type_name.starts_with("[]") { Kind::Array(Box::new(one)) } else { one }
    }
}

/// The enumeration of API keys and the table of what each is.
pub(super) fn apis_rs(messages: &[Message]) -> String {
    let mut out = header();
    out += "//! Every API of the definitions.\n\nuse crate::api::{ApiInfo, Carries};\n\n";
    out += "/// The APIs of Kafka, by their names in the protocol.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(i16)]\npub enum ApiKey {\n";
    let requests = || messages.iter().filter(|message| message.kind == "request");
    let api = |message: &Message| message.name.trim_end_matches("Request").to_owned();
    for message in requests() {
        let _ = writeln!(out, "/// `{0}`.\n{0} = {1},", api(message), message.key.unwrap_or_default());
    }
    out += "}\n\n/// What each API is, at the place of its key.\npub static APIS: &[ApiInfo] = &[\n";
    for message in requests() {
        let response = messages.iter().find(|other| other.kind == "response" && other.key == message.key);
        let range = message.valid.map_or("None".into(), |valid| format!("Some(({}, {}))", valid.low, valid.high));
        let flexible = message.flexible.map_or("None".into(), |flexible| format!("Some({})", flexible.low));
        let listens = |name: &str| message.listeners.iter().any(|listener| listener == name);
        let _ = writeln!(
            out,
            "ApiInfo {{ key: ApiKey::{0}, name: \"{0}\", versions: {range}, flexible: {flexible}, unstable_latest: {1}, \
             broker: {2}, controller: {3}, request: {4}, response: {5} }},",
            api(message),
            message.unstable,
            listens("broker"),
            listens("controller"),
            carries(message),
            response.map_or("Carries(0)".into(), carries),
        );
    }
    out += "];\n";
    out
}

/// What a gateway must look at, as an expression. The definitions' `entityType` says it, where they have one; names do otherwise.
fn carries(message: &Message) -> String {
    fn walk(fields: &[Field], found: &mut Vec<&'static str>) {
        for field in fields {
            let name = field.name.as_str();
            let string = field.element() == "string";
            let kind = match field.entity.as_deref() {
                Some("topicName") => Some("TOPIC"),
                Some("groupId") => Some("GROUP"),
                Some("transactionalId") => Some("TRANSACTIONAL_ID"),
                _ if string && matches!(name, "Topic" | "TopicName" | "TopicNames") => Some("TOPIC"),
                _ if string && name.ends_with("TopicRegex") => Some("TOPIC"),
                _ if field.element() == "uuid" && matches!(name, "TopicId" | "TopicIds") => Some("TOPIC_ID"),
                _ if string && matches!(name, "GroupId" | "GroupIds") => Some("GROUP"),
                _ if string && matches!(name, "ResourceName" | "ResourceNameFilter") => Some("RESOURCE"),
                _ if string && name == "Host" => Some("ADDRESS"),
                _ if string && name == "ClusterId" => Some("CLUSTER_ID"),
                _ if field.element() == "records" => Some("RECORDS"),
                _ => None,
            };
            found.extend(kind);
            walk(&field.fields, found);
        }
    }
    let mut found = Vec::new();
    walk(&message.fields, &mut found);
    for (_, _, fields) in &message.common {
        walk(fields, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return "Carries(0)".into();
    }
    let parts: Vec<String> = found.iter().map(|name| format!("Carries::{name}.0")).collect();
    format!("Carries({})", parts.join(" | "))
}

/// The definitions that are generated, as the tests read them: an encoder of its own makes messages from them.
pub(super) fn schemas_json(messages: &[Message], wanted: impl Fn(&Message) -> bool) -> Result<String> {
    fn range(range: Option<Range>) -> Value {
        range.map_or(Value::Null, |range| json!([range.low, range.high]))
    }
    fn list(fields: &[Field]) -> Vec<Value> {
        let one = |field: &Field| {
            json!({"name": field.name, "type": field.type_name, "versions": range(Some(field.versions)),
                   "nullable": range(field.nullable), "tag": field.tag, "fields": list(&field.fields)})
        };
        fields.iter().map(one).collect()
    }
    let mut lines = Vec::new();
    for message in messages.iter().filter(|message| wanted(message)) {
        let common: Vec<Value> = message
            .common
            .iter()
            .map(|(name, versions, fields)| json!({"name": name, "versions": range(Some(*versions)), "fields": list(fields)}))
            .collect();
        lines.push(serde_json::to_string(&json!({
            "key": message.key, "type": message.kind, "name": message.name, "valid": range(message.valid),
            "flexible": range(message.flexible), "fields": list(&message.fields), "common": common,
        }))?);
    }
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}
