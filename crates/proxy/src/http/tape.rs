//! The body of a request that may be sent again: what has been read of it is kept, up to a bound. A body that outgrows the
//! bound passes through as any other, and its request is sent once.

use super::body::{Broken, RequestBody};
use crate::{http1::Filled, worker::Worker};
use http::HeaderMap;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, ready},
};

/// What has been read of a request's body, and what is left of it.
#[derive(Debug)]
pub(super) struct Tape {
    inner: RefCell<Inner>,
    /// Which reader counts: the newest.
    reader: Cell<u32>,
}

struct Inner {
    worker: Worker,
    body: RequestBody,
    kept: Vec<u8>,
    /// Some has passed that was not kept, or there is to be no other reader.
    once: bool,
    ended: bool,
    trailers: Option<HeaderMap>,
    /// Of the worker's share.
    held: usize,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("kept", &self.kept.len()).field("once", &self.once).finish_non_exhaustive()
    }
}

impl Inner {
    /// Keeps bytes, if there is room for them: for this request, and beside those of all others of the worker.
    fn keep(&mut self, length: usize) -> bool {
        let limits = self.worker.limits();
        let wanted = self.kept.len() + length;
        if wanted > limits.retry_body {
            return false;
        }
        let all = self.worker.held_bodies();
        let share = limits.held_retry_bodies / self.worker.shared().loads.len().max(1);
        let others = all.get() - self.held;
        if others + wanted > share {
            return false;
        }
        all.set(others + wanted);
        self.held = wanted;
        let Self { body, kept, .. } = self;
        body.with_data(|data| kept.extend_from_slice(data));
        body.consume(length);
        true
    }

    fn forget(&mut self) {
        self.kept = Vec::new();
        let all = self.worker.held_bodies();
        all.set(all.get() - self.held);
        self.held = 0;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Tape {
    pub(super) fn new(worker: &Worker, body: RequestBody) -> Rc<Self> {
        let inner = Inner {
            worker: worker.clone(),
            body,
            kept: Vec::new(),
            once: false,
            ended: false,
            trailers: None,
            held: 0,
        };
        Rc::new(Self { inner: RefCell::new(inner), reader: Cell::new(0) })
    }

    /// Reads it from the start; who has read it so far is told that it broke off.
    pub(super) fn rewind(self: &Rc<Self>) -> Taped {
        let reader = self.reader.get() + 1;
        self.reader.set(reader);
        Taped { tape: Rc::clone(self), reader, at: 0 }
    }

    /// Whether it can be read from the start once more.
    pub(super) fn is_whole(&self) -> bool {
        !self.inner.borrow().once
    }

    /// It will not be read from the start again.
    pub(super) fn release(&self) {
        self.inner.borrow_mut().once = true;
    }
}

/// A reader of a [`Tape`].
#[derive(Debug)]
pub(super) struct Taped {
    tape: Rc<Tape>,
    reader: u32,
    /// Bytes of what is kept that have gone on their way.
    at: usize,
}

impl Taped {
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.tape.inner.borrow();
        self.at >= inner.kept.len() && (inner.ended || inner.body.is_empty())
    }

    pub(super) fn poll_fill(
        &mut self,
        trailers: &mut Option<HeaderMap>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Filled, Broken>> {
        if self.reader != self.tape.reader.get() {
            return Poll::Ready(Err(Broken::Response));
        }
        let mut inner = self.tape.inner.borrow_mut();
        if self.at < inner.kept.len() {
            return Poll::Ready(Ok(Filled::Data));
        }
        if inner.once && !inner.kept.is_empty() {
            inner.forget();
            self.at = 0;
        }
        if !inner.ended {
            match ready!(inner.body.poll_fill(cx))? {
                Filled::Data => {
                    let length = inner.body.with_data(<[u8]>::len);
                    if inner.once || !inner.keep(length) {
                        inner.once = true;
                        // What was kept has gone on its way, so the bytes are those of the body itself.
                        inner.forget();
                        self.at = 0;
                    }
                    return Poll::Ready(Ok(Filled::Data));
                }
                Filled::End => {
                    inner.ended = true;
                    inner.trailers = inner.body.take_trailers();
                }
            }
        }
        trailers.clone_from(&inner.trailers);
        Poll::Ready(Ok(Filled::End))
    }

    pub(super) fn with_data<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        let inner = self.tape.inner.borrow();
        match inner.kept.get(self.at..) {
            Some(kept) if !kept.is_empty() => look(kept),
            _ => inner.body.with_data(look),
        }
    }

    pub(super) fn settle(&mut self) {
        self.tape.inner.borrow_mut().body.settle();
    }

    pub(super) fn consume(&mut self, length: usize) {
        let mut inner = self.tape.inner.borrow_mut();
        if self.at < inner.kept.len() { self.at += length } else { inner.body.consume(length) }
    }

    /// Bytes that are still to come, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        let inner = self.tape.inner.borrow();
        let kept = inner.kept.len().saturating_sub(self.at) as u64;
        if inner.ended { Some(kept) } else { Some(kept + http_body::Body::size_hint(&inner.body).exact()?) }
    }
}
