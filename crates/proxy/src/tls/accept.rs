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
use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Instant};
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

/// Serves a connection to its end. Boxed, so that one that waits holds what its next step needs, and not what its largest
/// one does.
pub(crate) type Serving = Pin<Box<dyn Future<Output = ()>>>;

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
pub(crate) fn serve(worker: Worker, stream: TcpStream, arrival: Arrival, port: Arc<Port>) -> Serving {
    if port.sni.is_none() {
        return begin_plain(worker, stream, arrival, &port);
    }
    let begun = Box::pin(async move {
        match begin_tls(&worker, stream, arrival, &port).await {
            Ok(serving) => Some(serving),
            Err(failure) => {
                report(&worker, arrival, &failure);
                None
            }
        }
    });
    Box::pin(async move {
        if let Some(serving) = begun.await {
            serving.await;
        }
    })
}

fn report(worker: &Worker, arrival: Arrival, failure: &Failure) {
    let Failure { listener, sni, cause, message } = failure;
    listener.metrics.error(*cause);
    log_refusal(worker, arrival.id, arrival.peer, listener, sni.as_deref(), *cause, message);
}

/// Logs a connection that is not served, or not any more.
pub(crate) fn log_refusal(
    worker: &Worker,
    id: u64,
    client: SocketAddr,
    listener: &Listener,
    sni: Option<&str>,
    cause: Cause,
    error: &str,
) {
    tracing::debug!(listener = %listener.label, %client, cause = cause.as_str(), error);
    worker.access_log().record(&Refused {
        time: timestamp(),
        kind: "connection",
        id,
        listener: &listener.label,
        client,
        sni,
        cause: cause.as_str(),
        error,
    });
}

fn begin_plain(worker: Worker, stream: TcpStream, arrival: Arrival, port: &Port) -> Serving {
    let listener = &port.listeners[0];
    match (&port.http, &port.tcp) {
        (Some(table), _) => {
            let conn = arrival.conn(&worker, listener, port.id, None, None);
            Box::pin(http::serve(worker, Io::Plain(stream), conn, Arc::clone(table)))
        }
        (None, Some(route)) => {
            let conn = arrival.conn(&worker, listener, listener.id, None, None);
            Box::pin(tcp::relay(worker, stream, conn, Arc::clone(route)))
        }
        (None, None) => {
            let message = "nothing is served on this port".into();
            let listener = Arc::clone(listener);
            tcp::refuse(&stream);
            report(&worker, arrival, &Failure { listener, sni: None, cause: Cause::Unserved, message });
            Box::pin(std::future::ready(()))
        }
    }
}

impl Arrival {
    /// The connection, from now on counted.
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
        listener.metrics.total.inc();
        let active = Active::new(&listener.metrics.active);
        let tls = tls.map(Box::new);
        Conn { peer, local, listener: Arc::clone(listener), sni, tls, accepted, id, closing, _active: active }
    }
}

async fn begin_tls(worker: &Worker, mut stream: TcpStream, arrival: Arrival, port: &Port) -> Result<Serving, Failure> {
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
        // Where all is passed through, nobody speaks TLS: the connection is refused as a backend's would be.
        if port.listeners.iter().any(|listener| listener.kind != ListenerKind::TlsPassthrough) {
            alert(&mut stream, UNRECOGNIZED_NAME).await;
        }
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
        return Ok(Box::pin(tcp::pass_through(worker.clone(), stream, conn, Arc::clone(route), bytes)));
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
    let own = worker.clone();
    let conn = |sni| arrival.conn(worker, listener, listener.id, sni, Some(info));
    Ok(match (target, &port.http) {
        (SniTarget::Https(_), Some(table)) => Box::pin(http::serve(own, io, conn(sni), Arc::clone(table))),
        (SniTarget::Https(_) | SniTarget::Unserved(..), _) => {
            return Err(fail(listener, sni.as_ref(), Cause::Unserved, "nothing is served under this name".into()));
        }
        (SniTarget::Tls(_, route), _) => Box::pin(tcp::terminate(own, io, conn(sni), Arc::clone(route))),
        (SniTarget::Kafka(_, route, wanted), _) => {
            let wanted = broker.map_or(*wanted, kafka::Wanted::Broker);
            Box::pin(kafka::serve(own, io, conn(sni), Arc::clone(route), wanted))
        }
    })
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
        client_subject: listener.client_auth.as_ref().and_then(|auth| auth.subject(session.peer_certificates())),
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
