//! HTTPRoutes and TLSRoutes in front of nginx, other origins and a gRPC server.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use bytes::Bytes;
use common::{Folder, endpoint_slice};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use testkit::grpc::{self, GrpcServer};
use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port, servers};

const SET: &str = "004-gateway-api";

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn origin(name: &str) -> Result<Origin> {
    Origin::start(name, local(0))
}

fn slice(namespace: &str, service: &str, port_name: &str, to: SocketAddr) -> String {
    endpoint_slice(namespace, service, port_name, to.port(), &[Ipv4Addr::LOCALHOST])
}

#[test]
fn the_published_manifests_route_as_their_text_says() -> Result<()> {
    let (auth, payment, canary, shipping, docs, blue, green) = (
        origin("auth")?,
        origin("payment")?,
        origin("canary")?,
        origin("shipping")?,
        servers::nginx("docs", local(free_port()?), None)?,
        origin("blue")?,
        origin("green")?,
    );
    let folder = Folder::new("http-manifests")?;
    for file in [
        "support.yaml",
        "04-gatewayclass.fixed.yaml",
        "05-gateway.fixed.yaml",
        "07-httproute-auth.fixed.yaml",
        "08-httproute-payment-canary.yaml",
        "09-httproute-shipping-rewrite.yaml",
        "10-httproute-docs-headers.yaml",
        "12-httproute-docs-redirect.fixed.yaml",
        "13-httproute-payments-weights.yaml",
        "20-gateway-tlsroute-db.fixed.yaml",
    ] {
        folder.copy(SET, file)?;
    }
    folder.secret("envoy-gateway", "app-tls", &["*.romaglushko.com", "*.romanglushko.com"])?;
    let database = folder.ca.server(&["db.romanglushko.com"])?;
    let database = Origin::start_tls("database", local(0), &database)?;
    for (file, yaml) in [
        ("s1.yaml", slice("auth", "auth-service", "http", auth.address())),
        ("s2.yaml", slice("payment", "payment-service", "http", payment.address())),
        ("s3.yaml", slice("payment", "payment-service-canary", "http", canary.address())),
        ("s4.yaml", slice("shipping", "shipping-service", "http", shipping.address())),
        ("s5.yaml", slice("default", "docs", "http", docs.address())),
        ("s6.yaml", slice("payments", "payments-blue", "http", blue.address())),
        ("s7.yaml", slice("payments", "payments-green", "http", green.address())),
        ("s8.yaml", slice("db", "postgres-ha-cluster", "tls", database.address())),
    ] {
        folder.write(file, &yaml)?;
    }
    let (http_port, https_port, tls_port) = (free_port()?, free_port()?, free_port()?);
    let mut gate = Sluicegate::run(&[folder.path()])?
        .port_map(80, http_port)
        .port_map(443, https_port)
        .port_map(8443, tls_port)
        .start()?;
    let plain = Http::to(local(http_port));
    let secure = |host: &str| Http::to(local(https_port)).tls(host, folder.ca.pem());
    let secure2 = |host: &str| Http::to(local(https_port)).http2().tls(host, folder.ca.pem());
    let get = |host: &str, path: &str| -> Result<(u16, serde_json::Value)> {
        let one = secure(host)?.get(host, path)?;
        let two = secure2(host)?.get(host, path)?;
        assert_eq!(one.status, two.status, "HTTP/1.1 and HTTP/2 differ on {host}{path}");
        Ok((one.status, one.json().unwrap_or_default()))
    };

    let (status, seen) = get("auth.romaglushko.com", "/login?next=%2Fa")?;
    assert_eq!((status, &seen["origin"], &seen["path"]), (200, &"auth".into(), &"/login?next=%2Fa".into()));
    assert_eq!(seen["headers"]["x-forwarded-proto"][0], "https");

    let host = "shop.romaglushko.com";
    assert_eq!(get(host, "/payment/1")?.1["origin"], "payment");

    let canary_request = |path: &str| -> Result<testkit::http::Response> {
        let request = hyper_request("GET", host, path).header("x-release-track", "canary").body(Bytes::new())?;
        secure(host)?.send(request)
    };
    assert_eq!(canary_request("/payment/1")?.json()?["origin"], "canary");
    assert_eq!(canary_request("/payment/delay/900")?.status, 504, "the canary answers within 300 ms or not at all");

    assert_eq!(get(host, "/api/v1/shipping/x?y=1")?.1["path"], "/shipping/x?y=1");

    let documented = secure("docs.romaglushko.com")?.get("docs.romaglushko.com", "/guide")?;
    assert_eq!((documented.status, documented.header("x-api-gateway")), (200, Some("true")));
    assert_eq!(documented.header("x-origin"), Some("docs"), "nginx answered");

    let redirect = plain.get("api.romaglushko.com", "/old-page")?;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (301, Some(format!("http://api.romaglushko.com:{http_port}/new-page").as_str()))
    );
    let redirect = secure("api.romaglushko.com")?.get("api.romaglushko.com", "/old-page")?;
    assert_eq!(
        redirect.header("location"),
        Some(format!("https://api.romaglushko.com:{https_port}/new-page").as_str())
    );

    let (mut blues, mut greens) = (0, 0);
    for _ in 0..200 {
        match plain.get("any.romaglushko.com", "/")?.header("x-origin") {
            Some("blue") => blues += 1,
            Some("green") => greens += 1,
            other => anyhow::bail!("answered by {other:?}"),
        }
    }
    assert!((160..=196).contains(&blues) && greens >= 4, "90 to 10 expected, {blues} to {greens} came");

    assert_eq!(plain.get("elsewhere.example.com", "/")?.status, 404);
    let passed =
        Http::to(local(tls_port)).tls("db.romanglushko.com", folder.ca.pem())?.get("db.romanglushko.com", "/q")?;
    assert_eq!(passed.json()?["origin"], "database");
    assert!(
        Http::to(local(tls_port)).tls("no.romanglushko.com", folder.ca.pem())?.get("no.romanglushko.com", "/").is_err()
    );
    gate.expect_alive()
}

fn hyper_request(method: &str, host: &str, path: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(path).header("host", host)
}

/// A Gateway of ours with two listeners, and whatever routes a test adds.
struct Lab {
    folder: Folder,
    gate: Sluicegate,
    http: u16,
    https: u16,
}

fn lab(name: &str, yaml: &str, more: &[(&str, String)]) -> Result<Lab> {
    let folder = Folder::new(name)?;
    folder.write(
        "gateway.yaml",
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: lab}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: lab}]}}
",
    )?;
    folder.secret("default", "lab", &["*.lab.test"])?;
    folder.write("routes.yaml", yaml)?;
    for (file, yaml) in more {
        folder.write(file, yaml)?;
    }
    let (http, https) = (free_port()?, free_port()?);
    let gate = Sluicegate::run(&[folder.path()])?.port_map(80, http).port_map(443, https).start()?;
    Ok(Lab { folder, gate, http, https })
}

fn service(name: &str, app_protocol: Option<&str>, to: SocketAddr) -> (String, String) {
    let protocol = app_protocol.map(|p| format!(", appProtocol: {p}")).unwrap_or_default();
    let yaml = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  ports: [{{name: main, port: 80{protocol}}}]\n---\n{}",
        slice("default", name, "main", to)
    );
    (format!("service-{name}.yaml"), yaml)
}

fn services(list: &[(&str, Option<&str>, SocketAddr)]) -> Vec<(String, String)> {
    list.iter().map(|(name, protocol, to)| service(name, *protocol, *to)).collect()
}

fn route(name: &str, host: &str, rules: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  parentRefs: [{{name: lab}}]\n  \
         hostnames: [{host}]\n  rules:\n{rules}\n---\n"
    )
}

#[test]
fn grpc_runs_as_http2_with_trailers() -> Result<()> {
    let server = GrpcServer::start("grpc", local(free_port()?), None)?;
    let files = services(&[("grpc", Some("kubernetes.io/h2c"), server.address())]);
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.clone())).collect();
    let lab = lab("grpc", &route("grpc", "grpc.lab.test", "  - backendRefs: [{name: grpc, port: 80}]"), &files)?;
    let ca = lab.folder.path().join(".ca.pem");
    lab.folder.ca.write(&ca)?;
    for (port, ca) in [(lab.http, None), (lab.https, Some(ca.as_path()))] {
        let answer = grpc::call(local(port), "grpc.lab.test", 50, ca)?;
        assert_eq!(answer["unary_code"], "OK", "{answer}");
        assert_eq!(answer["trailer"][0], "end", "{answer}");
        assert_eq!(answer["status_code"], "FailedPrecondition", "{answer}");
        assert_eq!(answer["streamed"], 50, "{answer}");
    }
    Ok(())
}

#[test]
fn websocket_passes_both_ways() -> Result<()> {
    let echo = origin("echo")?;
    let files = services(&[("echo", Some("kubernetes.io/ws"), echo.address())]);
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.clone())).collect();
    let mut lab = lab("websocket", &route("ws", "ws.lab.test", "  - backendRefs: [{name: echo, port: 80}]"), &files)?;
    let mut socket = TcpStream::connect(local(lab.http))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.write_all(
        b"GET /chat HTTP/1.1\r\nHost: ws.lab.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)?.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    // A masked text frame "ping"; the echo comes back unmasked. The tunnel outlives a change of the configuration.
    for round in 0..2 {
        let mask = [1, 2, 3, 4];
        let payload: Vec<u8> = b"ping".iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        socket.write_all(&[&[0x81, 0x84], &mask[..], &payload].concat())?;
        let mut echoed = [0; 6];
        socket.read_exact(&mut echoed).with_context(|| format!("round {round}"))?;
        assert_eq!(&echoed, b"\x81\x04ping");
        let before = common::revision(&lab.gate)?;
        lab.folder.write(
            "other.yaml",
            &route("other", &format!("other{round}.lab.test"), "  - backendRefs: [{name: echo, port: 80}]"),
        )?;
        let (folder_gate, limit) = (lab.gate.admin(), Duration::from_secs(10));
        lab.gate.wait_until(limit, || {
            Http::to(folder_gate)
                .get("admin", "/config")
                .and_then(|r| r.json())
                .is_ok_and(|c| c["revision"].as_u64() > Some(before))
        })?;
    }
    Ok(())
}

#[test]
fn errors_are_the_gateway_apis() -> Result<()> {
    let good = origin("good")?;
    let mut files = services(&[("good", None, good.address()), ("dead", None, local(free_port()?))]);
    files.push((
        "none.yaml".into(),
        "apiVersion: v1\nkind: Service\nmetadata: {name: none}\nspec:\n  ports: [{name: main, port: 80}]\n".into(),
    ));
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.clone())).collect();
    let yaml = [
        route("good", "good.lab.test", "  - matches: [{path: {type: PathPrefix, value: /here}}]\n    backendRefs: [{name: good, port: 80}]"),
        route("missing", "missing.lab.test", "  - backendRefs: [{name: nowhere, port: 80}]"),
        route("half", "half.lab.test", "  - backendRefs: [{name: good, port: 80}, {name: nowhere, port: 80}]"),
        route("none", "none.lab.test", "  - backendRefs: [{name: none, port: 80}]"),
        route("dead", "dead.lab.test", "  - backendRefs: [{name: dead, port: 80}]"),
        route(
            "slow",
            "slow.lab.test",
            "  - timeouts: {request: 300ms}\n    matches: [{path: {type: PathPrefix, value: /request}}]\n    backendRefs: [{name: good, port: 80}]\n  \
             - timeouts: {request: 2s, backendRequest: 300ms}\n    matches: [{path: {type: PathPrefix, value: /backend}}]\n    backendRefs: [{name: good, port: 80}]\n  \
             - timeouts: {request: 0s}\n    matches: [{path: {type: PathPrefix, value: /off}}]\n    backendRefs: [{name: good, port: 80}]",
        ),
        route(
            "unserved",
            "unserved.lab.test",
            "  - filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Filter, name: f}}]\n    backendRefs: [{name: good, port: 80}]",
        ),
    ]
    .concat();
    let mut lab = lab("errors", &yaml, &files)?;
    let http = Http::to(local(lab.http));
    let status = |host: &str, path: &str| http.get(host, path).map(|response| response.status);
    assert_eq!(status("good.lab.test", "/here/x")?, 200);
    assert_eq!(status("good.lab.test", "/there")?, 404);
    assert_eq!(status("unknown.lab.test", "/")?, 404);
    assert_eq!(status("missing.lab.test", "/")?, 500);
    assert_eq!(status("none.lab.test", "/")?, 503);
    assert_eq!(status("dead.lab.test", "/")?, 502);
    assert_eq!(status("slow.lab.test", "/request/delay/1500")?, 504);
    assert_eq!(status("slow.lab.test", "/backend/delay/1500")?, 504);
    assert_eq!(status("slow.lab.test", "/off/delay/600")?, 200);
    assert_eq!(status("unserved.lab.test", "/")?, 500, "a filter that is not served is never passed by");
    let answers = (0..60).map(|_| status("half.lab.test", "/")).collect::<Result<Vec<_>>>()?;
    let broken = answers.iter().filter(|status| **status == 500).count();
    assert!(
        (15..=45).contains(&broken) && answers.iter().all(|s| matches!(s, 200 | 500)),
        "half of 60 are 500: {broken}"
    );
    lab.gate.expect_alive()
}

#[test]
fn tls_to_backends_is_verified() -> Result<()> {
    let folder_ca = testkit::Ca::new("backend")?;
    let other_ca = testkit::Ca::new("other")?;
    let right = Origin::start_tls("right", local(0), &folder_ca.server(&["right.backend.test"])?)?;
    let foreign = Origin::start_tls("foreign", local(0), &other_ca.server(&["right.backend.test"])?)?;
    let misnamed = Origin::start_tls("misnamed", local(0), &folder_ca.server(&["wrong.backend.test"])?)?;
    let indented: String = folder_ca.pem().lines().map(|line| format!("    {line}\n")).collect();
    let policy = |name: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {{name: {name}}}\nspec:\n  targetRefs: [{{group: '', kind: Service, name: {name}}}]\n  \
             validation:\n    hostname: right.backend.test\n    caCertificateRefs: [{{group: '', kind: ConfigMap, name: backend-ca}}]\n---\n"
        )
    };
    let mut files = services(&[
        ("right", None, right.address()),
        ("foreign", None, foreign.address()),
        ("misnamed", None, misnamed.address()),
    ]);
    files.push((
        "policies.yaml".into(),
        format!(
            "{}{}{}apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: backend-ca}}\ndata:\n  ca.crt: |\n{indented}",
            policy("right"),
            policy("foreign"),
            policy("misnamed")
        ),
    ));
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.clone())).collect();
    let routes: String = ["right", "foreign", "misnamed"]
        .map(|name| route(name, &format!("{name}.lab.test"), &format!("  - backendRefs: [{{name: {name}, port: 80}}]")))
        .concat();
    let mut lab = lab("backend-tls", &routes, &files)?;
    let http = Http::to(local(lab.http));
    let seen = http.get("right.lab.test", "/")?.json()?;
    assert_eq!((&seen["origin"], &seen["tls"]), (&"right".into(), &true.into()), "{seen}");
    for host in ["foreign.lab.test", "misnamed.lab.test"] {
        assert_eq!(http.get(host, "/")?.status, 502, "{host}");
    }
    lab.gate.expect_alive()
}

#[test]
fn a_certificate_rotates_while_connections_stay() -> Result<()> {
    let good = origin("good")?;
    let files = services(&[("good", None, good.address())]);
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.clone())).collect();
    let mut lab = lab("rotation", &route("good", "a.lab.test", "  - backendRefs: [{name: good, port: 80}]"), &files)?;
    let get = |lab: &Lab, ca: &str| Http::to(local(lab.https)).tls("a.lab.test", ca)?.get("a.lab.test", "/");
    let old = lab.folder.ca.pem().to_owned();
    assert_eq!(get(&lab, &old)?.status, 200);
    let next = testkit::Ca::new("next")?;
    lab.folder.write("secret-default-lab.yaml", &next.server(&["*.lab.test"])?.secret_yaml("default", "lab"))?;
    let address = local(lab.https);
    let pem = next.pem().to_owned();
    lab.gate.wait_until(Duration::from_secs(10), || {
        Http::to(address).tls("a.lab.test", &pem).and_then(|h| h.get("a.lab.test", "/")).is_ok()
    })?;
    assert!(get(&lab, &old).is_err(), "the old certificate is gone");
    // A key that does not fit is refused, the good pair stays, the status says so.
    let bad = next.server(&["*.lab.test"])?.with_key_of(&next.server(&["*.lab.test"])?);
    lab.folder.write("secret-default-lab.yaml", &bad.secret_yaml("default", "lab"))?;
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(get(&lab, next.pem())?.status, 200, "the last good certificate serves");
    let status = lab.gate.status()?.to_string();
    assert!(status.contains("InvalidCertificateRef") || status.contains("LastGood"), "{status}");
    Ok(())
}
