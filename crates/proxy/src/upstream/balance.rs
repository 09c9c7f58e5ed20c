//! Backends and the choice among their endpoints.

use super::{
    retries::{Budget, Retries},
    tls::ClientTls,
};
use crate::telemetry::metrics::{Counter, Gauge, Lazy, Metrics, UpstreamErrorLabels, UpstreamLabels};
use snapshot::{AppProtocol, EndpointAddress, Session};
use std::{
    fmt,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How long an endpoint that could not be reached is passed over while others are there.
const SKIP: Duration = Duration::from_secs(5);

/// A backend, ready to be connected to.
#[derive(Debug)]
pub(crate) struct Backend {
    /// Endpoints; empty: 503.
    pub(crate) endpoints: Box<[Arc<Endpoint>]>,
    /// What they speak.
    pub(crate) protocol: AppProtocol,
    /// TLS to them.
    pub(crate) tls: Option<ClientTls>,
    /// Why it cannot be used.
    pub(crate) unusable: Option<String>,
    /// As in metrics and logs.
    pub(crate) label: Arc<str>,
    /// Connections so far.
    total: Lazy<UpstreamLabels, Counter>,
    /// Connections now; see [`Backend::track`].
    active: Lazy<UpstreamLabels, Gauge>,
    errors: [Lazy<UpstreamErrorLabels, Counter>; super::dial::CAUSES.len()],
    next: AtomicUsize,
    retries: OnceLock<Arc<Retries>>,
    /// What few backends have.
    pub(crate) traffic: Option<Box<Traffic>>,
}

/// How requests to a backend are treated, whichever rule they come from.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Where the rule says nothing of sessions.
    pub(crate) session: Option<Session>,
    /// How many retries there may be.
    pub(crate) budget: Option<Arc<Budget>>,
}

/// One address of a backend. As long as the address and the backend's protocol and TLS stay the same, so does the `Arc`.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Unique in this process: a key for pools.
    pub(crate) id: u64,
    /// Where.
    pub(crate) address: EndpointAddress,
    /// TCP port.
    pub(crate) port: u16,
    /// Until when it is passed over, in milliseconds since [`START`].
    failed_until: AtomicU64,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            EndpointAddress::Ip(ip) => std::net::SocketAddr::new(*ip, self.port).fmt(f),
            EndpointAddress::Fqdn(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn millis(now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(*START).as_millis()).unwrap_or(u64::MAX)
}

impl Backend {
    /// From the entity; takes over from `previous` what stays the same.
    pub(crate) fn new(
        from: &snapshot::Backend,
        tls: Option<ClientTls>,
        unusable: Option<String>,
        previous: Option<&Self>,
        metrics: &Metrics,
    ) -> Self {
        LazyLock::force(&START);
        let known = previous;
        let previous = previous.filter(|old| old.protocol == from.protocol && old.tls == tls);
        let old = |new: &snapshot::Endpoint| {
            let endpoints = &previous?.endpoints;
            endpoints.iter().find(|old| old.address == new.address && old.port == new.port).cloned()
        };
        let endpoints = from.endpoints.iter().map(|endpoint| {
            old(endpoint).unwrap_or_else(|| {
                Arc::new(Endpoint {
                    id: NEXT_ID.fetch_add(1, Relaxed),
                    address: endpoint.address.clone(),
                    port: endpoint.port,
                    failed_until: AtomicU64::new(0),
                })
            })
        });
        let label: Arc<str> = from.key.to_string().into();
        let labels = UpstreamLabels { backend: Arc::clone(&label) };
        Self {
            endpoints: endpoints.collect(),
            protocol: from.protocol,
            tls,
            unusable,
            total: metrics.upstream_total.lazy(labels.clone()),
            active: metrics.upstream_active.lazy(labels),
            errors: super::dial::CAUSES.map(|cause| {
                metrics.upstream_errors.lazy(UpstreamErrorLabels { backend: Arc::clone(&label), cause: cause.into() })
            }),
            label,
            next: AtomicUsize::new(0),
            retries: known.and_then(|old| old.retries.get().cloned()).map_or_else(OnceLock::new, OnceLock::from),
            traffic: from.traffic.as_deref().map(|traffic| {
                let old = known.and_then(|old| old.traffic.as_deref()?.budget.clone());
                let budget = traffic.retry_constraint.map(|constraint| {
                    old.filter(|old| old.constraint == constraint).unwrap_or_else(|| Arc::new(Budget::new(constraint)))
                });
                Box::new(Traffic { session: traffic.session.clone(), budget })
            }),
        }
    }

    /// Its retries so far.
    pub(crate) fn retries(&self, metrics: &Metrics) -> &Arc<Retries> {
        self.retries.get_or_init(|| Arc::new(Retries::new(metrics, &self.label)))
    }

    /// The next endpoint in turn, passing over those that could not be reached a moment ago; if that is all of them,
    /// the next one all the same. `None` only if there is none.
    pub(crate) fn pick(&self, now: Instant) -> Option<&Arc<Endpoint>> {
        let count = self.endpoints.len();
        let first = self.next.fetch_add(1, Relaxed).checked_rem(count)?;
        let now = millis(now);
        let alive = |at: &usize| self.endpoints[*at].failed_until.load(Relaxed) <= now;
        let at = (first..count).chain(0..first).find(alive).unwrap_or(first);
        self.endpoints.get(at)
    }

    /// As [`Backend::pick`], but another one than those with these ids, if there is one that can be reached.
    pub(crate) fn pick_other(&self, now: Instant, tried: &[u64]) -> Option<&Arc<Endpoint>> {
        let millis = millis(now);
        let mut picked = self.pick(now)?;
        for _ in 1..self.endpoints.len() {
            if !tried.contains(&picked.id) && picked.failed_until.load(Relaxed) <= millis {
                break;
            }
            picked = self.pick(now)?;
        }
        Some(picked)
    }

    /// Counts an open connection for as long as the answer lives.
    pub(crate) fn track(&self) -> Active {
        self.total.get().inc();
        let active = self.active.get();
        active.inc();
        Active(Arc::clone(active))
    }

    pub(super) fn count_error(&self, error: &super::ConnectError) {
        if let Some(at) = super::dial::CAUSES.iter().position(|cause| *cause == error.cause()) {
            self.errors[at].get().inc();
        }
    }
}

impl Endpoint {
    /// It could not be reached: pass it over for a while.
    pub(crate) fn failed(&self, now: Instant) {
        self.failed_until.store(millis(now + SKIP), Relaxed);
    }

    /// Whether it has not failed a moment ago.
    pub(crate) fn is_up(&self, now: Instant) -> bool {
        self.failed_until.load(Relaxed) <= millis(now)
    }

    /// It could be reached.
    pub(crate) fn succeeded(&self) {
        if self.failed_until.load(Relaxed) != 0 {
            self.failed_until.store(0, Relaxed);
        }
    }
}

/// Counts something as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Active(Arc<Gauge>);

impl Active {
    /// Counts one more.
    pub(crate) fn new(gauge: &Arc<Gauge>) -> Self {
        gauge.inc();
        Self(Arc::clone(gauge))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapshot::{BackendKey, BackendKind, ObjectName};

    fn entity(ports: &[u16]) -> snapshot::Backend {
        let address = EndpointAddress::Ip([127, 0, 0, 1].into());
        snapshot::Backend {
            key: BackendKey { kind: BackendKind::Service, name: ObjectName::new("a", "b"), port: 80 },
            endpoints: ports.iter().map(|port| snapshot::Endpoint { address: address.clone(), port: *port }).collect(),
            protocol: AppProtocol::Default,
            tls: None,
            unusable: None,
            traffic: None,
        }
    }

    #[test]
    fn round_robin_passes_over_what_has_failed() {
        let metrics = Metrics::new(100);
        let backend = Backend::new(&entity(&[1, 2, 3]), None, None, None, &metrics);
        let now = Instant::now();
        let ports = |now, n| (0..n).filter_map(|_| backend.pick(now).map(|e| e.port)).collect::<Vec<_>>();
        assert_eq!(ports(now, 4), [1, 2, 3, 1]);
        backend.endpoints[1].failed(now);
        assert_eq!(ports(now, 3), [3, 3, 1]);
        for endpoint in &backend.endpoints {
            endpoint.failed(now);
        }
        assert_eq!(ports(now, 3), [2, 3, 1]);
        assert_eq!(ports(now + SKIP, 2), [2, 3]);
        backend.endpoints[0].succeeded();
        assert_eq!(ports(now, 3), [1, 1, 1]);
    }

    #[test]
    fn another_one_is_picked_where_there_is_one() {
        let metrics = Metrics::new(100);
        let backend = Backend::new(&entity(&[1, 2, 3]), None, None, None, &metrics);
        let now = Instant::now();
        let tried: Vec<u64> = backend.endpoints[..2].iter().map(|endpoint| endpoint.id).collect();
        for _ in 0..4 {
            assert_eq!(backend.pick_other(now, &tried).map(|endpoint| endpoint.port), Some(3));
        }
        let all: Vec<u64> = backend.endpoints.iter().map(|endpoint| endpoint.id).collect();
        assert!(backend.pick_other(now, &all).is_some());
    }

    #[test]
    fn endpoints_that_stay_keep_their_state() {
        let metrics = Metrics::new(100);
        let old = Backend::new(&entity(&[1, 2]), None, None, None, &metrics);
        let new = Backend::new(&entity(&[2, 3]), None, None, Some(&old), &metrics);
        assert!(Arc::ptr_eq(&old.endpoints[1], &new.endpoints[0]));
        assert!(Backend::new(&entity(&[]), None, None, None, &metrics).pick(Instant::now()).is_none());
    }
}
