//! Fuzzing on stable Rust: libFuzzer, with the coverage counters asked of LLVM directly.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// Every target in `fuzz/fuzz_targets`.
pub(crate) const TARGETS: [&str; 7] =
    ["ext_authz", "http1", "kafka_decode", "kafka_session", "route_match", "sni", "yaml_load"];

const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

fn dir() -> PathBuf {
    run::root().join("fuzz")
}

fn host() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The command that builds all targets. `--target` keeps the flags away from build scripts and procedural macros.
pub(crate) fn build() -> Command {
    let mut cargo = run::cargo(&["build", "--target", &host(), "--bins"]);
    cargo.current_dir(dir()).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// The command that runs one target for so many seconds, beginning with the committed corpus.
pub(crate) fn target(name: &str, seconds: u32) -> Result<Command> {
    let found = dir().join("target/corpus").join(name);
    let artifacts = dir().join("artifacts").join(name);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(dir().join("target").join(host()).join("debug").join(name));
    command.arg(format!("-max_total_time={seconds}")).args([
        "-rss_limit_mb=1024",
        "-timeout=10",
        "-print_final_stats=1",
        "-verbosity=1",
    ]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display())).arg(found);
    let seeds = dir().join("corpus").join(name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command.current_dir(dir());
    Ok(command)
}

/// Builds, then runs these targets one after the other.
pub(crate) fn run(targets: &[&str], seconds: u32) -> Result<()> {
    if let Some(unknown) = targets.iter().find(|name| !TARGETS.contains(name)) {
        bail!("no fuzz target {unknown}; there are {}", TARGETS.join(" "));
    }
    run::status(&mut build())?;
    targets.iter().try_for_each(|name| run::status(&mut target(name, seconds)?))
}
