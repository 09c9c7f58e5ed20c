//! Hours in minutes: under load of all protocols and steady change, nothing that the process holds grows.
//!
//! Three minutes, or as many as `SLUICEGATE_SOAK_MINUTES` says.
#![allow(missing_docs)]

mod common;
#[path = "common/lab.rs"]
mod lab;

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::{Lab, gateway, report, slice};
use testkit::http::Http;
use testkit::load::Header;
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port};

/// What the process holds at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    rss_kib: u64,
    files: u64,
    tasks: u64,
    series: u64,
}

impl Sample {
    fn take(gate: &Sluicegate, pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let metrics = gate.get("/metrics")?.text();
        let tasks: f64 = metrics
            .lines()
            .filter(|line| line.starts_with("sluicegate_worker_tasks{"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum();
        Ok(Self {
            rss_kib: rss.trim().trim_end_matches(" kB").parse()?,
            files: u64::try_from(fs::read_dir(format!("/proc/{pid}/fd"))?.count())?,
            tasks: tasks as u64,
            series: u64::try_from(metrics.lines().filter(|line| !line.starts_with('#')).count())?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rss_kib, files, tasks, series } = self;
        write!(f, "RSS {:.1} MiB, {files} files, {tasks} tasks, {series} series", *rss_kib as f64 / 1024.0)
    }
}

fn median(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// Fails when the median of the last third is above that of the first by more than `slack` of it and `least`.
fn expect_flat(what: &str, samples: &[Sample], of: impl Fn(&Sample) -> u64, slack: f64, least: u64) -> Result<()> {
    let third = samples.len() / 3;
    let (first, last) = (median(&samples[..third], &of), median(&samples[samples.len() - third..], &of));
    let allowed = first + least.max((first as f64 * slack) as u64);
    ensure!(last <= allowed, "{what} grew from {first} to {last}; {allowed} is allowed");
    Ok(())
}

/// Changes of every kind, over and over: routes, listeners, certificates, endpoints, broken files, routes that come and go.
fn churn(lab: &Lab, address: Ipv4Addr, done: &AtomicBool) -> Result<u64> {
    let (first, other) = (lab.origin.address(), lab.other);
    let more = "  - {name: more, port: 81, protocol: HTTP}\n";
    let route = |n: u64| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: passing-{n}}}\nspec:\n  parentRefs: [{{name: lab}}]\n  \
             hostnames: [passing-{n}.lab.test]\n  rules:\n  - backendRefs: [{{name: app, port: {}}}]\n",
            first.port()
        )
    };
    let origin = Origin::start("other", other)?;
    let http = Http::to(SocketAddr::from((address, lab.ports.http))).limit(Duration::from_secs(10));
    let mut changes = 0;
    while !done.load(Ordering::Relaxed) {
        lab.folder.write("edited.yaml", &lab.edited(changes))?;
        match changes % 6 {
            0 => lab.folder.write("gateway.yaml", &gateway(address, more))?,
            1 => lab.folder.write("gateway.yaml", &gateway(address, ""))?,
            2 => {
                let next = lab.folder.ca.server(&lab::NAMES)?;
                lab.folder.write("secret-default-lab.yaml", &next.secret_yaml("default", "lab"))?
            }
            3 => lab.folder.write("slice-app.yaml", &slice("app", &[first, other]))?,
            4 => lab.folder.write("slice-app.yaml", &slice("app", &[first]))?,
            _ => lab.folder.write("broken.yaml", if changes % 12 == 5 { "kind: [" } else { "kind: Nothing\n" })?,
        };
        // Ever new names: what is kept by name must go with it. A request gives the route its metrics.
        lab.folder.write("passing.yaml", &route(changes))?;
        std::thread::sleep(Duration::from_millis(250));
        http.get(&format!("passing-{changes}.lab.test"), "/")?;
        changes += 1;
    }
    drop(origin);
    Ok(changes)
}

#[test]
fn nothing_grows() -> Result<()> {
    let minutes: u64 = std::env::var("SLUICEGATE_SOAK_MINUTES").ok().map_or(Ok(3), |minutes| minutes.parse())?;
    let lab = Lab::new("soak")?;
    let address = lab.net.address(10);
    let mut gate = lab.run(&lab.folder, &["--port-map", &format!("445={}", free_port()?)])?;
    let pid = gate.process().id();
    let edits = Header::new("x-edit");
    let load = lab.load(address, &edits)?;
    let kafka = lab.kafka_load(address, "soak")?;
    load.warm_up(20)?;

    let done = AtomicBool::new(false);
    let mut samples = Vec::new();
    let changes = std::thread::scope(|scope| -> Result<u64> {
        let churn = scope.spawn(|| churn(&lab, address, &done));
        let began = Instant::now();
        // The first half minute fills pools, caches and the allocator.
        std::thread::sleep(Duration::from_secs(30));
        let every = Duration::from_secs(2 * minutes / 3 + 1);
        let sampled = (|| -> Result<()> {
            while began.elapsed() < Duration::from_secs(60 * minutes) {
                let sample = Sample::take(&gate, pid)?;
                eprintln!("{:>4} s: {sample}", began.elapsed().as_secs());
                samples.push(sample);
                std::thread::sleep(every);
            }
            Ok(())
        })();
        done.store(true, Ordering::Relaxed);
        let changes = churn.join().expect("no panic");
        sampled?;
        changes
    })?;
    let mut counts = load.stop();
    counts.push(kafka.stop()?);
    report(&format!("{minutes} minutes, {changes} changes"), &counts);
    let kafka_ends: Vec<_> = gate.log_json().into_iter().filter(|line| line["kind"] == "kafka").collect();
    for count in &counts {
        count.expect_untouched().with_context(|| format!("Kafka connections that ended: {kafka_ends:#?}"))?;
    }
    assert!(samples.len() >= 30, "only {} samples", samples.len());
    assert!(changes >= minutes * 60, "only {changes} changes");
    expect_flat("resident memory (KiB)", &samples, |sample| sample.rss_kib, 0.05, 3 * 1024)?;
    expect_flat("open files", &samples, |sample| sample.files, 0.05, 4)?;
    expect_flat("tasks", &samples, |sample| sample.tasks, 0.05, 4)?;
    expect_flat("metric series", &samples, |sample| sample.series, 0.05, 8)?;
    gate.expect_alive()
}

/// A request to each of 5,000 routes with a backend each: as many series as are bounded, and none of the requests lost in them.
#[test]
fn five_thousand_routes_do_not_make_five_thousand_series() -> Result<()> {
    const ROUTES: usize = 5000;
    let origin = Origin::start("one", (Ipv4Addr::LOCALHOST, 0).into())?;
    let folder = common::Folder::new("series")?;
    folder.write(
        "gateway.yaml",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\nspec: {controllerName: sluicegate.dev/gateway-controller}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  gatewayClassName: c\n  listeners:\n  \
         - {name: one, port: 80, protocol: HTTP}\n  - {name: two, port: 81, protocol: HTTP}\n",
    )?;
    let routes: String = (0..ROUTES)
        .map(|i| {
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r{i}}}\nspec:\n  parentRefs: [{{name: g}}]\n  hostnames: [r{i}.test]\n  \
                 rules: [{{backendRefs: [{{group: sluicegate.dev, kind: Backend, name: b{i}}}]}}]\n---\n\
                 apiVersion: sluicegate.dev/v1alpha1\nkind: Backend\nmetadata: {{name: b{i}}}\nspec:\n  endpoints: [{{ip: {{address: 127.0.0.1, port: {}}}}}]\n---\n",
                origin.port()
            )
        })
        .collect();
    folder.write("routes.yaml", &routes)?;
    let ports = [free_port()?, free_port()?];
    let gate = Sluicegate::run(&[folder.path()])?
        .port_map(80, ports[0])
        .port_map(81, ports[1])
        .arg("--access-log")
        .arg("off")
        .ready_limit(Duration::from_secs(120))
        .start()?;
    for i in 0..ROUTES {
        let http = Http::to(SocketAddr::from((Ipv4Addr::LOCALHOST, ports[i % 2])));
        assert_eq!(http.get(&format!("r{i}.test"), "/")?.status, 200, "r{i}.test");
    }
    let metrics = gate.get("/metrics")?.text();
    let series = metrics.lines().filter(|line| !line.starts_with('#')).count();
    eprintln!("{series} series after a request to each of {ROUTES} routes");
    assert!(series <= 600, "{series} series");
    let requests = gate.metric("sluicegate_http_requests_total", &["code=\"2xx\""])?;
    assert_eq!(requests as usize, ROUTES, "every request is counted somewhere");
    Ok(())
}
