//! Prometheus metrics. Handles are resolved when the configuration is compiled or a connection begins, never per
//! request; a series lives as long as somebody holds its handle, so series of removed entities go by themselves.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Registry,
};
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Counts up.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn inc(&self) {
        self.add(1);
    }

    /// Some more.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// So far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub(crate) fn inc(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less.
    pub(crate) fn dec(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// Now.
    pub(crate) fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }
}

/// Upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Durations in buckets, without a lock.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One per bound, and one for the rest.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.buckets[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

impl EncodeMetric for Counter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, u64, f64>(&self.get(), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl EncodeMetric for Gauge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.get())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().copied().chain([f64::MAX]);
        let buckets: Vec<_> = bounds.zip(self.buckets.iter().map(|count| count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_micros(self.micros.load(Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// All series of one metric: labels → handle.
pub(crate) struct Series<L, M>(Arc<SeriesInner<L, M>>);

struct SeriesInner<L, M> {
    name: &'static str,
    help: &'static str,
    live: Mutex<Live<L, M>>,
}

struct Live<L, M> {
    series: HashMap<L, Weak<M>>,
    /// At how many of them those that nobody holds are looked for: without it they would pile up where nobody scrapes.
    purge_at: usize,
}

impl<L, M> Live<L, M> {
    fn purge(&mut self) {
        self.series.retain(|_, metric| metric.strong_count() > 0);
        self.purge_at = (2 * self.series.len()).max(64);
    }
}

impl<L, M> fmt::Debug for SeriesInner<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<L, M> Series<L, M>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + 'static,
    M: EncodeMetric + Default + Send + Sync + 'static,
{
    fn new(registry: &mut Registry, name: &'static str, help: &'static str) -> Self {
        let live = Live { series: HashMap::new(), purge_at: 64 };
        let inner = Arc::new(SeriesInner { name, help, live: Mutex::new(live) });
        registry.register_collector(Box::new(Arc::clone(&inner)));
        Self(inner)
    }

    /// The handle for these labels. Takes a lock: keep the handle.
    pub(crate) fn get(&self, labels: L) -> Arc<M> {
        let mut live = self.0.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metric) = live.series.get(&labels).and_then(Weak::upgrade) {
            return metric;
        }
        if live.series.len() >= live.purge_at {
            live.purge();
        }
        let metric = Arc::new(M::default());
        live.series.insert(labels, Arc::downgrade(&metric));
        metric
    }
}

impl<L, M> Collector for SeriesInner<L, M>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + 'static,
    M: EncodeMetric + Default + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let series: Vec<_> = {
            let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.purge();
            live.series.iter().filter_map(|(labels, metric)| Some((labels.clone(), metric.upgrade()?))).collect()
        };
        let mut family = encoder.encode_descriptor(self.name, self.help, None, M::default().metric_type())?;
        for (labels, metric) in &series {
            metric.encode(family.encode_family(labels)?)?;
        }
        Ok(())
    }
}

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelSet)]
        #[allow(missing_docs)]
        pub(crate) struct $name { $(pub(crate) $field: Arc<str>),* }
    };
}

labels! {
    /// `listener` is `namespace/gateway/listener`; `protocol` is `http`, `https`, `tls`, `kafka`.
    ConnectionLabels { listener, protocol }
}
labels! {
    /// `cause` is one of a fixed list.
    ErrorLabels { listener, cause }
}
labels! {
    /// `code` is the class: `1xx` … `5xx`; `route` and `backend` may be empty.
    HttpLabels { listener, route, backend, code }
}
labels! {
    /// As [`HttpLabels`], without the class.
    HttpDurationLabels { listener, route, backend }
}
labels! {
    /// `api` is Kafka's name of it; `broker` is the id or `bootstrap`.
    KafkaLabels { route, api, broker }
}
labels! {
    /// `part` is `gateway` or `broker`.
    KafkaDurationLabels { route, api, broker, part }
}
labels! {
    /// `cause` is the `end` of the access log.
    KafkaEndLabels { route, cause }
}
labels! {
    /// `backend` is the object.
    UpstreamLabels { backend }
}
labels! {
    /// `cause` is one of [`crate::upstream::ConnectError`]'s.
    UpstreamErrorLabels { backend, cause }
}
labels! {
    /// `worker` is its number.
    WorkerLabels { worker }
}
labels! {
    /// Process-wide.
    NoLabels {}
}

/// Every metric of the proxy.
pub(crate) struct Metrics {
    registry: Registry,
    /// Client connections so far.
    pub(crate) connections_total: Series<ConnectionLabels, Counter>,
    /// Client connections now.
    pub(crate) connections_active: Series<ConnectionLabels, Gauge>,
    /// Client connections that ended before they were served.
    pub(crate) connection_errors: Series<ErrorLabels, Counter>,
    /// HTTP requests.
    pub(crate) http_requests: Series<HttpLabels, Counter>,
    /// From a request's header to the end of its response.
    pub(crate) http_duration: Series<HttpDurationLabels, Histogram>,
    /// Kafka requests.
    pub(crate) kafka_requests: Series<KafkaLabels, Counter>,
    /// Time of Kafka requests, our part apart from the broker's.
    pub(crate) kafka_duration: Series<KafkaDurationLabels, Histogram>,
    /// Kafka connections that have ended, by cause.
    pub(crate) kafka_ends: Series<KafkaEndLabels, Counter>,
    /// Upstream connections so far.
    pub(crate) upstream_total: Series<UpstreamLabels, Counter>,
    /// Upstream connections now.
    pub(crate) upstream_active: Series<UpstreamLabels, Gauge>,
    /// Upstream connections that failed.
    pub(crate) upstream_errors: Series<UpstreamErrorLabels, Counter>,
    /// Client connections of each worker, set when somebody asks.
    pub(crate) worker_connections: Series<WorkerLabels, Gauge>,
    /// Lines of the access log that were dropped as the writer did not keep up.
    pub(crate) access_log_dropped: Arc<Counter>,
    /// Revision that is served.
    pub(crate) revision: Arc<Gauge>,
}

impl Metrics {
    /// All metrics at zero.
    pub(crate) fn new() -> Self {
        let mut r = Registry::with_prefix("sluicegate");
        let dropped: Series<NoLabels, Counter> =
            Series::new(&mut r, "access_log_dropped", "Access log lines dropped as the writer did not keep up");
        let revision: Series<NoLabels, Gauge> = Series::new(&mut r, "config_revision", "Revision that is served");
        Self {
            connections_total: Series::new(&mut r, "connections", "Client connections"),
            connections_active: Series::new(&mut r, "connections_active", "Client connections now"),
            connection_errors: Series::new(&mut r, "connection_errors", "Client connections that could not be served"),
            http_requests: Series::new(&mut r, "http_requests", "HTTP requests"),
            http_duration: Series::new(&mut r, "http_request_duration_seconds", "From header to end of response"),
            kafka_requests: Series::new(&mut r, "kafka_requests", "Kafka requests"),
            kafka_duration: Series::new(
                &mut r,
                "kafka_request_duration_seconds",
                "Time of Kafka requests, spent in the gateway and waiting for the broker",
            ),
            kafka_ends: Series::new(&mut r, "kafka_connection_ends", "Kafka connections that have ended"),
            upstream_total: Series::new(&mut r, "upstream_connections", "Connections to backends"),
            upstream_active: Series::new(&mut r, "upstream_connections_active", "Connections to backends now"),
            upstream_errors: Series::new(&mut r, "upstream_connection_errors", "Connections to backends that failed"),
            worker_connections: Series::new(&mut r, "worker_connections", "Client connections now, by worker thread"),
            access_log_dropped: dropped.get(NoLabels {}),
            revision: revision.get(NoLabels {}),
            registry: r,
        }
    }

    /// OpenMetrics text, which Prometheus reads.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_that_nobody_holds_go_without_a_scrape() {
        let metrics = Metrics::new();
        let labels = |n: usize| UpstreamLabels { backend: n.to_string().into() };
        let kept = metrics.upstream_total.get(labels(0));
        kept.inc();
        for n in 1..10_000 {
            drop(metrics.upstream_total.get(labels(n)));
        }
        assert!(metrics.upstream_total.0.live.lock().unwrap().series.len() <= 64);
        assert_eq!(metrics.upstream_total.get(labels(0)).get(), 1);
        assert_eq!(metrics.encode().matches("sluicegate_upstream_connections_total{").count(), 1);
    }
}
