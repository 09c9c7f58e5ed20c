use crate::support::*;
use snapshot::AppProtocol;
use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

#[test]
fn timeouts_answer_504_and_cut_bodies() {
    let rules = vec![
        Rule::prefix("/slow").header("x", "1").to("echo").timeouts(Some(300), None),
        Rule::prefix("/slow").header("x", "2").to("echo").timeouts(Some(5000), Some(300)),
        Rule::prefix("/stall").to("echo").timeouts(Some(300), None),
        Rule::prefix("/").to("echo").timeouts(Some(300), None),
    ];
    let world = World::start(&[""], simple(rules));
    for (value, flag) in [("1", "REQUEST_TIMEOUT"), ("2", "BACKEND_TIMEOUT")] {
        let start = Instant::now();
        assert_eq!(world.ask("GET", "h", "/slow", &[("x", value)]).status, 504);
        assert!((300..1500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        let line = world.log_line(|line| line["flags"] == flag);
        assert_eq!(line["status"], 504);
    }
    let start = Instant::now();
    let answer = world.get("h", "/stall");
    assert!(answer.body.contains("first") && !answer.body.ends_with("0\r\n\r\n"), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(world.log_line(|line| line["path"] == "/stall")["flags"], "REQUEST_TIMEOUT");
    assert_eq!(world.get("h", "/fast").status, 200);
}

#[test]
fn slow_and_silent_clients_are_cut() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.header_read = Duration::from_millis(1500);
        options.limits.http_idle = Duration::from_millis(1500);
        options.limits.stream_idle = Duration::from_millis(500);
    });
    let ends = |bytes: &[&[u8]]| {
        let mut client = world.connect();
        let start = Instant::now();
        for part in bytes {
            client.write_all(part).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        (String::from_utf8_lossy(&answer).into_owned(), start.elapsed())
    };
    std::thread::scope(|scope| {
        // Nothing at all; half a header, parked in between; a request, then nothing; half a body.
        let nothing = scope.spawn(|| ends(&[]));
        let header = scope.spawn(|| ends(&[b"GET / HT", b"TP/1.1\r\nx: "]));
        let idle = scope.spawn(|| ends(&[b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"]));
        let body = scope.spawn(|| ends(&[b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n", b"a"]));
        for (what, client) in [("nothing", nothing), ("header", header), ("idle", idle), ("body", body)] {
            let (answer, took) = client.join().unwrap();
            assert!(took < Duration::from_millis(4000), "{what}: {took:?}");
            match what {
                "idle" => assert!(answer.starts_with("HTTP/1.1 200") && took > Duration::from_millis(1400), "{answer}"),
                "body" => assert!(answer.starts_with("HTTP/1.1 408"), "{answer}"),
                _ => assert!(
                    took > Duration::from_millis(1000) && !answer.contains(" 200 "),
                    "{what}: {took:?} {answer}"
                ),
            }
        }
    });
}

#[test]
fn a_connection_that_rested_goes_on() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let mut client = world.connect();
    for pause in [1300, 0, 0] {
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut client).status, 200);
        std::thread::sleep(Duration::from_millis(pause));
    }
    // A header that comes in pieces, with the rest between them.
    client.write_all(b"GET /pieces HTTP/1.1\r\nho").unwrap();
    std::thread::sleep(Duration::from_millis(1300));
    client.write_all(b"st: h\r\n\r\n").unwrap();
    read_answer(&mut client).saw("GET /pieces HTTP/1.1");
}

#[test]
fn headers_are_bounded() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.headers = 20;
        options.limits.header_bytes = 16 << 10;
    });
    let many: Vec<_> = (0..30).map(|n| (format!("x-{n}"), "1")).collect();
    let many: Vec<_> = many.iter().map(|(name, value)| (&**name, *value)).collect();
    assert_eq!(world.ask("GET", "h", "/", &many).status, 431);
    assert_eq!(world.ask("GET", "h", "/", &many[..10]).status, 200);
    let long = "x".repeat(20 << 10);
    let answer = world.raw(format!("GET / HTTP/1.1\r\nhost: h\r\nx: {long}\r\n\r\n"));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(world.get("h", "/").status, 200);
}

/// The log says what the client was told, also of what could not be read.
#[test]
fn a_refused_head_is_logged_as_it_was_answered() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.header_bytes = 16 << 10;
    });
    let long = "x".repeat(16 << 10);
    for (status, head) in [
        (414, format!("GET /{long}")),
        (431, format!("GET / HTTP/1.1\r\nhost: h\r\nx: {long}")),
        (400, "GET / HTTP/1.1\r\nhost: h\r\nno field\r\n\r\n".to_owned()),
    ] {
        // To the byte, so that nothing is left which would reset the connection.
        let answer = world.raw(&head[..head.len().min(16 << 10)]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
        let line = world.log_line(|line| line["status"] == status);
        assert_eq!((&line["flags"], &line["blame"]), (&"BAD_REQUEST".into(), &"client".into()), "{line}");
    }
}

/// Who had to go for the sake of others, and who was not let in, has a line.
#[test]
fn a_connection_beyond_the_limit_has_its_line() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.max_connections = 2;
    });
    let mut oldest = world.connect();
    let mut others = [world.connect(), world.connect()];
    let mut byte = [0; 1];
    assert!(!matches!(oldest.read(&mut byte), Ok(1..)));
    let at = oldest.local_addr().unwrap().to_string();
    let line = world.log_line(|line| line["kind"] == "connection" && line["client"] == *at);
    assert_eq!(line["cause"], "limit", "{line}");
    assert!(line["error"].as_str().unwrap().starts_with("made room"), "{line}");
    for other in &mut others {
        other.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        assert_eq!(read_answer(other).status, 200);
    }
    let mut late = world.connect();
    assert!(!matches!(late.read(&mut byte), Ok(1..)));
    let at = late.local_addr().unwrap().to_string();
    let line = world.log_line(|line| line["kind"] == "connection" && line["client"] == *at);
    assert_eq!((&line["cause"], &line["listener"]), (&"limit".into(), &"ns/gateway/l0".into()), "{line}");
}

/// What the end of a drain cuts off has its line.
#[test]
fn a_request_that_a_drain_cuts_has_its_line() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(20));
    });
    let entities = vec![
        backend("silent", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("silent")]),
    ];
    let mut world = World::start(&[""], entities);
    let mut client = world.connect();
    client.write_all(b"GET /cut HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let drained = world.proxy.drain(Duration::from_millis(500));
    assert_eq!((drained.open, drained.cut), (1, 1));
    // As the process does at its end.
    world.proxy = proxy::Proxy::start(proxy::Options::default()).unwrap();
    let line = world.log_line(|line| line["path"] == "/cut");
    assert_eq!((&line["status"], &line["flags"], &line["blame"]), (&499.into(), &"DRAINED".into(), &"gateway".into()));
}

#[test]
fn a_drain_closes_idle_connections_and_lets_requests_end() {
    let entities = vec![
        backend("echo", AppProtocol::Default, &[echo("echo")]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("echo")]),
    ];
    let world = World::start(&[""], entities);
    let mut idle = world.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    read_answer(&mut idle);
    let mut busy = world.connect();
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    let drained = world.proxy.drain(Duration::from_secs(5));
    assert!(start.elapsed() < Duration::from_secs(4) && drained.cut == 0, "{drained:?} {:?}", start.elapsed());
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0);
    let answer = read_answer(&mut busy);
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}

#[test]
fn a_client_that_takes_no_response_is_cut() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[0; 64 << 10]).is_ok() {}
    });
    let entities = vec![
        backend("endless", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("endless")]),
    ];
    let world = World::start_with(&[""], entities, |options| options.limits.stream_idle = Duration::from_millis(300));
    let mut client = world.connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    let line = world.log_line_within(Duration::from_secs(8), |line| line["path"] == "/");
    assert_eq!((&line["status"], &line["flags"]), (&200.into(), &"CLIENT_GONE".into()));
}
