//! What a generator counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};

/// A connection or stream that the other side has ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// When.
    pub at: Instant,
    /// Whether it was announced in the protocol's own way: `Connection: close`, GOAWAY, a WebSocket close frame with 1001.
    pub told: bool,
    /// What was seen.
    pub what: String,
}

/// What a generator has counted. A request, a message of a stream and a record count alike.
#[derive(Debug, Clone, Default)]
pub struct Count {
    /// The generator's.
    pub name: String,
    /// Begun.
    pub sent: u64,
    /// Answered, rightly.
    pub ok: u64,
    /// Not answered, or wrongly; what was under way on a connection that was cut is among them.
    pub failed: u64,
    /// Sent again as the protocol says that it was not processed: over a connection that was closed before a byte could be
    /// written to it, or refused with REFUSED_STREAM (RFC 9113 section 8.7).
    pub retried: u64,
    /// Connections or streams that the other side has ended.
    pub endings: Vec<Ending>,
    /// Announcements that a connection will end (GOAWAY), seen while it still served.
    pub told: u64,
    /// Sent or acknowledged, and never seen again, although the connection stood.
    pub lost: u64,
    /// Seen twice.
    pub duplicated: u64,
    /// Seen in the wrong order.
    pub reordered: u64,
    /// Longest time between two answers, in milliseconds.
    pub max_gap_ms: u64,
    /// Why, and how often.
    pub reasons: BTreeMap<String, u64>,
}

impl Count {
    /// How many connections or streams the other side has ended.
    pub fn closed(&self) -> u64 {
        self.endings.len() as u64
    }

    /// Those of [`Self::endings`] that were not announced.
    pub fn untold(&self) -> impl Iterator<Item = &Ending> {
        self.endings.iter().filter(|ending| !ending.told)
    }

    /// Fails unless everything that was sent was answered once, in order, on connections that stood.
    pub fn expect_untouched(&self) -> Result<()> {
        self.expect_whole()?;
        if self.retried + self.closed() + self.told > 0 {
            bail!("connections were touched: {self}");
        }
        Ok(())
    }

    /// Fails unless everything that was sent was answered once and in order, whatever became of connections.
    pub fn expect_whole(&self) -> Result<()> {
        let faults = self.failed + self.lost + self.duplicated + self.reordered;
        if faults > 0 || self.ok == 0 || self.ok != self.sent {
            bail!("not everything was answered once: {self}");
        }
        Ok(())
    }

    /// The heads of the columns of [`fmt::Display`], without reasons.
    pub fn heads() -> String {
        format!(
            "{:<24} {:>7} {:>7} {:>6} {:>7} {:>6} {:>5} {:>5} {:>5} {:>9} {:>10}",
            "", "sent", "ok", "failed", "retried", "closed", "told", "lost", "twice", "reordered", "gap (ms)"
        )
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} {:>7} {:>7} {:>6} {:>7} {:>6} {:>5} {:>5} {:>5} {:>9} {:>10}",
            self.name,
            self.sent,
            self.ok,
            self.failed,
            self.retried,
            self.closed(),
            self.told,
            self.lost,
            self.duplicated,
            self.reordered,
            self.max_gap_ms
        )?;
        if !self.reasons.is_empty() {
            write!(f, "  {:?}", self.reasons)?;
        }
        Ok(())
    }
}

/// Counts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Tally(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    count: Count,
    last: Option<Instant>,
}

impl Tally {
    pub(super) fn new(name: &str) -> Self {
        let count = Count { name: name.to_owned(), ..Count::default() };
        Self(Arc::new(Mutex::new(State { count, last: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been counted so far.
    pub fn count(&self) -> Count {
        self.state().count.clone()
    }

    pub(super) fn sent(&self) {
        self.state().count.sent += 1;
    }

    pub(super) fn ok(&self) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(last) = state.last.replace(now) {
            let gap = u64::try_from(now.duration_since(last).as_millis()).unwrap_or(u64::MAX);
            state.count.max_gap_ms = state.count.max_gap_ms.max(gap);
        }
        state.count.ok += 1;
    }

    pub(super) fn failed(&self, why: &str) {
        let mut state = self.state();
        state.count.failed += 1;
        note(&mut state.count, why);
    }

    /// It will be sent again and counted then.
    pub(super) fn retried(&self, why: &str) {
        let mut state = self.state();
        state.count.sent -= 1;
        state.count.retried += 1;
        note(&mut state.count, why);
    }

    pub(super) fn ended(&self, told: bool, what: &str) {
        let mut state = self.state();
        state.count.endings.push(Ending { at: Instant::now(), told, what: what.to_owned() });
        note(&mut state.count, what);
    }

    pub(super) fn told(&self) {
        self.state().count.told += 1;
    }

    /// What came back is not what was expected next.
    pub(super) fn misplaced(&self, expected: u64, got: u64) {
        let mut state = self.state();
        match got.cmp(&expected) {
            std::cmp::Ordering::Less => state.count.duplicated += 1,
            std::cmp::Ordering::Greater => state.count.lost += got - expected,
            std::cmp::Ordering::Equal => {}
        }
        note(&mut state.count, &format!("{got} came in place of {expected}"));
    }

    pub(super) fn reordered(&self, why: &str) {
        let mut state = self.state();
        state.count.reordered += 1;
        note(&mut state.count, why);
    }
}

fn note(count: &mut Count, why: &str) {
    // Enough to tell what happens, not a log.
    if count.reasons.len() < 12 || count.reasons.contains_key(why) {
        *count.reasons.entry(why.to_owned()).or_default() += 1;
    }
}
