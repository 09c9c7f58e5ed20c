//! Which rule of a GRPCRoute serves a call: one hash for its service, the other conditions one by one.

use super::{Map, path::Candidate, rules::Path};

/// The matches of GRPCRoutes under one hostname.
#[derive(Debug)]
pub(super) struct Calls<T> {
    services: Map<Box<str>, Vec<Candidate<T>>>,
    /// Those that ask for no one service.
    others: Vec<Candidate<T>>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self { services: Map::default(), others: Vec::new() }
    }
}

impl<T> Calls<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty() && self.others.is_empty()
    }

    pub(super) fn push(&mut self, candidate: Candidate<T>) {
        let service = match &candidate.condition.path {
            Path::Method(call) => call.exact_service(),
            Path::Exact(_) | Path::Prefix(_) | Path::Regex(_) => None,
        };
        match service {
            Some(service) => self.services.entry(service.into()).or_default().push(candidate),
            None => self.others.push(candidate),
        }
    }

    /// Lists, each of which is to be in order of precedence.
    pub(super) fn lists(&mut self) -> impl Iterator<Item = &mut Vec<Candidate<T>>> {
        self.services.values_mut().chain([&mut self.others])
    }

    /// The first of all that hold: an exact service comes before everything else.
    pub(super) fn find(&self, path: &str, holds: impl Fn(&&Candidate<T>) -> bool) -> Option<&Candidate<T>> {
        // `/package.Service/Method` (gRPC over HTTP2, "Requests"). What has another form is no method of any service.
        let (service, method) = path.strip_prefix('/')?.rsplit_once('/')?;
        let takes = |candidate: &&Candidate<T>| match &candidate.condition.path {
            Path::Method(call) => holds(candidate) && call.holds(service, method),
            Path::Exact(_) | Path::Prefix(_) | Path::Regex(_) => false,
        };
        let of_service = self.services.get(service).and_then(|list| list.iter().find(takes));
        of_service.or_else(|| self.others.iter().find(takes))
    }
}
