//! Where a path's instructions go: callgrind's counts, gathered by what the code is for.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Counts;
use crate::run;

/// What a path's instructions are for. The first group with a word that is in the file's path or, for code of the standard library,
/// in the function's name has them.
const GROUPS: [(&str, &[&str]); 13] = [
    ("access log and metrics", &["/telemetry/", "proxy::telemetry", "prometheus"]),
    ("heads of HTTP/1: read, judged, written", &["/http1/", "proxy::http1", "httparse"]),
    ("HTTP/2: frames, HPACK, streams", &["/h2-", "/hyper-", "h2::", "hyper::"]),
    ("Kafka: frames, requests, records", &["proxy/src/kafka", "crates/kafka", "proxy::kafka", "kafka::"]),
    ("routes, filters, forwarding", &["crates/proxy", "crates/snapshot", "proxy::", "snapshot::"]),
    ("ciphers, digests, signatures (AWS-LC)", &["aws-lc", "aws_lc"]),
    ("TLS records and handshakes (rustls)", &["rustls"]),
    ("field names, values, maps, URIs (http)", &["/http-1", "/http-body", "http::", "http_body::"]),
    ("copies (memcpy, memset, memchr)", &["memmove", "memcpy", "memset", "memchr"]),
    ("buffers (bytes)", &["/bytes-", "bytes::"]),
    ("allocator", &["mimalloc", "mi_", "__rust_alloc", "malloc"]),
    ("tasks, timers, events, sockets (tokio)", &["/tokio-", "/mio-", "tokio::", "mio::", "/sysdeps/unix/", "socket2"]),
    ("clocks", &["clock_gettime", "vdso", "sys/pal/unix/time", "time.rs"]),
];
const REST: &str = "the rest";

/// Instructions by group, in a file of callgrind's. What a function calls counts for the function called.
fn read(file: &Path) -> Result<BTreeMap<&'static str, f64>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    Ok(groups(&text))
}

fn groups(text: &str) -> BTreeMap<&'static str, f64> {
    let (mut files, mut functions) = (HashMap::new(), HashMap::new());
    let (mut place, mut function) = ("", "");
    let mut called = false;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                "fl" | "fi" | "fe" => place = name(&mut files, value),
                "fn" => function = name(&mut functions, value),
                // Names are given once, also where they are of what is called.
                "cfi" | "cfl" => _ = name(&mut files, value),
                "cfn" => _ = name(&mut functions, value),
                "calls" => called = true,
                _ => {}
            }
            continue;
        }
        let mut words = line.split(' ');
        let is_cost = words.next().is_some_and(|at| at.starts_with(['+', '-', '*']) || at.parse::<u64>().is_ok());
        let Some(cost) = words.next().filter(|_| is_cost).and_then(|cost| cost.parse::<f64>().ok()) else { continue };
        // The line after `calls=` is what the call cost in all.
        if !std::mem::take(&mut called) {
            *found.entry(group(place, function)).or_default() += cost;
        }
    }
    found
}

/// `(12) name` the first time, then `(12)`.
fn name<'a>(names: &mut HashMap<&'a str, &'a str>, value: &'a str) -> &'a str {
    match value.split_once(' ') {
        Some((id, name)) => {
            names.insert(id, name);
            name
        }
        None => names.get(value).copied().unwrap_or_default(),
    }
}

fn group(place: &str, function: &str) -> &'static str {
    let of = |text: &str| {
        GROUPS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(name, _)| *name)
    };
    of(place).or_else(|| of(function)).unwrap_or(REST)
}

fn dump(path: &str) -> PathBuf {
    run::root().join("target/gate").join(format!("{}.callgrind", path.replace([' ', ','], "-")))
}

/// Keeps what was counted of a path.
pub(super) fn keep(path: &str, counted: &Path) -> Result<()> {
    let kept = dump(path);
    fs::create_dir_all(kept.parent().context("a folder")?)?;
    fs::copy(counted, kept)?;
    Ok(())
}

/// Writes the page of the documentation from the newest counts.
pub(super) fn write(counts: &Counts) -> Result<PathBuf> {
    let page = run::root().join("docs/operating/performance/profile.md");
    let http =
        ["http1 GET", "http1 GET, 64 KiB", "https http1 GET", "https http2 GET", "https connection with one GET"];
    let kafka = ["kafka produce 16 KiB", "kafka produce 16 KiB, mapping and ACLs"];
    let text = format!(
        "# Where the instructions go

Written by `cargo xtask bench gate --update`: instructions of the gateway in user mode, counted by valgrind's callgrind, by what the code is for. One worker, the access
log and metrics on, one request at a time. The kernel's part, which is more than half of the CPU time of most paths, is not in it; it is beside
the user's part in [results](results.md). `target/gate/*.callgrind` has the same function by function, for `callgrind_annotate` or KCachegrind.

A copy of more than some KiB counts its bytes, as the C library makes it with one repeated instruction of a byte each.
Requests that come alone wake a worker each; under load several are served in one turn, and what tokio needs for each is less.

## HTTP

{}
## Kafka

{}
What a gigabyte costs in system calls: [Kafka and TCP](profile-kafka.md).
",
        table(&http, counts)?,
        table(&kafka, counts)?
    );
    fs::write(&page, text)?;
    Ok(page)
}

fn table(paths: &[&str], counts: &Counts) -> Result<String> {
    let columns: Vec<_> = paths.iter().map(|path| read(&dump(path))).collect::<Result<_>>()?;
    let totals: Vec<f64> = columns.iter().map(|column| column.values().sum()).collect();
    let mut text = format!("| instructions | {} |\n| --- |{}\n", paths.join(" | "), " ---: |".repeat(paths.len()));
    let of_path = |at: usize| counts.get(paths[at]).copied().with_context(|| format!("{} was not counted", paths[at]));
    for name in GROUPS.iter().map(|(name, _)| *name).chain([REST]) {
        if columns.iter().all(|column| !column.contains_key(name)) {
            continue;
        }
        write!(text, "| {name} |")?;
        for (at, column) in columns.iter().enumerate() {
            let share = column.get(name).copied().unwrap_or_default() / totals[at];
            write!(text, " {:.0} ({:.0} %) |", share * of_path(at)?, share * 100.0)?;
        }
        text.push('\n');
    }
    write!(text, "| **all** |")?;
    for at in 0..paths.len() {
        write!(text, " **{:.0}** |", of_path(at)?)?;
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_belong_to_the_code_that_executes() {
        let dump = "fl=(1) crates/proxy/src/telemetry/line.rs\nfn=(1) proxy::telemetry::line::escape\n10 5\n+2 7\n\
                    cfi=(2) /x/h2-0.4.20/src/hpack/table.rs\ncfn=(2) h2::hpack::table\ncalls=3 10\n* 900\n\
                    fi=(3) /rustc/1/library/core/src/str.rs\n11 2\n\nfl=(2)\nfn=(2)\n1 30\ntotals: 44\n";
        let found = groups(dump);
        assert_eq!(found, BTreeMap::from([("HTTP/2: frames, HPACK, streams", 30.0), ("access log and metrics", 14.0)]));
    }
}
