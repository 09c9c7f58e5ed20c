//! HTTPRoute.

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
use resources::gateway_api::{Duration, HttpRouteMatch, HttpRouteRule, MatchType, PathMatchType};
use resources::{HttpRoute, Kind};
use snapshot::{
    Attachment, Entity, Hostname, HttpFilter, HttpMatch, HttpRule, ListenerRef, ObjectName, PathMatch, TextMatch,
    Timeouts, ValueMatch, WeightedBackend,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What of a rule depends on the route and its filters.
#[derive(Debug)]
struct CompiledRule {
    /// Backends are still missing.
    rule: HttpRule,
    /// By backendRef.
    backend_filters: Vec<Vec<HttpFilter>>,
    /// Why the rule cannot be served.
    problems: Vec<Problem>,
    /// References in filters that do not resolve.
    ref_problems: Vec<Problem>,
    /// Remarks on filters.
    warnings: Vec<Problem>,
}

/// Translates every HTTPRoute.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &mut [GatewayState<'_>], backends: &mut Backends<'_>) {
    for object in ctx.index.resources().http_routes.values() {
        translate_one(ctx, gateways, backends, object);
    }
}

fn translate_one(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    object: &Arc<HttpRoute>,
) {
    let spec = &object.spec;
    let head = RouteHead {
        kind: Kind::HttpRoute,
        meta: &object.meta,
        parent_refs: &spec.parent_refs,
        default_gateways: spec.use_default_gateways,
    };
    let parents = attach(ctx, gateways, head, bind_hostnames(&spec.hostnames));
    let mut verdict = Verdict::default();
    let guarded = ctx.guards.of_route(gateways, head, &parents);
    let (created, name) = (precedence::created(&object.meta), object_name(&object.meta));
    let mut rules = Vec::with_capacity(spec.rules.len());
    let mut bad = 0;
    for (i, written) in spec.rules.iter().enumerate() {
        let filters = Filters::new(backends, (Kind::HttpRoute, &object.meta.namespace));
        let compiled = compile_rule(&mut ctx.memo.expressions, filters, written, i, created, &name);
        let mut rule = compiled.rule;
        rule.backends.reserve_exact(written.backend_refs.len());
        for ((j, reference), filters) in written.backend_refs.iter().enumerate().zip(compiled.backend_filters) {
            let path = format!("spec.rules[{i}].backendRefs[{j}]");
            let from = (Kind::HttpRoute, &*object.meta.namespace);
            let target = target(backends, &mut verdict, from, (&reference.backend).into(), &path, Use::Http);
            rule.backends.push(WeightedBackend { target, weight: reference.backend.weight, filters });
        }
        verdict.ref_problems.extend(compiled.ref_problems);
        verdict.warnings.extend(compiled.warnings);
        let mut problems = guarded.clone();
        problems.extend(ctx.guards.of_rule(head, rule.name.as_deref(), &format!("spec.rules[{i}]")));
        problems.extend(compiled.problems);
        if !problems.is_empty() {
            rule.unserved = Some(join(&problems));
            bad += 1;
            verdict.partial.extend(problems);
        }
        if !rule.matches.is_empty() {
            rules.push(rule);
        }
    }
    if bad == spec.rules.len() {
        verdict.problems = std::mem::take(&mut verdict.partial);
    }
    let used = rules.iter().flat_map(HttpRule::reached);
    reach(backends, gateways, &parents, used, |_| Use::Http);
    let mut attachments: BTreeMap<ListenerRef, Vec<Hostname>> = BTreeMap::new();
    for (_, _, listener, names) in attach::served(gateways, &parents) {
        // Two parentRefs that mean the same listener come to the same names.
        attachments.entry(listener).or_insert_with(|| names.clone());
    }
    if !attachments.is_empty() && !rules.is_empty() {
        // Collected, they would leave room for three more in each of thousands of routes.
        let mut bonds = Vec::with_capacity(attachments.len());
        bonds.extend(attachments.into_iter().map(|(listener, hostnames)| Attachment { listener, hostnames }));
        let attachments = bonds;
        let generation = object.meta.generation;
        ctx.insert(Entity::HttpRoute(Arc::new(snapshot::HttpRoute { name, generation, attachments, rules })));
    }
    attach::finish(ctx, gateways, head, &parents, &verdict);
}

fn compile_rule(
    expressions: &mut Expressions,
    mut filters: Filters<'_, '_>,
    written: &HttpRouteRule,
    index: usize,
    created: i64,
    route: &ObjectName,
) -> CompiledRule {
    let path = format!("spec.rules[{index}]");
    let mut problems = Vec::new();
    let everything = [HttpRouteMatch::default()];
    let wanted = if written.matches.is_empty() { &everything[..] } else { &written.matches };
    let mut matches = Vec::with_capacity(wanted.len());
    for (i, wanted) in wanted.iter().enumerate() {
        // A match that cannot be read matches nothing; what the rule's other matches take is answered with 500.
        match compile_match(expressions, wanted, &format!("{path}.matches[{i}]")) {
            Ok(mut found) => {
                found.precedence = precedence::of_match(&found, created, route, index, i);
                matches.push(found);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let session = written.session_persistence.as_ref().map(|session| {
        let named = written.name.clone().unwrap_or_else(|| index.to_string());
        session::session(session, &format!("{path}.sessionPersistence"), &format!("HTTPRoute {route} {named}"))
    });
    let session = session.transpose().map_err(|problem| problems.push(problem)).ok().flatten();
    let rule_filters = filters.http(&written.filters, &path);
    let backend_filters = written.backend_refs.iter().enumerate();
    let backend_filters =
        backend_filters.map(|(j, reference)| filters.http(&reference.filters, &format!("{path}.backendRefs[{j}]")));
    let backend_filters = backend_filters.collect();
    let Filters { problems: of_filters, ref_problems, warnings, .. } = filters;
    problems.extend(of_filters);
    let limit = |duration: Option<Duration>| duration.filter(|d| !d.is_zero()).map(Duration::get);
    let timeouts = written.timeouts.as_ref().map_or_else(Timeouts::default, |timeouts| Timeouts {
        request: limit(timeouts.request),
        backend_request: limit(timeouts.backend_request),
    });
    let rule = HttpRule {
        name: written.name.clone(),
        matches,
        filters: rule_filters,
        backends: Vec::new(),
        timeouts,
        retry: written.retry.as_ref().map(|retry| Box::new(session::retry(retry))),
        session: session.map(Box::new),
        unserved: None,
    };
    CompiledRule { rule, backend_filters, problems, ref_problems, warnings }
}

fn compile_match(expressions: &mut Expressions, wanted: &HttpRouteMatch, path: &str) -> Result<HttpMatch, Problem> {
    let mut regex = |field: String, expression: &str| match expressions.check(expression) {
        Ok(()) => Ok(expression.to_owned()),
        Err(why) => Err(regex_problem(format!("{path}.{field}.value"), expression, &why)),
    };
    let path_match = match wanted.path.match_type {
        PathMatchType::Exact => PathMatch::Exact(wanted.path.value.clone()),
        PathMatchType::PathPrefix => PathMatch::Prefix(wanted.path.value.trim_end_matches('/').to_owned()),
        PathMatchType::RegularExpression => PathMatch::Regex(regex("path".into(), &wanted.path.value)?),
    };
    let mut value = |field: String, kind: MatchType, value: &str| match kind {
        MatchType::Exact => Ok(TextMatch::Exact(value.to_owned())),
        MatchType::RegularExpression => regex(field, value).map(TextMatch::Regex),
    };
    // Of equal names the first counts (API, HTTPHeaderMatch.name and HTTPQueryParamMatch.name).
    let mut headers: Vec<ValueMatch> = Vec::new();
    for (i, header) in wanted.headers.iter().enumerate() {
        let name = header.name.to_ascii_lowercase();
        if headers.iter().all(|known| known.name != name) {
            headers.push(ValueMatch { name, value: value(format!("headers[{i}]"), header.match_type, &header.value)? });
        }
    }
    let mut query: Vec<ValueMatch> = Vec::new();
    for (i, parameter) in wanted.query_params.iter().enumerate() {
        let name = parameter.name.clone();
        if query.iter().all(|known| known.name != name) {
            let value = value(format!("queryParams[{i}]"), parameter.match_type, &parameter.value)?;
            query.push(ValueMatch { name, value });
        }
    }
    let method = wanted.method.map(|method| method.as_str().to_owned());
    Ok(HttpMatch { precedence: precedence::unranked(), path: path_match, method, headers, query })
}
