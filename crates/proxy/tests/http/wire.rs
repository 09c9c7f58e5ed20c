//! RFC 9110 and 9112 on the wire: what could smuggle a request past us is refused.

use crate::support::*;
use std::{
    io::{Read, Write},
    sync::mpsc,
    time::Duration,
};

fn status(answer: &str) -> u16 {
    Answer::parse(answer).status
}

#[test]
fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    for (name, request) in [
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"),
        ("host with path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n"),
        ("host with user", "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n"),
        ("absolute form for another host", "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("space before colon", "GET / HTTP/1.1\r\nhost : a\r\n\r\n"),
        ("space before colon 2", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length : 1\r\n\r\nx"),
        ("obs-fold", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n"),
        ("te in 1.0", "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("te not chunked", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n"),
        ("te gzip, chunked", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (
            "te chunked twice",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("te xchunked", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("te chunked, identity", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("differing lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        ("equal lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx"),
        ("bare lf", "GET / HTTP/1.1\nhost: a\n\n"),
        ("bare lf in the end", "GET / HTTP/1.1\r\nhost: a\r\n\n"),
        ("two spaces", "GET  / HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("list of lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\nx"),
        ("signed length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\nx"),
        (
            "connection names length",
            "POST / HTTP/1.1\r\nhost: a\r\nconnection: content-length\r\ncontent-length: 1\r\n\r\nx",
        ),
        ("nul in header", "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n"),
        ("control in header", "GET / HTTP/1.1\r\nhost: a\r\nx: a\x01b\r\n\r\n"),
        ("del in header", "GET / HTTP/1.1\r\nhost: a\r\nx: a\x7fb\r\n\r\n"),
        ("negative length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\nx"),
        ("empty length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length:\r\n\r\nx"),
        ("http/0.9", "GET /\r\n\r\n"),
        ("http/3.0", "GET / HTTP/3.0\r\nhost: a\r\n\r\n"),
        ("user in target", "GET http://u@a/ HTTP/1.1\r\nhost: u@a\r\n\r\n"),
        ("bare cr", "GET / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n"),
        ("authority form", "GET a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n"),
        ("no path", "GET x HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("garbage", "\x01\x02\x03\r\n\r\n"),
        ("tls", "\x16\x03\x01\x02\0"),
    ] {
        let answer = world.raw(format!("{request}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"));
        if name != "tls" {
            assert_eq!(status(&answer), 400, "{name}: {answer}");
        }
        assert!(!answer.contains("/smuggled") && answer.matches("HTTP/1.1 ").count() <= 1, "{name}: {answer}");
    }
    assert_eq!(status(&world.raw("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n")), 405);
    let other = "GET / HTTP/1.1\r\nhost: a\r\nexpect: x\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&world.raw(other)), 417);
    let line = world.log_line(|line| line["error"].as_str().is_some_and(|error| error.contains("https://")));
    assert_eq!(line["flags"], "BAD_REQUEST");
}

#[test]
fn unambiguous_requests_pass() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    for (name, request, seen) in [
        ("absolute form", "GET http://A/x?y HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "GET /x?y HTTP/1.1"),
        ("1.0 without host", "GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1"),
        ("1.0 with length", "POST /x HTTP/1.0\r\ncontent-length: 2\r\n\r\nabGET", "body=ab"),
        (
            "chunked",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\nconnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "body=x",
        ),
        (
            "path as sent",
            "GET /a/../b/%2e//c;d HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "GET /a/../b/%2e//c;d HTTP/1.1",
        ),
    ] {
        let answer = world.raw(request);
        assert!(answer.contains(seen), "{name}: {answer}");
    }
}

/// RFC 9112 6.3: who sends both lengths may try to smuggle.
#[test]
fn transfer_encoding_with_content_length_is_refused() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    for order in ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\n{order}\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let answer = world.raw(request);
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (400, 1), "{answer}");
    }
}

/// Chunks that two readers could cut in two ways never reach a backend as they came.
#[test]
fn odd_chunks_end_their_connection() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    for body in
        ["x\r\n", "1 \r\nx\r\n0\r\n\r\n", "1\nx\n0\n\n", "1;a\nb\r\nx\r\n0\r\n\r\n", "1\r\nxx\r\n0\r\n\r\n", "-1\r\nx"]
    {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let answer = world.raw(format!("{head}{body}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"));
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (400, 1), "{body:?}: {answer}");
    }
}

/// CVE-2026-2835: a request in HTTP/1.0 has no body but by Content-Length, and its connection ends.
#[test]
fn close_delimited_requests_do_not_exist() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let answer = world.raw("POST /x HTTP/1.0\r\nhost: a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(answer.matches("HTTP/1.").count() - answer.matches("POST /x HTTP/1.1").count(), 1, "{answer}");
    assert!(answer.contains("body=\n") && !answer.contains("smuggled"), "{answer}");
}

/// What the backend is sent, byte for byte.
#[test]
fn the_backend_gets_one_clean_request() {
    let (sender, receiver) = mpsc::channel();
    let origin = raw_origin(move |mut stream| {
        let head = read_head(&mut stream);
        sender.send(head).unwrap();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    });
    let entities = vec![
        backend("raw", snapshot::AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("raw")]),
    ];
    let world = World::start(&[""], entities);
    assert_eq!(world.ask("GET", "a:1", "/x", &[("Accept", "*/*")]).status, 204);
    let head = receiver.recv_timeout(Duration::from_secs(2)).unwrap();
    let mut lines: Vec<_> = head.trim_end().split("\r\n").collect();
    lines[1..].sort_unstable();
    assert_eq!(
        lines,
        [
            "GET /x HTTP/1.1",
            "accept: */*",
            "host: a:1",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: a:1",
            "x-forwarded-proto: http",
        ]
    );
}

#[test]
fn head_and_expect_and_keep_alive_work() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let mut client = world.connect();
    client.write_all(b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let head = Answer::parse(&read_head(&mut client));
    assert!(head.header("content-length").is_some_and(|length| length != "0"), "{head:?}");
    client.write_all(b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").unwrap();
    assert_eq!(read_head(&mut client), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"ab").unwrap();
    let answer = read_answer(&mut client);
    answer.saw("body=ab");
    // One connection to the backend has served all of it.
    answer.saw("connection=1");
    // Pipelined requests are answered in turn.
    client.write_all(b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    read_answer(&mut client).saw("GET /1 HTTP/1.1");
    read_answer(&mut client).saw("GET /2 HTTP/1.1");
}
