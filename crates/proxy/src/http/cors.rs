//! `CORS` (GEP-1767): answers preflights in the backend's place, and tells browsers which pages may read an answer. What the
//! backend says of that itself does not reach them: the filter speaks for it.

use super::filter::FilterError;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, SET_COOKIE, VARY,
    },
};
use std::sync::Arc;

/// All that a backend could say of it.
const ANSWERS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// A filter, compiled.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Origins,
    credentials: bool,
    methods: Listed,
    headers: Listed,
    expose: Listed,
    max_age: HeaderValue,
}

#[derive(Debug)]
enum Origins {
    Any,
    These(Box<[Origin]>),
}

/// `scheme://host[:port]`
#[derive(Debug)]
struct Origin {
    scheme: Box<str>,
    host: Host,
    port: u16,
}

#[derive(Debug)]
enum Host {
    Any,
    Exact(Box<str>),
    /// With the dot before it.
    Below(Box<str>),
}

#[derive(Debug)]
enum Listed {
    Nothing,
    Any,
    These(HeaderValue),
}

impl Listed {
    fn compile(names: &[String]) -> Result<Self, FilterError> {
        Ok(match names {
            [] => Self::Nothing,
            [all] if all == "*" => Self::Any,
            names => {
                let text = names.join(", ");
                Self::These(HeaderValue::from_str(&text).map_err(|_| FilterError::Value(text))?)
            }
        })
    }
}

/// Scheme, host and port of an origin, in lower case as browsers send them.
fn split(origin: &str) -> Option<(&str, &str, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (host, port) = match at {
        Some(at) => (&authority[..at], authority[at + 1..].parse().ok()?),
        None => (authority, default),
    };
    (!host.is_empty() && !host.contains('/')).then_some((scheme, host, port))
}

impl Origin {
    fn compile(text: &str) -> Result<Self, FilterError> {
        let lower = text.to_ascii_lowercase();
        let (scheme, host, port) = split(&lower).ok_or_else(|| FilterError::Origin(text.to_owned()))?;
        let host = match host.strip_prefix('*') {
            Some("") => Host::Any,
            Some(below) if below.starts_with('.') => Host::Below(below.into()),
            Some(_) => return Err(FilterError::Origin(text.to_owned())),
            None => Host::Exact(host.into()),
        };
        Ok(Self { scheme: scheme.into(), host, port })
    }

    fn fits(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host = match &self.host {
            Host::Any => true,
            Host::Exact(wanted) => host.eq_ignore_ascii_case(wanted),
            Host::Below(suffix) => {
                let at = host.len().checked_sub(suffix.len()).filter(|at| *at > 0);
                at.and_then(|at| host.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        };
        host && *self.scheme == *scheme && self.port == port
    }
}

/// What an answer says to the page that asked.
#[derive(Debug)]
pub(super) struct Reply {
    cors: Arc<Cors>,
    /// `Access-Control-Allow-Origin`; `None`: it may not read the answer, or none has asked.
    origin: Option<HeaderValue>,
}

impl Cors {
    pub(super) fn compile(from: &snapshot::Cors) -> Result<Self, FilterError> {
        let origins = match from.allow_origins.as_slice() {
            [all] if all == "*" => Origins::Any,
            origins => Origins::These(origins.iter().map(|origin| Origin::compile(origin)).collect::<Result<_, _>>()?),
        };
        Ok(Self {
            origins,
            credentials: from.allow_credentials,
            methods: Listed::compile(&from.allow_methods)?,
            headers: Listed::compile(&from.allow_headers)?,
            expose: match from.expose_headers.iter().any(|name| name == "*") {
                true => Listed::Any,
                false => Listed::compile(&from.expose_headers)?,
            },
            max_age: from.max_age.into(),
        })
    }

    /// Whether every page gets the same answer.
    fn is_public(&self) -> bool {
        matches!(self.origins, Origins::Any) && !self.credentials
    }

    fn allows(&self, origin: &str) -> bool {
        match &self.origins {
            Origins::Any => true,
            Origins::These(origins) => split(origin)
                .is_some_and(|(scheme, host, port)| origins.iter().any(|origin| origin.fits(scheme, host, port))),
        }
    }

    /// What answers to a request are to say.
    pub(super) fn reply(self: &Arc<Self>, request: &HeaderMap) -> Reply {
        let mut origins = request.get_all(ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| self.allows(origin)) => {
                Some(if self.is_public() { HeaderValue::from_static("*") } else { origin.clone() })
            }
            _ => None,
        };
        Reply { cors: Arc::clone(self), origin }
    }
}

/// Whether a browser asks what it may ask (Fetch, "CORS-preflight request").
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Reply {
    /// Changes the header of an answer.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        for name in &ANSWERS {
            headers.remove(name);
        }
        if !self.cors.is_public() {
            vary(headers, &[ORIGIN]);
        }
        if !self.allow(headers) {
            return;
        }
        let expose = match &self.cors.expose {
            Listed::Nothing => None,
            Listed::These(names) => Some(names.clone()),
            Listed::Any if !self.cors.credentials => Some(HeaderValue::from_static("*")),
            // With credentials an asterisk is but a name, so the names themselves are told.
            Listed::Any => {
                let hidden = [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, SET_COOKIE, VARY];
                let names = headers.keys().filter(|name| !hidden.contains(name)).map(HeaderName::as_str);
                HeaderValue::from_str(&names.collect::<Vec<_>>().join(", ")).ok().filter(|names| !names.is_empty())
            }
        };
        if let Some(expose) = expose {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        }
    }

    fn allow(&self, headers: &mut HeaderMap) -> bool {
        let Some(origin) = &self.origin else { return false };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.cors.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }

    /// The header of the answer to a preflight. One that may not ask gets an answer that allows nothing.
    pub(super) fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        vary(&mut headers, &[ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS]);
        if !self.allow(&mut headers) {
            return headers;
        }
        // What is asked for, rather than an asterisk: that means neither `Authorization`, nor anything with credentials.
        let told = |listed: &Listed, asked: &HeaderName| match listed {
            Listed::Nothing => None,
            Listed::These(names) => Some(names.clone()),
            Listed::Any => request.get(asked).cloned(),
        };
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, told(&self.cors.methods, &ACCESS_CONTROL_REQUEST_METHOD)),
            (ACCESS_CONTROL_ALLOW_HEADERS, told(&self.cors.headers, &ACCESS_CONTROL_REQUEST_HEADERS)),
        ] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        match &self.cors.expose {
            Listed::These(names) => drop(headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names.clone())),
            Listed::Any if !self.cors.credentials => {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
            }
            Listed::Any | Listed::Nothing => {}
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.cors.max_age.clone());
        headers
    }
}

/// Adds to `Vary` what is not there yet.
fn vary(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        let has = headers.get_all(VARY).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let mut has = has.map(<[u8]>::trim_ascii);
        if !has.any(|token| token == b"*" || token.eq_ignore_ascii_case(name.as_str().as_bytes())) {
            headers.append(VARY, HeaderValue::from(name.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str], credentials: bool, methods: &[&str], headers: &[&str], expose: &[&str]) -> Arc<Cors> {
        let list = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let from = snapshot::Cors {
            allow_origins: list(origins),
            allow_credentials: credentials,
            allow_methods: list(methods),
            allow_headers: list(headers),
            expose_headers: list(expose),
            max_age: 5,
        };
        Arc::new(Cors::compile(&from).unwrap())
    }

    fn request(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn text(headers: &HeaderMap, name: &str) -> Option<String> {
        let all: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    #[test]
    fn origins_fit_as_the_docstring_of_allow_origins_says() {
        for (allowed, origin, fits) in [
            ("https://www.foo.com", "https://www.foo.com", true),
            ("https://www.foo.com", "https://www.foo.com:443", true),
            ("https://www.foo.com:443", "https://www.foo.com", true),
            ("https://www.FOO.com", "https://www.foo.com", true),
            ("https://www.foo.com", "http://www.foo.com", false),
            ("https://www.foo.com", "https://www.foo.com:8443", false),
            ("https://www.foo.com", "https://www.foo.com.evil.com", false),
            ("https://*.bar.com", "https://www.bar.com", true),
            ("https://*.bar.com", "https://a.b.bar.com", true),
            ("https://*.bar.com", "https://bar.com", false),
            ("https://*.bar.com", "https://evilbar.com", false),
            ("https://*.bar.com", "https://.bar.com", false),
            ("https://*.bar.com:8443", "https://www.bar.com:8443", true),
            ("https://*.bar.com:8443", "https://www.bar.com", false),
            ("http://*", "http://anything.example", true),
            ("http://*", "https://anything.example", false),
            ("http://*", "http://[::1]", true),
            ("*", "https://foobar.com:12345", true),
            ("*", "null", true),
            ("https://www.foo.com", "null", false),
            ("https://www.foo.com", "https://", false),
            ("https://www.foo.com", "https://www.foo.com:x", false),
        ] {
            assert_eq!(cors(&[allowed], false, &[], &[], &[]).allows(origin), fits, "{allowed} {origin}");
        }
        assert!(!cors(&[], false, &[], &[], &[]).allows("https://www.foo.com"), "none is allowed by default");
        let bad = |origin: &str| Origin::compile(origin).is_err();
        assert!(bad("ftp://a") && bad("https://*a") && bad("a.com") && bad("https://a/b"));
    }

    #[test]
    fn a_preflight_says_what_may_be_asked() {
        let asked = request(&[
            ("origin", "https://www.foo.com"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-a, authorization"),
        ]);
        assert!(is_preflight(&Method::OPTIONS, &asked) && !is_preflight(&Method::GET, &asked));
        let told = |cors: &Arc<Cors>, asked: &HeaderMap| {
            let headers = cors.reply(asked).preflight(asked);
            let names =
                ["allow-origin", "allow-methods", "allow-headers", "allow-credentials", "expose-headers", "max-age"];
            names.map(|name| text(&headers, &format!("access-control-{name}")).unwrap_or_default())
        };
        let listed = cors(&["https://www.foo.com"], true, &["GET", "OPTIONS"], &["x-1", "x-2"], &["x-3", "x-4"]);
        assert_eq!(told(&listed, &asked), ["https://www.foo.com", "GET, OPTIONS", "x-1, x-2", "true", "x-3, x-4", "5"]);
        let any = cors(&["*"], false, &["*"], &["*"], &["*"]);
        assert_eq!(told(&any, &asked), ["*", "PUT", "x-a, authorization", "", "*", "5"]);
        let with_credentials = cors(&["*"], true, &["*"], &["*"], &["*"]);
        assert_eq!(
            told(&with_credentials, &asked),
            ["https://www.foo.com", "PUT", "x-a, authorization", "true", "", "5"]
        );
        let mut bare = asked.clone();
        bare.remove("access-control-request-headers");
        assert_eq!(told(&with_credentials, &bare), ["https://www.foo.com", "PUT", "", "true", "", "5"]);
        let other = cors(&["https://www.bar.com"], true, &["*"], &["*"], &["*"]);
        assert_eq!(told(&other, &asked), ["", "", "", "", "", ""]);
    }

    #[test]
    fn an_answer_says_who_may_read_it_whatever_the_backend_says() {
        let answer = || {
            request(&[
                ("access-control-allow-origin", "*"),
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-methods", "DELETE"),
                ("vary", "Accept-Encoding"),
                ("x-b", "1"),
                ("set-cookie", "a"),
            ])
        };
        let told = |cors: &Arc<Cors>, origin: Option<&'static str>| {
            let mut headers = answer();
            let asked = origin.map_or_else(HeaderMap::new, |origin| request(&[("origin", origin)]));
            cors.reply(&asked).apply(&mut headers);
            let get = |name| text(&headers, name).unwrap_or_default();
            let names = [
                "access-control-allow-origin",
                "access-control-allow-credentials",
                "access-control-allow-methods",
                "access-control-expose-headers",
                "vary",
            ];
            names.map(get)
        };
        let one = cors(&["https://a.com"], true, &[], &[], &["*"]);
        let varied = "Accept-Encoding, origin";
        assert_eq!(told(&one, Some("https://a.com")), ["https://a.com", "true", "", "x-b", varied]);
        assert_eq!(told(&one, Some("https://b.com")), ["", "", "", "", varied]);
        assert_eq!(told(&one, None), ["", "", "", "", varied]);
        let public = cors(&["*"], false, &[], &[], &["x-b"]);
        assert_eq!(told(&public, Some("https://b.com")), ["*", "", "", "x-b", "Accept-Encoding"]);
    }
}
