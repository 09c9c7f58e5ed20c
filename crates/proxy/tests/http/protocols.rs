//! HTTP/2 on both sides, gRPC's way of using it, and the connections to backends.

use crate::support::*;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty, Full, channel::Channel};
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use snapshot::AppProtocol;
use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

async fn h2<B>(world: &World) -> http2::SendRequest<B>
where
    B: http_body::Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    let (sender, connection) = http2::handshake(Local, TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(async move { drop(connection.await) });
    sender
}

async fn text(response: http::Response<hyper::body::Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn both() -> World {
    let entities = vec![
        backend("h1", AppProtocol::Default, &[echo("h1")]),
        backend("h2c", AppProtocol::H2c, &[echo_h2c("h2c")]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").header("to", "h1").to("h1"), Rule::prefix("/").to("h2c")]),
    ];
    World::start(&[""], entities)
}

#[test]
fn http2_and_http1_meet_in_every_way() {
    let world = both();
    let answer = world.get("a:1", "/x?y");
    answer.saw("GET http://a:1/x?y HTTP/2.0");
    answer.saw("x-forwarded-host: a:1");
    block_on(async {
        let mut sender = h2::<Full<Bytes>>(&world).await;
        let request = |to: &str| {
            let request = Request::post("http://a:1/x?y").version(Version::HTTP_2).header("to", to);
            let request = request.header("cookie", "a=1").header("cookie", "b=2");
            request.body(Full::from("body")).unwrap()
        };
        let response = sender.send_request(request("h1")).await.unwrap();
        assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
        assert!(!response.headers().contains_key("connection"));
        let seen = text(response).await;
        for line in ["POST /x?y HTTP/1.1", "host: a:1", "cookie: a=1; b=2", "body=body", "content-length: 4"] {
            assert!(seen.lines().any(|l| l == line), "{line} in {seen}");
        }
        let seen = text(sender.send_request(request("h2c")).await.unwrap()).await;
        assert!(seen.contains("POST http://a:1/x?y HTTP/2.0\n") && seen.contains("body=body"), "{seen}");
        // A Host that differs from :authority.
        let mut bad = request("h1");
        bad.headers_mut().insert("host", "b".parse().unwrap());
        assert_eq!(sender.send_request(bad).await.unwrap().status(), StatusCode::BAD_REQUEST);
    });
    let line = world.log_line(|line| line["protocol"] == "HTTP/2");
    assert_eq!(line["bytes_received"], 4);
}

#[test]
fn grpc_streams_both_ways_and_ends_with_trailers() {
    let world = both();
    block_on(async {
        let mut sender = h2::<Channel<Bytes, std::convert::Infallible>>(&world).await;
        let (mut body, channel) = Channel::new(4);
        let request =
            Request::post("http://a/grpc").header("te", "trailers").header("content-type", "application/grpc");
        let mut response = sender.send_request(request.body(channel).unwrap()).await.unwrap();
        for message in ["one", "two", "three"] {
            body.send_data(Bytes::from(message)).await.unwrap();
            // Each comes back before the next is sent: nothing is held.
            let frame = response.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), message);
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-end", "1".parse().unwrap());
        body.send_trailers(trailers).await.unwrap();
        drop(body);
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_trailers().unwrap()["grpc-status"], "0");
        assert!(response.body_mut().frame().await.is_none());
    });
    let line = world.log_line(|line| line["path"] == "/grpc");
    assert_eq!((&line["status"], &line["flags"]), (&200.into(), &serde_json::Value::Null));
    assert_eq!((&line["bytes_received"], &line["bytes_sent"]), (&11.into(), &11.into()));
}

#[test]
fn many_streams_share_one_backend_connection() {
    let world = both();
    block_on(async {
        let sender = h2::<Empty<Bytes>>(&world).await;
        let mut tasks = Vec::new();
        for _ in 0..50 {
            let mut sender = sender.clone();
            tasks.push(tokio::task::spawn_local(async move {
                let request = Request::get("http://a/").body(Empty::new()).unwrap();
                text(sender.send_request(request).await.unwrap()).await
            }));
        }
        for task in tasks {
            let seen = task.await.unwrap();
            assert!(seen.contains("connection=1\n"), "{seen}");
        }
    });
}

#[test]
fn a_client_that_resets_many_streams_is_cut() {
    let world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.limits.h2_resets_per_second = 20;
    });
    block_on(async {
        let mut sender = h2::<Empty<Bytes>>(&world).await;
        let mut sent = 0;
        while !sender.is_closed() && sent < 500 {
            if sender.ready().await.is_err() {
                break;
            }
            let request = Request::get("http://a/slow").body(Empty::new()).unwrap();
            let response = sender.send_request(request);
            drop(tokio::time::timeout(Duration::from_millis(10), response).await);
            sent += 1;
        }
        assert!(sent < 200, "{sent}");
    });
    assert_eq!(world.get("h", "/").status, 200);
}

/// An origin whose connections die after one response without saying so in it.
#[test]
fn a_dead_kept_connection_is_replaced_where_that_is_safe() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let origin = raw_origin(move |mut stream| {
        read_head(&mut stream);
        count.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        // The second request on this connection is read and not answered.
        let _ = stream.read(&mut [0; 1024]);
        count.fetch_add(100, Ordering::Relaxed);
    });
    let entities = vec![
        backend("raw", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("raw")]),
    ];
    let world = World::start(&[""], entities);
    let ask = |method: &str| world.ask(method, "h", "/", &[("content-length", "0")]).status;
    assert_eq!(ask("GET"), 200);
    // Repeated on a new connection, as GET may be; POST may not.
    assert_eq!(ask("GET"), 200);
    assert_eq!(served.load(Ordering::Relaxed), 102);
    assert_eq!(ask("POST"), 502);
    assert_eq!(served.load(Ordering::Relaxed), 202);
    assert_eq!(ask("POST"), 200);
}

#[test]
fn an_endpoint_that_is_down_is_passed_over() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let entities = vec![
        backend("half", AppProtocol::Default, &[closed, echo("alive")]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("half")]),
    ];
    let world = World::start(&[""], entities);
    for _ in 0..4 {
        assert_eq!(world.get("h", "/").status, 200);
    }
}

#[test]
fn trailers_pass_in_http1() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let request = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, host\r\n\r\n1\r\nx\r\n0\r\nx-sum: 1\r\nhost: evil\r\n\r\n";
    let answer = Answer::parse(&world.raw(request));
    answer.saw("trailer x-sum: 1");
    answer.saw_no("trailer host");
    let request =
        "POST /grpc HTTP/1.1\r\nhost: a\r\nconnection: close, te\r\nte: trailers\r\ncontent-length: 1\r\n\r\nx";
    assert!(world.raw(request).contains("0\r\ngrpc-status: 0\r\n\r\n"));
}

#[test]
fn large_bodies_pass_in_both_directions() {
    let world = both();
    let large: String = (0..300_000).map(|n| format!("{n:08}\u{20}")).collect();
    block_on(async {
        let mut sender = h2::<Full<Bytes>>(&world).await;
        for to in ["h1", "h2c"] {
            let request = Request::post("http://a/").header("to", to).body(Full::from(large.clone())).unwrap();
            let seen = text(sender.send_request(request).await.unwrap()).await;
            assert!(seen.contains(&format!("body={large}\n")), "{to}: {}", seen.len());
        }
    });
    let head =
        format!("POST / HTTP/1.1\r\nhost: a\r\nto: h1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", large.len());
    assert!(world.raw(head + &large).contains(&format!("body={large}\n")));
    let line = world.log_line(|line| line["protocol"] == "HTTP/1.1");
    assert_eq!(line["bytes_received"], large.len());
}

/// A backend that answers before it has read the request: the client gets the answer.
#[test]
fn an_early_answer_passes() {
    let origin = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno").unwrap();
        std::thread::sleep(Duration::from_millis(500));
    });
    let entities = vec![
        backend("raw", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("raw")]),
    ];
    let world = World::start(&[""], entities);
    let mut client = world.connect();
    client.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nbegin").unwrap();
    let answer = read_answer(&mut client);
    assert_eq!((answer.status, &*answer.body), (413, "no"));
    block_on(async {
        let mut sender = h2::<Channel<Bytes, std::convert::Infallible>>(&world).await;
        let (mut body, channel) = Channel::new(1);
        body.send_data(Bytes::from("begin")).await.unwrap();
        let response = sender.send_request(Request::post("http://a/").body(channel).unwrap()).await.unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(text(response).await, "no");
    });
}

#[test]
fn a_drain_sends_goaway_and_lets_streams_end() {
    let world = both();
    std::thread::scope(|scope| {
        let world = &world;
        let client = scope.spawn(move || {
            block_on(async {
                let mut sender = h2::<Empty<Bytes>>(world).await;
                let request = Request::get("http://a/slow").body(Empty::new()).unwrap();
                let status = sender.send_request(request).await.unwrap().status();
                // GOAWAY has been read by now.
                tokio::time::sleep(Duration::from_millis(50)).await;
                (status, sender.is_closed())
            })
        });
        std::thread::sleep(Duration::from_millis(500));
        let drained = world.proxy.drain(Duration::from_secs(5));
        assert_eq!(drained.cut, 0);
        assert_eq!(client.join().unwrap(), (StatusCode::OK, true));
    });
}

/// A client that leaves takes its request to the backend with it.
#[test]
fn a_client_that_leaves_frees_the_backend() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let origin = raw_origin(move |mut stream| {
        read_head(&mut stream);
        let _ = stream.read(&mut [0]);
        sender.send(()).unwrap();
    });
    let entities = vec![
        backend("raw", AppProtocol::Default, &[origin]),
        route("route", &[(0, &[""])], vec![Rule::prefix("/").to("raw")]),
    ];
    let world = World::start(&[""], entities);
    let mut client = world.connect();
    client.write_all(b"GET /left HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(client);
    receiver.recv_timeout(Duration::from_secs(2)).unwrap();
    let line = world.log_line(|line| line["path"] == "/left");
    assert_eq!((&line["status"], &line["flags"]), (&499.into(), &"CLIENT_GONE".into()));
}

/// A browser with many cookies sends each as a field of its own.
#[test]
fn the_pieces_of_a_cookie_are_one_field() {
    let world = both();
    block_on(async {
        let mut sender = h2::<Empty<Bytes>>(&world).await;
        let request = (0..180).fold(Request::get("http://a/").header("to", "h1"), |request, n| {
            request.header("cookie", format!("c{n}=1"))
        });
        let response = sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(text(response).await.contains("c178=1; c179=1\n"));
        let request = (0..180).fold(Request::get("http://a/"), |request, n| request.header(format!("x-{n}"), "1"));
        let response = sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    });
}

/// HTTP/1.0 knows requests without a host; HTTP/2 does not.
#[test]
fn a_request_without_host_reaches_backends_of_both_versions() {
    let world = both();
    for to in ["h1", "h2c"] {
        let answer = Answer::parse(&world.raw(format!("GET /x HTTP/1.0\r\nto: {to}\r\n\r\n")));
        assert_eq!(answer.status, 200, "{to} {answer:?}");
    }
}
