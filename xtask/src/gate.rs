//! `cargo xtask bench gate`: instructions of the hot paths, beside those in `xtask/instructions.json`.
//!
//! The release binary runs under valgrind with one worker, its access log and metrics on. A client of our own sends
//! requests one after another, and the instructions of `n` requests are the difference between two counts: neither the
//! start, nor other processes, nor the clock are in it. A path that costs more than [`LIMIT`] above the file fails;
//! whoever means it commits the new file with the change (`cargo xtask bench gate --update`). `SLUICEGATE_BIN` names another
//! binary to count. What was counted is left, function by function, in `target/gate`, for kcachegrind or callgrind_annotate.

mod broker;
mod client;
mod count;
mod paths;
mod profile;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::run;

/// How much a path may grow, as a fraction.
const LIMIT: f64 = 0.03;
/// What the last of many routes may cost, as a multiple of the only one.
const MANY: f64 = 1.05;

/// Instructions by path.
type Counts = BTreeMap<String, f64>;

/// Measures, prints, and compares with the file or writes it.
///
/// # Errors
/// When a path has grown by more than 3 %, is not in the file, or cannot be measured.
pub(crate) fn run(update: bool) -> Result<()> {
    let counts = measure()?;
    let file = baseline();
    if update {
        let paths: serde_json::Map<_, _> =
            counts.iter().map(|(path, count)| (path.clone(), json!(count.round()))).collect();
        let text = serde_json::to_string_pretty(&json!({ "compiler": compiler()?, "instructions": paths }))?;
        fs::write(&file, text + "\n")?;
        println!("{} and {} written", file.display(), profile::write(&counts)?.display());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    compare(&counts, &serde_json::from_str(&text)?, &compiler()?)
}

fn baseline() -> PathBuf {
    run::root().join("xtask/instructions.json")
}

fn measure() -> Result<Counts> {
    testkit::apt::install("/usr/bin/valgrind", "valgrind")?;
    let binary = |package: &str, kind: &str, name: &str| -> Result<PathBuf> {
        run::status(&mut run::cargo(&["build", "--quiet", "--release", "-p", package, kind, name]))?;
        let folder = if kind == "--example" { "target/release/examples" } else { "target/release" };
        Ok(run::root().join(folder).join(name))
    };
    let gateway = match std::env::var_os("SLUICEGATE_BIN") {
        Some(path) => path.into(),
        None => binary("sluicegate", "--bin", "sluicegate")?,
    };
    let mut counts = paths::gateway(&gateway)?;
    counts.extend(paths::translation(&binary("translate", "--example", "one_of_many")?)?);
    Ok(counts)
}

/// As `rustc --version` says.
fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("--version").current_dir(run::root()).output().context("rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn compare(counts: &Counts, baseline: &Value, compiler: &str) -> Result<()> {
    let mut faults = Vec::new();
    println!("{:<44} {:>12} {:>12} {:>8}", "instructions", "now", "file", "");
    for (path, count) in counts {
        let Some(expected) = baseline["instructions"][path].as_f64().filter(|expected| *expected > 0.0) else {
            println!("{path:<44} {count:>12.0} {:>12}", "-");
            faults.push(format!("{path} is not in the file"));
            continue;
        };
        let change = count / expected - 1.0;
        println!("{path:<44} {count:>12.0} {expected:>12.0} {:>+7.2} %", change * 100.0);
        if change > LIMIT {
            faults.push(format!("{path} has grown by {:.1} %", change * 100.0));
        } else if change < -LIMIT {
            println!("{:<44} below the file: --update keeps what has been won", "");
        }
    }
    for (path, _) in baseline["instructions"].as_object().into_iter().flatten() {
        if !counts.contains_key(path) {
            faults.push(format!("{path} is in the file and was not measured"));
        }
    }
    if let (Some(one), Some(last)) = (counts.get(paths::ONE_ROUTE), counts.get(paths::LAST_ROUTE)) {
        println!("last of {} routes / one route: {:.3}", world::ROUTES, last / one);
        if last / one > MANY {
            faults.push(format!("the last of {} routes costs {:.2} times one route", world::ROUTES, last / one));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let file = baseline["compiler"].as_str().unwrap_or_default();
    if file != compiler {
        println!("the file is of {file}; this is {compiler}, which may be the reason");
    }
    bail!(
        "{}\nif it is meant: cargo xtask bench gate --update, and commit xtask/instructions.json with the change",
        faults.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(counts: &[(&str, f64)]) -> Result<()> {
        let baseline = json!({ "compiler": "c", "instructions": { "a": 1000.0, "b": 2000.0 } });
        compare(&counts.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect(), &baseline, "c")
    }

    #[test]
    fn growth_and_gaps_fail() {
        assert!(with(&[("a", 1029.0), ("b", 1500.0)]).is_ok());
        for wrong in [&[("a", 1031.0), ("b", 2000.0)][..], &[("a", 1000.0)], &[("a", 1.0), ("b", 1.0), ("c", 1.0)]] {
            assert!(with(wrong).is_err(), "{wrong:?}");
        }
        let routes =
            |last| BTreeMap::from([(paths::ONE_ROUTE.to_owned(), 100.0), (paths::LAST_ROUTE.to_owned(), last)]);
        let baseline = json!({ "instructions": { paths::ONE_ROUTE: 100.0, paths::LAST_ROUTE: 110.0 } });
        assert!(compare(&routes(104.0), &baseline, "c").is_ok());
        assert!(compare(&routes(106.0), &baseline, "c").is_err());
    }
}
