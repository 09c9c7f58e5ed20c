//! The record of one request and its response: what the access log and the metrics say of it, however it ends.

pub(super) use super::log::log_refusal;
use super::{
    grpc::{self, Code},
    rule::{Red, Served},
    server::Connection,
    special::Notes,
};
use crate::{listener::Listener, upstream::Endpoint};
use http::{HeaderValue, Method, Version, uri::PathAndQuery};
use std::{
    cell::Cell,
    error::Error,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// What went wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    /// 400, 405, 417, 431: the request itself.
    BadRequest,
    /// 421: the connection's SNI belongs to another listener than the request's host.
    Misdirected,
    /// 404: no listener for the host.
    NoListener,
    /// 404: no rule of the listener matches.
    NoRoute,
    /// 500: the rule cannot be served.
    Unserved,
    /// 500: the backendRef is invalid, or there is none.
    InvalidBackend,
    /// What an authorization service answers in the backend's place.
    AuthDenied,
    /// 403: an authorization service gives no clear answer.
    AuthFailed,
    /// 503: the backend has no endpoints.
    NoEndpoint,
    /// 503: it would have been sent again, but for the backend's retry constraint.
    RetryBudget,
    /// 502: no endpoint could be reached.
    UpstreamConnect,
    /// 502: the backend's answer is no HTTP, or ended before its header was complete.
    UpstreamResponse,
    /// The backend broke its response off after the header.
    UpstreamReset,
    /// 504: `timeouts.request`.
    RequestTimeout,
    /// 504: `timeouts.backendRequest`.
    BackendTimeout,
    /// 504, or broken off: no byte flowed for too long, and the backend was to send.
    UpstreamIdle,
    /// 408, or broken off: no byte flowed for too long, and the client was to send.
    ClientIdle,
    /// The client went away.
    ClientGone,
    /// The drain's time was over, or an upgraded connection ended as the proxy drained.
    Drained,
}

impl Flag {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Misdirected => "MISDIRECTED",
            Self::NoListener => "NO_LISTENER",
            Self::NoRoute => "NO_ROUTE",
            Self::Unserved => "RULE_UNSERVED",
            Self::InvalidBackend => "INVALID_BACKEND",
            Self::AuthDenied => "AUTH_DENIED",
            Self::AuthFailed => "AUTH_FAILED",
            Self::NoEndpoint => "NO_ENDPOINT",
            Self::RetryBudget => "RETRY_BUDGET",
            Self::UpstreamConnect => "UPSTREAM_CONNECT",
            Self::UpstreamResponse => "UPSTREAM_RESPONSE",
            Self::UpstreamReset => "UPSTREAM_RESET",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::BackendTimeout => "BACKEND_TIMEOUT",
            Self::UpstreamIdle => "UPSTREAM_IDLE",
            Self::ClientIdle => "CLIENT_IDLE",
            Self::ClientGone => "CLIENT_GONE",
            Self::Drained => "DRAINED",
        }
    }

    pub(super) fn blame(self) -> &'static str {
        match self {
            Self::BadRequest
            | Self::Misdirected
            | Self::NoListener
            | Self::NoRoute
            | Self::AuthDenied
            | Self::ClientIdle
            | Self::ClientGone => "client",
            Self::Unserved | Self::InvalidBackend | Self::Drained => "gateway",
            Self::NoEndpoint
            | Self::AuthFailed
            | Self::RetryBudget
            | Self::UpstreamConnect
            | Self::UpstreamResponse
            | Self::UpstreamReset
            | Self::RequestTimeout
            | Self::BackendTimeout
            | Self::UpstreamIdle => "upstream",
        }
    }
}

/// An error with all that led to it, for the log: hyper's own text is no more than a heading.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Bytes of a request's body and the time of the last byte in any direction; shared by both bodies.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) request_bytes: Cell<u64>,
    /// The request's body has been read to its end.
    pub(super) request_ended: Cell<bool>,
    /// The client broke the request's body off.
    pub(super) request_broken: Cell<bool>,
    pub(super) last: Cell<Instant>,
    /// For how long no byte needs to flow.
    pub(super) idle: Cell<Duration>,
}

impl Meter {
    /// Of a request that begins.
    pub(super) fn new(now: Instant, idle: Duration) -> Self {
        Self {
            request_bytes: Cell::new(0),
            request_ended: Cell::new(false),
            request_broken: Cell::new(false),
            last: Cell::new(now),
            idle: Cell::new(idle),
        }
    }
}

/// One request. What is left when it is dropped goes to the log and the metrics.
pub(super) struct Exchange {
    pub(super) connection: Rc<Connection>,
    started: Instant,
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) path: PathAndQuery,
    pub(super) user_agent: Option<HeaderValue>,
    /// As sent.
    pub(super) host: HeaderValue,
    pub(super) listener: Option<Arc<Listener>>,
    pub(super) served: Option<Arc<Served>>,
    pub(super) unmatched: Option<Arc<Red>>,
    /// Index among the rule's backends.
    pub(super) backend: Option<usize>,
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// How often it was sent again.
    pub(super) retries: u32,
    pub(super) meter: Rc<Meter>,
    pub(super) response_bytes: u64,
    /// Of the response; 0: none was begun.
    pub(super) status: u16,
    /// It is a gRPC call.
    pub(super) call: bool,
    /// What became of the call, once it is known.
    pub(super) grpc: Option<Code>,
    /// The response reached its end.
    pub(super) complete: bool,
    pub(super) flag: Option<Flag>,
    /// What the flag leaves open, for the log.
    pub(super) error: Option<String>,
    /// The request asked the backend to switch protocols.
    pub(super) upgrading: bool,
    /// What few filters leave.
    pub(super) notes: Option<Box<Notes>>,
}

/// Nobody got an answer: nginx's number for it.
const CLIENT_CLOSED: u16 = 499;

impl Exchange {
    pub(super) fn new<B>(connection: Rc<Connection>, request: &http::Request<B>) -> Self {
        let started = connection.worker.now();
        let meter = Rc::new(Meter::new(started, connection.worker.limits().stream_idle));
        connection.begin(&meter);
        Self {
            started,
            method: request.method().clone(),
            version: request.version(),
            path: request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            user_agent: request.headers().get(http::header::USER_AGENT).cloned(),
            host: HeaderValue::from_static(""),
            listener: None,
            served: None,
            unmatched: None,
            backend: None,
            endpoint: None,
            retries: 0,
            meter,
            response_bytes: 0,
            status: 0,
            call: grpc::is_call(request),
            grpc: None,
            complete: false,
            flag: None,
            error: None,
            upgrading: false,
            notes: None,
            connection,
        }
    }

    /// When it began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Whether the response may have no body, whatever its header says.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Notes what went wrong; the first thing counts.
    pub(super) fn fail(&mut self, flag: Flag, error: Option<String>) {
        if self.flag.is_none() {
            self.flag = Some(flag);
            self.error = error;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let cancelled = !self.complete && self.flag.is_none();
        if cancelled {
            let worker = &self.connection.worker;
            let drained = worker.stopping() || self.upgrading && worker.draining();
            self.flag = Some(if drained { Flag::Drained } else { Flag::ClientGone });
        }
        let duration = self.connection.worker.now().saturating_duration_since(self.started);
        let status = if self.status == 0 { CLIENT_CLOSED } else { self.status };
        let metrics = self.connection.worker.metrics();
        let red = match (&self.served, &self.unmatched) {
            (Some(served), _) => served.metrics(self.backend),
            (None, unmatched) => unmatched.as_deref(),
        };
        if let Some(red) = red {
            red.count(metrics, status, duration);
        }
        if self.call {
            let code = *self.grpc.get_or_insert_with(|| Code::of_end(self.flag));
            if let Some(red) = red {
                red.count_call(metrics, code);
            }
        }
        if self.connection.worker.access_log().is_on() {
            self.log(status, duration);
        }
        self.connection.end(cancelled);
    }
}
