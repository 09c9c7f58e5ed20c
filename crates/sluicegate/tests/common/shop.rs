//! A shop in a cluster: echo servers behind a Gateway, and Sluicegate itself.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::cluster::{Builder, Cluster, Ref, condition, deploy};
use testkit::http::{Http, Response};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
pub(crate) const HOST: &str = "shop.example.com";

pub(crate) const SHOP: &str = "
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

/// A cluster builder that knows the image of this build.
pub(crate) fn builder() -> Result<Builder> {
    Ok(Cluster::builder().image("sluicegate", testkit::sluicegate::binary()?))
}

/// A cluster with Sluicegate and the shop; the Gateway's address.
pub(crate) fn open() -> Result<(Cluster, IpAddr)> {
    let cluster = builder()?.start()?;
    deploy::sluicegate(&cluster, &[])?;
    cluster.apply(SHOP)?;
    let address = address(&cluster, "shop/public")?;
    get_soon(&cluster, address, "/")?;
    Ok((cluster, address))
}

/// The address of a Gateway, once it is programmed.
pub(crate) fn address(cluster: &Cluster, gateway: &str) -> Result<IpAddr> {
    let gateway = Ref::new(GATEWAY_API, "Gateway", gateway);
    let gateway =
        cluster.wait(&gateway, LIMIT, |gateway| condition(&gateway["status"], "Programmed") == Some("True"))?;
    let address = gateway.pointer("/status/addresses/0/value").and_then(Value::as_str).context("no address")?;
    Ok(address.parse()?)
}

pub(crate) fn get(cluster: &Cluster, address: IpAddr, path: &str) -> Result<Response> {
    let address = SocketAddr::new(address, 80);
    cluster.inside(|| Http::to(address).limit(Duration::from_secs(2)).get(HOST, path))
}

/// Until there is a good answer.
pub(crate) fn get_soon(cluster: &Cluster, address: IpAddr, path: &str) -> Result<Response> {
    let began = Instant::now();
    loop {
        match get(cluster, address, path) {
            Ok(response) if response.status == 200 => return Ok(response),
            other if began.elapsed() > LIMIT => bail!("{path}: {other:?}"),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A route of the shop that answers `/NAME` with a redirect to `/TARGET`.
pub(crate) fn redirect(name: &str, target: &str) -> String {
    format!(
        "{{apiVersion: {GATEWAY_API}, kind: HTTPRoute, metadata: {{name: {name}, namespace: shop}}, spec: {{\
           parentRefs: [{{name: public}}], hostnames: [{HOST}], rules: [{{\
             matches: [{{path: {{value: /{name}}}}}], filters: [{{type: RequestRedirect, requestRedirect: {{\
               path: {{type: ReplaceFullPath, replaceFullPath: /{target}}}}}}}]}}]}}}}"
    )
}

/// The parent entry of a route that is ours, and its condition.
pub(crate) fn parent_condition<'a>(route: &'a Value, kind: &str) -> Option<&'a Value> {
    let parent = route.pointer("/status/parents/0/conditions")?.as_array()?;
    parent.iter().find(|condition| condition["type"] == kind)
}

/// Waits until a condition of a route is true for its present generation.
pub(crate) fn wait_route(cluster: &Cluster, name: &str, kind: &str) -> Result<()> {
    let route = Ref::new(GATEWAY_API, "HTTPRoute", &format!("shop/{name}"));
    cluster.wait(&route, LIMIT, |route| {
        parent_condition(route, kind).is_some_and(|condition| {
            condition["status"] == "True" && condition["observedGeneration"] == route["metadata"]["generation"]
        })
    })?;
    Ok(())
}

/// Pods with a label.
pub(crate) fn pods(cluster: &Cluster, namespace: &str, label: &str, value: &str) -> Result<Vec<Value>> {
    let mut pods = cluster.list("v1", "Pod", Some(namespace))?;
    pods.retain(|pod| pod["metadata"]["labels"][label] == value);
    Ok(pods)
}

/// What every controller that was there has written.
pub(crate) fn controller_logs(cluster: &Cluster) -> Result<String> {
    let mut text = String::new();
    for pod in cluster.list("v1", "Pod", Some("sluicegate-system"))? {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        text += &cluster.logs("sluicegate-system", name).unwrap_or_default();
    }
    Ok(text)
}

/// Sets the replicas of a Deployment.
pub(crate) fn scale(cluster: &Cluster, namespace: &str, name: &str, replicas: u32) -> Result<()> {
    let mut command = cluster.kubectl();
    command.args(["-n", namespace, "scale", "deployment", name, &format!("--replicas={replicas}")]);
    testkit::process::check(&command, LIMIT)?;
    Ok(())
}

/// Waits until something holds.
pub(crate) fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + limit;
    while !holds()? {
        if Instant::now() > end {
            bail!("{what}: not within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
