//! Counts and durations per route, API and broker. A route keeps the handles; a connection looks each up once.

use crate::telemetry::metrics::{Counter, Histogram, KafkaDurationLabels, KafkaEndLabels, KafkaLabels, Metrics};
use kafka::ApiKey;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Brokers told apart per route; more share `other`.
const MAX_BROKERS: usize = 1000;

/// Handles of one API on one broker.
#[derive(Debug)]
pub(super) struct ApiMetrics {
    count: Arc<Counter>,
    gateway: Arc<Histogram>,
    broker: Arc<Histogram>,
}

impl ApiMetrics {
    pub(super) fn observe(&self, gateway: Duration, broker: Duration) {
        self.count.inc();
        self.gateway.observe(gateway);
        // Answers of the gateway, and requests without one, say nothing of the broker.
        if !broker.is_zero() {
            self.broker.observe(broker);
        }
    }
}

type Brokers = HashMap<Option<i32>, HashMap<ApiKey, Arc<ApiMetrics>>>;

/// A route's handles; they outlive its changes.
#[derive(Debug, Default)]
pub(crate) struct RouteMetrics {
    brokers: Mutex<Brokers>,
    ends: Mutex<HashMap<&'static str, Arc<Counter>>>,
}

impl RouteMetrics {
    /// Counts a connection that has ended.
    pub(super) fn close(&self, metrics: &Metrics, route: &Arc<str>, cause: &'static str) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = || KafkaEndLabels { route: Arc::clone(route), cause: cause.into() };
        ends.entry(cause).or_insert_with(|| metrics.kafka_ends.get(labels())).inc();
    }

    fn get(&self, metrics: &Metrics, route: &Arc<str>, broker: Option<i32>, api: ApiKey) -> Arc<ApiMetrics> {
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = brokers.len() < MAX_BROKERS || brokers.contains_key(&broker);
        let (broker, label): (_, Arc<str>) = match broker {
            None => (None, "bootstrap".into()),
            Some(id) if known => (Some(id), id.to_string().into()),
            Some(_) => (Some(-1), "other".into()),
        };
        let handles = brokers.entry(broker).or_default().entry(api).or_insert_with(|| {
            // The two that carry records, whose times say something; the others together.
            let timed = if matches!(api, ApiKey::Produce | ApiKey::Fetch) { api.name() } else { "other" };
            let duration = |part: &str| {
                let labels = KafkaDurationLabels { route: Arc::clone(route), api: timed.into(), part: part.into() };
                metrics.kafka_duration.get(labels)
            };
            Arc::new(ApiMetrics {
                gateway: duration("gateway"),
                broker: duration("broker"),
                count: metrics.kafka_requests.get(KafkaLabels {
                    route: Arc::clone(route),
                    api: api.name().into(),
                    broker: Arc::clone(&label),
                }),
            })
        });
        Arc::clone(handles)
    }
}

/// A connection's handles: a few, the most used ones first.
#[derive(Debug, Default)]
pub(super) struct ConnectionMetrics(Vec<(ApiKey, Arc<ApiMetrics>)>);

impl ConnectionMetrics {
    /// The handles of `api`.
    pub(super) fn api(
        &mut self,
        api: ApiKey,
        metrics: &Metrics,
        route: &RouteMetrics,
        label: &Arc<str>,
        broker: Option<i32>,
    ) -> &ApiMetrics {
        let handles = &mut self.0;
        let at = match handles.iter().position(|(known, _)| *known == api) {
            // So that Produce and Fetch come to the front.
            Some(at) if at > 0 => {
                handles.swap(at - 1, at);
                at - 1
            }
            Some(at) => at,
            None => {
                handles.push((api, route.get(metrics, label, broker, api)));
                handles.len() - 1
            }
        };
        &handles[at].1
    }
}
