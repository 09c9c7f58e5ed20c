//! Bodies that pass through: counted, bounded in time, never held. HTTP/1.1 lends its bytes as they lie in the reader's
//! buffer; HTTP/2 has them as hyper's frames.

use super::{
    downstream::Downstream,
    exchange::{Exchange, Flag, Meter, chain},
    grpc::Code,
    message::{clean_request_trailers, clean_trailers},
    mirror::{Copied, Tap},
    pool::Lease,
    rule::Rule,
    tape::Taped,
    timer::Timer,
};
use crate::http1::{BodyError, Filled};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

/// Where a request's body comes from.
#[derive(Debug)]
pub(super) enum Incoming {
    Empty,
    Http1(Rc<RefCell<Downstream>>),
    Http2(hyper::body::Incoming),
    /// All of it has been read.
    Held(Bytes, Option<HeaderMap>),
}

impl Incoming {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(_) => false,
            Self::Http2(incoming) => incoming.is_end_stream(),
            Self::Held(data, trailers) => data.is_empty() && trailers.is_none(),
        }
    }
}

/// Why a body breaks off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Http1(#[from] BodyError),
    #[error(transparent)]
    Http2(#[from] hyper::Error),
    /// The reason is in the log.
    #[error("the response broke off")]
    Response,
    /// The reason is in the metrics.
    #[error("the copy of a request broke off")]
    Copy,
}

/// Frames of a body, one at a time.
#[derive(Debug)]
struct Frames {
    incoming: hyper::body::Incoming,
    data: Bytes,
}

impl Frames {
    fn new(incoming: hyper::body::Incoming) -> Self {
        Self { incoming, data: Bytes::new() }
    }

    fn poll_fill(&mut self, trailers: &mut Option<HeaderMap>, cx: &mut Context<'_>) -> Poll<hyper::Result<Filled>> {
        while self.data.is_empty() {
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                None => return Poll::Ready(Ok(Filled::End)),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.data = data,
                    Err(frame) => *trailers = frame.into_trailers().ok(),
                },
            }
        }
        Poll::Ready(Ok(Filled::Data))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.incoming.is_end_stream()
    }
}

/// The body of a request on its way to a backend.
#[derive(Debug)]
pub(super) struct RequestBody {
    source: RequestSource,
    trailers: Option<HeaderMap>,
    meter: Rc<Meter>,
    /// The rule, and which of its backends, whose filters answer for some fields.
    guard: Option<(Arc<Rule>, Option<usize>)>,
    /// What copies it for mirrors.
    tap: Option<Tap>,
    /// It has no trailers, whatever the client sends.
    cut: bool,
}

#[derive(Debug)]
enum RequestSource {
    Empty,
    Http1(Rc<RefCell<Downstream>>),
    Http2(Frames),
    Held(Bytes),
    /// Of a request to a mirror.
    Copied(Copied),
    /// It may have to be sent again.
    Taped(Taped),
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, meter: &Rc<Meter>) -> Self {
        let source = match incoming {
            incoming if incoming.is_empty() => RequestSource::Empty,
            Incoming::Empty => RequestSource::Empty,
            Incoming::Http1(downstream) => RequestSource::Http1(downstream),
            Incoming::Http2(incoming) => RequestSource::Http2(Frames::new(incoming)),
            Incoming::Held(data, trailers) => {
                return Self { trailers, ..Self::of(RequestSource::Held(data), meter) };
            }
        };
        Self::of(source, meter)
    }

    fn of(source: RequestSource, meter: &Rc<Meter>) -> Self {
        meter.request_ended.set(matches!(source, RequestSource::Empty));
        Self { source, trailers: None, meter: Rc::clone(meter), guard: None, tap: None, cut: false }
    }

    /// Drops trailers that the filters of a rule, or of one of its backends, answer for as headers.
    pub(super) fn guarded(self, rule: &Arc<Rule>, backend: Option<usize>) -> Self {
        let guard = if self.is_empty() { None } else { Some((Arc::clone(rule), backend)) };
        Self { guard, ..self }
    }

    /// Drops all trailers.
    pub(super) fn without_trailers(self) -> Self {
        Self { trailers: None, cut: true, ..self }
    }

    /// No body, for a request that is sent a second time.
    pub(super) fn empty(meter: &Rc<Meter>) -> Self {
        Self {
            source: RequestSource::Empty,
            trailers: None,
            meter: Rc::clone(meter),
            guard: None,
            tap: None,
            cut: false,
        }
    }

    /// A body of our own.
    pub(super) fn held(data: Bytes, meter: &Rc<Meter>) -> Self {
        Self::of(if data.is_empty() { RequestSource::Empty } else { RequestSource::Held(data) }, meter)
    }

    /// A copy of another one's.
    pub(super) fn copied(from: Copied, meter: &Rc<Meter>) -> Self {
        Self::of(RequestSource::Copied(from), meter)
    }

    /// From now on, what is read of it is copied.
    pub(super) fn tap(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// A body that may be sent again.
    pub(super) fn taped(taped: Taped, meter: &Rc<Meter>) -> Self {
        Self {
            source: RequestSource::Taped(taped),
            trailers: None,
            meter: Rc::clone(meter),
            guard: None,
            tap: None,
            cut: false,
        }
    }

    /// There is none, or none is left.
    pub(super) fn is_empty(&self) -> bool {
        match &self.source {
            RequestSource::Empty => true,
            RequestSource::Http1(downstream) => downstream.borrow().is_body_done(),
            RequestSource::Http2(frames) => frames.is_end_stream(),
            RequestSource::Taped(taped) => taped.is_empty(),
            RequestSource::Held(data) => data.is_empty() && self.trailers.is_none(),
            RequestSource::Copied(copied) => copied.is_empty(),
        }
    }

    /// Gets bytes, or to the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Filled, Broken>> {
        if self.tap.as_ref().is_some_and(Tap::is_due) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let filled = match &mut self.source {
            RequestSource::Empty => Ok(Filled::End),
            RequestSource::Http1(downstream) => {
                let mut downstream = downstream.borrow_mut();
                let filled = ready!(downstream.poll_body(cx));
                if matches!(filled, Ok(Filled::End)) {
                    self.trailers = self.trailers.take().or_else(|| downstream.take_trailers());
                }
                filled.map_err(Broken::from)
            }
            RequestSource::Http2(frames) => ready!(frames.poll_fill(&mut self.trailers, cx)).map_err(Broken::from),
            RequestSource::Held(data) => Ok(if data.is_empty() { Filled::End } else { Filled::Data }),
            RequestSource::Copied(copied) => ready!(copied.poll_fill(&mut self.trailers, cx)),
            // What it is made of has looked after the rest.
            RequestSource::Taped(taped) => return taped.poll_fill(&mut self.trailers, cx),
        };
        match &filled {
            Ok(Filled::Data) => {}
            Ok(Filled::End) => {
                if !self.meter.request_ended.replace(true) {
                    self.meter.last.set(Instant::now());
                }
                if self.cut {
                    self.trailers = None;
                }
                if let Some(trailers) = &mut self.trailers {
                    let guard = self.guard.as_ref();
                    clean_request_trailers(trailers, |name| guard.is_some_and(|(rule, on)| rule.guards(*on, name)));
                }
                if let Some(tap) = self.tap.take() {
                    tap.end(self.trailers.as_ref());
                }
            }
            Err(_) => self.meter.request_broken.set(true),
        }
        Poll::Ready(filled)
    }

    /// Looks at the bytes that [`Filled::Data`] promised.
    pub(super) fn with_data<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        match &self.source {
            RequestSource::Empty => look(&[]),
            RequestSource::Http1(downstream) => look(downstream.borrow().data()),
            RequestSource::Http2(frames) => look(&frames.data),
            RequestSource::Held(data) => look(data),
            RequestSource::Copied(copied) => copied.with_data(look),
            RequestSource::Taped(taped) => taped.with_data(look),
        }
    }

    /// They are not taken for now.
    pub(super) fn settle(&mut self) {
        match &mut self.source {
            RequestSource::Http1(downstream) => downstream.borrow_mut().settle(),
            RequestSource::Taped(taped) => taped.settle(),
            RequestSource::Empty | RequestSource::Http2(_) | RequestSource::Held(_) | RequestSource::Copied(_) => {}
        }
    }

    /// So many of them have gone on their way.
    pub(super) fn consume(&mut self, length: usize) {
        if let Some(tap) = &self.tap {
            self.with_data(|data| tap.data(&data[..length]));
        }
        match &mut self.source {
            RequestSource::Empty => {}
            // It has been counted as it was read.
            RequestSource::Held(data) => {
                data.advance(length);
                return self.meter.last.set(Instant::now());
            }
            RequestSource::Copied(copied) => copied.consume(length),
            RequestSource::Http1(downstream) => downstream.borrow_mut().consume(length),
            RequestSource::Http2(frames) => frames.data.advance(length),
            RequestSource::Taped(taped) => {
                taped.consume(length);
                return self.meter.last.set(Instant::now());
            }
        }
        self.meter.request_bytes.set(self.meter.request_bytes.get() + length as u64);
        self.meter.last.set(Instant::now());
    }

    /// What came behind it.
    pub(super) fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        Poll::Ready(match ready!(this.poll_fill(cx)) {
            Ok(Filled::Data) => {
                let data = match &this.source {
                    RequestSource::Http2(frames) => frames.data.clone(),
                    RequestSource::Held(data) => data.clone(),
                    _ => this.with_data(Bytes::copy_from_slice),
                };
                this.consume(data.len());
                Some(Ok(Frame::data(data)))
            }
            Ok(Filled::End) => this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, RequestSource::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            RequestSource::Empty => SizeHint::with_exact(0),
            RequestSource::Http1(downstream) => {
                downstream.borrow().left().map_or_else(SizeHint::default, SizeHint::with_exact)
            }
            RequestSource::Http2(frames) => frames.incoming.size_hint(),
            RequestSource::Held(data) if self.trailers.is_none() => SizeHint::with_exact(data.len() as u64),
            RequestSource::Held(_) | RequestSource::Copied(_) => SizeHint::default(),
            RequestSource::Taped(taped) => taped.left().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// Looks at the clock while an exchange waits: its deadline, and how long no byte has flowed.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Option<(Instant, Flag)>,
    idle: Duration,
    timer: Rc<RefCell<Timer>>,
}

impl Watch {
    /// `timer`: of the task that waits.
    pub(super) fn new(deadline: Option<(Instant, Flag)>, idle: Duration, timer: Rc<RefCell<Timer>>) -> Self {
        Self { deadline, idle, timer }
    }

    /// Ready with the reason once it has taken too long.
    pub(super) fn poll_expired(&mut self, meter: &Meter, cx: &mut Context<'_>) -> Poll<Flag> {
        let idle = meter.last.get() + self.idle;
        let next = self.deadline.map_or(idle, |(deadline, _)| deadline.min(idle));
        ready!(self.timer.borrow_mut().poll(next, cx));
        Poll::Ready(match self.deadline {
            Some((deadline, flag)) if deadline <= idle => flag,
            _ if meter.request_ended.get() => Flag::UpstreamIdle,
            _ => Flag::ClientIdle,
        })
    }

    /// Waits for a future, but not too long.
    pub(super) async fn guard<F: Future>(&mut self, meter: &Meter, mut future: Pin<&mut F>) -> Result<F::Output, Flag> {
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(meter, cx).map(Err),
        })
        .await
    }
}

/// What a backend sends behind its head: on the connection itself, or on a stream of it.
#[derive(Debug)]
pub(super) enum Received {
    Http1,
    Http2(hyper::body::Incoming),
}

/// The body of a response, with the record of its exchange, which ends with it.
pub(super) struct ResponseBody {
    source: Source,
    trailers: Option<HeaderMap>,
    exchange: Option<Box<Exchange>>,
}

enum Source {
    Text(Bytes),
    /// `None`: all has been read.
    Http1 {
        lease: Option<Lease>,
        watch: Watch,
    },
    Http2 {
        frames: Frames,
        lease: Option<Lease>,
        watch: Watch,
    },
}

impl ResponseBody {
    /// A body of our own; empty for none.
    pub(super) fn text(text: impl Into<Bytes>, exchange: Option<Box<Exchange>>) -> Self {
        Self { source: Source::Text(text.into()), trailers: None, exchange }
    }

    /// The backend's body. `lease` goes back to the pool when all has been read.
    pub(super) fn upstream(received: Received, lease: Lease, watch: Watch, exchange: Box<Exchange>) -> Self {
        let lease = Some(lease);
        let source = match received {
            Received::Http1 => Source::Http1 { lease, watch },
            Received::Http2(incoming) => Source::Http2 { frames: Frames::new(incoming), lease, watch },
        };
        Self { source, trailers: None, exchange: Some(exchange) }
    }

    /// The length of a body of our own.
    pub(super) fn own_length(&self) -> Option<usize> {
        match &self.source {
            Source::Text(text) => Some(text.len()),
            Source::Http1 { .. } | Source::Http2 { .. } => None,
        }
    }

    /// The last byte has been read.
    fn finish(&mut self) {
        let lease = match &mut self.source {
            Source::Text(_) => None,
            Source::Http1 { lease, .. } | Source::Http2 { lease, .. } => lease.take(),
        };
        if let Some(exchange) = &mut self.exchange {
            exchange.complete = true;
        }
        if let Some(lease) = lease {
            lease.give_back();
        }
    }

    fn fail(&mut self, flag: Flag, error: Option<String>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.fail(flag, error);
        }
    }

    /// Sends what is left of the request, for as long as the response waits for its reader.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) {
        if let Source::Http1 { lease: Some(lease), .. } = &mut self.source {
            lease.poll_request(cx);
        }
    }

    /// Gets bytes, or to the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Filled, Broken>> {
        let (filled, watch) = match &mut self.source {
            Source::Text(text) => {
                return Poll::Ready(Ok(if text.is_empty() { Filled::End } else { Filled::Data }));
            }
            Source::Http1 { lease: None, .. } => return Poll::Ready(Ok(Filled::End)),
            Source::Http1 { lease: Some(lease), watch } => {
                (lease.poll_body(&mut self.trailers, cx).map_err(Broken::from), watch)
            }
            Source::Http2 { frames, watch, .. } => {
                (frames.poll_fill(&mut self.trailers, cx).map_err(Broken::from), watch)
            }
        };
        let Poll::Ready(filled) = filled else {
            let Some(exchange) = &self.exchange else { return Poll::Pending };
            let flag = ready!(watch.poll_expired(&exchange.meter, cx));
            self.fail(flag, None);
            return Poll::Ready(Err(Broken::Response));
        };
        match &filled {
            Ok(Filled::Data) => {}
            Ok(Filled::End) => {
                if let Some(trailers) = &mut self.trailers {
                    clean_trailers(trailers);
                    if let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.call) {
                        exchange.grpc = Code::of(trailers).or(exchange.grpc);
                    }
                }
                self.finish();
            }
            Err(error) => self.fail(Flag::UpstreamReset, Some(chain(error))),
        }
        Poll::Ready(filled)
    }

    /// Ready once the reader has taken nothing for too long, or the exchange has taken too long.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (Source::Http1 { watch, .. } | Source::Http2 { watch, .. }) = &mut self.source else {
            return Poll::Pending;
        };
        let Some(exchange) = &self.exchange else { return Poll::Pending };
        let flag = ready!(watch.poll_expired(&exchange.meter, cx));
        if matches!(flag, Flag::RequestTimeout | Flag::BackendTimeout) && !exchange.complete {
            self.fail(flag, None);
        }
        Poll::Ready(())
    }

    /// The bytes that [`Filled::Data`] promised.
    pub(super) fn data(&self) -> &[u8] {
        match &self.source {
            Source::Text(text) => text,
            Source::Http1 { lease, .. } => lease.as_ref().map_or(&[], Lease::data),
            Source::Http2 { frames, .. } => &frames.data,
        }
    }

    /// They are not taken for now.
    pub(super) fn settle(&mut self) {
        if let Source::Http1 { lease: Some(lease), .. } = &mut self.source {
            lease.settle();
        }
    }

    /// Whether nothing comes behind [`ResponseBody::data`].
    pub(super) fn is_last(&self) -> bool {
        match &self.source {
            Source::Text(_) => true,
            Source::Http1 { lease, .. } => self.trailers.is_none() && lease.as_ref().is_none_or(Lease::is_read),
            Source::Http2 { .. } => false,
        }
    }

    /// So many of them have gone on their way.
    pub(super) fn consume(&mut self, length: usize) {
        match &mut self.source {
            Source::Text(text) => text.advance(length),
            Source::Http1 { lease, .. } => {
                if let Some(lease) = lease {
                    lease.consume(length);
                }
            }
            Source::Http2 { frames, .. } => frames.data.advance(length),
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.meter.last.set(Instant::now());
            exchange.response_bytes += length as u64;
        }
    }

    /// What came behind it.
    pub(super) fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }
}

/// What goes into one DATA frame of HTTP/2, at its default SETTINGS_MAX_FRAME_SIZE (RFC 9113 6.5.2).
const FRAME: usize = 16 << 10;

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        this.poll_request(cx);
        Poll::Ready(match ready!(this.poll_fill(cx)) {
            Ok(Filled::Data) => {
                let data = match &this.source {
                    Source::Text(text) => text.clone(),
                    Source::Http2 { frames, .. } => frames.data.clone(),
                    // What the client does not take waits in the connection's buffer, of which there are no more than may be.
                    Source::Http1 { .. } => Bytes::copy_from_slice(&this.data()[..this.data().len().min(FRAME)]),
                };
                this.consume(data.len());
                if this.is_end_stream() && this.trailers.is_none() {
                    this.finish();
                }
                Some(Ok(Frame::data(data)))
            }
            Ok(Filled::End) => this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.is_empty(),
            Source::Http1 { lease, .. } => {
                self.trailers.is_none() && lease.as_ref().is_none_or(|lease| lease.left() == Some(0) && lease.is_read())
            }
            Source::Http2 { frames, .. } => self.trailers.is_none() && frames.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.len() as u64),
            Source::Http1 { lease, .. } => {
                let left = lease.as_ref().map_or(Some(0), Lease::left);
                left.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
            Source::Http2 { frames, .. } => frames.incoming.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // A body that has ended is not polled, nor one of a response that must have none.
        if self.is_end_stream() || matches!(self.source, Source::Text(_)) {
            self.finish();
        }
    }
}
