//! From an accepted socket to the protocol that serves it.

use super::client_hello::{Hello, Parsed, parse};
use crate::{
    config::{Port, SniTarget},
    conn::{Alpn, Conn, TlsInfo},
    http,
    io::Io,
    kafka,
    listener::{Cause, Listener, ListenerKind},
    tcp,
    telemetry::timestamp,
    upstream::balance::Active,
    worker::Worker,
};
use serde::Serialize;
use std::{net::SocketAddr, sync::Arc, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::StartHandshake;

/// Where and when a connection came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) accepted: Instant,
    pub(crate) id: u64,
}

/// A connection that is about to be served.
enum Begun {
    Http(Io, Conn, Arc<http::Table>),
    Kafka(Io, Conn, Arc<kafka::Route>, kafka::Wanted),
    Tls(Io, Conn, Arc<tcp::Route>),
    /// With the bytes read so far.
    Passthrough(TcpStream, Conn, Arc<tcp::Route>, Vec<u8>),
}

/// Why a connection is not served.
struct Failure {
    listener: Arc<Listener>,
    sni: Option<Arc<str>>,
    cause: Cause,
    message: String,
}

/// Line of the access log for a connection that could not be served.
#[derive(Serialize)]
struct Refused<'a> {
    /// RFC 3339, UTC.
    time: String,
    /// `connection`
    kind: &'static str,
    /// Connection.
    id: u64,
    /// `namespace/gateway/listener`; on a port with several, before the server name is known: the first.
    listener: &'a str,
    /// Address and port.
    client: SocketAddr,
    /// SNI.
    sni: Option<&'a str>,
    /// As in the metric `connection_errors`.
    cause: &'static str,
    /// For people.
    error: &'a str,
}

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Worker, stream: TcpStream, arrival: Arrival, port: Arc<Port>) {
    // Boxed apart, so that a connection does not hold the memory of its handshake as long as it lives.
    let begun = match &port.sni {
        Some(_) => Box::pin(begin_tls(&worker, stream, arrival, &port)).await,
        None => begin_plain(&worker, stream, arrival, &port),
    };
    drop(port);
    let begun = match begun {
        Ok(begun) => begun,
        Err(failure) => return report(&worker, arrival, &failure),
    };
    let (Begun::Http(_, conn, _)
    | Begun::Kafka(_, conn, _, _)
    | Begun::Tls(_, conn, _)
    | Begun::Passthrough(_, conn, _, _)) = &begun;
    conn.listener.metrics.total.inc();
    let active = Active::new(&conn.listener.metrics.active);
    match begun {
        Begun::Http(io, conn, table) => Box::pin(http::serve(worker, io, conn, table)).await,
        Begun::Kafka(io, conn, route, wanted) => Box::pin(kafka::serve(worker, io, conn, route, wanted)).await,
        Begun::Tls(io, conn, route) => Box::pin(tcp::terminate(worker, io, conn, route)).await,
        Begun::Passthrough(stream, conn, route, bytes) => {
            Box::pin(tcp::pass_through(worker, stream, conn, route, bytes)).await;
        }
    }
    drop(active);
}

fn report(worker: &Worker, arrival: Arrival, failure: &Failure) {
    let Failure { listener, sni, cause, message } = failure;
    listener.metrics.error(*cause);
    tracing::debug!(listener = %listener.label, client = %arrival.peer, cause = cause.as_str(), error = %message);
    worker.access_log().record(&Refused {
        time: timestamp(),
        kind: "connection",
        id: arrival.id,
        listener: &listener.label,
        client: arrival.peer,
        sni: sni.as_deref(),
        cause: cause.as_str(),
        error: message,
    });
}

fn begin_plain(worker: &Worker, stream: TcpStream, arrival: Arrival, port: &Port) -> Result<Begun, Failure> {
    let listener = &port.listeners[0];
    match &port.http {
        Some(table) => {
            let conn = arrival.conn(worker, listener, port.id, None, None);
            Ok(Begun::Http(Io::Plain(stream), conn, Arc::clone(table)))
        }
        None => {
            let message = "nothing is served on this port".into();
            Err(Failure { listener: Arc::clone(listener), sni: None, cause: Cause::Protocol, message })
        }
    }
}

impl Arrival {
    fn conn(
        self,
        worker: &Worker,
        listener: &Arc<Listener>,
        closing: u64,
        sni: Option<Arc<str>>,
        tls: Option<TlsInfo>,
    ) -> Conn {
        let Self { peer, local, accepted, id } = self;
        let closing = worker.closing(closing);
        Conn { peer, local, listener: Arc::clone(listener), sni, tls, accepted, id, closing }
    }
}

async fn begin_tls(worker: &Worker, mut stream: TcpStream, arrival: Arrival, port: &Port) -> Result<Begun, Failure> {
    let limits = worker.limits();
    let first = &port.listeners[0];
    let fail = |listener: &Arc<Listener>, sni: Option<&Arc<str>>, cause, message: String| Failure {
        listener: Arc::clone(listener),
        sni: sni.cloned(),
        cause,
        message,
    };
    // Most are below 600 bytes; larger ones have a post-quantum key share, and come at once.
    let mut bytes = Vec::with_capacity(600);
    let hello =
        match timeout(limits.tls_handshake, read_hello(&mut stream, &mut bytes, limits.client_hello_bytes)).await {
            Ok(Ok(hello)) => hello,
            Ok(Err((cause, message))) => {
                if cause == Cause::NotTls {
                    explain(&mut stream, &bytes).await;
                }
                return Err(fail(first, None, cause, message));
            }
            Err(_) => return Err(fail(first, None, Cause::ClientHello, "no whole ClientHello in time".into())),
        };
    let sni = hello.server_name;
    let found = port.sni.as_ref().and_then(|table| table.get(sni.as_deref()));
    let Some(found) = found else {
        alert(&mut stream, UNRECOGNIZED_NAME).await;
        let message = match &sni {
            Some(name) => format!("no listener or route of this port serves {name}"),
            None => "the client sent no server name, and no listener or route of this port serves every name".into(),
        };
        return Err(fail(first, sni.as_ref(), Cause::UnknownName, message));
    };
    let broker = found.broker;
    let (listener, target) = match found.value {
        SniTarget::Https(listener)
        | SniTarget::Tls(listener, _)
        | SniTarget::Kafka(listener, ..)
        | SniTarget::Unserved(listener, _) => (listener, found.value),
    };
    if let (SniTarget::Tls(_, route), ListenerKind::TlsPassthrough) = (target, listener.kind) {
        let conn = arrival.conn(worker, listener, listener.id, sni, None);
        return Ok(Begun::Passthrough(stream, conn, Arc::clone(route), bytes));
    }
    if let SniTarget::Unserved(_, why) = target {
        alert(&mut stream, INTERNAL_ERROR).await;
        return Err(fail(listener, sni.as_ref(), Cause::Unserved, why.to_string()));
    }
    let left = limits.tls_handshake.saturating_sub(worker.now().saturating_duration_since(arrival.accepted));
    let (io, info) = match timeout(left, handshake(stream, &bytes, listener)).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(message)) => return Err(fail(listener, sni.as_ref(), Cause::Handshake, message)),
        Err(_) => return Err(fail(listener, sni.as_ref(), Cause::Handshake, "the handshake took too long".into())),
    };
    let conn = arrival.conn(worker, listener, listener.id, sni, Some(info));
    match (target, &port.http) {
        (SniTarget::Https(_), Some(table)) => Ok(Begun::Http(io, conn, Arc::clone(table))),
        (SniTarget::Https(_) | SniTarget::Unserved(..), _) => {
            Err(fail(listener, conn.sni.as_ref(), Cause::Unserved, "nothing is served under this name".into()))
        }
        (SniTarget::Tls(_, route), _) => Ok(Begun::Tls(io, conn, Arc::clone(route))),
        (SniTarget::Kafka(_, route, wanted), _) => {
            let wanted = broker.map_or(*wanted, kafka::Wanted::Broker);
            Ok(Begun::Kafka(io, conn, Arc::clone(route), wanted))
        }
    }
}

/// Reads until there is a whole ClientHello; `bytes` keeps all that was read.
async fn read_hello(stream: &mut TcpStream, bytes: &mut Vec<u8>, limit: usize) -> Result<Hello, (Cause, String)> {
    loop {
        match stream.read_buf(bytes).await {
            Ok(0) if bytes.is_empty() => return Err((Cause::ClientHello, "closed without a byte".into())),
            Ok(0) => return Err((Cause::ClientHello, "closed in the midst of the ClientHello".into())),
            Ok(_) => {}
            Err(error) => return Err((Cause::ClientHello, error.to_string())),
        }
        match parse(bytes) {
            Parsed::Hello(hello) => return Ok(hello),
            Parsed::Incomplete if bytes.len() >= limit => {
                return Err((Cause::ClientHello, format!("the ClientHello is longer than {limit} bytes")));
            }
            Parsed::Incomplete => {}
            Parsed::NotTls => {
                let message = "the first bytes are not TLS; possible cause: a plain connection to a TLS listener";
                return Err((Cause::NotTls, message.into()));
            }
            Parsed::Malformed(why) => return Err((Cause::ClientHello, why.into())),
        }
    }
}

/// Ends TLS with the listener's certificates.
async fn handshake(mut stream: TcpStream, bytes: &[u8], listener: &Listener) -> Result<(Io, TlsInfo), String> {
    let Some(config) = &listener.tls else {
        alert(&mut stream, INTERNAL_ERROR).await;
        return Err("the listener has no certificate that can be used".into());
    };
    let mut acceptor = rustls::server::Acceptor::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        acceptor.read_tls(&mut rest).map_err(|error| error.to_string())?;
    }
    let accepted = match acceptor.accept() {
        Ok(Some(accepted)) => accepted,
        Ok(None) => return Err("the ClientHello is not whole".into()),
        Err((error, mut alert)) => {
            let mut bytes = Vec::new();
            if alert.write_all(&mut bytes).is_ok() {
                // The client may have gone; there is nobody else to tell.
                let _ = stream.write_all(&bytes).await;
            }
            return Err(error.to_string());
        }
    };
    let handshake = StartHandshake::from_parts(accepted, stream).into_stream(Arc::clone(config));
    let stream = handshake.await.map_err(|error| error.to_string())?;
    let session = stream.get_ref().1;
    let info = TlsInfo {
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "unknown",
        },
        cipher: session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown"),
        alpn: Alpn::from_bytes(session.alpn_protocol()),
        client_subject: None,
    };
    Ok((Io::TlsServer(Box::new(stream)), info))
}

const UNRECOGNIZED_NAME: u8 = 112;
const INTERNAL_ERROR: u8 = 80;

/// A fatal alert in the clear, as it stands before the handshake (RFC 8446 6.2, RFC 6066 3).
async fn alert(stream: &mut TcpStream, description: u8) {
    // The client may have gone; there is nobody else to tell.
    let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, description]).await;
    let _ = stream.shutdown().await;
}

/// Tells a plain HTTP client what it did.
async fn explain(stream: &mut TcpStream, bytes: &[u8]) {
    const METHODS: [&[u8]; 8] = [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"PRI * "];
    if METHODS.iter().any(|method| bytes.starts_with(method)) {
        let answer =
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 47\r\n\r\n\
            This port speaks TLS: use https:// to reach it.";
        // The client may have gone; there is nobody else to tell.
        let _ = stream.write_all(answer).await;
    }
    let _ = stream.shutdown().await;
}
