//! Remarks on matches that never take a request: an equal match stands before them under every hostname of the route.

use crate::Context;
use crate::findings::Problem;
use resources::{Code, Key, Kind};
use snapshot::{Entity, Hostname, HttpMatch, HttpRoute, ListenerRef, Precedence};
use std::collections::HashMap;
use std::sync::Arc;

/// The least precedence by listener, hostname and what is asked for.
type First<'a> = HashMap<(&'a ListenerRef, &'a Hostname, &'a str), &'a Precedence>;

/// Looks at all HTTPRoutes that are served.
pub(crate) fn note(ctx: &mut Context<'_>) {
    let routes = ctx.entities.values().filter_map(|entity| match entity {
        Entity::HttpRoute(route) => Some((route.clone(), signatures(route))),
        _ => None,
    });
    let routes: Vec<(Arc<HttpRoute>, Vec<String>)> = routes.collect();
    let mut first = First::new();
    for (route, signatures) in &routes {
        for (found, signature) in matches(route).zip(signatures) {
            for (listener, hostname) in hostnames(route) {
                let known = first.entry((listener, hostname, signature)).or_insert(&found.precedence);
                *known = (*known).min(&found.precedence);
            }
        }
    }
    for (route, signatures) in &routes {
        let key = Key::new(Kind::HttpRoute, &*route.name.namespace, &*route.name.name);
        for (found, signature) in matches(route).zip(signatures) {
            let winner = |(listener, hostname)| {
                let known = first.get(&(listener, hostname, signature.as_str())).copied();
                known.filter(|known| **known != found.precedence)
            };
            let winners: Option<Vec<_>> = hostnames(route).map(winner).collect();
            let Some(winner) = winners.as_ref().and_then(|winners| winners.first()) else { continue };
            let path = |p: &Precedence| format!("spec.rules[{}].matches[{}]", p.index.0, p.index.1);
            let message =
                format!("{} of HTTPRoute {} asks for the same and stands before it", path(winner), winner.route);
            let hint = "nothing reaches this match; make one of them more specific, or remove it";
            ctx.report(&key, &Problem::new("Shadowed", Code::ShadowedMatch, path(&found.precedence), message, hint));
        }
    }
}

fn matches(route: &HttpRoute) -> impl Iterator<Item = &HttpMatch> {
    route.rules.iter().flat_map(|rule| &rule.matches)
}

fn hostnames(route: &HttpRoute) -> impl Iterator<Item = (&ListenerRef, &Hostname)> {
    route.attachments.iter().flat_map(|bond| bond.hostnames.iter().map(|hostname| (&bond.listener, hostname)))
}

/// What each match asks for, whatever the order in which it is written.
fn signatures(route: &HttpRoute) -> Vec<String> {
    let signature = |found: &HttpMatch| {
        let sorted = |values: &[snapshot::ValueMatch]| {
            let mut texts: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
            texts.sort();
            texts
        };
        format!("{:?} {:?} {:?} {:?}", found.path, found.method, sorted(&found.headers), sorted(&found.query))
    };
    matches(route).map(signature).collect()
}
