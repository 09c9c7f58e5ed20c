//! From a backend to a connection.

use super::{Backend, ClientTls, Endpoint};
use crate::{io::Io, worker::Worker};
use snapshot::EndpointAddress;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::{net::TcpStream, time::timeout};

/// Endpoints that one call tries before it gives up.
const TRIES: usize = 3;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// 503.
    #[error("{0} has no endpoint")]
    NoEndpoint(Arc<str>),
    /// 500.
    #[error("{0}")]
    Unusable(String),
    /// DNS.
    #[error("cannot resolve {name}: {reason}")]
    Resolve {
        /// What was asked for.
        name: String,
        /// What went wrong.
        reason: Arc<str>,
    },
    /// The connection was refused, or the like.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// Whom.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// No answer in time.
    #[error("no connection to {0} in time")]
    Timeout(String),
    /// The TLS handshake failed, e.g. the certificate is not one we trust.
    #[error("TLS to {address} as {name:?}: {error}")]
    Tls {
        /// Whom.
        address: SocketAddr,
        /// SNI.
        name: String,
        /// What rustls says.
        error: io::Error,
    },
}

/// All of [`ConnectError::cause`].
pub(super) const CAUSES: [&str; 6] = ["no_endpoint", "unusable", "resolve", "connect", "timeout", "tls"];

impl ConnectError {
    /// As in metrics and logs.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::NoEndpoint(_) => "no_endpoint",
            Self::Unusable(_) => "unusable",
            Self::Resolve { .. } => "resolve",
            Self::Connect { .. } => "connect",
            Self::Timeout(_) => "timeout",
            Self::Tls { .. } => "tls",
        }
    }
}

/// What to offer by ALPN under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocols {
    /// No ALPN.
    None,
    /// `http/1.1`
    Http1,
    /// `h2`, `http/1.1`
    H2OrHttp1,
}

impl Protocols {
    fn wire(self) -> Vec<Vec<u8>> {
        match self {
            Self::None => vec![],
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::H2OrHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// A connection to any endpoint of the backend: the next one in turn, then others if it cannot be reached; with TLS
/// if the backend has it.
pub(crate) async fn connect(worker: &Worker, backend: &Backend, protocols: Protocols) -> Result<Io, ConnectError> {
    let mut tries = TRIES.min(backend.endpoints.len());
    loop {
        let endpoint = usable(backend, worker)?;
        match connect_endpoint(worker, backend, endpoint, protocols).await {
            Err(error) if tries <= 1 => return Err(error),
            Err(_) => tries -= 1,
            Ok(io) => return Ok(io),
        }
    }
}

/// As [`connect`], without TLS whatever the backend says: for bytes that pass through.
pub(crate) async fn connect_tcp(worker: &Worker, backend: &Backend) -> Result<TcpStream, ConnectError> {
    let mut tries = TRIES.min(backend.endpoints.len());
    loop {
        let endpoint = usable(backend, worker)?;
        let result = dial(worker, &endpoint.address, endpoint.port).await;
        note(worker, backend, endpoint, &result);
        match result {
            Err(error) if tries <= 1 => return Err(error),
            Err(_) => tries -= 1,
            Ok((stream, _)) => return Ok(stream),
        }
    }
}

fn usable<'a>(backend: &'a Backend, worker: &Worker) -> Result<&'a Arc<Endpoint>, ConnectError> {
    let result = match &backend.unusable {
        Some(why) => Err(ConnectError::Unusable(why.clone())),
        None => backend.pick(worker.now()).ok_or_else(|| ConnectError::NoEndpoint(Arc::clone(&backend.label))),
    };
    result.inspect_err(|error| backend.count_error(error))
}

/// A connection to this endpoint, as [`Backend::pick`] has chosen it; notes whether it could be reached.
pub(crate) async fn connect_endpoint(
    worker: &Worker,
    backend: &Backend,
    endpoint: &Endpoint,
    protocols: Protocols,
) -> Result<Io, ConnectError> {
    let result = open(worker, &endpoint.address, endpoint.port, backend.tls.as_ref(), protocols).await;
    note(worker, backend, endpoint, &result);
    result
}

fn note<T>(worker: &Worker, backend: &Backend, endpoint: &Endpoint, result: &Result<T, ConnectError>) {
    match result {
        Ok(_) => endpoint.succeeded(),
        Err(error) => {
            endpoint.failed(worker.now());
            backend.count_error(error);
            tracing::debug!(backend = %backend.label, %endpoint, %error, "cannot connect");
        }
    }
}

/// A connection to an address that no backend has, e.g. one that a Kafka broker advertises. The caller has checked that
/// it may be dialled.
pub(crate) async fn connect_to(
    worker: &Worker,
    address: SocketAddr,
    tls: Option<&ClientTls>,
    protocols: Protocols,
) -> Result<Io, ConnectError> {
    open(worker, &EndpointAddress::Ip(address.ip()), address.port(), tls, protocols).await
}

/// Addresses of a name, from `/etc/hosts` or DNS; at least one.
pub(crate) async fn resolve(worker: &Worker, name: &str) -> Result<Arc<[IpAddr]>, ConnectError> {
    let failed = |reason| ConnectError::Resolve { name: name.to_owned(), reason };
    match timeout(worker.limits().connect, worker.shared().dns.resolve(name)).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(failed("no answer in time".into())),
    }
}

async fn open(
    worker: &Worker,
    address: &EndpointAddress,
    port: u16,
    tls: Option<&ClientTls>,
    protocols: Protocols,
) -> Result<Io, ConnectError> {
    let (stream, address) = dial(worker, address, port).await?;
    let Some(tls) = tls else { return Ok(Io::Plain(stream)) };
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
    let handshake = connector.with_alpn(protocols.wire()).connect(tls.server_name.clone(), stream);
    match timeout(worker.limits().connect, handshake).await {
        Ok(Ok(stream)) => Ok(Io::TlsClient(Box::new(stream))),
        Ok(Err(error)) => Err(ConnectError::Tls { address, name: tls.server_name.to_str().into_owned(), error }),
        Err(_) => Err(ConnectError::Timeout(format!("{address} (TLS)"))),
    }
}

async fn dial(worker: &Worker, address: &EndpointAddress, port: u16) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let name = match address {
        EndpointAddress::Ip(ip) => return dial_ip(worker, SocketAddr::new(*ip, port)).await,
        EndpointAddress::Fqdn(name) => name,
    };
    let mut result = Err(ConnectError::Timeout(name.clone()));
    for ip in resolve(worker, name).await?.iter().take(TRIES) {
        result = dial_ip(worker, SocketAddr::new(*ip, port)).await;
        if result.is_ok() {
            break;
        }
    }
    result
}

async fn dial_ip(worker: &Worker, address: SocketAddr) -> Result<(TcpStream, SocketAddr), ConnectError> {
    match timeout(worker.limits().connect, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            // Only saves latency; a socket that refuses it shows its fault at the first write.
            let _ = stream.set_nodelay(true);
            Ok((stream, address))
        }
        Ok(Err(error)) => Err(ConnectError::Connect { address, error }),
        Err(_) => Err(ConnectError::Timeout(address.to_string())),
    }
}
