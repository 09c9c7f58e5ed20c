//! `sluicegate check` and a real API server judge the same objects: those of the Gateway API's own repository, good and bad, the
//! examples, objects of our kinds with every field, and changes of one field of each of them.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use serde_json::{Value, json};
use testkit::{Cluster, paths, process, sluicegate};

const LIMIT: Duration = Duration::from_secs(120);
/// Changed objects of one good one at most.
const CHANGES: usize = 60;
/// Requests to the API server at a time.
const AT_A_TIME: usize = 8;

/// An object to be judged.
struct Case {
    /// Where it comes from and what was done to it.
    about: String,
    object: Value,
}

/// What both may see differently, by a part of what the one that refuses says, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("may not be in the loopback range", "a folder's endpoints may be on its own machine"),
    ("SG0303 spec.hostnames: required", "TLSRoutes of v1alpha2 needed none; they are read as v1 has them"),
    ("SG0308 spec.rules: expected at most 1 item", "the same"),
    ("KafkaHeaderPolicy: /spec/add", "headers are a map or a list, of which a CRD can say nothing more"),
    ("KafkaHeaderPolicy: /spec/set", "the same"),
    (
        "broker hostnames must be unique",
        "each of 1024 with each other is too dear for an API server; the route's status says it",
    ),
    ("the pattern gives this name to broker", "the same"),
];

#[test]
fn check_and_the_api_server_agree() -> Result<()> {
    let cluster = Cluster::start()?;
    for entry in sorted(&paths::repo().join("deploy/crds"))? {
        cluster.apply(&fs::read_to_string(entry)?)?;
    }
    let cases = cases()?;
    let served = by_the_api_server(&cluster, &cases)?;
    let checked = by_check(&cases)?;
    let (mut good, mut bad, mut foreign, mut differences) = (0, 0, 0, Vec::new());
    for ((case, theirs), ours) in cases.iter().zip(served).zip(checked) {
        match (theirs, ours) {
            (None, _) => foreign += 1,
            (Some(Ok(())), Ok(())) => good += 1,
            (Some(Err(_)), Err(_)) => bad += 1,
            (Some(Err(theirs)), Ok(())) => differences.push(format!("{}\n  only the API server: {theirs}", case.about)),
            (Some(Ok(())), Err(ours)) => differences.push(format!("{}\n  only check: {ours}", case.about)),
        }
    }
    let known = |text: &String| DIFFERENCES.iter().any(|(part, _)| text.contains(part));
    let (explained, differences): (Vec<_>, Vec<_>) = differences.into_iter().partition(known);
    for (part, why) in DIFFERENCES {
        ensure!(explained.iter().any(|text| text.contains(part)), "nobody differs in {part:?} any more: {why}");
    }
    println!(
        "{good} good and {bad} bad objects judged alike, {} differently for a known reason, {foreign} of versions that are not served",
        explained.len()
    );
    ensure!(differences.is_empty(), "{} judged differently:\n{}", differences.len(), differences.join("\n"));
    ensure!(good >= 100 && bad >= 100, "{good} good, {bad} bad");
    Ok(())
}

fn sorted(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    found.sort();
    Ok(found)
}

/// All YAML files in a folder and below.
fn files(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for path in sorted(dir).with_context(|| format!("{}", dir.display()))? {
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

/// Where Go keeps the module `sigs.k8s.io/gateway-api`.
fn upstream() -> Result<PathBuf> {
    let mut list = Command::new("go");
    list.args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"]);
    list.env("GOTOOLCHAIN", "auto").env("GOFLAGS", "-mod=readonly");
    list.current_dir(paths::repo().join("crates/testkit/cluster/conformance"));
    Ok(process::check(&list, LIMIT)?.trim().into())
}

fn cases() -> Result<Vec<Case>> {
    let (upstream, repo) = (upstream()?, paths::repo());
    let own = repo.join("crates/sluicegate/tests/verdicts");
    let mut cases = Vec::new();
    let mut found = Vec::new();
    for dir in [upstream.join("hack/invalid-examples"), upstream.join("examples"), repo.join("examples")] {
        files(&dir, &mut found)?;
    }
    found.push(own.join("good.yaml"));
    for path in found {
        let about = path.strip_prefix(&upstream).or(path.strip_prefix(&repo)).unwrap_or(&path).display().to_string();
        for object in objects(&fs::read_to_string(&path)?)? {
            let about = format!("{about}: {} {}", text(&object, "/kind"), text(&object, "/metadata/name"));
            cases.push(Case { about, object });
        }
    }
    let good: Vec<Value> = objects(&fs::read_to_string(own.join("good.yaml"))?)?;
    let bad: Vec<Value> = serde_saphyr::from_str(&fs::read_to_string(own.join("bad.yaml"))?)?;
    for change in bad {
        let mut object = good.iter().find(|object| object["kind"] == change["of"]).context("of what?")?.clone();
        let (what, path) = ["set", "add", "remove"]
            .iter()
            .find_map(|what| Some((*what, change[*what].as_str()?)))
            .context("a change without a verb")?;
        let to = change["to"].clone();
        match what {
            "add" => object.pointer_mut(path).and_then(Value::as_array_mut).context(path.to_owned())?.push(to),
            _ => put(&mut object, path, (what == "set").then_some(to)),
        }
        cases.push(Case { about: format!("bad.yaml: {change}"), object });
    }
    // One changed field each of the good ones; of upstream's and of the examples the largest of each kind.
    let mut largest: BTreeMap<String, &Value> = BTreeMap::new();
    for case in
        cases.iter().filter(|case| !case.about.contains("invalid-examples") && !case.about.starts_with("bad.yaml"))
    {
        let key = format!("{} {}", text(&case.object, "/apiVersion"), text(&case.object, "/kind"));
        let size = |object: &Value| object.to_string().len();
        let place = largest.entry(key).or_insert(&case.object);
        if size(&case.object) > size(place) {
            *place = &case.object;
        }
    }
    let core = ["v1 ", "apps/", "discovery."];
    let changed: Vec<Case> = largest
        .iter()
        .filter(|(key, _)| !core.iter().any(|it| key.starts_with(it)))
        .flat_map(|(_, object)| changes(object))
        .collect();
    cases.extend(changed);
    Ok(cases)
}

fn text<'a>(object: &'a Value, at: &str) -> &'a str {
    object.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn objects(yaml: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("YAML")?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// Sets a field, or takes it away.
fn put(object: &mut Value, path: &str, to: Option<Value>) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    match (object.pointer_mut(parent), to) {
        (Some(Value::Object(members)), Some(to)) => drop(members.insert(name.to_owned(), to)),
        (Some(Value::Object(members)), None) => drop(members.remove(name)),
        (Some(Value::Array(items)), to) => {
            let index: usize = name.parse().unwrap();
            items.remove(index);
            items.splice(index..index, to);
        }
        other => panic!("{path}: {other:?}"),
    }
}

/// Objects in which one field is another.
fn changes(object: &Value) -> Vec<Case> {
    let mut all = Vec::new();
    walk(object, "/spec", &mut |path, value| {
        let mut change = |to: Option<Value>| {
            let mut changed = object.clone();
            put(&mut changed, path, to.clone());
            let what = to.map_or_else(|| "is gone".to_owned(), |to| format!("is {}", short(&to)));
            let about = format!("{} {}: {path} {what}", text(object, "/apiVersion"), text(object, "/kind"));
            all.push(Case { about, object: changed });
        };
        change(None);
        match value {
            Value::String(_) => {
                for to in [
                    json!(""),
                    json!("a"),
                    json!("UPPER_case"),
                    json!("a".repeat(300)),
                    json!(7),
                    json!("*"),
                    json!("192.0.2.1"),
                ] {
                    change(Some(to));
                }
            }
            Value::Number(_) => {
                for to in [json!(0), json!(-1), json!(65536), json!(3_000_000_000_u64), json!("80"), json!(1.5)] {
                    change(Some(to));
                }
            }
            Value::Bool(_) => change(Some(json!("true"))),
            Value::Array(items) => {
                change(Some(json!([])));
                change(Some(json!({})));
                if let Some(first) = items.first() {
                    change(Some(json!([first, first])));
                    change(Some(Value::Array(vec![first.clone(); 300])));
                }
            }
            Value::Object(members) => {
                let mut more = members.clone();
                more.insert("unheardOf".into(), json!(1));
                change(Some(Value::Object(more)));
                change(Some(json!([])));
                change(Some(json!({})));
            }
            Value::Null => {}
        }
    });
    // The same share of all parts of the object.
    let step = all.len().div_ceil(CHANGES).max(1);
    all.into_iter().step_by(step).collect()
}

fn walk(object: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    let Some(value) = object.pointer(path) else { return };
    if path != "/spec" {
        visit(path, value);
    }
    match value {
        Value::Object(members) => members.keys().for_each(|key| {
            walk(object, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), visit);
        }),
        Value::Array(items) => (0..items.len()).for_each(|index| walk(object, &format!("{path}/{index}"), visit)),
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 100 {
        text
    } else {
        format!("{} … ({} bytes)", text.chars().take(80).collect::<String>(), text.len())
    }
}

type Verdict = Result<(), String>;

/// What the API server says to each; nothing if it knows no such version.
fn by_the_api_server(cluster: &Cluster, cases: &[Case]) -> Result<Vec<Option<Verdict>>> {
    let namespaces: BTreeSet<&str> = cases.iter().map(|case| text(&case.object, "/metadata/namespace")).collect();
    for name in namespaces.into_iter().filter(|name| !name.is_empty()) {
        cluster.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}"))?;
    }
    cluster.run(async |client| {
        let mut apis = BTreeMap::new();
        for case in cases {
            let key = (text(&case.object, "/apiVersion"), text(&case.object, "/kind"));
            if apis.contains_key(&key) {
                continue;
            }
            let (group, version) = key.0.split_once('/').unwrap_or(("", key.0));
            let found = discovery::pinned_kind(&client, &GroupVersionKind::gvk(group, version, key.1)).await;
            apis.insert(key, found.ok());
        }
        let params = PatchParams {
            dry_run: true,
            force: true,
            field_manager: Some("verdicts".to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let ask = async |case: &Case| -> Result<Option<Verdict>> {
            let object = &case.object;
            let key = (text(object, "/apiVersion"), text(object, "/kind"));
            let Some((resource, about)) = &apis[&key] else { return Ok(None) };
            let namespace =
                Some(text(object, "/metadata/namespace")).filter(|name| !name.is_empty()).unwrap_or("default");
            let api: Api<DynamicObject> = match about.scope {
                Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, resource),
                Scope::Cluster => Api::all_with(client.clone(), resource),
            };
            match api.patch(text(object, "/metadata/name"), &params, &Patch::Apply(object)).await {
                Ok(_) => Ok(Some(Ok(()))),
                Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                    Ok(Some(Err(status.message.clone())))
                }
                // What is no object for the serializer that server-side apply works with.
                Err(kube::Error::Api(status))
                    if status.message.contains("failed to") || status.message.contains("convert") =>
                {
                    Ok(Some(Err(status.message.clone())))
                }
                Err(error) => Err(error).context(case.about.clone()),
            }
        };
        stream::iter(cases).map(ask).buffered(AT_A_TIME).collect::<Vec<_>>().await.into_iter().collect()
    })
}

/// What `sluicegate check` says to each by itself: errors of structure and meaning (SG01.. to SG05..), not what it would say
/// because other objects are missing.
fn by_check(cases: &[Case]) -> Result<Vec<Verdict>> {
    let dir = paths::RunDir::new("verdicts")?;
    let file = |number: usize| format!("{number:05}.json");
    for (number, case) in cases.iter().enumerate() {
        // A folder holds each object once.
        let mut object = case.object.clone();
        let name = format!("{}-{number}", text(&object, "/metadata/name"));
        if object.pointer("/metadata/name").is_some() {
            object["metadata"]["name"] = name.into();
        }
        fs::write(dir.path().join(file(number)), object.to_string())?;
    }
    let mut check = Command::new(sluicegate::binary()?);
    check.args(["check", "--output", "json"]).arg(dir.path());
    let output = process::output(&check, LIMIT)?;
    let report: Value = serde_json::from_slice(&output.stdout).context("the report of check")?;
    let mut verdicts: Vec<Verdict> = vec![Ok(()); cases.len()];
    for problem in report["problems"].as_array().context("no list of problems")? {
        let code = text(problem, "/code");
        if problem["severity"] != "error" || code >= "SG06" {
            continue;
        }
        let name = Path::new(text(problem, "/file")).file_stem().and_then(|name| name.to_str());
        let number: usize = name.context("a problem without a file")?.parse()?;
        let said = format!("{code} {}: {}", text(problem, "/field"), text(problem, "/message"));
        verdicts[number] = Err(said);
    }
    Ok(verdicts)
}
