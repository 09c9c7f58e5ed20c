//! TCPRoute and UDPRoute: all that comes to a port. There is nothing to tell routes apart by, so the oldest one has a listener
//! alone; the others are accepted and attached as well, as the Gateway API's suite wants it, and get no traffic.

use super::{reach, target};
use crate::Context;
use crate::attach::{self, RouteHead, Verdict, attach};
use crate::backend::{Backends, Use};
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use resources::gateway_api::{GatewayDefaultScope, ParentReference, StreamRouteRule};
use resources::{Code, Kind, ObjectMeta};
use snapshot::{BackendTarget, Entity, ListenerRef, StreamRoute, StreamRule, WeightedBackend};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A route of either kind.
struct Route<'a> {
    meta: &'a ObjectMeta,
    parent_refs: &'a [ParentReference],
    rules: &'a [StreamRouteRule],
    use_default_gateways: Option<GatewayDefaultScope>,
}

/// Translates every TCPRoute and UDPRoute.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &mut [GatewayState<'_>], backends: &mut Backends<'_>) {
    let index = ctx.index;
    let objects = index.resources();
    let tcp = objects.tcp_routes.values().map(|object| Route {
        meta: &object.meta,
        parent_refs: &object.spec.parent_refs,
        rules: &object.spec.rules,
        use_default_gateways: object.spec.use_default_gateways,
    });
    let udp = objects.udp_routes.values().map(|object| Route {
        meta: &object.meta,
        parent_refs: &object.spec.parent_refs,
        rules: &object.spec.rules,
        use_default_gateways: object.spec.use_default_gateways,
    });
    let (tcp, udp): (Vec<_>, Vec<_>) = (tcp.collect(), udp.collect());
    for (kind, usage, mut routes) in [(Kind::TcpRoute, Use::Stream, tcp), (Kind::UdpRoute, Use::Datagram, udp)] {
        routes.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
        // Which route has a listener.
        let mut owners = BTreeMap::new();
        for route in &routes {
            translate_one(ctx, gateways, backends, (kind, usage), &mut owners, route);
        }
    }
}

fn translate_one(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    (kind, usage): (Kind, Use),
    owners: &mut BTreeMap<ListenerRef, String>,
    route: &Route<'_>,
) {
    let head = RouteHead {
        kind,
        meta: route.meta,
        parent_refs: route.parent_refs,
        default_gateways: route.use_default_gateways,
    };
    let parents = attach(ctx, gateways, head, |_| Ok(()));
    let mut verdict = Verdict::default();
    verdict.problems.extend(ctx.guards.of_route(gateways, head, &parents));
    let closed = (!verdict.problems.is_empty()).then(|| join(&verdict.problems));
    let mut rules = Vec::with_capacity(route.rules.len());
    for (i, rule) in route.rules.iter().enumerate() {
        let mut weighted = Vec::with_capacity(rule.backend_refs.len());
        for (j, reference) in rule.backend_refs.iter().enumerate() {
            let path = format!("spec.rules[{i}].backendRefs[{j}]");
            let from = (kind, &*route.meta.namespace);
            let target = target(backends, &mut verdict, from, reference.into(), &path, usage);
            let target = closed.clone().map_or(target, BackendTarget::Invalid);
            weighted.push(WeightedBackend { target, weight: reference.weight, filters: Vec::new() });
        }
        rules.push(StreamRule { name: rule.name.clone(), backends: weighted });
    }
    let used = rules.iter().flat_map(|rule| &rule.backends).filter_map(|backend| match &backend.target {
        BackendTarget::Backend(key) => Some(key),
        BackendTarget::Invalid(_) => None,
    });
    reach(backends, gateways, &parents, used, |_| usage);
    let mut listeners = BTreeSet::new();
    for (_, _, listener, ()) in attach::served(gateways, &parents) {
        let owner = owners.entry(listener.clone()).or_insert_with(|| head.key().to_string());
        if *owner == head.key().to_string() {
            listeners.insert(listener);
        } else {
            let message = format!("{owner} is older and has all that comes to listener {listener}");
            let hint = "nothing reaches this route there; choose another listener, or remove one of them";
            let problem = Problem::new("Shadowed", Code::ShadowedMatch, "spec.parentRefs", message, hint);
            verdict.warnings.push(problem.warning());
        }
    }
    if !listeners.is_empty() {
        let (name, generation) = (object_name(route.meta), route.meta.generation);
        let entity = Arc::new(StreamRoute { name, generation, listeners: listeners.into_iter().collect(), rules });
        ctx.insert(if kind == Kind::TcpRoute { Entity::TcpRoute(entity) } else { Entity::UdpRoute(entity) });
    }
    attach::finish(ctx, gateways, head, &parents, &verdict);
}
