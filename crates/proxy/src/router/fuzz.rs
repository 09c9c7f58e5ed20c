//! Body of the fuzz target for the host and path matcher.

use super::{Candidate, HostMap, Hosts, Match, Name, Paths, Request, find};
use http::{HeaderMap, HeaderValue, Method, Uri, header::HOST};
use snapshot::{
    Hostname, HttpMatch, MethodRank, ObjectName, PathMatch, PathRank, Precedence, TextMatch, TextRank, ValueMatch,
};
use std::{
    cmp::Reverse,
    sync::{Arc, LazyLock},
};

/// Reads `host\npath?query\nheader` and looks it up in a fixed table; checks what must hold of every answer.
pub fn route_match(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (host, target, value) =
        (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let (Ok(host), Ok(uri)) = (std::str::from_utf8(host), Uri::try_from(target)) else { return };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.append("x-one", value);
        headers.append(HOST, HeaderValue::from_static("a"));
    }
    let request =
        Request { method: &Method::GET, path: uri.path(), query: uri.query(), headers: &headers, call: false };
    let name = Name::new(host);
    static TABLE: LazyLock<Hosts<&str>> = LazyLock::new(table);
    let found = find(&TABLE, &name, &request).map(|candidate| candidate.target);
    let path = uri.path();
    match found {
        Some("exact host") => assert_eq!(name.as_str(), "a.example.com"),
        Some("wildcard") => assert!(name.as_str().ends_with(".example.com") && name.as_str() != ".example.com"),
        Some("exact path") => assert_eq!(path, "/a/b"),
        Some("prefix") => assert!(path == "/a" || path.starts_with("/a/")),
        Some("query") => assert!(uri.query().is_some()),
        Some("header") => assert!(headers.contains_key("x-one")),
        Some("expression") => assert!(path.starts_with("/x") && path.ends_with('y')),
        _ => {}
    }
}

fn table() -> Hosts<&'static str> {
    let value = |name: &str, value| vec![ValueMatch { name: name.to_owned(), value }];
    let mut any = vec![
        entry("exact path", PathMatch::Exact("/a/b".into())),
        entry("prefix", PathMatch::Prefix("/a".into())),
        entry("expression", PathMatch::Regex("/x.*y".into())),
    ];
    let mut query = entry("query", PathMatch::Prefix("/q".into()));
    query.0.query = value("p", TextMatch::Exact("a b".into()));
    let mut header = entry("header", PathMatch::Prefix("/h".into()));
    header.0.headers = value("x-one", TextMatch::Regex("a+b?".into()));
    any.extend([query, header]);
    let mut hosts = HostMap::default();
    for (hostname, entries) in [
        (Hostname::Any, any),
        (Hostname::Exact("a.example.com".into()), vec![entry("exact host", PathMatch::Prefix(String::new()))]),
        (Hostname::Wildcard(".example.com".into()), vec![entry("wildcard", PathMatch::Prefix(String::new()))]),
    ] {
        let candidates = entries
            .into_iter()
            .filter_map(|(from, target)| Some(Candidate { condition: Arc::new(Match::compile(&from).ok()?), target }));
        hosts.insert(&hostname, Arc::new(Paths::build(candidates)));
    }
    hosts
}

fn entry(target: &'static str, path: PathMatch) -> (HttpMatch, &'static str) {
    let rank = match &path {
        PathMatch::Exact(_) => PathRank::Exact,
        PathMatch::Regex(text) => PathRank::Regex(Reverse(text.len() as u16)),
        PathMatch::Prefix(text) => PathRank::Prefix(Reverse(text.len() as u16)),
        PathMatch::Method(_) => PathRank::Method(MethodRank { service: TextRank::Any, method: TextRank::Any }),
    };
    let precedence = Precedence {
        path: rank,
        any_method: true,
        headers: Reverse(0),
        query: Reverse(0),
        created: 0,
        route: ObjectName::new("fuzz", target),
        index: (0, 0),
    };
    (HttpMatch { precedence, path, method: None, headers: Vec::new(), query: Vec::new() }, target)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fuzz_target_holds_on_its_seeds() {
        for seed in [
            &b"a.example.com\n/a/b?p=a+b\naab"[..],
            b"x\n/q?p=a%20b\n",
            b"\n/x//y\n\xff",
            b"[::1]:80\n/h\nab",
            b"",
            b"*\n*",
        ] {
            super::route_match(seed);
        }
    }
}
