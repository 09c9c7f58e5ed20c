//! Which rule serves a request (Gateway API v1.7, `HTTPRouteSpec.hostnames` and `HTTPRouteRule.matches`).
//!
//! ```text
//!   host ──▶ HostMap ──▶ Paths of the most specific hostname ──▶ exact path · expressions · prefixes ──▶ conditions ──▶ target
//!                 └────▶ Paths of the next one, if none of its matches holds
//! ```
//!
//! A request costs one hash per label of its host and per segment of its path; how many routes there are does not matter.
//! Only regular expressions, and matches under one hostname with one and the same path, are tried one after the other.
//!
//! A less specific hostname serves what no match of a more specific one takes: the API gives *precedence* to the more
//! specific hostname, and wants 404 only "when no rules matching a request have been successfully attached". Between
//! listeners there is no such way back (listener isolation); that is [`crate::http`]'s business, as is the listener's table.
//!
//! The path is compared as it was sent: case-sensitive, nothing decoded, no dot segments removed. What was matched is what
//! the backend gets.

mod call;
mod host;
mod path;
mod rules;

pub(crate) mod fuzz;
#[cfg(test)]
mod oracle;

/// By keys of the configuration. What clients send is only looked up, so nobody fills such a map with keys that collide.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

pub(crate) use host::{HostMap, Name, without_port};
pub(crate) use path::{Candidate, Paths};
pub(crate) use rules::{Match, Path};

use http::{HeaderMap, Method};
use std::{cell::OnceCell, sync::Arc};

/// What the choice of a rule depends on, besides the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Method, case-sensitive.
    pub(crate) method: &'a Method,
    /// Path without query, as sent.
    pub(crate) path: &'a str,
    /// What follows the `?`.
    pub(crate) query: Option<&'a str>,
    /// Header section.
    pub(crate) headers: &'a HeaderMap,
    /// Whether it is a gRPC call, for which GRPCRoutes come first: where a hostname has such, they alone.
    pub(crate) call: bool,
}

/// The routes of one listener.
pub(crate) type Hosts<T> = HostMap<Arc<Paths<T>>>;

/// The match that serves a request, `None` for 404.
pub(crate) fn find<'a, T>(hosts: &'a Hosts<T>, name: &Name, request: &Request<'_>) -> Option<&'a Candidate<T>> {
    let query = OnceCell::new();
    hosts.matching(name).find_map(|paths| paths.find(request, &query))
}
