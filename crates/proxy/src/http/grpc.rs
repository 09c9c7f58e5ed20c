//! What is peculiar to gRPC: which requests are calls, and how the gateway answers and counts them.
//!
//! A call is answered with a gRPC status by the gateway, too, whichever kind of route it is for: HTTP status 200, the status in
//! `grpc-status`, no body ("Trailers-Only", gRPC over HTTP2).

use super::exchange::Flag;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const MEDIA_TYPE: &[u8] = b"application/grpc";

/// A gRPC status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u8);

/// By number (gRPC, "Status codes").
pub(super) const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Code {
    const CANCELLED: Self = Self(1);
    const UNKNOWN: Self = Self(2);
    const PERMISSION_DENIED: Self = Self(7);
    const UNIMPLEMENTED: Self = Self(12);
    const INTERNAL: Self = Self(13);
    const UNAVAILABLE: Self = Self(14);
    const UNAUTHENTICATED: Self = Self(16);

    /// What `grpc-status` says, in a header or in trailers. A number that gRPC does not know is UNKNOWN.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(STATUS)?.to_str().ok();
        let code = text.and_then(|text| text.parse().ok()).filter(|code| usize::from(*code) < CODES.len());
        Some(code.map_or(Self::UNKNOWN, Self))
    }

    /// What a response without `grpc-status` means (gRPC, "HTTP to gRPC Status Code Mapping").
    pub(super) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// What became of a call that ended without one.
    pub(super) fn of_end(flag: Option<Flag>) -> Self {
        match flag {
            Some(Flag::ClientGone) => Self::CANCELLED,
            Some(_) => Self::UNAVAILABLE,
            None => Self::UNKNOWN,
        }
    }

    /// Place in [`CODES`].
    pub(super) fn index(self) -> usize {
        self.0.into()
    }

    /// As in metrics and logs.
    pub(super) fn as_str(self) -> &'static str {
        CODES.get(self.index()).copied().unwrap_or("UNKNOWN")
    }
}

/// Whether a request is a call: `application/grpc`, with a subtype or without, as a POST over HTTP/2.
pub(super) fn is_call<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
            let value = value.as_bytes();
            let (name, rest) = value.split_at(MEDIA_TYPE.len().min(value.len()));
            name.eq_ignore_ascii_case(MEDIA_TYPE) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        })
}

/// The header of an answer of our own, in place of an HTTP status. `None`: the status must be that of HTTP, as it is about
/// the connection.
pub(super) fn answer(status: StatusCode, flag: Flag, text: &'static str) -> Option<(Code, HeaderMap)> {
    let code = match flag {
        Flag::Misdirected => return None,
        // `GRPCRouteRule.backendRefs`: UNAVAILABLE, where HTTPRoutes answer 500.
        Flag::InvalidBackend => Code::UNAVAILABLE,
        _ => Code::of_http(status),
    };
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(u16::from(code.0)));
    headers.insert(MESSAGE, HeaderValue::from_static(text));
    Some((code, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_media_type() {
        let request = |version, method, media_type: &str| {
            let request = Request::builder().version(version).method(method).header("content-type", media_type);
            is_call(&request.body(()).unwrap())
        };
        for media_type in ["application/grpc", "application/grpc+proto", "Application/GRPC;x=y"] {
            assert!(request(Version::HTTP_2, Method::POST, media_type), "{media_type}");
        }
        for media_type in ["application/grpc-web", "application/grpcx", "application/grp", "text/plain"] {
            assert!(!request(Version::HTTP_2, Method::POST, media_type), "{media_type}");
        }
        assert!(!request(Version::HTTP_11, Method::POST, "application/grpc"));
        assert!(!request(Version::HTTP_2, Method::GET, "application/grpc"));
    }

    #[test]
    fn a_status_is_read_and_bounded() {
        let read = |text: &'static str| {
            Code::of(&HeaderMap::from_iter([(STATUS, HeaderValue::from_static(text))])).map(Code::as_str)
        };
        let expected = [("0", "OK"), ("16", "UNAUTHENTICATED"), ("17", "UNKNOWN"), ("-1", "UNKNOWN"), ("x", "UNKNOWN")];
        for (text, name) in expected {
            assert_eq!(read(text), Some(name));
        }
        assert_eq!(Code::of(&HeaderMap::new()), None);
    }
}
