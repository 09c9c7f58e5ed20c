//! GRPCRoute: an HTTPRoute whose matches name services and methods, and whose backends speak HTTP/2.

use super::filters::Filters;
use super::{bind_hostnames, reach, regex_problem, target};
use crate::Context;
use crate::attach::{self, RouteHead, Verdict, attach};
use crate::backend::{Backends, Use};
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use crate::memo::Expressions;
use crate::precedence;
use crate::session;
use resources::gateway_api::{GrpcRouteMatch, GrpcRouteRule, MatchType};
use resources::{GrpcRoute, Kind};
use snapshot::{
    Attachment, Entity, Hostname, HttpMatch, HttpRule, ListenerRef, MethodMatch, ObjectName, PathMatch, TextMatch,
    Timeouts, ValueMatch, WeightedBackend,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Translates every GRPCRoute.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &mut [GatewayState<'_>], backends: &mut Backends<'_>) {
    for object in ctx.index.resources().grpc_routes.values() {
        translate_one(ctx, gateways, backends, object);
    }
}

fn translate_one(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    object: &Arc<GrpcRoute>,
) {
    let spec = &object.spec;
    let head = RouteHead {
        kind: Kind::GrpcRoute,
        meta: &object.meta,
        parent_refs: &spec.parent_refs,
        default_gateways: spec.use_default_gateways,
    };
    let parents = attach(ctx, gateways, head, bind_hostnames(&spec.hostnames));
    let mut verdict = Verdict::default();
    let guarded = ctx.guards.of_route(gateways, head, &parents);
    let name = object_name(&object.meta);
    let from = (Kind::GrpcRoute, &*object.meta.namespace);
    let mut rules = Vec::with_capacity(spec.rules.len());
    let mut bad = 0;
    for (i, written) in spec.rules.iter().enumerate() {
        let path = format!("spec.rules[{i}]");
        let mut problems = guarded.clone();
        problems.extend(ctx.guards.of_rule(head, written.name.as_deref(), &path));
        let place = (precedence::created(&object.meta), &name, i);
        let matches = compile_matches(&mut ctx.memo.expressions, written, &path, place, &mut problems);
        let session = written.session_persistence.as_ref().map(|session| {
            let named = written.name.clone().unwrap_or_else(|| i.to_string());
            session::session(session, &format!("{path}.sessionPersistence"), &format!("GRPCRoute {name} {named}"))
        });
        let session = session.transpose().map_err(|problem| problems.push(problem)).ok().flatten();
        let mut filters = Filters::new(backends, from);
        let rule_filters = filters.grpc(&written.filters, &path);
        let mut weighted = Vec::with_capacity(written.backend_refs.len());
        for (j, reference) in written.backend_refs.iter().enumerate() {
            let path = format!("{path}.backendRefs[{j}]");
            let filters = filters.grpc(&reference.filters, &path);
            let target = target(backends, &mut verdict, from, (&reference.backend).into(), &path, Use::Http);
            weighted.push(WeightedBackend { target, weight: reference.backend.weight, filters });
        }
        let Filters { problems: of_filters, ref_problems, warnings, .. } = filters;
        problems.extend(of_filters);
        verdict.ref_problems.extend(ref_problems);
        verdict.warnings.extend(warnings);
        let unserved = (!problems.is_empty()).then(|| join(&problems));
        if unserved.is_some() {
            bad += 1;
            verdict.partial.extend(problems);
        }
        if !matches.is_empty() {
            rules.push(HttpRule {
                name: written.name.clone(),
                matches,
                filters: rule_filters,
                backends: weighted,
                timeouts: Timeouts::default(),
                retry: None,
                session: session.map(Box::new),
                unserved,
            });
        }
    }
    if bad == spec.rules.len() {
        verdict.problems = std::mem::take(&mut verdict.partial);
    }
    reach(backends, gateways, &parents, rules.iter().flat_map(HttpRule::reached), |_| Use::Http);
    let mut attachments: BTreeMap<ListenerRef, Vec<Hostname>> = BTreeMap::new();
    for (_, _, listener, names) in attach::served(gateways, &parents) {
        attachments.entry(listener).or_insert_with(|| names.clone());
    }
    if !attachments.is_empty() && !rules.is_empty() {
        let bonds = attachments.into_iter().map(|(listener, hostnames)| Attachment { listener, hostnames });
        let (attachments, generation) = (bonds.collect(), object.meta.generation);
        ctx.insert(Entity::GrpcRoute(Arc::new(snapshot::HttpRoute { name, generation, attachments, rules })));
    }
    attach::finish(ctx, gateways, head, &parents, &verdict);
}

/// The matches of a rule that can be read; the others are problems, and match nothing. `place`: age, name and index.
fn compile_matches(
    expressions: &mut Expressions,
    written: &GrpcRouteRule,
    path: &str,
    (created, route, index): (i64, &ObjectName, usize),
    problems: &mut Vec<Problem>,
) -> Vec<HttpMatch> {
    let everything = [GrpcRouteMatch::default()];
    let wanted = if written.matches.is_empty() { &everything[..] } else { &written.matches };
    let mut matches = Vec::with_capacity(wanted.len());
    for (i, wanted) in wanted.iter().enumerate() {
        match compile_match(expressions, wanted, &format!("{path}.matches[{i}]")) {
            Ok((path, headers)) => {
                let precedence = precedence::unranked();
                let mut found = HttpMatch { precedence, path, method: None, headers, query: Vec::new() };
                found.precedence = precedence::of_match(&found, created, route, index, i);
                matches.push(found);
            }
            Err(problem) => problems.push(problem),
        }
    }
    matches
}

fn compile_match(
    expressions: &mut Expressions,
    wanted: &GrpcRouteMatch,
    path: &str,
) -> Result<(PathMatch, Vec<ValueMatch>), Problem> {
    let mut text = |kind: MatchType, value: &str, field: String| match kind {
        MatchType::Exact => Ok(TextMatch::Exact(value.to_owned())),
        MatchType::RegularExpression => match expressions.check(value) {
            Ok(()) => Ok(TextMatch::Regex(value.to_owned())),
            Err(why) => Err(regex_problem(format!("{path}.{field}"), value, &why)),
        },
    };
    let mut call = MethodMatch::default();
    if let Some(method) = &wanted.method {
        // An empty text asks for nothing, as an absent one.
        let mut part = |value: &Option<String>, field: &str| {
            let value = value.as_deref().filter(|value| !value.is_empty());
            value.map(|value| text(method.match_type, value, format!("method.{field}"))).transpose()
        };
        call = MethodMatch { service: part(&method.service, "service")?, method: part(&method.method, "method")? };
    }
    // Of equal names the first counts (API, GRPCHeaderMatch.name).
    let mut headers: Vec<ValueMatch> = Vec::new();
    for (i, header) in wanted.headers.iter().enumerate() {
        let name = header.name.to_ascii_lowercase();
        if headers.iter().all(|known| known.name != name) {
            let value = text(header.match_type, &header.value, format!("headers[{i}].value"))?;
            headers.push(ValueMatch { name, value });
        }
    }
    Ok((PathMatch::Method(call), headers))
}
