//! Session persistence (GEP-1619), wherever it is written: in a rule, an XBackend or an XBackendTrafficPolicy.

use crate::findings::Problem;
use resources::gateway_api::{
    CookieLifetimeType, Duration, HttpRouteRetry, SessionPersistence, SessionPersistenceType,
};
use snapshot::{Retry, Session, SessionCarrier};

/// Fields that frame messages, or belong to somebody else: a session in one of them would break what passes.
const TAKEN: [&str; 14] = [
    "connection",
    "content-length",
    "cookie",
    "date",
    "host",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
];

/// What the proxy gets. `path` is the field; `owner` is what a cookie without a name is named after.
pub(crate) fn session(written: &SessionPersistence, path: &str, owner: &str) -> Result<Session, Problem> {
    let unusable = |field: &str, message: String| {
        Err(Problem::unsupported(format!("{path}.{field}"), message, "choose another one"))
    };
    let carrier = match written.session_type {
        SessionPersistenceType::Cookie => {
            let cookie = written.cookie.as_ref();
            let name = cookie.and_then(|cookie| cookie.name.clone());
            let cookie_path = cookie.map_or_else(|| "/".to_owned(), |cookie| cookie.path.clone());
            if cookie_path.bytes().any(|byte| !(b' '..=b'~').contains(&byte) || byte == b';') {
                return unusable("cookie.path", format!("{cookie_path:?} cannot be the path of a cookie"));
            }
            SessionCarrier::Cookie {
                name: name.unwrap_or_else(|| format!("sluicegate-session-{:016x}", hash(owner))),
                path: cookie_path,
                permanent: cookie.is_some_and(|cookie| cookie.lifetime_type == CookieLifetimeType::Permanent),
            }
        }
        SessionPersistenceType::Header => {
            let name = written.header.as_ref().map(|header| header.name.to_ascii_lowercase()).unwrap_or_default();
            if name.is_empty() || TAKEN.contains(&&*name) {
                return unusable("header.name", format!("header {name:?} cannot carry a session"));
            }
            SessionCarrier::Header(name)
        }
    };
    let absolute_timeout = written.absolute_timeout.filter(|timeout| !timeout.is_zero()).map(Duration::get);
    Ok(Session { carrier, absolute_timeout })
}

/// What the proxy gets of `rules[].retry`.
pub(crate) fn retry(written: &HttpRouteRetry) -> Retry {
    let mut codes = written.codes.clone();
    codes.sort_unstable();
    codes.dedup();
    let backoff = written.backoff.filter(|backoff| !backoff.is_zero()).map(Duration::get);
    Retry { codes, attempts: written.attempts, backoff }
}

/// FNV-1a: the same in every process and release, as clients keep what is named after it.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use resources::gateway_api::{CookieConfig, HeaderConfig};

    fn cookie(name: Option<&str>, path: &str) -> SessionPersistence {
        let cookie = CookieConfig {
            name: name.map(str::to_owned),
            path: path.to_owned(),
            lifetime_type: CookieLifetimeType::Session,
        };
        SessionPersistence { cookie: Some(cookie), ..SessionPersistence::default() }
    }

    #[test]
    fn a_cookie_without_a_name_has_always_the_same() {
        let name = |owner| match session(&cookie(None, "/"), "", owner).unwrap().carrier {
            SessionCarrier::Cookie { name, .. } => name,
            SessionCarrier::Header(_) => String::new(),
        };
        assert_eq!(name("HTTPRoute default/web 0"), name("HTTPRoute default/web 0"));
        assert_ne!(name("HTTPRoute default/web 0"), name("HTTPRoute default/web 1"));
    }

    #[test]
    fn nothing_gets_into_a_response_that_would_break_it() {
        for path in ["/a; Domain=example.com", "/a\r\nx: y", "/ä"] {
            assert!(session(&cookie(Some("a"), path), "", "").is_err(), "{path:?}");
        }
        for name in ["Content-Length", "set-cookie", "TE"] {
            let header = Some(HeaderConfig { name: name.to_owned() });
            let session_type = SessionPersistenceType::Header;
            let written = SessionPersistence { header, session_type, ..SessionPersistence::default() };
            assert!(session(&written, "", "").is_err(), "{name}");
        }
    }
}
