//! Remarks on matches that never take a request: an equal match stands before them under every hostname of the route.

use crate::Context;
use crate::findings::Problem;
use resources::{Code, Key, Kind};
use snapshot::{Entity, Hostname, HttpMatch, HttpRoute, ListenerRef, PathMatch, Precedence, ValueMatch};
use std::collections::HashMap;
use std::sync::Arc;

/// The least precedence by listener, hostname and what is asked for.
type First<'a> = HashMap<(&'a ListenerRef, &'a Hostname, Asked<'a>), &'a Precedence>;

/// What a match asks for, whatever the order in which it is written.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked<'a> {
    path: &'a PathMatch,
    method: Option<&'a str>,
    headers: Vec<&'a ValueMatch>,
    query: Vec<&'a ValueMatch>,
}

impl<'a> Asked<'a> {
    fn by(found: &'a HttpMatch) -> Self {
        let sorted = |values: &'a [ValueMatch]| {
            let mut values: Vec<_> = values.iter().collect();
            values.sort_unstable();
            values
        };
        Self {
            path: &found.path,
            method: found.method.as_deref(),
            headers: sorted(&found.headers),
            query: sorted(&found.query),
        }
    }
}

/// Looks at all HTTPRoutes and GRPCRoutes that are served.
pub(crate) fn note(ctx: &mut Context<'_>) {
    let routes = ctx.entities.values().filter_map(|entity| match entity {
        Entity::HttpRoute(route) => Some((Kind::HttpRoute, route.clone())),
        Entity::GrpcRoute(route) => Some((Kind::GrpcRoute, route.clone())),
        _ => None,
    });
    let routes: Vec<(Kind, Arc<HttpRoute>)> = routes.collect();
    let mut first = First::new();
    for (_, route) in &routes {
        for found in matches(route) {
            let asked = Asked::by(found);
            for (listener, hostname) in hostnames(route) {
                let known = first.entry((listener, hostname, asked.clone())).or_insert(&found.precedence);
                *known = (*known).min(&found.precedence);
            }
        }
    }
    for (kind, route) in &routes {
        let key = Key::new(*kind, route.name.namespace.clone(), route.name.name.clone());
        for found in matches(route) {
            let asked = Asked::by(found);
            let winner = |(listener, hostname)| {
                let known = first.get(&(listener, hostname, asked.clone())).copied();
                known.filter(|known| **known != found.precedence)
            };
            let winners: Option<Vec<_>> = hostnames(route).map(winner).collect();
            let Some(winner) = winners.as_ref().and_then(|winners| winners.first()) else { continue };
            let path = |p: &Precedence| format!("spec.rules[{}].matches[{}]", p.index.0, p.index.1);
            let message = format!("{} of {kind} {} asks for the same and stands before it", path(winner), winner.route);
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
