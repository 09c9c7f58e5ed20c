//! Session persistence (GEP-1619): which endpoint of a backend a client has had, told by the client itself.
//!
//! What the client keeps is sealed: it can neither read an address in it nor make one up. It says for each backend of a rule
//! which endpoint it was, and since when; an endpoint that the backend does not have any more is not believed. Weights choose
//! the backend first, whatever the client brings.

use super::rule::Rule;
use crate::upstream::{Backend, Endpoint};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use snapshot::{EndpointAddress, Session, SessionCarrier};
use std::{
    cell::RefCell,
    collections::HashMap,
    fmt::Write,
    rc::Rc,
    sync::{Arc, LazyLock},
    time::{Instant, SystemTime},
};

/// Sessions that a client may bring at one time: as many as a rule has backends.
const MAX_SESSIONS: usize = 16;
/// Values of the same name that are looked at.
const MAX_VALUES: usize = 4;

/// What a sealed session says: its form, the backend, since when, the kind of address, the address, the port.
const LENGTH: usize = 1 + 8 + 8 + 1 + 16 + 2;
const FORM: u8 = 1;

/// For Gateways that have no seed: known to this process alone.
static PROCESS: LazyLock<Option<[u8; 32]>> = LazyLock::new(|| {
    let mut seed = [0; 32];
    rand::fill(&mut seed).ok().map(|()| seed)
});

/// Keys of one worker, by the seeds of their Gateways.
#[derive(Debug, Default)]
pub(super) struct Keys(RefCell<HashMap<Option<Arc<str>>, Rc<Key>>>);

impl Keys {
    /// The key that all proxies of a Gateway share.
    pub(super) fn of(&self, seed: Option<&Arc<str>>) -> Option<Rc<Key>> {
        let seed = seed.cloned();
        if let Some(key) = self.0.borrow().get(&seed) {
            return Some(Rc::clone(key));
        }
        let secret = match &seed {
            Some(seed) => seed.as_bytes(),
            None => PROCESS.as_ref()?,
        };
        let key = Rc::new(Key::derive(secret)?);
        self.0.borrow_mut().insert(seed, Rc::clone(&key));
        Some(key)
    }
}

/// Seals sessions.
#[derive(Debug)]
pub(super) struct Key(RandomizedNonceKey);

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Key {
    fn derive(seed: &[u8]) -> Option<Self> {
        let mut key = [0; 32];
        let salt = Salt::new(HKDF_SHA256, b"sluicegate session");
        salt.extract(seed).expand(&[b"AES-256-GCM"], Length(key.len())).ok()?.fill(&mut key).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok().map(Self)
    }

    fn seal(&self, said: &Said) -> Option<String> {
        let mut bytes = said.to_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut bytes).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&bytes);
        Some(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    fn open(&self, text: &str) -> Option<Said> {
        let mut sealed = [0; NONCE_LEN + LENGTH + 16];
        // More than fits is none of ours.
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut sealed).ok()?;
        let (nonce, bytes) = sealed.get_mut(..length)?.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let bytes = self.0.open_in_place(nonce, Aad::empty(), bytes).ok()?;
        Said::from_bytes((&*bytes).try_into().ok()?)
    }
}

/// What a session says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    backend: u64,
    /// Seconds since 1970.
    since: u64,
    address: (u8, [u8; 16], u16),
}

impl Said {
    fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, address, port) = self.address;
        let mut bytes = [0; LENGTH];
        bytes[0] = FORM;
        bytes[1..9].copy_from_slice(&self.backend.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.since.to_be_bytes());
        bytes[17] = kind;
        bytes[18..34].copy_from_slice(&address);
        bytes[34..].copy_from_slice(&port.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; LENGTH]) -> Option<Self> {
        (bytes[0] == FORM).then_some(())?;
        Some(Self {
            backend: u64::from_be_bytes(bytes[1..9].try_into().ok()?),
            since: u64::from_be_bytes(bytes[9..17].try_into().ok()?),
            address: (bytes[17], bytes[18..34].try_into().ok()?, u16::from_be_bytes(bytes[34..].try_into().ok()?)),
        })
    }
}

fn address(endpoint: &Endpoint) -> (u8, [u8; 16], u16) {
    match &endpoint.address {
        EndpointAddress::Ip(ip) => {
            let bits = match ip {
                std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                std::net::IpAddr::V6(ip) => ip.octets(),
            };
            (1, bits, endpoint.port)
        }
        EndpointAddress::Fqdn(name) => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest(&SHA256, name.as_bytes()).as_ref()[..16]);
            (2, bytes, endpoint.port)
        }
    }
}

/// FNV-1a, of which every proxy must make the same.
fn number(label: &str) -> u64 {
    label.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A request's session, from the choice of its endpoint to its response.
pub(super) struct Persisted {
    session: Session,
    key: Rc<Key>,
    backend: u64,
    secure: bool,
    /// What the client brought for other backends of the rule.
    others: Vec<String>,
    /// Where it was.
    pub(super) endpoint: Option<Arc<Endpoint>>,
}

impl Persisted {
    /// Reads what the client brought. `secure`: it came over TLS.
    pub(super) fn read(
        session: &Session,
        key: Rc<Key>,
        rule: &Rule,
        backend: &Backend,
        headers: &HeaderMap,
        secure: bool,
        now: Instant,
    ) -> Self {
        let mut persisted = Self {
            session: session.clone(),
            key,
            backend: number(&backend.label),
            secure,
            others: Vec::new(),
            endpoint: None,
        };
        match &session.carrier {
            SessionCarrier::Header(name) => {
                let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
                values.take(MAX_VALUES).for_each(|value| persisted.note(value, rule, backend, now));
            }
            SessionCarrier::Cookie { name, .. } => {
                let fields = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
                let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
                let values = pairs.filter(|(found, _)| found == name).map(|(_, value)| value.trim_matches('"'));
                values.take(MAX_VALUES).for_each(|value| persisted.note(value, rule, backend, now));
            }
        }
        persisted
    }

    fn note(&mut self, value: &str, rule: &Rule, backend: &Backend, now: Instant) {
        for text in value.split('.').take(MAX_SESSIONS) {
            let Some(said) = self.key.open(text) else { continue };
            let age = seconds().saturating_sub(said.since);
            if self.session.absolute_timeout.is_some_and(|timeout| age >= timeout.as_secs()) {
                continue;
            }
            if said.backend != self.backend {
                let known = rule.backends.iter().any(|other| number(&other.label) == said.backend);
                if known && self.others.len() < MAX_SESSIONS - 1 {
                    self.others.push(text.to_owned());
                }
            } else if self.endpoint.is_none() {
                let found = backend.endpoints.iter().find(|endpoint| address(endpoint) == said.address);
                self.endpoint = found.filter(|endpoint| endpoint.is_up(now)).cloned();
            }
        }
    }

    /// Tells the client where it was, unless it knows.
    pub(super) fn write(&self, endpoint: Option<&Arc<Endpoint>>, headers: &mut HeaderMap) {
        let Some(endpoint) = endpoint else { return };
        if self.endpoint.as_ref().is_some_and(|known| known.id == endpoint.id) {
            return;
        }
        let said = Said { backend: self.backend, since: seconds(), address: address(endpoint) };
        let Some(mut value) = self.key.seal(&said) else { return };
        for other in &self.others {
            value.push('.');
            value.push_str(other);
        }
        match &self.session.carrier {
            SessionCarrier::Header(name) => {
                let value = HeaderValue::from_str(&value);
                if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                    headers.insert(name, value);
                }
            }
            SessionCarrier::Cookie { name, path, permanent } => {
                let mut cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict");
                if self.secure {
                    cookie.push_str("; Secure");
                }
                if let Some(timeout) = self.session.absolute_timeout.filter(|_| *permanent) {
                    let _ = write!(cookie, "; Max-Age={}", timeout.as_secs());
                }
                if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                    headers.append(header::SET_COOKIE, cookie);
                }
            }
        }
    }
}

fn seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        Said { backend: 7, since: 9, address: (1, [3; 16], 80) }
    }

    #[test]
    fn what_is_sealed_is_opened_with_the_same_seed_alone() {
        let (one, same, other) = (Key::derive(b"a").unwrap(), Key::derive(b"a").unwrap(), Key::derive(b"b").unwrap());
        let text = one.seal(&said()).unwrap();
        assert_eq!(same.open(&text), Some(said()));
        assert_eq!(other.open(&text), None);
        assert_ne!(text, one.seal(&said()).unwrap(), "each is sealed anew");
    }

    #[test]
    fn what_was_tampered_with_is_none() {
        let key = Key::derive(b"a").unwrap();
        let text = key.seal(&said()).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character may stand for the same bytes.
            assert!(key.open(&changed).is_none_or(|found| at == text.len() - 1 && found == said()), "{at}");
        }
        for text in ["", "A", "x.y", &text[1..], &format!("{text}AAAA"), &"A".repeat(9999), "ä"] {
            assert_eq!(key.open(text), None);
        }
    }

    #[test]
    fn keys_are_made_once_for_each_seed() {
        let keys = Keys::default();
        let seed: Arc<str> = "a".into();
        assert!(Rc::ptr_eq(&keys.of(Some(&seed)).unwrap(), &keys.of(Some(&seed)).unwrap()));
        let text = keys.of(None).unwrap().seal(&said()).unwrap();
        assert_eq!(keys.of(None).unwrap().open(&text), Some(said()));
        assert_eq!(keys.of(Some(&seed)).unwrap().open(&text), None);
    }
}
