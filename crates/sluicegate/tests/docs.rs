//! The documentation against the program: its YAML loads, its links lead somewhere, its codes and metrics exist.
#![allow(missing_docs, clippy::unwrap_used)]

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every page for users and contributors, relative to the root, with its text.
fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).to_vec();
    for folder in ["docs", "examples"] {
        collect(&root(), folder, &mut pages);
    }
    pages.sort();
    pages.into_iter().map(|page| (page.clone(), fs::read_to_string(root().join(&page)).unwrap())).collect()
}

fn collect(root: &Path, folder: &str, pages: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
        if root.join(&name).is_dir() {
            collect(root, &name, pages);
        } else if name.ends_with(".md") {
            pages.push(name);
        }
    }
}

/// The fenced blocks of YAML, each with the line in which it begins.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_start().starts_with("```") => blocks.extend(open.take()),
            Some((_, block)) => *block += &format!("{line}\n"),
            None if line.trim() == "```yaml" => open = Some((number + 1, String::new())),
            None => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The targets of links outside of code, without fragments; links to other hosts are left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if code || line.starts_with("    ") {
            continue;
        }
        // Code within the line is no link: regular expressions look like some.
        let line: String = line.split('`').step_by(2).collect();
        found.extend(line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '#']).next()).map(str::to_owned));
    }
    found.retain(|link: &String| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"));
    found
}

/// Where a link of a page leads.
fn target(page: &str, link: &str) -> PathBuf {
    root().join(page).parent().unwrap().join(link)
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_yaml_block_loads_without_an_error() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, text) in pages() {
        for (line, block) in blocks(&text) {
            count += 1;
            let loaded = resources::load([(format!("{page}:{line}"), block)]);
            let errors = loaded.problems.iter().filter(|problem| problem.severity == resources::Severity::Error);
            wrong.extend(errors.map(ToString::to_string));
            if loaded.resources.is_empty() {
                wrong.push(format!("{page}:{line}: no object in it"));
            }
        }
    }
    assert!(count >= 15, "only {count} blocks");
    assert_none(&wrong);
}

/// The names of the folders under `examples`.
fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).unwrap().map(Result::unwrap);
    let mut names: Vec<String> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[test]
fn every_page_of_a_kind_or_filter_has_an_example() {
    let wanted = |page: &str| page.starts_with("docs/reference/kinds/") || page.starts_with("docs/reference/filters/");
    let bare = |(page, text): &(String, String)| wanted(page) && blocks(text).is_empty() && !text.contains("examples/");
    let wrong: Vec<_> = pages().into_iter().filter(bare).map(|(page, _)| page).collect();
    assert_none(&wrong);
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        wrong.extend(
            links(&text)
                .into_iter()
                .filter(|link| !target(&page, link).exists())
                .map(|link| format!("{page}: {link} is not there")),
        );
    }
    assert_none(&wrong);
}

#[test]
fn every_page_is_linked_from_another() {
    let pages = pages();
    let linked: BTreeSet<PathBuf> = pages
        .iter()
        .flat_map(|(page, text)| links(text).into_iter().filter_map(|link| target(page, &link).canonicalize().ok()))
        .collect();
    let lost = |page: &&String| page.starts_with("docs/") && !linked.contains(&root().join(page));
    let wrong: Vec<_> = pages.iter().map(|(page, _)| page).filter(lost).cloned().collect();
    assert_none(&wrong);
}

#[test]
fn every_example_is_named_in_the_documentation() {
    let docs: String =
        pages().into_iter().filter(|(page, _)| page.starts_with("docs/")).map(|(_, text)| text).collect();
    let named =
        |name: &String| docs.contains(&format!("examples/{name}/")) || docs.contains(&format!("examples/{name})"));
    let wrong: Vec<_> = examples().into_iter().filter(|name| !named(name)).collect();
    assert_none(&wrong);
}

#[test]
fn every_code_that_is_named_exists() {
    let known: BTreeSet<&str> = sluicegate::report::all_codes().map(|(code, ..)| code).collect();
    let code = Regex::new(r"\bSG\d{4}\b").unwrap();
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        let unknown = code.find_iter(&text).filter(|found| !known.contains(found.as_str()));
        wrong.extend(unknown.map(|found| format!("{page}: {}", found.as_str())));
    }
    assert_none(&wrong);
    // `cargo xtask gen` describes them.
    let page = fs::read_to_string(root().join("docs/reference/check-codes.md")).unwrap();
    let missing: Vec<_> =
        known.iter().filter(|code| !page.contains(&format!("## {code}"))).map(|c| (*c).into()).collect();
    assert_none(&missing);
}

#[test]
fn every_metric_and_every_limit_is_described() {
    let source = |path: &str| fs::read_to_string(root().join("crates/proxy/src").join(path)).unwrap();
    let page = |path: &str| fs::read_to_string(root().join("docs/operating").join(path)).unwrap();
    let names = |pattern: &str, text: &str| -> Vec<String> {
        let names: Vec<_> = Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect();
        assert!(names.len() > 10, "{names:?}");
        names
    };
    let metrics = names(r#"Series::new\(\s*&mut r,\s*&\w+,\s*"(\w+)""#, &source("telemetry/metrics.rs"));
    let options = source("options.rs");
    let limits = names(r"(?m)^    pub (\w+):", options.split("pub struct Limits").nth(1).unwrap());
    let (admin, bounds) = (page("admin.md"), page("limits.md"));
    let missing = |names: Vec<String>, page: &str| -> Vec<String> {
        names
            .into_iter()
            .filter(|name| !page.contains(&format!("`{name}")) && !page.contains(&format!("_{name}")))
            .collect()
    };
    assert_none(&missing(metrics, &admin));
    assert_none(&missing(limits, &bounds));
}

#[test]
fn every_command_that_is_printed_is_one() {
    let tasks = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    // The generated page has synopses, with placeholders for values.
    for (page, text) in pages().into_iter().filter(|(page, _)| page != "docs/reference/cli.md") {
        for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
            let words = line.split("  ").next().unwrap().split('#').next().unwrap();
            if let Some(task) = words.strip_prefix("cargo xtask ") {
                count += 1;
                let verb = task.split_whitespace().next().unwrap();
                if !tasks.contains(&format!("[\"{verb}\"")) {
                    wrong.push(format!("{page}: {line}: no such task"));
                }
            }
            let Some(arguments) = words.strip_prefix("sluicegate ").or_else(|| words.split("-p sluicegate -- ").nth(1))
            else {
                continue;
            };
            count += 1;
            let arguments = arguments.replace("HOST:PORT", "localhost:9092").replace('\'', "");
            let words = ["sluicegate"].into_iter().chain(arguments.split_whitespace());
            if let Err(error) = <sluicegate::cli::Cli as clap::Parser>::try_parse_from(words) {
                wrong.push(format!("{page}: {line}: {error}"));
            }
        }
    }
    assert!(count > 20, "only {count} commands");
    assert_none(&wrong);
}

#[test]
fn prose_keeps_to_its_form() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        let generated = text.contains("Written by `cargo xtask gen`");
        let long = |line: &&str| line.chars().count() > 180 && !line.starts_with('|') && !generated;
        wrong.extend(text.lines().filter(long).map(|line| format!("{page}: longer than 180: {line}")));
        if page == "ARCHITECTURE.md" && text.lines().count() > 200 {
            wrong.push(format!("{page}: {} lines, at most 200", text.lines().count()));
        }
    }
    assert_none(&wrong);
}
