//! The rules of an HTTPRoute, compiled.

use super::{
    filter::Filters,
    grpc::{CODES, Code},
};
use crate::{
    listener::Listener,
    router::Match,
    telemetry::metrics::{Counter, GrpcLabels, Histogram, HttpDurationLabels, HttpLabels, Metrics},
};
use snapshot::{BackendKey, BackendTarget, HttpRoute, HttpRule, Retry, Session, Timeouts};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A rule, shared by all listeners and hosts that serve it.
#[derive(Debug)]
pub(super) struct Rule {
    /// `namespace/name` of the route.
    pub(super) route: Arc<str>,
    /// The rule's name or, if it has none, its index.
    pub(super) name: Arc<str>,
    pub(super) filters: Filters,
    pub(super) backends: Box<[Destination]>,
    pub(super) timeouts: Timeouts,
    pub(super) retry: Option<Box<Retry>>,
    pub(super) session: Option<Box<Session>>,
    /// Of a GRPCRoute: its backends speak HTTP/2.
    pub(super) calls: bool,
    /// Why it answers 500.
    pub(super) unserved: Option<String>,
    matches: Box<[Arc<Match>]>,
    weights: u64,
}

/// One of a rule's backends.
#[derive(Debug)]
pub(super) struct Destination {
    /// Why not: 500.
    pub(super) backend: Result<BackendKey, String>,
    /// As in metrics and logs.
    pub(super) label: Arc<str>,
    pub(super) filters: Filters,
    weight: u32,
}

impl Rule {
    /// Whether a filter of this rule, or of one of its backends, sets or removes a field of requests.
    pub(super) fn guards(&self, backend: Option<usize>, name: &http::HeaderName) -> bool {
        let of_backend = backend.and_then(|index| self.backends.get(index));
        self.filters.guards(name) || of_backend.is_some_and(|backend| backend.filters.guards(name))
    }

    /// Compiles all rules of a route. What cannot be compiled makes its rule answer 500.
    pub(super) fn compile_all(route: &HttpRoute) -> Vec<Arc<Self>> {
        let label: Arc<str> = route.name.to_string().into();
        let rules = route.rules.iter().enumerate();
        rules.map(|(index, rule)| Arc::new(Self::compile(&label, index, rule))).collect()
    }

    fn compile(route: &Arc<str>, index: usize, from: &HttpRule) -> Self {
        let mut unserved = from.unserved.clone();
        let mut note = |error: String| unserved = unserved.take().or(Some(error));
        let mut matches = Vec::with_capacity(from.matches.len());
        for one in &from.matches {
            match Match::compile(one) {
                Ok(compiled) => matches.push(Arc::new(compiled)),
                Err(error) => note(error.to_string()),
            }
        }
        let mut filters = |from| Filters::compile(from).map_err(|error| note(error.to_string())).unwrap_or_default();
        let rule_filters = filters(&from.filters);
        let backends: Box<[_]> = from
            .backends
            .iter()
            .map(|backend| Destination {
                label: match &backend.target {
                    BackendTarget::Backend(key) => key.to_string().into(),
                    BackendTarget::Invalid(_) => "".into(),
                },
                backend: match &backend.target {
                    BackendTarget::Backend(key) => Ok(key.clone()),
                    BackendTarget::Invalid(why) => Err(why.clone()),
                },
                filters: filters(&backend.filters),
                weight: backend.weight,
            })
            .collect();
        Self {
            route: Arc::clone(route),
            name: from.name.clone().unwrap_or_else(|| index.to_string()).into(),
            filters: rule_filters,
            weights: backends.iter().map(|backend| u64::from(backend.weight)).sum(),
            backends,
            timeouts: from.timeouts,
            calls: from.matches.iter().any(|found| matches!(found.path, snapshot::PathMatch::Method(_))),
            retry: from.retry.clone(),
            session: from.session.clone(),
            unserved,
            matches: matches.into(),
        }
    }

    pub(super) fn matches(&self) -> &[Arc<Match>] {
        &self.matches
    }

    /// The backend at a point of the unit interval, given as a fraction of 2³²: each has its weight's share of it. `None`
    /// if there is none with a weight.
    pub(super) fn backend_at(&self, point: u32) -> Option<usize> {
        if self.weights == 0 {
            return None;
        }
        let mut left = (u128::from(self.weights) * u128::from(point)) >> 32;
        self.backends.iter().position(|backend| {
            let weight = u128::from(backend.weight);
            let here = left < weight;
            left = left.saturating_sub(weight);
            here
        })
    }
}

/// A rule as one listener serves it: with its metrics.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) rule: Arc<Rule>,
    /// One per backend, then one for requests that reach none.
    metrics: Box<[Red]>,
}

impl Served {
    /// `old`: the route's rules as this listener has served them so far; their counts go on.
    pub(super) fn new(rule: Arc<Rule>, listener: &Listener, old: &[Arc<Self>]) -> Self {
        let none: Arc<str> = "".into();
        let labels = rule.backends.iter().map(|backend| &backend.label).chain([&none]);
        let red = |backend: &Arc<str>| {
            let new = Red::new(&listener.label, &rule.route, backend);
            let mut old = old.iter().flat_map(|served| &served.metrics);
            old.find(|old| old.labels == new.labels).cloned().unwrap_or(new)
        };
        let metrics = labels.map(red).collect();
        Self { rule, metrics }
    }

    /// Counts of a backend, or of what reached none.
    pub(super) fn metrics(&self, backend: Option<usize>) -> Option<&Red> {
        backend.and_then(|backend| self.metrics.get(backend)).or(self.metrics.last())
    }
}

/// Rate, errors, duration of one listener, route and backend. A series comes to be with the first request that it counts.
#[derive(Clone, Debug)]
pub(super) struct Red {
    labels: HttpDurationLabels,
    classes: [OnceLock<Arc<Counter>>; CLASSES.len()],
    duration: OnceLock<Arc<Histogram>>,
    /// By status of gRPC; few routes have calls.
    calls: OnceLock<Box<Calls>>,
}

type Calls = [OnceLock<Arc<Counter>>; CODES.len()];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Red {
    pub(super) fn new(listener: &Arc<str>, route: &Arc<str>, backend: &Arc<str>) -> Self {
        let labels = HttpDurationLabels {
            listener: Arc::clone(listener),
            route: Arc::clone(route),
            backend: Arc::clone(backend),
        };
        Self { labels, classes: Default::default(), duration: OnceLock::new(), calls: OnceLock::new() }
    }

    /// Counts one gRPC call.
    pub(super) fn count_call(&self, metrics: &Metrics, code: Code) {
        let calls = self.calls.get_or_init(Box::default);
        let counter = calls[code.index()].get_or_init(|| {
            let HttpDurationLabels { listener, route, backend } = self.labels.clone();
            metrics.grpc_requests.get(GrpcLabels { listener, route, backend, status: code.as_str().into() })
        });
        counter.inc();
    }

    /// Counts one request.
    pub(super) fn count(&self, metrics: &Metrics, status: u16, duration: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        let counter = self.classes[class].get_or_init(|| {
            let HttpDurationLabels { listener, route, backend } = self.labels.clone();
            metrics.http_requests.get(HttpLabels { listener, route, backend, code: CLASSES[class].into() })
        });
        counter.inc();
        self.duration.get_or_init(|| metrics.http_duration.get(self.labels.clone())).observe(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapshot::{ObjectName, WeightedBackend};

    fn rule(weights: &[u32]) -> Rule {
        let backend = |weight: &u32| WeightedBackend {
            target: BackendTarget::Invalid(String::new()),
            weight: *weight,
            filters: Vec::new(),
        };
        let rule = HttpRule {
            name: None,
            matches: Vec::new(),
            filters: Vec::new(),
            backends: weights.iter().map(backend).collect(),
            timeouts: Timeouts::default(),
            retry: None,
            session: None,
            unserved: None,
        };
        Rule::compile(&ObjectName::new("a", "b").to_string().into(), 0, &rule)
    }

    #[test]
    fn backends_get_their_weights_share() {
        assert_eq!(rule(&[]).backend_at(7), None);
        assert_eq!(rule(&[0, 0]).backend_at(7), None);
        assert_eq!(rule(&[0, 3, 0]).backend_at(u32::MAX), Some(1));
        let rule = rule(&[70, 0, 30]);
        let mut hits = [0; 3];
        let mut point = 0_u32;
        for _ in 0..1000 {
            point = point.wrapping_add(super::super::pool::STRIDE);
            hits[rule.backend_at(point).unwrap()] += 1;
        }
        assert!((698..=702).contains(&hits[0]) && hits[1] == 0, "{hits:?}");
    }
}
