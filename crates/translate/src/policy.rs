//! What the policies of the experimental channel have in common: targets, conflicts, statuses.

use crate::Context;
use crate::backend::Backends;
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::status::{Status, unless};
use resources::gateway_api::{LocalPolicyTargetReference, ParentReference};
use resources::status::{PolicyAncestorStatus, PolicyStatus};
use resources::{Backend, Code, GATEWAY_GROUP, Key, Kind, Service, XBackend};
use snapshot::{BackendKind, ObjectName};
use std::collections::{BTreeMap, BTreeSet};

/// API: at most this many ancestors in a status.
const MAX_ANCESTORS: usize = 16;

/// The backend that a policy names.
pub(crate) type BackendTarget = (BackendKind, ObjectName);

/// The object that a policy of this namespace names, if it can be a backend and is there.
pub(crate) fn backend_target(
    ctx: &Context<'_>,
    namespace: &str,
    reference: &LocalPolicyTargetReference,
    path: &str,
) -> Result<BackendTarget, Problem> {
    let objects = ctx.index.resources();
    let name = &*reference.name;
    let problem = |field: &str, message: String, hint: &str| {
        Err(Problem::new("TargetNotFound", Code::TargetNotFound, format!("{path}.{field}"), message, hint))
    };
    let (kind, found) = match Kind::find_in_group(&reference.group, &reference.kind) {
        Some(Kind::Service) => (BackendKind::Service, objects.get::<Service>(namespace, name).is_some()),
        Some(Kind::XBackend) => (BackendKind::XBackend, objects.get::<XBackend>(namespace, name).is_some()),
        Some(Kind::Backend) => {
            let found = objects.get::<Backend>(namespace, name);
            (BackendKind::Backend, found.is_some_and(|found| found.group() == reference.group))
        }
        _ => {
            let message = format!("kind {} of group {:?} cannot be a target", reference.kind, reference.group);
            return problem("kind", message, "name a Service, an XBackend or a Backend");
        }
    };
    if !found {
        return problem("name", format!("{} {namespace}/{name} does not exist", reference.kind), "create it");
    }
    Ok((kind, ObjectName::new(namespace, name)))
}

/// An older policy has the same target.
pub(crate) fn conflict(owner: &Key, target: &str, path: String) -> Problem {
    let message = format!("{owner} has the same target {target}, and is older or first by name");
    Problem::new("Conflicted", Code::PolicyConflict, path, message, "remove one of them")
}

/// Gateways whose routes reach a backend.
pub(crate) fn reaching(backends: &Backends<'_>, target: &BackendTarget) -> BTreeSet<ObjectName> {
    let hit = backends.tls_reaches().filter(|(key, _)| (key.kind, &key.name) == (target.0, &target.1));
    hit.flat_map(|(_, from)| from.iter().cloned()).collect()
}

/// Writes a status with one entry for each Gateway: what speaks against the policy there, and references that do not
/// resolve, if the kind has any.
pub(crate) fn set_status(
    ctx: &mut Context<'_>,
    gateways: &[GatewayState<'_>],
    key: Key,
    generation: i64,
    ancestors: BTreeMap<ObjectName, Vec<Problem>>,
    ref_problems: Option<&[Problem]>,
) {
    let mut status = PolicyStatus::default();
    for (name, problems) in ancestors {
        let Some(gateway) = gateways.iter().find(|gateway| gateway.name == name) else { continue };
        if status.ancestors.len() == MAX_ANCESTORS {
            break;
        }
        let mut conditions = vec![unless("Accepted", generation, &problems, "it is in force")];
        if let Some(problems) = ref_problems {
            conditions.push(unless("ResolvedRefs", generation, problems, "every reference resolves"));
        }
        status.ancestors.push(PolicyAncestorStatus {
            ancestor_ref: ParentReference {
                group: GATEWAY_GROUP.to_owned(),
                kind: "Gateway".to_owned(),
                namespace: Some(name.namespace.to_string()),
                name: name.name.to_string(),
                section_name: None,
                port: None,
            },
            controller_name: gateway.controller_name.clone(),
            conditions,
        });
    }
    if !status.ancestors.is_empty() {
        ctx.set_status(key, Status::Policy(status));
    }
}
