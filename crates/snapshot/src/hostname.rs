use serde::{Deserialize, Serialize};
use std::fmt;

/// A Gateway API hostname, in lower case. `*.example.com` matches one or more labels in front of `.example.com`
/// (Gateway API, `Hostname`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Hostname {
    /// A full name.
    Exact(String),
    /// The part behind `*`, with its leading dot: `.example.com`.
    Wildcard(String),
    /// No hostname: every name, and none.
    Any,
}

impl Hostname {
    /// Reads `a.example.com`, `*.example.com` or the empty string (any).
    pub fn parse(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => Self::Wildcard(suffix.to_owned()),
            _ if text.is_empty() => Self::Any,
            _ => Self::Exact(text),
        }
    }

    /// Whether the lower-case name `host` is one of these names.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Wildcard(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Self::Any => true,
        }
    }

    /// The names that both stand for, `None` if there are none (Gateway API, hostname intersection).
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => Some(one.clone()),
            (Self::Exact(name), one) | (one, Self::Exact(name)) => one.matches(name).then(|| Self::Exact(name.clone())),
            (Self::Wildcard(a), Self::Wildcard(b)) => {
                let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
                long.ends_with(short.as_str()).then(|| Self::Wildcard(long.clone()))
            }
        }
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*{suffix}"),
            Self::Any => Ok(()),
        }
    }
}

impl From<Hostname> for String {
    fn from(hostname: Hostname) -> Self {
        hostname.to_string()
    }
}

impl From<String> for Hostname {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::Hostname;

    fn intersect(a: &str, b: &str) -> Option<String> {
        let (a, b) = (Hostname::parse(a), Hostname::parse(b));
        assert_eq!(a.intersect(&b), b.intersect(&a));
        a.intersect(&b).map(String::from)
    }

    #[test]
    fn intersection_follows_the_gateway_api() {
        assert_eq!(intersect("", ""), Some(String::new()));
        assert_eq!(intersect("", "a.example.com"), Some("a.example.com".into()));
        assert_eq!(intersect("*.example.com", "a.b.example.com"), Some("a.b.example.com".into()));
        assert_eq!(intersect("*.example.com", "example.com"), None);
        assert_eq!(intersect("*.example.com", "*.b.example.com"), Some("*.b.example.com".into()));
        assert_eq!(intersect("*.example.com", "*.example.org"), None);
        assert_eq!(intersect("*.ample.com", "*.example.com"), None);
        assert_eq!(intersect("A.example.com", "a.example.com"), Some("a.example.com".into()));
    }
}
