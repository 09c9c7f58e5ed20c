//! The ledger: what `check` says of every manifest under `tests/manifests`, as printed and as corrected, line by line.
//!
//! `UPDATE_GOLDEN=1 cargo test -p sluicegate --test manifests` rewrites the ledgers; the review reads the difference.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use common::{Folder, manifests};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use testkit::sluicegate;

/// Files of `set` without the ones named in `without`; corrected ones in place of the printed ones if `corrected`.
fn files(set: &str, corrected: bool, without: &[&str]) -> Result<Vec<String>> {
    let mut names = fs::read_dir(manifests(set))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<String>>>()?;
    names.sort_unstable();
    let all = names.clone();
    names.retain(|name| {
        let Some(printed) = name.strip_suffix(".fixed.yaml") else {
            let fixed = name.replace(".yaml", ".fixed.yaml");
            return name.ends_with(".yaml")
                && !(corrected && all.contains(&fixed))
                && !without.iter().any(|prefix| name.starts_with(prefix));
        };
        corrected && !without.iter().any(|prefix| printed.starts_with(prefix))
    });
    Ok(names)
}

fn conditions(line: &mut String, conditions: &Value) {
    for condition in conditions.as_array().into_iter().flatten() {
        let (kind, status, reason) = (&condition["type"], &condition["status"], &condition["reason"]);
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let _ = match (text(kind), text(status), text(reason)) {
            (kind, status, reason) if kind == reason => write!(line, " {kind}={status}"),
            (kind, status, reason) => write!(line, " {kind}={status}/{reason}"),
        };
    }
}

fn ledger(set: &str, files: &[String], secrets: &[(&str, &str, &[&str])]) -> Result<String> {
    let folder = Folder::new("ledger")?;
    for file in files {
        folder.copy(set, file)?;
    }
    for (namespace, name, names) in secrets {
        folder.secret(namespace, name, names)?;
    }
    let (code, output) = sluicegate::check(&[folder.path()])?;
    let report: Value = serde_json::from_str(&output).context("check -o json")?;
    let mut text = format!("# {}\nexit {code}\n\n", files.join(" "));
    for problem in report["problems"].as_array().into_iter().flatten() {
        let word = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        // That nobody listens behind the Services is the tests' doing.
        if word("code") == "SG0618" {
            continue;
        }
        let file = word("file").rsplit('/').next().unwrap_or_default().to_owned();
        writeln!(
            text,
            "{file}:{}:{} {} {} {}: {}",
            problem["line"],
            problem["column"],
            word("severity"),
            word("code"),
            word("field"),
            word("message")
        )?;
    }
    let mut text = text.replace(&format!("{}/", folder.path().display()), "");
    text.push('\n');
    for object in report["objects"].as_array().into_iter().flatten() {
        let status = &object["status"];
        let name = [&object["kind"], &object["namespace"], &object["name"]]
            .map(|part| part.as_str().unwrap_or_default())
            .join(" ");
        let name = name.replace("  ", " ");
        if status.is_null() {
            continue;
        }
        let mut line = name.clone();
        conditions(&mut line, &status["conditions"]);
        if !status["conditions"].is_null() {
            writeln!(text, "{line}")?;
        }
        for listener in status["listeners"].as_array().into_iter().flatten() {
            let kinds: Vec<_> = listener["supportedKinds"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|kind| kind["kind"].as_str())
                .collect();
            let mut line = format!(
                "{name}: listener {} [{}] n={}",
                listener["name"].as_str().unwrap_or_default(),
                kinds.join(","),
                listener["attachedRoutes"]
            );
            conditions(&mut line, &listener["conditions"]);
            writeln!(text, "{line}")?;
        }
        for parent in status["parents"].as_array().into_iter().flatten() {
            let section =
                parent["parentRef"]["sectionName"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
            let mut line =
                format!("{name}: parent {}{section}", parent["parentRef"]["name"].as_str().unwrap_or_default());
            conditions(&mut line, &parent["conditions"]);
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

fn assert_ledger(name: &str, set: &str, files: &[String], secrets: &[(&str, &str, &[&str])]) -> Result<()> {
    let found = ledger(set, files, secrets)?;
    let path = manifests("ledger").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(manifests("ledger"))?;
        fs::write(&path, &found)?;
    }
    let expected = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    assert!(found == expected, "{name}: check says\n{found}\nthe ledger says\n{expected}");
    Ok(())
}

const KAFKA_TLS: (&str, &str, &[&str]) = ("default", "gateway-kafka-tls", &["*.kafka-apis.acme.com"]);

#[test]
fn kafkaroute_in_each_of_its_stages() -> Result<()> {
    let stages = ["04-", "05-", "06-", "07-"];
    for stage in stages {
        for corrected in [false, true] {
            let without: Vec<&str> = stages.into_iter().filter(|other| *other != stage).collect();
            let files = files("000-kafkaroute", corrected, &without)?;
            let variant = if corrected { "corrected" } else { "printed" };
            assert_ledger(&format!("kafkaroute-{stage}{variant}"), "000-kafkaroute", &files, &[KAFKA_TLS])?;
        }
    }
    // All four stages of one object at once: both positions are named, the first in path order serves.
    assert_ledger("kafkaroute-all-stages", "000-kafkaroute", &files("000-kafkaroute", true, &[])?, &[KAFKA_TLS])?;
    // Without the certificate.
    assert_ledger("kafkaroute-no-secret", "000-kafkaroute", &files("000-kafkaroute", true, &stages[1..])?, &[])
}

#[test]
fn one_tlsroute_per_broker() -> Result<()> {
    for (variant, corrected) in [("printed", false), ("corrected", true)] {
        assert_ledger(&format!("tlsroutes-{variant}"), "001-strimzi", &files("001-strimzi", corrected, &[])?, &[])?;
    }
    Ok(())
}

#[test]
fn a_tour_of_the_gateway_api() -> Result<()> {
    let secrets: [(&str, &str, &[&str]); 2] = [
        ("envoy-gateway", "app-tls", &["*.romaglushko.com", "*.romanglushko.com"]),
        ("demo-app", "demo-app-cert", &["demo.romaglushko.com"]),
    ];
    for (variant, corrected) in [("printed", false), ("corrected", true)] {
        let set = "004-gateway-api";
        assert_ledger(&format!("tour-{variant}"), set, &files(set, corrected, &["23-"])?, &secrets)?;
        // A policy for every route of the Gateway that is not served must not leave them open.
        assert_ledger(&format!("tour-with-policy-{variant}"), set, &files(set, corrected, &[])?, &secrets)?;
    }
    Ok(())
}
