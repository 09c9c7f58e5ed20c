//! What is written to a connection: heads, and bodies with their framing.

use http::{HeaderMap, HeaderName, Method, StatusCode, Version};
use std::{
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// A head's buffer, to begin with; and what of it an idle connection may keep.
const HEAD: usize = 1 << 10;
const KEPT: usize = 4 << 10;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is; so many bytes are still to come, as the head has said.
    Length(u64),
    Chunked,
    /// As it is, up to the end of the connection.
    Close,
}

/// What is on its way to a connection.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Heads and framing.
    out: Vec<u8>,
    /// Bytes of it that have left.
    sent: usize,
    encoding: Encoding,
    /// Bytes of the current chunk's data that have not left.
    announced: usize,
    /// The last chunk is written, or in `out`.
    ended: bool,
    /// Something has left since [`Writer::begin`].
    begun: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Self { out: Vec::new(), sent: 0, encoding: Encoding::Length(0), announced: 0, ended: true, begun: false }
    }
}

/// `GET /path HTTP/1.1`
pub(crate) fn write_request(out: &mut Vec<u8>, method: &Method, target: &str) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// `HTTP/1.1 200 OK`; in the version of the request, as nobody may count on more.
pub(crate) fn write_status(out: &mut Vec<u8>, version: Version, status: StatusCode) {
    if version == Version::HTTP_11 && status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(if version == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A line per field, without the empty line at the end.
pub(crate) fn write_fields(out: &mut Vec<u8>, fields: &HeaderMap) {
    for (name, value) in fields {
        write_field(out, name, value.as_bytes());
    }
}

fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

impl Writer {
    /// A message begins: where its head goes. Its body is written in this encoding.
    pub(crate) fn begin(&mut self, encoding: Encoding) -> &mut Vec<u8> {
        self.encoding = encoding;
        self.announced = 0;
        self.ended = encoding == Encoding::Length(0);
        self.begun = false;
        if self.out.capacity() == 0 {
            self.out.reserve(HEAD);
        }
        &mut self.out
    }

    /// Adds bytes between messages.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Whether anything of the message has left.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether all of the message has left.
    pub(crate) fn is_done(&self) -> bool {
        self.ended && self.sent == self.out.len()
    }

    /// Lets go of memory; `all`, where many connections rest.
    pub(crate) fn shrink(&mut self, all: bool) {
        if self.sent == self.out.len() && (all || self.out.capacity() > KEPT) {
            self.out = Vec::new();
            self.sent = 0;
        }
    }

    fn note_sent(&mut self, length: usize) {
        self.begun |= length > 0;
        self.sent += length;
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        }
    }

    /// Writes body bytes, behind whatever waits, as one write; how many of them have left. After [`Poll::Pending`] the same
    /// bytes must come again. `last`: nothing comes behind them.
    pub(crate) fn poll_data<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        data: &[u8],
        last: bool,
    ) -> Poll<io::Result<usize>> {
        if self.encoding != Encoding::Chunked {
            return self.poll_plain(io, cx, data);
        }
        if self.announced == 0 {
            // Writing to a Vec cannot fail.
            let _ = write!(self.out, "{:x}\r\n", data.len());
            self.announced = data.len();
        }
        let last = last && data.len() <= self.announced;
        let data = &data[..data.len().min(self.announced)];
        let tail: &[u8] = if last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
        let waiting = self.out.len() - self.sent;
        // What was announced may have come only in part this time.
        let tail = if data.len() == self.announced { tail } else { b"" };
        let slices = [IoSlice::new(&self.out[self.sent..]), IoSlice::new(data), IoSlice::new(tail)];
        let written = ready!(Pin::new(io).poll_write_vectored(cx, &slices))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.note_sent(written.min(waiting));
        let rest = written.saturating_sub(waiting);
        let taken = rest.min(data.len());
        self.announced -= taken;
        if self.announced == 0 {
            self.out.extend_from_slice(&tail[rest - taken..]);
            self.ended = last;
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_plain<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Encoding::Length(left) = self.encoding
            && left < data.len() as u64
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "more than Content-Length says")));
        }
        let waiting = self.out.len() - self.sent;
        let written = if waiting == 0 {
            ready!(Pin::new(io).poll_write(cx, data))?
        } else {
            let slices = [IoSlice::new(&self.out[self.sent..]), IoSlice::new(data)];
            ready!(Pin::new(io).poll_write_vectored(cx, &slices))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.begun = true;
        self.note_sent(written.min(waiting));
        let taken = written.saturating_sub(waiting);
        if let Encoding::Length(left) = &mut self.encoding {
            *left -= taken as u64;
            self.ended = *left == 0;
        }
        Poll::Ready(Ok(taken))
    }

    /// The body has ended: with these fields, where the encoding has room for them. Fails if the head has promised more.
    pub(crate) fn end(&mut self, trailers: Option<&HeaderMap>) -> io::Result<()> {
        match self.encoding {
            _ if self.ended => {}
            Encoding::Length(_) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "less than Content-Length says"));
            }
            Encoding::Close => {}
            Encoding::Chunked => {
                self.out.extend_from_slice(b"0\r\n");
                if let Some(trailers) = trailers {
                    write_fields(&mut self.out, trailers);
                }
                self.out.extend_from_slice(b"\r\n");
            }
        }
        self.ended = true;
        Ok(())
    }

    /// Writes whatever waits.
    pub(crate) fn poll_flush<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, &self.out[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.note_sent(written);
        }
        Pin::new(io).poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// Takes a few bytes at a time.
    struct Narrow(Vec<u8>, usize);

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let length = buf.len().min(self.1);
            self.0.extend_from_slice(&buf[..length]);
            Poll::Ready(Ok(length))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            self.poll_write(cx, &all)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn write(encoding: Encoding, pieces: &[&[u8]], last: bool, width: usize) -> io::Result<String> {
        let mut io = Narrow(Vec::new(), width);
        let mut writer = Writer::default();
        writer.begin(encoding).extend_from_slice(b"head\r\n\r\n");
        for (index, piece) in pieces.iter().enumerate() {
            let mut piece = *piece;
            let last = last && index + 1 == pieces.len();
            while !piece.is_empty() {
                let taken = poll_fn(|cx| writer.poll_data(&mut io, cx, piece, last)).await?;
                piece = &piece[taken..];
            }
        }
        writer.end(None)?;
        poll_fn(|cx| writer.poll_flush(&mut io, cx)).await?;
        assert!(writer.is_done());
        Ok(String::from_utf8(io.0).unwrap())
    }

    #[tokio::test]
    async fn bodies_are_written_whatever_the_socket_takes() {
        for width in [1, 2, 3, 5, 8, 100] {
            for last in [false, true] {
                let chunked = write(Encoding::Chunked, &[b"hello", b"0123456789abcdef!"], last, width).await.unwrap();
                assert_eq!(chunked, "head\r\n\r\n5\r\nhello\r\n11\r\n0123456789abcdef!\r\n0\r\n\r\n", "{width} {last}");
                let plain = write(Encoding::Length(3), &[b"a", b"bc"], last, width).await.unwrap();
                assert_eq!(plain, "head\r\n\r\nabc", "{width}");
            }
            assert_eq!(write(Encoding::Chunked, &[], false, width).await.unwrap(), "head\r\n\r\n0\r\n\r\n");
        }
        assert!(write(Encoding::Length(3), &[b"abcd"], false, 9).await.is_err());
        assert!(write(Encoding::Length(3), &[b"ab"], false, 9).await.is_err());
    }
}
