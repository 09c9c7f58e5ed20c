//! Golden cases: `tests/golden/<area>/<case>.in.yaml` is a folder of one file, `<case>.out.yaml` is what it comes to.
//!
//! `UPDATE_GOLDEN=1 cargo test -p translate --test golden` writes the latter; the difference is for eyes.
//!
//! Secrets hold no keys: the annotation `test/certificate: NAMES` has one made here, for names with commas between them;
//! `test/key: other` gives it the key of another certificate; `test/ca: made` gives a ConfigMap, Secret or ClusterTrustBundle
//! a CA. Lines such as `#: cluster` change the settings: `cluster`, `external-name`, `no-trust-bundles`, `controller=NAME`, `map=443:8443`,
//! `unacknowledged`, `refuse=Gateway NAMESPACE/NAME FIELD MESSAGE`, `broken-file KEY` (the object is only last good).

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use resources::{Key, Severity};
use serde_json::{Map, Value, json};
use snapshot::{Ack, Entity, EntityKey, ObjectName, Refusal};
use std::collections::BTreeSet;
use translate::{ControllerNames, LastGood, Output, Settings, Translator};

#[test]
fn golden_cases() {
    let cases = support::cases();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut failed = Vec::new();
    for case in &cases {
        let input = std::fs::read_to_string(case).unwrap();
        let result = match run(&input) {
            Ok(result) => result,
            Err(problems) => {
                failed.push(format!("{}\n{problems}", case.display()));
                continue;
            }
        };
        let output = case.with_file_name(case.file_name().unwrap().to_str().unwrap().replace(".in.yaml", ".out.yaml"));
        let known = std::fs::read_to_string(&output).unwrap_or_default();
        if result != known {
            if update {
                std::fs::write(&output, &result).unwrap();
            } else {
                failed.push(format!("{}\n{}", case.display(), first_difference(&known, &result)));
            }
        }
    }
    assert!(failed.is_empty(), "UPDATE_GOLDEN=1 writes what is:\n{}", failed.join("\n"));
}

fn first_difference(known: &str, found: &str) -> String {
    let (known, found): (Vec<_>, Vec<_>) = (known.lines().collect(), found.lines().collect());
    let at = (0..known.len().max(found.len())).find(|at| known.get(*at) != found.get(*at)).unwrap_or_default();
    let show = |lines: &[&str]| lines.get(at).copied().unwrap_or("(end)").to_owned();
    format!("  line {}\n  - {}\n  + {}", at + 1, show(&known), show(&found))
}

struct Case {
    settings: Settings,
    refusals: Vec<Refusal>,
    acknowledged: bool,
    trust_bundles: bool,
    broken: BTreeSet<String>,
}

fn directives(input: &str) -> Case {
    let mut case = Case {
        settings: Settings::default(),
        refusals: Vec::new(),
        acknowledged: true,
        trust_bundles: true,
        broken: BTreeSet::new(),
    };
    for line in input.lines().filter_map(|line| line.strip_prefix("#: ")) {
        let (word, rest) = line.split_once(['=', ' ']).unwrap_or((line, ""));
        match word {
            "cluster" => case.settings.standalone = false,
            "external-name" => case.settings.allow_external_name = true,
            "no-trust-bundles" => case.trust_bundles = false,
            "unacknowledged" => case.acknowledged = false,
            "controller" => case.settings.controller_names = ControllerNames::These([rest.to_owned()].into()),
            "map" => {
                let (from, to) = rest.split_once(':').unwrap();
                case.settings.port_map.insert(from.parse().unwrap(), to.parse().unwrap());
            }
            "broken-file" => {
                case.broken.insert(rest.to_owned());
            }
            "refuse" => {
                let mut words = rest.splitn(4, ' ');
                let kind = words.next().unwrap();
                let (namespace, name) = words.next().unwrap().split_once('/').unwrap();
                let name = ObjectName::new(namespace, name);
                let entity = match kind {
                    "Gateway" => EntityKey::Gateway(name),
                    "ListenerSet" => EntityKey::ListenerSet(name),
                    "Secret" => EntityKey::Certificate(name),
                    "KafkaRoute" => EntityKey::KafkaRoute(name),
                    other => panic!("{other}"),
                };
                let (field, message) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
                case.refusals.push(Refusal { entity, field, message });
            }
            other => panic!("unknown directive {other}"),
        }
    }
    case
}

/// The output; or, for an input that is not a valid folder, what is wrong with it.
fn run(input: &str) -> Result<String, String> {
    let case = directives(input);
    let loaded = resources::load([("in.yaml", input.as_bytes())]);
    let errors = loaded.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let errors: Vec<_> = errors.map(|problem| format!("  {problem}")).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let mut resources = loaded.resources;
    support::fill(&mut resources);
    let mut last_good = LastGood::default();
    let keys: Vec<Key> = resources.iter().map(|object| object.key()).collect();
    for key in keys.iter().filter(|key| case.broken.contains(&key.to_string())) {
        last_good.objects.upsert(resources.get_any(key).unwrap());
        resources.remove(key);
    }
    let mut translator = Translator::new(case.settings);
    translator.set_trust_bundles(case.trust_bundles);
    let mut output = translator.update(resources, &last_good);
    if case.acknowledged {
        let ack = Ack { revision: output.delta.revision, refusals: case.refusals };
        (output.statuses, output.findings) = translator.apply_ack(&ack);
    }
    Ok(show(&output))
}

fn show(output: &Output) -> String {
    let entities: Map<String, Value> =
        output.delta.upserts.iter().map(|entity| (entity.key().to_string(), show_entity(entity))).collect();
    let statuses: Map<String, Value> = output
        .statuses
        .iter()
        .map(|(key, status)| {
            let mut status = serde_json::to_value(status).unwrap();
            // The same for every class.
            status.as_object_mut().unwrap().remove("supportedFeatures");
            (key.to_string(), short_conditions(status))
        })
        .collect();
    let findings: Vec<String> = output
        .findings
        .iter()
        .map(|f| {
            let hint = if f.hint.is_empty() { String::new() } else { format!(" ({})", f.hint) };
            format!("{} {} {}: {}: {}{hint}", f.severity.as_str(), f.code, f.key, f.field_path, f.message)
        })
        .collect();
    let all = json!({ "entities": entities, "statuses": statuses, "findings": findings });
    let mut text = String::new();
    yaml(&all, 0, &mut text);
    text.trim_start().to_owned()
}

fn show_entity(entity: &Entity) -> Value {
    let Value::Object(tagged) = serde_json::to_value(entity).unwrap() else { panic!() };
    let mut value = tagged.into_iter().next().unwrap().1;
    redact(&mut value);
    value
}

/// Keys are never serialized; certificates differ from run to run. Names become a line, and what is absent is left out.
fn redact(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("-----BEGIN") => {
            *text = format!("<{} certificates>", text.matches("-----BEGIN CERTIFICATE").count());
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(map) => {
            if let Some(Value::Object(precedence)) = map.get("precedence") {
                let shown = precedence.iter().filter(|(key, _)| *key != "route").map(|(key, v)| format!("{key}={v}"));
                let line = shown.collect::<Vec<_>>().join(" ").replace('"', "").replace(&i64::MIN.to_string(), "none");
                map.insert("precedence".into(), line.into());
            }
            map.values_mut().for_each(redact);
            map.retain(|_, v| !v.is_null() && v.as_array().is_none_or(|items| !items.is_empty()));
            if let (2, Some(Value::String(namespace)), Some(Value::String(name))) =
                (map.len(), map.get("namespace"), map.get("name"))
            {
                *value = format!("{namespace}/{name}").into();
            }
        }
        _ => {}
    }
}

/// Conditions on a line each.
fn short_conditions(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(short_conditions).collect()),
        Value::Object(map) if map.contains_key("observedGeneration") => {
            let text = |key: &str| map[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{}={}/{} @{} {}",
                text("type"),
                text("status"),
                text("reason"),
                map["observedGeneration"],
                text("message")
            )
            .trim()
            .into()
        }
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, v)| (key, short_conditions(v))).collect()),
        other => other,
    }
}

/// Enough of YAML for these values: block style, texts quoted as JSON where they need be.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("\n{pad}{}:", scalar(key)));
                yaml(value, indent + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut nested = String::new();
                yaml(item, indent + 1, &mut nested);
                out.push_str(&format!("\n{pad}- {}", nested.trim_start()));
            }
        }
        Value::String(text) => out.push_str(&format!(" {}", scalar(text))),
        other => out.push_str(&format!(" {other}")),
    }
    if indent == 0 {
        out.push('\n');
    }
}

fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(text, "true" | "false" | "null")
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && text.chars().all(|c| !c.is_control() && c != '"');
    if plain { text.to_owned() } else { serde_json::to_string(text).unwrap() }
}
