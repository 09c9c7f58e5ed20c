//! From a request to its response: check, match, filter, forward.
//!
//! ```text
//!  message (RFC 9110) ─▶ table ─▶ special filters? ─▶ backend by weight ─▶ filters ─▶ pool ─▶ response filters ─▶ client
//! ```

use super::{
    body::{Incoming, Received, RequestBody, ResponseBody, Watch},
    exchange::{Exchange, Flag, chain},
    filter::{self, Asked, Target},
    grpc::{self, Code},
    message::{self, FORWARDED_FOR, Malformed, Seen},
    mirror,
    pool::{self, Lease, LeaseError, Want},
    retry::{self, Choice},
    rule::{Destination, Rule},
    server::Connection,
    session::Persisted,
    special::{self, Level},
    table::{Found, Table},
    upgrade,
    upstream::Outgoing,
};
use crate::{
    listener::{Listener, ListenerKind},
    router::{self, Name},
    upstream::{Backend, ConnectError, Endpoint},
    worker::Worker,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts,
    uri::PathAndQuery,
};
use std::{
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Endpoints that one request tries to connect to.
const TRIES: usize = 3;

/// An answer of our own.
pub(super) struct Refused {
    status: StatusCode,
    pub(super) flag: Flag,
    /// The backend has certainly not seen the request, although there was a connection.
    pub(super) unsent: bool,
    /// To the client; says nothing of the inside.
    text: &'static str,
    /// To the log.
    error: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, flag: Flag, text: &'static str) -> Self {
        Self { status, flag, unsent: false, text, error: None }
    }

    /// What the backend sent is no response that could be passed on.
    fn no_valid_answer() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, Flag::UpstreamResponse, "the backend gave no valid answer")
    }

    /// It took too long, in the way that `flag` says.
    pub(super) fn late(flag: Flag) -> Self {
        match flag {
            Flag::ClientIdle => Self::new(StatusCode::REQUEST_TIMEOUT, flag, "the request came too slowly"),
            _ => Self::new(StatusCode::GATEWAY_TIMEOUT, flag, "no answer from the backend in time"),
        }
    }

    /// It would have been sent again, but for the backend's retry constraint (GEP-3388).
    pub(super) fn over_budget() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Flag::RetryBudget, "the backend fails too often to try it again")
    }

    /// Nobody can be asked whether the request may pass.
    pub(super) fn no_authorization_service() -> Self {
        let text = "no valid authorization service";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Flag::InvalidBackend, text)
    }

    /// Who was asked whether the request may pass has not said so.
    pub(super) fn no_authorization() -> Self {
        Self::new(StatusCode::FORBIDDEN, Flag::AuthFailed, "not authorized")
    }

    pub(super) fn because(self, error: impl ToString) -> Self {
        Self { error: Some(error.to_string()), ..self }
    }
}

impl From<Malformed> for Refused {
    fn from(why: Malformed) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Flag::BadRequest, "bad request").because(why)
    }
}

/// What a matched request needs on its way.
pub(super) struct Matched {
    pub(super) listener: Arc<Listener>,
    pub(super) rule: Arc<Rule>,
    pub(super) prefix: Option<usize>,
    pub(super) seen: Seen,
}

/// Answers one request.
pub(super) async fn handle(connection: Rc<Connection>, mut request: Request<Incoming>) -> Response<ResponseBody> {
    let mut exchange = Box::new(Exchange::new(connection, &request));
    let mut accepted = accept(&mut exchange, &request);
    if let Ok(Accepted::Early(listener)) = accepted {
        // Boxed, as few listeners have filters.
        accepted = match Box::pin(special::before_routing(&mut exchange, &listener, &mut request)).await {
            Ok(None) => accept(&mut exchange, &request),
            Ok(Some(own)) => return own.respond(exchange),
            Err(refused) => Err(refused),
        };
    }
    let refused = match accepted {
        Ok(Accepted::Forward(matched)) => match forward(exchange, matched, request).await {
            Ok(response) => return response,
            Err((back, refused)) => {
                exchange = back;
                refused
            }
        },
        // Boxed, so that not every request holds what few rules have.
        Ok(Accepted::Special(matched)) => match Box::pin(special::handle(exchange, matched, request)).await {
            Ok(response) => return response,
            Err((back, refused)) => {
                exchange = back;
                refused
            }
        },
        // Filters of a listener run once.
        Ok(Accepted::Early(_)) => Refused::no_authorization(),
        Err(refused) => refused,
    };
    answer(exchange, refused)
}

enum Accepted {
    Forward(Matched),
    /// The rule has [special filters](special).
    Special(Matched),
    /// Filters of the listener come before a route is chosen.
    Early(Arc<Listener>),
}

fn accept(exchange: &mut Exchange, request: &Request<Incoming>) -> Result<Accepted, Refused> {
    let bad = |status, text| Refused::new(status, Flag::BadRequest, text);
    if request.method() == Method::CONNECT {
        return Err(bad(StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not served"));
    }
    let seen = Seen::of(request.headers());
    message::check_framing(request, seen)?;
    let limits = exchange.connection.worker.limits();
    // A cookie is one field, in however many pieces HTTP/2 sends it (RFC 9113 8.2.3); their bytes are bounded as all are.
    let crumbs = if seen.cookie { request.headers().get_all(header::COOKIE).iter().skip(1).count() } else { 0 };
    if request.headers().len() - crumbs > limits.headers {
        return Err(bad(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too many header fields"));
    }
    if seen.expect
        && let Some(expect) = request.headers().get(header::EXPECT)
        && !expect.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        return Err(bad(StatusCode::EXPECTATION_FAILED, "this expectation is not understood"));
    }
    exchange.host = message::host(request)?;
    let host = exchange.host.clone();
    let host = host.to_str().unwrap_or_default();
    let name = Name::new(host);
    let asked = router::Request {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
        call: exchange.call,
    };
    let (listener, served, prefix) = match exchange.connection.find(&name, &asked) {
        Found::Rule { listener, served, prefix } => (listener, Some(served), prefix),
        Found::NoRoute { listener, metrics } => {
            exchange.unmatched = Some(metrics);
            (listener, None, None)
        }
        Found::NoListener => {
            return Err(Refused::new(StatusCode::NOT_FOUND, Flag::NoListener, "no listener has this host"));
        }
    };
    exchange.listener = Some(Arc::clone(&listener));
    let conn = &exchange.connection.conn;
    if conn.tls.is_some() && conn.listener.id != listener.id {
        // RFC 9110 15.5.20; the client opens another connection, whose TLS is the other listener's.
        return Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, Flag::Misdirected, "wrong connection for this host"));
    }
    if !listener.filters.is_empty() && !exchange.notes.as_ref().is_some_and(|notes| notes.is_routable) {
        exchange.unmatched.get_or_insert_with(|| Table::unmatched(&listener));
        return Ok(Accepted::Early(listener));
    }
    let Some(served) = served else {
        return Err(Refused::new(StatusCode::NOT_FOUND, Flag::NoRoute, "no route matches"));
    };
    let rule = Arc::clone(&served.rule);
    exchange.served = Some(served);
    if let Some(why) = &rule.unserved {
        return Err(
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Flag::Unserved, "this rule cannot be served").because(why)
        );
    }
    let is_special = rule.filters.special.is_some();
    let matched = Matched { listener, rule, prefix, seen };
    Ok(if is_special { Accepted::Special(matched) } else { Accepted::Forward(matched) })
}

fn scheme(listener: &Listener) -> &'static str {
    if listener.kind == ListenerKind::Https { "https" } else { "http" }
}

pub(super) fn redirect(
    to: &snapshot::Redirect,
    worker: &Worker,
    listener: &Listener,
    host: &str,
    path: Option<&PathAndQuery>,
    prefix: Option<usize>,
) -> Result<(StatusCode, HeaderValue), Refused> {
    let root = PathAndQuery::from_static("/");
    let path = path.unwrap_or(&root);
    let advertised = |port| worker.with_runtime(|runtime| runtime.advertised(port));
    let asked =
        Asked { scheme: scheme(listener), host, listener_port: listener.port, path, prefix, advertised: &advertised };
    filter::redirect(to, &asked)
        .ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, Flag::BadRequest, "no host to redirect to"))
}

/// A request on its way to a backend. Errors give the record back, for the answer.
pub(super) async fn forward(
    mut exchange: Box<Exchange>,
    matched: Matched,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>, (Box<Exchange>, Refused)> {
    let connection = Rc::clone(&exchange.connection);
    let Matched { listener, rule, prefix, seen } = matched;
    let (destination, backend) = match choose(&mut exchange, &connection, &rule) {
        Ok(chosen) => chosen,
        Err(refused) => return Err((exchange, refused)),
    };
    if destination.filters.special.is_some() {
        let filters = (&destination.filters, Level::Backend);
        let pass = special::pass(&mut exchange, &listener, prefix, filters, &mut request);
        match Box::pin(pass).await {
            Ok(None) => {}
            Ok(Some(own)) => return Ok(own.respond(exchange)),
            Err(refused) => return Err((exchange, refused)),
        }
    }
    let upgrade = Some(&request)
        .filter(|_| seen.connection)
        .and_then(message::wanted_upgrade)
        .filter(|_| request.body().is_empty() && !pool::must_multiplex(&backend));
    exchange.upgrading = upgrade.is_some();
    let wants_trailers =
        upgrade.is_none() && seen.hop_by_hop && message::has_token(request.headers(), &header::TE, "trailers");
    let (mut parts, body) = request.into_parts();
    let mut body = RequestBody::new(body, &exchange.meter).guarded(&rule, exchange.backend);
    if exchange.notes.as_ref().is_some_and(|notes| notes.is_authorized()) {
        body = body.without_trailers();
    }
    let filters = [&rule.filters, &destination.filters];
    let target = match prepare(&mut parts, seen, &exchange, &connection, &listener, filters, prefix) {
        Ok(target) => target,
        Err(malformed) => return Err((exchange, malformed.into())),
    };
    let mut outgoing = Outgoing { parts, target, upgrade, wants_trailers };
    if filters.iter().any(|filters| filters.special.is_some()) && outgoing.upgrade.is_none() {
        mirror::start(&connection.worker, &rule.route, filters, &outgoing, &mut body);
    }
    if let Some(budget) = backend.traffic.as_ref().and_then(|traffic| traffic.budget.as_ref()) {
        budget.request(connection.worker.now());
    }
    let session = rule.session.as_deref().or_else(|| backend.traffic.as_ref()?.session.as_ref());
    let session = session.and_then(|session| persisted(session, &connection, &rule, &backend, &listener, &outgoing));
    let pinned = session.as_ref().map(|session| session.endpoint.clone());
    let sent = match &rule.retry {
        None => {
            let mut choice = pinned.map(Choice::of_session);
            let choice = choice.as_mut();
            let mut watch = watch(&exchange, &rule, exchange.started());
            let meter = Rc::clone(&exchange.meter);
            let sending = pin!(send(&mut exchange, &connection, &backend, &mut outgoing, body, choice));
            let sent = watch.guard(&meter, sending).await;
            sent.unwrap_or_else(|flag| Err(Refused::late(flag))).map(|(response, lease)| (response, lease, watch))
        }
        // Boxed, so that not every request holds what it takes to send one again.
        Some(retry) => {
            let (exchange, connection, backend) = (&mut exchange, &connection, &backend);
            let pinned = pinned.flatten();
            let call = retry::Call { exchange, connection, rule: &rule, retry, backend, outgoing, body, pinned };
            Box::pin(retry::send(call)).await
        }
    };
    let (response, lease, watch) = match sent {
        Ok(sent) => sent,
        Err(refused) => return Err((exchange, refused)),
    };
    respond(exchange, [&rule.filters, &destination.filters], session, response, lease, watch)
}

/// What the client brings of the session that a rule or a backend asks for.
fn persisted(
    session: &snapshot::Session,
    connection: &Connection,
    rule: &Rule,
    backend: &Backend,
    listener: &Listener,
    outgoing: &Outgoing,
) -> Option<Box<Persisted>> {
    let key = connection.worker.http_pool().sessions().of(listener.session_seed.as_ref())?;
    let secure = listener.kind == ListenerKind::Https;
    let headers = &outgoing.parts.headers;
    Some(Box::new(Persisted::read(session, key, rule, backend, headers, secure, connection.worker.now())))
}

/// The backend that this request goes to, by weight.
fn choose<'a>(
    exchange: &mut Exchange,
    connection: &Connection,
    rule: &'a Rule,
) -> Result<(&'a Destination, Arc<Backend>), Refused> {
    let invalid = || Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Flag::InvalidBackend, "no valid backend");
    let point = connection.worker.http_pool().next_point();
    let Some(index) = rule.backend_at(point) else {
        return Err(invalid().because("the rule has no backend with a weight"));
    };
    exchange.backend = Some(index);
    let destination = &rule.backends[index];
    let key = destination.backend.as_ref().map_err(|why| invalid().because(why))?;
    let Some(backend) = connection.worker.with_runtime(|runtime| runtime.backend(key).cloned()) else {
        return Err(invalid().because("the backend is gone"));
    };
    if let Some(why) = &backend.unusable {
        return Err(invalid().because(why));
    }
    Ok((destination, backend))
}

/// Turns the client's header into the backend's.
fn prepare(
    parts: &mut Parts,
    seen: Seen,
    exchange: &Exchange,
    connection: &Connection,
    listener: &Listener,
    filters: [&filter::Filters; 2],
    prefix: Option<usize>,
) -> Result<Target, Malformed> {
    let headers = &mut parts.headers;
    message::strip_hop_by_hop(headers, seen)?;
    if seen.cookie {
        message::join_cookies(headers);
    }
    if seen.expect {
        // The gateway itself asks the client to go on, once the backend's connection takes the body.
        headers.remove(header::EXPECT);
    }
    headers.remove(header::HOST);
    if seen.underscore {
        let forwarded = [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST];
        message::remove_aliases(headers, |name| {
            forwarded.iter().any(|ours| message::is_alias(name, ours))
                || filters.iter().any(|filters| filters.guards(name))
        });
    }
    message::append_forwarded_for(headers, seen, &connection.forwarded);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme(listener)));
    headers.insert(FORWARDED_HOST, exchange.host.clone());
    let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut target = Target { host: exchange.host.clone(), path };
    if !filters.iter().any(|filters| filters.edit_request()) && !message::has_odd_length(headers) {
        return Ok(target);
    }
    let length = message::length(headers);
    for (filters, level) in filters.into_iter().zip([Level::Rule, Level::Backend]) {
        let grants = exchange.notes.as_ref().map_or(&[][..], |notes| notes.grants(level));
        filters.apply_to_request(&mut target, headers, prefix, grants);
    }
    // A filter may set Host as any other header.
    if let Some(host) = headers.remove(header::HOST) {
        target.host = host;
    }
    message::strip_hop_by_hop(headers, Seen::of(headers))?;
    keep_length(headers, length);
    Ok(target)
}

/// Of one time that a request is sent, which began at `sent`.
pub(super) fn watch(exchange: &Exchange, rule: &Rule, sent: Instant) -> Watch {
    watch_until(exchange, rule, at(sent, rule.timeouts.backend_request, Flag::BackendTimeout))
}

/// Of a request that waits to be sent.
pub(super) fn watch_request(exchange: &Exchange, rule: &Rule) -> Watch {
    watch_until(exchange, rule, None)
}

fn at(from: Instant, timeout: Option<Duration>, flag: Flag) -> Option<(Instant, Flag)> {
    Some((from.checked_add(timeout?)?, flag))
}

fn watch_until(exchange: &Exchange, rule: &Rule, backend: Option<(Instant, Flag)>) -> Watch {
    let request = at(exchange.started(), rule.timeouts.request, Flag::RequestTimeout);
    let deadline = match (request, backend) {
        (Some(request), Some(backend)) => Some(if backend.0 < request.0 { backend } else { request }),
        (one, other) => one.or(other),
    };
    // A route that lets a request take longer than a quiet one may has said so for quiet ones.
    let allowed = rule.timeouts.request.max(rule.timeouts.backend_request).unwrap_or_default();
    let idle = &exchange.meter.idle;
    idle.set(idle.get().max(allowed));
    Watch::new(deadline, idle.get(), exchange.connection.timer())
}

/// Gets a connection, sends the request, waits for the header of the response. A second try is made where the first has
/// certainly done nothing: no connection came about, or a kept one had died; or may be repeated (RFC 9110 9.2.2).
/// `choice`: of the endpoint, where the rule or a session has a say in that.
pub(super) async fn send(
    exchange: &mut Exchange,
    connection: &Connection,
    backend: &Arc<Backend>,
    outgoing: &mut Outgoing,
    body: RequestBody,
    mut choice: Option<&mut Choice>,
) -> Result<(Response<Received>, Lease), Refused> {
    let want = match &exchange.served {
        _ if outgoing.upgrade.is_some() => Want::Http1,
        Some(served) if served.rule.calls => Want::Http2,
        _ => Want::Any,
    };
    let mut body = Some(body);
    let mut fresh = false;
    loop {
        let mut lease = lease(exchange, connection, backend, want, fresh, choice.as_deref_mut()).await?;
        // HTTP/1.0 knows requests without a host, HTTP/2 does not: then it is the one that was dialled.
        if lease.is_http2()
            && outgoing.target.host.is_empty()
            && let Some(endpoint) = &exchange.endpoint
            && let Ok(host) = HeaderValue::from_str(&endpoint.to_string())
        {
            outgoing.target.host = host;
        }
        let body_now = body.take().unwrap_or_else(|| RequestBody::empty(&exchange.meter));
        let repeatable = lease.reused && body_now.is_empty() && outgoing.parts.method.is_idempotent();
        let failure = match lease.send(backend, outgoing, body_now, repeatable || choice.is_some()).await {
            Ok(response) => return Ok((response, lease)),
            Err(failure) => failure,
        };
        if exchange.meter.request_broken.get() {
            return Err(
                Refused::new(StatusCode::BAD_REQUEST, Flag::ClientGone, "the request broke off").because(failure.why)
            );
        }
        if !lease.reused || !(failure.unsent || repeatable) {
            let unsent = failure.unsent || failure.refused;
            return Err(Refused { unsent, ..Refused::no_valid_answer().because(failure.why) });
        }
        fresh = true;
        body = failure.body.filter(|_| failure.unsent);
    }
}

/// A connection to one of the backend's endpoints, passing over those that cannot be reached.
async fn lease(
    exchange: &mut Exchange,
    connection: &Connection,
    backend: &Arc<Backend>,
    want: Want,
    fresh: bool,
    mut choice: Option<&mut Choice>,
) -> Result<Lease, Refused> {
    let worker = &connection.worker;
    let mut tries = choice.as_ref().and_then(|choice| choice.dials).unwrap_or(TRIES).min(backend.endpoints.len());
    loop {
        let picked = match &mut choice {
            None => backend.pick(worker.now()).map(Arc::<Endpoint>::clone),
            Some(choice) => choice.pick(backend, worker.now()),
        };
        let Some(endpoint) = picked else {
            return Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Flag::NoEndpoint,
                "the backend has no endpoints",
            ));
        };
        exchange.endpoint = Some(Arc::clone(&endpoint));
        let kept = if fresh { None } else { worker.http_pool().kept(worker, backend, &endpoint, want) };
        if let Some(lease) = kept {
            return Ok(lease);
        }
        // Boxed, so that not every request holds what it takes to connect.
        match Box::pin(worker.http_pool().lease(worker, backend, &endpoint, want, fresh)).await {
            Ok(lease) => return Ok(lease),
            Err(error) if tries <= 1 => {
                let flag = match &error {
                    LeaseError::Connect(ConnectError::Unusable(_)) => Flag::InvalidBackend,
                    _ => Flag::UpstreamConnect,
                };
                return Err(
                    Refused::new(StatusCode::BAD_GATEWAY, flag, "the backend cannot be reached").because(chain(&error))
                );
            }
            Err(_) => tries -= 1,
        }
    }
}

/// Turns the backend's response into the client's.
fn respond(
    mut exchange: Box<Exchange>,
    filters: [&filter::Filters; 2],
    session: Option<Box<Persisted>>,
    response: Response<Received>,
    lease: Lease,
    watch: Watch,
) -> Result<Response<ResponseBody>, (Box<Exchange>, Refused)> {
    let (mut parts, received) = response.into_parts();
    exchange.meter.last.set(exchange.connection.worker.now());
    let seen = Seen::of(&parts.headers);
    let switched = parts.status == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = if switched { parts.headers.get(header::UPGRADE).cloned() } else { None };
    let checked = message::check_response(&mut parts, seen);
    if let Err(why) = checked.and_then(|()| message::strip_hop_by_hop(&mut parts.headers, seen)) {
        return Err((exchange, Refused::no_valid_answer().because(why)));
    }
    exchange.status = parts.status.as_u16();
    if exchange.call {
        let other = (parts.status != StatusCode::OK).then(|| Code::of_http(parts.status));
        exchange.grpc = Code::of(&parts.headers).or(other);
    }
    let edited = filters.iter().any(|filters| filters.edit_response()) || exchange.notes.is_some();
    if edited || message::has_odd_length(&parts.headers) {
        let length = message::length(&parts.headers);
        for filters in filters {
            filters.apply_to_response(&mut parts.headers);
        }
        if let Some(notes) = &exchange.notes {
            notes.apply_to_response(&mut parts.headers);
        }
        for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        keep_length(&mut parts.headers, length);
    }
    if let Some(session) = session {
        session.write(exchange.endpoint.as_ref(), &mut parts.headers);
    }
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    if !switched {
        return Ok(Response::from_parts(parts, ResponseBody::upstream(received, lease, watch, exchange)));
    }
    upgrade::respond(exchange, parts, protocol, lease)
        .map_err(|exchange| (exchange, Refused::no_valid_answer().because("101 that nobody asked for")))
}

/// Where a message ends is nothing that a filter may change: the next one would begin elsewhere for us than for the reader.
fn keep_length(headers: &mut HeaderMap, length: Option<HeaderValue>) {
    match length {
        Some(length) => drop(headers.insert(header::CONTENT_LENGTH, length)),
        None => drop(headers.remove(header::CONTENT_LENGTH)),
    }
}

/// An error of our own, as one line of text.
fn answer(mut exchange: Box<Exchange>, refused: Refused) -> Response<ResponseBody> {
    let Refused { status, flag, text, error, .. } = refused;
    exchange.fail(flag, error);
    if let Some((code, mut headers)) = exchange.call.then(|| grpc::answer(status, flag, text)).flatten() {
        exchange.status = StatusCode::OK.as_u16();
        exchange.grpc = Some(code);
        if let Some(notes) = &exchange.notes {
            notes.apply_to_response(&mut headers);
        }
        let mut response = Response::new(ResponseBody::text("", Some(exchange)));
        *response.headers_mut() = headers;
        return response;
    }
    exchange.status = status.as_u16();
    let close = flag == Flag::BadRequest || flag == Flag::ClientIdle;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if close && exchange.connection.is_http1() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(notes) = &exchange.notes {
        notes.apply_to_response(&mut headers);
    }
    let mut text = format!("{} {text}\n", status.as_u16());
    if exchange.is_head() {
        // hyper sends in HTTP/2 what it is given.
        headers.insert(header::CONTENT_LENGTH, text.len().into());
        text.clear();
    }
    let mut response = Response::new(ResponseBody::text(text, Some(exchange)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
