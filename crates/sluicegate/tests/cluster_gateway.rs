//! A Gateway in a cluster, from the API server to the traffic: the controller with its own rights, proxies that it provisions.
#![allow(missing_docs)]
#![allow(dead_code, reason = "the shop is shared by several tests")]

#[path = "common/shop.rs"]
mod shop;

use anyhow::{Context, Result, ensure};
use shop::{GATEWAY_API, LIMIT, get, get_soon, open, redirect, wait_route};
use testkit::cluster::{Ref, condition};

/// How often a route is changed and asked at once.
const FLIPS: usize = 200;

#[test]
fn a_gateway_is_provisioned_programmed_and_serves() -> Result<()> {
    let (cluster, address) = open()?;
    let response = get_soon(&cluster, address, "/cart")?;
    assert!(response.text().contains("\"namespace\": \"shop\""), "{}", response.text());

    // The first request after `Synced` has turned true is answered by the route as it was written.
    for n in 0..FLIPS {
        cluster.apply(&redirect("flip", &format!("target-{n}")))?;
        wait_route(&cluster, "flip", "sluicegate.dev/Synced")?;
        let response = get(&cluster, address, "/flip")?;
        let location = response.header("location").context("no redirect")?;
        ensure!(location.ends_with(&format!("/target-{n}")), "flip {n}: {location}");
    }

    // What is gone is gone on the proxies as well, and what was provisioned goes with the Gateway.
    cluster.delete(&redirect("flip", "x"))?;
    shop::until("the route is gone", LIMIT, || Ok(get(&cluster, address, "/flip")?.status == 200))?;
    let gateway = Ref::new(GATEWAY_API, "Gateway", "shop/public");
    let whole = cluster.get(&gateway)?.context("the Gateway")?;
    assert_eq!(condition(&whole["status"], "sluicegate.dev/Synced"), Some("True"));
    cluster.delete(&format!(
        "{{apiVersion: {GATEWAY_API}, kind: Gateway, metadata: {{name: public, namespace: shop}}}}"
    ))?;
    for (version, kind) in [("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "ServiceAccount")] {
        cluster.wait_gone(&Ref::new(version, kind, "shop/public-sluicegate"), LIMIT)?;
    }
    Ok(())
}

#[test]
fn proxies_run_as_parameters_say() -> Result<()> {
    let (cluster, _) = open()?;
    cluster.apply(&std::fs::read_to_string(
        testkit::paths::repo().join("deploy/crds/gatewayparameters.sluicegate.dev.yaml"),
    )?)?;
    cluster.apply(
        "
apiVersion: sluicegate.dev/v1alpha1
kind: GatewayParameters
metadata: {name: two, namespace: shop}
spec:
  deployment: {replicas: 2, resources: {requests: {cpu: 10m}}}
  service: {type: NodePort, nodePorts: [{port: 80, nodePort: 30880}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  gatewayClassName: sluicegate
  infrastructure:
    labels: {team: shop}
    parametersRef: {group: sluicegate.dev, kind: GatewayParameters, name: two}
  listeners: [{name: http, port: 80, protocol: HTTP}]
",
    )?;
    shop::until("two proxies, labelled, on port 30880 of the node", LIMIT, || {
        let pods = shop::pods(&cluster, "shop", "team", "shop")?;
        let ready = pods.iter().filter(|pod| condition(&pod["status"], "Ready") == Some("True")).count();
        let asks = |pod: &serde_json::Value| pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "10m";
        Ok(ready == 2 && pods.iter().all(asks))
    })?;
    shop::until("an answer on the node's port", LIMIT, || {
        let node = std::net::SocketAddr::from((testkit::cluster::NODE, 30880));
        let http = testkit::http::Http::to(node).limit(std::time::Duration::from_secs(2));
        Ok(cluster.inside(|| http.get(shop::HOST, "/")).is_ok_and(|response| response.status == 200))
    })?;
    let service = cluster.get(&Ref::new("v1", "Service", "shop/public-sluicegate"))?.context("the Service")?;
    assert_eq!(service["spec"]["type"], "NodePort");
    assert_eq!(service["spec"]["ports"][0]["nodePort"], 30880);
    Ok(())
}
