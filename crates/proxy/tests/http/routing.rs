use crate::support::*;
use snapshot::{AppProtocol, PathMatch};
use std::{io::Write, net::TcpListener};

#[test]
fn hosts_paths_and_headers_choose_the_rule() {
    let entities = vec![
        backend("one", AppProtocol::Default, &[echo("one")]),
        backend("two", AppProtocol::Default, &[echo("two")]),
        route("a", &[(0, &["a.example.com"])], vec![Rule::prefix("/one").to("one")]),
        route(
            "b",
            &[(0, &["*.example.com"])],
            vec![
                Rule::prefix("/").to("two"),
                Rule::prefix("/one").header("x-a", "1").to("one"),
                Rule::path(PathMatch::Exact("/exact".into())).to("one"),
                Rule::path(PathMatch::Regex("/[0-9]+".into())).to("one"),
            ],
        ),
    ];
    let world = World::start(&[""], entities);
    let name = |host, path, headers: &[_]| {
        let answer = world.ask("GET", host, path, headers);
        answer.header("x-origin").map_or_else(|| answer.status.to_string(), str::to_owned)
    };
    assert_eq!(name("a.example.com", "/one/x?y", &[]), "one");
    assert_eq!(name("A.Example.COM:99", "/one", &[]), "one");
    // What no match of the more specific hostname takes, the less specific one serves.
    assert_eq!(name("a.example.com", "/onex", &[]), "two");
    assert_eq!(name("b.example.com", "/one", &[]), "two");
    assert_eq!(name("b.example.com", "/one", &[("x-a", "1")]), "one");
    assert_eq!(name("b.example.com", "/exact", &[]), "one");
    assert_eq!(name("b.example.com", "/123", &[]), "one");
    assert_eq!(name("b.example.com", "/12x", &[]), "two");
    assert_eq!(name("example.com", "/", &[]), "404");
    assert_eq!(name("other", "/", &[]), "404");
}

#[test]
fn the_most_specific_listener_decides_alone() {
    let entities = vec![
        backend("one", AppProtocol::Default, &[echo("one")]),
        route("any", &[(0, &[""])], vec![Rule::prefix("/any").to("one")]),
        route("wild", &[(1, &["*.example.com"])], vec![Rule::prefix("/wild").to("one")]),
        route("exact", &[(2, &["a.example.com"])], vec![Rule::prefix("/exact").to("one")]),
    ];
    let world = World::start(&["", "*.example.com", "a.example.com"], entities);
    for (host, right) in [("x.org", "/any"), ("b.example.com", "/wild"), ("a.example.com", "/exact")] {
        for path in ["/any", "/wild", "/exact"] {
            let expected = if path == right { 200 } else { 404 };
            assert_eq!(world.get(host, path).status, expected, "{host}{path}");
        }
    }
    let line = world.log_line(|line| line["path"] == "/exact" && line["status"] == 200);
    assert_eq!(line["listener"], "ns/gateway/l2");
    let world = World::start(&["a.example.com"], vec![]);
    assert_eq!(world.get("b.example.com", "/").status, 404);
    assert_eq!(world.log_line(|line| line["status"] == 404)["flags"], "NO_LISTENER");
}

#[test]
fn errors_have_the_codes_of_the_gateway_api() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let garbage = raw_origin(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"SSH-2.0-no\r\n\r\n").unwrap();
    });
    let entities = vec![
        backend("none", AppProtocol::Default, &[]),
        backend("closed", AppProtocol::Default, &[closed]),
        backend("garbage", AppProtocol::Default, &[garbage]),
        route(
            "route",
            &[(0, &[""])],
            vec![
                Rule::prefix("/none").to("none"),
                Rule::prefix("/closed").to("closed"),
                Rule::prefix("/garbage").to("garbage"),
                Rule::prefix("/invalid").invalid(1),
                Rule::prefix("/missing").to("missing"),
                Rule::prefix("/empty"),
                Rule::prefix("/zero").weighted("closed", 0, vec![]),
                Rule::prefix("/unserved").to("closed").unserved(),
            ],
        ),
    ];
    let world = World::start(&[""], entities);
    for (path, status, flag, blame) in [
        ("/none", 503, "NO_ENDPOINT", "upstream"),
        ("/closed", 502, "UPSTREAM_CONNECT", "upstream"),
        ("/garbage", 502, "UPSTREAM_RESPONSE", "upstream"),
        ("/invalid", 500, "INVALID_BACKEND", "gateway"),
        ("/missing", 500, "INVALID_BACKEND", "gateway"),
        ("/empty", 500, "INVALID_BACKEND", "gateway"),
        ("/zero", 500, "INVALID_BACKEND", "gateway"),
        ("/unserved", 500, "RULE_UNSERVED", "gateway"),
        ("/else", 404, "NO_ROUTE", "client"),
    ] {
        assert_eq!(world.get("h", path).status, status, "{path}");
        let line = world.log_line(|line| line["path"] == path);
        assert_eq!((&line["flags"], &line["blame"]), (&flag.into(), &blame.into()), "{path}");
    }
}

#[test]
fn weights_share_requests_and_invalid_backends_have_their_part() {
    let entities = vec![
        backend("one", AppProtocol::Default, &[echo("one")]),
        backend("two", AppProtocol::Default, &[echo("two")]),
        route(
            "route",
            &[(0, &[""])],
            vec![Rule::prefix("/").weighted("one", 5, vec![]).weighted("two", 3, vec![]).invalid(2)],
        ),
    ];
    let world = World::start(&[""], entities);
    let mut client = world.connect();
    let mut counts = [0; 3];
    for _ in 0..100 {
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        let answer = read_answer(&mut client);
        let which = match answer.header("x-origin") {
            Some("one") => 0,
            Some("two") => 1,
            _ => 2,
        };
        counts[which] += 1;
    }
    for (count, expected) in counts.into_iter().zip([50_i32, 30, 20]) {
        assert!((count - expected).abs() <= 2, "{counts:?}");
    }
}

#[test]
fn a_connection_sees_new_routes_at_once_and_stays_open() {
    let mut world = World::start(&[""], simple(vec![Rule::prefix("/old").to("echo")]));
    let mut client = world.connect();
    let mut ask = |path: &str| {
        client.write_all(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).unwrap();
        read_answer(&mut client).status
    };
    assert_eq!((ask("/old"), ask("/new")), (200, 404));
    world.apply(vec![route("route", &[(0, &[""])], vec![Rule::prefix("/new").to("echo")])]);
    assert_eq!((ask("/old"), ask("/new")), (404, 200));
    world.apply(vec![route("other", &[(0, &["other"])], vec![Rule::prefix("/").to("echo")])]);
    assert_eq!((ask("/old"), ask("/new")), (404, 200));
}

#[test]
fn the_access_log_has_one_line_per_request_and_no_query() {
    let world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    world.ask("POST", "h:80", "/x?secret=1", &[("user-agent", "test"), ("content-length", "0")]);
    let line = world.log_line(|line| line["path"] == "/x");
    for (field, value) in [
        ("kind", "http"),
        ("protocol", "HTTP/1.1"),
        ("method", "POST"),
        ("host", "h:80"),
        ("route", "ns/route"),
        ("rule", "0"),
        ("backend", "Service/ns/echo:80"),
        ("user_agent", "test"),
        ("listener", "ns/gateway/l0"),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    assert_eq!(line["status"], 200);
    assert_eq!(line["flags"], serde_json::Value::Null);
    assert!(line["bytes_sent"].as_u64().unwrap() > 0 && line["duration_ms"].as_f64().unwrap() > 0.0);
    assert!(!line.to_string().contains("secret"));
}

#[test]
fn requests_are_counted_per_listener_route_and_backend() {
    let mut world = World::start_with(&[""], simple(vec![Rule::prefix("/").to("echo")]), |options| {
        options.admin = Some(([127, 0, 0, 1], 0).into());
    });
    for path in ["/", "/", "/status/418", "/status/503"] {
        world.get("h", path);
    }
    let metrics = |world: &World| {
        let mut admin = std::net::TcpStream::connect(world.proxy.admin_address().unwrap()).unwrap();
        admin.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        std::io::read_to_string(admin).unwrap()
    };
    let labels = r#"listener="ns/gateway/l0",route="ns/route",backend="Service/ns/echo:80""#;
    let line = |code: &str, n: u32| format!("sluicegate_http_requests_total{{{labels},code=\"{code}\"}} {n}\n");
    let text = metrics(&world);
    for line in [line("2xx", 2), line("4xx", 1), line("5xx", 1)] {
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    assert!(text.contains(&format!("sluicegate_http_request_duration_seconds_count{{{labels}}} 4\n")), "{text}");
    // Counts outlive a change of the route.
    world.apply(vec![route("route", &[(0, &[""])], vec![Rule::prefix("/new").to("echo")])]);
    world.get("h", "/new");
    assert!(metrics(&world).contains(&line("2xx", 3)));
}

/// What is under way ends as it began, whatever becomes of its route, its backend and its endpoint.
#[test]
fn requests_outlive_their_route_and_backend() {
    let mut world = World::start(&[""], simple(vec![Rule::prefix("/").to("echo")]));
    let mut clients = [world.connect(), world.connect()];
    for client in &mut clients {
        client.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    world.apply(vec![backend("echo", snapshot::AppProtocol::Default, &[])]);
    world.remove(vec![
        snapshot::EntityKey::HttpRoute(snapshot::ObjectName::new("ns", "route")),
        snapshot::EntityKey::Backend(backend_key("echo")),
    ]);
    for client in &mut clients {
        read_answer(client).saw("GET /slow HTTP/1.1");
        client.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        assert_eq!(read_answer(client).status, 404);
    }
}
