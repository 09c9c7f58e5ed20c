//! Requests that are sent again (GEP-1731), and those that must not be.
use crate::support::*;
use snapshot::{AppProtocol, Backend, Entity, RetryConstraint, Traffic};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// What an origin does with the requests that it gets, one after the other; the last one for all that follow.
#[derive(Clone, Copy)]
enum Act {
    Answer(u16),
    /// Closes the connection once it has read the request.
    Hang,
    /// Says nothing for so many milliseconds.
    Wait(u64),
    /// Answers as gRPC does that it cannot.
    Unavailable,
}

/// An origin, and how many requests it has got.
fn acts(acts: &'static [Act]) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let origin = raw_origin(move |mut stream| {
        loop {
            let head = read_head(&mut stream);
            if head.is_empty() {
                return;
            }
            let length = |line: &str| line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap());
            let mut body = vec![0; head.lines().find_map(length).unwrap_or(0)];
            if head.contains("transfer-encoding: chunked") {
                body = read_chunks(&mut stream);
            } else if stream.read_exact(&mut body).is_err() {
                return;
            }
            let at = counted.fetch_add(1, SeqCst);
            let mut status = match acts[at.min(acts.len() - 1)] {
                Act::Hang => return,
                Act::Answer(status) => status.to_string(),
                Act::Unavailable => "200 OK\r\ngrpc-status: 14".into(),
                Act::Wait(millis) => {
                    std::thread::sleep(Duration::from_millis(millis));
                    "200".into()
                }
            };
            if !status.contains(' ') {
                status += " x";
            }
            let text = format!("{} {}", body.len(), body.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (origin, count)
}

fn read_chunks(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..length]);
        if length == 0 {
            return body;
        }
    }
}

fn world(origins: &[SocketAddr], rules: Vec<Rule>) -> World {
    World::start(&[""], vec![backend("b", AppProtocol::Default, origins), route("route", &[(0, &[""])], rules)])
}

fn one(acts_of_origin: &'static [Act], rule: Rule) -> (World, Arc<AtomicUsize>) {
    let (origin, count) = acts(acts_of_origin);
    (world(&[origin], vec![rule.to("b")]), count)
}

#[test]
fn named_statuses_are_tried_again_as_often_as_the_rule_says() {
    use Act::Answer;
    for (script, attempts, status, requests) in [
        (&[Answer(500), Answer(503), Answer(200)][..], 3, 200, 3),
        (&[Answer(500)], 2, 500, 3),
        (&[Answer(500), Answer(200)], 0, 500, 1),
        (&[Answer(502), Answer(200)], 3, 502, 1),
        (&[Answer(500), Answer(502), Answer(200)], 3, 502, 2),
        (&[Act::Unavailable, Answer(200)], 1, 200, 2),
    ] {
        let (world, count) = one(script, Rule::prefix("/").retry(&[500, 503], attempts));
        // Codes are for any method.
        assert_eq!(world.ask("POST", "h", "/", &[]).status, status);
        assert_eq!(count.load(SeqCst), requests);
        let line = world.log_line(|line| line["path"] == "/");
        let retries = line["retries"].as_u64().unwrap_or_default() as usize;
        assert_eq!((retries + 1, &line["status"]), (requests, &status.into()), "{line}");
    }
}

#[test]
fn the_body_is_sent_again_as_it_was_unless_it_is_too_long() {
    let rule = || Rule::prefix("/").retry(&[503], 2);
    let small: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
    let sum = |bytes: &[u8]| format!("{} {}", bytes.len(), bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    let post = |world: &World, body: &[u8], chunked: bool| {
        let mut request = b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n".to_vec();
        if chunked {
            request.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for part in body.chunks(7000) {
                request.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                request.extend_from_slice(part);
                request.extend_from_slice(b"\r\n");
            }
            request.extend_from_slice(b"0\r\n\r\n");
        } else {
            request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            request.extend_from_slice(body);
        }
        Answer::parse(&world.raw(request))
    };
    for chunked in [false, true] {
        let script = &[Act::Answer(503), Act::Answer(503), Act::Answer(200)];
        let (world, count) = one(script, rule());
        let answer = post(&world, &small, chunked);
        assert_eq!((answer.status, answer.body, count.load(SeqCst)), (200, sum(&small), 3));
        let line = world.log_line(|line| line["path"] == "/");
        assert_eq!(line["bytes_received"], small.len(), "counted once: {line}");
    }
    let long = vec![b'x'; 200_000];
    for chunked in [false, true] {
        let (world, count) = one(&[Act::Answer(503), Act::Answer(200)], rule());
        let answer = post(&world, &long, chunked);
        assert_eq!((answer.status, answer.body, count.load(SeqCst)), (503, sum(&long), 1), "passes whole, once");
    }
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    let rule = || Rule::prefix("/").retry(&[500], 2);
    let (world, count) = one(&[Act::Hang, Act::Answer(200)], rule());
    assert_eq!(world.ask("POST", "h", "/", &[]).status, 502);
    assert_eq!(count.load(SeqCst), 1);
    let (world, count) = one(&[Act::Hang, Act::Answer(200)], rule());
    assert_eq!(world.get("h", "/").status, 200, "a GET twice is a GET once");
    assert_eq!(count.load(SeqCst), 2);
}

#[test]
fn a_refused_stream_is_sent_again_whatever_the_method() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin = listener.local_addr().unwrap();
    background(move || async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut requests = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                requests += 1;
                if requests == 1 {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    respond.send_response(http::Response::new(()), true).unwrap();
                }
            }
        }
    });
    let rules = vec![Rule::prefix("/").to("b").retry(&[], 1)];
    let world =
        World::start(&[""], vec![backend("b", AppProtocol::H2c, &[origin]), route("route", &[(0, &[""])], rules)]);
    let answer = world.raw("POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody");
    assert_eq!(Answer::parse(&answer).status, 200);
    assert_eq!(world.log_line(|line| line["path"] == "/")["retries"], 1);
}

#[test]
fn a_retry_goes_to_another_endpoint_also_where_none_listens() {
    let (bad, bad_count) = acts(&[Act::Answer(503)]);
    let (good, _) = acts(&[Act::Answer(200)]);
    let world = world(&[bad, good], vec![Rule::prefix("/").to("b").retry(&[503], 1)]);
    for _ in 0..10 {
        assert_eq!(world.get("h", "/").status, 200);
    }
    assert!(bad_count.load(SeqCst) >= 3);

    let nobody: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let dead = [nobody, nobody];
    let world = self::world(&[dead[0], good], vec![Rule::prefix("/").to("b").retry(&[], 1)]);
    for _ in 0..10 {
        assert_eq!(world.get("h", "/").status, 200, "no code is needed for a connection that does not come about");
    }
    let world = self::world(&[dead[0]], vec![Rule::prefix("/").to("b").retry(&[], 2)]);
    assert_eq!(world.get("h", "/").status, 502);
    assert_eq!(world.log_line(|line| line["path"] == "/")["retries"], 2);
}

#[test]
fn each_time_has_its_own_timeout_and_all_of_them_have_one() {
    let script = &[Act::Wait(3000), Act::Answer(200)];
    let (world, _) = one(script, Rule::prefix("/").retry(&[], 1).timeouts(Some(5000), Some(300)));
    let start = Instant::now();
    assert_eq!(world.get("h", "/").status, 200);
    assert!((300..2500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let (world, _) = one(&[Act::Wait(3000)], Rule::prefix("/").retry(&[], 50).timeouts(Some(700), Some(200)));
    let start = Instant::now();
    assert_eq!(world.get("h", "/").status, 504);
    assert!((700..2500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(world.log_line(|line| line["path"] == "/")["flags"], "REQUEST_TIMEOUT");
}

#[test]
fn a_budget_answers_503_once_it_is_spent() {
    let (origin, count) = acts(&[Act::Answer(500)]);
    let Entity::Backend(from) = backend("b", AppProtocol::Default, &[origin]) else { unreachable!() };
    let (interval, min_interval) = (Duration::from_secs(60), Duration::from_secs(60));
    let constraint = RetryConstraint { percent: 0, interval, min_count: 3, min_interval };
    let traffic = Traffic { session: None, retry_constraint: Some(constraint) };
    let with = Backend { traffic: Some(Box::new(traffic)), ..Clone::clone(&from) };
    let rules = vec![Rule::prefix("/").to("b").retry(&[500], 1)];
    let mut world =
        World::start(&[""], vec![Entity::Backend(Arc::new(with.clone())), route("route", &[(0, &[""])], rules)]);
    let statuses: Vec<u16> = (0..5).map(|_| world.get("h", "/").status).collect();
    assert_eq!(statuses, [500, 500, 500, 503, 503]);
    assert_eq!(count.load(SeqCst), 8);
    assert_eq!(world.log_line(|line| line["status"] == 503)["flags"], "RETRY_BUDGET");
    // What has been spent stays spent when something else changes.
    let changed = Backend { endpoints: with.endpoints.iter().chain(&with.endpoints).cloned().collect(), ..with };
    world.apply(vec![Entity::Backend(Arc::new(changed))]);
    assert_eq!(world.get("h", "/").status, 503);
}

#[test]
fn no_more_retries_are_under_way_than_may_be() {
    let (origin, count) = acts(&[Act::Answer(500)]);
    let rules = vec![Rule::prefix("/").to("b").retry(&[500], 3)];
    let entities = vec![backend("b", AppProtocol::Default, &[origin]), route("route", &[(0, &[""])], rules)];
    let world = World::start_with(&[""], entities, |options| options.limits.retries = 0);
    assert_eq!(world.get("h", "/").status, 500);
    assert_eq!(count.load(SeqCst), 1);
}
