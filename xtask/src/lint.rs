//! What a reviewer should never have to say.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{r#gen, run};

/// A check by its name.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 5] = [
    ("rustfmt", || run::status(&mut run::cargo(&["fmt", "--all", "--check"]))),
    ("clippy", || {
        run::status(&mut run::cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    }),
    ("generated files", || r#gen::run(true)),
    ("forbidden words", words),
    ("links", links),
];

/// Runs every check, whatever the ones before it said.
pub(crate) fn run() -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        println!("lint: {name}");
        if let Err(e) = check() {
            eprintln!("lint: {name}: {e:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    println!("lint: all {} checks passed", CHECKS.len());
    Ok(())
}

/// The committed text files, relative to the root.
fn files() -> Result<Vec<PathBuf>> {
    let output =
        Command::new("git").args(["ls-files", "-z"]).current_dir(run::root()).output().context("git ls-files")?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .filter(|path| run::root().join(path).is_file())
        .collect())
}

/// What stands for unfinished work, or for one machine. Written in two halves, so that this file is not found.
fn forbidden() -> [String; 9] {
    [
        ("FIX", "ME"),
        ("XX", "X:"),
        ("todo", "!("),
        ("unimplemented", "!("),
        ("/work", "/main"),
        ("/work", "/shared"),
        ("../", "shared"),
        ("/ro", "ot/"),
        ("TO", "DO:"),
    ]
    .map(|(a, b)| format!("{a}{b}"))
}

fn words() -> Result<()> {
    let forbidden = forbidden();
    let mut found = String::new();
    for path in files()? {
        let Ok(text) = fs::read_to_string(run::root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = forbidden.iter().find(|word| line.contains(word.as_str())) {
                let _ = writeln!(found, "{}:{}: {word}", path.display(), number + 1);
            }
        }
    }
    if !found.is_empty() {
        bail!("\n{found}");
    }
    Ok(())
}

/// Relative links of Markdown files lead to files that are there, and their fragments to headings.
fn links() -> Result<()> {
    let mut broken = String::new();
    for path in files()?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(run::root().join(&path))?;
        for (number, link) in targets(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let to =
                if file.is_empty() { path.clone() } else { normal(&path.parent().unwrap_or(Path::new("")).join(file)) };
            let absolute = run::root().join(&to);
            let missing = !absolute.exists()
                || (!fragment.is_empty()
                    && absolute.is_file()
                    && !anchors(&fs::read_to_string(&absolute)?).contains(fragment));
            if missing {
                let _ = writeln!(broken, "{}:{number}: {link}", path.display());
            }
        }
    }
    if !broken.is_empty() {
        bail!("links to nothing:\n{broken}");
    }
    Ok(())
}

/// The line and target of each `[text](target)` outside code blocks.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code || line.starts_with("    ") {
            continue;
        }
        // Code within the line is no link: regular expressions look like some.
        let line: String = line.split('`').step_by(2).collect();
        for part in line.split("](").skip(1) {
            if let Some(target) = part.split(')').next() {
                found.push((number + 1, target.split(' ').next().unwrap_or_default().to_owned()));
            }
        }
    }
    found
}

/// The fragments that headings make, as code hosts do it.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &&str| line.starts_with('#');
    let mut anchors: BTreeSet<String> = text
        .lines()
        .filter(heading)
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter_map(
                    |c| if c == ' ' { Some('-') } else { (c.is_alphanumeric() || "-_".contains(c)).then_some(c) },
                )
                .collect()
        })
        .collect();
    anchors.extend(text.split("id=\"").skip(1).filter_map(|part| part.split('"').next()).map(str::to_owned));
    anchors
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
        normal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_outside_code() {
        let text = "[a](x.md) and [`b`](y.md#c) but not `[-a](z)`\n```\n[d](e)\n```\n";
        assert_eq!(targets(text), [(1, "x.md".to_owned()), (1, "y.md#c".to_owned())]);
        assert!(anchors("## A `b` c, d").contains("a-b-c-d"));
    }
}
