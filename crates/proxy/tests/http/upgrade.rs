use crate::support::*;
use snapshot::{AppProtocol, Entity};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    time::Duration,
};

const REQUEST: &[u8] =
    b"GET /ws HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n";

fn world(origin: SocketAddr) -> World {
    let entities: Vec<Entity> = vec![
        backend("ws", AppProtocol::WebSocket, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("ws")]),
    ];
    World::start(&[""], entities)
}

fn echo_bytes(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        stream.write_all(&buffer[..length]).unwrap();
    }
}

#[test]
fn a_switched_connection_carries_bytes_both_ways() {
    let (sender, receiver) = mpsc::channel();
    let origin = raw_origin(move |mut stream| {
        sender.send(read_head(&mut stream)).unwrap();
        let head =
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-ws: 1\r\n\r\nhello";
        stream.write_all(head).unwrap();
        echo_bytes(&mut stream);
    });
    let world = world(origin);
    let mut client = world.connect();
    client.write_all(REQUEST).unwrap();
    let head = Answer::parse(&read_head(&mut client));
    assert_eq!((head.status, head.header("upgrade"), head.header("x-ws")), (101, Some("websocket"), Some("1")));
    assert!(head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")));
    let mut buffer = [0; 5];
    client.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"hello");
    client.write_all(b"12345").unwrap();
    client.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"12345");
    drop(client);
    let head = receiver.recv_timeout(Duration::from_secs(2)).unwrap();
    for line in ["connection: upgrade\r\n", "upgrade: websocket\r\n", "sec-websocket-key: k\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    let line = world.log_line(|line| line["path"] == "/ws");
    assert_eq!((&line["status"], &line["bytes_received"], &line["bytes_sent"]), (&101.into(), &5.into(), &10.into()));
    assert_eq!(line["flags"], serde_json::Value::Null);
}

/// CVE-2026-2833: what a client sends behind its Upgrade is kept until the backend has switched.
#[test]
fn early_bytes_wait_for_the_101() {
    let (sender, receiver) = mpsc::channel();
    let origin = raw_origin(move |mut stream| {
        read_head(&mut stream);
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let early = stream.read(&mut [0; 64]).ok();
        sender.send(early).unwrap();
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n").unwrap();
        echo_bytes(&mut stream);
    });
    let world = world(origin);
    let mut client = world.connect();
    client.write_all(REQUEST).unwrap();
    client.write_all(b"GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert_eq!(receiver.recv_timeout(Duration::from_secs(2)).unwrap(), None);
    assert_eq!(Answer::parse(&read_head(&mut client)).status, 101);
    assert!(read_head(&mut client).starts_with("GET /smuggled"));
}

/// The backend does not switch: what follows is a request like any other, matched and logged.
#[test]
fn a_refused_upgrade_leaves_http() {
    let origin = raw_origin(|mut stream| {
        while read_head(&mut stream).ends_with("\r\n\r\n") {
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    let world = world(origin);
    let mut client = world.connect();
    client.write_all(REQUEST).unwrap();
    client.write_all(b"GET /next HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut client).status, 403);
    assert_eq!(read_answer(&mut client).status, 403);
    assert_eq!(world.log_line(|line| line["path"] == "/next")["status"], 403);
}

#[test]
fn a_switch_that_nobody_asked_for_is_an_error() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 64]);
    });
    let world = world(origin);
    assert_eq!(world.get("h", "/").status, 502);
    // h2c is never offered to backends.
    let request =
        "GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n\r\n";
    assert!(world.raw(request).starts_with("HTTP/1.1 502"));
}

#[test]
fn an_open_tunnel_ends_with_the_drain() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n").unwrap();
        echo_bytes(&mut stream);
    });
    let world = world(origin);
    let mut client = world.connect();
    client.write_all(REQUEST).unwrap();
    assert_eq!(Answer::parse(&read_head(&mut client)).status, 101);
    let drained = world.proxy.drain(Duration::from_millis(600));
    assert_eq!((drained.open, drained.cut), (1, 1));
    drop(world);
    // A Close with 1001, and no more: the client never answers it.
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert_eq!(rest, [0x88, 2, 0x03, 0xe9]);
}
