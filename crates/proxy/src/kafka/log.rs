//! The access log's line of a Kafka connection.

use super::{Wanted, close::Close, pump::Traffic, route::Route, session::Session};
use crate::{conn::Conn, telemetry, worker::Worker};
use serde::Serialize;
use std::{collections::BTreeMap, net::SocketAddr};

/// One per connection, at its end.
#[derive(Serialize)]
struct Entry<'a> {
    /// End of the connection, RFC 3339, UTC.
    time: String,
    /// `kafka`
    kind: &'static str,
    /// Connection.
    connection: u64,
    /// `namespace/gateway/listener`
    listener: &'a str,
    /// `namespace/name`
    route: &'a str,
    /// Address and port.
    client: SocketAddr,
    /// SNI.
    sni: Option<&'a str>,
    /// Version of TLS.
    tls: Option<&'a str>,
    /// Id of the broker; absent on the bootstrap name.
    broker: Option<i32>,
    /// Address and port of the broker; absent if none could be reached.
    upstream: Option<SocketAddr>,
    /// Kafka principal; absent if unknown.
    principal: Option<&'a str>,
    /// What the client calls itself.
    client_id: Option<&'a str>,
    /// Its library and version (KIP-511).
    client_software: Option<&'a str>,
    /// From accept to end, in milliseconds.
    duration_ms: u128,
    /// From the client.
    bytes_received: u64,
    /// To the client.
    bytes_sent: u64,
    /// Requests.
    requests: u64,
    /// Those that the gateway has answered in the broker's place.
    local_answers: u64,
    /// Refusals by the gateway's filters, and failed logins, by Kafka's name of the error: how many; absent if none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, u64>,
    /// Why it ended, a word.
    end: &'static str,
    /// The same at length, unless it ended in good order.
    error: Option<String>,
}

/// A connection that has ended.
pub(super) struct Ended<'a> {
    pub(super) conn: &'a Conn,
    pub(super) route: &'a Route,
    pub(super) wanted: Wanted,
    /// None if no broker could be reached.
    pub(super) session: Option<&'a Session>,
    pub(super) upstream: Option<SocketAddr>,
    pub(super) traffic: Traffic,
    pub(super) close: &'a Close,
}

/// Writes the line.
pub(super) fn record(worker: &Worker, ended: &Ended<'_>) {
    let Ended { conn, route, session, close, .. } = ended;
    worker.access_log().log(|line| {
        let entry = Entry {
            time: telemetry::timestamp(),
            kind: "kafka",
            connection: conn.id,
            listener: &conn.listener.label,
            route: &route.label,
            client: conn.peer,
            sni: conn.sni.as_deref(),
            tls: conn.tls.as_ref().map(|tls| tls.version),
            broker: ended.wanted.broker(),
            upstream: ended.upstream,
            principal: session.and_then(|session| session.scope.principal.as_deref()),
            client_id: session.and_then(|session| session.client_id.as_deref()),
            client_software: session.and_then(|session| session.software.as_deref()),
            duration_ms: conn.accepted.elapsed().as_millis(),
            bytes_received: ended.traffic.received,
            bytes_sent: ended.traffic.sent,
            requests: session.map_or(0, |session| session.requests),
            local_answers: session.map_or(0, |session| session.local_answers),
            errors: session.map(|session| session.scope.errors.by_name()).unwrap_or_default(),
            end: close.cause(),
            error: (!close.is_orderly()).then(|| close.to_string()),
        };
        // Only a failing Serialize could fail here; the line stays empty then.
        let _ = serde_json::to_writer(line, &entry);
    });
}
