//! What the controller has to be allowed, out of the manifest that gives it the rights.

use anyhow::Context;
use serde::Deserialize;
use std::fmt;

/// The namespace that stands in the manifest.
const NAMESPACE: &str = "sluicegate-system";
const MANIFEST: &str = include_str!("../../../../deploy/controller.yaml");

/// One thing that the controller does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: Option<String>,
    /// One object only.
    pub(super) name: Option<String>,
    /// One namespace only.
    pub(super) namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        write!(f, " of group {:?}", self.group)?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
    verbs: Vec<String>,
}

/// Every right, for a controller in `namespace`.
pub(super) fn rights(namespace: &str) -> anyhow::Result<Vec<Right>> {
    let mut all = Vec::new();
    for part in MANIFEST.split("\n---\n") {
        if !part.contains("\nkind: ClusterRole\n") && !part.contains("\nkind: Role\n") {
            continue;
        }
        let document: Document = serde_saphyr::from_str(part).context("deploy/controller.yaml")?;
        let here =
            (document.kind == "Role").then(|| if namespace.is_empty() { NAMESPACE } else { namespace }.to_owned());
        for rule in document.rules {
            let names: Vec<Option<String>> = match rule.resource_names.is_empty() {
                true => vec![None],
                false => rule.resource_names.into_iter().map(Some).collect(),
            };
            for group in &rule.api_groups {
                for resource in &rule.resources {
                    let (resource, subresource) = match resource.split_once('/') {
                        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
                        None => (resource.as_str(), None),
                    };
                    for (verb, name) in rule.verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
                        all.push(Right {
                            verb: verb.clone(),
                            group: group.clone(),
                            resource: resource.to_owned(),
                            subresource: subresource.clone(),
                            name: name.clone(),
                            namespace: here.clone(),
                        });
                    }
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_are_those_of_the_manifest() {
        let all = rights("elsewhere").unwrap();
        let shown: Vec<String> = all.iter().map(Right::to_string).collect();
        for right in [
            "list httproutes of group \"gateway.networking.k8s.io\"",
            "patch gateways/status of group \"gateway.networking.k8s.io\"",
            "update leases of group \"coordination.k8s.io\" in namespace elsewhere",
        ] {
            assert!(shown.iter().any(|it| it == right), "{right} is not in {shown:#?}");
        }
    }
}
