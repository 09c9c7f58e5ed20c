//! `ExternalAuth` (GEP-1494): another service says whether a request may pass. Without a clear yes none does: a service that
//! cannot be reached, takes too long or answers with nonsense refuses.

pub(crate) mod fuzz;
mod grant;
mod grpc;
mod held;
mod over_http;

use super::{
    body::{Incoming, RequestBody, Watch},
    call::{self, NoAnswer},
    exchange::{Exchange, Flag, Meter},
    filter::{FilterError, Target},
    message,
    pipeline::Refused,
    pool::Want,
    special::Own,
    upstream::Outgoing,
};
use crate::{
    listener::{Listener, ListenerKind},
    telemetry::metrics::{AuthLabels, Counter},
};
use bytes::Bytes;
pub(super) use grant::Grant;
pub(super) use held::Room;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header, uri::PathAndQuery};
use snapshot::{AuthProtocol, BackendKey, BackendTarget, ExternalAuth};
use std::{
    pin::pin,
    rc::Rc,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of its answer's body: the page that a client is shown, or a message.
const ANSWER: usize = 64 << 10;

/// A filter, compiled.
#[derive(Debug)]
pub(crate) struct Auth {
    /// Why not: 500.
    backend: Result<BackendKey, String>,
    protocol: Protocol,
    /// Bytes of the body that are sent along.
    max_body: usize,
    counts: [OnceLock<Arc<Counter>>; COUNTED.len()],
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
enum Counted {
    Allowed,
    Denied,
    Failed,
}

const COUNTED: [&str; 3] = ["allowed", "denied", "failed"];

#[derive(Debug)]
enum Protocol {
    /// Headers that are told; empty: all.
    Grpc {
        request: Box<[HeaderName]>,
    },
    Http {
        path: Box<str>,
        request: Box<[HeaderName]>,
        response: Box<[HeaderName]>,
    },
}

/// What a service says.
enum Verdict {
    Granted(Grant),
    /// The answer to the client.
    Denied(StatusCode, HeaderMap, Bytes),
}

/// No clear answer; why, for the log.
struct Unclear(String);

impl From<NoAnswer> for Unclear {
    fn from(why: NoAnswer) -> Self {
        Self(why.0)
    }
}

/// What a service is told.
struct Question<'a> {
    exchange: &'a Exchange,
    listener: &'a Listener,
    method: &'a Method,
    path: &'a PathAndQuery,
    headers: &'a HeaderMap,
    body: Bytes,
}

impl Auth {
    pub(super) fn compile(from: &ExternalAuth) -> Result<Self, FilterError> {
        let names = |names: &[String]| {
            let name =
                |name: &String| HeaderName::from_bytes(name.as_bytes()).map_err(|_| FilterError::Name(name.clone()));
            names.iter().map(name).collect::<Result<Box<[_]>, _>>()
        };
        Ok(Self {
            backend: match &from.backend {
                BackendTarget::Backend(key) => Ok(key.clone()),
                BackendTarget::Invalid(why) => Err(why.clone()),
            },
            protocol: match &from.protocol {
                AuthProtocol::Grpc { request_headers } => Protocol::Grpc { request: names(request_headers)? },
                AuthProtocol::Http { path, request_headers, response_headers } => Protocol::Http {
                    path: path.as_str().into(),
                    request: names(request_headers)?,
                    response: names(response_headers)?,
                },
            },
            max_body: usize::try_from(from.max_body).unwrap_or(usize::MAX),
            counts: Default::default(),
        })
    }

    /// Asks the service; an answer of its own is what the client gets. What is read of the body stays in the request.
    pub(super) async fn check(
        &self,
        exchange: &mut Exchange,
        listener: &Listener,
        request: &mut Request<Incoming>,
    ) -> Result<Result<Grant, Own>, Refused> {
        let body = if self.max_body == 0 { Bytes::new() } else { held::read(exchange, request, self.max_body).await? };
        let root = PathAndQuery::from_static("/");
        let question = Question {
            exchange,
            listener,
            method: request.method(),
            path: request.uri().path_and_query().unwrap_or(&root),
            headers: request.headers(),
            body,
        };
        let verdict = self.ask(&question).await;
        let result = match &verdict {
            Ok(Verdict::Granted(_)) => Counted::Allowed,
            Ok(Verdict::Denied(..)) => Counted::Denied,
            Err(_) => Counted::Failed,
        };
        self.count(exchange, listener, result);
        match verdict {
            Ok(Verdict::Granted(grant)) => Ok(Ok(grant)),
            Ok(Verdict::Denied(status, headers, body)) => {
                exchange.fail(Flag::AuthDenied, None);
                Ok(Err(Own::new(status, headers, body)))
            }
            Err(refused) => Err(refused),
        }
    }

    fn count(&self, exchange: &Exchange, listener: &Listener, result: Counted) {
        let counter = self.counts[result as usize].get_or_init(|| {
            let none: Arc<str> = "".into();
            // A filter of a listener runs before there is a route.
            let (listener, route) = match &exchange.served {
                Some(served) => (none, Arc::clone(&served.rule.route)),
                None => (Arc::clone(&listener.label), none),
            };
            let backend = self.backend.as_ref().map(ToString::to_string).unwrap_or_default().into();
            let labels = AuthLabels { listener, route, backend, result: COUNTED[result as usize].into() };
            exchange.connection.worker.metrics().http_auth.get(labels)
        });
        counter.inc();
    }

    async fn ask(&self, question: &Question<'_>) -> Result<Verdict, Refused> {
        let worker = &question.exchange.connection.worker;
        let key = self.backend.as_ref().map_err(|why| Refused::no_authorization_service().because(why))?;
        let backend = worker.with_runtime(|runtime| runtime.backend(key).cloned());
        let backend = backend.ok_or_else(|| Refused::no_authorization_service().because("the backend is gone"))?;
        let meter = Rc::new(Meter::new(worker.now(), PATIENCE));
        let deadline = worker.now().checked_add(PATIENCE).map(|until| (until, Flag::AuthFailed));
        let mut watch = Watch::new(deadline, PATIENCE, Rc::default());
        let unclear = |why: &str| Refused::no_authorization().because(format!("{key}: {why}"));
        let (mut outgoing, body, want) = match &self.protocol {
            Protocol::Grpc { request } => {
                let (outgoing, body) = grpc::question(question, request);
                (outgoing, body, Want::Http2)
            }
            Protocol::Http { path, request, .. } => {
                let outgoing = over_http::question(question, path, request).map_err(|Unclear(why)| unclear(&why))?;
                (outgoing, question.body.clone(), Want::Any)
            }
        };
        let again = || RequestBody::held(body.clone(), &meter);
        let work = pin!(async {
            let answer = call::call(worker, &backend, &mut outgoing, want, again(), Some(&again)).await?;
            match &self.protocol {
                Protocol::Grpc { .. } => grpc::verdict(answer).await,
                Protocol::Http { response, .. } => over_http::verdict(answer, response).await,
            }
        });
        match watch.guard(&meter, work).await {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(Unclear(why))) => Err(unclear(&why)),
            Err(_) => Err(unclear("no answer in time")),
        }
    }
}

fn scheme(listener: &Listener) -> &'static str {
    if listener.kind == ListenerKind::Https { "https" } else { "http" }
}

/// A request to a service.
fn outgoing(method: Method, target: Target, headers: HeaderMap, wants_trailers: bool) -> Outgoing {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.headers = headers;
    Outgoing { parts, target, upgrade: None, wants_trailers }
}

/// Whether a header of a service's answer says something of this answer alone, or of where a message ends or goes.
fn is_own(name: &HeaderName) -> bool {
    name == header::HOST
        || name == header::CONTENT_LENGTH
        || name == header::TRAILER
        || name == header::EXPECT
        || message::is_hop_by_hop(name)
}

/// What remains of the header of a service's answer on its way to the client.
fn to_client(mut headers: HeaderMap) -> HeaderMap {
    let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    headers
}

/// Filters of a listener, which run before a route is chosen (GEP-5224).
#[derive(Debug, Default)]
pub(crate) struct ListenerFilters {
    from: Vec<ExternalAuth>,
    auth: Box<[Auth]>,
}

impl ListenerFilters {
    /// Compiles them; the error is what the user is told.
    pub(crate) fn compile(from: &[ExternalAuth]) -> Result<Self, String> {
        let auth = from.iter().map(Auth::compile).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok(Self { from: from.to_vec(), auth })
    }

    /// Whether they come from these.
    pub(crate) fn is_from(&self, from: &[ExternalAuth]) -> bool {
        self.from == from
    }

    pub(super) fn is_empty(&self) -> bool {
        self.auth.is_empty()
    }

    pub(super) fn all(&self) -> &[Auth] {
        &self.auth
    }
}
