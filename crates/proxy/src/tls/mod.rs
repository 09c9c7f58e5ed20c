//! TLS towards clients: the ClientHello is read first, its server name picks what serves the connection, and only then
//! is TLS ended, or not.

pub(crate) mod accept;
pub(crate) mod certificate;
pub(crate) mod client_auth;
pub(crate) mod client_hello;
pub(crate) mod sni;

/// Any bytes as the first ones of a connection: they must parse, not parse, or ask for more, and a parsed name must be
/// one that can be looked up.
pub(crate) fn fuzz(bytes: &[u8]) {
    use client_hello::{Parsed, parse};
    if let Parsed::Hello(hello) = parse(bytes)
        && let Some(name) = &hello.server_name
    {
        assert!(!name.is_empty() && name.len() <= 253 && name.is_ascii());
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()));
        let mut table = sni::SniTable::<u8>::default();
        assert!(table.insert_brokers("broker-{brokerId}.a.example.com", 1).is_ok());
        table.insert(&snapshot::Hostname::Wildcard(".example.com".into()), 2);
        match table.get(Some(name)) {
            Some(sni::Found { value: 1, broker: Some(id) }) => {
                assert_eq!(**name, *format!("broker-{id}.a.example.com"))
            }
            Some(found) => assert!(*found.value == 2 && name.ends_with(".example.com")),
            None => assert!(!name.ends_with(".example.com") || &**name == ".example.com"),
        }
    }
    // A prefix never changes its mind about bytes that it has seen.
    if let Parsed::NotTls | Parsed::Malformed(_) = parse(&bytes[..bytes.len() / 2]) {
        assert!(matches!(parse(bytes), Parsed::NotTls | Parsed::Malformed(_)));
    }
}
