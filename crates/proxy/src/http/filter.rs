//! HTTPRoute filters, compiled and applied.

use super::{
    cors::Cors,
    external_auth::{Auth, Grant},
    message,
    mirror::Mirror,
};
use crate::router::without_port;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header,
    uri::{Authority, PathAndQuery},
};
use snapshot::{HeaderEdit, HttpFilter, PathModifier, Redirect, UrlRewrite};
use std::sync::Arc;

/// The filters of a rule or of one of its backends.
#[derive(Debug, Default)]
pub(super) struct Filters {
    /// What does more than to edit. Boxed: few rules have such filters, and there are thousands of rules.
    pub(super) special: Option<Box<Special>>,
    request: Box<[RequestFilter]>,
    response: Box<[Edit]>,
}

/// Filters that answer in the backend's place, or talk to others.
#[derive(Debug)]
pub(super) struct Special {
    pub(super) redirect: Option<Redirect>,
    pub(super) cors: Option<Arc<Cors>>,
    /// In the order of the spec; [`RequestFilter::Granted`] says where what they grant has its place.
    pub(super) auth: Box<[Auth]>,
    pub(super) mirrors: Arc<[Mirror]>,
}

#[derive(Debug)]
enum RequestFilter {
    Headers(Edit),
    Rewrite {
        host: Option<HeaderValue>,
        path: Option<PathModifier>,
    },
    /// What an authorization service has granted.
    Granted(usize),
}

/// Changes to headers, ready to be applied.
#[derive(Debug)]
struct Edit {
    set: Box<[(HeaderName, HeaderValue)]>,
    add: Box<[(HeaderName, HeaderValue)]>,
    remove: Box<[HeaderName]>,
}

/// A filter that cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error("{0:?} is not a header name")]
    Name(String),
    #[error("{0:?} is not a header value")]
    Value(String),
    #[error("{0:?} is not a host name")]
    Host(String),
    #[error("{0} is not a redirect's status")]
    Status(u16),
    #[error("{0:?} is no origin")]
    Origin(String),
}

impl Filters {
    pub(super) fn compile(from: &[HttpFilter]) -> Result<Self, FilterError> {
        let (mut redirect, mut cors, mut mirrors, mut auth) = (None, None, Vec::new(), Vec::new());
        let (mut request, mut response) = (Vec::new(), Vec::new());
        for filter in from {
            match filter {
                HttpFilter::RequestHeaders(edit) => request.push(RequestFilter::Headers(Edit::compile(edit)?)),
                HttpFilter::ResponseHeaders(edit) => response.push(Edit::compile(edit)?),
                HttpFilter::UrlRewrite(UrlRewrite { hostname, path }) => {
                    let host = hostname.as_deref().map(host_value).transpose()?;
                    request.push(RequestFilter::Rewrite { host, path: path.clone() });
                }
                HttpFilter::Redirect(to) => {
                    if !(300..400).contains(&to.status) {
                        return Err(FilterError::Status(to.status));
                    }
                    if let Some(hostname) = &to.hostname {
                        host_value(hostname)?;
                    }
                    redirect = Some(to.clone());
                }
                HttpFilter::Mirror(mirror) => mirrors.push(Mirror::new(mirror)),
                HttpFilter::Cors(from) => cors = Some(Arc::new(Cors::compile(from)?)),
                HttpFilter::ExternalAuth(from) => {
                    request.push(RequestFilter::Granted(auth.len()));
                    auth.push(Auth::compile(from)?);
                }
            }
        }
        let is_special = redirect.is_some() || cors.is_some() || !mirrors.is_empty() || !auth.is_empty();
        let special =
            is_special.then(|| Box::new(Special { redirect, cors, auth: auth.into(), mirrors: mirrors.into() }));
        Ok(Self { special, request: request.into(), response: response.into() })
    }

    /// Whether a header of the request may change.
    pub(super) fn edit_request(&self) -> bool {
        !self.request.is_empty()
    }

    /// Whether a header of the response may change.
    pub(super) fn edit_response(&self) -> bool {
        !self.response.is_empty()
    }

    /// Changes what the backend gets. `prefix`: the length of the path prefix that matched; `grants`: what authorization services
    /// have granted.
    pub(super) fn apply_to_request(
        &self,
        target: &mut Target,
        headers: &mut HeaderMap,
        prefix: Option<usize>,
        grants: &[Grant],
    ) {
        for filter in &self.request {
            match filter {
                RequestFilter::Headers(edit) => edit.apply(headers),
                RequestFilter::Granted(index) => {
                    if let Some(grant) = grants.get(*index) {
                        grant.apply(headers, &mut target.path);
                    }
                }
                RequestFilter::Rewrite { host, path } => {
                    if let Some(host) = host {
                        target.host = host.clone();
                    }
                    if let Some(path) = path {
                        target.rewrite(path, prefix);
                    }
                }
            }
        }
    }

    /// Whether a header that CGI takes for `name` is set or removed on the way to the backend.
    pub(super) fn guards(&self, name: &HeaderName) -> bool {
        self.request.iter().any(|filter| match filter {
            RequestFilter::Headers(edit) => {
                let set = edit.set.iter().map(|(name, _)| name);
                set.chain(&edit.remove).any(|guarded| message::is_alias(name, guarded))
            }
            RequestFilter::Rewrite { .. } | RequestFilter::Granted(_) => false,
        })
    }

    /// Changes what the client gets.
    pub(super) fn apply_to_response(&self, headers: &mut HeaderMap) {
        for edit in &self.response {
            edit.apply(headers);
        }
    }
}

fn host_value(hostname: &str) -> Result<HeaderValue, FilterError> {
    let checked = Authority::try_from(hostname).ok().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    checked.ok_or_else(|| FilterError::Host(hostname.to_owned()))
}

impl Edit {
    fn compile(from: &HeaderEdit) -> Result<Self, FilterError> {
        let name = |name: &String| HeaderName::from_bytes(name.as_bytes()).map_err(|_| FilterError::Name(name.clone()));
        let pairs = |pairs: &[(String, String)]| {
            let pair = |(key, value): &(String, String)| {
                Ok((name(key)?, HeaderValue::from_str(value).map_err(|_| FilterError::Value(value.clone()))?))
            };
            pairs.iter().map(pair).collect::<Result<Box<[_]>, FilterError>>()
        };
        Ok(Self {
            set: pairs(&from.set)?,
            add: pairs(&from.add)?,
            remove: from.remove.iter().map(name).collect::<Result<_, _>>()?,
        })
    }

    fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
        for name in &self.remove {
            headers.remove(name);
        }
    }
}

/// Where a request goes, as filters may change it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `Host` or `:authority` for the backend.
    pub(super) host: HeaderValue,
    /// Path and query.
    pub(super) path: PathAndQuery,
}

impl Target {
    fn rewrite(&mut self, path: &PathModifier, prefix: Option<usize>) {
        let text = modified(&self.path, path, prefix);
        // What a user may write as a path always parses; should it not, the request goes on unchanged to no other host.
        if let Ok(path) = PathAndQuery::try_from(text) {
            self.path = path;
        }
    }
}

/// Path and query after a modifier; the query stays.
fn modified(from: &PathAndQuery, modifier: &PathModifier, prefix: Option<usize>) -> String {
    let (replacement, rest) = match modifier {
        PathModifier::Full(path) => (path.as_str(), ""),
        PathModifier::Prefix(replacement) => {
            let rest = from.path().get(prefix.unwrap_or(0)..).unwrap_or_default();
            (replacement.trim_end_matches('/'), rest)
        }
    };
    let mut text = String::with_capacity(from.as_str().len() + replacement.len() + 1);
    if !(replacement.starts_with('/') || replacement.is_empty() && rest.starts_with('/')) {
        text.push('/');
    }
    text.push_str(replacement);
    text.push_str(rest);
    if let Some(query) = from.query() {
        text.push('?');
        text.push_str(query);
    }
    text
}

/// What a redirect needs to know of the request.
pub(super) struct Asked<'a> {
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// With or without port.
    pub(super) host: &'a str,
    /// Port of the listener, as in the spec.
    pub(super) listener_port: u16,
    /// Path and query.
    pub(super) path: &'a PathAndQuery,
    /// Length of the path prefix that matched.
    pub(super) prefix: Option<usize>,
    /// The port under which clients reach a port of the spec.
    pub(super) advertised: &'a dyn Fn(u16) -> u16,
}

/// Status and `Location` of a redirect (`HTTPRequestRedirectFilter`). `None`: the request has no host to redirect to.
pub(super) fn redirect(to: &Redirect, asked: &Asked<'_>) -> Option<(StatusCode, HeaderValue)> {
    let scheme = to.scheme.as_deref().unwrap_or(asked.scheme);
    let host = to.hostname.as_deref().unwrap_or_else(|| without_port(asked.host));
    if host.is_empty() {
        return None;
    }
    let well_known = if scheme == "https" { 443 } else { 80 };
    let port = to.port.unwrap_or(if to.scheme.is_some() { well_known } else { asked.listener_port });
    let port = (asked.advertised)(port);
    let path = match &to.path {
        Some(modifier) => modified(asked.path, modifier, asked.prefix),
        // The target of OPTIONS may be an asterisk, which must not become a part of the host.
        None => asked.path.as_str().trim_start_matches('*').to_owned(),
    };
    let location =
        if port == well_known { format!("{scheme}://{host}{path}") } else { format!("{scheme}://{host}:{port}{path}") };
    Some((StatusCode::from_u16(to.status).ok()?, HeaderValue::from_str(&location).ok()?))
}

/// The target as HTTP/2 writes it: with `:scheme` and `:authority`.
pub(super) fn absolute_form(target: &Target, scheme: http::uri::Scheme, headers: &mut HeaderMap) -> Uri {
    headers.remove(header::HOST);
    let authority = Authority::try_from(target.host.as_bytes()).ok();
    let mut parts = http::uri::Parts::default();
    if authority.is_some() {
        parts.scheme = Some(scheme);
    }
    parts.authority = authority;
    parts.path_and_query = Some(target.path.clone());
    Uri::from_parts(parts).unwrap_or_else(|_| Uri::from(target.path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(path: &'static str, matched: &str, replacement: &str) -> String {
        let modifier = PathModifier::Prefix(replacement.to_owned());
        modified(&PathAndQuery::from_static(path), &modifier, Some(matched.len()))
    }

    #[test]
    fn prefixes_are_replaced_as_the_table_of_the_api_says() {
        for (path, replacement, result) in [
            ("/foo/bar", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/xyz/", "/xyz/bar"),
            ("/foo", "/xyz", "/xyz"),
            ("/foo/", "/xyz", "/xyz/"),
            ("/foo/bar", "", "/bar"),
            ("/foo/", "", "/"),
            ("/foo", "", "/"),
            ("/foo/", "/", "/"),
            ("/foo", "/", "/"),
            ("/foo?a=b", "/xyz", "/xyz?a=b"),
        ] {
            assert_eq!(prefix(path, "/foo", replacement), result, "{path} {replacement}");
        }
        assert_eq!(prefix("/a", "", "/xyz"), "/xyz/a");
        assert_eq!(prefix("/", "", "/xyz"), "/xyz/");
        let full = PathModifier::Full("/new".to_owned());
        assert_eq!(modified(&PathAndQuery::from_static("/old/x?q=1"), &full, None), "/new?q=1");
    }

    #[test]
    fn a_redirects_port_follows_its_scheme_or_the_listener() {
        let location = |scheme: Option<&str>, port, asked_scheme, listener_port| {
            let to = Redirect { scheme: scheme.map(str::to_owned), hostname: None, path: None, port, status: 302 };
            let path = PathAndQuery::from_static("/p?q");
            let advertised = |port| if port == 8088 { 18088 } else { port };
            let asked = Asked {
                scheme: asked_scheme,
                host: "h:99",
                listener_port,
                path: &path,
                prefix: None,
                advertised: &advertised,
            };
            redirect(&to, &asked).unwrap().1.to_str().unwrap().to_owned()
        };
        assert_eq!(location(None, None, "http", 80), "http://h/p?q");
        assert_eq!(location(None, None, "http", 8080), "http://h:8080/p?q");
        assert_eq!(location(None, None, "https", 443), "https://h/p?q");
        assert_eq!(location(None, None, "https", 8443), "https://h:8443/p?q");
        assert_eq!(location(Some("https"), None, "http", 8080), "https://h/p?q");
        assert_eq!(location(Some("http"), None, "https", 8443), "http://h/p?q");
        assert_eq!(location(Some("https"), Some(443), "http", 80), "https://h/p?q");
        assert_eq!(location(Some("https"), Some(8443), "http", 80), "https://h:8443/p?q");
        assert_eq!(location(None, Some(8083), "http", 80), "http://h:8083/p?q");
        assert_eq!(location(None, Some(80), "http", 8080), "http://h/p?q");
        assert_eq!(location(None, None, "http", 8088), "http://h:18088/p?q");
    }
}
