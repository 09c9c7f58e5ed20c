use crate::{drain::Signal, listener::Listener, upstream::balance::Active};
use std::{net::SocketAddr, sync::Arc, time::Instant};

/// A client connection: where it comes from and how it came in.
#[derive(Debug)]
pub(crate) struct Conn {
    /// The client; an IPv4 client of a dual-stack socket has its IPv4 address.
    pub(crate) peer: SocketAddr,
    /// Our end.
    pub(crate) local: SocketAddr,
    /// Listener that took it. On a plain HTTP port with several listeners: the first; the host decides per request.
    pub(crate) listener: Arc<Listener>,
    /// SNI in lower case.
    pub(crate) sni: Option<Arc<str>>,
    /// Of the ended TLS session.
    pub(crate) tls: Option<Box<TlsInfo>>,
    /// When it was accepted.
    pub(crate) accepted: Instant,
    /// Unique in this process.
    pub(crate) id: u64,
    /// Fires when the connection should end at its next good moment: the proxy drains, or the listener is gone.
    pub(crate) closing: Signal,
    /// Counts it, as long as it lives.
    pub(crate) _active: Active,
}

/// What TLS has agreed on.
#[derive(Clone, Debug)]
pub(crate) struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub(crate) version: &'static str,
    /// IANA name of the cipher suite.
    pub(crate) cipher: &'static str,
    /// Protocol chosen by ALPN.
    pub(crate) alpn: Alpn,
    /// RFC 2253 subject of the client's certificate, once verified.
    pub(crate) client_subject: Option<Arc<str>>,
}

/// A protocol chosen by ALPN (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// No ALPN, or one we have no use for.
    None,
    /// `http/1.1`
    Http1,
    /// `h2`
    H2,
}

impl Alpn {
    /// From the wire.
    pub(crate) fn from_bytes(name: Option<&[u8]>) -> Self {
        match name {
            Some(b"h2") => Self::H2,
            Some(b"http/1.1") => Self::Http1,
            _ => Self::None,
        }
    }
}
