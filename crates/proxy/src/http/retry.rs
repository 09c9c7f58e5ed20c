//! Requests that are sent again (GEP-1731): to another endpoint where there is one, after a pause, as long as nothing of a
//! response has gone to the client.

use super::{
    body::{Received, RequestBody, Watch},
    exchange::{Exchange, Flag},
    pipeline::{self, Refused},
    pool::Lease,
    rule::Rule,
    server::Connection,
    tape::Tape,
    upstream::Outgoing,
};
use crate::{
    upstream::{
        Backend, Endpoint,
        retries::{Denied, Reason, UnderWay},
    },
    worker::Worker,
};
use http::{Response, StatusCode};
use snapshot::Retry;
use std::{
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The first pause where the rule names none.
const BACKOFF: Duration = Duration::from_millis(25);
/// No pause is longer than so many times the first.
const LONGEST: u32 = 10;

/// Which endpoints a request goes to.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// This one, if it can be reached.
    pub(super) pinned: Option<Arc<Endpoint>>,
    /// Not these, if there are others.
    tried: Vec<u64>,
    /// How many are dialled at most; `None`: as many as for any request.
    pub(super) dials: Option<usize>,
}

impl Choice {
    /// Where a session has been, else any.
    pub(super) fn of_session(pinned: Option<Arc<Endpoint>>) -> Self {
        Self { pinned, ..Self::default() }
    }

    pub(super) fn pick(&mut self, backend: &Backend, now: Instant) -> Option<Arc<Endpoint>> {
        // All have had their turn: only not the last one again.
        if self.tried.len() >= backend.endpoints.len().max(1) {
            self.tried.drain(..self.tried.len() - 1);
        }
        let picked = match self.pinned.take() {
            Some(pinned) => pinned,
            None if self.tried.is_empty() => Arc::clone(backend.pick(now)?),
            None => Arc::clone(backend.pick_other(now, &self.tried)?),
        };
        self.tried.push(picked.id);
        Some(picked)
    }
}

/// A request on its way to a backend, under a rule with `retry`.
pub(super) struct Call<'a> {
    pub(super) exchange: &'a mut Exchange,
    pub(super) connection: &'a Connection,
    pub(super) rule: &'a Rule,
    pub(super) retry: &'a Retry,
    pub(super) backend: &'a Arc<Backend>,
    pub(super) outgoing: Outgoing,
    pub(super) body: RequestBody,
    pub(super) pinned: Option<Arc<Endpoint>>,
}

/// What came of one time.
type Tried = Result<(Response<Received>, Lease, Watch), Refused>;

/// Sends a request until its answer is one to pass on, or no more may be tried.
pub(super) async fn send(call: Call<'_>) -> Tried {
    let Call { exchange, connection, rule, retry, backend, mut outgoing, body, pinned } = call;
    let worker = &connection.worker;
    let meter = Rc::clone(&exchange.meter);
    let tape = (!body.is_empty() && retry.attempts > 0).then(|| Tape::new(worker, body));
    let mut untaped = None;
    let budget = backend.traffic.as_ref().and_then(|traffic| traffic.budget.as_ref());
    let mut choice = Choice { pinned, tried: Vec::new(), dials: Some(1) };
    let mut under_way: Option<UnderWay> = None;
    loop {
        let body = match &tape {
            Some(tape) => RequestBody::taped(tape.rewind(), &meter),
            None => untaped.take().unwrap_or_else(|| RequestBody::empty(&meter)),
        };
        let mut watch = pipeline::watch(exchange, rule, worker.now());
        let sent = {
            let sending = pin!(pipeline::send(exchange, connection, backend, &mut outgoing, body, Some(&mut choice)));
            watch.guard(&meter, sending).await
        };
        let tried = sent.unwrap_or_else(|flag| Err(Refused::late(flag)));
        let reason = match &tried {
            Ok((response, _)) if is_to_retry(retry, response) => Reason::Status,
            Err(refused) => match refused.flag {
                Flag::UpstreamConnect => Reason::Connect,
                Flag::BackendTimeout => Reason::Timeout,
                // What may have been done is not done again, unless doing it twice is doing it once (RFC 9110 9.2.2).
                Flag::UpstreamResponse if refused.unsent || outgoing.parts.method.is_idempotent() => Reason::NoAnswer,
                _ => return finish(tried, watch, tape),
            },
            Ok(_) => return finish(tried, watch, tape),
        };
        if exchange.retries >= retry.attempts {
            return finish(tried, watch, tape);
        }
        let retries = backend.retries(worker.metrics());
        if tape.as_ref().is_some_and(|tape| !tape.is_whole()) {
            retries.deny(Denied::Body);
            return finish(tried, watch, tape);
        }
        if budget.is_some_and(|budget| !budget.retry(worker.now())) {
            retries.deny(Denied::Budget);
            return Err(Refused::over_budget());
        }
        drop(under_way.take());
        under_way = retries.begin(worker.limits().retries, reason);
        if under_way.is_none() {
            retries.deny(Denied::Limit);
            return finish(tried, watch, tape);
        }
        exchange.retries += 1;
        if let Ok((response, lease)) = tried {
            discard(response, lease);
        }
        let mut watch = pipeline::watch_request(exchange, rule);
        let pause = pin!(sleep(pause(worker, retry, exchange.retries)));
        watch.guard(&meter, pause).await.map_err(Refused::late)?;
    }
}

fn finish(tried: Result<(Response<Received>, Lease), Refused>, watch: Watch, tape: Option<Rc<Tape>>) -> Tried {
    if let Some(tape) = tape {
        tape.release();
    }
    tried.map(|(response, lease)| (response, lease, watch))
}

/// A status that the rule names; or a gRPC call that was not begun: `UNAVAILABLE` in place of any message.
fn is_to_retry(retry: &Retry, response: &Response<Received>) -> bool {
    let unavailable = || response.headers().get("grpc-status").is_some_and(|status| status.as_bytes() == b"14");
    retry.codes.contains(&response.status().as_u16()) || response.status() == StatusCode::OK && unavailable()
}

/// Before the first retry the rule's pause, then twice as long each time, up to a bound; and up to half as much again, so
/// that those who failed together do not come together.
fn pause(worker: &Worker, retry: &Retry, number: u32) -> Duration {
    let first = retry.backoff.unwrap_or(BACKOFF);
    let factor = 1_u32.checked_shl(number.saturating_sub(1)).map_or(LONGEST, |factor| factor.min(LONGEST));
    let pause = first.saturating_mul(factor);
    let jitter = f64::from((worker.random() >> 32) as u32) / f64::from(u32::MAX);
    pause.saturating_add(pause.mul_f64(jitter / 2.0))
}

/// Lets go of an answer that is not passed on. Its connection is kept if all of it has come already.
fn discard(response: Response<Received>, mut lease: Lease) {
    if matches!(response.into_body(), Received::Http2(_)) {
        return;
    }
    if lease.skip_body() {
        lease.give_back();
    }
}
