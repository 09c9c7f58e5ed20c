//! A connection with its read buffer, which it borrows from its worker for as long as there is something in it.

use super::body::{BodyError, Decoder, Framing};
use bytes::Bytes;
use http::HeaderMap;
use std::{
    cell::RefCell,
    io,
    ops::Range,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// A buffer for heads and small bodies, and one for large bodies.
pub(crate) const SMALL: usize = 16 << 10;
const LARGE: usize = 64 << 10;
/// Bytes that are worth moving, so that nobody waits with a whole buffer.
const COMPACT: usize = 4 << 10;
/// Buffers that a worker keeps for the next connections: 2 MiB of each size.
const KEPT_SMALL: usize = 128;
const KEPT_LARGE: usize = 32;

/// The buffers that a worker's connections share.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    small: RefCell<Vec<Box<[u8]>>>,
    large: RefCell<Vec<Box<[u8]>>>,
}

impl Buffers {
    fn take(&self, size: usize) -> Box<[u8]> {
        let kept = match size {
            SMALL => self.small.borrow_mut().pop(),
            LARGE => self.large.borrow_mut().pop(),
            _ => None,
        };
        kept.unwrap_or_else(|| vec![0; size].into_boxed_slice())
    }

    fn give(&self, buffer: Box<[u8]>) {
        let (kept, most) = match buffer.len() {
            SMALL => (&self.small, KEPT_SMALL),
            LARGE => (&self.large, KEPT_LARGE),
            _ => return,
        };
        let mut kept = kept.borrow_mut();
        if kept.len() < most {
            kept.push(buffer);
        }
    }
}

/// What [`Stream::poll_body`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There are bytes of the body.
    Data,
    /// There are none left.
    End,
}

/// A connection with what has been read from it.
///
/// ```text
///  buffer: …… data: bytes of the body, without framing …… raw: as they came …… room
/// ```
#[derive(Debug)]
pub(crate) struct Stream<T> {
    io: T,
    buffers: Rc<Buffers>,
    /// Empty: none is borrowed.
    buffer: Box<[u8]>,
    data: Range<usize>,
    raw: Range<usize>,
    decoder: Decoder,
    trailers: Option<HeaderMap>,
    /// The last read could have brought more.
    filled: bool,
}

impl<T> Stream<T> {
    /// `early`: bytes that were read from `io` before.
    pub(crate) fn new(io: T, buffers: Rc<Buffers>, early: &[u8]) -> Self {
        let mut stream = Self {
            io,
            buffers,
            buffer: Box::default(),
            data: 0..0,
            raw: 0..0,
            decoder: Decoder::Done,
            trailers: None,
            filled: false,
        };
        if !early.is_empty() {
            stream.buffer = stream.buffers.take(early.len().max(SMALL));
            stream.buffer[..early.len()].copy_from_slice(early);
            stream.raw = 0..early.len();
        }
        stream
    }

    pub(crate) fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// The connection, and what was read from it but not used.
    pub(crate) fn into_parts(mut self) -> (T, Bytes) {
        let early = Bytes::copy_from_slice(self.raw());
        self.buffers.give(std::mem::take(&mut self.buffer));
        (self.io, early)
    }

    /// What has come and is no body.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.buffer[self.raw.clone()]
    }

    /// Takes so many bytes off [`Stream::raw`].
    pub(crate) fn consume_raw(&mut self, length: usize) {
        self.raw.start = (self.raw.start + length).min(self.raw.end);
        self.release();
    }

    /// What comes next is a body.
    pub(crate) fn begin_body(&mut self, framing: Framing) {
        self.decoder = Decoder::new(framing);
        self.trailers = None;
    }

    /// Bytes of the body, framing taken away; those that [`Filled::Data`] promised.
    pub(crate) fn data(&self) -> &[u8] {
        &self.buffer[self.data.clone()]
    }

    /// Takes so many bytes off [`Stream::data`].
    pub(crate) fn consume(&mut self, length: usize) {
        self.data.start = (self.data.start + length).min(self.data.end);
        self.release();
    }

    /// The body has been read to its end, though not all of [`Stream::data`] may have been taken.
    pub(crate) fn is_read(&self) -> bool {
        self.decoder.is_done()
    }

    /// The body has been read, and taken.
    pub(crate) fn is_body_done(&self) -> bool {
        self.decoder.is_done() && self.data.is_empty()
    }

    /// Bytes of the body still to be taken, if that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        Some(self.decoder.left()? + self.data.len() as u64)
    }

    /// Fields that came behind the body.
    pub(crate) fn trailers(&mut self) -> &mut Option<HeaderMap> {
        &mut self.trailers
    }

    pub(crate) fn has_trailers(&self) -> bool {
        self.trailers.is_some()
    }

    /// Gives the buffer back if there is nothing in it.
    fn release(&mut self) {
        if self.data.is_empty() && self.raw.is_empty() {
            (self.data, self.raw) = (0..0, 0..0);
            if !self.buffer.is_empty() {
                self.buffers.give(std::mem::take(&mut self.buffer));
            }
        }
    }

    /// What is borrowed.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Moves a few bytes out of a buffer that others can use, as the rest may be long in coming.
    pub(crate) fn compact(&mut self) {
        if self.data.is_empty() && (1..=COMPACT).contains(&self.raw.len()) && self.buffer.len() >= SMALL {
            let few = Box::from(self.raw());
            self.buffers.give(std::mem::replace(&mut self.buffer, few));
            (self.data, self.raw) = (0..0, 0..self.raw.len());
        }
    }

    /// Makes room behind [`Stream::raw`].
    fn make_room(&mut self) {
        if self.buffer.is_empty() {
            // A large body, as it says or as it comes.
            let large = self.filled || self.decoder.left().is_some_and(|left| left > SMALL as u64);
            self.buffer = self.buffers.take(if large { LARGE } else { SMALL });
            return;
        }
        if self.raw.end < self.buffer.len() {
            return;
        }
        let raw = self.raw.clone();
        if raw.start > 0 {
            self.buffer.copy_within(raw.clone(), 0);
        } else {
            let mut larger = self.buffers.take((4 * raw.len()).max(SMALL));
            larger[..raw.len()].copy_from_slice(&self.buffer[raw.clone()]);
            self.buffers.give(std::mem::replace(&mut self.buffer, larger));
        }
        (self.data, self.raw) = (0..0, 0..raw.len());
    }

    /// Decodes what has come, without waiting; true once the body is done or has bytes.
    fn advance(&mut self) -> Result<bool, BodyError> {
        if self.data.is_empty() && !self.decoder.is_done() && !self.raw.is_empty() {
            let start = self.raw.start;
            let decoded = self.decoder.decode(&mut self.buffer[self.raw.clone()])?;
            self.data = start + decoded.data.start..start + decoded.data.end;
            self.raw.start += decoded.consumed;
            self.trailers = decoded.trailers;
            self.release();
        }
        Ok(!self.data.is_empty() || self.decoder.is_done())
    }

    /// Throws away what has come of the body; true if that was all of it.
    pub(crate) fn skip_body(&mut self) -> bool {
        while !self.is_body_done() {
            let length = self.data.len();
            self.consume(length);
            if !self.advance().unwrap_or(false) {
                return false;
            }
        }
        true
    }
}

impl<T: AsyncRead + Unpin> Stream<T> {
    /// Reads more behind [`Stream::raw`]; only while no body's bytes are there. 0: the end. The caller bounds what comes
    /// together there.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let mut room = ReadBuf::new(&mut self.buffer[self.raw.end..]);
        let result = Pin::new(&mut self.io).poll_read(cx, &mut room);
        let (length, full) = (room.filled().len(), room.remaining() == 0);
        if result.is_pending() || length == 0 {
            self.filled = false;
            self.release();
        } else {
            self.filled = full;
            self.raw.end += length;
        }
        result.map_ok(|()| length)
    }

    /// Reads until there are bytes of the body.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Filled, BodyError>> {
        while !self.advance()? {
            if ready!(self.poll_read(cx))? == 0 {
                self.decoder.end()?;
            }
        }
        Poll::Ready(Ok(if self.data.is_empty() { Filled::End } else { Filled::Data }))
    }

    /// Whether nothing has come, not even the end.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        self.raw.is_empty() && Pin::new(&mut self.io).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }
}
