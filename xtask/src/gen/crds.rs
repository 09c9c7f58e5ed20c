//! Writes the CustomResourceDefinitions of `deploy` from the types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use resources::crd::{CrdSet, crds};

use super::kafka::settle;
use crate::run::root;

/// Generates the definitions. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> Result<()> {
    for (set, folder) in [(CrdSet::Own, "deploy/crds"), (CrdSet::EnvoyGateway, "deploy/envoy-gateway-crds")] {
        let folder = Path::new(folder);
        let files: BTreeMap<PathBuf, String> = crds(set)
            .into_iter()
            .map(|crd| {
                let text = format!("# Written by `cargo xtask gen` from the types.\n{}", crd.yaml());
                (folder.join(format!("{}.yaml", crd.name)), text)
            })
            .collect();
        settle(&root(), folder, &files, check)?;
    }
    Ok(())
}
