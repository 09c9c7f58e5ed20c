//! Running other programs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the work tree.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// `cargo …` in the root of the work tree, without what `cargo run` added to the environment for this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    // Failed tests print what failed; backtraces of errors bury it.
    command.env("RUST_BACKTRACE", "0");
    command
}

/// Runs a command to its end with this program's streams.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn status(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {:?}", command.get_program()))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{} {}: {status}", command.get_program().to_string_lossy(), arguments.join(" "));
    }
    Ok(())
}

/// A command of the test kit's own program; what it needs of the gateway is built first.
pub(crate) fn testkit(verb: &str, arguments: &[&str]) -> Result<()> {
    if matches!((verb, arguments.first()), ("demo" | "conformance", _) | ("cluster", Some(&"up"))) {
        status(&mut cargo(&["build", "--quiet", "-p", "sluicegate"]))?;
    }
    status(cargo(&["run", "--quiet", "-p", "testkit", "--", verb]).args(arguments))
}
