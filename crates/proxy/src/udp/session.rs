//! One client of a UDP listener: what it sends goes to one endpoint, whose answers come back.

use super::socket::Client;
use crate::{
    control::Loaded,
    listener::{Cause, Listener},
    telemetry::timestamp,
    upstream::{Active, Backend, Endpoint},
    worker::Worker,
};
use serde::Serialize;
use std::{
    cell::{Cell, OnceCell, RefCell},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Instant,
};
use tokio::{net::UdpSocket, task::AbortHandle};

/// Where a session's datagrams go.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) backend: Arc<Backend>,
    pub(super) endpoint: Arc<Endpoint>,
    /// Empty while the endpoint's name is looked up.
    pub(super) socket: OnceCell<UdpSocket>,
    pub(super) _active: Active,
}

/// One client, as long as it sends or is sent something.
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) client: Client,
    pub(super) worker: Worker,
    pub(super) listener: Arc<Listener>,
    /// `namespace/name`.
    pub(super) route: Arc<str>,
    /// Why not: the share of what is invalid. Its datagrams are dropped.
    pub(super) upstream: Result<Upstream, String>,
    pub(super) began: Instant,
    /// The last datagram in either direction.
    pub(super) last: Cell<Instant>,
    /// Whether the endpoint has sent anything.
    pub(super) answered: Cell<bool>,
    /// Revision under which it has been looked at last.
    pub(super) revision: Cell<u64>,
    pub(super) received: Cell<u64>,
    pub(super) sent: Cell<u64>,
    pub(super) end: Cell<&'static str>,
    pub(super) error: RefCell<Option<String>>,
    /// What reads the endpoint's answers.
    pub(super) reader: RefCell<Option<AbortHandle>>,
    pub(super) _active: Active,
    pub(super) _load: Loaded,
    pub(super) _counted: Counted,
}

/// Counts a session of a worker until it is dropped.
pub(super) struct Counted(pub(super) Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Line of the access log for a session of UDP.
#[derive(Serialize)]
struct Entry<'a> {
    /// End of the session, RFC 3339, UTC.
    time: String,
    /// `udp`
    kind: &'static str,
    /// Session.
    connection: u64,
    /// `namespace/gateway/listener`
    listener: &'a str,
    /// `namespace/name`
    route: &'a str,
    /// Object; absent if none could be chosen.
    backend: Option<&'a str>,
    /// Address and port.
    client: SocketAddr,
    /// From the first datagram to the end, in milliseconds.
    duration_ms: u128,
    /// From the client.
    bytes_received: u64,
    /// To the client.
    bytes_sent: u64,
    /// Why it ended.
    end: &'static str,
    /// What went wrong.
    error: Option<String>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.end.get() == "no_backend" {
            self.listener.metrics.error(Cause::Upstream);
        }
        if !self.worker.access_log().is_on() {
            return;
        }
        let peer = self.client.peer;
        self.worker.access_log().record(&Entry {
            time: timestamp(),
            kind: "udp",
            connection: self.id,
            listener: &self.listener.label,
            route: &self.route,
            backend: self.upstream.as_ref().ok().map(|upstream| &*upstream.backend.label),
            client: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            duration_ms: self.worker.now().saturating_duration_since(self.began).as_millis(),
            bytes_received: self.received.get(),
            bytes_sent: self.sent.get(),
            end: self.end.get(),
            error: self.error.take(),
        });
    }
}
