//! A Gateway in a cluster, from the API server to the traffic: the controller with its own rights, proxies that it provisions.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::cluster::{Cluster, Ref, condition, deploy};
use testkit::http::{Http, Response};

const LIMIT: Duration = Duration::from_secs(60);
const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
      - name: echo
        image: registry.k8s.io/gateway-api/conformance/echo-basic:any
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        readinessProbe: {httpGet: {path: /ready, port: 3000}}
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: shop}
spec:
  selector: {app: echo}
  ports: [{name: http, port: 80, targetPort: 3000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  gatewayClassName: sluicegate
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: echo, namespace: shop}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: echo, port: 80}]}]
";

fn start() -> Result<Cluster> {
    let cluster = Cluster::builder().image("sluicegate", testkit::sluicegate::binary()?).start()?;
    deploy::sluicegate(&cluster, &[])?;
    Ok(cluster)
}

fn get(cluster: &Cluster, address: IpAddr) -> Result<Response> {
    let address = SocketAddr::new(address, 80);
    cluster.inside(|| Http::to(address).limit(Duration::from_secs(2)).get("shop.example.com", "/cart"))
}

fn get_soon(cluster: &Cluster, address: IpAddr) -> Result<Response> {
    let began = Instant::now();
    loop {
        match get(cluster, address) {
            Ok(response) if response.status == 200 => return Ok(response),
            other if began.elapsed() > LIMIT => bail!("{other:?}"),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn a_gateway_is_provisioned_programmed_and_serves() -> Result<()> {
    let cluster = start()?;
    cluster.apply(SHOP)?;
    let gateway = Ref::new(GATEWAY_API, "Gateway", "shop/public");
    let gateway = cluster.wait(&gateway, LIMIT, |gateway| condition(gateway, "Programmed") == Some("True"))?;
    let address = gateway.pointer("/status/addresses/0/value").and_then(Value::as_str).context("no address")?;
    let route = Ref::new(GATEWAY_API, "HTTPRoute", "shop/echo");
    cluster.wait(&route, LIMIT, |route| {
        route.pointer("/status/parents/0").is_some_and(|parent| condition(parent, "Accepted") == Some("True"))
    })?;
    let response = get_soon(&cluster, address.parse()?)?;
    assert!(response.text().contains("\"namespace\": \"shop\""), "{}", response.text());
    Ok(())
}
