//! What RFC 9110 and 9112 demand of messages before anything else looks at them, and of those who pass them on.

use crate::router::without_port;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version,
    header::{self, Entry},
    response,
};

/// Why a request is refused; the text goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("more than one Host")]
    SeveralHosts,
    #[error("no Host")]
    NoHost,
    #[error("Host is not a host name with an optional port")]
    BadHost,
    #[error("Host differs from the request target")]
    HostMismatch,
    #[error("the request target is not a path")]
    BadTarget,
    #[error("Transfer-Encoding other than chunked")]
    TransferEncoding,
    #[error("Connection names a header that may not be dropped")]
    Connection,
    #[error("Transfer-Encoding and Content-Length in one response")]
    TwoFramings,
    #[error("Content-Length is no number, or several that differ")]
    ContentLength,
}

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What the gateway says of the client, whatever the client says.
const FORWARDED: [HeaderName; 3] =
    [FORWARDED_FOR, HeaderName::from_static("x-forwarded-proto"), HeaderName::from_static("x-forwarded-host")];
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Headers for the next hop only (RFC 9110 7.6.1, and those that RFC 2616 13.5.1 named besides).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    HTTP2_SETTINGS,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a header is for the next hop only.
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// What a header section holds of the fields that take some work: most hold none of them, and are looked through once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// One of [`HOP_BY_HOP`].
    pub(super) hop_by_hop: bool,
    pub(super) connection: bool,
    pub(super) transfer_encoding: bool,
    pub(super) expect: bool,
    pub(super) cookie: bool,
    pub(super) forwarded_for: bool,
    /// A name with an underscore.
    pub(super) underscore: bool,
}

impl Seen {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            let text = name.as_str();
            match text.len() {
                2 => seen.hop_by_hop |= text == "te",
                6 => {
                    seen.expect |= text == "expect";
                    seen.cookie |= text == "cookie";
                }
                7 => seen.hop_by_hop |= text == "upgrade",
                10 => {
                    let connection = text == "connection";
                    seen.connection |= connection;
                    seen.hop_by_hop |= connection || text == "keep-alive";
                }
                14 => seen.hop_by_hop |= text == "http2-settings",
                15 => seen.forwarded_for |= text == "x-forwarded-for",
                16 => seen.hop_by_hop |= text == "proxy-connection",
                17 => {
                    let encoding = text == "transfer-encoding";
                    seen.transfer_encoding |= encoding;
                    seen.hop_by_hop |= encoding;
                }
                18 => seen.hop_by_hop |= text == "proxy-authenticate",
                19 => seen.hop_by_hop |= text == "proxy-authorization",
                _ => {}
            }
            // Of the fields that the library knows by name none has an underscore; the others are looked at.
            seen.underscore |= text.bytes().fold(false, |found, byte| found | (byte == b'_'));
        }
        seen
    }
}

/// The host that a request is for, as it was sent, with its port if there is one. Empty: an HTTP/1.0 request without Host.
/// Demands one Host (RFC 9112 3.2) that agrees with the target (RFC 9113 8.3.1).
pub(super) fn host<B>(request: &Request<B>) -> Result<HeaderValue, Malformed> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Malformed::SeveralHosts);
    }
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = match (authority, host) {
        (Some(authority), Some(host)) if !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()) => {
            return Err(Malformed::HostMismatch);
        }
        (_, Some(host)) => host.clone(),
        (Some(authority), None) => HeaderValue::from_str(authority).map_err(|_| Malformed::BadHost)?,
        (None, None) if request.version() < Version::HTTP_11 => return Ok(HeaderValue::from_static("")),
        (None, None) => return Err(Malformed::NoHost),
    };
    match host.to_str() {
        // RFC 9112 3.2: a client that has no host to name sends an empty one.
        Ok("") if authority.is_none() => Ok(host),
        Ok(text) if is_host(text) => Ok(host),
        _ => Err(Malformed::BadHost),
    }
}

/// `reg-name`, IPv4 or `[IPv6]`, and a port; stricter than RFC 3986: no user, no percent-encoding, no sub-delims.
fn is_host(text: &str) -> bool {
    let host = without_port(text);
    let port = &text[host.len()..];
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 5,
        None => port.is_empty(),
    };
    let name_fits = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
        }
    };
    port_fits && name_fits
}

/// Refuses what two parsers could read in two ways, in HTTP/2 as well: in HTTP/1.1 the codec has done so already (RFC 9112
/// 6.1).
pub(super) fn check_framing<B>(request: &Request<B>, seen: Seen) -> Result<(), Malformed> {
    if seen.transfer_encoding {
        let mut encodings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
        let first = encodings.next().map(HeaderValue::as_bytes).unwrap_or_default();
        if encodings.next().is_some() || !first.eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed::TransferEncoding);
        }
    }
    let path = request.uri().path();
    if !(path.starts_with('/') || path == "*" && request.method() == Method::OPTIONS) {
        return Err(Malformed::BadTarget);
    }
    Ok(())
}

/// Refuses a response whose end two readers could see in two places (RFC 9112 6.3): passed on, it could be the begin of the
/// answer to somebody else's request. What may stay is brought into one form: a list of equal lengths becomes one.
pub(super) fn check_response(parts: &mut response::Parts, seen: Seen) -> Result<(), Malformed> {
    let headers = &mut parts.headers;
    if matches!(parts.status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT) {
        // They have no body and must not say how long it is (RFC 9110 8.6, RFC 9112 6.1); none is read.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        return Ok(());
    }
    if seen.transfer_encoding {
        let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
        let first = encodings.next().map(HeaderValue::as_bytes).unwrap_or_default();
        // Another coding would have to be decoded, and no backend was told that we could.
        if encodings.next().is_some() || !first.eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed::TransferEncoding);
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(Malformed::TwoFramings);
        }
    }
    let lengths = headers.get_all(header::CONTENT_LENGTH);
    let mut lengths = lengths.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(decimal);
    let Some(first) = lengths.next() else { return Ok(()) };
    let (Some(length), several) = (first, lengths.next()) else { return Err(Malformed::ContentLength) };
    if several.is_some_and(|second| second != first) || lengths.any(|other| other != first) {
        return Err(Malformed::ContentLength);
    }
    if several.is_some()
        || matches!(headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes), Some([b'0', _, ..]))
    {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(())
}

/// The length of a message, in the one spelling that everybody reads alike: the parser lets zeros stand before it.
pub(super) fn length(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    match value.as_bytes() {
        [b'0', _, ..] => decimal(value.as_bytes()).map(HeaderValue::from),
        _ => Some(value.clone()),
    }
}

/// Whether [`length`] would spell it in another way.
pub(super) fn has_odd_length(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_LENGTH).is_some_and(|value| matches!(value.as_bytes(), [b'0', _, ..]))
}

/// Digits alone, with whitespace around them.
fn decimal(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\t']);
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Removes what is meant for us alone: the headers that Connection names, and those that are so by definition. Runs before
/// the filters, so that a client cannot have a header dropped that a filter sets, and after them without the names.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap, seen: Seen) -> Result<(), Malformed> {
    if !seen.hop_by_hop {
        return Ok(());
    }
    if seen.connection {
        let values: Vec<HeaderValue> = headers.get_all(header::CONNECTION).iter().cloned().collect();
        for name in values.iter().flat_map(tokens) {
            let Ok(name) = HeaderName::from_bytes(name) else { continue };
            // These frame or address the message; a client that wants them dropped is up to no good.
            if name == header::HOST || name == header::CONTENT_LENGTH {
                return Err(Malformed::Connection);
            }
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    Ok(())
}

/// Whether origins after the manner of CGI, which write every header as `HTTP_X_NAME` (RFC 3875 4.1.18), take one name for
/// the other.
pub(super) fn is_alias(name: &HeaderName, other: &HeaderName) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
    name.as_str().bytes().map(plain).eq(other.as_str().bytes().map(plain))
}

/// Removes headers with underscores that such an origin would take for one which the gateway answers for.
pub(super) fn remove_aliases(headers: &mut HeaderMap, guarded: impl Fn(&HeaderName) -> bool) {
    let odd = headers.keys().filter(|name| name.as_str().contains('_') && guarded(name));
    // As good as always there is none, and nothing is allocated.
    for name in odd.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

/// The members of a comma-separated list.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// Whether a list header has a member, whatever its case.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().flat_map(tokens).any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
}

/// The protocol that a request wants to switch to: HTTP/1.1 with `Connection: upgrade` and an `Upgrade`, `h2c` excepted,
/// which was only ever for servers (RFC 9113 3.1).
pub(super) fn wanted_upgrade<B>(request: &Request<B>) -> Option<HeaderValue> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !has_token(headers, &header::CONNECTION, "upgrade") {
        return None;
    }
    let mut protocols = headers.get_all(header::UPGRADE).iter();
    match (protocols.next(), protocols.next()) {
        (Some(protocol), None) if !has_token(headers, &header::UPGRADE, "h2c") => Some(protocol.clone()),
        _ => None,
    }
}

/// One cookie header of the many that HTTP/2 clients may send (RFC 9113 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    if let Entry::Occupied(mut cookies) = headers.entry(header::COOKIE)
        && cookies.iter().nth(1).is_some()
    {
        let joined = cookies.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            cookies.insert(joined);
        }
    }
}

/// Appends the client to `X-Forwarded-For`, as one line: who reads but the first of several would read what the client says.
pub(super) fn append_forwarded_for(headers: &mut HeaderMap, seen: Seen, client: &HeaderValue) {
    if !seen.forwarded_for {
        headers.insert(FORWARDED_FOR, client.clone());
        return;
    }
    let mut joined = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        joined.extend_from_slice(value.as_bytes());
        joined.extend_from_slice(b", ");
    }
    joined.extend_from_slice(client.as_bytes());
    headers.insert(FORWARDED_FOR, HeaderValue::from_bytes(&joined).unwrap_or_else(|_| client.clone()));
}

/// What frames, addresses or authenticates a message, or says how its content is read: no trailers (RFC 9110 6.5.1).
const NO_TRAILERS: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRAILER,
    header::AUTHORIZATION,
    header::WWW_AUTHENTICATE,
    header::COOKIE,
    header::SET_COOKIE,
    header::EXPECT,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
];

/// Removes from trailers what must not be there.
pub(super) fn clean_trailers(trailers: &mut HeaderMap) {
    for name in HOP_BY_HOP.iter().chain(&NO_TRAILERS) {
        trailers.remove(name);
    }
}

/// [`clean_trailers`], and what the gateway answers for: some origins make headers of trailers (aiohttp, httptools).
pub(super) fn clean_request_trailers(trailers: &mut HeaderMap, guarded: impl Fn(&HeaderName) -> bool) {
    clean_trailers(trailers);
    let ours = |name: &HeaderName| FORWARDED.iter().any(|ours| is_alias(name, ours));
    let odd: Vec<HeaderName> = trailers.keys().filter(|name| ours(name) || guarded(name)).cloned().collect();
    for name in odd {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_a_port() {
        for good in ["a", "a.example.com:8080", "127.0.0.1", "[::1]:80", "a_b", "a.", "a:"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "u@a", "a:x", "a:999999", "[::1", "[g]", "a,b", "a%00", ":80", "é"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_response_has_one_length() {
        let check = |status: u16, lines: &[(&'static str, &'static str)]| {
            let mut parts = http::Response::builder().status(status).body(()).unwrap().into_parts().0;
            for (name, value) in lines {
                parts.headers.append(*name, HeaderValue::from_static(value));
            }
            let lengths = |parts: &response::Parts| {
                let lengths = parts.headers.get_all("content-length").iter();
                lengths.map(|length| length.to_str().unwrap().to_owned()).collect::<Vec<_>>().join("|")
            };
            let seen = Seen::of(&parts.headers);
            check_response(&mut parts, seen).map(|()| lengths(&parts))
        };
        let (length, encoding) = ("content-length", "transfer-encoding");
        assert_eq!(check(200, &[]), Ok(String::new()));
        assert_eq!(check(200, &[(encoding, "Chunked")]), Ok(String::new()));
        for same in [&[(length, "5")][..], &[(length, "5, 5")], &[(length, "5"), (length, "05")]] {
            assert_eq!(check(200, same), Ok("5".to_owned()), "{same:?}");
        }
        for bad in ["", "-1", "+1", "1,", "1, 2", "0x1", "1 1", "18446744073709551616"] {
            assert_eq!(check(200, &[(length, bad)]), Err(Malformed::ContentLength), "{bad}");
        }
        assert_eq!(check(200, &[(length, "05")]), Ok("5".to_owned()));
        assert_eq!(check(200, &[(length, "5"), (length, "6")]), Err(Malformed::ContentLength));
        assert_eq!(check(200, &[(length, "5"), (encoding, "chunked")]), Err(Malformed::TwoFramings));
        for bad in ["gzip", "gzip, chunked", "identity", "chunked, chunked"] {
            assert_eq!(check(200, &[(encoding, bad)]), Err(Malformed::TransferEncoding), "{bad}");
        }
        assert_eq!(check(204, &[(length, "5"), (encoding, "chunked")]), Ok(String::new()));
        assert_eq!(check(304, &[(length, "5")]), Ok("5".to_owned()));
    }

    #[test]
    fn trailers_and_lengths_have_one_reading() {
        let mut trailers = HeaderMap::new();
        for name in
            ["x-ok", "host", "te", "authorization", "set-cookie", "x-forwarded-for", "x_forwarded_host", "x_user"]
        {
            trailers.append(name, HeaderValue::from_static("1"));
        }
        clean_request_trailers(&mut trailers, |name| is_alias(name, &HeaderName::from_static("x-user")));
        assert_eq!(trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-ok"]);
        for (sent, read) in [("3", "3"), ("03", "3"), ("0", "0"), ("00", "0"), ("0000000000000000000000030", "30")] {
            let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static(sent))]);
            assert_eq!(length(&headers), Some(HeaderValue::from_static(read)));
        }
        assert_eq!(length(&HeaderMap::new()), None);
    }

    #[test]
    fn nominated_headers_go_and_framing_stays() {
        let mut headers = HeaderMap::new();
        headers.append("connection", HeaderValue::from_static("close, X-Secret , ,Keep-Alive"));
        headers.append("connection", HeaderValue::from_static("x-other"));
        for name in ["x-secret", "x-other", "keep-alive", "te", "upgrade", "proxy-authorization", "x-stays"] {
            headers.append(name, HeaderValue::from_static("1"));
        }
        let seen = Seen::of(&headers);
        strip_hop_by_hop(&mut headers, seen).unwrap();
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-stays"]);
        headers.append("connection", HeaderValue::from_static("Content-Length"));
        let seen = Seen::of(&headers);
        assert_eq!(strip_hop_by_hop(&mut headers, seen), Err(Malformed::Connection));
    }

    #[test]
    fn all_that_takes_work_is_seen() {
        let seen = |name: &HeaderName| Seen::of(&HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("1"))]));
        for name in &HOP_BY_HOP {
            let seen = seen(name);
            assert!(seen.hop_by_hop, "{name}");
            assert_eq!(seen.connection, name == header::CONNECTION);
            assert_eq!(seen.transfer_encoding, name == header::TRANSFER_ENCODING);
        }
        assert!(seen(&header::EXPECT).expect && seen(&header::COOKIE).cookie && seen(&FORWARDED_FOR).forwarded_for);
        assert!(seen(&HeaderName::from_static("x_forwarded-for")).underscore);
        for name in ["host", "accept", "user-agent", "content-length", "x-forwarded-host", "x-forwarded-proto", "date"]
        {
            assert_eq!(seen(&HeaderName::from_static(name)), Seen::default(), "{name}");
        }
    }
}
