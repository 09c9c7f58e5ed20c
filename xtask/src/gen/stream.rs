//! Writes the code of the stream from the controller to its proxies, from its `.proto` file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use testkit::paths::RunDir;

use super::kafka::{format, settle};
use crate::run::root;

const PROTO: &str = "crates/controller/proto";
const CODE: &str = "crates/controller/src/stream/generated";

/// Generates the code. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> Result<()> {
    let include = root().join(PROTO);
    let dir = RunDir::new("gen-stream")?;
    let files = protox::compile(["configuration.proto"], [&include])?;
    tonic_prost_build::configure().out_dir(dir.path()).emit_package(true).compile_fds(files)?;
    let mut code = fs::read_to_string(dir.path().join("sluicegate.v1.rs"))?;
    code.insert_str(0, "// Written by `cargo xtask gen` from proto/configuration.proto.\n");
    let page = Path::new(CODE).join("mod.rs");
    let files = format(&root(), BTreeMap::from([(page, code)]))?;
    settle(&root(), Path::new(CODE), &files, check)
}
