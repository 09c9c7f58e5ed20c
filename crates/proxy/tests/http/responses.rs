//! What backends send that two readers could read in two ways goes to no client (RFC 9112 6.3).

use crate::support::*;
use snapshot::{AppProtocol, HeaderEdit, HttpFilter};
use std::{io::Write, net::SocketAddr, time::Duration};

/// An origin that answers each request with the same bytes, and then ends the connection.
fn says(bytes: &[u8]) -> SocketAddr {
    let bytes = bytes.to_vec();
    raw_origin(move |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(&bytes);
    })
}

fn world(origin: SocketAddr, rule: Rule) -> World {
    World::start(
        &[""],
        vec![backend("raw", AppProtocol::Default, &[origin]), route("route", &[(0, &[""])], vec![rule.to("raw")])],
    )
}

#[test]
fn ambiguous_responses_become_502() {
    let many: String = (0..300).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = "x".repeat(300 << 10);
    for (name, response) in [
        ("both", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        (
            "both, other order",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        ),
        ("differing list", "HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello"),
        ("differing lines", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        ("negative", "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello"),
        ("too large", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nhello"),
        ("empty length", "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nhello"),
        ("gzip", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello"),
        ("gzip, chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        ("te in 1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        ("nominated length", "HTTP/1.1 200 OK\r\nconnection: content-length\r\ncontent-length: 5\r\n\r\nhello"),
        ("obs-fold", "HTTP/1.1 200 OK\r\nx: 1\r\n 2\r\ncontent-length: 5\r\n\r\nhello"),
        ("space before colon", "HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\nhello"),
        ("nul", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 5\r\n\r\nhello"),
        ("http/0.9", "hello"),
        ("no http", "SSH-2.0-x\r\n"),
        ("nothing", ""),
        ("half a header", "HTTP/1.1 200 OK\r\nx: "),
        ("many headers", &format!("HTTP/1.1 200 OK\r\n{many}content-length: 5\r\n\r\nhello")),
        ("long header", &format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 5\r\n\r\nhello")),
    ] {
        let world = world(says(response.as_bytes()), Rule::prefix("/"));
        let answer = world.get("h", "/");
        assert_eq!((answer.status, &*answer.body), (502, "502 the backend gave no valid answer\n"), "{name}");
        let line = world.log_line(|line| line["status"] == 502);
        assert_eq!((&line["flags"], &line["blame"]), (&"UPSTREAM_RESPONSE".into(), &"upstream".into()), "{name}");
        assert!(line["error"].is_string(), "{line}");
    }
    let head = world(says(b"HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\n"), Rule::prefix("/"));
    assert_eq!(head.ask("HEAD", "h", "/", &[]).status, 502);
}

#[test]
fn clear_responses_pass_in_one_form() {
    for (name, response, status, length, body) in [
        ("list", "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello", 200, Some("5"), "hello"),
        ("lines", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", 200, Some("5"), "hello"),
        ("until the end", "HTTP/1.1 200 OK\r\n\r\nhello", 200, None, "5\r\nhello\r\n0\r\n\r\n"),
        ("1.0", "HTTP/1.0 200 OK\r\n\r\nhello", 200, None, "5\r\nhello\r\n0\r\n\r\n"),
        ("204", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", 204, None, ""),
        ("204 chunked", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 204, None, ""),
        ("304", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, None, ""),
    ] {
        let answer = world(says(response.as_bytes()), Rule::prefix("/")).get("h", "/");
        assert_eq!((answer.status, answer.header("content-length"), &*answer.body), (status, length, body), "{name}");
    }
}

/// A filter can change no length, so it cannot make one message of two.
#[test]
fn filters_leave_the_framing_alone() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let edit = |set: &str| HeaderEdit {
        set: vec![pair("content-length", set), pair("transfer-encoding", "gzip")],
        add: vec![pair("content-length", "7")],
        remove: vec![],
    };
    let rule =
        Rule::prefix("/").filter(HttpFilter::ResponseHeaders(edit("1"))).filter(HttpFilter::RequestHeaders(edit("2")));
    let entities = simple(vec![rule.to("echo")]);
    let world = World::start(&[""], entities);
    let answer =
        Answer::parse(&world.raw("POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"));
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    assert_eq!(answer.header("transfer-encoding"), None);
    answer.saw("body=hello");
    answer.saw("content-length: 5");
}

/// What a backend sends behind its response is nobody's.
#[test]
fn bytes_behind_a_response_go_to_no_other_request() {
    let origin = raw_origin(|mut stream| {
        while read_head(&mut stream).ends_with("\r\n\r\n") {
            let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood{evil}").as_bytes()).unwrap();
        }
    });
    let world = world(origin, Rule::prefix("/"));
    for _ in 0..5 {
        assert_eq!(world.get("h", "/").body, "good");
    }
    // Also not where a response has no body, whatever its header says.
    for _ in 0..3 {
        assert_eq!(world.ask("HEAD", "h", "/", &[]).status, 200);
        assert_eq!(world.get("h", "/").body, "good");
    }
}

/// Connections to an endpoint that is no longer one end soon, not when they have been idle for long.
#[test]
fn kept_connections_to_removed_endpoints_end() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let origin = raw_origin(move |mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        while read_head(&mut stream).ends_with("\r\n\r\n") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        }
        sender.send(()).unwrap();
    });
    let mut world = world(origin, Rule::prefix("/"));
    assert_eq!(world.get("h", "/").status, 200);
    assert!(receiver.recv_timeout(Duration::from_secs(1)).is_err());
    world.apply(vec![backend("raw", AppProtocol::Default, &[echo("new")])]);
    receiver.recv_timeout(Duration::from_secs(15)).unwrap();
    assert_eq!(world.get("h", "/").header("x-origin"), Some("new"));
}

/// A route's own timeouts say how long it may be quiet.
#[test]
fn a_route_may_be_quiet_for_as_long_as_it_may_take() {
    let rules = vec![
        Rule::prefix("/slow").header("x", "1").to("echo").timeouts(Some(5000), None),
        Rule::prefix("/slow").to("echo"),
    ];
    let world = World::start_with(&[""], simple(rules), |options| {
        options.limits.stream_idle = Duration::from_millis(500);
    });
    assert_eq!(world.ask("GET", "h", "/slow", &[("x", "1")]).status, 200);
    assert_eq!(world.get("h", "/slow").status, 504);
}
