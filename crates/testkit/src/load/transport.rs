//! Connections of generators.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Endpoint;

/// Plain or TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

pub(super) async fn connect(to: &Endpoint, alpn: &str) -> io::Result<Tap<Stream>> {
    let socket = TcpStream::connect(to.address).await?;
    socket.set_nodelay(true)?;
    let stream = match &to.tls {
        None => Stream::Plain(socket),
        Some(config) => {
            let mut config = rustls::ClientConfig::clone(config);
            config.alpn_protocols = if alpn.is_empty() { Vec::new() } else { vec![alpn.as_bytes().to_vec()] };
            let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            Stream::Tls(Box::new(connector.connect(name, socket).await?))
        }
    };
    Ok(Tap { inner: stream, head: Vec::with_capacity(9), skip: 0, goaways: Goaways::default() })
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// How many GOAWAY frames a connection has brought.
#[derive(Debug, Clone, Default)]
pub(super) struct Goaways(Arc<AtomicU64>);

impl Goaways {
    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A connection whose HTTP/2 frames are looked at as they are read: clients do not tell whether they have seen a GOAWAY.
#[derive(Debug)]
pub(super) struct Tap<S> {
    inner: S,
    /// Of the frame that begins.
    head: Vec<u8>,
    /// Bytes of its payload that are still to come.
    skip: usize,
    goaways: Goaways,
}

/// RFC 9113 section 6.8.
const GOAWAY: u8 = 7;

impl<S> Tap<S> {
    pub(super) fn goaways(&self) -> Goaways {
        self.goaways.clone()
    }

    fn look(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                self.skip -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            let wanted = (9 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if let [a, b, c, kind, ..] = self.head[..]
                && self.head.len() == 9
            {
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                if kind == GOAWAY {
                    self.goaways.0.fetch_add(1, Ordering::Relaxed);
                }
                self.head.clear();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.look(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goaway_is_seen_wherever_reads_end() {
        let frames = [&[0, 0, 3, 0, 0, 0, 0, 0, 1, 7, 7, 7][..], &[0, 0, 8, 7, 0, 0, 0, 0, 0][..], &[0; 8]].concat();
        for size in 1..frames.len() {
            let mut tap = Tap { inner: (), head: Vec::new(), skip: 0, goaways: Goaways::default() };
            frames.chunks(size).for_each(|chunk| tap.look(chunk));
            assert_eq!(tap.goaways.0.load(Ordering::Relaxed), 1, "reads of {size} bytes");
        }
    }
}
