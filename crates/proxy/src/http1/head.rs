//! The head of a message: its first line and its fields.

use super::Framing;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use httparse::Status;
use std::{mem::MaybeUninit, ops::Range};

/// Fields of one head at most.
const MAX_FIELDS: usize = 256;
/// Empty lines that may come before a request (RFC 9112 2.2).
const MAX_EMPTY: usize = 4;

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    #[error("a line that does not end in CRLF")]
    BareLf,
    #[error("too many empty lines")]
    EmptyLines,
    #[error("the header is too long")]
    TooLong,
    #[error("the request target is too long")]
    TargetTooLong,
    #[error("too many header fields")]
    TooMany,
    #[error("too many large headers are waited for")]
    NoRoom,
    #[error("no HTTP: {0}")]
    Syntax(httparse::Error),
    #[error("no HTTP/1")]
    NoHttp,
    #[error("the method is none")]
    Method,
    #[error("the request target is none")]
    Target,
    #[error("the status is none")]
    StatusCode,
    #[error("a header field that is none")]
    Field,
    #[error("Transfer-Encoding other than chunked")]
    TransferEncoding,
    #[error("Transfer-Encoding in HTTP/1.0")]
    TransferEncodingIn10,
    #[error("Transfer-Encoding and Content-Length in one message")]
    TwoFramings,
    #[error("Content-Length is no number, or there are several")]
    ContentLength,
}

impl HeadError {
    /// What the client is told.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLong | Self::TooMany | Self::NoRoom => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Finds the end of a head as its bytes come; each is looked at once, however they are cut.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    /// Bytes looked at.
    seen: usize,
    /// Where the current line begins.
    line: usize,
    /// Where the head begins, behind empty lines.
    begin: usize,
}

impl Scan {
    /// Where the head lies in `bytes`, its empty line included, once all of it is there. `bytes` are those of the last call
    /// and what has come since. Begins anew after a head.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Option<Range<usize>>, HeadError> {
        let from = self.seen;
        for lf in memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()) {
            let lf = from + lf;
            if lf == self.line || bytes[lf - 1] != b'\r' {
                return Err(HeadError::BareLf);
            }
            let empty = lf - 1 == self.line;
            if empty && self.line > self.begin {
                let head = self.begin..lf + 1;
                *self = Self::default();
                return Ok(Some(head));
            }
            self.line = lf + 1;
            if empty {
                self.begin = self.line;
                if self.begin > 2 * MAX_EMPTY {
                    return Err(HeadError::EmptyLines);
                }
            }
        }
        self.seen = bytes.len();
        Ok(None)
    }

    /// Why what has come so far, without an end, is too long.
    pub(crate) fn too_long(&self) -> HeadError {
        if self.line == self.begin { HeadError::TargetTooLong } else { HeadError::TooLong }
    }
}

/// A request without its body.
#[derive(Debug)]
pub(crate) struct RequestHead {
    /// Method, target, version, fields.
    pub(crate) request: Request<()>,
    pub(crate) framing: Framing,
    /// The client leaves the connection open.
    pub(crate) keep_alive: bool,
    /// The client waits for a 100 before it sends the body.
    pub(crate) expects_continue: bool,
}

/// A response without its body.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    /// Status and fields.
    pub(crate) response: Response<()>,
    /// The backend leaves the connection open.
    pub(crate) keep_alive: bool,
}

fn complete(result: httparse::Result<usize>, length: usize) -> Result<(), HeadError> {
    match result {
        // Both have found the same end.
        Ok(Status::Complete(end)) if end == length => Ok(()),
        Ok(_) => Err(HeadError::NoHttp),
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooMany),
        Err(error) => Err(HeadError::Syntax(error)),
    }
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 }
}

fn fields(head: &Bytes, from: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    // With room for those that the gateway adds.
    let mut fields = HeaderMap::with_capacity(from.len() + 4);
    for field in from {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadError::Field)?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value)).map_err(|_| HeadError::Field)?;
        fields.append(name, value);
    }
    Ok(fields)
}

/// The empty path of `http://host?query` is written as `/` (RFC 9110 §4.2.3). `None` if that makes it too long.
fn with_path(uri: Uri) -> Option<Uri> {
    let query = match uri.path_and_query() {
        Some(target) if uri.scheme().is_some() && target.as_str().starts_with('?') => format!("/{}", target.as_str()),
        _ => return Some(uri),
    };
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Reads a request's head, as [`Scan`] has found it.
pub(crate) fn request(head: &[u8]) -> Result<RequestHead, HeadError> {
    let head = Bytes::copy_from_slice(head);
    let mut room = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    complete(parsed.parse_with_uninit_headers(&head, &mut room), head.len())?;
    let headers = fields(&head, parsed.headers)?;
    let version = version(parsed.version);
    let target = parsed.path.unwrap_or_default().as_bytes();
    let uri = Uri::from_maybe_shared(head.slice_ref(target)).map_err(|_| {
        if target.len() >= usize::from(u16::MAX) - 1 { HeadError::TargetTooLong } else { HeadError::Target }
    })?;
    let framing = request_framing(version, &headers)?;
    let mut request = Request::new(());
    *request.method_mut() =
        Method::from_bytes(parsed.method.unwrap_or_default().as_bytes()).map_err(|_| HeadError::Method)?;
    *request.uri_mut() = with_path(uri).ok_or(HeadError::TargetTooLong)?;
    *request.version_mut() = version;
    let keep_alive = keep_alive(version, &headers);
    let expects_continue = version == Version::HTTP_11
        && framing != Framing::Empty
        && headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    *request.headers_mut() = headers;
    Ok(RequestHead { request, framing, keep_alive, expects_continue })
}

/// Reads a response's head, as [`Scan`] has found it. Where its body ends the caller decides, who knows the request.
pub(crate) fn response(head: &[u8]) -> Result<ResponseHead, HeadError> {
    let head = Bytes::copy_from_slice(head);
    let mut room = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    complete(config.parse_response_with_uninit_headers(&mut parsed, &head, &mut room), head.len())?;
    let headers = fields(&head, parsed.headers)?;
    let version = version(parsed.version);
    if version == Version::HTTP_10 && headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(HeadError::TransferEncodingIn10);
    }
    let keep_alive = keep_alive(version, &headers);
    let mut response = Response::new(());
    *response.status_mut() =
        parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(HeadError::StatusCode)?;
    *response.headers_mut() = headers;
    Ok(ResponseHead { response, keep_alive })
}

/// RFC 9112 9.3.
fn keep_alive(version: Version, headers: &HeaderMap) -> bool {
    let (mut close, mut keep) = (false, version == Version::HTTP_11);
    for value in headers.get_all(header::CONNECTION) {
        for token in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            close |= token.eq_ignore_ascii_case(b"close");
            keep |= token.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    keep && !close
}

/// Where a request's body ends (RFC 9112 6.3); stricter than demanded: one framing, said once.
fn request_framing(version: Version, headers: &HeaderMap) -> Result<Framing, HeadError> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(length), None) => Some(decimal(length.as_bytes()).ok_or(HeadError::ContentLength)?),
        (Some(_), Some(_)) => return Err(HeadError::ContentLength),
    };
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => {}
        (Some(_), _) if version == Version::HTTP_10 => return Err(HeadError::TransferEncodingIn10),
        (Some(_), _) if length.is_some() => return Err(HeadError::TwoFramings),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => return Ok(Framing::Chunked),
        (Some(_), _) => return Err(HeadError::TransferEncoding),
    }
    Ok(length.map_or(Framing::Empty, Framing::length))
}

/// Where a response's body ends, if its status lets it have one (RFC 9112 6.3). Several equal lengths are one.
pub(crate) fn response_framing(headers: &HeaderMap) -> Result<Framing, HeadError> {
    let lengths = headers.get_all(header::CONTENT_LENGTH);
    let mut lengths = lengths.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let length = match lengths.next() {
        None => None,
        Some(first) => {
            let first = decimal(first.trim_ascii()).ok_or(HeadError::ContentLength)?;
            if lengths.any(|other| decimal(other.trim_ascii()) != Some(first)) {
                return Err(HeadError::ContentLength);
            }
            Some(first)
        }
    };
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(length.map_or(Framing::Close, Framing::length)),
        (Some(_), _) if length.is_some() => Err(HeadError::TwoFramings),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (Some(_), _) => Err(HeadError::TransferEncoding),
    }
}

/// Digits alone.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(bytes: &[u8], step: usize) -> Result<Option<Range<usize>>, HeadError> {
        let mut scan = Scan::default();
        for end in (0..bytes.len()).step_by(step).chain([bytes.len()]) {
            if let Some(found) = scan.find(&bytes[..end])? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_head_ends_at_the_same_place_however_it_comes() {
        for step in [1, 2, 3, 100] {
            assert_eq!(cut(b"GET / HTTP/1.1\r\na: b\r\n\r\nGET", step), Ok(Some(0..24)), "{step}");
            assert_eq!(cut(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", step), Ok(Some(4..22)), "{step}");
            assert_eq!(cut(b"GET / HTTP/1.1\r\na: b\r\n\r", step), Ok(None), "{step}");
            for bare in ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\na: b\n\r\n", "\r\n\nGET", "a\r\n\n"] {
                assert_eq!(cut(bare.as_bytes(), step), Err(HeadError::BareLf), "{bare:?} {step}");
            }
            assert_eq!(cut(&b"\r\n".repeat(5), step), Err(HeadError::EmptyLines), "{step}");
        }
    }

    #[test]
    fn an_absolute_target_has_a_path() {
        let target = |target: &str| {
            let head = format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n");
            request(head.as_bytes()).map(|head| head.request.uri().path_and_query().map(ToString::to_string))
        };
        for (from, to) in [("http://a?x=1", "/?x=1"), ("http://a", "/"), ("http://a/b?x", "/b?x"), ("/?x", "/?x")] {
            assert_eq!(target(from), Ok(Some(to.to_owned())), "{from}");
        }
    }

    #[test]
    fn a_request_has_one_framing() {
        let read = |fields: &str| {
            let head = format!("POST /x?y HTTP/1.1\r\n{fields}\r\n");
            request(head.as_bytes()).map(|head| head.framing)
        };
        assert_eq!(read(""), Ok(Framing::Empty));
        assert_eq!(read("content-length: 0\r\n"), Ok(Framing::Empty));
        assert_eq!(read("content-length: 18446744073709551615\r\n"), Ok(Framing::Length(u64::MAX)));
        assert_eq!(read("transfer-encoding:\tCHUNKED \r\n"), Ok(Framing::Chunked));
        for bad in ["", "+1", "-1", "1,1", "1 1", "0x1", "18446744073709551616", "1\u{b}"] {
            assert!(read(&format!("content-length: {bad}\r\n")).is_err(), "{bad:?}");
        }
        assert_eq!(read("content-length: 1\r\ncontent-length: 1\r\n"), Err(HeadError::ContentLength));
        for bad in ["gzip", "chunked, chunked", "chunked,", "identity", "\"chunked\"", "chunked;q=1", ""] {
            assert_eq!(read(&format!("transfer-encoding: {bad}\r\n")), Err(HeadError::TransferEncoding), "{bad:?}");
        }
        for both in
            ["content-length: 1\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: x\r\ncontent-length: 0\r\n"]
        {
            assert_eq!(read(both), Err(HeadError::TwoFramings));
        }
        let old = request(b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(old.map(|head| head.framing), Err(HeadError::TransferEncodingIn10));
    }

    #[test]
    fn connections_stay_open_as_both_versions_say() {
        let read = |head: &str| request(format!("GET / {head}\r\n\r\n").as_bytes()).map(|head| head.keep_alive);
        assert_eq!(read("HTTP/1.1"), Ok(true));
        assert_eq!(read("HTTP/1.0"), Ok(false));
        assert_eq!(read("HTTP/1.0\r\nconnection: Keep-Alive"), Ok(true));
        assert_eq!(read("HTTP/1.1\r\nconnection: x , CLOSE"), Ok(false));
        assert_eq!(read("HTTP/1.1\r\nconnection: x\r\nconnection: close, keep-alive"), Ok(false));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for bad in [
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/1.1\r\n a: b\r\n\r\n",
            "GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\na : b\r\n\r\n",
            "GET / HTTP/1.1\r\na\r\n\r\n",
            "GET / HTTP/1.1\r\n: b\r\n\r\n",
            "GET / HTTP/1.1\r\na: b\rc\r\n\r\n",
            "GET / HTTP/1.1\r\na: \0\r\n\r\n",
            "G@T / HTTP/1.1\r\n\r\n",
            "GET /\x7f\x01 HTTP/1.1\r\n\r\n",
        ] {
            assert!(request(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let many = "a: b\r\n".repeat(MAX_FIELDS + 1);
        let many = request(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes());
        assert_eq!(
            many.map(|head| head.keep_alive).map_err(HeadError::status),
            Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        );
        for bad in
            ["HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 20 x\r\n\r\n", "HTTP/1.0 200 x\r\ntransfer-encoding: chunked\r\n\r\n"]
        {
            assert!(response(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
