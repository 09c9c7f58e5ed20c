//! Retries to a backend: how many are under way, and how many its budget allows (GEP-3388).

use crate::telemetry::metrics::{Counter, Lazy, Metrics, UpstreamErrorLabels};
use snapshot::RetryConstraint;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No connection came about.
    Connect,
    /// The backend refused it before it did anything, or the connection ended without an answer.
    NoAnswer,
    /// `timeouts.backendRequest`.
    Timeout,
    /// The answer's status is one to retry.
    Status,
}

/// Why a request is not sent again that could have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The retry constraint of the backend.
    Budget,
    /// As many are under way as may be.
    Limit,
    /// Its body was not kept.
    Body,
}

const REASONS: [&str; 4] = ["connect", "no_answer", "timeout", "status"];
const DENIALS: [&str; 3] = ["budget", "limit", "body"];

/// What is known of a backend's retries, from the first one on.
#[derive(Debug)]
pub(crate) struct Retries {
    under_way: AtomicU32,
    made: [Lazy<UpstreamErrorLabels, Counter>; REASONS.len()],
    denied: [Lazy<UpstreamErrorLabels, Counter>; DENIALS.len()],
}

impl Retries {
    pub(super) fn new(metrics: &Metrics, backend: &Arc<str>) -> Self {
        let labels = |cause: &'static str| UpstreamErrorLabels { backend: Arc::clone(backend), cause: cause.into() };
        Self {
            under_way: AtomicU32::new(0),
            made: REASONS.map(|cause| metrics.upstream_retries.lazy(labels(cause))),
            denied: DENIALS.map(|cause| metrics.upstream_retries_denied.lazy(labels(cause))),
        }
    }

    /// Takes a place among those under way, of which there are no more than `max`.
    pub(crate) fn begin(self: &Arc<Self>, max: u32, reason: Reason) -> Option<UnderWay> {
        let place = self.under_way.fetch_update(Relaxed, Relaxed, |now| (now < max).then_some(now + 1));
        place.ok()?;
        self.made[reason as usize].get().inc();
        Some(UnderWay(Arc::clone(self)))
    }

    /// Counts one that was not made.
    pub(crate) fn deny(&self, why: Denied) {
        self.denied[why as usize].get().inc();
    }
}

/// A retry that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Retries>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

/// A retry budget: what has been sent lately, first or again, by all workers.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) constraint: RetryConstraint,
    started: Instant,
    requests: Window,
    retries: Window,
    /// Retries, over the time of the least rate.
    few: Window,
}

impl Budget {
    pub(super) fn new(constraint: RetryConstraint) -> Self {
        Self {
            constraint,
            started: Instant::now(),
            requests: Window::new(constraint.interval),
            retries: Window::new(constraint.interval),
            few: Window::new(constraint.min_interval),
        }
    }

    /// Counts a request of a client.
    pub(crate) fn request(&self, now: Instant) {
        self.requests.add(now.saturating_duration_since(self.started));
    }

    /// Whether another retry may be made; then it counts.
    pub(crate) fn retry(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.started);
        let retries = self.retries.sum(now) + 1;
        // Of all that is sent, retries included: the share of retries is no more than so many percent.
        let all = self.requests.sum(now) + retries;
        let within = retries * 100 <= u64::from(self.constraint.percent) * all;
        if !within && self.few.sum(now) >= u64::from(self.constraint.min_count) {
            return false;
        }
        self.retries.add(now);
        self.few.add(now);
        true
    }
}

/// Parts of a window: what is older than the window goes part by part.
const PARTS: u64 = 10;

/// How many there were in the last so many seconds, to a tenth of that time. Without a lock: each part is a number of a tick
/// and a count.
#[derive(Debug)]
struct Window {
    /// Microseconds of a part.
    part: u64,
    parts: [AtomicU64; PARTS as usize],
}

impl Window {
    fn new(length: Duration) -> Self {
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        Self { part: (micros / PARTS).max(1), parts: Default::default() }
    }

    /// From 1 on, so that an empty part belongs to no tick. 32 bits hold it for five days of parts of 100 µs, and what they
    /// lose is a count of days ago.
    fn tick(&self, now: Duration) -> u32 {
        let ticks = u64::try_from(now.as_micros()).unwrap_or(u64::MAX) / self.part + 1;
        (ticks & u64::from(u32::MAX)) as u32
    }

    fn add(&self, now: Duration) {
        let tick = self.tick(now);
        let part = &self.parts[(u64::from(tick) % PARTS) as usize];
        let _ = part.fetch_update(Relaxed, Relaxed, |part| {
            let count = if (part >> 32) as u32 == tick { (part as u32).saturating_add(1) } else { 1 };
            Some(u64::from(tick) << 32 | u64::from(count))
        });
    }

    fn sum(&self, now: Duration) -> u64 {
        let tick = self.tick(now);
        let recent = |part: u64| u64::from(tick.wrapping_sub((part >> 32) as u32)) < PARTS;
        let parts = self.parts.iter().map(|part| part.load(Relaxed)).filter(|part| *part != 0 && recent(*part));
        parts.map(|part| u64::from(part as u32)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(percent: u8, min_count: u32) -> Budget {
        let (interval, min_interval) = (Duration::from_secs(10), Duration::from_secs(1));
        Budget::new(RetryConstraint { percent, interval, min_count, min_interval })
    }

    #[test]
    fn a_share_of_what_is_sent_may_be_retries() {
        let budget = budget(20, 0);
        let now = budget.started;
        for _ in 0..1000 {
            budget.request(now);
        }
        let allowed = (0..1000).filter(|_| budget.retry(now)).count();
        // 250 of 1250 are 20 %.
        assert_eq!(allowed, 250);
        assert!(!budget.retry(now + Duration::from_secs(9)));
        // Both are forgotten.
        let later = now + Duration::from_secs(11);
        assert!(!budget.retry(later));
        for _ in 0..4 {
            budget.request(later);
        }
        assert!(budget.retry(later) && !budget.retry(later));
    }

    #[test]
    fn some_are_allowed_whatever_the_share() {
        let budget = budget(0, 3);
        let now = budget.started;
        assert_eq!((0..9).filter(|_| budget.retry(now)).count(), 3);
        assert_eq!((0..9).filter(|_| budget.retry(now + Duration::from_millis(1100))).count(), 3);
    }

    #[test]
    fn no_more_are_under_way_than_may_be() {
        let retries = Arc::new(Retries::new(&Metrics::new(100), &"a".into()));
        let one = retries.begin(2, Reason::Status).unwrap();
        let _two = retries.begin(2, Reason::Connect).unwrap();
        assert!(retries.begin(2, Reason::Status).is_none());
        drop(one);
        assert!(retries.begin(2, Reason::Timeout).is_some());
    }
}
