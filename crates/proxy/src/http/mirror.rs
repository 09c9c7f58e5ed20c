//! `RequestMirror`: copies of requests go to other backends, whose answers are dropped. The request itself never waits for a
//! copy and never fails with one: what a mirror does not take in time is given up, and counted.

use super::{
    body::{Broken, RequestBody, Watch},
    call,
    exchange::Meter,
    filter::Filters,
    pool::{STRIDE, Want},
    upstream::Outgoing,
};
use crate::{
    http1::Filled,
    telemetry::metrics::{Counter, MirrorLabels},
    upstream::Backend,
    worker::Worker,
};
use bytes::{Buf, Bytes};
use http::{HeaderMap, Request};
use snapshot::BackendKey;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

/// Bytes of one body that may wait for one mirror.
const WAITING: usize = 256 << 10;
/// What a piece of a body costs beside its bytes.
const PIECE: usize = 64;
/// How long a mirror may take for its answer, from the last byte of the request that it has taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read, so that its connection can serve another request.
const ANSWER: usize = 1 << 20;

/// A filter, compiled.
#[derive(Debug)]
pub(super) struct Mirror {
    backend: BackendKey,
    /// Goes round the unit interval, given as fractions of 2³², in even steps.
    point: AtomicU32,
    /// Requests whose point lies below are copied.
    below: u64,
    counts: [OnceLock<Arc<Counter>>; OUTCOMES.len()],
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was answered, whatever the status.
    Answered,
    /// No connection, or no answer.
    Failed,
    /// No answer in time.
    Timeout,
    /// It took the body more slowly than it came, or all mirrors together did.
    Overflow,
    /// The request itself broke off.
    Broken,
    /// As many copies were under way as may be.
    Limit,
}

const OUTCOMES: [&str; 6] = ["answered", "failed", "timeout", "overflow", "broken", "limit"];

impl Mirror {
    pub(super) fn new(from: &snapshot::Mirror) -> Self {
        let (of, all) = (u64::from(from.share.0), u64::from(from.share.1.max(1)));
        Self {
            backend: from.backend.clone(),
            point: AtomicU32::new(0),
            below: (of << 32) / all,
            counts: Default::default(),
        }
    }

    fn is_wanted(&self) -> bool {
        u64::from(self.point.fetch_add(STRIDE, Relaxed)) < self.below
    }

    fn count(&self, worker: &Worker, route: &Arc<str>, outcome: Outcome) {
        let counter = self.counts[outcome as usize].get_or_init(|| {
            let (backend, result) = (self.backend.to_string().into(), OUTCOMES[outcome as usize].into());
            worker.metrics().http_mirrors.get(MirrorLabels { route: Arc::clone(route), backend, result })
        });
        counter.inc();
    }
}

/// What the copies of one worker cost at the moment.
#[derive(Debug, Default)]
pub(crate) struct Load {
    copies: Cell<usize>,
    bytes: Cell<usize>,
}

/// A copy under way, until it is dropped.
struct Flight(Rc<Load>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.copies.set(self.0.copies.get() - 1);
    }
}

/// Bytes of a body on their way to a mirror.
#[derive(Debug)]
struct Queue {
    load: Rc<Load>,
    pieces: VecDeque<Bytes>,
    /// What the pieces cost.
    cost: usize,
    state: State,
    trailers: Option<HeaderMap>,
    /// Who reads from it, and who waits for the answer: with HTTP/2 not the same task.
    reader: Option<Waker>,
    task: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    /// Given up, and what that is called.
    Failed(Outcome),
}

impl Queue {
    fn push(&mut self, piece: Bytes, max: usize) {
        if self.state != State::Open {
            return;
        }
        let cost = piece.len() + PIECE;
        if self.cost + cost > WAITING || self.load.bytes.get() + cost > max {
            self.end(State::Failed(Outcome::Overflow));
            return;
        }
        self.cost += cost;
        self.load.bytes.set(self.load.bytes.get() + cost);
        self.pieces.push_back(piece);
        self.wake();
    }

    fn end(&mut self, state: State) {
        if self.state != State::Open {
            return;
        }
        self.state = state;
        if state != State::Ended {
            self.pieces.clear();
            self.release(self.cost);
            if let Some(task) = self.task.take() {
                task.wake();
            }
        }
        self.wake();
    }

    fn release(&mut self, cost: usize) {
        self.cost -= cost;
        self.load.bytes.set(self.load.bytes.get() - cost);
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.release(self.cost);
    }
}

type Shared = Rc<RefCell<Queue>>;

/// Copies what a body sends. Dropped before the body's end, it ends the copies too.
#[derive(Debug)]
pub(super) struct Tap {
    queues: Vec<Shared>,
    /// Bytes that all copies of the worker may hold.
    max: usize,
    /// Bytes since the mirrors have had a turn.
    run: Cell<usize>,
}

impl Tap {
    /// Whether the mirrors should have a turn before more is read: a client that is faster than the worker would fill every
    /// queue before one of them is looked at.
    pub(super) fn is_due(&self) -> bool {
        self.run.get() >= WAITING / 4 && self.run.replace(0) > 0
    }

    pub(super) fn data(&self, data: &[u8]) {
        self.run.set(self.run.get() + data.len());
        let piece = Bytes::copy_from_slice(data);
        for queue in &self.queues {
            queue.borrow_mut().push(piece.clone(), self.max);
        }
    }

    pub(super) fn end(&self, trailers: Option<&HeaderMap>) {
        for queue in &self.queues {
            let mut queue = queue.borrow_mut();
            queue.trailers = trailers.cloned();
            queue.end(State::Ended);
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        for queue in &self.queues {
            queue.borrow_mut().end(State::Failed(Outcome::Broken));
        }
    }
}

/// The body of a copy.
#[derive(Debug)]
pub(super) struct Copied(Shared);

impl Copied {
    pub(super) fn is_empty(&self) -> bool {
        let queue = self.0.borrow();
        queue.state == State::Ended && queue.pieces.is_empty() && queue.trailers.is_none()
    }

    pub(super) fn poll_fill(
        &mut self,
        trailers: &mut Option<HeaderMap>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Filled, Broken>> {
        let mut queue = self.0.borrow_mut();
        if !queue.pieces.is_empty() {
            return Poll::Ready(Ok(Filled::Data));
        }
        match queue.state {
            State::Open => {
                queue.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Ended => {
                *trailers = trailers.take().or_else(|| queue.trailers.take());
                Poll::Ready(Ok(Filled::End))
            }
            State::Failed(_) => Poll::Ready(Err(Broken::Copy)),
        }
    }

    pub(super) fn with_data<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        look(self.0.borrow().pieces.front().map_or(&[], |piece| piece))
    }

    pub(super) fn consume(&mut self, length: usize) {
        let queue = &mut *self.0.borrow_mut();
        let Some(first) = queue.pieces.front_mut() else { return };
        first.advance(length);
        let mut cost = length;
        if first.is_empty() {
            queue.pieces.pop_front();
            cost += PIECE;
        }
        queue.release(cost);
    }
}

/// Sends copies of a request to those mirrors that are to have one. Its body must not have been read from.
pub(super) fn start(
    worker: &Worker,
    route: &Arc<str>,
    filters: [&Filters; 2],
    outgoing: &Outgoing,
    body: &mut RequestBody,
) {
    let workers = worker.shared().loads.len().max(1);
    let limits = worker.limits();
    let load = worker.http_pool().mirrors();
    let mut queues = Vec::new();
    for filters in filters {
        let Some(all) = filters.special.as_ref().map(|special| &special.mirrors) else { continue };
        for (index, mirror) in all.iter().enumerate().filter(|(_, mirror)| mirror.is_wanted()) {
            if load.copies.get() >= (limits.mirrors / workers).max(1) {
                mirror.count(worker, route, Outcome::Limit);
                continue;
            }
            let Some(backend) = worker.with_runtime(|runtime| runtime.backend(&mirror.backend).cloned()) else {
                mirror.count(worker, route, Outcome::Failed);
                continue;
            };
            load.copies.set(load.copies.get() + 1);
            let flight = Flight(Rc::clone(load));
            let meter = Rc::new(Meter::new(worker.now(), PATIENCE));
            let (body, queue) = if body.is_empty() {
                (RequestBody::empty(&meter), None)
            } else {
                let queue = Rc::new(RefCell::new(Queue {
                    load: Rc::clone(load),
                    pieces: VecDeque::new(),
                    cost: 0,
                    state: State::Open,
                    trailers: None,
                    reader: None,
                    task: None,
                }));
                queues.push(Rc::clone(&queue));
                (RequestBody::copied(Copied(Rc::clone(&queue)), &meter), Some(queue))
            };
            let copy = Copy { backend, outgoing: copy_of(outgoing), body, queue, meter };
            let (worker, route, all) = (worker.clone(), Arc::clone(route), Arc::clone(all));
            worker.clone().spawn(async move {
                let outcome = copy.send(&worker).await;
                if let Some(mirror) = all.get(index) {
                    mirror.count(&worker, &route, outcome);
                }
                drop(flight);
            });
        }
    }
    if !queues.is_empty() {
        body.tap(Tap { queues, max: limits.mirror_bytes / workers, run: Cell::new(0) });
    }
}

fn copy_of(outgoing: &Outgoing) -> Outgoing {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = outgoing.parts.method.clone();
    parts.uri = outgoing.parts.uri.clone();
    parts.version = outgoing.parts.version;
    parts.headers = outgoing.parts.headers.clone();
    Outgoing { parts, target: outgoing.target.clone(), upgrade: None, wants_trailers: outgoing.wants_trailers }
}

/// One copy.
struct Copy {
    backend: Arc<Backend>,
    outgoing: Outgoing,
    body: RequestBody,
    queue: Option<Shared>,
    meter: Rc<Meter>,
}

impl Copy {
    async fn send(self, worker: &Worker) -> Outcome {
        let Self { backend, mut outgoing, body, queue, meter } = self;
        let mut watch = Watch::new(None, PATIENCE, Rc::default());
        let work = pin!(async {
            match call::call(worker, &backend, &mut outgoing, Want::Any, body, None).await {
                // Whether all of the answer comes is nobody's concern.
                Ok(answer) => {
                    answer.discard(ANSWER).await;
                    Outcome::Answered
                }
                Err(_) => Outcome::Failed,
            }
        });
        let mut guarded = pin!(watch.guard(&meter, work));
        poll_fn(|cx| {
            // Given up while its mirror takes nothing, it is not polled by anybody else.
            if let Some(queue) = &queue {
                let mut queue = queue.borrow_mut();
                if let State::Failed(why) = queue.state {
                    return Poll::Ready(why);
                }
                queue.task = Some(cx.waker().clone());
            }
            let outcome = ready!(guarded.as_mut().poll(cx)).unwrap_or(Outcome::Timeout);
            Poll::Ready(match queue.as_ref().map(|queue| queue.borrow().state) {
                Some(State::Failed(why)) => why,
                _ => outcome,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapshot::{BackendKind, ObjectName};

    fn mirror(share: (u32, u32)) -> Mirror {
        let backend = BackendKey { kind: BackendKind::Service, name: ObjectName::new("a", "b"), port: 80 };
        Mirror::new(&snapshot::Mirror { backend, share })
    }

    #[test]
    fn a_share_of_the_requests_is_copied() {
        for (share, copies) in [((0, 100), 0), ((20, 100), 100), ((25, 50), 250), ((35, 100), 175), ((1, 1), 500)] {
            let mirror = mirror(share);
            let hits = (0..500).filter(|_| mirror.is_wanted()).count();
            assert!(hits.abs_diff(copies) <= 2, "{share:?}: {hits}");
            // Whatever the rhythm in which requests of one sort come.
            let hits = (0..1000).filter(|_| mirror.is_wanted()).step_by(2).count();
            assert!(hits.abs_diff(copies) <= 2, "{share:?}: {hits}");
        }
    }

    #[test]
    fn what_waits_for_a_mirror_is_bounded() {
        let load = Rc::new(Load::default());
        let queue = || {
            Rc::new(RefCell::new(Queue {
                load: Rc::clone(&load),
                pieces: VecDeque::new(),
                cost: 0,
                state: State::Open,
                trailers: None,
                reader: None,
                task: None,
            }))
        };
        let (slow, quick) = (queue(), queue());
        let max = WAITING + 4096;
        let tap = Tap { queues: vec![Rc::clone(&slow), Rc::clone(&quick)], max, run: Cell::new(0) };
        let mut reader = Copied(Rc::clone(&quick));
        let (data, mut seen) = (vec![b'x'; 1000], 0);
        for _ in 0..1000 {
            tap.data(&data);
            assert!(load.bytes.get() <= WAITING + 4096);
            while let Poll::Ready(Ok(Filled::Data)) =
                reader.poll_fill(&mut None, &mut Context::from_waker(Waker::noop()))
            {
                let length = reader.with_data(<[u8]>::len).min(600);
                seen += length;
                reader.consume(length);
            }
        }
        tap.end(None);
        drop(tap);
        assert_eq!(seen, 1_000_000);
        assert!(reader.is_empty());
        assert_eq!(slow.borrow().state, State::Failed(Outcome::Overflow));
        assert_eq!(load.bytes.get(), 0);
        let one = queue();
        Tap { queues: vec![Rc::clone(&one)], max: 1000, run: Cell::new(0) }.data(b"abc");
        assert_eq!((one.borrow().state, load.bytes.get()), (State::Failed(Outcome::Broken), 0));
    }
}
