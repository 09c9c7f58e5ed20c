//! Retries, sessions, and what an XBackendTrafficPolicy and an XBackend say of them, in front of real origins.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result};
use bytes::Bytes;
use common::{Folder, endpoint_slice};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use testkit::http::{Http, Response};
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port};

const HOST: &str = "web.example.com";

fn origin(name: &str) -> Result<Origin> {
    Origin::start(name, (Ipv4Addr::LOCALHOST, 0).into())
}

fn gateway() -> &'static str {
    "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, uid: 0b8ff0b2-5a43-4b6e-9d0c-3f0b6f1c0001}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: tcp, port: 81, protocol: TCP}
"
}

fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  selector: {{app: {name}}}\n  ports: [{{name: http, port: 80}}]\n"
    )
}

/// A Service whose endpoints have different ports.
fn serve(folder: &Folder, name: &str, ports: &[u16]) -> Result<()> {
    folder.write(&format!("{name}.yaml"), &service(name))?;
    for (i, port) in ports.iter().enumerate() {
        let slice = endpoint_slice("default", name, "http", *port, &[Ipv4Addr::LOCALHOST]);
        let slice = slice.replace(&format!("name: {name}-http\n"), &format!("name: {name}-{i}\n"));
        folder.write(&format!("{name}-{i}.yaml"), &slice)?;
    }
    Ok(())
}

fn route(rules: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: web}}\nspec:\n  parentRefs: [{{name: gw, sectionName: http}}]\n  \
         hostnames: [{HOST}]\n  rules:\n{rules}"
    )
}

fn start(folder: &Folder) -> Result<(Sluicegate, SocketAddr, SocketAddr)> {
    let (http, tcp) = (free_port()?, free_port()?);
    let gate = Sluicegate::run(&[folder.path()])?.port_map(80, http).port_map(81, tcp).start()?;
    Ok((gate, (Ipv4Addr::LOCALHOST, http).into(), (Ipv4Addr::LOCALHOST, tcp).into()))
}

fn ask(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
    let mut request = http::Request::builder().uri(path).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Http::to(to).send(request.body(Bytes::new())?)
}

/// `name=value` of a `Set-Cookie`.
fn cookie(response: &Response) -> Result<String> {
    let set = response.header("set-cookie").context("no cookie")?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

#[test]
fn a_rule_sends_again_what_failed_and_counts_it() -> Result<()> {
    let (one, two) = (origin("one")?, origin("two")?);
    let folder = Folder::new("http-retry")?;
    folder.write("gateway.yaml", gateway())?;
    serve(&folder, "both", &[one.port(), two.port()])?;
    serve(&folder, "half", &[one.port(), free_port()?])?;
    folder.write(
        "route.yaml",
        &route(
            "  - matches: [{path: {value: /half}}]
    retry: {attempts: 2, backoff: 10ms}
    backendRefs: [{name: half, port: 80}]
  - matches: [{path: {value: /never}}]
    retry: {codes: [503], attempts: 0}
    backendRefs: [{name: both, port: 80}]
  - retry: {codes: [503], attempts: 3, backoff: 10ms}
    timeouts: {request: 5s, backendRequest: 300ms}
    backendRefs: [{name: both, port: 80}]
",
        ),
    )?;
    let (mut gate, to, _) = start(&folder)?;
    assert_eq!(ask(to, "/status/503", &[])?.status, 503, "as often as it may be");
    assert_eq!(one.requests() + two.requests(), 4);
    assert_eq!((one.requests(), two.requests()), (2, 2), "in turn");
    assert_eq!(ask(to, "/status/500", &[])?.status, 500);
    assert_eq!(one.requests() + two.requests(), 5, "no code of the rule");
    assert_eq!(ask(to, "/never/status/503", &[])?.status, 503);
    assert_eq!(one.requests() + two.requests(), 6);
    assert_eq!(ask(to, "/delay/2000", &[])?.status, 504, "each time for itself");
    assert_eq!(one.requests() + two.requests(), 10);
    for _ in 0..10 {
        assert_eq!(ask(to, "/half", &[])?.status, 200, "no connection came about");
    }
    let metrics = gate.get("/metrics")?.text();
    for wanted in [
        r#"sluicegate_upstream_retries_total{backend="Service/default/both:80",cause="status"} 3"#,
        r#"sluicegate_upstream_retries_total{backend="Service/default/both:80",cause="timeout"} 3"#,
    ] {
        assert!(metrics.contains(wanted), "{wanted} is not in\n{metrics}");
    }
    gate.expect_alive()
}

#[test]
fn sessions_outlive_the_gateway_and_end_with_their_endpoint() -> Result<()> {
    let origins = [origin("one")?, origin("two")?, origin("three")?];
    let ports: Vec<u16> = origins.iter().map(Origin::port).collect();
    let folder = Folder::new("http-session")?;
    folder.write("gateway.yaml", gateway())?;
    serve(&folder, "web", &ports)?;
    let rule = "  - sessionPersistence: {cookie: {name: stay, lifetimeType: Permanent}, absoluteTimeout: 1h}
    backendRefs: [{name: web, port: 80}]
";
    folder.write("route.yaml", &route(rule))?;
    let (gate, to, _) = start(&folder)?;
    let first = ask(to, "/", &[])?;
    assert!(first.header("set-cookie").is_some_and(|set| set.ends_with("; Max-Age=3600")), "{first:?}");
    let (mine, at) = (cookie(&first)?, first.header("x-origin").context("no origin")?.to_owned());
    for _ in 0..10 {
        assert_eq!(ask(to, "/", &[("cookie", &mine)])?.header("x-origin"), Some(&*at));
    }
    drop(gate);
    // Another process with the same Gateway, as every proxy of it is one.
    let (mut gate, to, _) = start(&folder)?;
    let again = ask(to, "/", &[("cookie", &mine)])?;
    assert_eq!((again.header("x-origin"), again.header("set-cookie")), (Some(&*at), None));
    let gone = origins.iter().position(|origin| origin.name() == at).context("no such origin")?;
    let before = common::revision(&gate)?;
    folder.remove(&format!("web-{gone}.yaml"))?;
    while common::revision(&gate)? == before {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let moved = ask(to, "/", &[("cookie", &mine)])?;
    assert!(moved.status == 200 && moved.header("x-origin") != Some(&*at), "{moved:?}");
    assert_ne!(cookie(&moved)?, mine);
    gate.expect_alive()
}

#[test]
fn policies_and_xbackends_say_how_a_backend_is_treated() -> Result<()> {
    // An XBackend has one port for all of its endpoints.
    let here = origin("here")?;
    let there = Origin::start("there", (Ipv4Addr::new(127, 0, 0, 2), here.port()).into())?;
    let failing = origin("failing")?;
    let folder = Folder::new("http-policies")?;
    folder.write("gateway.yaml", gateway())?;
    serve(&folder, "failing", &[failing.port()])?;
    folder.write("pods.yaml", &service("pods"))?;
    let addresses = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
    folder.write("slice.yaml", &endpoint_slice("default", "pods", "http", 9, &addresses))?;
    folder.write(
        "policies.yaml",
        &format!(
            "apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {{name: few}}
spec:
  targetRefs: [{{group: \"\", kind: Service, name: failing}}]
  retryConstraint: {{budget: {{percent: 0, interval: 1h}}, minRetryRate: {{count: 2, interval: 1h}}}}
  sessionPersistence: {{type: Header, header: {{name: X-Stay}}}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {{name: pods}}
spec:
  type: EndpointSelector
  port: {{number: {port}}}
  endpointSelector: {{matchLabels: {{app: pods}}}}
  sessionPersistence: {{cookie: {{name: stay}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: tcp}}
spec:
  parentRefs: [{{name: gw, sectionName: tcp}}]
  rules: [{{backendRefs: [{{group: gateway.networking.x-k8s.io, kind: XBackend, name: pods}}]}}]
",
            port = here.port()
        ),
    )?;
    folder.write(
        "route.yaml",
        &route(
            "  - matches: [{path: {value: /pods}}]
    backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: pods}]
  - retry: {codes: [503], attempts: 1, backoff: 10ms}
    backendRefs: [{name: failing, port: 80}]
",
        ),
    )?;
    let (mut gate, to, tcp) = start(&folder)?;
    let asked: Vec<(u16, u64)> =
        (0..4).map(|_| Ok((ask(to, "/status/503", &[])?.status, failing.requests()))).collect::<Result<_>>()?;
    assert_eq!(asked, [(503, 2), (503, 4), (503, 5), (503, 6)], "two retries in an hour");
    let stay = ask(to, "/", &[])?.header("x-stay").context("no session")?.to_owned();
    assert_eq!(ask(to, "/", &[("x-stay", &stay)])?.header("x-stay"), None);
    let denied = r#"sluicegate_upstream_retries_denied_total{backend="Service/default/failing:80",cause="budget"} 2"#;
    let metrics = gate.get("/metrics")?.text();
    assert!(metrics.contains(denied), "{metrics}");

    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        let first = ask(to, "/pods", &[])?;
        let at = first.header("x-origin").context("no origin")?.to_owned();
        assert_eq!(ask(to, "/pods", &[("cookie", &cookie(&first)?)])?.header("x-origin"), Some(&*at));
        seen.insert(at);
    }
    assert_eq!(seen.len(), 2);
    let through = Http::to(tcp).get(HOST, "/")?;
    assert!(["here", "there"].contains(&through.header("x-origin").unwrap_or_default()));
    drop((here, there));

    let statuses = gate.get("/status")?.text();
    for wanted in ["XBackendTrafficPolicy", "XBackend"] {
        assert!(statuses.contains(wanted), "{statuses}");
    }
    gate.expect_alive()
}
