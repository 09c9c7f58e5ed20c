//! JSON schemas of types as structural schemas of Kubernetes.

use serde_json::{Map, Value, json};

/// Constraints that mean the same in both.
const KEPT: &[&str] = &[
    "description",
    "enum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
    "pattern",
    "required",
];

/// The schema without references, with one type per field, and with Kubernetes' words for what has no other.
pub(super) fn convert(schema: &schemars::Schema) -> Value {
    let root = schema.as_value();
    convert_in(root, root)
}

fn convert_in(schema: &Value, root: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        let mut out = root.pointer(path.trim_start_matches('#')).map_or_else(|| json!({}), |to| convert_in(to, root));
        around(&mut out, schema);
        return out;
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let inner = any.iter().find(|inner| inner["type"] != "null").unwrap_or(schema);
        let mut out = convert_in(inner, root);
        around(&mut out, schema);
        return out;
    }
    let mut out = Map::new();
    for key in KEPT {
        if let Some(value) = schema.get(*key).filter(|value| value.as_array().is_none_or(|list| !list.is_empty())) {
            out.insert((*key).to_owned(), value.clone());
        }
    }
    if let Some(Value::Array(values)) = out.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    for bound in ["minimum", "maximum"] {
        if let Some(number) = schema[bound].as_f64() {
            // A bound of a whole number is written as one.
            out.insert(bound.to_owned(), schema[bound].as_i64().map_or_else(|| json!(number as i64), Value::from));
        }
    }
    types(schema, &mut out);
    let mut out = Value::Object(out);
    around(&mut out, schema);
    if let Some(properties) = schema["properties"].as_object() {
        let properties = properties.iter().map(|(name, inner)| (name.clone(), convert_in(inner, root))).collect();
        out["properties"] = Value::Object(properties);
    }
    if out["type"] == "object" && schema["additionalProperties"].is_object() {
        out["additionalProperties"] = convert_in(&schema["additionalProperties"], root);
    }
    if out["type"] == "array" && schema["items"].is_object() {
        out["items"] = convert_in(&schema["items"], root);
        if schema["uniqueItems"] == true {
            out["x-kubernetes-list-type"] = "set".into();
        }
    }
    out
}

fn types(schema: &Value, out: &mut Map<String, Value>) {
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    match names[..] {
        [name] => {
            out.insert("type".into(), name.into());
        }
        ["integer", "string"] => {
            out.insert("x-kubernetes-int-or-string".into(), true.into());
        }
        _ => {
            out.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
        }
    }
    if schema.get("x-untyped").is_some() {
        out.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    }
    let rule = |rule: &str, message: &str| json!([{ "rule": rule, "message": message }]);
    let mut add = |members: &[(&str, Value)]| {
        for (name, value) in members {
            out.entry(*name).or_insert_with(|| value.clone());
        }
    };
    match schema["format"].as_str() {
        Some("uint16" | "uint32" | "int32") => add(&[("format", "int32".into()), ("maximum", i32::MAX.into())]),
        Some("uint64" | "int64") => add(&[("format", "int64".into())]),
        Some("ip") => add(&[
            ("maxLength", 64.into()),
            ("x-kubernetes-validations", rule("isIP(self)", "must be an IPv4 or IPv6 address")),
        ]),
        Some("cidr") => {
            let message = "must be a network, such as 10.0.0.0/8";
            add(&[("maxLength", 64.into()), ("x-kubernetes-validations", rule("isCIDR(self)", message))])
        }
        Some(format @ ("byte" | "date-time")) => add(&[("format", format.into())]),
        _ => {}
    }
}

/// What a field says beside its type.
fn around(out: &mut Value, schema: &Value) {
    if let Some(description) = schema["description"].as_str() {
        out["description"] = plain(description).into();
    }
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if let Some(default) = schema.get("default").filter(|default| !is_empty(default)) {
        out["default"] = default.clone();
    }
    for key in ["maxItems", "minItems", "maxProperties", "minProperties"] {
        if let Some(value) = schema.get(key) {
            out[key] = value.clone();
        }
    }
}

/// Documentation of Rust as text.
fn plain(documentation: &str) -> String {
    let words: Vec<&str> = documentation.split_whitespace().collect();
    words.join(" ").replace("[`", "`").replace("`]", "`")
}
