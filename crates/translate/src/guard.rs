//! Policies for access control that are not served yet: nothing that they target is served without them (design,
//! invariant 7). A SecurityPolicy closes routes, a ClientTrafficPolicy that validates client certificates closes listeners.

use crate::Context;
use crate::attach::{Parent, RouteHead};
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::listener::ListenerState;
use crate::status::{Status, fails};
use resources::gateway_api::ParentReference;
use resources::status::{PolicyAncestorStatus, PolicyStatus};
use resources::{
    AnyObject, Code, GATEWAY_GROUP, Key, Kind, PolicyTarget, PolicyTargetReference, PolicyTargetSelector, TargetEntry,
};
use std::collections::BTreeSet;

/// API: at most this many ancestors in a status.
const MAX_ANCESTORS: usize = 16;

/// All of them.
#[derive(Default)]
pub(crate) struct Guards {
    policies: Vec<Guard>,
}

struct Guard {
    key: Key,
    generation: i64,
    targets: Vec<Target>,
    /// Gateways through which it matters.
    gateways: BTreeSet<Key>,
}

/// An object, or a part of it.
struct Target {
    key: Key,
    section: Option<String>,
}

/// Reads all policies and reports targets that do not exist.
pub(crate) fn read(ctx: &mut Context<'_>) -> Guards {
    let index = ctx.index;
    let objects = index.resources();
    let mut guards = Guards::default();
    for object in objects.security_policies.values() {
        let targets = targets(ctx, &object.key(), object.spec.targets());
        guards.add(object.key(), object.meta.generation, targets);
    }
    for object in objects.client_traffic_policies.values() {
        let targets = targets(ctx, &object.key(), object.spec.targets());
        if object.spec.validates_clients() {
            guards.add(object.key(), object.meta.generation, targets);
        } else {
            // Nothing stays open without it.
            let message = "ClientTrafficPolicy is not served yet: what it asks for is not done";
            ctx.report(&object.key(), &Problem::new("Invalid", Code::PolicyNotServed, "spec", message, ""));
        }
    }
    guards
}

fn targets(ctx: &mut Context<'_>, policy: &Key, entries: Vec<TargetEntry>) -> Vec<Target> {
    let problem = |path: String, message: String, hint: &str| {
        Problem::new("TargetNotFound", Code::TargetNotFound, path, message, hint)
    };
    if entries.is_empty() {
        let message = "the policy has no target, so it applies to nothing".to_owned();
        ctx.report(policy, &problem("spec.targetRefs".into(), message, "name the Gateway or route that it is for"));
    }
    let mut found = Vec::new();
    for (path, entry) in entries {
        match entry {
            Err(why) => {
                let message = format!("the target cannot be read, so the policy does not apply to it: {why}");
                ctx.report(policy, &problem(path, message, "name a Gateway or a route"));
            }
            Ok(PolicyTarget::Selector(selector)) => found.extend(select(ctx, policy, &selector)),
            Ok(PolicyTarget::Reference(reference)) => match refer(ctx, policy, &reference, &path) {
                Ok((target, remark)) => {
                    found.push(target);
                    remark.iter().for_each(|remark| ctx.report(policy, remark));
                }
                Err(problem) => ctx.report(policy, &problem),
            },
        }
    }
    found
}

/// The target, and what is wrong with its section.
fn refer(
    ctx: &Context<'_>,
    policy: &Key,
    reference: &PolicyTargetReference,
    path: &str,
) -> Result<(Target, Option<Problem>), Problem> {
    let namespace = reference.namespace.as_deref().unwrap_or(&policy.namespace);
    let problem = |field: &str, message: String, hint: &str| {
        Problem::new("TargetNotFound", Code::TargetNotFound, format!("{path}.{field}"), message, hint)
    };
    let Some(kind) = target_kind(&reference.group, &reference.kind) else {
        let message = format!("kind {} of group {:?} cannot be a target", reference.kind, reference.group);
        return Err(problem("kind", message, "name a Gateway or a route"));
    };
    let key = Key::new(kind, namespace, &*reference.name);
    let Some(object) = ctx.index.resources().get_any(&key) else {
        return Err(problem("name", format!("{key} does not exist"), "create it"));
    };
    let section = reference.section_name.clone();
    match section.as_deref().filter(|section| !has_section(&object, section)) {
        None => Ok((Target { key, section }, None)),
        Some(section) => {
            // Somebody wanted a part of it closed, and nobody knows which.
            let message = format!("{key} has no part named {section}; the policy is taken for all of it");
            let remark = problem("sectionName", message, "name a listener of a Gateway, or a rule of a route");
            Ok((Target { key, section: None }, Some(remark)))
        }
    }
}

fn select(ctx: &Context<'_>, policy: &Key, selector: &PolicyTargetSelector) -> Vec<Target> {
    let Some(kind) = target_kind(&selector.group, &selector.kind) else { return Vec::new() };
    // Namespaces are not looked at further: one too many is closed rather than one too few.
    let selected = |object: &AnyObject| {
        let (key, meta) = (object.key(), object.meta());
        key.kind == kind
            && (selector.namespaces.is_some() || meta.namespace == policy.namespace)
            && selector.labels.matches(&meta.labels)
    };
    let objects = ctx.index.resources().iter().filter(selected);
    objects.map(|object| Target { key: object.key(), section: None }).collect()
}

fn target_kind(group: &str, kind: &str) -> Option<Kind> {
    let takes = [
        Kind::Gateway,
        Kind::ListenerSet,
        Kind::HttpRoute,
        Kind::GrpcRoute,
        Kind::TlsRoute,
        Kind::TcpRoute,
        Kind::UdpRoute,
        Kind::KafkaRoute,
    ];
    Kind::find_in_group(group, kind).filter(|kind| takes.contains(kind))
}

fn has_section(object: &AnyObject, section: &str) -> bool {
    match object {
        AnyObject::Gateway(gateway) => gateway.spec.listeners.iter().any(|listener| *listener.name == *section),
        AnyObject::ListenerSet(set) => set.spec.listeners.iter().any(|listener| *listener.name == *section),
        AnyObject::HttpRoute(route) => route.spec.rules.iter().any(|rule| rule.name.as_deref() == Some(section)),
        AnyObject::GrpcRoute(route) => route.spec.rules.iter().any(|rule| rule.name.as_deref() == Some(section)),
        // Other kinds are taken as a whole.
        _ => false,
    }
}

impl Guards {
    fn add(&mut self, key: Key, generation: i64, targets: Vec<Target>) {
        self.policies.push(Guard { key, generation, targets, gateways: BTreeSet::new() });
    }

    /// Why a listener that ends TLS may not be opened: it, or one whose names it would answer to in its place, has to ask
    /// for client certificates.
    pub(crate) fn of_listener(&self, gateway: &GatewayState<'_>, listener: &ListenerState<'_>) -> Vec<Problem> {
        let closing = || self.policies.iter().filter(|policy| policy.key.kind == Kind::ClientTrafficPolicy);
        if closing().next().is_none() {
            return Vec::new();
        }
        let overlaps = |other: &&ListenerState<'_>| {
            other.spec.port == listener.spec.port && other.hostname.intersect(&listener.hostname).is_some()
        };
        let overlapping: Vec<_> = gateway.listeners.iter().filter(overlaps).collect();
        let problem = |policy: &Guard| {
            let hit = |other: &&&ListenerState<'_>| policy.targets.iter().any(|target| target.is(gateway, other));
            let other = overlapping.iter().find(hit)?;
            let place =
                if other.index == listener.index { "here".to_owned() } else { format!("on listener {}", other.name) };
            let message = format!("{} asks for client certificates {place}, which is not served yet", policy.key);
            let hint = "remove tls.clientValidation from the policy to serve every client";
            Some(Problem::unsupported(format!("spec.listeners[{}].tls", listener.place), message, hint))
        };
        closing().filter_map(problem).collect()
    }

    /// Why a route may not be served at all: policies that target it, or a Gateway or listener that it is attached to.
    pub(crate) fn of_route<T>(
        &mut self,
        gateways: &[GatewayState<'_>],
        route: RouteHead<'_>,
        parents: &[Parent<'_, T>],
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.policies.is_empty() {
            return problems;
        }
        let key = route.key();
        for policy in self.policies.iter_mut().filter(|policy| policy.key.kind == Kind::SecurityPolicy) {
            let own = policy.targets.iter().any(|target| target.key == key);
            let whole = policy.targets.iter().any(|target| target.key == key && target.section.is_none());
            let mut what = whole.then(|| "it".to_owned());
            for bonds in parents.iter().filter_map(|parent| parent.bonds.as_ref().ok()) {
                let gateway = &gateways[bonds.gateway];
                let listeners = bonds.listeners.iter().map(|(i, _)| &gateway.listeners[*i]);
                let hit = policy.targets.iter().find(|target| listeners.clone().any(|it| target.is(gateway, it)));
                if hit.is_some() || own {
                    policy.gateways.insert(gateway.key.clone());
                }
                if let (Some(target), None) = (hit, &what) {
                    what = Some(match &target.section {
                        Some(section) => format!("listener {section} of its {}", target.key),
                        None => format!("its {}", target.key),
                    });
                }
            }
            problems.extend(what.map(|what| unserved(&policy.key, &what, "spec")));
        }
        problems
    }

    /// Why a rule of a route may not be served.
    pub(crate) fn of_rule(&self, route: RouteHead<'_>, name: Option<&str>, path: &str) -> Vec<Problem> {
        if self.policies.is_empty() || name.is_none() {
            return Vec::new();
        }
        let key = route.key();
        let closing = self.policies.iter().filter(|policy| policy.key.kind == Kind::SecurityPolicy);
        let hit = |policy: &&Guard| {
            policy.targets.iter().any(|target| target.key == key && target.section.as_deref() == name)
        };
        closing.filter(hit).map(|policy| unserved(&policy.key, "this rule", path)).collect()
    }
}

impl Target {
    /// Whether it is this listener of this Gateway, or all of the Gateway, or of the listener's ListenerSet.
    fn is(&self, gateway: &GatewayState<'_>, listener: &ListenerState<'_>) -> bool {
        let owner = match listener.set {
            Some(set) => &gateway.sets[set].key,
            None => &gateway.key,
        };
        match &self.section {
            None => self.key == gateway.key || self.key == *owner,
            Some(section) => self.key == *owner && **section == *listener.spec.name,
        }
    }
}

fn unserved(policy: &Key, what: &str, path: &str) -> Problem {
    let message = format!("{policy} targets {what}, is not served yet, and nothing is served without it");
    Problem::unsupported(path, message, "remove the policy to serve everybody")
}

/// Says on the policies that they are not served.
pub(crate) fn finish(ctx: &mut Context<'_>, gateways: &[GatewayState<'_>]) {
    for policy in std::mem::take(&mut ctx.guards.policies) {
        let ours = |gateway: &&GatewayState<'_>| {
            let is = |key: &Key| *key == gateway.key || gateway.sets.iter().any(|set| *key == set.key);
            policy.gateways.contains(&gateway.key) || policy.targets.iter().any(|target| is(&target.key))
        };
        let concerned: Vec<_> = gateways.iter().filter(ours).take(MAX_ANCESTORS).collect();
        if concerned.is_empty() && !ctx.settings.standalone {
            continue;
        }
        let (path, message, hint) = match policy.key.kind {
            Kind::ClientTrafficPolicy => {
                let message = "client certificates are not asked for yet, so no listener that it targets is opened";
                ("spec.tls.clientValidation", message, "remove it to serve every client")
            }
            _ => {
                let message = "SecurityPolicy is not served yet, so no route that it targets is served";
                ("spec", message, "remove the policy to serve everybody")
            }
        };
        let problem = Problem::new("Invalid", Code::NotServed, path, message, hint);
        ctx.report(&policy.key, &problem);
        let ancestors = concerned.into_iter().map(|gateway| PolicyAncestorStatus {
            ancestor_ref: ParentReference {
                group: GATEWAY_GROUP.to_owned(),
                kind: "Gateway".to_owned(),
                namespace: Some(gateway.name.namespace.to_string()),
                name: gateway.name.name.to_string(),
                section_name: None,
                port: None,
            },
            controller_name: gateway.controller_name.clone(),
            conditions: vec![fails("Accepted", policy.generation, problem.reason, problem.to_string())],
        });
        let status = PolicyStatus { ancestors: ancestors.collect() };
        if !status.ancestors.is_empty() {
            ctx.set_status(policy.key, Status::Policy(status));
        }
    }
}
