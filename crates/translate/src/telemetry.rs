//! XTelemetryPolicy: read, checked and answered. Tracing is not done, and a policy that asks for it says so.

use crate::Context;
use crate::backend::{Backends, Use};
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::policy;
use resources::gateway_api::TelemetryMode;
use resources::{Code, Key, Kind, XTelemetryPolicy};
use snapshot::ObjectName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads all policies, the older first: one Gateway has one.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &[GatewayState<'_>], backends: &Backends<'_>) {
    let mut objects: Vec<Arc<XTelemetryPolicy>> =
        ctx.index.resources().x_telemetry_policies.values().cloned().collect();
    objects.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
    let mut owners: BTreeMap<ObjectName, Key> = BTreeMap::new();
    for object in objects {
        let (key, namespace) = (object.key(), &*object.meta.namespace);
        let mut problems = Vec::new();
        let mut ref_problems = Vec::new();
        if let Some(tracing) = &object.spec.tracing {
            if tracing.mode == TelemetryMode::Enabled {
                let (path, message) = ("spec.tracing.mode", "tracing is not served yet");
                problems.push(Problem::new("Invalid", Code::UnsupportedValue, path, message, "remove the policy"));
            }
            if let Some(provider) = &tracing.provider {
                let path = "spec.tracing.provider.backendRef";
                let from = Kind::XTelemetryPolicy;
                let found = backends.resolve(from, namespace, (&provider.backend_ref).into(), path, Use::Http);
                ref_problems.extend(found.err());
            }
        }
        let mut ancestors: BTreeMap<ObjectName, Vec<Problem>> = BTreeMap::new();
        for (i, reference) in object.spec.target_refs.iter().enumerate() {
            let path = format!("spec.targetRefs[{i}]");
            if Kind::find_in_group(&reference.group, &reference.kind) != Some(Kind::Gateway) {
                let message = format!("kind {} of group {:?} cannot be a target", reference.kind, reference.group);
                let (path, hint) = (format!("{path}.kind"), "name a Gateway");
                ctx.report(&key, &Problem::new("TargetNotFound", Code::TargetNotFound, path, message, hint));
                continue;
            }
            let name = ObjectName::new(namespace, &*reference.name);
            if !gateways.iter().any(|gateway| gateway.name == name) {
                let message = format!("Gateway {name} does not exist, or is not ours");
                let path = format!("{path}.name");
                ctx.report(&key, &Problem::new("TargetNotFound", Code::TargetNotFound, path, message, "create it"));
                continue;
            }
            match owners.get(&name).filter(|owner| **owner != key) {
                Some(owner) => {
                    let problem = policy::conflict(owner, &reference.name, path);
                    ctx.report(&key, &problem);
                    ancestors.insert(name, vec![problem]);
                }
                None => {
                    owners.insert(name.clone(), key.clone());
                    ancestors.insert(name, problems.clone());
                }
            }
        }
        ctx.report_all(&key, problems.iter().chain(&ref_problems));
        policy::set_status(ctx, gateways, key, object.meta.generation, ancestors, Some(&ref_problems));
    }
}
