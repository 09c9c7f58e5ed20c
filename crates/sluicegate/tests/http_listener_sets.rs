//! ListenerSets (GEP-1713): listeners of another namespace on one Gateway, and routes that are theirs alone.
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::{Folder, endpoint_slice};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port};

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sg}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra}
spec:
  gatewayClassName: sg
  allowedListeners: {namespaces: {from: All}}
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: gw.example.com, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: of-the-gateway, namespace: team}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules: [{backendRefs: [{name: gateways, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: of-the-set, namespace: team}
spec:
  parentRefs: [{kind: ListenerSet, name: set}]
  rules: [{backendRefs: [{name: sets, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: gateways, namespace: team}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: sets, namespace: team}
spec: {ports: [{name: http, port: 80}]}
";

const SET: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: set, namespace: team}
spec:
  parentRef: {name: gw, namespace: infra}
  listeners:
  - {name: taken, port: 80, protocol: HTTP, hostname: gw.example.com}
  - {name: http, port: 80, protocol: HTTP, hostname: set.example.com}
  - {name: https, port: 443, protocol: HTTPS, hostname: set.example.com, tls: {certificateRefs: [{name: cert}]}}
";

#[test]
fn listeners_of_a_set_are_served_beside_the_gateways_and_apart_from_them() -> Result<()> {
    let (gateways, sets) = (Origin::start("gateways", local(0))?, Origin::start("sets", local(0))?);
    let folder = Folder::new("listener-sets")?;
    folder.secret("team", "cert", &["set.example.com"])?;
    folder.write("gateway.yaml", GATEWAY)?;
    folder.write("set.yaml", SET)?;
    for (name, origin) in [("gateways", &gateways), ("sets", &sets)] {
        let slice = endpoint_slice("team", name, "http", origin.address().port(), &[Ipv4Addr::LOCALHOST]);
        folder.write(&format!("slice-{name}.yaml"), &slice)?;
    }
    let (http, https) = (free_port()?, free_port()?);
    let mut gate = Sluicegate::run(&[folder.path()])?.port_map(80, http).port_map(443, https).start()?;
    let get = |host: &str| Http::to(local(http)).get(host, "/");
    assert_eq!(get("gw.example.com")?.json()?["origin"], "gateways");
    assert_eq!(get("set.example.com")?.json()?["origin"], "sets");
    assert_eq!(get("no.example.com")?.status, 404);
    let secure = || Http::to(local(https)).tls("set.example.com", folder.ca.pem())?.get("set.example.com", "/");
    assert_eq!(secure()?.json()?["origin"], "sets");

    // A change of the set leaves the Gateway's connections alone, and its port is closed with its last listener.
    folder.write("set.yaml", &SET.replace("hostname: set.example.com, tls", "hostname: other.example.com, tls"))?;
    wait_for(|| secure().is_err());
    folder.remove("set.yaml")?;
    wait_for(|| get("set.example.com").is_ok_and(|response| response.status == 404));
    wait_for(|| TcpStream::connect(local(https)).is_err());
    assert_eq!(get("gw.example.com")?.json()?["origin"], "gateways");
    folder.write("set.yaml", SET)?;
    wait_for(|| secure().is_ok_and(|response| response.status == 200));
    gate.expect_alive()
}

const DEFAULTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sg}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: sg
  defaultScope: All
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: abc.example.com}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: wide, creationTimestamp: '2026-01-01T00:00:00Z'}
spec:
  useDefaultGateways: All
  hostnames: ['*.example.com']
  rules: [{matches: [{path: {value: /path/longer}}], backendRefs: [{name: wide, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: exact, creationTimestamp: '2026-02-01T00:00:00Z'}
spec:
  useDefaultGateways: All
  hostnames: [abc.example.com]
  rules: [{matches: [{path: {value: /path}, headers: [{name: a, value: a}]}], backendRefs: [{name: exact, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: wide}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: exact}
spec: {ports: [{name: http, port: 80}]}
";

#[test]
fn a_default_gateway_takes_routes_in_the_order_of_their_hostnames_as_written() -> Result<()> {
    let (wide, exact) = (Origin::start("wide", local(0))?, Origin::start("exact", local(0))?);
    let folder = Folder::new("default-gateways")?;
    folder.write("all.yaml", DEFAULTS)?;
    for (name, origin) in [("wide", &wide), ("exact", &exact)] {
        let slice = endpoint_slice("default", name, "http", origin.address().port(), &[Ipv4Addr::LOCALHOST]);
        folder.write(&format!("slice-{name}.yaml"), &slice)?;
    }
    let port = free_port()?;
    let mut gate = Sluicegate::run(&[folder.path()])?.port_map(80, port).start()?;
    let send = |path: &str, header: &str| -> Result<testkit::http::Response> {
        let request = http::Request::get(path).header("host", "abc.example.com").header("a", header);
        Http::to(local(port)).send(request.body(bytes::Bytes::new())?)
    };
    // The younger route's hostname is the more specific one although the listener leaves both the same, and although its
    // path is shorter.
    assert_eq!(send("/path/longer", "a")?.json()?["origin"], "exact");
    assert_eq!(send("/path/longer", "b")?.json()?["origin"], "wide", "what one does not take the other does");
    assert_eq!(send("/path", "b")?.status, 404);
    folder.write("all.yaml", &DEFAULTS.replace("defaultScope: All", "defaultScope: None"))?;
    wait_for(|| send("/path/longer", "a").is_ok_and(|response| response.status == 404));
    gate.expect_alive()
}

/// Tries for 20 seconds.
fn wait_for(mut attempt: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !attempt() {
        assert!(Instant::now() < end, "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
