//! Body of the fuzz target for what authorization services say.

use super::{Verdict, grpc};
use http::{HeaderMap, HeaderValue, header, uri::PathAndQuery};

/// Reads a message and does what it says to a request; checks what must hold whatever that is.
pub fn ext_authz(data: &[u8]) {
    match grpc::decode(data) {
        Ok(Verdict::Granted(grant)) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("h"));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("3"));
            // Longer than anything that the message can say.
            let mallory = vec![b'm'; data.len() + 1];
            headers.insert("x_user", HeaderValue::from_bytes(&mallory).unwrap_or(HeaderValue::from_static("")));
            let mut path = PathAndQuery::from_static("/p?a=b&c");
            grant.apply(&mut headers, &mut path);
            assert_eq!(headers.get(header::HOST).map(HeaderValue::as_bytes), Some(&b"h"[..]));
            assert_eq!(headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes), Some(&b"3"[..]));
            assert!(!headers.contains_key(header::TRANSFER_ENCODING) && path.path() == "/p");
            let client = headers.get("x_user").is_some_and(|user| user.as_bytes() == mallory);
            assert!(!(client && headers.contains_key("x-user")), "the client's word stands beside the service's");
            let mut answer = HeaderMap::new();
            grant.apply_to_response(&mut answer);
            assert!(!answer.contains_key(header::CONTENT_LENGTH) && !answer.contains_key(header::TRANSFER_ENCODING));
        }
        Ok(Verdict::Denied(status, headers, _)) => {
            assert!(!status.is_success() && !status.is_informational());
            assert!(!headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING));
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_that_are_no_message_are_no_yes() {
        for data in [&b""[..], b"\x0a\x00", b"\x0a\x00\x1a\x0b\x12\x09\x0a\x07\x0a\x04x_us", b"\xff\xff\xff\xff\xff"] {
            super::ext_authz(data);
        }
    }
}
