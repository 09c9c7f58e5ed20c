//! Reads the server name out of a ClientHello (RFC 8446 4.1.2, RFC 6066 3) without touching anything else of it,
//! so that passthrough does not depend on what our own TLS understands.

use std::sync::Arc;

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The beginning of a ClientHello.
    Incomplete,
    /// No TLS handshake record.
    NotTls,
    /// TLS, but no ClientHello that can be used; says why.
    Malformed(&'static str),
    /// A whole ClientHello.
    Hello(Hello),
}

/// What we want to know of a ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// SNI host name in lower case; a DNS name by its characters.
    pub(crate) server_name: Option<Arc<str>>,
}

/// TLS records carry at most this (RFC 8446 5.1).
const RECORD: usize = 16 << 10;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;

/// Looks at all bytes received so far.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let message = match handshake(bytes) {
        Ok(message) => message,
        Err(parsed) => return parsed,
    };
    match client_hello(&message) {
        Some(Ok(hello)) => Parsed::Hello(hello),
        Some(Err(why)) => Parsed::Malformed(why),
        None => Parsed::Malformed("a length in the ClientHello points behind its end"),
    }
}

/// The first handshake message, put together from its records.
fn handshake(bytes: &[u8]) -> Result<Vec<u8>, Parsed> {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        match rest.first() {
            None => return Err(Parsed::Incomplete),
            Some(&HANDSHAKE) => {}
            Some(_) if message.is_empty() => return Err(Parsed::NotTls),
            Some(_) => return Err(Parsed::Malformed("another record in the midst of the ClientHello")),
        }
        if rest.get(1).is_some_and(|major| *major != 3) {
            return Err(if message.is_empty() { Parsed::NotTls } else { Parsed::Malformed("record version") });
        }
        let Some(header) = rest.get(..5) else { return Err(Parsed::Incomplete) };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length == 0 || length > RECORD {
            return Err(Parsed::Malformed("record length"));
        }
        let have = &rest[5..rest.len().min(5 + length)];
        message.extend_from_slice(have);
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(Parsed::Malformed("the first message is no ClientHello"));
        }
        if let Some(&[_, a, b, c]) = message.first_chunk() {
            let end = 4 + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c));
            if message.len() >= end {
                message.truncate(end);
                return Ok(message);
            }
        }
        if have.len() < length {
            return Err(Parsed::Incomplete);
        }
        rest = &rest[5 + length..];
    }
}

/// `None`: a length points behind the end.
fn client_hello(message: &[u8]) -> Option<Result<Hello, &'static str>> {
    let mut body = Reader(message.get(4..)?);
    body.take(2 + 32)?;
    body.vec8()?;
    body.vec16()?;
    body.vec8()?;
    let mut hello = Hello::default();
    if body.0.is_empty() {
        return Some(Ok(hello));
    }
    let mut extensions = Reader(body.vec16()?);
    while !extensions.0.is_empty() {
        let (kind, content) = (extensions.u16()?, extensions.vec16()?);
        if kind != SERVER_NAME {
            continue;
        }
        if hello.server_name.is_some() {
            return Some(Err("two server names"));
        }
        let mut names = Reader(Reader(content).vec16()?);
        while !names.0.is_empty() {
            let (kind, name) = (names.take(1)?[0], names.vec16()?);
            if kind == 0 {
                match host_name(name) {
                    Some(name) => hello.server_name = Some(name),
                    None => return Some(Err("the server name is no DNS name")),
                }
                break;
            }
        }
    }
    Some(Ok(hello))
}

/// RFC 6066: a DNS name without a final dot; we let a final dot and underscores pass, as resolvers do.
fn host_name(bytes: &[u8]) -> Option<Arc<str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    fits.then(|| text.to_ascii_lowercase().into())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn vec8(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    fn vec16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A ClientHello as rustls sends it.
    fn hello(name: &str, alpn: &[&str]) -> Vec<u8> {
        let config = rustls::ClientConfig::builder_with_provider(crate::tls::certificate::provider());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = rustls_pki_types::ServerName::try_from(name.to_owned()).unwrap();
        let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        session.write_tls(&mut bytes).unwrap();
        bytes
    }

    /// The same message in records of this many bytes.
    fn in_records(hello: &[u8], size: usize) -> Vec<u8> {
        let record = |part: &[u8]| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
        hello[5..].chunks(size).flat_map(record).collect()
    }

    #[test]
    fn the_name_is_read_however_the_bytes_are_cut() {
        let bytes = hello("A.Example.com", &["h2"]);
        let whole = Parsed::Hello(Hello { server_name: Some("a.example.com".into()) });
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Parsed::Incomplete, "{end}");
        }
        assert_eq!(parse(&bytes), whole);
        assert_eq!(parse(&[&bytes[..], b"more"].concat()), whole);
        for size in [1, 3, 4, 100] {
            let bytes = in_records(&bytes, size);
            assert_eq!(parse(&bytes), whole);
            assert_eq!(parse(&bytes[..bytes.len() - 1]), Parsed::Incomplete);
        }
        assert_eq!(parse(&hello("127.0.0.1", &[])), Parsed::Hello(Hello::default()));
    }

    #[test]
    fn what_is_no_client_hello_is_told_apart() {
        assert_eq!(parse(b""), Parsed::Incomplete);
        assert_eq!(parse(b"GET / HTTP/1.1"), Parsed::NotTls);
        assert_eq!(parse(&[22, 2]), Parsed::NotTls);
        assert!(matches!(parse(&[22, 3, 1, 0, 0]), Parsed::Malformed(_)));
        assert!(matches!(parse(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), Parsed::Malformed(_)));
        assert!(matches!(parse(&[22, 3, 1, 0, 4, 1, 0, 0, 0]), Parsed::Malformed(_)));
        assert!(matches!(parse(&[22, 3, 1, 0, 1, 1, 23, 3, 3, 0, 1, 0]), Parsed::Malformed(_)));
        let mut bytes = hello("a.example.com", &[]);
        let at = bytes.windows(13).position(|part| part == b"a.example.com").unwrap();
        bytes[at] = b'/';
        assert_eq!(parse(&bytes), Parsed::Malformed("the server name is no DNS name"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(
            mut edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = hello("broker-7.a.example.com", &["h2"]);
            for (at, byte) in edits.drain(..) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            crate::tls::fuzz(&bytes);
        }

        #[test]
        fn nor_any_at_all(bytes: Vec<u8>) {
            crate::tls::fuzz(&bytes);
        }
    }
}
