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
        // `/package.Service/Method` (gRPC over HTTP2, "Requests"). What has another form is no method of any named service.
        let (service, method) = path.strip_prefix('/').and_then(|path| path.rsplit_once('/')).unwrap_or((path, ""));
        let takes = |candidate: &&Candidate<T>| match &candidate.condition.path {
            Path::Method(call) => holds(candidate) && call.holds(service, method),
            Path::Exact(_) | Path::Prefix(_) | Path::Regex(_) => false,
        };
        let of_service = self.services.get(service).and_then(|list| list.iter().find(takes));
        of_service.or_else(|| self.others.iter().find(takes))
    }
}

#[cfg(test)]
mod tests {
    use crate::router::{Candidate, HostMap, Match, Name, Paths, Request, find};
    use http::{HeaderMap, Method};
    use snapshot::{
        Hostname, HttpMatch, MethodMatch, MethodRank, ObjectName, PathMatch, PathRank, Precedence, TextMatch, TextRank,
    };
    use std::{cmp::Reverse, sync::Arc};

    /// A match as `translate` writes it; a text with a dot-star is an expression.
    fn call(service: &str, method: &str) -> HttpMatch {
        let text = |text: &str| match text {
            "" => (None, TextRank::Any),
            text if text.contains(".*") => {
                (Some(TextMatch::Regex(text.into())), TextRank::Regex(Reverse(text.len() as u16)))
            }
            text => (Some(TextMatch::Exact(text.into())), TextRank::Exact),
        };
        let ((service, of_service), (method, of_method)) = (text(service), text(method));
        let precedence = Precedence {
            path: PathRank::Method(MethodRank { service: of_service, method: of_method }),
            any_method: true,
            headers: Reverse(0),
            query: Reverse(0),
            created: 0,
            route: ObjectName::new("a", "b"),
            index: (0, 0),
        };
        let path = PathMatch::Method(MethodMatch { service, method });
        HttpMatch { precedence, path, method: None, headers: vec![], query: vec![] }
    }

    #[test]
    fn an_exact_service_comes_before_expressions_and_those_before_methods_alone() {
        let order =
            [("s", "m"), ("s", "m.*"), ("s", ""), ("s.*long", ""), ("s.*", "m"), ("s.*", ""), ("", "m"), ("", "")];
        let asked = [("/s/m", 0), ("/s/mm", 1), ("/s/x", 2), ("/s-long/m", 3), ("/st/m", 4), ("/st/x", 5), ("/t/m", 6)];
        let candidate = |target: usize| {
            let (service, method) = order[target];
            Candidate { condition: Arc::new(Match::compile(&call(service, method)).unwrap()), target }
        };
        for turned in 0..order.len() {
            let candidates = (0..order.len()).map(|at| candidate((at + turned) % order.len()));
            let mut hosts = HostMap::default();
            hosts.insert(&Hostname::Any, Arc::new(Paths::build(candidates)));
            let headers = HeaderMap::new();
            let found = |path, call| {
                let request = Request { method: &Method::POST, path, query: None, headers: &headers, call };
                find(&hosts, &Name::new("x"), &request).map(|found| found.target)
            };
            for (path, expected) in asked.into_iter().chain([("/t/x", 7)]) {
                assert_eq!(found(path, true), Some(expected), "{path}");
            }
            assert_eq!(found("/s", true), Some(7), "no method, which a rule for everything takes all the same");
            assert_eq!(found("/s/m", false), None, "no call");
        }
    }
}
