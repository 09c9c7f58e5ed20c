//! The loader on whole files: every manifest of `tests/data` against the problems and objects written beside it
//! (`REFRESH_GOLDEN=1` rewrites them), and what must hold for any input.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use resources::gateway_api::{FromNamespaces, PathMatchType, TlsMode};
use resources::{Code, Gateway, HttpRoute, KafkaRoute, Key, Kind, Loaded, Position, Secret, Severity, load};
use std::fmt::Write;
use std::path::Path;

fn load_text(text: &str) -> Loaded {
    load([("a.yaml", text)])
}

#[test]
fn manifests_have_the_problems_and_objects_written_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let loaded = load([(name.as_str(), std::fs::read(&path).unwrap())]);
        let mut found = String::new();
        loaded.problems.iter().for_each(|problem| writeln!(found, "{problem}").unwrap());
        loaded.resources.iter().for_each(|object| writeln!(found, "loaded {}", object.key()).unwrap());
        let golden = path.with_extension("problems.txt");
        if std::env::var_os("REFRESH_GOLDEN").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&golden).unwrap(), "{name}");
        count += 1;
    }
    assert!(count >= 7, "{count} manifests");
}

#[test]
fn defaults_are_those_of_an_api_server() {
    let loaded = load_text(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: c
  listeners: [{name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: empty, creationTimestamp: null}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, generation: 7, creationTimestamp: '2026-01-31T12:00:00Z'}
status: {parents: [anything]}
spec:
  parentRefs: [{name: g}]
  rules: [{backendRefs: [{name: s, port: 80}]}, {matches: [{headers: [{name: a, value: b}]}]}]
---
apiVersion: sluicegate.dev/v1alpha1
kind: KafkaRoute
metadata: {name: k, namespace: other}
spec: {hostname: k, backendRefs: [{name: s, port: 9092}]}
",
    );
    assert_eq!(loaded.problems, []);
    let gateway = loaded.resources.get::<Gateway>("default", "g").unwrap();
    let listener = &gateway.spec.listeners[0];
    assert_eq!(listener.allowed_routes.namespaces.from, FromNamespaces::Same);
    let tls = listener.tls.as_ref().unwrap();
    assert_eq!((tls.mode, tls.certificate_refs[0].kind.as_str()), (TlsMode::Terminate, "Secret"));
    let empty = loaded.resources.get::<HttpRoute>("default", "empty").unwrap();
    assert_eq!(empty.spec.rules[0].matches[0].path.value, "/");
    assert_eq!((empty.meta.generation, empty.meta.creation_timestamp), (1, None));
    let route = loaded.resources.get::<HttpRoute>("default", "r").unwrap();
    assert_eq!((route.meta.generation, route.meta.creation_timestamp.is_some()), (7, true));
    assert_eq!(route.spec.parent_refs[0].kind, "Gateway");
    let backend = &route.spec.rules[0].backend_refs[0].backend;
    assert_eq!((backend.weight, backend.object.kind.as_str(), backend.object.group.as_str()), (1, "Service", ""));
    assert_eq!(route.spec.rules[1].matches[0].path.match_type, PathMatchType::PathPrefix);
    let kafka = loaded.resources.get::<KafkaRoute>("other", "k").unwrap();
    assert_eq!(kafka.spec.broker_mapping.hostname, "broker-{brokerId}-{hostname}");
    assert_eq!((kafka.group(), kafka.key().to_string().as_str()), ("sluicegate.dev", "KafkaRoute other/k"));
}

#[test]
fn the_first_in_path_order_serves_and_both_places_are_named() {
    let map = |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{k: {value}}}\n");
    let loaded = load([("b.yaml", map("two")), ("a.yaml", map("one")), ("c/d.yaml", format!("---\n{}", map("3")))]);
    let first = loaded.resources.config_maps.values().next().unwrap();
    assert_eq!(first.spec.get("k"), Some(b"one".as_slice()));
    let places: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(places[0].starts_with("b.yaml:1:1: error SG0205: ConfigMap default/c: already defined at a.yaml:1:1"));
    assert!(places.iter().any(|place| place.starts_with("c/d.yaml:2:1: error SG0205")), "{places:?}");
}

#[test]
fn fields_have_their_places() {
    let loaded = load_text(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: r\nspec:\n  rules:\n  - backendRefs:\n    - name: s\n      port: 80\n",
    );
    let route = loaded.resources.get::<HttpRoute>("default", "r").unwrap();
    let place = |field: &str| route.source.position(field);
    assert_eq!(place("spec.rules[0].backendRefs[0].port"), Position { line: 9, column: 7 });
    assert_eq!(place("spec.rules[0].backendRefs[0].namespace"), Position { line: 8, column: 7 });
    assert_eq!(place("spec.rules[3].name"), Position { line: 6, column: 3 });
    assert_eq!(place("nothing"), Position { line: 1, column: 1 });
}

#[test]
fn json_and_lists_are_read() {
    let loaded = load([
        ("a.json", r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"a": "b"}}}"#),
        (
            "b.json",
            r#"{
	"apiVersion": "v1", "kind": "List",
	"items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, {"apiVersion": "v1", "kind": "List", "items": []}]
}"#,
        ),
    ]);
    assert_eq!(loaded.problems, []);
    assert!(loaded.resources.get_any(&Key::new(Kind::Namespace, "ignored", "n")).is_some());
    assert!(loaded.resources.get_any(&Key::new(Kind::ConfigMap, "default", "c")).is_some());
}

#[test]
fn values_of_secrets_come_into_no_message_and_no_dump() {
    let text = include_str!("data/secrets.yaml");
    let loaded = load_text(text);
    assert_eq!(loaded.problems.iter().filter(|problem| problem.severity == Severity::Error).count(), 5);
    let secret = loaded.resources.get::<Secret>("default", "good").unwrap();
    assert_eq!(secret.spec.data["tls.key"].expose(), b"hunter2-key");
    assert_eq!(secret.spec.data["tls.crt"].expose(), b"hello");
    let dump = serde_json::to_string(&loaded.resources).unwrap();
    let all = format!("{loaded:?} {dump} {}", serde_json::to_string(&loaded.problems).unwrap());
    // 190247 stands for a number that a Secret must not show either; aGVsbG8 is the base64 of the certificate.
    for value in ["hunter2", "aGVsbG8", "190247"] {
        assert!(!all.contains(value), "{value}");
    }
}

#[test]
fn a_bomb_of_aliases_and_deep_nesting_are_refused() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for pair in ('a'..='h').collect::<Vec<_>>().windows(2) {
        let (from, to) = (pair[0], pair[1]);
        writeln!(bomb, "{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from}]").unwrap();
    }
    for text in [bomb, "[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
        let loaded =
            load([("a.yaml", format!("{text}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n}}\n"))]);
        assert_eq!(loaded.problems.len(), 1);
        assert!(matches!(loaded.problems[0].code, Code::TooLarge | Code::Syntax), "{:?}", loaded.problems);
        assert_eq!(loaded.resources.len(), 1, "the next document is read");
    }
}

#[test]
fn bytes_that_are_no_text_harm_their_document_only() {
    let mut bytes = b"a: \xff\xfe\n---\n".to_vec();
    bytes.extend_from_slice(b"apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n");
    let loaded = load([("a.yaml", bytes)]);
    assert_eq!(loaded.problems[0].code, Code::NotText);
    assert_eq!(loaded.resources.len(), 1);
}

const SEEDS: [&str; 4] = [
    include_str!("data/faults.yaml"),
    include_str!("data/kafkaroute.yaml"),
    include_str!("data/secrets.yaml"),
    include_str!("data/foreign.yaml"),
];

/// A change of some bytes of a manifest.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "---\n",
        "...\n",
        "*a",
        "&a ",
        "<<: *a",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "|",
        ">",
        "!!binary ",
        "!t ",
        "null",
        "~",
        "\t",
        "\r",
        "1e999",
        "0x",
        "99999999999999999999",
        "- ",
        ": ",
        "? ",
        "#",
        "\u{feff}",
        "é",
        "spec:",
        "items:",
        "%",
    ]);
    let change = (any::<prop::sample::Index>(), 0usize..12, pieces);
    (0..SEEDS.len(), prop::collection::vec(change, 1..8)).prop_map(|(seed, changes)| {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, removed, piece) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        bytes
    })
}

fn never_leaks_or_panics(bytes: &[u8]) {
    let loaded = load([("a.yaml", bytes)]);
    let lines = bytes.split(|b| *b == b'\n').count() as u32;
    for problem in &loaded.problems {
        assert!(problem.line >= 1 && problem.column >= 1, "{problem}");
        assert!(problem.line <= lines + 1 || bytes.contains(&b'\r'), "{problem} of {lines} lines");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_manifests_never_panic(bytes in mutated()) {
        never_leaks_or_panics(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        never_leaks_or_panics(&bytes);
    }
}
