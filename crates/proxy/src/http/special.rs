//! Filters that answer in the backend's place, or ask others before the request goes on.

use super::{
    body::{Incoming, ResponseBody},
    cors,
    exchange::Exchange,
    external_auth::{Grant, Room},
    filter::Filters,
    pipeline::{self, Matched, Refused},
};
use crate::listener::Listener;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use std::sync::Arc;

/// What such filters leave to be done with the request and its answer.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Whom the answer is for.
    cors: Option<cors::Reply>,
    /// By filters of the listener, of the rule, of the backend.
    grants: [Vec<Grant>; 3],
    /// Of a body that has been read.
    pub(super) room: Option<Room>,
    /// The filters of the listener have run.
    pub(super) is_routable: bool,
}

/// Whose filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Listener,
    Rule,
    Backend,
}

impl Notes {
    /// Changes what the client gets.
    pub(super) fn apply_to_response(&self, headers: &mut HeaderMap) {
        for grant in self.grants.iter().flatten() {
            grant.apply_to_response(headers);
        }
        if let Some(cors) = &self.cors {
            cors.apply(headers);
        }
    }

    /// What services have granted to filters of one level.
    pub(super) fn grants(&self, level: Level) -> &[Grant] {
        &self.grants[level as usize]
    }

    /// Whether a service has let the request pass: what it says in headers, the client must not say in trailers.
    pub(super) fn is_authorized(&self) -> bool {
        self.grants.iter().any(|grants| !grants.is_empty())
    }
}

/// An answer that a filter gives.
pub(super) struct Own {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Own {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    pub(super) fn respond(self, mut exchange: Box<Exchange>) -> Response<ResponseBody> {
        let Self { status, mut headers, mut body } = self;
        exchange.status = status.as_u16();
        if let Some(notes) = &exchange.notes {
            notes.apply_to_response(&mut headers);
        }
        if exchange.is_head() {
            // Which has the header of the body that there would be.
            if !body.is_empty() {
                headers.insert(header::CONTENT_LENGTH, body.len().into());
            }
            body = Bytes::new();
        }
        let mut response = Response::new(ResponseBody::text(body, Some(exchange)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// A request of a rule that has such filters.
pub(super) async fn handle(
    mut exchange: Box<Exchange>,
    matched: Matched,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>, (Box<Exchange>, Refused)> {
    let rule = Arc::clone(&matched.rule);
    match pass(&mut exchange, &matched.listener, matched.prefix, (&rule.filters, Level::Rule), &mut request).await {
        Ok(None) => pipeline::forward(exchange, matched, request).await,
        Ok(Some(own)) => Ok(own.respond(exchange)),
        Err(refused) => Err((exchange, refused)),
    }
}

/// Runs such filters of a rule, or of one of its backends. CORS comes first wherever it stands: browsers send preflights without
/// what proves who asks, and show what others refuse only if that says who may see it.
pub(super) async fn pass(
    exchange: &mut Exchange,
    listener: &Listener,
    prefix: Option<usize>,
    (filters, level): (&Filters, Level),
    request: &mut Request<Incoming>,
) -> Result<Option<Own>, Refused> {
    let Some(special) = &filters.special else { return Ok(None) };
    if let Some(cors) = &special.cors {
        let reply = cors.reply(request.headers());
        if cors::is_preflight(request.method(), request.headers()) {
            let headers = reply.preflight(request.headers());
            return Ok(Some(Own { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() }));
        }
        exchange.notes.get_or_insert_default().cors = Some(reply);
    }
    for auth in &special.auth {
        match auth.check(exchange, listener, request).await? {
            Ok(grant) => exchange.notes.get_or_insert_default().grants[level as usize].push(grant),
            Err(own) => return Ok(Some(own)),
        }
    }
    if let Some(to) = &special.redirect {
        let host = exchange.host.clone();
        let (status, location) = pipeline::redirect(
            to,
            &exchange.connection.worker,
            listener,
            host.to_str().unwrap_or_default(),
            request.uri().path_and_query(),
            prefix,
        )?;
        let mut headers = HeaderMap::from_iter([(header::LOCATION, location)]);
        if let Some(served) = &exchange.served {
            served.rule.filters.apply_to_response(&mut headers);
        }
        return Ok(Some(Own { status, headers, body: Bytes::new() }));
    }
    Ok(None)
}

/// Runs the filters of a listener on a request, before a route is chosen for it.
pub(super) async fn before_routing(
    exchange: &mut Exchange,
    listener: &Listener,
    request: &mut Request<Incoming>,
) -> Result<Option<Own>, Refused> {
    for auth in listener.filters.all() {
        let grant = match auth.check(exchange, listener, request).await? {
            Ok(grant) => grant,
            Err(own) => return Ok(Some(own)),
        };
        let root = PathAndQuery::from_static("/");
        let old = request.uri().path_and_query().cloned().unwrap_or(root);
        let mut path = old.clone();
        grant.apply(request.headers_mut(), &mut path);
        if path != old {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path);
            // Should it be no target any more, the request goes on with the one it had.
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        exchange.notes.get_or_insert_default().grants[Level::Listener as usize].push(grant);
    }
    exchange.notes.get_or_insert_default().is_routable = true;
    Ok(None)
}
