//! Filters that talk to others, or answer in the backend's place: RequestMirror, CORS, ExternalAuth, filters of listeners.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use bytes::Bytes;
use common::{Folder, endpoint_slice};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use testkit::authz::AuthServer;
use testkit::grpc::{self, GrpcServer};
use testkit::http::{Http, Response};
use testkit::origin::Origin;
use testkit::{Ca, Sluicegate, free_port};

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

struct Lab {
    gate: Sluicegate,
    http: Http,
    address: SocketAddr,
    /// The listener with filters.
    guarded: Http,
    folder: Folder,
}

/// A Gateway with a plain listener and one that has `filters`, a route with `rules`, and services by name.
fn lab(name: &str, filters: &str, rules: &str, services: &[(&str, Option<&str>, SocketAddr)]) -> Result<Lab> {
    let folder = Folder::new(name)?;
    folder.write(
        "gateway.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluicegate}}
spec: {{controllerName: sluicegate.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: lab}}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - {{name: guarded, port: 81, protocol: HTTP, {filters}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: lab}}
spec:
  parentRefs: [{{name: lab}}]
  rules:
{rules}
"
        ),
    )?;
    for (name, protocol, to) in services {
        let protocol = protocol.map(|protocol| format!(", appProtocol: {protocol}")).unwrap_or_default();
        let yaml = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  ports: [{{name: main, port: 80{protocol}}}]\n---\n{}",
            endpoint_slice("default", name, "main", to.port(), &[Ipv4Addr::LOCALHOST])
        );
        folder.write(&format!("service-{name}.yaml"), &yaml)?;
    }
    let (plain, guarded) = (free_port()?, free_port()?);
    let gate = Sluicegate::run(&[folder.path()])?.port_map(80, plain).port_map(81, guarded).start()?;
    Ok(Lab { gate, http: Http::to(local(plain)), address: local(plain), guarded: Http::to(local(guarded)), folder })
}

impl Lab {
    /// Waits for so many copies with one outcome, and for no more.
    fn wait_mirrored(&mut self, backend: &str, result: &str, wanted: RangeInclusive<u32>) -> Result<()> {
        let labels = [format!("backend=\"Service/default/{backend}:80\""), format!("result=\"{result}\"")];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = self.gate.metric("sluicegate_http_mirrored_requests_total", &labels).unwrap_or_default();
            if seen >= f64::from(*wanted.start()) {
                assert!(seen <= f64::from(*wanted.end()), "{backend} {result}: {seen}, not {wanted:?}");
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < end,
                "{backend} {result}: {seen} of {wanted:?}\n{}",
                self.gate.get("/metrics")?.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn ask(http: &Http, method: &str, path: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Result<Response> {
    let mut request = http::Request::builder().method(method).uri(path).header("host", "lab.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    http.send(request.body(Bytes::from_static(body))?)
}

fn rule(path: &str, filters: &str) -> String {
    format!(
        "  - matches: [{{path: {{value: {path}}}}}]\n    filters:\n{filters}\n    backendRefs: [{{name: main, port: 80}}]\n"
    )
}

fn mirror(backend: &str, share: &str) -> String {
    format!("    - {{type: RequestMirror, requestMirror: {{backendRef: {{name: {backend}, port: 80}}{share}}}}}\n")
}

/// Takes one request with a body of a known length at a time, and hands out what it has read.
fn recorder() -> Result<(SocketAddr, std::sync::mpsc::Receiver<Vec<u8>>)> {
    let listener = TcpListener::bind(local(0))?;
    let (address, (sender, seen)) = (listener.local_addr()?, std::sync::mpsc::channel());
    std::thread::spawn(move || {
        for socket in listener.incoming().take(16) {
            let (Ok(mut socket), sender) = (socket, sender.clone()) else { return };
            std::thread::spawn(move || {
                let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
                let is_whole = |read: &[u8]| {
                    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
                    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    match length {
                        Some(length) => read.len() - head - 4 >= length,
                        None => !text.contains("chunked") || read.ends_with(b"0\r\n\r\n"),
                    }
                };
                while let Ok(count @ 1..) = socket.read(&mut buffer) {
                    read.extend_from_slice(&buffer[..count]);
                    if is_whole(&read) && sender.send(std::mem::take(&mut read)).is_ok() {
                        let _ = socket.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\nno\n");
                    }
                }
            });
        }
    });
    Ok((address, seen))
}

#[test]
fn mirrors_get_copies_and_the_request_never_waits_for_them() -> Result<()> {
    let (main, shadow, third) =
        (Origin::start("main", local(0))?, Origin::start("shadow", local(0))?, Origin::start("third", local(0))?);
    let (recorded, seen) = recorder()?;
    // Takes connections and nothing more.
    let stuck = TcpListener::bind(local(0))?;
    let rules = [
        rule("/copy", &format!("{}{}{}", mirror("shadow", ""), mirror("third", ""), mirror("missing", ""))),
        rule("/share", &format!("{}{}", mirror("shadow", ", percent: 20"), mirror("third", ", fraction: {numerator: 25, denominator: 50}"))),
        rule(
            "/edited",
            &format!(
                "    - {{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: /new}}}}}}\n    \
                 - {{type: RequestHeaderModifier, requestHeaderModifier: {{set: [{{name: x-set, value: a}}], remove: [x-gone]}}}}\n{}",
                mirror("recorded", "")
            ),
        ),
        rule("/bad", &mirror("stuck", "")),
        rule("/dead", &mirror("dead", "")),
    ]
    .concat();
    let mut lab = lab(
        "mirror",
        "",
        &rules,
        &[
            ("main", None, main.address()),
            ("shadow", None, shadow.address()),
            ("third", Some("kubernetes.io/h2c"), third.address()),
            ("recorded", None, recorded),
            ("stuck", None, stuck.local_addr()?),
            ("dead", None, local(free_port()?)),
        ],
    )?;
    // A mirror that does not resolve is left out; the others get what the backend gets, over HTTP/1.1 and HTTP/2.
    for body in [&b""[..], b"some body"] {
        let method = if body.is_empty() { "GET" } else { "POST" };
        for http in [lab.http.clone(), lab.http.clone().http2()] {
            let answer = ask(&http, method, "/copy/x?y=1", &[], body)?;
            assert_eq!((answer.status, answer.header("x-origin")), (200, Some("main")));
        }
    }
    lab.wait_mirrored("shadow", "answered", 4..=4)?;
    lab.wait_mirrored("third", "answered", 4..=4)?;
    assert_eq!((main.requests(), shadow.requests(), third.requests()), (4, 4, 4));
    let status = lab.gate.status()?.to_string();
    assert!(status.contains("BackendNotFound"), "{status}");

    for _ in 0..100 {
        assert_eq!(ask(&lab.http, "GET", "/share", &[], b"")?.status, 200);
    }
    // Evenly spread, so the shares are met by one or two; before them came four copies to each.
    lab.wait_mirrored("shadow", "answered", 23..=26)?;
    lab.wait_mirrored("third", "answered", 52..=56)?;

    let answer = ask(&lab.http, "POST", "/edited/p?q", &[("x-gone", "1")], b"{\"a\": 1}")?;
    assert_eq!((answer.status, &answer.json()?["path"]), (200, &"/new/p?q".into()));
    let copy = String::from_utf8(seen.recv_timeout(Duration::from_secs(10))?)?.to_ascii_lowercase();
    assert!(copy.starts_with("post /new/p?q http/1.1\r\n"), "{copy}");
    assert!(copy.contains("\r\nhost: lab.test\r\n") && copy.contains("\r\nx-set: a\r\n"), "{copy}");
    assert!(!copy.contains("x-gone") && copy.ends_with("\r\n\r\n{\"a\": 1}"), "{copy}");

    // A mirror that takes nothing gets 256 KiB at most, besides what the kernel holds; the request is whole.
    const BODY: usize = 24 << 20;
    let body: &'static [u8] = Box::leak(vec![b'x'; BODY].into_boxed_slice());
    let answer = ask(&lab.http, "POST", "/bad", &[], body)?;
    assert_eq!(answer.json()?["body"].as_str().map(str::len), Some(BODY));
    lab.wait_mirrored("stuck", "overflow", 1..=1)?;
    assert_eq!(ask(&lab.http, "GET", "/dead", &[], b"")?.status, 200);
    lab.wait_mirrored("dead", "failed", 1..=1)?;
    lab.gate.expect_alive()
}

#[test]
fn cors_is_answered_by_the_gateway() -> Result<()> {
    let main = Origin::start("main", local(0))?;
    let rules = [
        rule(
            "/listed",
            "    - {type: CORS, cors: {allowOrigins: ['https://www.foo.com', 'https://*.bar.com'], allowMethods: [GET, OPTIONS], \
             allowHeaders: [x-header-1, x-header-2], exposeHeaders: [x-header-3, x-header-4], allowCredentials: true, maxAge: 3600}}",
        ),
        rule("/public", "    - {type: CORS, cors: {allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*']}}"),
        rule(
            "/away",
            "    - {type: CORS, cors: {allowOrigins: ['https://www.foo.com']}}\n    \
             - {type: RequestRedirect, requestRedirect: {hostname: a.test}}",
        )
        .replace("    backendRefs: [{name: main, port: 80}]\n", ""),
        rule("/broken", "    - {type: CORS, cors: {allowOrigins: ['https://www.foo.com']}}").replace("name: main", "name: none"),
    ]
    .concat();
    let mut lab = lab("cors", "", &rules, &[("main", None, main.address())])?;
    let allow =
        |answer: &Response, name: &str| answer.header(&format!("access-control-{name}")).unwrap_or_default().to_owned();
    let preflight = |path: &str, origin: &str| {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-header-1, authorization"),
        ];
        ask(&lab.http, "OPTIONS", path, &asked, b"")
    };
    for origin in ["https://www.foo.com", "https://xpto.www.bar.com"] {
        let answer = preflight("/listed", origin)?;
        assert_eq!((answer.status, allow(&answer, "allow-origin").as_str()), (204, origin));
        assert_eq!(allow(&answer, "allow-methods"), "GET, OPTIONS");
        assert_eq!(allow(&answer, "allow-headers"), "x-header-1, x-header-2");
        assert_eq!(allow(&answer, "expose-headers"), "x-header-3, x-header-4");
        assert_eq!((allow(&answer, "max-age"), allow(&answer, "allow-credentials")), ("3600".into(), "true".into()));
    }
    let answer = preflight("/listed", "https://foobar.com")?;
    assert_eq!((answer.status, allow(&answer, "allow-origin").as_str()), (204, ""));
    let answer = preflight("/public", "https://foobar.com:12345")?;
    assert_eq!((allow(&answer, "allow-origin").as_str(), allow(&answer, "allow-methods").as_str()), ("*", "PUT"));
    assert_eq!(
        (allow(&answer, "allow-headers").as_str(), allow(&answer, "allow-credentials").as_str()),
        ("x-header-1, authorization", "")
    );
    assert_eq!(main.requests(), 0, "no preflight reaches the backend");

    let simple = |path: &str, origin: &str| ask(&lab.http, "GET", path, &[("origin", origin)], b"");
    // What the backend says of it does not reach the client.
    let path = "/listed/header/access-control-allow-origin/*";
    let answer = simple(path, "https://www.foo.com")?;
    assert_eq!((answer.status, allow(&answer, "allow-origin").as_str()), (200, "https://www.foo.com"));
    assert_eq!(answer.header("vary"), Some("origin"));
    let answer = simple(path, "https://foobar.com")?;
    assert_eq!((answer.status, allow(&answer, "allow-origin").as_str()), (200, ""));
    let answer = ask(&lab.http, "OPTIONS", "/listed", &[("origin", "https://www.foo.com")], b"")?;
    assert_eq!((answer.status, answer.header("x-origin")), (200, Some("main")), "without a method it is no preflight");
    // Pages may see redirects and errors, too.
    for (path, status) in [("/away", 302), ("/broken", 500)] {
        let answer = simple(path, "https://www.foo.com")?;
        assert_eq!((answer.status, allow(&answer, "allow-origin").as_str()), (status, "https://www.foo.com"), "{path}");
    }
    lab.gate.expect_alive()
}

/// What the service was asked, as the backend or the client got it.
fn seen(text: Option<&str>) -> Result<Value> {
    Ok(serde_json::from_str(text.context("no x-seen")?)?)
}

fn auth_filter(backend: &str, settings: &str) -> String {
    format!("    - {{type: ExternalAuth, externalAuth: {{backendRef: {{name: {backend}, port: 80}}, {settings}}}}}\n")
}

#[test]
fn authorization_services_decide_over_grpc_and_http() -> Result<()> {
    let main = Origin::start("main", local(0))?;
    let (grpc, http) = (local(free_port()?), local(free_port()?));
    let server = AuthServer::start(grpc, http, None)?;
    let rules = [
        rule("/grpc", &auth_filter("grpc", "protocol: GRPC, grpc: {}, forwardBody: {maxSize: 1000}")),
        rule("/few", &auth_filter("grpc", "protocol: GRPC, grpc: {allowedHeaders: [X-Token]}")),
        rule(
            "/http",
            &auth_filter(
                "http",
                "protocol: HTTP, http: {path: /authz, allowedHeaders: [x-token], allowedResponseHeaders: [x-user, x-seen]}, forwardBody: {maxSize: 1000}",
            ),
        ),
        rule("/all", &auth_filter("http", "protocol: HTTP, http: {}")),
        rule("/dead", &auth_filter("dead", "protocol: HTTP, http: {}")),
        rule("/wrong", &auth_filter("http", "protocol: GRPC, grpc: {}")),
        rule("/missing", &auth_filter("missing", "protocol: HTTP, http: {}")),
    ]
    .concat();
    let mut lab = lab(
        "external-auth",
        "",
        &rules,
        &[
            ("main", None, main.address()),
            ("grpc", None, grpc),
            ("http", None, http),
            ("dead", None, local(free_port()?)),
        ],
    )?;
    let good = [("x-token", "good"), ("x-role", "writer"), ("x-user", "mallory"), ("x_user", "mallory")];

    let one = lab.http.clone();
    for http in [one.clone(), one.clone().http2()] {
        // gRPC: headers, query and the answer's header are changed as asked, the host is not.
        let answer = ask(&http, "POST", "/grpc/x?a=1&secret=2", &good, b"a body")?;
        assert_eq!((answer.status, answer.header("x-checked")), (200, Some("yes")), "{}", answer.text());
        let got = answer.json()?;
        let headers = &got["headers"];
        assert_eq!((&got["path"], &got["host"]), (&"/grpc/x?a=1&user=alice".into(), &"lab.test".into()));
        assert_eq!((&got["body"], &headers["x-user"]), (&"a body".into(), &serde_json::json!(["alice"])));
        assert_eq!(headers["x-role"], serde_json::json!(["writer", "reader"]));
        assert!(headers["x-token"].is_null() && headers["x_user"].is_null(), "{headers}");
        let told = seen(headers["x-seen"][0].as_str())?;
        assert_eq!((&told["method"], &told["path"]), (&"POST".into(), &"/grpc/x?a=1&secret=2".into()));
        assert_eq!(
            (&told["host"], &told["scheme"], &told["source"]),
            (&"lab.test".into(), &"http".into(), &"127.0.0.1".into())
        );
        assert_eq!(
            (&told["body"], &told["size"], &told["headers"]["x-role"]),
            (&"a body".into(), &6.into(), &"writer".into())
        );

        // HTTP: what may be told is told, and what may come back comes back.
        let answer = ask(&http, "PUT", "/http/y?b=2", &[good[0], good[2], ("x-secret", "1")], b"a body")?;
        let got = answer.json()?;
        assert_eq!(
            (answer.status, &got["headers"]["x-user"], &got["body"]),
            (200, &serde_json::json!(["alice"]), &"a body".into())
        );
        assert!(got["headers"]["x-other"].is_null(), "{got}");
        let told = seen(got["headers"]["x-seen"][0].as_str())?;
        assert_eq!(
            (&told["method"], &told["path"], &told["host"]),
            (&"PUT".into(), &"/authz/http/y?b=2".into(), &"lab.test".into())
        );
        assert_eq!(
            (&told["body"], &told["headers"]["x-token"], &told["headers"]["x-secret"]),
            (&"a body".into(), &"good".into(), &Value::Null)
        );
    }
    let told = ask(&lab.http, "GET", "/few", &good, b"")?.json()?;
    let told = seen(told["headers"]["x-seen"][0].as_str())?;
    assert_eq!(told["headers"], serde_json::json!({"x-token": "good"}), "no other header is told");
    let got =
        ask(&lab.http, "POST", "/all", &[("authorization", "good"), ("content-type", "a/b")], b"a body")?.json()?;
    assert_eq!(
        (&got["headers"]["x-other"][0], &got["headers"]["content-type"][0], &got["body"]),
        (&"1".into(), &"a/b".into(), &"a body".into())
    );
    let told = seen(got["headers"]["x-seen"][0].as_str())?;
    assert_eq!((&told["body"], &told["size"]), (&"".into(), &0.into()), "without forwardBody no body is told");

    // No, in the service's own words.
    let before = main.requests();
    for path in ["/grpc", "/http"] {
        let answer = ask(&lab.http, "GET", path, &[("x-token", "bad")], b"")?;
        assert_eq!(
            (answer.status, answer.header("www-authenticate"), answer.text().as_str()),
            (401, Some("Bearer"), "who are you?"),
            "{path}"
        );
    }
    let answer = ask(&lab.http, "GET", "/http/auth-login", &good, b"")?;
    assert_eq!(
        (answer.status, answer.header("location"), answer.header("set-cookie")),
        (302, Some("https://login.example.com/"), Some("state=1"))
    );
    // Without a clear yes the answer is no.
    for (path, status) in [
        ("/grpc/auth-fails", 403),
        ("/http/auth-fails", 403),
        ("/dead", 403),
        ("/wrong", 403),
        ("/missing", 500),
        ("/http/../../escape", 403),
    ] {
        assert_eq!(ask(&lab.http, "GET", path, &good, b"")?.status, status, "{path}");
    }
    let long: &'static [u8] = &[b'x'; 1001];
    for path in ["/grpc", "/http"] {
        assert_eq!(ask(&lab.http, "POST", path, &good, long)?.status, 413, "{path}");
    }
    let (started, hanging) = (Instant::now(), lab.http.clone());
    assert_eq!(ask(&hanging, "GET", "/http/auth-hangs", &good, b"")?.status, 403);
    assert!(started.elapsed() > Duration::from_secs(4), "it was waited for");
    assert_eq!(main.requests(), before, "nothing of this reached the backend");
    // Nor does anything pass once nobody can be asked.
    drop(server);
    for path in ["/grpc", "/http"] {
        assert_eq!(ask(&lab.http, "GET", path, &good, b"")?.status, 403, "{path}");
    }
    let flags: Vec<_> =
        lab.gate.log_json().iter().filter_map(|line| Some(line["flags"].as_str()?.to_owned())).collect();
    assert!(
        flags.iter().any(|flag| flag == "AUTH_DENIED") && flags.iter().any(|flag| flag == "AUTH_FAILED"),
        "{flags:?}"
    );
    lab.gate.expect_alive()
}

#[test]
fn filters_of_a_listener_come_before_routing() -> Result<()> {
    let (main, alice) = (Origin::start("main", local(0))?, Origin::start("alice", local(0))?);
    let (grpc, http) = (local(free_port()?), local(free_port()?));
    let _server = AuthServer::start(grpc, http, None)?;
    let filters = "filters: {requests: [
      {type: ExternalAuth, externalAuth: {backendRef: {name: grpc, port: 80}, protocol: GRPC, grpc: {}}},
      {type: ExternalAuth, externalAuth: {backendRef: {name: http, port: 80}, protocol: HTTP, http: {allowedHeaders: [x-user], allowedResponseHeaders: [x-seen]}}}]}";
    let rules = "  - matches: [{headers: [{name: x-user, value: alice}]}]\n    backendRefs: [{name: alice, port: 80}]\n  \
                 - matches: [{path: {value: /only}}]\n    backendRefs: [{name: main, port: 80}]";
    let mut lab = lab(
        "listener-filters",
        filters,
        rules,
        &[("main", None, main.address()), ("alice", None, alice.address()), ("grpc", None, grpc), ("http", None, http)],
    )?;
    // The second service sees what the first has done, and the route what both have.
    let headers = [("x-token", "good"), ("authorization", "good")];
    let answer = ask(&lab.guarded, "POST", "/any", &headers, b"a body")?;
    let got = answer.json()?;
    assert_eq!(
        (answer.status, &got["origin"], &got["body"]),
        (200, &"alice".into(), &"a body".into()),
        "{}",
        answer.text()
    );
    assert_eq!(
        (&got["path"], &got["host"], answer.header("x-checked")),
        (&"/any?user=alice".into(), &"lab.test".into(), Some("yes"))
    );
    let told = seen(got["headers"]["x-seen"][0].as_str())?;
    assert_eq!((&told["headers"]["x-user"], &told["path"]), (&"alice".into(), &"/any?user=alice".into()));
    // Whoever may not pass learns nothing of the routes.
    for path in ["/only", "/any", "/auth-fails"] {
        let status = if path == "/auth-fails" { 403 } else { 401 };
        assert_eq!(ask(&lab.guarded, "GET", path, &[], b"")?.status, status, "{path}");
    }
    assert_eq!(ask(&lab.guarded, "GET", "/only", &[("x-token", "good")], b"")?.status, 401, "the second says no");
    // The other listener has no filters.
    assert_eq!(ask(&lab.http, "GET", "/only", &[], b"")?.header("x-origin"), Some("main"));
    assert_eq!(ask(&lab.http, "GET", "/any", &[], b"")?.status, 404);
    lab.gate.expect_alive()
}

#[test]
fn a_service_may_want_tls() -> Result<()> {
    let (main, ca) = (Origin::start("main", local(0))?, Ca::new("authz")?);
    let (grpc, http) = (local(free_port()?), local(free_port()?));
    let _server = AuthServer::start(grpc, http, Some(&ca.server(&["authz.test"])?))?;
    let mut lab = lab(
        "external-auth-tls",
        "",
        &rule("/", &auth_filter("grpcs", "protocol: GRPC, grpc: {}")),
        &[("main", None, main.address()), ("grpcs", None, grpc)],
    )?;
    let good = [("x-token", "good")];
    assert_eq!(ask(&lab.http, "GET", "/", &good, b"")?.status, 403, "it wants TLS");
    let before = common::revision(&lab.gate)?;
    let indented: String = ca.pem().lines().map(|line| format!("    {line}\n")).collect();
    lab.folder.write(
        "tls.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {{name: grpcs}}\nspec:\n  \
             targetRefs: [{{group: '', kind: Service, name: grpcs}}]\n  validation:\n    hostname: authz.test\n    \
             caCertificateRefs: [{{group: '', kind: ConfigMap, name: ca}}]\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ca}}\ndata:\n  ca.crt: |\n{indented}"
        ),
    )?;
    let end = Instant::now() + Duration::from_secs(10);
    while common::revision(&lab.gate)? == before {
        anyhow::ensure!(Instant::now() < end, "the policy was not served\n{}", lab.gate.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let answer = ask(&lab.http, "GET", "/", &good, b"")?;
    assert_eq!((answer.status, &answer.json()?["headers"]["x-user"][0]), (200, &"alice".into()), "{}", answer.text());
    assert_eq!(ask(&lab.http, "GET", "/", &[], b"")?.status, 401);
    lab.gate.expect_alive()
}

#[test]
fn calls_of_a_grpc_route_are_mirrored() -> Result<()> {
    let (server, shadow) = (GrpcServer::start("grpc", local(free_port()?), None)?, Origin::start("shadow", local(0))?);
    let h2c = Some("kubernetes.io/h2c");
    let mut lab = lab(
        "grpc-mirror",
        "",
        "  - backendRefs: [{name: main, port: 80}]",
        &[("main", h2c, server.address()), ("shadow", h2c, shadow.address())],
    )?;
    let before = common::revision(&lab.gate)?;
    lab.folder.write(
        "grpc.yaml",
        "apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc}
spec:
  parentRefs: [{name: lab, sectionName: http}]
  hostnames: [grpc.lab.test]
  rules:
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}}}]
    backendRefs: [{name: main, port: 80}]
",
    )?;
    let end = Instant::now() + Duration::from_secs(10);
    while common::revision(&lab.gate)? == before {
        anyhow::ensure!(Instant::now() < end, "the route was not served\n{}", lab.gate.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    // Two calls and a conversation, whose copy goes on as it does.
    let answer = grpc::call(lab.address, "grpc.lab.test", 50, None)?;
    assert_eq!((&answer["unary_code"], &answer["streamed"]), (&"OK".into(), &50.into()), "{answer}");
    lab.wait_mirrored("shadow", "answered", 3..=3)?;
    assert_eq!(shadow.requests(), 3);
    lab.gate.expect_alive()
}
