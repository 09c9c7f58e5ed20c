//! Writes what `deploy` has from elsewhere: CustomResourceDefinitions from the types, the chart's rights from the plain manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use resources::crd::{CrdSet, crds};

use super::kafka::settle;
use crate::run::root;

const FOLDERS: [(CrdSet, &str); 3] = [
    (CrdSet::Own, "deploy/crds"),
    (CrdSet::Own, "deploy/helm/sluicegate/crds"),
    (CrdSet::EnvoyGateway, "deploy/envoy-gateway-crds"),
];
const CONTROLLER: &str = "deploy/controller.yaml";
const RIGHTS: &str = "deploy/helm/sluicegate/templates/rbac.yaml";

/// Generates the files. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> Result<()> {
    for (set, folder) in FOLDERS {
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
    let rights = rights(&fs::read_to_string(root().join(CONTROLLER))?);
    settle(&root(), Path::new("docs/reference/none"), &BTreeMap::from([(RIGHTS.into(), rights)]), check)
}

/// The ServiceAccount, the roles and their bindings, for whatever namespace the chart goes to.
fn rights(manifest: &str) -> String {
    let mut out = "{{/* Written by `cargo xtask gen` from deploy/controller.yaml. */}}".to_owned();
    for part in manifest.split("\n---\n") {
        let kind = part.lines().find_map(|line| line.strip_prefix("kind: ")).unwrap_or_default();
        let part = match kind {
            "ServiceAccount" | "Role" | "RoleBinding" => part.to_owned(),
            "ClusterRole" | "ClusterRoleBinding" => {
                let name = "name: {{ include \"sluicegate.clusterName\" . }}";
                part.replace("metadata: {name: sluicegate-controller}", &format!("metadata: {{{name}}}"))
                    .replace("kind: ClusterRole, name: sluicegate-controller}", &format!("kind: ClusterRole, {name}}}"))
            }
            _ => continue,
        };
        let part = part.replace("namespace: sluicegate-system", "namespace: {{ .Release.Namespace }}");
        out.push_str(&format!("\n---\n{}", part.trim_end()));
    }
    out.push('\n');
    out
}
