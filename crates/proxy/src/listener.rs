//! Listeners as the workers see them, and the sockets they listen on.

use crate::{
    http,
    telemetry::metrics::{ConnectionLabels, Counter, ErrorLabels, Gauge, Lazy, Metrics},
    tls::{certificate::Identity, client_auth::ClientAuth},
};
use snapshot::{Hostname, ListenerRef};
use std::sync::Arc;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ListenerKind {
    /// HTTP without TLS.
    Http,
    /// HTTP under TLS that we end.
    Https,
    /// TLS that we end; TLSRoutes and KafkaRoutes.
    TlsTerminate,
    /// TLS that passes through.
    TlsPassthrough,
    /// Anything over TCP.
    Tcp,
    /// Datagrams.
    Udp,
}

/// One listener of a Gateway.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Stays the same as long as name, port and kind do.
    pub(crate) id: u64,
    /// The Gateway and the listener's name.
    pub(crate) name: ListenerRef,
    /// Port of the spec.
    pub(crate) port: u16,
    /// Port that is bound in its place; the key of [`crate::config::Runtime::ports`].
    pub(crate) bound: u16,
    /// Port that clients use, as far as we know; for addresses in Kafka's answers.
    pub(crate) advertised: u16,
    /// What the keys of its sessions come from, if all proxies of the Gateway share them.
    pub(crate) session_seed: Option<Arc<str>>,
    /// Names it answers to.
    pub(crate) hostname: Hostname,
    /// What it speaks.
    pub(crate) kind: ListenerKind,
    /// To end TLS, where the kind asks for it.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// What every request passes before a route is chosen.
    pub(crate) filters: http::ListenerFilters,
    /// How `tls` checks clients.
    pub(crate) client_auth: Option<Arc<ClientAuth>>,
    /// What `tls` chooses from.
    pub(crate) identities: Vec<Arc<Identity>>,
    /// `namespace/gateway/listener`, as in metrics and logs.
    pub(crate) label: Arc<str>,
    /// Handles.
    pub(crate) metrics: ListenerMetrics,
}

/// A listener's metrics.
#[derive(Clone, Debug)]
pub(crate) struct ListenerMetrics {
    /// Connections so far.
    pub(crate) total: Arc<Counter>,
    /// Connections now.
    pub(crate) active: Arc<Gauge>,
    errors: Arc<[Lazy<ErrorLabels, Counter>; Cause::ALL.len()]>,
}

/// Why a client connection could not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Too many connections.
    Limit,
    /// The first bytes are not TLS.
    NotTls,
    /// The ClientHello is broken, too long or too slow.
    ClientHello,
    /// No listener or route has this SNI.
    UnknownName,
    /// The TLS handshake failed.
    Handshake,
    /// The route of the name could not be compiled.
    Unserved,
    /// No backend could be reached.
    Upstream,
    /// What came after TLS is not the listener's protocol.
    Protocol,
}

impl Cause {
    const ALL: [Self; 8] = [
        Self::Limit,
        Self::NotTls,
        Self::ClientHello,
        Self::UnknownName,
        Self::Handshake,
        Self::Unserved,
        Self::Upstream,
        Self::Protocol,
    ];

    /// As in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::NotTls => "not_tls",
            Self::ClientHello => "client_hello",
            Self::UnknownName => "unknown_name",
            Self::Handshake => "handshake",
            Self::Unserved => "unserved",
            Self::Upstream => "upstream",
            Self::Protocol => "protocol",
        }
    }
}

impl ListenerMetrics {
    pub(crate) fn new(metrics: &Metrics, label: &Arc<str>, kind: ListenerKind) -> Self {
        let protocol: Arc<str> = match kind {
            ListenerKind::Http => "http",
            ListenerKind::Https => "https",
            ListenerKind::TlsTerminate | ListenerKind::TlsPassthrough => "tls",
            ListenerKind::Tcp => "tcp",
            ListenerKind::Udp => "udp",
        }
        .into();
        let labels = ConnectionLabels { listener: Arc::clone(label), protocol };
        Self {
            total: metrics.connections_total.get(labels.clone()),
            active: metrics.connections_active.get(labels),
            errors: Arc::new(Cause::ALL.map(|cause| {
                let labels = ErrorLabels { listener: Arc::clone(label), cause: cause.as_str().into() };
                metrics.connection_errors.lazy(labels)
            })),
        }
    }

    /// Counts a connection that could not be served.
    pub(crate) fn error(&self, cause: Cause) {
        self.errors[cause as usize].get().inc();
    }
}
