//! Proxies come and go under load: scaled from one to three and back, rolled, and killed. What a client may see of it is counted.
#![allow(missing_docs)]
#![allow(dead_code, reason = "the shop is shared by several tests")]

#[path = "common/shop.rs"]
mod shop;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shop::{LIMIT, builder, get_soon, pods, scale, until};
use testkit::cluster::{Cluster, condition, deploy};
use testkit::load::{Count, Endpoint, Load};
use testkit::process;

const PROXIES: &str = "public-sluicegate";
const LABEL: &str = "gateway.networking.k8s.io/gateway-name";

const GRPC: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: grpc, namespace: shop}
spec:
  selector: {matchLabels: {app: grpc}}
  template:
    metadata: {labels: {app: grpc}}
    spec:
      containers: [{name: grpc, image: grpc, args: [serve, '0.0.0.0:3000', grpc]}]
---
apiVersion: v1
kind: Service
metadata: {name: grpc, namespace: shop}
spec:
  selector: {app: grpc}
  ports: [{name: grpc, port: 80, targetPort: 3000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc, namespace: shop}
spec:
  parentRefs: [{name: public}]
  hostnames: [grpc.example.com]
  rules: [{backendRefs: [{name: grpc, port: 80}]}]
";

/// Waits until as many proxies are there as are wanted, all of them ready.
fn settled(cluster: &Cluster, wanted: usize) -> Result<()> {
    until(&format!("{wanted} proxies"), LIMIT, || {
        let pods = pods(cluster, "shop", LABEL, "public")?;
        Ok(pods.len() == wanted && pods.iter().all(|pod| condition(pod, "Ready") == Some("True")))
    })?;
    // What is behind the Service follows a moment later.
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn names(cluster: &Cluster) -> Result<Vec<String>> {
    let pods = pods(cluster, "shop", LABEL, "public")?;
    Ok(pods.iter().filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect())
}

fn report(what: &str, counts: &[Count]) {
    eprintln!("--- {what}\n{}", Count::heads());
    counts.iter().for_each(|count| eprintln!("{count}"));
}

#[test]
fn no_request_fails_while_proxies_come_and_go() -> Result<()> {
    let cluster = builder()?.image("grpc", testkit::clients::go_program("grpc")?).start()?;
    deploy::sluicegate(&cluster, &[])?;
    cluster.apply(shop::SHOP)?;
    cluster.apply(GRPC)?;
    let address = shop::address(&cluster, "shop/public")?;
    get_soon(&cluster, address, "/")?;
    settled(&cluster, 1)?;

    let to = SocketAddr::new(address, 80);
    let start = || {
        cluster.inside(|| {
            let mut load = Load::start()?;
            let shop = Endpoint::plain(to, shop::HOST);
            load.http1("HTTP/1.1", &shop, 4);
            load.http1_fresh("HTTP/1.1, no reuse", &shop, 2);
            load.http2("HTTP/2", &shop, 4);
            load.grpc("gRPC streams", &Endpoint::plain(to, "grpc.example.com"), 2, true);
            load.warm_up(20)?;
            Ok(load)
        })
    };

    let load = start()?;
    for replicas in [3, 1] {
        scale(&cluster, "shop", PROXIES, replicas)?;
        settled(&cluster, replicas as usize)?;
    }
    let before = names(&cluster)?;
    let mut restart = cluster.kubectl();
    restart.args(["-n", "shop", "rollout", "restart", "deployment", PROXIES]);
    process::check(&restart, LIMIT)?;
    until("another proxy serves alone", LIMIT, || {
        let now = names(&cluster)?;
        Ok(now.len() == 1 && now != before)
    })?;
    settled(&cluster, 1)?;
    let counts = load.stop();
    report("scaled from one to three and back, and rolled", &counts);
    for count in &counts {
        count.expect_whole()?;
    }
    let streams = counts.iter().find(|count| count.name == "gRPC streams").context("the streams")?;
    ensure!(streams.untold().count() == 0, "each stream was told: {streams}");

    // Killed: what is in flight fails, and a second later nothing does.
    scale(&cluster, "shop", PROXIES, 2)?;
    settled(&cluster, 2)?;
    let load = start()?;
    let victim = names(&cluster)?.into_iter().next().context("a proxy")?;
    let mut kill = cluster.kubectl();
    kill.args(["-n", "shop", "delete", "pod", &victim, "--grace-period=0", "--force"]);
    process::check(&kill, LIMIT)?;
    std::thread::sleep(Duration::from_secs(1));
    let failed = |load: &Load| load.counts().iter().map(|count| count.failed).sum::<u64>();
    let at_first = failed(&load);
    std::thread::sleep(Duration::from_secs(3));
    let later = failed(&load);
    report("one of two killed", &load.stop());
    // Each of 12 connections or streams had one request under way at most, and was refused a few times until nodes knew.
    ensure!(at_first <= 48, "{at_first} have failed");
    ensure!(later == at_first, "{} more have failed after a second", later - at_first);
    Ok(())
}
