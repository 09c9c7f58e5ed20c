//! Bodies that pass through: counted, bounded in time, never held.

use super::{
    exchange::{Exchange, Flag, Meter, chain},
    message::{clean_request_trailers, clean_trailers},
    pool::Lease,
    rule::Rule,
};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

/// The body of a request on its way to a backend.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Option<Incoming>,
    meter: Rc<Meter>,
    /// The rule, and which of its backends, whose filters answer for some fields.
    guard: Option<(Arc<Rule>, Option<usize>)>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, meter: &Rc<Meter>) -> Self {
        let empty = incoming.is_end_stream();
        meter.request_ended.set(empty);
        Self { incoming: if empty { None } else { Some(incoming) }, meter: Rc::clone(meter), guard: None }
    }

    /// Drops trailers that the filters of a rule, or of one of its backends, answer for as headers.
    pub(super) fn guarded(self, rule: &Arc<Rule>, backend: Option<usize>) -> Self {
        let guard = self.incoming.is_some().then(|| (Arc::clone(rule), backend));
        Self { guard, ..self }
    }

    /// No body, for a request that is sent a second time.
    pub(super) fn empty(meter: &Rc<Meter>) -> Self {
        Self { incoming: None, meter: Rc::clone(meter), guard: None }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
        let ended = incoming.is_end_stream();
        let meter = &self.meter;
        meter.last.set(Instant::now());
        match frame {
            Some(Ok(mut frame)) => {
                if let Some(data) = frame.data_ref() {
                    meter.request_bytes.set(meter.request_bytes.get() + data.len() as u64);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    let guard = self.guard.as_ref();
                    clean_request_trailers(trailers, |name| guard.is_some_and(|(rule, on)| rule.guards(*on, name)));
                    meter.request_ended.set(true);
                }
                if ended {
                    meter.request_ended.set(true);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                meter.request_broken.set(true);
                Poll::Ready(Some(Err(error)))
            }
            None => {
                meter.request_ended.set(true);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

/// Looks at the clock while an exchange waits: its deadline, and how long no byte has flowed.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Option<(Instant, Flag)>,
    idle: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(super) fn new(deadline: Option<(Instant, Flag)>, idle: Duration) -> Self {
        Self { deadline, idle, sleep: None }
    }

    /// Ready with the reason once it has taken too long.
    pub(super) fn poll_expired(&mut self, meter: &Meter, cx: &mut Context<'_>) -> Poll<Flag> {
        loop {
            let idle = meter.last.get() + self.idle;
            let next = self.deadline.map_or(idle, |(deadline, _)| deadline.min(idle));
            let sleep = match &mut self.sleep {
                Some(sleep) => sleep,
                None => self.sleep.insert(Box::pin(tokio::time::sleep_until(next.into()))),
            };
            ready!(sleep.as_mut().poll(cx));
            let now = Instant::now();
            if let Some((deadline, flag)) = self.deadline
                && deadline <= now
            {
                return Poll::Ready(flag);
            }
            if idle <= now {
                let client = !meter.request_ended.get();
                return Poll::Ready(if client { Flag::ClientIdle } else { Flag::UpstreamIdle });
            }
            sleep.as_mut().reset(next.into());
        }
    }

    /// Waits for a future, but not too long.
    pub(super) async fn guard<F: Future>(&mut self, meter: &Meter, future: F) -> Result<F::Output, Flag> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(meter, cx).map(Err),
        })
        .await
    }
}

/// The body of a response, with the record of its exchange, which ends with it.
pub(super) struct ResponseBody {
    source: Source,
    exchange: Option<Box<Exchange>>,
}

enum Source {
    Text(Bytes),
    Upstream { incoming: Incoming, lease: Option<Lease>, watch: Watch },
}

/// Why a response breaks off; the reason is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the response broke off")]
pub(super) struct Broken;

impl ResponseBody {
    /// A body of our own; empty for none.
    pub(super) fn text(text: impl Into<Bytes>, exchange: Option<Box<Exchange>>) -> Self {
        Self { source: Source::Text(text.into()), exchange }
    }

    /// The backend's body. `lease` goes back to the pool when all has been read.
    pub(super) fn upstream(incoming: Incoming, lease: Lease, watch: Watch, exchange: Box<Exchange>) -> Self {
        Self { source: Source::Upstream { incoming, lease: Some(lease), watch }, exchange: Some(exchange) }
    }

    /// The last frame has been read.
    fn finish(&mut self) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.complete = true;
        if let Source::Upstream { lease, .. } = &mut self.source
            && let Some(lease) = lease.take()
            // An early answer leaves a connection on which the request is still being sent.
            && exchange.meter.request_ended.get()
        {
            lease.give_back();
        }
    }

    fn fail(&mut self, flag: Flag, error: Option<String>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(exchange) = &mut self.exchange {
            exchange.fail(flag, error);
        }
        Poll::Ready(Some(Err(Broken)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        let (incoming, watch) = match &mut this.source {
            Source::Text(text) => {
                let text = std::mem::take(text);
                if let Some(exchange) = &mut this.exchange {
                    exchange.response_bytes += text.len() as u64;
                }
                return Poll::Ready(if text.is_empty() { None } else { Some(Ok(Frame::data(text))) });
            }
            Source::Upstream { incoming, watch, .. } => (incoming, watch),
        };
        let frame = match Pin::new(&mut *incoming).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let Some(exchange) = &this.exchange else { return Poll::Pending };
                let flag = ready!(watch.poll_expired(&exchange.meter, cx));
                return self.fail(flag, None);
            }
        };
        let ended = incoming.is_end_stream();
        match frame {
            Some(Ok(mut frame)) => {
                if let Some(exchange) = &mut this.exchange {
                    exchange.meter.last.set(Instant::now());
                    exchange.response_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    clean_trailers(trailers);
                }
                if ended || frame.is_trailers() {
                    this.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => self.fail(Flag::UpstreamReset, Some(chain(&error))),
            None => {
                this.finish();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.is_empty(),
            Source::Upstream { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.len() as u64),
            Source::Upstream { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // hyper does not poll a body that has ended, nor one of a response that must have none.
        if self.is_end_stream() || matches!(self.source, Source::Text(_)) {
            self.finish();
        }
    }
}
