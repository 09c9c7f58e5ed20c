//! Clients that want to cost more than they pay: each is cut, and nobody else notices.

use crate::support::*;
use snapshot::{AppProtocol, HeaderEdit, HttpFilter};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// HPACK: `method` (an indexed field) http, `path`, authority `a`.
fn header_block(method: u8, path: &str) -> Vec<u8> {
    [&[method, 0x86, 0x41, 1, b'a', 0x04, path.len() as u8][..], path.as_bytes()].concat()
}

const GET: u8 = 0x82;

fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &header_block(GET, path))
}

fn greet(world: &World) -> TcpStream {
    let mut client = world.connect();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    client.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    client
}

/// Sends frames until the gateway ends the connection; how many it took.
fn flood(world: &World, most: u32, frames: impl Fn(u32) -> Vec<u8>) -> Option<u32> {
    let mut client = greet(world);
    client.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let (mut reader, seen) = (client.try_clone().unwrap(), Arc::clone(&ended));
    std::thread::spawn(move || {
        while reader.read(&mut [0; 16 << 10]).is_ok_and(|length| length > 0) {}
        seen.store(true, Ordering::Relaxed);
    });
    for n in 0..most {
        if ended.load(Ordering::Relaxed) || client.write_all(&frames(n)).is_err() {
            return Some(n);
        }
    }
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        if ended.load(Ordering::Relaxed) {
            return Some(most);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

#[test]
fn floods_of_http2_frames_end_their_connection() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.h2_resets_per_second = 50;
    });
    let stream = |n: u32| 2 * n + 1;
    // CVE-2023-44487, rapid reset.
    let reset = |n| [get(stream(n), "/slow"), frame(RST_STREAM, 0, stream(n), &[0, 0, 0, 8])].concat();
    // CVE-2025-8671, MadeYouReset: the gateway is made to reset.
    let made = |n| [get(stream(n), "/slow"), frame(WINDOW_UPDATE, 0, stream(n), &[0; 4])].concat();
    let half_closed = |n| [get(stream(n), "/slow"), frame(DATA, 0, stream(n), b"x")].concat();
    // CVE-2024-27316, a header without end.
    let continuation = |n| match n {
        0 => frame(HEADERS, END_STREAM, 1, &header_block(GET, "/")),
        _ => frame(CONTINUATION, 0, 1, &[]),
    };
    let long = |n: u32| match n {
        0 => frame(HEADERS, END_STREAM, 1, &header_block(GET, "/")),
        // A literal without indexing: name `x`, a value of 8 000 bytes.
        _ => frame(CONTINUATION, 0, 1, &[&[0, 1, b'x', 0x7f, 0xc1, 0x3d][..], &[b'v'; 8000]].concat()),
    };
    type Frames<'a> = &'a dyn Fn(u32) -> Vec<u8>;
    let floods: [(&str, Frames<'_>); 5] = [
        ("rapid reset", &reset),
        ("made you reset", &made),
        ("data behind the end", &half_closed),
        ("continuation", &continuation),
        ("long header", &long),
    ];
    for (name, frames) in floods {
        let taken = flood(&world, 20_000, frames);
        assert!(taken.is_some_and(|taken| taken < 20_000), "{name}: {taken:?}");
        assert_eq!(world.get("h", "/").status, 200, "{name}");
    }
    // Frames that must be answered, by a client that reads nothing: they wait in its socket, not in our memory.
    let mut client = greet(&world);
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let pings: Vec<u8> = [frame(PING, 0, 0, &[1; 8]), frame(SETTINGS, 0, 0, &[])].concat().repeat(1000);
    let taken = (0..2000).take_while(|_| client.write_all(&pings).is_ok()).count();
    assert!(taken < 2000, "32 MB of frames were taken");
    assert_eq!(world.get("h", "/").status, 200);
}

/// One header of 4 000 bytes in the table, named by one byte thousands of times.
#[test]
fn a_compressed_bomb_is_not_unpacked() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let mut client = greet(&world);
    let entry = [&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4000]].concat();
    client.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &[header_block(GET, "/"), entry].concat())).unwrap();
    assert!(frames_until(&mut client, 1).iter().any(|(kind, _, on, _)| (*kind, *on) == (DATA, 1)));
    // The header before the authority that this block adds.
    let bomb = [header_block(GET, "/bomb"), vec![0xbf; 16_000]].concat();
    client.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 3, &bomb)).unwrap();
    let (kind, .., payload) = frames_until(&mut client, 3).pop().unwrap();
    // 431, a reset or the end of the connection.
    assert!(kind == HEADERS && payload.len() < 100 || kind == RST_STREAM || kind == 7, "{kind} {payload:?}");
    assert_eq!(world.get("h", "/").status, 200);
}

/// Frames up to the end of a stream, or of the connection.
fn frames_until(client: &mut TcpStream, stream: u32) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut head = [0; 9];
    while client.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        client.read_exact(&mut payload).unwrap();
        let on = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push((head[3], head[4], on, payload));
        let ends = (head[3] <= HEADERS && head[4] & END_STREAM != 0) || head[3] == RST_STREAM || head[3] == 7;
        if ends && (on == stream || on == 0) {
            break;
        }
    }
    frames
}

#[test]
fn an_error_that_answers_head_has_no_body() {
    let world = World::start(&["b"], vec![]);
    let mut client = greet(&world);
    let method = [&[0x02, 4][..], b"HEAD", &[0x86, 0x84, 0x41, 1, b'a']].concat();
    client.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &method)).unwrap();
    let frames = frames_until(&mut client, 1);
    assert!(frames.iter().any(|(kind, flags, ..)| *kind == HEADERS && flags & END_STREAM != 0), "{frames:?}");
    assert!(!frames.iter().any(|(kind, ..)| *kind == DATA), "{frames:?}");
    let answer = world.ask("HEAD", "a", "/", &[]);
    assert_eq!((answer.status, &*answer.body), (404, ""));
    assert!(answer.header("content-length").is_some_and(|length| length != "0"));
}

/// The first bytes decide between the versions, however they are cut, and nobody may take long over them.
#[test]
fn first_bytes_may_come_one_by_one() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.header_read = Duration::from_millis(1500);
    });
    let send = |bytes: &[u8]| {
        let mut client = world.connect();
        for byte in bytes {
            client.write_all(&[*byte]).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        client
    };
    let mut client = send(b"PUT /put HTTP/1.1\r\nhost: h\r\n\r\n");
    read_answer(&mut client).saw("PUT /put HTTP/1.1");
    let mut client = send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.write_all(&[frame(SETTINGS, 0, 0, &[]), get(1, "/")].concat()).unwrap();
    assert!(frames_until(&mut client, 1).iter().any(|(kind, _, on, _)| (*kind, *on) == (DATA, 1)));
    let start = Instant::now();
    assert_eq!(send(b"PR").read(&mut [0; 16]).unwrap(), 0);
    assert!((1400..4000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

/// What is left of a response in our buffers, when nobody takes it, does not keep the connection.
#[test]
fn the_last_bytes_of_a_response_are_not_held_for_ever() {
    let origin = raw_origin(|mut stream| {
        while let Some(size) = read_head(&mut stream).split(['/', ' ']).nth(2).and_then(|n| n.parse::<usize>().ok()) {
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes()).unwrap();
            let _ = stream.write_all(&vec![0; size]);
        }
    });
    let entities = vec![
        backend("sized", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("sized")]),
    ];
    let world = World::start_with(&[""], entities, |options| {
        options.limits.stream_idle = Duration::from_millis(500);
        options.limits.http_idle = Duration::from_millis(1500);
    });
    let clients: Vec<_> = (0..80)
        .map(|n| {
            let mut client = world.connect();
            client.write_all(format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", n * (50 << 10)).as_bytes()).unwrap();
            client
        })
        .collect();
    let until = Instant::now() + Duration::from_secs(15);
    std::thread::sleep(Duration::from_millis(200));
    while world.proxy.connections() > 0 {
        assert!(Instant::now() < until, "{} connections are still open", world.proxy.connections());
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(clients);
}

/// A tunnel of which one side is left lasts no longer than the limit for such.
#[test]
fn half_a_tunnel_ends() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_secs(30));
    });
    let entities = vec![
        backend("raw", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("raw")]),
    ];
    let world = World::start_with(&[""], entities, |options| options.limits.half_closed = Duration::from_millis(500));
    let mut client = world.connect();
    client.write_all(b"GET /half HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n").unwrap();
    assert_eq!(Answer::parse(&read_head(&mut client)).status, 101);
    client.shutdown(Shutdown::Write).unwrap();
    let start = Instant::now();
    assert_eq!(client.read(&mut [0; 16]).unwrap_or(0), 0);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(world.log_line(|line| line["path"] == "/half")["status"], 101);
}

/// `X_Forwarded_For` is `X-Forwarded-For` to an origin after the manner of CGI.
#[test]
fn underscores_do_not_pass_for_headers_of_the_gateway() {
    let set = HeaderEdit { set: vec![("x-user".into(), "me".into())], add: vec![], remove: vec!["x-admin".into()] };
    let rules = vec![Rule::prefix("/").to("echo").filter(HttpFilter::RequestHeaders(set))];
    let world = World::start(&[""], simple(rules));
    let names = ["X_Forwarded_For", "x-forwarded_proto", "X_FORWARDED_HOST", "x_user", "x_admin", "x_other", "_"];
    let answer = world.ask("GET", "h", "/", &names.map(|name| (name, "evil")));
    for gone in ["x_f", "x-forwarded_", "x_user", "x_admin"] {
        answer.saw_no(gone);
    }
    for there in ["x_other: evil", "_: evil", "x-user: me", "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"] {
        answer.saw(there);
    }
}

#[test]
fn the_log_takes_no_more_of_a_request_than_tells_it_apart() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let path = format!("/long{}", "x".repeat(20_000));
    assert_eq!(world.ask("GET", "h", &path, &[("user-agent", &"u".repeat(20_000))]).status, 200);
    let line = world.log_line(|line| line["path"].as_str().is_some_and(|path| path.starts_with("/long")));
    assert!(line.to_string().len() < 5000, "{line}");
}

/// Hosts as RFC 3986 lets them be written.
#[test]
fn hosts_are_told_apart_in_every_spelling() {
    let entities = vec![
        backend("echo", AppProtocol::Default, &[echo("echo")]),
        route(
            "any",
            &[(0, &["*.example.com", "example.com", "xn--bcher-kva.example", "[::1]", "127.0.0.1"])],
            vec![Rule::prefix("/").to("echo")],
        ),
    ];
    let world = World::start(&[""], entities);
    for (host, status) in [
        ("example.com", 200),
        ("EXAMPLE.com:65535", 200),
        ("example.com.", 200),
        ("example.com.:80", 200),
        ("a.b.example.com", 200),
        ("xn--Bcher-KVA.example", 200),
        ("[::1]:80", 200),
        ("127.0.0.1", 200),
        (".example.com", 404),
        ("example.com..", 404),
        ("notexample.com", 404),
        (".", 404),
        ("", 404),
        ("bücher.example", 400),
        ("u@example.com", 400),
        ("example.com:http", 400),
        ("example.com:-1", 400),
        ("example.com,b", 400),
        ("[::1", 400),
        ("::1", 400),
        ("exa mple.com", 400),
    ] {
        assert_eq!(world.get(host, "/").status, status, "{host:?}");
    }
}
