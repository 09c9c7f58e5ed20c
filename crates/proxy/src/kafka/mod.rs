//! KafkaRoutes: one Kafka cluster under one name.
//!
//! ```text
//!  SNI ─▶ route, bootstrap or broker ─▶ dial (addresses, cluster) ─▶ pump ◀─▶ session ─▶ versions  auth  advertise
//!                                                                                   └─▶ filter ─▶ metadata produce fetch offsets groups
//! ```
//!
//! `pump` moves bytes and knows nothing of Kafka but frames; `session` decides about each frame without I/O; a `scope`
//! holds what the decisions are made by. What a route does with each API is in [`kafka::ledger`].

mod acl;
mod addresses;
mod advertise;
mod auth;
mod close;
mod cluster;
mod consumer;
mod dial;
mod fetch;
mod filter;
mod fuzz;
mod groups;
mod holds;
mod log;
mod metadata;
mod metrics;
mod names;
mod offsets;
mod own;
mod pending;
mod produce;
mod pump;
mod refuse;
mod route;
mod sasl;
mod scope;
mod session;
#[cfg(test)]
mod session_tests;
mod versions;
mod wire;

pub(crate) use fuzz::fuzz;
pub(crate) use route::Route;

use crate::{config::SniTarget, conn::Conn, io::Io, listener::Cause, worker::Worker};
use ::kafka::ApiKey;
use close::Close;
use holds::Holds;
use log::Ended;
use metrics::ConnectionMetrics;
use pump::{Bounds, Control, Traffic};
use scope::Scope;
use session::{Caps, Finished, IsPeer, Session};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

/// A frame that stops coming ends its connection after this long.
const STALLED: Duration = Duration::from_secs(30);

/// Which name the client came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The route's own.
    Bootstrap,
    /// A broker's.
    Broker(i32),
}

impl Wanted {
    fn broker(self) -> Option<i32> {
        match self {
            Self::Bootstrap => None,
            Self::Broker(id) => Some(id),
        }
    }
}

/// Serves one connection.
pub(crate) async fn serve(worker: Worker, io: Io, conn: Conn, route: Arc<Route>, wanted: Wanted) {
    let finish = |session: Option<&Session>, upstream, traffic, close: &Close| {
        note(&worker, &conn, &route, wanted, close);
        log::record(&worker, &Ended { conn: &conn, route: &route, wanted, session, upstream, traffic, close });
    };
    if let Some(why) = &route.unserved {
        return finish(None, None, Traffic::default(), &Close::Unserved(why.clone()));
    }
    // Boxed apart, so that a connection does not hold what dialling took.
    let upstream = match Box::pin(dial::open(&worker, &route, &conn, wanted)).await {
        Ok(upstream) => upstream,
        Err(close) => return finish(None, None, Traffic::default(), &close),
    };
    let session = session(&worker, &conn, &route, upstream.learning);
    let limits = worker.limits();
    let control = Watch {
        worker: &worker,
        conn: &conn,
        route: &route,
        wanted,
        metrics: RefCell::default(),
        revision: Cell::new(worker.runtime().revision),
    };
    let bounds = Bounds {
        frame: limits.kafka_frame,
        authentication: limits.kafka_authentication,
        idle: limits.kafka_idle,
        stalled: STALLED,
    };
    let (close, traffic) = pump::run(io, upstream.io, &session, &control, bounds).await;
    drop(upstream.active);
    finish(Some(&session.borrow()), upstream.address, traffic, &close);
}

fn session(worker: &Worker, conn: &Conn, route: &Route, learning: Option<(i32, IsPeer)>) -> RefCell<Session> {
    let limits = worker.limits();
    let scope = Scope {
        filters: Arc::clone(&route.filters),
        cluster: Arc::clone(&route.cluster),
        advertised: route.advertised.get(&conn.listener.name).cloned().unwrap_or_default(),
        port: conn.listener.advertised,
        ..Scope::default()
    };
    let caps = Caps {
        before_authentication: limits.kafka_preauth_frame,
        frame: limits.kafka_frame,
        held_response: limits.kafka_held_response,
    };
    let subject = conn.tls.as_ref().and_then(|tls| tls.client_subject.as_deref());
    let mut session = Session::new(scope, caps, subject);
    if let Some((broker, is_peer)) = learning {
        session.learn_after_authentication(broker, is_peer);
    }
    RefCell::new(session)
}

/// Counts and tells how a connection has ended.
fn note(worker: &Worker, conn: &Conn, route: &Route, wanted: Wanted, close: &Close) {
    route.metrics.close(worker.metrics(), &route.label, close.cause());
    if close.is_protocol() {
        conn.listener.metrics.error(Cause::Protocol);
    } else if close.is_upstream() {
        conn.listener.metrics.error(Cause::Upstream);
    }
    if !close.is_orderly() {
        tracing::debug!(route = %route.label, broker = ?wanted.broker(), client = %conn.peer, cause = close.cause(), error = %close);
    }
}

/// What the pump asks of the world.
struct Watch<'a> {
    worker: &'a Worker,
    conn: &'a Conn,
    route: &'a Arc<Route>,
    wanted: Wanted,
    metrics: RefCell<ConnectionMetrics>,
    revision: Cell<u64>,
}

impl Watch<'_> {
    /// Whether the route is still served under this name with the same filters. Everything else of it may change without
    /// a connection noticing.
    fn is_current(&self) -> bool {
        let runtime = self.worker.runtime();
        if runtime.revision == self.revision.get() {
            return true;
        }
        let port = runtime.port(self.conn.listener.bound);
        let found =
            port.and_then(|port| port.sni.as_ref()?.get(self.conn.sni.as_deref()).map(|found| found.value.clone()));
        let current = match found {
            Some(SniTarget::Kafka(_, route, _)) => {
                route.name == self.route.name
                    && route.unserved.is_none()
                    && Arc::ptr_eq(&route.filters, &self.route.filters)
                    && Arc::ptr_eq(&route.cluster, &self.route.cluster)
            }
            _ => false,
        };
        if current {
            self.revision.set(runtime.revision);
        }
        current
    }
}

impl Control for Watch<'_> {
    fn holds(&self) -> &Holds {
        &self.route.holds
    }

    fn ending(&self) -> Option<Close> {
        if self.conn.closing.is_fired() {
            return Some(Close::Drained);
        }
        (!self.is_current()).then_some(Close::RouteChanged)
    }

    async fn drained(&self) {
        self.conn.closing.fired().await;
    }

    fn finished(&self, finished: Finished) {
        // What a broker answers to those it knows.
        if !matches!(finished.api, ApiKey::ApiVersions | ApiKey::SaslHandshake | ApiKey::SaslAuthenticate) {
            self.worker.has_asked(self.conn.id);
        }
        let mut metrics = self.metrics.borrow_mut();
        let route = self.route;
        let api = metrics.api(finished.api, self.worker.metrics(), &route.metrics, &route.label, self.wanted.broker());
        api.observe(finished.gateway, finished.broker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every connection has one of these for as long as it lives.
    #[test]
    fn the_state_of_a_connection_is_small() {
        fn of<A, B, C, D, E, F: Future>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
            size_of::<F>()
        }
        let sizes = (of(serve), of(pump::run::<Watch<'_>>), size_of::<Session>(), size_of::<pending::Pending>());
        assert!(sizes.0 <= 4096, "{sizes:?}");
    }
}
