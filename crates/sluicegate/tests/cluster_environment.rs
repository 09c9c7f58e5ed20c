//! A cluster that misbehaves: the API server is away, the controller is away, rights and kinds are missing, strangers ask for
//! configuration. What works goes on working, what does not is said, and all mends itself.
#![allow(missing_docs)]
#![allow(dead_code, reason = "the shop is shared by several tests")]

#[path = "common/shop.rs"]
mod shop;

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shop::{GATEWAY_API, LIMIT, builder, controller_logs, get, get_soon, open, redirect, scale, until, wait_route};
use testkit::cluster::{Channel, Cluster, Component, Ref, deploy};
use testkit::process::{self, Process};

fn serves(cluster: &Cluster, address: IpAddr, path: &str, target: &str) -> Result<bool> {
    let location = get(cluster, address, path)?.header("location").map(str::to_owned);
    Ok(location.is_some_and(|location| location.ends_with(&format!("/{target}"))))
}

#[test]
fn an_api_server_that_is_away_stops_nothing_that_is_served() -> Result<()> {
    let (mut cluster, address) = open()?;
    cluster.apply(&redirect("a", "before"))?;
    wait_route(&cluster, "a", "sluicegate.dev/Synced")?;
    cluster.stop(Component::ApiServer);
    for _ in 0..20 {
        ensure!(serves(&cluster, address, "/a", "before")?, "served while the API server is away");
        std::thread::sleep(Duration::from_millis(100));
    }
    cluster.resume(Component::ApiServer)?;
    cluster.apply(&redirect("a", "after"))?;
    wait_route(&cluster, "a", "sluicegate.dev/Synced")?;
    ensure!(serves(&cluster, address, "/a", "after")?, "followed after the API server is back");
    Ok(())
}

#[test]
fn proxies_serve_without_a_controller_and_restart_without_one() -> Result<()> {
    let (cluster, address) = open()?;
    cluster.apply(&redirect("a", "before"))?;
    wait_route(&cluster, "a", "sluicegate.dev/Synced")?;
    // What is served is kept on disk a moment later.
    std::thread::sleep(Duration::from_secs(1));
    scale(&cluster, "sluicegate-system", "sluicegate-controller", 0)?;
    until("the controller is gone", LIMIT, || Ok(cluster.list("v1", "Pod", Some("sluicegate-system"))?.is_empty()))?;
    cluster.apply(&redirect("a", "after"))?;
    ensure!(serves(&cluster, address, "/a", "before")?, "nobody has told the proxy of the change");

    let before = proxy_process(&cluster)?;
    process::check(std::process::Command::new("kill").args(["-KILL", &before.to_string()]), LIMIT)?;
    until("the proxy runs again", LIMIT, || Ok(proxy_process(&cluster).is_ok_and(|pid| pid != before)))?;
    get_soon(&cluster, address, "/")?;
    ensure!(serves(&cluster, address, "/a", "before")?, "served from what was kept");

    scale(&cluster, "sluicegate-system", "sluicegate-controller", 2)?;
    wait_route(&cluster, "a", "sluicegate.dev/Synced")?;
    ensure!(serves(&cluster, address, "/a", "after")?, "the controller is back");

    // Of two controllers one leads; the other takes over when it is gone.
    let leader = leader(&cluster)?;
    let mut delete = cluster.kubectl();
    delete.args(["-n", "sluicegate-system", "delete", "pod", &leader, "--grace-period=1", "--wait=false"]);
    process::check(&delete, LIMIT)?;
    cluster.apply(&redirect("a", "led by another"))?;
    until("another leads", LIMIT, || Ok(self::leader(&cluster)? != leader))?;
    wait_route(&cluster, "a", "sluicegate.dev/Synced")?;
    Ok(())
}

/// The process of the shop's only proxy, by what this cluster's node has started.
fn proxy_process(cluster: &Cluster) -> Result<u32> {
    let node = cluster.component(Component::Node).context("the node")?.id();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(arguments) = fs::read_to_string(entry.path().join("cmdline")) else { continue };
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        let is_ours =
            status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|it| it.trim() == node.to_string()));
        if is_ours && arguments.contains("--gateway=shop/public") {
            return Ok(pid);
        }
    }
    anyhow::bail!("no proxy runs")
}

fn leader(cluster: &Cluster) -> Result<String> {
    let lease = Ref::new("coordination.k8s.io/v1", "Lease", "sluicegate-system/sluicegate-controller");
    let lease = cluster.get(&lease)?.context("no Lease")?;
    Ok(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn kinds_and_rights_that_are_missing_come_later() -> Result<()> {
    // The standard channel has no TCPRoute.
    let cluster = builder()?.channel(Some(Channel::Standard)).start()?;
    deploy::sluicegate(&cluster, &[])?;
    cluster.apply(shop::SHOP)?;
    let address = shop::address(&cluster, "shop/public")?;
    get_soon(&cluster, address, "/")?;
    // What the Gateway API puts in the way of changing channels by mistake.
    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        let mut delete = cluster.kubectl();
        delete.args(["delete", kind, "safe-upgrades.gateway.networking.k8s.io"]);
        process::check(&delete, LIMIT)?;
    }
    until("the other channel is let in", LIMIT, || Ok(cluster.install_crds(Channel::Experimental).is_ok()))?;
    let tcp = "
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: raw, namespace: shop}
spec: {parentRefs: [{name: public}], rules: [{backendRefs: [{name: echo, port: 80}]}]}
";
    until("the kind is there", LIMIT, || Ok(cluster.apply(tcp).is_ok()))?;
    let route = Ref::new("gateway.networking.k8s.io/v1alpha2", "TCPRoute", "shop/raw");
    // It is answered: an HTTP listener takes no TCPRoute.
    cluster.wait(&route, LIMIT, |route| {
        shop::parent_condition(route, "Accepted")
            .is_some_and(|condition| condition["reason"] == "NotAllowedByListeners")
    })?;

    // Without the right to read one kind, all others work, and the controller says which.
    let role = Ref::new("rbac.authorization.k8s.io/v1", "ClusterRole", "sluicegate-controller");
    let whole = cluster.get(&role)?.context("the ClusterRole")?;
    let mut reduced = whole.clone();
    for rule in reduced["rules"].as_array_mut().into_iter().flatten() {
        if let Some(resources) = rule["resources"].as_array_mut() {
            resources.retain(|resource| resource != "tcproutes");
        }
    }
    replace(&cluster, &reduced)?;
    scale(&cluster, "sluicegate-system", "sluicegate-controller", 0)?;
    scale(&cluster, "sluicegate-system", "sluicegate-controller", 1)?;
    cluster.apply(&redirect("b", "one"))?;
    wait_route(&cluster, "b", "sluicegate.dev/Synced")?;
    until("it is said", LIMIT, || {
        Ok(controller_logs(&cluster)?.lines().any(|line| line.contains("TCPRoute") && line.contains("forbidden")))
    })?;
    replace(&cluster, &whole)?;
    until("it is mended", LIMIT, || {
        Ok(controller_logs(&cluster)?
            .lines()
            .any(|line| line.contains("TCPRoute") && line.contains("watched from now on")))
    })?;
    Ok(())
}

fn replace(cluster: &Cluster, object: &serde_json::Value) -> Result<()> {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp"] {
            metadata.remove(field);
        }
    }
    cluster.apply(&object.to_string())?;
    Ok(())
}

#[test]
fn a_stranger_gets_no_configuration() -> Result<()> {
    let (cluster, address) = open()?;
    let secret = Ref::new("apps/v1", "Deployment", "shop/public-sluicegate");
    let deployment = cluster.get(&secret)?.context("the Deployment")?;
    let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
    let ca =
        env.iter().find(|it| it["name"] == "SLUICEGATE_CA").context("the CA")?["value"].as_str().unwrap_or_default();
    let folder = tempfile(&cluster)?;
    let token = folder.join("token");
    fs::write(&token, "not a token")?;
    let mut command = cluster.command(testkit::sluicegate::binary()?);
    command.env("SLUICEGATE_CA", ca).args(["proxy", "--gateway=shop/public", "--admin=off"]);
    command.arg(format!("--controller=https://{}:15010", deploy::CONTROLLER));
    command.arg(format!("--token={}", token.display())).arg(format!("--state={}", folder.display()));
    let mut stranger = Process::start("stranger", &command, &folder.join("log"))?;
    stranger.wait_until(LIMIT, |process| process.log().contains("the token is not valid"))?;
    until("the controller says so", LIMIT, || Ok(controller_logs(&cluster)?.contains("a proxy was turned away")))?;
    ensure!(!folder.join("snapshot.json").exists(), "the stranger has got something");
    stranger.kill();
    // It does not count among those that must confirm.
    cluster.apply(&redirect("c", "one"))?;
    wait_route(&cluster, "c", "sluicegate.dev/Synced")?;
    ensure!(serves(&cluster, address, "/c", "one")?);
    Ok(())
}

fn tempfile(cluster: &Cluster) -> Result<std::path::PathBuf> {
    let folder = cluster.dir().join("stranger");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[test]
fn forty_bad_objects_beside_a_hundred_good_ones() -> Result<()> {
    let (cluster, address) = open()?;
    let good: Vec<String> = (0..100).map(|n| redirect(&format!("good-{n}"), &format!("to-{n}"))).collect();
    let bad: Vec<String> = (0..40).map(bad).collect();
    let mut all = good.clone();
    bad.iter().enumerate().for_each(|(n, object)| all.insert(2 * n, object.clone()));
    cluster.apply(&all.join("\n---\n"))?;
    for n in 0..100 {
        wait_route(&cluster, &format!("good-{n}"), "sluicegate.dev/Synced")?;
        ensure!(serves(&cluster, address, &format!("/good-{n}"), &format!("to-{n}"))?, "good-{n}");
    }
    for n in 0..40 {
        let route = Ref::new(GATEWAY_API, "HTTPRoute", &format!("shop/bad-{n}"));
        cluster
            .wait(&route, LIMIT, |route| {
                ["Accepted", "ResolvedRefs"].iter().any(|kind| {
                    shop::parent_condition(route, kind).is_some_and(|condition| {
                        condition["status"] == "False" && condition["message"].as_str().is_some_and(|it| it.len() > 10)
                    })
                })
            })
            .with_context(|| format!("bad-{n} is told what is wrong"))?;
    }
    Ok(())
}

/// Routes that the API server takes and that cannot be served.
fn bad(n: usize) -> String {
    let (parent, rule) = match n % 8 {
        0 => ("name: public", "backendRefs: [{name: nobody, port: 80}]"),
        1 => ("name: public", "backendRefs: [{name: echo, namespace: default, port: 80}]"),
        2 => ("name: public", "backendRefs: [{name: echo, kind: Mystery, group: example.com}]"),
        3 => ("name: public", "matches: [{path: {type: RegularExpression, value: '/a('}}]"),
        4 => ("name: public, sectionName: nowhere", "backendRefs: [{name: echo, port: 80}]"),
        5 => ("name: public", "backendRefs: [{name: echo, port: 81}]"),
        6 => ("name: public, port: 8080", "backendRefs: [{name: echo, port: 80}]"),
        _ => (
            "name: public",
            "filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Mystery, name: a}}]",
        ),
    };
    format!(
        "{{apiVersion: {GATEWAY_API}, kind: HTTPRoute, metadata: {{name: bad-{n}, namespace: shop}}, spec: {{\
           parentRefs: [{{{parent}}}], hostnames: [bad-{n}.example.com], rules: [{{{rule}}}]}}}}"
    )
}
