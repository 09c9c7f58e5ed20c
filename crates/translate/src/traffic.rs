//! XBackendTrafficPolicy (GEP-3388): retry constraints and session persistence of backends.

use crate::Context;
use crate::backend::Backends;
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::policy::{self, BackendTarget};
use crate::session;
use resources::gateway_api::{Duration, RetryConstraint as Written};
use resources::{Key, XBackendTrafficPolicy};
use snapshot::{ObjectName, RetryConstraint, Traffic};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration as Time;

/// All policies, and which of them stands for which backend.
#[derive(Default)]
pub(crate) struct Policies {
    policies: Vec<Policy>,
    by_target: BTreeMap<BackendTarget, usize>,
}

struct Policy {
    key: Key,
    generation: i64,
    problems: Vec<Problem>,
    won: Vec<BackendTarget>,
    lost: Vec<(BackendTarget, Problem)>,
    traffic: Option<Traffic>,
}

impl Policies {
    /// What the policy of a backend says, if there is one that is accepted.
    pub(crate) fn of(&self, target: &BackendTarget) -> Option<&Traffic> {
        self.by_target.get(target).and_then(|at| self.policies[*at].traffic.as_ref())
    }
}

/// Reads all policies, the older first.
pub(crate) fn translate(ctx: &mut Context<'_>) -> Policies {
    let objects = ctx.index.resources().x_backend_traffic_policies.values();
    let mut objects: Vec<&Arc<XBackendTrafficPolicy>> = objects.collect();
    objects.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
    let mut all = Policies::default();
    for object in objects {
        let key = object.key();
        let mut policy = read(object);
        for (i, reference) in object.spec.target_refs.iter().enumerate() {
            let path = format!("spec.targetRefs[{i}]");
            match policy::backend_target(ctx, &object.meta.namespace, reference, &path) {
                Err(problem) => ctx.report(&key, &problem),
                Ok(target) => match all.by_target.get(&target).map(|at| &all.policies[*at].key) {
                    Some(owner) => {
                        let problem = policy::conflict(owner, &reference.name, path);
                        ctx.report(&key, &problem);
                        policy.lost.push((target, problem));
                    }
                    None => {
                        all.by_target.insert(target.clone(), all.policies.len());
                        policy.won.push(target);
                    }
                },
            }
        }
        ctx.report_all(&key, &policy.problems);
        all.policies.push(policy);
    }
    all
}

fn read(object: &XBackendTrafficPolicy) -> Policy {
    let key = object.key();
    let mut problems = Vec::new();
    let session = object.spec.session_persistence.as_ref().and_then(|written| {
        let session = session::session(written, "spec.sessionPersistence", &key.to_string());
        session.map_err(|problem| problems.push(Problem { reason: "Invalid", ..problem })).ok()
    });
    let retry_constraint = object.spec.retry_constraint.as_ref().map(constraint);
    let traffic = problems.is_empty().then_some(Traffic { session, retry_constraint });
    let generation = object.meta.generation;
    Policy { key, generation, problems, won: Vec::new(), lost: Vec::new(), traffic }
}

fn constraint(written: &Written) -> RetryConstraint {
    let rate = &written.min_retry_rate;
    RetryConstraint {
        percent: written.budget.percent,
        interval: written.budget.interval.get(),
        min_count: rate.count.unwrap_or(10),
        min_interval: rate.interval.map_or(Time::from_secs(1), Duration::get),
    }
}

/// Writes the statuses: one ancestor for each Gateway whose routes reach a target.
pub(crate) fn finish(
    ctx: &mut Context<'_>,
    gateways: &[GatewayState<'_>],
    policies: &Policies,
    backends: &Backends<'_>,
) {
    for policy in &policies.policies {
        let mut ancestors: BTreeMap<ObjectName, Vec<Problem>> = BTreeMap::new();
        for (target, problem) in &policy.lost {
            for gateway in policy::reaching(backends, target) {
                ancestors.entry(gateway).or_default().push(problem.clone());
            }
        }
        // Where it stands for one of its targets it is accepted, whatever is true of others.
        for gateway in policy.won.iter().flat_map(|target| policy::reaching(backends, target)) {
            ancestors.insert(gateway, policy.problems.clone());
        }
        policy::set_status(ctx, gateways, policy.key.clone(), policy.generation, ancestors, None);
    }
}
