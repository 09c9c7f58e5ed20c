//! The router against a matcher written line by line from the Gateway API's text, on random tables and requests.

use super::{Candidate, HostMap, Match, Name, Paths, Request, find};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::{collection::vec, option, prelude::*, sample::select};
use snapshot::{Hostname, HttpMatch, ObjectName, PathMatch, PathRank, Precedence, TextMatch, ValueMatch};
use std::{cmp::Reverse, collections::HashMap, sync::Arc};

/// A match of some route under one hostname, as the user wrote it.
#[derive(Clone, Debug)]
struct Written {
    hostname: &'static str,
    path: (&'static str, &'static str),
    method: Option<&'static str>,
    headers: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
    created: i64,
    route: &'static str,
    index: (u16, u16),
}

#[derive(Clone, Debug)]
struct Asked {
    host: &'static str,
    path: &'static str,
    method: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    query: Option<&'static str>,
}

/// Expressions with what they mean, so that the oracle needs no engine.
type Meaning = fn(&str) -> bool;
const EXPRESSIONS: [(&str, Meaning); 4] = [
    ("/a.*", |path| path.starts_with("/a")),
    ("/(a|b)/c", |path| path == "/a/c" || path == "/b/c"),
    ("/.", |path| path.len() == 2 && path.starts_with('/')),
    ("a", |_| false),
];

/// The text of the API, sentence by sentence.
fn oracle(written: &[Written], asked: &Asked) -> Option<usize> {
    let host = asked.host.split(':').next().unwrap_or_default().to_lowercase();
    let hostname_matches = |hostname: &str| match hostname.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
        None => hostname.is_empty() || hostname == host,
    };
    let path_matches = |(kind, value): (&str, &str)| match kind {
        "Exact" => asked.path == value,
        "PathPrefix" => {
            let elements = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
            elements(asked.path).starts_with(&elements(value.trim_end_matches('/')))
        }
        _ => EXPRESSIONS.iter().any(|(expression, meaning)| *expression == value && meaning(asked.path)),
    };
    let header_matches = |(name, value): &(&str, &str)| {
        let sent: Vec<_> = asked.headers.iter().filter(|(sent, _)| sent == name).map(|(_, value)| *value).collect();
        !sent.is_empty() && sent.join(",") == *value
    };
    let query_matches = |(name, value): &(&str, &str)| {
        let pairs = asked.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(sent, _)| sent == name).is_some_and(|(_, sent)| sent == *value)
    };
    let candidates = written.iter().enumerate().filter(|(_, one)| {
        hostname_matches(one.hostname)
            && path_matches(one.path)
            && one.method.is_none_or(|method| method == asked.method)
            && one.headers.iter().all(header_matches)
            && one.query.iter().all(query_matches)
    });
    candidates
        .min_by_key(|(_, one)| {
            let wildcard = one.hostname.is_empty() || one.hostname.starts_with('*');
            (
                Reverse(if wildcard { 0 } else { one.hostname.len() }), // characters in a matching non-wildcard hostname
                Reverse(one.hostname.len()),                            // characters in a matching hostname
                one.path.0 != "Exact",
                Reverse(if one.path.0 == "RegularExpression" { one.path.1.len() } else { 0 }), // our choice
                Reverse(one.path.1.trim_end_matches('/').len()),
                one.method.is_none(),
                Reverse(one.headers.len()),
                Reverse(one.query.len()),
                (one.created, one.route, one.index),
            )
        })
        .map(|(index, _)| index)
}

fn precedence(one: &Written) -> Precedence {
    let length = one.path.1.trim_end_matches('/').len() as u16;
    Precedence {
        path: match one.path.0 {
            "Exact" => PathRank::Exact,
            "PathPrefix" => PathRank::Prefix(Reverse(length)),
            _ => PathRank::Regex(Reverse(one.path.1.len() as u16)),
        },
        any_method: one.method.is_none(),
        headers: Reverse(one.headers.len() as u16),
        query: Reverse(one.query.len() as u16),
        created: one.created,
        route: ObjectName::new("ns", one.route),
        index: one.index,
    }
}

fn entity(one: &Written) -> HttpMatch {
    let exact = |(name, value): &(&str, &str)| ValueMatch {
        name: (*name).to_owned(),
        value: TextMatch::Exact((*value).to_owned()),
    };
    HttpMatch {
        precedence: precedence(one),
        path: match one.path.0 {
            "Exact" => PathMatch::Exact(one.path.1.to_owned()),
            "PathPrefix" => PathMatch::Prefix(one.path.1.trim_end_matches('/').to_owned()),
            _ => PathMatch::Regex(one.path.1.to_owned()),
        },
        method: one.method.map(str::to_owned),
        headers: one.headers.iter().map(exact).collect(),
        query: one.query.iter().map(exact).collect(),
    }
}

fn routed(written: &[Written], asked: &Asked) -> Option<usize> {
    let mut by_host: HashMap<&str, Vec<Candidate<usize>>> = HashMap::new();
    for (target, one) in written.iter().enumerate() {
        let condition = Arc::new(Match::compile(&entity(one)).unwrap());
        by_host.entry(one.hostname).or_default().push(Candidate { condition, target });
    }
    let mut hosts = HostMap::default();
    for (hostname, candidates) in by_host {
        hosts.insert(&Hostname::parse(hostname), Arc::new(Paths::build(candidates)));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let method = Method::from_bytes(asked.method.as_bytes()).unwrap();
    let request = Request { method: &method, path: asked.path, query: asked.query, headers: &headers, call: false };
    find(&hosts, &Name::new(asked.host), &request).map(|found| found.target)
}

fn pairs(
    names: &'static [&'static str],
    values: &'static [&'static str],
) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    vec((select(names), select(values)), 0..3)
}

/// Each name once, as translate hands them over.
fn unique(mut pairs: Vec<(&'static str, &'static str)>) -> Vec<(&'static str, &'static str)> {
    let mut seen = Vec::new();
    pairs.retain(|(name, _)| {
        !seen.contains(name) && {
            seen.push(*name);
            true
        }
    });
    pairs
}

const PATHS: &[&str] = &["/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/b/c", "/ab", "/a/c"];
const HEADERS: &[&str] = &["x-one", "x-two"];
const PARAMETERS: &[&str] = &["p", "q"];

prop_compose! {
    fn written()(
        hostname in select(&["", "*.com", "*.example.com", "a.example.com", "b.a.example.com", "example.com"][..]),
        path in prop_oneof![
            2 => (Just("Exact"), select(PATHS)),
            4 => (Just("PathPrefix"), select(PATHS)),
            1 => (Just("RegularExpression"), select(&["/a.*", "/(a|b)/c", "/.", "a"][..])),
        ],
        method in option::weighted(0.3, select(&["GET", "POST"][..])),
        headers in pairs(HEADERS, &["1", "2", "1,2"]),
        query in pairs(PARAMETERS, &["1", "2", ""]),
        created in 0..2_i64,
        route in select(&["r1", "r2", "r10"][..]),
    ) -> Written {
        Written { hostname, path, method, headers: unique(headers), query: unique(query), created, route, index: (0, 0) }
    }
}

prop_compose! {
    fn asked()(
        host in select(&["example.com", "a.example.com", "A.Example.com:80", "b.a.example.com", "x.com", "org", ""][..]),
        path in select(&["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d", "/b/c", "/ab", "/a//b", "/A", "/a/b%2Fc", "//"][..]),
        method in select(&["GET", "POST", "get"][..]),
        headers in pairs(HEADERS, &["1", "2"]),
        query in option::of(select(&["p=1", "p=2&p=1", "q=2&p=1", "p", "&&p=&q=1", "x=1&q=1&p=2"][..])),
    ) -> Asked {
        Asked { host, path, method, headers, query }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_router_agrees_with_the_text_of_the_api(mut written in vec(written(), 0..24), asked in vec(asked(), 1..12)) {
        for (place, one) in written.iter_mut().enumerate() {
            one.index = (place as u16, 0);
        }
        for asked in &asked {
            prop_assert_eq!(routed(&written, asked), oracle(&written, asked), "{:?}", asked);
        }
    }
}

fn query_match(name: &str, value: TextMatch, query: &str) -> bool {
    let one = Written {
        hostname: "",
        path: ("PathPrefix", "/"),
        method: None,
        headers: vec![],
        query: vec![],
        created: 0,
        route: "r",
        index: (0, 0),
    };
    let mut from = entity(&one);
    from.query.push(ValueMatch { name: name.to_owned(), value });
    let candidate = Candidate { condition: Arc::new(Match::compile(&from).unwrap()), target: () };
    let mut hosts = HostMap::default();
    hosts.insert(&Hostname::Any, Arc::new(Paths::build([candidate])));
    let headers = HeaderMap::new();
    let request = Request { method: &Method::GET, path: "/", query: Some(query), headers: &headers, call: false };
    find(&hosts, &Name::new("x"), &request).is_some()
}

#[test]
fn query_parameters_are_compared_decoded_and_the_first_counts() {
    let exact = |text: &str| TextMatch::Exact(text.to_owned());
    assert!(query_match("a b", exact("c&d"), "a%20b=c%26d"));
    assert!(query_match("a", exact("x y"), "a=x+y"));
    assert!(!query_match("a", exact("2"), "a=1&a=2"));
    assert!(query_match("a", TextMatch::Regex("[0-9]+".into()), "a=12"));
    assert!(!query_match("a", TextMatch::Regex("[0-9]+".into()), "a=12x"));
    let many: String = (0..100).map(|n| format!("p{n}={n}&")).collect();
    assert!(query_match("p99", exact("99"), &many));
    assert!(!query_match("p100", exact("100"), &many));
}

#[test]
fn an_expression_matches_whole_texts_and_is_bounded() {
    let regex = super::rules::regex("a|b").unwrap();
    assert!(regex.is_match("a") && regex.is_match("b"));
    assert!(!regex.is_match("ab") && !regex.is_match("xa") && !regex.is_match("a\n"));
    assert!(super::rules::regex(r"(\w{1000}){1000}").is_err());
    assert!(super::rules::regex(r"(a)\1").is_err());
    assert!(super::rules::regex("a)|(b").is_err());
}
