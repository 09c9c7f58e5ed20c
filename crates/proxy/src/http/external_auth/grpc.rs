//! A service that speaks `envoy.service.auth.v3.Authorization` over gRPC: one `Check` per request. The messages are those of
//! Envoy's API, as far as they are used here, with its numbers.

use super::{
    ANSWER, Question, Unclear, Verdict,
    grant::{Action, Edit, Grant},
    is_own, outgoing, scheme, to_client,
};
use crate::http::{call::Answer, filter::Target, upstream::Outgoing};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, uri::PathAndQuery};
use prost::Message;
use std::{collections::BTreeMap, net::SocketAddr, time::SystemTime};

const METHOD: &str = "/envoy.service.auth.v3.Authorization/Check";
/// A message's flag and length stand before it.
const PREFIX: usize = 5;

#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<AttributeContext>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeContext {
    #[prost(message, optional, tag = "1")]
    source: Option<Peer>,
    #[prost(message, optional, tag = "2")]
    destination: Option<Peer>,
    #[prost(message, optional, tag = "4")]
    request: Option<RequestAttributes>,
    #[prost(message, optional, tag = "12")]
    tls_session: Option<TlsSession>,
}

#[derive(Clone, PartialEq, Message)]
struct Peer {
    #[prost(message, optional, tag = "1")]
    address: Option<Address>,
    #[prost(string, tag = "4")]
    principal: String,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(message, optional, tag = "1")]
    socket_address: Option<SocketAddress>,
}

#[derive(Clone, PartialEq, Message)]
struct SocketAddress {
    #[prost(string, tag = "2")]
    address: String,
    #[prost(uint32, tag = "3")]
    port_value: u32,
}

#[derive(Clone, PartialEq, Message)]
struct TlsSession {
    #[prost(string, tag = "1")]
    sni: String,
}

#[derive(Clone, PartialEq, Message)]
struct RequestAttributes {
    #[prost(message, optional, tag = "1")]
    time: Option<Timestamp>,
    #[prost(message, optional, tag = "2")]
    http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct HttpRequest {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    method: String,
    #[prost(btree_map = "string, string", tag = "3")]
    headers: BTreeMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(string, tag = "6")]
    scheme: String,
    #[prost(int64, tag = "9")]
    size: i64,
    #[prost(string, tag = "10")]
    protocol: String,
    #[prost(string, tag = "11")]
    body: String,
    #[prost(bytes = "bytes", tag = "12")]
    raw_body: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    denied_response: Option<DeniedHttpResponse>,
    #[prost(message, optional, tag = "3")]
    ok_response: Option<OkHttpResponse>,
    #[prost(message, optional, tag = "5")]
    error_response: Option<DeniedHttpResponse>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct DeniedHttpResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    headers: Vec<HeaderValueOption>,
    #[prost(string, tag = "3")]
    body: String,
}

#[derive(Clone, PartialEq, Message)]
struct HttpStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct OkHttpResponse {
    #[prost(message, repeated, tag = "2")]
    headers: Vec<HeaderValueOption>,
    #[prost(string, repeated, tag = "5")]
    headers_to_remove: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    response_headers_to_add: Vec<HeaderValueOption>,
    #[prost(message, repeated, tag = "7")]
    query_parameters_to_set: Vec<QueryParameter>,
    #[prost(string, repeated, tag = "8")]
    query_parameters_to_remove: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderValueOption {
    #[prost(message, optional, tag = "1")]
    header: Option<HeaderPair>,
    /// `google.protobuf.BoolValue`
    #[prost(message, optional, tag = "2")]
    append: Option<bool>,
    #[prost(int32, tag = "3")]
    append_action: i32,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderPair {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(bytes = "bytes", tag = "3")]
    raw_value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct QueryParameter {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The call, and its message.
pub(super) fn question(question: &Question<'_>, allowed: &[HeaderName]) -> (Outgoing, Bytes) {
    let message = message(question, allowed);
    let length = message.encoded_len();
    let mut body = BytesMut::with_capacity(PREFIX + length);
    body.put_u8(0);
    body.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // There is as much room as is needed.
    let _ = message.encode(&mut body);
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))]);
    // Without a name of its own it is called by the address that is dialled.
    let target = Target { host: HeaderValue::from_static(""), path: PathAndQuery::from_static(METHOD) };
    (outgoing(Method::POST, target, headers, true), body.freeze())
}

fn peer(address: SocketAddr, principal: Option<&str>) -> Peer {
    let socket_address =
        SocketAddress { address: address.ip().to_canonical().to_string(), port_value: address.port().into() };
    Peer {
        address: Some(Address { socket_address: Some(socket_address) }),
        principal: principal.unwrap_or_default().to_owned(),
    }
}

fn message(question: &Question<'_>, allowed: &[HeaderName]) -> CheckRequest {
    let Question { exchange, listener, method, path, headers, body } = question;
    let conn = &exchange.connection.conn;
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| allowed.is_empty() || allowed.contains(name)) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let separator = if name == header::COOKIE { "; " } else { "," };
        told.entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(separator);
                known.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let (text, raw) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), Bytes::new()),
        Err(_) => (String::new(), body.clone()),
    };
    let http = HttpRequest {
        id: format!("{}-{}", conn.id, exchange.connection.started.get()),
        method: method.as_str().to_owned(),
        headers: told,
        path: path.as_str().to_owned(),
        host: exchange.host.to_str().unwrap_or_default().to_owned(),
        scheme: scheme(listener).to_owned(),
        size: length.unwrap_or(-1),
        protocol: match exchange.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2",
            _ => "HTTP/1.1",
        }
        .to_owned(),
        body: text,
        raw_body: raw,
    };
    let time = Timestamp {
        seconds: i64::try_from(now.as_secs()).unwrap_or_default(),
        nanos: i32::try_from(now.subsec_nanos()).unwrap_or_default(),
    };
    let principal = conn.tls.as_ref().and_then(|tls| tls.client_subject.as_deref());
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(peer(conn.peer, principal)),
            destination: Some(peer(conn.local, None)),
            request: Some(RequestAttributes { time: Some(time), http: Some(http) }),
            tls_session: conn.sni.as_ref().map(|sni| TlsSession { sni: sni.to_string() }),
        }),
    }
}

pub(super) async fn verdict(answer: Answer) -> Result<Verdict, Unclear> {
    let status = answer.head.status();
    if status != StatusCode::OK {
        return Err(Unclear(format!("status {status}")));
    }
    let early = answer.head.headers().clone();
    let Some((body, trailers)) = answer.read(PREFIX + ANSWER).await else {
        return Err(Unclear("the message is too long, or broke off".to_owned()));
    };
    // An answer without a message has its status in the header.
    let trailers = trailers.unwrap_or(early);
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        Some("0") => {}
        Some(code) => {
            return Err(Unclear(format!("gRPC status {code} {}", text("grpc-message").unwrap_or_default())));
        }
        None => return Err(Unclear("no gRPC status".to_owned())),
    }
    let message = body.split_first_chunk::<PREFIX>().and_then(|([compressed, length @ ..], message)| {
        let whole = *compressed == 0 && u32::from_be_bytes(*length) as usize == message.len();
        whole.then_some(message)
    });
    let message = message.ok_or_else(|| Unclear("not one whole message".to_owned()))?;
    decode(message)
}

/// What the bytes of a message say.
pub(super) fn decode(message: &[u8]) -> Result<Verdict, Unclear> {
    read(CheckResponse::decode(message).map_err(|error| Unclear(error.to_string()))?)
}

/// What a message says. Only the code 0 lets a request pass, and nothing beside it may say no.
fn read(message: CheckResponse) -> Result<Verdict, Unclear> {
    let CheckResponse { status, denied_response, ok_response, error_response } = message;
    if error_response.is_some() {
        return Err(Unclear("the service reports an error".to_owned()));
    }
    let status = status.ok_or_else(|| Unclear("the message says neither yes nor no".to_owned()))?;
    match denied_response {
        None if status.code == 0 => {
            let ok = ok_response.unwrap_or_default();
            let names = ok.headers_to_remove.iter().map(|name| parse_name(name)).filter_map(Result::transpose);
            Ok(Verdict::Granted(Grant {
                remove: names.collect::<Result<_, _>>()?,
                edits: edits(ok.headers, false)?,
                response: edits(ok.response_headers_to_add, true)?,
                query_set: ok.query_parameters_to_set.into_iter().map(|one| (one.key, one.value)).collect(),
                query_remove: ok.query_parameters_to_remove,
            }))
        }
        denied => {
            let denied = denied.unwrap_or_default();
            let code = denied.status.map_or(0, |status| status.code);
            let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            // What is denied must not look as if it had been done.
            let code = code.filter(|code| code.as_u16() >= 300).unwrap_or(StatusCode::FORBIDDEN);
            let mut headers = HeaderMap::new();
            for edit in edits(denied.headers, false)? {
                headers.append(edit.name, edit.value);
            }
            Ok(Verdict::Denied(code, to_client(headers), denied.body.into()))
        }
    }
}

/// `None`: a pseudo-header, which stays as it is.
fn parse_name(name: &str) -> Result<Option<HeaderName>, Unclear> {
    if name.starts_with(':') {
        return Ok(None);
    }
    let parsed = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
    parsed.map(Some).map_err(|_| Unclear(format!("{name:?} is no name of a header")))
}

/// `appends`: what happens where nothing is said, which is not the same for requests and responses.
fn edits(options: Vec<HeaderValueOption>, appends: bool) -> Result<Vec<Edit>, Unclear> {
    let mut edits = Vec::with_capacity(options.len());
    for HeaderValueOption { header, append, append_action } in options {
        let HeaderPair { key, value, raw_value } = header.unwrap_or_default();
        let Some(name) = parse_name(&key)?.filter(|name| !is_own(name)) else { continue };
        let bytes = if raw_value.is_empty() { value.as_bytes() } else { &raw_value };
        let value = HeaderValue::from_bytes(bytes).map_err(|_| Unclear(format!("the value of {name} is none")))?;
        let action = match (append, append_action) {
            (Some(true), _) => Action::Append,
            (Some(false), _) => Action::Set,
            (None, 0) if appends => Action::Append,
            (None, 0 | 2) => Action::Set,
            (None, 1) => Action::AddIfAbsent,
            (None, 3) => Action::SetIfPresent,
            (None, other) => return Err(Unclear(format!("append_action {other} is not known"))),
        };
        edits.push(Edit { name, value, action });
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(key: &str, value: &str) -> HeaderValueOption {
        let header = HeaderPair { key: key.into(), value: value.into(), raw_value: Bytes::new() };
        HeaderValueOption { header: Some(header), append: None, append_action: 0 }
    }

    #[test]
    fn only_a_clear_yes_lets_a_request_pass() {
        let status = |code| Some(Status { code, message: String::new() });
        let empty = CheckResponse::default();
        assert!(read(empty.clone()).is_err(), "neither yes nor no");
        assert!(matches!(read(CheckResponse { status: status(0), ..empty.clone() }), Ok(Verdict::Granted(_))));
        let denied = DeniedHttpResponse { status: Some(HttpStatus { code: 401 }), ..Default::default() };
        let both = CheckResponse { status: status(0), denied_response: Some(denied.clone()), ..empty.clone() };
        assert!(matches!(read(both), Ok(Verdict::Denied(StatusCode::UNAUTHORIZED, ..))));
        let ok = CheckResponse { status: status(7), ok_response: Some(OkHttpResponse::default()), ..empty.clone() };
        assert!(matches!(read(ok), Ok(Verdict::Denied(StatusCode::FORBIDDEN, ..))));
        let fine = DeniedHttpResponse { status: Some(HttpStatus { code: 200 }), ..denied };
        let fine = CheckResponse { status: status(7), denied_response: Some(fine), ..empty.clone() };
        assert!(matches!(read(fine), Ok(Verdict::Denied(StatusCode::FORBIDDEN, ..))));
        let error = CheckResponse { status: status(0), error_response: Some(Default::default()), ..empty.clone() };
        assert!(read(error).is_err());
        let headers = vec![option("x user", "a")];
        let bad = OkHttpResponse { headers, ..Default::default() };
        assert!(read(CheckResponse { status: status(0), ok_response: Some(bad), ..empty }).is_err());
    }

    #[test]
    fn what_is_said_of_appending_is_heard() {
        let one = |append, append_action| HeaderValueOption { append, append_action, ..option("x-a", "1") };
        let actions = |appends| {
            let all = [one(None, 0), one(Some(true), 0), one(Some(false), 0), one(None, 1), one(None, 2), one(None, 3)];
            edits(all.into(), appends).ok().unwrap().iter().map(|edit| edit.action).collect::<Vec<_>>()
        };
        use Action::{AddIfAbsent, Append, Set, SetIfPresent};
        assert_eq!(actions(false), [Set, Append, Set, AddIfAbsent, Set, SetIfPresent]);
        assert_eq!(actions(true), [Append, Append, Set, AddIfAbsent, Set, SetIfPresent]);
        assert!(edits(vec![one(None, 4)], false).is_err());
        assert!(edits(vec![option(":path", "/"), option("Host", "h")], false).ok().unwrap().is_empty());
    }
}
