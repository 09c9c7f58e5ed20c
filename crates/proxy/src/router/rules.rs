//! One `matches[]` of a rule, compiled: what a request must be beyond its host and path.

use super::Request;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;
use regex::{Regex, RegexBuilder};
use snapshot::{HttpMatch, MethodMatch, PathMatch, Precedence, TextMatch};
use std::{borrow::Cow, cell::OnceCell};

/// What one compiled expression may cost in memory. Above it the expression is refused.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

/// Compiles an expression that a whole text must match. RE2's syntax as the `regex` crate reads it: no back references, no
/// look-around, linear time.
pub(crate) fn regex(expression: &str) -> Result<Regex, regex::Error> {
    let build =
        |text: &str| RegexBuilder::new(text).size_limit(REGEX_SIZE_LIMIT).dfa_size_limit(REGEX_SIZE_LIMIT).build();
    // Alone first, so that `a)|(b` cannot step out of the group that anchors it.
    build(expression)?;
    build(&format!("^(?:{expression})$"))
}

/// An [`HttpMatch`], ready for requests.
#[derive(Debug)]
pub(crate) struct Match {
    /// Its place among all matches under one hostname.
    pub(crate) precedence: Precedence,
    /// Path condition.
    pub(crate) path: Path,
    method: Option<Method>,
    headers: Box<[(HeaderName, Text)]>,
    query: Box<[(Box<str>, Text)]>,
}

/// A path condition.
#[derive(Debug)]
pub(crate) enum Path {
    Exact(Box<str>),
    /// Without a trailing slash.
    Prefix(Box<str>),
    Regex(Regex),
    /// Of a gRPC call.
    Method(Call),
}

/// A condition on a gRPC call.
#[derive(Debug)]
pub(crate) struct Call {
    service: Option<Text>,
    method: Option<Text>,
}

/// A condition on a text.
#[derive(Debug)]
pub(super) enum Text {
    Exact(Box<str>),
    Regex(Regex),
}

/// Why a match cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MatchError {
    #[error("the regular expression {expression:?} cannot be used: {source}")]
    Regex { expression: String, source: Box<regex::Error> },
    #[error("{0:?} is not an HTTP method")]
    Method(String),
    #[error("{0:?} is not a header name")]
    Header(String),
}

impl Match {
    /// Compiles.
    pub(crate) fn compile(from: &HttpMatch) -> Result<Self, MatchError> {
        let path = match &from.path {
            PathMatch::Exact(path) => Path::Exact(path.as_str().into()),
            PathMatch::Prefix(prefix) => Path::Prefix(prefix.trim_end_matches('/').into()),
            PathMatch::Regex(expression) => Path::Regex(compile_regex(expression)?),
            PathMatch::Method(call) => Path::Method(Call::compile(call)?),
        };
        let method = match &from.method {
            Some(method) => {
                Some(Method::from_bytes(method.as_bytes()).map_err(|_| MatchError::Method(method.clone()))?)
            }
            None => None,
        };
        let headers = from.headers.iter().map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            Ok((name.map_err(|_| MatchError::Header(header.name.clone()))?, Text::compile(&header.value)?))
        });
        let query = from.query.iter().map(|query| Ok((query.name.as_str().into(), Text::compile(&query.value)?)));
        Ok(Self {
            precedence: from.precedence.clone(),
            path,
            method,
            headers: headers.collect::<Result<_, MatchError>>()?,
            query: query.collect::<Result<_, MatchError>>()?,
        })
    }

    /// Whether the request fulfils everything but the path condition.
    pub(super) fn conditions_hold<'a>(&self, request: &Request<'a>, query: &OnceCell<Query<'a>>) -> bool {
        self.method.as_ref().is_none_or(|method| method == request.method)
            && self.headers.iter().all(|(name, text)| text.matches_header(name, request.headers))
            && (self.query.is_empty() || {
                let query = query.get_or_init(|| Query::parse(request.query.unwrap_or_default()));
                self.query.iter().all(|(name, text)| query.first(name).is_some_and(|value| text.matches_encoded(value)))
            })
    }
}

impl Call {
    fn compile(from: &MethodMatch) -> Result<Self, MatchError> {
        let text = |text: &Option<TextMatch>| text.as_ref().map(Text::compile).transpose();
        Ok(Self { service: text(&from.service)?, method: text(&from.method)? })
    }

    /// The service, if it must be this one.
    pub(super) fn exact_service(&self) -> Option<&str> {
        match &self.service {
            Some(Text::Exact(service)) => Some(service),
            Some(Text::Regex(_)) | None => None,
        }
    }

    /// Whether `/service/method` fulfils it.
    pub(super) fn holds(&self, service: &str, method: &str) -> bool {
        let holds =
            |wanted: &Option<Text>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted.matches(text.as_bytes()));
        holds(&self.service, service) && holds(&self.method, method)
    }
}

fn compile_regex(expression: &str) -> Result<Regex, MatchError> {
    regex(expression).map_err(|error| MatchError::Regex { expression: expression.to_owned(), source: Box::new(error) })
}

impl Text {
    fn compile(from: &TextMatch) -> Result<Self, MatchError> {
        Ok(match from {
            TextMatch::Exact(text) => Self::Exact(text.as_str().into()),
            TextMatch::Regex(expression) => Self::Regex(compile_regex(expression)?),
        })
    }

    fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(text) => text.as_bytes() == value,
            Self::Regex(regex) => std::str::from_utf8(value).is_ok_and(|value| regex.is_match(value)),
        }
    }

    /// A header sent several times is one header with the values joined by commas (RFC 9110 5.2), cookies by semicolons
    /// (RFC 9113 8.2.3).
    fn matches_header(&self, name: &HeaderName, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => false,
            (Some(value), None) => self.matches(value.as_bytes()),
            (Some(first), Some(second)) => {
                let comma: &[u8] = if *name == header::COOKIE { b"; " } else { b"," };
                let mut joined = first.as_bytes().to_vec();
                for value in [second].into_iter().chain(values).map(HeaderValue::as_bytes) {
                    joined.extend_from_slice(comma);
                    joined.extend_from_slice(value);
                }
                self.matches(&joined)
            }
        }
    }

    /// `value` as it stands in a query: `%20` and `+` are spaces (WHATWG URL, application/x-www-form-urlencoded).
    fn matches_encoded(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => decoded_equals(value, text),
            Self::Regex(_) => self.matches(&decode(value)),
        }
    }
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>().into();
    }
    percent_decode_str(text).into()
}

fn decoded_equals(encoded: &str, text: &str) -> bool {
    if !encoded.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return encoded == text;
    }
    *decode(encoded) == *text.as_bytes()
}

/// Pairs that are kept without looking at the query again; what lies behind them is scanned when asked for.
const KEPT_PAIRS: usize = 16;

/// The pairs of a query, found once per request.
pub(super) struct Query<'a> {
    pairs: [(&'a str, &'a str); KEPT_PAIRS],
    count: usize,
    rest: &'a str,
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Self {
        let mut query = Self { pairs: [("", ""); KEPT_PAIRS], count: 0, rest: text };
        while query.count < KEPT_PAIRS && !query.rest.is_empty() {
            let (pair, rest) = query.rest.split_once('&').unwrap_or((query.rest, ""));
            query.rest = rest;
            if !pair.is_empty() {
                query.pairs[query.count] = split_pair(pair);
                query.count += 1;
            }
        }
        query
    }

    /// The first value of a parameter, as it stands in the query.
    fn first(&self, name: &str) -> Option<&'a str> {
        let rest = self.rest.split('&').filter(|pair| !pair.is_empty()).map(split_pair);
        let mut pairs = self.pairs[..self.count].iter().copied().chain(rest);
        pairs.find(|(key, _)| decoded_equals(key, name)).map(|(_, value)| value)
    }
}

fn split_pair(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}
