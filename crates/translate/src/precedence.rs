//! The order of the Gateway API: between objects, and among the matches of HTTPRoutes and of GRPCRoutes.

use resources::ObjectMeta;
use snapshot::{HttpMatch, MethodRank, ObjectName, PathMatch, PathRank, Precedence, TextMatch, TextRank};
use std::cmp::Reverse;

/// Age of an object in seconds since 1970; objects without a timestamp are equally old, and older than all others.
pub(crate) fn created(meta: &ObjectMeta) -> i64 {
    meta.creation_timestamp.map_or(i64::MIN, |time| time.as_second())
}

/// Where a match stands (`HTTPRouteRule.matches`, `GRPCRouteRule.matches`).
pub(crate) fn of_match(found: &HttpMatch, created: i64, route: &ObjectName, rule: usize, place: usize) -> Precedence {
    let count = |length: usize| Reverse(u16::try_from(length).unwrap_or(u16::MAX));
    let characters = |text: &str| count(text.chars().count());
    let index = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
    Precedence {
        path: match &found.path {
            PathMatch::Exact(_) => PathRank::Exact,
            PathMatch::Regex(expression) => PathRank::Regex(characters(expression)),
            PathMatch::Prefix(prefix) => PathRank::Prefix(characters(prefix)),
            PathMatch::Method(call) => {
                let rank = |text: &Option<TextMatch>| match text {
                    Some(TextMatch::Exact(_)) => TextRank::Exact,
                    Some(TextMatch::Regex(expression)) => TextRank::Regex(characters(expression)),
                    None => TextRank::Any,
                };
                PathRank::Method(MethodRank { service: rank(&call.service), method: rank(&call.method) })
            }
        },
        any_method: found.method.is_none(),
        headers: count(found.headers.len()),
        query: count(found.query.len()),
        created,
        route: route.clone(),
        index: (index(rule), index(place)),
    }
}

/// A place that is filled in once the match is known.
pub(crate) fn unranked() -> Precedence {
    Precedence {
        path: PathRank::Exact,
        any_method: true,
        headers: Reverse(0),
        query: Reverse(0),
        created: 0,
        route: ObjectName::new("", ""),
        index: (0, 0),
    }
}
