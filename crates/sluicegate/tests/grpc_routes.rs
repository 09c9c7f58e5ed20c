//! GRPCRoutes: calls by service, method and header, gRPC statuses in place of HTTP's.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod common;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use common::{Folder, endpoint_slice};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};
use testkit::grpc::{self, GrpcServer};
use testkit::http::{Http, Response};
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port};

const OBJECTS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: calls}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls}
spec:
  parentRefs: [{name: gate}]
  hostnames: [calls.example.com]
  rules:
  - name: by-service
    matches: [{method: {service: shop.Cart}}]
    backendRefs: [{name: service, port: 80}]
  - name: by-method
    matches: [{method: {service: shop.Cart, method: Add}}]
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Seen, value: rule}], remove: [x-secret]}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: X-From, value: gateway}]}}
    backendRefs: [{name: method, port: 80}]
  - matches: [{method: {type: RegularExpression, service: 'shop[.](Cart|Stock)', method: '(Get|List).*'}}]
    backendRefs: [{name: pattern, port: 80}]
  - matches:
    - {headers: [{name: version, value: two}]}
    - {method: {method: Only}}
    backendRefs: [{name: header, port: 80}]
  - matches: [{method: {service: shop.Nobody}}]
    backendRefs: [{name: missing, port: 80}]
  - matches: [{method: {service: shop.Empty}}]
    backendRefs: [{name: empty, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pages}
spec:
  parentRefs: [{name: gate}]
  hostnames: [calls.example.com, pages.example.com]
  rules: [{backendRefs: [{name: pages, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: everything}
spec:
  parentRefs: [{name: gate}]
  hostnames: [echo.example.com]
  rules: [{backendRefs: [{name: echo, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec:
  ports: [{name: main, port: 80}]
";

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn service(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  ports: [{{name: main, port: 80}}]\n---\n{}",
        endpoint_slice("default", name, "main", port, &[Ipv4Addr::LOCALHOST])
    )
}

struct Lab {
    gate: Sluicegate,
    folder: Folder,
    http: SocketAddr,
    https: SocketAddr,
    origins: Vec<Origin>,
    _echo: GrpcServer,
}

impl Lab {
    fn start() -> Result<Self> {
        let names = ["service", "method", "pattern", "header", "pages"];
        let origins = names.iter().map(|name| Origin::start(name, local(0))).collect::<Result<Vec<_>>>()?;
        let echo = GrpcServer::start("echo", local(free_port()?), None)?;
        let folder = Folder::new("grpc-routes")?;
        folder.write("objects.yaml", OBJECTS)?.secret("default", "calls", &["*.example.com"])?;
        let mut services: Vec<String> = origins.iter().map(|one| service(one.name(), one.port())).collect();
        services.push(service("echo", echo.address().port()));
        folder.write("services.yaml", &services.join("---\n"))?;
        let (http, https) = (local(free_port()?), local(free_port()?));
        let gate = Sluicegate::run(&[folder.path()])?.port_map(80, http.port()).port_map(443, https.port()).start()?;
        Ok(Self { gate, folder, http, https, origins, _echo: echo })
    }

    /// A call without a message, whose answer the origin makes of the request.
    fn call(&self, host: &str, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
        let mut request =
            http::Request::post(path).header("host", host).header("content-type", "application/grpc+proto");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Http::to(self.http).http2().send(request.header("te", "trailers").body(Bytes::new())?)
    }

    fn requests(&self) -> Vec<u64> {
        self.origins.iter().map(Origin::requests).collect()
    }
}

/// Path, headers, and which origin takes the call.
type Case = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

#[test]
fn calls_are_routed_and_answered_as_grpc_says() -> Result<()> {
    let mut lab = Lab::start()?;
    let host = "calls.example.com";

    // The counts tell who takes a call, as an origin answers calls with their own bodies.
    let cases: [Case; 9] = [
        ("/shop.Cart/Remove", &[], Some("service")),
        ("/shop.Cart/Add", &[], Some("method")),
        ("/shop.Cart/Add", &[("version", "two")], Some("method")),
        ("/shop.Stock/ListAll", &[], Some("pattern")),
        ("/shop.Other/Get", &[("version", "two")], Some("header")),
        ("/any.Thing/Only", &[], Some("header")),
        ("/shop.Other/Get", &[("version", "three")], None),
        ("/shop.cart/Add", &[], None),
        ("/nothing", &[], None),
    ];
    for (path, headers, expected) in cases {
        let before = lab.requests();
        let response = lab.call(host, path, headers)?;
        let took: Vec<&str> = lab
            .origins
            .iter()
            .zip(&before)
            .filter(|(origin, before)| origin.requests() > **before)
            .map(|(origin, _)| origin.name())
            .collect();
        assert_eq!(took, expected.into_iter().collect::<Vec<_>>(), "{path} {headers:?}");
        assert_eq!(response.status, 200, "{path}");
        if expected.is_none() {
            assert_eq!(response.header("grpc-status"), Some("12"), "{path}: UNIMPLEMENTED");
            assert_eq!(response.header("content-type"), Some("application/grpc"));
            assert!(response.body.is_empty(), "only a header");
        }
    }
    assert_eq!(lab.call(host, "/shop.Cart/Add", &[])?.header("x-from"), Some("gateway"));

    // What the gateway itself has to say, in gRPC's words; UNAVAILABLE is 14.
    for (host, path, code) in [
        (host, "/shop.Nobody/Get", "14"),
        (host, "/shop.Empty/Get", "14"),
        ("elsewhere.example.com", "/shop.Cart/Add", "12"),
    ] {
        let response = lab.call(host, path, &[])?;
        assert_eq!((response.status, response.header("grpc-status")), (200, Some(code)), "{host}{path}");
        assert!(response.header("grpc-message").is_some());
    }

    // Under a hostname of both kinds, calls and other requests do not mix; without GRPCRoutes HTTPRoutes take calls.
    let page = Http::to(lab.http).get(host, "/shop.Cart/Add")?;
    assert_eq!(page.json()?["origin"], "pages");
    let before = lab.origins[4].requests();
    lab.call("pages.example.com", "/shop.Cart/Add", &[])?;
    assert_eq!(lab.origins[4].requests(), before + 1);

    // A real client and server, in the clear and under TLS: unary, an error of the server, a stream.
    let ca = lab.folder.path().join(".ca.pem");
    lab.folder.ca.write(&ca)?;
    for (address, ca) in [(lab.http, None), (lab.https, Some(ca.as_path()))] {
        let answer = grpc::call(address, "echo.example.com", 20, ca)?;
        assert_eq!((&answer["unary_code"], &answer["streamed"]), (&"OK".into(), &20.into()), "{answer}");
        assert_eq!(answer["status_code"], "FailedPrecondition", "{answer}");
    }

    let count = |route: &str, status: &str| {
        let labels = [format!("route=\"{route}\""), format!("status=\"{status}\"")];
        lab.gate.metric("sluicegate_grpc_requests_total", &[&labels[0], &labels[1]])
    };
    assert_eq!(count("default/everything", "FAILED_PRECONDITION")?, 2.0);
    assert!(count("default/everything", "OK")? >= 4.0);
    assert_eq!(count("default/calls", "UNAVAILABLE")?, 2.0);
    let end = Instant::now() + Duration::from_secs(10);
    let logged = |status: &str, path: &str| {
        let lines = lab.gate.log_json();
        lines.iter().any(|line| line["grpc_status"] == status && line["path"] == path)
    };
    while !logged("UNIMPLEMENTED", "/nothing") {
        ensure!(Instant::now() < end, "no line of the access log");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(logged("UNAVAILABLE", "/shop.Nobody/Get") && logged("OK", "/shop.Cart/Add"));
    let status = lab.gate.status()?.to_string();
    assert!(status.contains("BackendNotFound"), "{status}");
    lab.gate.expect_alive().context("the gateway")
}
