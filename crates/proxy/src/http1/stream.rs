//! A connection with its read buffer, which it borrows from its worker for as long as there is something in it.

use super::body::{BodyError, Decoder, Framing};
use bytes::Bytes;
use http::HeaderMap;
use std::{
    cell::{Cell, RefCell},
    io,
    ops::{Deref, DerefMut, Range},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// A buffer for heads and small bodies, one for large bodies, and one for all while much is lent.
pub(crate) const SMALL: usize = 16 << 10;
const LARGE: usize = 64 << 10;
const TINY: usize = 4 << 10;
/// Bytes that a worker lends before it has no large buffers any more, and before it has but tiny ones. A buffer is lent for
/// as long as there is something in it that the other side does not take, so these are many stalled connections.
const PLENTY: usize = 4 << 20;
const MUCH: usize = 8 << 20;
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
    lent: Cell<usize>,
}

impl Buffers {
    fn take(&self, size: usize) -> Box<[u8]> {
        self.lent.set(self.lent.get() + size);
        let kept = match size {
            SMALL => self.small.borrow_mut().pop(),
            LARGE => self.large.borrow_mut().pop(),
            _ => None,
        };
        kept.unwrap_or_else(|| vec![0; size].into_boxed_slice())
    }

    /// The size for what is to come, which is much or not.
    fn size(&self, large: bool) -> usize {
        match self.lent.get() {
            ..PLENTY if large => LARGE,
            ..MUCH => SMALL,
            _ => TINY,
        }
    }

    fn give(&self, buffer: Box<[u8]>) {
        self.lent.set(self.lent.get() - buffer.len());
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

/// What is borrowed from a worker; empty: nothing.
#[derive(Debug)]
struct Buffer {
    bytes: Box<[u8]>,
    home: Rc<Buffers>,
}

impl Buffer {
    /// Borrows so much in the place of what was borrowed before, of which this part moves over.
    fn move_to(&mut self, size: usize, part: Range<usize>) {
        let mut bytes = self.home.take(size);
        bytes[..part.len()].copy_from_slice(&self.bytes[part]);
        self.give_back();
        self.bytes = bytes;
    }

    fn give_back(&mut self) {
        if !self.bytes.is_empty() {
            self.home.give(std::mem::take(&mut self.bytes));
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.give_back();
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
    buffer: Buffer,
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
            buffer: Buffer { bytes: Box::default(), home: buffers },
            data: 0..0,
            raw: 0..0,
            decoder: Decoder::Done,
            trailers: None,
            filled: false,
        };
        if !early.is_empty() {
            stream.buffer.move_to(early.len().max(SMALL), 0..0);
            stream.buffer[..early.len()].copy_from_slice(early);
            stream.raw = 0..early.len();
        }
        stream
    }

    pub(crate) fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// The connection, and what was read from it but not used.
    pub(crate) fn into_parts(self) -> (T, Bytes) {
        let early = Bytes::copy_from_slice(self.raw());
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
            self.buffer.give_back();
        }
    }

    /// What is borrowed.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Moves a few bytes out of a buffer that others can use, as the rest may be long in coming.
    pub(crate) fn compact(&mut self) {
        if self.data.is_empty() && (1..=COMPACT).contains(&self.raw.len()) && self.buffer.len() >= SMALL {
            self.buffer.move_to(self.raw.len(), self.raw.clone());
            (self.data, self.raw) = (0..0, 0..self.raw.len());
        }
    }

    /// The other side does not take [`Stream::data`] for now: it waits in no more than it needs, if many do.
    pub(crate) fn settle(&mut self) {
        let (start, length) = (self.data.start, self.raw.end.max(self.data.end) - self.data.start);
        if self.buffer.home.lent.get() > PLENTY && length <= self.buffer.len() / 2 && !self.data.is_empty() {
            self.buffer.move_to(length, start..start + length);
            self.data = 0..self.data.end - start;
            self.raw = self.raw.start - start..self.raw.end - start;
        }
    }

    /// Makes room behind [`Stream::raw`].
    fn make_room(&mut self) {
        if self.buffer.is_empty() {
            // A large body, as it says or as it comes.
            let large = self.filled || self.decoder.left().is_some_and(|left| left > SMALL as u64);
            self.buffer.move_to(self.buffer.home.size(large), 0..0);
            return;
        }
        if self.raw.end < self.buffer.len() {
            return;
        }
        let raw = self.raw.clone();
        if raw.start > 0 {
            self.buffer.copy_within(raw.clone(), 0);
        } else {
            self.buffer.move_to((4 * raw.len()).max(SMALL), raw.clone());
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
