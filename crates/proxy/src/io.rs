use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{client, server};

/// A connection after TLS: what protocols read from and write to.
#[derive(Debug)]
pub(crate) enum Io {
    /// No TLS.
    Plain(TcpStream),
    /// TLS ended by us, towards a client.
    TlsServer(Box<server::TlsStream<TcpStream>>),
    /// TLS begun by us, towards a backend.
    TlsClient(Box<client::TlsStream<TcpStream>>),
}

impl Io {
    /// The socket beneath.
    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(io) => io,
            Self::TlsServer(io) => io.get_ref().0,
            Self::TlsClient(io) => io.get_ref().0,
        }
    }

    /// The far end's address.
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// Protocol that ALPN chose, in wire form.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::TlsServer(io) => io.get_ref().1.alpn_protocol(),
            Self::TlsClient(io) => io.get_ref().1.alpn_protocol(),
        }
    }
}

macro_rules! each {
    ($self:expr, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Io::Plain(io) => {
                let $io = Pin::new(io);
                $call
            }
            Io::TlsServer(io) => {
                let $io = Pin::new(&mut **io);
                $call
            }
            Io::TlsClient(io) => {
                let $io = Pin::new(&mut **io);
                $call
            }
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }
}
