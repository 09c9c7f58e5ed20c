//! TLSRoutes and TCPRoutes: connections are relayed as they are, or without their TLS.

mod relay;

use crate::{
    conn::Conn,
    io::Io,
    listener::{Cause, ListenerKind},
    telemetry::timestamp,
    upstream::{Backend, ConnectError, Protocols, connect, connect_tcp},
    worker::Worker,
};
use serde::Serialize;
use snapshot::{BackendTarget, ObjectName, StreamRule};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// A compiled TLSRoute, TCPRoute or UDPRoute.
#[derive(Debug)]
pub(crate) struct Route {
    /// `namespace/name`.
    label: Arc<str>,
    /// Backends of the first rule that have a weight.
    backends: Vec<(BackendTarget, u64)>,
    /// The last point of the unit interval, as a fraction of 2³².
    point: AtomicU32,
}

/// The golden ratio's part of 2³²: points so far apart spread evenly, however many there are.
const STRIDE: u32 = 0x9E37_79B9;

impl Route {
    /// From the entity.
    pub(crate) fn new(name: &ObjectName, rules: &[StreamRule]) -> Self {
        let backends = rules.first().map(|rule| rule.backends.as_slice()).unwrap_or_default();
        let backends = backends.iter().map(|backend| (backend.target.clone(), u64::from(backend.weight)));
        let backends = backends.filter(|(_, weight)| *weight > 0).collect();
        Self { label: name.to_string().into(), backends, point: AtomicU32::new(0) }
    }

    /// `namespace/name`.
    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Backends that may be chosen.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &BackendTarget> {
        self.backends.iter().map(|(target, _)| target)
    }

    /// The next choice by weight.
    fn pick(&self) -> Option<&BackendTarget> {
        let point = self.point.fetch_add(STRIDE, Relaxed);
        let total: u64 = self.backends.iter().map(|(_, weight)| weight).sum();
        // Weights are at most a million, and there are at most 16.
        let mut at = u64::try_from((u128::from(total) * u128::from(point)) >> 32).ok()?;
        let hit = self.backends.iter().find(|(_, weight)| {
            let hit = at < *weight;
            at = at.saturating_sub(*weight);
            hit
        });
        hit.map(|(target, _)| target)
    }

    /// The backend for a connection, or a client of UDP; an error stands for the share of what is invalid.
    pub(crate) fn backend(&self, worker: &Worker) -> Result<Arc<Backend>, ConnectError> {
        match self.pick() {
            None => Err(ConnectError::Unusable(format!("route {} has no backend with a weight", self.label))),
            Some(BackendTarget::Invalid(why)) => Err(ConnectError::Unusable(why.clone())),
            Some(BackendTarget::Backend(key)) => {
                let missing = || ConnectError::Unusable(format!("{key} is not there"));
                worker.runtime().backend(key).cloned().ok_or_else(missing)
            }
        }
    }
}

/// Line of the access log for a connection of a TLSRoute or TCPRoute.
#[derive(Serialize)]
struct Entry<'a> {
    /// End of the connection, RFC 3339, UTC.
    time: String,
    /// `tls` or `tcp`.
    kind: &'static str,
    /// Connection.
    connection: u64,
    /// `namespace/gateway/listener`
    listener: &'a str,
    /// `namespace/name`
    route: &'a str,
    /// Object; absent if none could be chosen.
    backend: Option<&'a str>,
    /// Address and port.
    client: SocketAddr,
    /// SNI.
    sni: Option<&'a str>,
    /// Version that we ended; absent if TLS passed through.
    tls: Option<&'a str>,
    /// IANA name of the cipher suite that we ended.
    cipher: Option<&'a str>,
    /// Subject of the client's valid certificate, where one is asked for.
    client_subject: Option<&'a str>,
    /// From accept to end, in milliseconds.
    duration_ms: u128,
    /// From the client, TLS included where it passed through.
    bytes_received: u64,
    /// To the client.
    bytes_sent: u64,
    /// Why it ended.
    end: &'static str,
    /// What went wrong.
    error: Option<String>,
}

/// Relays TLS as it is. `bytes` were read from the client already.
pub(crate) async fn pass_through(worker: Worker, client: TcpStream, conn: Conn, route: Arc<Route>, bytes: Vec<u8>) {
    let backend = route.backend(&worker);
    let result = match &backend {
        Ok(backend) => relay_plain(&worker, &client, &conn, backend, bytes).await,
        Err(_) => Ok(relay::Relayed::default()),
    };
    finish(&worker, &conn, &route, backend, result);
}

async fn relay_plain(
    worker: &Worker,
    client: &TcpStream,
    conn: &Conn,
    backend: &Backend,
    bytes: Vec<u8>,
) -> Result<relay::Relayed, ConnectError> {
    let mut upstream = connect_tcp(worker, backend).await?;
    worker.has_asked(conn.id);
    let active = backend.track();
    if let Err(error) = upstream.write_all(&bytes).await {
        return Ok(relay::Relayed { end: "backend", error: Some(error.to_string()), ..Default::default() });
    }
    let read = bytes.len() as u64;
    drop(bytes);
    let mut relayed = relay::plain(worker, client, &upstream, &conn.closing).await;
    relayed.received += read;
    drop(active);
    Ok(relayed)
}

/// Relays a connection of a TCP listener.
pub(crate) async fn relay(worker: Worker, client: TcpStream, conn: Conn, route: Arc<Route>) {
    let backend = route.backend(&worker);
    let result = match &backend {
        Ok(backend) if backend.tls.is_none() => relay_plain(&worker, &client, &conn, backend, Vec::new()).await,
        // The policy for its TLS wants it.
        Ok(backend) => match connect(&worker, backend, Protocols::None).await {
            Ok(upstream) => {
                worker.has_asked(conn.id);
                let active = backend.track();
                let relayed = relay::any(&worker, Io::Plain(client), upstream, &conn.closing).await;
                drop(active);
                return finish(&worker, &conn, &route, Ok(Arc::clone(backend)), Ok(relayed));
            }
            Err(error) => Err(error),
        },
        Err(_) => Ok(relay::Relayed::default()),
    };
    if backend.is_err() || result.is_err() {
        refuse(&client);
    }
    finish(&worker, &conn, &route, backend, result);
}

/// Lets the kernel reset the connection when it is dropped: the client learns that nobody took it, where an end would look
/// like an answer.
pub(crate) fn refuse(client: &TcpStream) {
    // What cannot be reset is closed.
    let _ = socket2::SockRef::from(client).set_linger(Some(Duration::ZERO));
}

/// Relays what TLS carries.
pub(crate) async fn terminate(worker: Worker, client: Io, conn: Conn, route: Arc<Route>) {
    let backend = route.backend(&worker);
    let result = match &backend {
        Ok(backend) => match connect(&worker, backend, Protocols::None).await {
            Ok(upstream) => {
                worker.has_asked(conn.id);
                let active = backend.track();
                let relayed = relay::any(&worker, client, upstream, &conn.closing).await;
                drop(active);
                Ok(relayed)
            }
            Err(error) => Err(error),
        },
        Err(_) => Ok(relay::Relayed::default()),
    };
    finish(&worker, &conn, &route, backend, result);
}

fn finish(
    worker: &Worker,
    conn: &Conn,
    route: &Route,
    backend: Result<Arc<Backend>, ConnectError>,
    result: Result<relay::Relayed, ConnectError>,
) {
    let (backend, relayed) = match (backend, result) {
        (Ok(backend), Ok(relayed)) => (Some(backend), relayed),
        (Ok(backend), Err(error)) => (Some(backend), relay::Relayed::failed(&error)),
        (Err(error), _) => (None, relay::Relayed::failed(&error)),
    };
    if relayed.end == relay::NO_UPSTREAM {
        conn.listener.metrics.error(Cause::Upstream);
    }
    worker.access_log().record(&Entry {
        time: timestamp(),
        kind: if conn.listener.kind == ListenerKind::Tcp { "tcp" } else { "tls" },
        connection: conn.id,
        listener: &conn.listener.label,
        route: &route.label,
        backend: backend.as_ref().map(|backend| &*backend.label),
        client: conn.peer,
        sni: conn.sni.as_deref(),
        tls: conn.tls.as_ref().map(|tls| tls.version),
        cipher: conn.tls.as_ref().map(|tls| tls.cipher),
        client_subject: conn.tls.as_ref().and_then(|tls| tls.client_subject.as_deref()),
        duration_ms: worker.now().saturating_duration_since(conn.accepted).as_millis(),
        bytes_received: relayed.received,
        bytes_sent: relayed.sent,
        end: relayed.end,
        error: relayed.error,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_the_weights() {
        let target = |name: &str| BackendTarget::Invalid(name.into());
        let route = |backends| Route { label: "a/b".into(), backends, point: AtomicU32::new(0) };
        let of = route(vec![(target("seven"), 7), (target("three"), 3)]);
        let threes = (0..1000).filter(|_| of.pick() == Some(&target("three"))).count();
        assert!((298..=302).contains(&threes), "{threes}");
        assert_eq!(route(vec![]).pick(), None);
    }
}
