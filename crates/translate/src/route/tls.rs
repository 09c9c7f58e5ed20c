//! TLSRoute.

use super::stream::{Claim, Ports, look, taken};
use super::{bind_hostnames, reach, target};
use crate::Context;
use crate::attach::{self, RouteHead, Verdict, attach};
use crate::backend::{Backends, Use};
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use crate::listener::Protocol;
use crate::sni::ServerName;
use resources::{Kind, TlsRoute};
use snapshot::{Attachment, BackendTarget, Entity, Hostname, ListenerRef, StreamRule, WeightedBackend};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Translates one TLSRoute; `owner` is its name among the owners of server names.
pub(crate) fn translate<'n>(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    ports: &mut Ports<'n>,
    owner: &'n str,
    object: &TlsRoute,
) {
    let spec = &object.spec;
    let head = RouteHead { kind: Kind::TlsRoute, meta: &object.meta, parent_refs: &spec.parent_refs };
    let mut parents = attach(ctx, gateways, head, bind_hostnames(&spec.hostnames));
    let mut verdict = Verdict::default();
    verdict.note_default_gateways(spec.use_default_gateways.is_some());
    for parent in &mut parents {
        let Ok(bonds) = &mut parent.bonds else { continue };
        let own: Vec<usize> = bonds.listeners.iter().map(|(listener, _)| *listener).collect();
        let (gateway, mut lost) = (bonds.gateway, Vec::new());
        bonds.listeners.retain_mut(|(listener, names)| {
            let state = &gateways[gateway].listeners[*listener];
            if !gateways[gateway].serves(state) {
                return true;
            }
            let port = state.spec.port;
            names.retain(|name| {
                let claimed = server_name(name);
                match look(ports, gateways, (gateway, *listener), &own, owner, &claimed) {
                    Claim::Free => {
                        ports.entry((gateway, port)).or_default().insert(claimed, owner);
                        true
                    }
                    Claim::Elsewhere => false,
                    Claim::Taken(by) => {
                        lost.push(taken("spec.hostnames", &name.to_string(), &by, port));
                        false
                    }
                }
            });
            !names.is_empty()
        });
        if bonds.listeners.is_empty() {
            parent.bonds = Err(lost);
        } else {
            verdict.warnings.extend(lost.into_iter().map(Problem::warning));
        }
    }
    verdict.problems.extend(ctx.guards.of_route(gateways, head, &parents));
    let closed = (!verdict.problems.is_empty()).then(|| join(&verdict.problems));
    let mut rules = Vec::new();
    for (i, rule) in spec.rules.iter().enumerate() {
        let mut weighted = Vec::new();
        for (j, reference) in rule.backend_refs.iter().enumerate() {
            let path = format!("spec.rules[{i}].backendRefs[{j}]");
            let from = (Kind::TlsRoute, &*object.meta.namespace);
            let target = target(backends, &mut verdict, from, reference.into(), &path, Use::Stream);
            let target = closed.clone().map_or(target, BackendTarget::Invalid);
            weighted.push(WeightedBackend { target, weight: reference.weight, filters: Vec::new() });
        }
        rules.push(StreamRule { name: rule.name.clone(), backends: weighted });
    }
    let used: Vec<_> = rules
        .iter()
        .flat_map(|rule| &rule.backends)
        .filter_map(|backend| match &backend.target {
            BackendTarget::Backend(key) => Some(key.clone()),
            BackendTarget::Invalid(_) => None,
        })
        .collect();
    reach(backends, gateways, &parents, used.iter(), |listener| match listener.protocol {
        Some(Protocol::TlsPassthrough) => Use::Passthrough,
        _ => Use::Stream,
    });
    let mut attachments: BTreeMap<ListenerRef, Vec<Hostname>> = BTreeMap::new();
    for (_, _, listener, names) in attach::served(gateways, &parents) {
        attachments.entry(listener).or_insert_with(|| names.clone());
    }
    if !attachments.is_empty() {
        let attachments =
            attachments.into_iter().map(|(listener, hostnames)| Attachment { listener, hostnames }).collect();
        let (name, generation) = (object_name(&object.meta), object.meta.generation);
        ctx.insert(Entity::TlsRoute(Arc::new(snapshot::TlsRoute { name, generation, attachments, rules })));
    }
    attach::finish(ctx, gateways, head, &parents, &verdict);
}

fn server_name(hostname: &Hostname) -> ServerName {
    match hostname {
        Hostname::Exact(name) => ServerName::Exact(name.clone()),
        Hostname::Wildcard(suffix) => ServerName::Wildcard(suffix.clone()),
        Hostname::Any => ServerName::Wildcard(String::new()),
    }
}
