//! TLSRoute.

use super::stream::{Claim, Ports, look, specificity, taken};
use super::{bind_hostnames, reach, target};
use crate::Context;
use crate::attach::{self, RouteHead, Verdict, attach};
use crate::backend::{Backends, Use};
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use crate::listener::{ListenerState, Protocol};
use crate::sni::ServerName;
use resources::{Kind, TlsRoute};
use snapshot::{Attachment, BackendTarget, Entity, Hostname, ListenerRef, StreamRule, WeightedBackend};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A server name under which a listener serves a route.
pub(crate) struct Name {
    name: Hostname,
    /// How specific the hostname is that the route has it by.
    rank: (u8, usize),
}

/// By Gateway, port and name: how specific the most specific hostname is that a TLSRoute has the name by, and which one
/// that is, the first in order of precedence.
pub(crate) type Ranks<'n> = HashMap<(usize, u16, Hostname), ((u8, usize), &'n str)>;

/// Notes the names of a TLSRoute.
pub(crate) fn rank<'n>(
    ctx: &Context<'_>,
    gateways: &[GatewayState<'_>],
    ranks: &mut Ranks<'n>,
    owner: &'n str,
    object: &TlsRoute,
) {
    let parents = attach(ctx, gateways, head(object), bind_names(&object.spec.hostnames));
    for bonds in parents.into_iter().filter_map(|parent| parent.bonds.ok()) {
        let gateway = &gateways[bonds.gateway];
        for (listener, names) in bonds.listeners {
            let state = &gateway.listeners[listener];
            for Name { name, rank } in names.into_iter().filter(|_| gateway.serves(state)) {
                let best = ranks.entry((bonds.gateway, state.spec.port, name)).or_insert((rank, owner));
                if rank > best.0 {
                    *best = (rank, owner);
                }
            }
        }
    }
}

fn head(object: &TlsRoute) -> RouteHead<'_> {
    RouteHead {
        kind: Kind::TlsRoute,
        meta: &object.meta,
        parent_refs: &object.spec.parent_refs,
        default_gateways: object.spec.use_default_gateways,
    }
}

/// The names of a route within a listener's, each once.
fn bind_names(written: &[String]) -> impl FnMut(&ListenerState<'_>) -> Result<Vec<Name>, Problem> {
    let mut bind = bind_hostnames(written);
    move |listener| {
        let mut names: BTreeMap<Hostname, (u8, usize)> = BTreeMap::new();
        for written in bind(listener)? {
            let Some(name) = written.intersect(&listener.hostname) else { continue };
            let rank = specificity(&written);
            names.entry(name).and_modify(|best| *best = rank.max(*best)).or_insert(rank);
        }
        Ok(names.into_iter().map(|(name, rank)| Name { name, rank }).collect())
    }
}

/// Translates one TLSRoute; `owner` is its name among the owners of server names.
pub(crate) fn translate<'n>(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    (ports, ranks): (&mut Ports<'n>, &Ranks<'n>),
    owner: &'n str,
    object: &TlsRoute,
) {
    let spec = &object.spec;
    let head = head(object);
    let mut parents = attach(ctx, gateways, head, bind_names(&spec.hostnames));
    let mut verdict = Verdict::default();
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
            names.retain(|Name { name, rank }| {
                let claimed = server_name(name);
                if let Some((_, by)) = ranks.get(&(gateway, port, name.clone())).filter(|(best, _)| best > rank) {
                    lost.push(taken("spec.hostnames", &name.to_string(), by, port));
                    return false;
                }
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
        attachments.entry(listener).or_insert_with(|| names.iter().map(|it| it.name.clone()).collect());
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
