//! The byte stream that hyper works on: a connection that may have bytes left from before, and knows whether all that
//! hyper wrote has left.

use crate::io::Io;
use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::{
    cell::Cell,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

/// A connection for hyper.
#[derive(Debug)]
pub(super) struct Transport {
    io: TokioIo<Io>,
    /// Read before, not yet given to hyper.
    early: Bytes,
    writes: Rc<Writes>,
}

/// How far what hyper writes has come.
#[derive(Debug)]
pub(super) struct Writes {
    /// hyper holds bytes that the socket has not taken: it flushes only once it has written everything.
    unflushed: Cell<bool>,
    /// When the far end last made room for some.
    last: Cell<Instant>,
}

impl Writes {
    /// Whether all has left.
    pub(super) fn are_done(&self) -> bool {
        !self.unflushed.get()
    }

    /// Since when nothing has.
    pub(super) fn rest_since(&self) -> Instant {
        self.last.get()
    }

    fn note(&self, result: &Poll<io::Result<usize>>) {
        self.unflushed.set(true);
        if result.is_ready() {
            self.last.set(Instant::now());
        }
    }
}

impl Transport {
    /// `early`: bytes that were read from `io` before.
    pub(super) fn new(io: Io, early: Bytes) -> Self {
        let writes = Rc::new(Writes { unflushed: Cell::new(false), last: Cell::new(Instant::now()) });
        Self { io: TokioIo::new(io), early, writes }
    }

    /// What becomes of what hyper writes.
    pub(super) fn writes(&self) -> Rc<Writes> {
        Rc::clone(&self.writes)
    }

    /// The connection; bytes that hyper had read come first, then those still held here. They are copied, as `read` may be
    /// the empty end of a buffer that would otherwise live as long as they do.
    pub(super) fn into_parts(self, read: &[u8]) -> (Io, Bytes) {
        (self.io.into_inner(), [read, &self.early].concat().into())
    }
}

impl Read for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let length = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early[..length]);
        self.early.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Write for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.writes.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.writes.note(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.writes.unflushed.set(false);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::{BufMut, BytesMut};

    #[tokio::test]
    async fn what_is_left_holds_no_buffer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transport = async |early: &'static [u8]| {
            let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            Transport::new(Io::Plain(stream), Bytes::from_static(early))
        };
        let mut read = BytesMut::with_capacity(8 << 10);
        read.put_slice(b"a whole request");
        read.advance(15);
        let (_, rest) = transport(b"").await.into_parts(&read.freeze());
        assert_eq!(rest.try_into_mut().map_or(0, |rest| rest.capacity()), 0);
        let (_, rest) = transport(b"der").await.into_parts(b"hea");
        assert_eq!(rest, "header");
    }
}
