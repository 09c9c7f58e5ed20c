//! Prometheus metrics. Handles are resolved when the configuration is compiled or a connection begins, never per
//! request; a series lives as long as somebody holds its handle, so series of removed entities go by themselves.
//! Their number is bounded: what comes when there is no more room counts under `other`.

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
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed},
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

/// A kind of metric.
pub(crate) trait Metric: EncodeMetric + Default + Send + Sync + 'static {
    /// Time series that one set of labels makes for Prometheus.
    const LINES: usize;
}

impl Metric for Counter {
    const LINES: usize = 1;
}

impl Metric for Gauge {
    const LINES: usize = 1;
}

impl Metric for Histogram {
    /// The buckets, the one for the rest, the sum and the count.
    const LINES: usize = BOUNDS.len() + 3;
}

/// A set of labels.
pub(crate) trait Labels: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static {
    /// Without what there may be any number of: the values that users or clients choose are `other`.
    fn folded(&self) -> Self;
}

/// Room for time series. Histograms have their own: a few of them would take what hundreds of counters need.
#[derive(Debug)]
struct Room {
    max: usize,
    taken: AtomicUsize,
}

impl Room {
    fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, taken: AtomicUsize::new(0) })
    }

    fn has(&self, lines: usize) -> bool {
        self.taken.load(Relaxed) + lines <= self.max
    }
}

/// All series of one metric: labels → handle.
pub(crate) struct Series<L, M>(Arc<SeriesInner<L, M>>);

impl<L, M> Clone for Series<L, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct SeriesInner<L, M> {
    name: &'static str,
    help: &'static str,
    room: Arc<Room>,
    live: Mutex<Live<L, M>>,
}

/// A series that comes to be when it is first used.
pub(crate) struct Lazy<L, M> {
    series: Series<L, M>,
    labels: L,
    handle: OnceLock<Arc<M>>,
}

impl<L: Labels, M: Metric> Lazy<L, M> {
    /// Its handle.
    pub(crate) fn get(&self) -> &Arc<M> {
        self.handle.get_or_init(|| self.series.get(self.labels.clone()))
    }
}

impl<L: fmt::Debug, M> fmt::Debug for Lazy<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels.fmt(f)
    }
}

struct Live<L, M> {
    series: HashMap<L, Weak<M>>,
    /// At how many of them those that nobody holds are looked for: without it they would pile up where nobody scrapes.
    purge_at: usize,
}

impl<L, M: Metric> Live<L, M> {
    fn purge(&mut self, room: &Room) {
        let before = self.series.len();
        self.series.retain(|_, metric| metric.strong_count() > 0);
        room.taken.fetch_sub((before - self.series.len()) * M::LINES, Relaxed);
        self.purge_at = (2 * self.series.len()).max(64);
    }
}

impl<L, M> fmt::Debug for SeriesInner<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<L: Labels, M: Metric> Series<L, M> {
    fn new(registry: &mut Registry, room: &Arc<Room>, name: &'static str, help: &'static str) -> Self {
        let live = Mutex::new(Live { series: HashMap::new(), purge_at: 64 });
        let inner = Arc::new(SeriesInner { name, help, room: Arc::clone(room), live });
        registry.register_collector(Box::new(Arc::clone(&inner)));
        Self(inner)
    }

    /// The handle for these labels, or for `other` where there is no more room. Takes a lock: keep the handle.
    pub(crate) fn get(&self, labels: L) -> Arc<M> {
        let mut live = self.0.live.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |live: &Live<L, M>, labels: &L| live.series.get(labels).and_then(Weak::upgrade);
        if let Some(metric) = known(&live, &labels) {
            return metric;
        }
        let room = &*self.0.room;
        if live.series.len() >= live.purge_at || !room.has(M::LINES) {
            live.purge(room);
        }
        let labels = if room.has(M::LINES) { labels } else { labels.folded() };
        if let Some(metric) = known(&live, &labels) {
            return metric;
        }
        let metric = Arc::new(M::default());
        if live.series.insert(labels, Arc::downgrade(&metric)).is_none() {
            room.taken.fetch_add(M::LINES, Relaxed);
        }
        metric
    }

    /// The handle for these labels, once it is needed; at once if the series is there, so that it does not begin anew.
    pub(crate) fn lazy(&self, labels: L) -> Lazy<L, M> {
        let live = self.0.live.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = live.series.get(&labels).and_then(Weak::upgrade).map_or_else(OnceLock::new, OnceLock::from);
        Lazy { series: self.clone(), labels, handle }
    }
}

impl<L: Labels, M: Metric> Collector for SeriesInner<L, M> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let series: Vec<_> = {
            let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.purge(&self.room);
            live.series.iter().filter_map(|(labels, metric)| Some((labels.clone(), metric.upgrade()?))).collect()
        };
        let mut family = encoder.encode_descriptor(self.name, self.help, None, M::default().metric_type())?;
        for (labels, metric) in &series {
            metric.encode(family.encode_family(labels)?)?;
        }
        Ok(())
    }
}

/// Labels; those in brackets have values that users or clients choose.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { [$($open:ident),*] $($closed:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelSet)]
        #[allow(missing_docs)]
        pub(crate) struct $name { $(pub(crate) $open: Arc<str>,)* $(pub(crate) $closed: Arc<str>),* }

        impl Labels for $name {
            fn folded(&self) -> Self {
                Self { $($open: "other".into(),)* $($closed: Arc::clone(&self.$closed)),* }
            }
        }
    };
}

labels! {
    /// `listener` is `namespace/gateway/listener`; `protocol` is `http`, `https`, `tls`, `kafka`, `tcp`, `udp`.
    ConnectionLabels { [listener] protocol }
}
labels! {
    /// `cause` is one of a fixed list.
    ErrorLabels { [listener] cause }
}
labels! {
    /// `outcome` is `received` or `sent` (as seen from the gateway), or `dropped`.
    DatagramLabels { [listener] outcome }
}
labels! {
    /// `status` is gRPC's name of it.
    GrpcLabels { [listener, route, backend] status }
}
labels! {
    /// `code` is the class: `1xx` … `5xx`; `route` and `backend` may be empty.
    HttpLabels { [listener, route, backend] code }
}
labels! {
    /// As [`HttpLabels`], without the class.
    HttpDurationLabels { [listener, route, backend] }
}
labels! {
    /// `result` is `allowed`, `denied` or `failed`; `listener` is empty if a route has the filter, else `route`.
    AuthLabels { [listener, route, backend] result }
}
labels! {
    /// `result` is one of [`crate::http`]'s outcomes of a copy.
    MirrorLabels { [route, backend] result }
}
labels! {
    /// `api` is Kafka's name of it; `broker` is the id or `bootstrap`.
    KafkaLabels { [route, api, broker] }
}
labels! {
    /// `api` is `Produce`, `Fetch` or `other`; `part` is `gateway` or `broker`.
    KafkaDurationLabels { [route] api, part }
}
labels! {
    /// `cause` is the `end` of the access log.
    KafkaEndLabels { [route] cause }
}
labels! {
    /// `backend` is the object.
    UpstreamLabels { [backend] }
}
labels! {
    /// `cause` is one of [`crate::upstream::ConnectError`]'s.
    UpstreamErrorLabels { [backend] cause }
}
labels! {
    /// `worker` is its number.
    WorkerLabels { [] worker }
}

/// Of what there is one in a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelSet)]
pub(crate) struct NoLabels {}

impl Labels for NoLabels {
    fn folded(&self) -> Self {
        Self {}
    }
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
    /// Datagrams of clients of UDP.
    pub(crate) udp_datagrams: Series<DatagramLabels, Counter>,
    /// gRPC calls, which count as HTTP requests, too.
    pub(crate) grpc_requests: Series<GrpcLabels, Counter>,
    /// HTTP requests.
    pub(crate) http_requests: Series<HttpLabels, Counter>,
    /// From a request's header to the end of its response.
    pub(crate) http_duration: Series<HttpDurationLabels, Histogram>,
    /// Requests that authorization services were asked about.
    pub(crate) http_auth: Series<AuthLabels, Counter>,
    /// Copies of requests for mirrors.
    pub(crate) http_mirrors: Series<MirrorLabels, Counter>,
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
    /// Requests sent again to a backend, by what came of the time before.
    pub(crate) upstream_retries: Series<UpstreamErrorLabels, Counter>,
    /// Requests not sent again, by what kept them.
    pub(crate) upstream_retries_denied: Series<UpstreamErrorLabels, Counter>,
    /// Client connections of each worker, set when somebody asks.
    pub(crate) worker_connections: Series<WorkerLabels, Gauge>,
    /// Tasks of each worker, set when somebody asks.
    pub(crate) worker_tasks: Series<WorkerLabels, Gauge>,
    /// Lines of the access log that were dropped as the writer did not keep up.
    pub(crate) access_log_dropped: Arc<Counter>,
    /// Revision that is served.
    pub(crate) revision: Arc<Gauge>,
}

impl Metrics {
    /// All metrics at zero, with room for so many time series.
    pub(crate) fn new(series: usize) -> Self {
        let mut r = Registry::with_prefix("sluicegate");
        let (counts, durations) = (Room::new(series - series / 2), Room::new(series / 2));
        let dropped: Series<NoLabels, Counter> = Series::new(
            &mut r,
            &counts,
            "access_log_dropped",
            "Access log lines dropped as the writer did not keep up",
        );
        let revision: Series<NoLabels, Gauge> =
            Series::new(&mut r, &counts, "config_revision", "Revision that is served");
        Self {
            connections_total: Series::new(&mut r, &counts, "connections", "Client connections"),
            connections_active: Series::new(&mut r, &counts, "connections_active", "Client connections now"),
            connection_errors: Series::new(
                &mut r,
                &counts,
                "connection_errors",
                "Client connections that could not be served",
            ),
            udp_datagrams: Series::new(&mut r, &counts, "udp_datagrams", "Datagrams from and to clients"),
            grpc_requests: Series::new(&mut r, &counts, "grpc_requests", "gRPC calls"),
            http_requests: Series::new(&mut r, &counts, "http_requests", "HTTP requests"),
            http_duration: Series::new(
                &mut r,
                &durations,
                "http_request_duration_seconds",
                "From header to end of response",
            ),
            http_auth: Series::new(&mut r, &counts, "http_external_auth", "Questions to authorization services"),
            http_mirrors: Series::new(&mut r, &counts, "http_mirrored_requests", "Copies of requests for mirrors"),
            kafka_requests: Series::new(&mut r, &counts, "kafka_requests", "Kafka requests"),
            kafka_duration: Series::new(
                &mut r,
                &durations,
                "kafka_request_duration_seconds",
                "Time of Kafka requests, spent in the gateway and waiting for the broker",
            ),
            kafka_ends: Series::new(&mut r, &counts, "kafka_connection_ends", "Kafka connections that have ended"),
            upstream_total: Series::new(&mut r, &counts, "upstream_connections", "Connections to backends"),
            upstream_active: Series::new(&mut r, &counts, "upstream_connections_active", "Connections to backends now"),
            upstream_errors: Series::new(
                &mut r,
                &counts,
                "upstream_connection_errors",
                "Connections to backends that failed",
            ),
            upstream_retries: Series::new(&mut r, &counts, "upstream_retries", "Requests sent to a backend again"),
            upstream_retries_denied: Series::new(
                &mut r,
                &counts,
                "upstream_retries_denied",
                "Requests that were not sent again as something kept them",
            ),
            worker_tasks: Series::new(&mut r, &counts, "worker_tasks", "Tasks now, by worker thread"),
            worker_connections: Series::new(
                &mut r,
                &counts,
                "worker_connections",
                "Client connections now, by worker thread",
            ),
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
        let metrics = Metrics::new(100);
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
    #[test]
    fn what_there_is_no_room_for_counts_under_other() {
        let metrics = Metrics::new(600);
        let name = |n: usize| Arc::<str>::from(n.to_string());
        let held: Vec<_> = (0..5000)
            .map(|n| {
                let (listener, route, backend) = (name(n % 2), name(n), name(n));
                let labels = HttpLabels {
                    listener: Arc::clone(&listener),
                    route: Arc::clone(&route),
                    backend: Arc::clone(&backend),
                    code: "2xx".into(),
                };
                let (count, duration) = (
                    metrics.http_requests.get(labels),
                    metrics.http_duration.get(HttpDurationLabels { listener, route, backend }),
                );
                count.inc();
                duration.observe(Duration::from_millis(1));
                (count, duration)
            })
            .collect();
        let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        let text = metrics.encode();
        assert!(lines(&text) <= 620, "{}", lines(&text));
        let sum = |name: &str| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name))
                .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        assert_eq!(sum("sluicegate_http_requests_total{"), 5000.0, "none is lost");
        assert_eq!(sum("sluicegate_http_request_duration_seconds_count{"), 5000.0, "none is lost");
        assert!(text.contains("route=\"other\""));
        // Room that is given back is used again.
        drop(held);
        assert!(lines(&metrics.encode()) < 10);
        let again = HttpLabels { listener: name(0), route: name(1), backend: name(2), code: "2xx".into() };
        metrics.http_requests.get(again).inc();
        assert_eq!(metrics.http_requests.0.room.taken.load(Relaxed), 3);
    }
}
