//! Rows about the price of a request: `h1`, `tls-h1`, `tls-h2`, `body-64k`.

use std::time::Duration;

use anyhow::Result;
use testkit::Ca;

use super::load::{self, Load};
use super::outcome::{Outcome, Sample, interleave};
use super::peers::{HttpPeer, Running, Site, backend};
use super::{Bench, Row, measure, progress, tools};

const TOOLS: &[&tools::Tool] =
    &[&tools::NGINX, &tools::HAPROXY, &tools::ENVOY, &tools::WRK, &tools::H2LOAD, &tools::PERF];

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "h1", title: H1.title, tools: TOOLS, run: |bench| run(bench, &H1) },
    Row { name: "tls-h1", title: TLS_H1.title, tools: TOOLS, run: |bench| run(bench, &TLS_H1) },
    Row { name: "tls-h2", title: TLS_H2.title, tools: TOOLS, run: |bench| run(bench, &TLS_H2) },
    Row { name: "body-64k", title: BODY.title, tools: TOOLS, run: |bench| run(bench, &BODY) },
];

/// What differs between the logs.
const BUFFERING: &str = "nginx and haproxy write each line of the log at once, sluicegate and Envoy gather lines; \"nginx, log buffered\" is nginx with \
                         `buffer=64k flush=1s`, and the fairer comparison.";

/// A way to ask for something.
struct Shape {
    name: &'static str,
    title: &'static str,
    method: &'static str,
    tls: bool,
    load: fn(&Running, u64) -> Result<Load>,
    /// Peer and the largest ratio to it.
    goals: &'static [(HttpPeer, f64)],
}

const H1: Shape = Shape {
    name: "h1",
    title: "CPU per HTTP/1.1 request",
    method: "`wrk -t1 -c64`, keep-alive, a response of 128 bytes.",
    tls: false,
    load: |proxy, seconds| load::wrk(&proxy.url("http", "/"), None, 64, seconds),
    goals: &[(HttpPeer::Nginx, 1.15), (HttpPeer::NginxBuffered, 1.15), (HttpPeer::Envoy, 0.45)],
};

const TLS_H1: Shape = Shape {
    name: "tls-h1",
    title: "CPU per HTTP/1.1 request over TLS",
    method: "`wrk -t1 -c64`, keep-alive connections with TLS 1.3 (ECDSA P-256), a response of 128 bytes.",
    tls: true,
    load: |proxy, seconds| load::wrk(&proxy.url("https", "/"), None, 64, seconds),
    goals: &[(HttpPeer::Nginx, 0.9), (HttpPeer::NginxBuffered, 0.9)],
};

const TLS_H2: Shape = Shape {
    name: "tls-h2",
    title: "CPU per HTTP/2 request over TLS",
    method: "`h2load -t1 -c8 -m16`, TLS 1.3 (ECDSA P-256), a response of 128 bytes; HTTP/1.1 to the backend.",
    tls: true,
    load: |proxy, seconds| load::h2load(&proxy.url("https", "/"), 8, 16, seconds),
    goals: &[(HttpPeer::Haproxy, 1.15), (HttpPeer::Nginx, 0.8), (HttpPeer::NginxBuffered, 0.8)],
};

const BODY: Shape = Shape {
    name: "body-64k",
    title: "CPU per HTTP/1.1 response of 64 KiB",
    method: "`wrk -t1 -c16`, keep-alive, a response of 64 KiB.",
    tls: false,
    load: |proxy, seconds| load::wrk(&proxy.url("http", "/64k"), None, 16, seconds),
    goals: &[(HttpPeer::Nginx, 0.6), (HttpPeer::NginxBuffered, 0.6)],
};

fn run(bench: &Bench, shape: &Shape) -> Result<Outcome> {
    let mut outcome = Outcome::new(bench, shape.name, shape.title, shape.method);
    outcome.column("cpu", "CPU-s per 1M requests", 1);
    outcome.column("user", "user", 1);
    outcome.column("sys", "system", 1);
    outcome.column("syscalls", "syscalls per request", 2);
    outcome.column("pss", "PSS, MiB", 1);
    outcome.column("lines", "log lines per request", 3);
    outcome.column("rate", "requests/s (not judged)", 0);
    if shape.name != "tls-h2" {
        outcome.column("p99", "p99, ms (not judged)", 1);
    }
    outcome.plot = vec!["user".to_owned(), "sys".to_owned()];
    let backend = backend(bench, shape.name)?;
    let identity = if shape.tls { Some(Ca::new("bench")?.server(&["localhost", "127.0.0.1"])?) } else { None };
    let site = Site { backend: backend.port, identity, routes: 0 };
    let mut proxies = start_all(bench, shape.name, &site)?;
    for proxy in &proxies {
        (shape.load)(proxy, 1)?;
        proxy.take_log()?;
    }
    interleave(
        bench,
        &mut outcome,
        &mut proxies,
        |proxy| &proxy.name,
        |proxy| per_request(proxy, || (shape.load)(proxy, bench.seconds)),
    )?;
    for proxy in &proxies {
        let (load, count) = measure::syscalls(proxy.pid(), || at_least(2_000.0, || (shape.load)(proxy, 1)))?;
        if let Some(count) = count {
            progress(&format!("{} {}: {:.2} syscalls per request", shape.name, proxy.name, count / load.requests));
            outcome.sample(&proxy.name, Sample::from([("syscalls", count / load.requests)]));
        }
        proxy.take_log()?;
    }
    outcome.notes.push(BUFFERING.to_owned());
    for (peer, limit) in shape.goals {
        outcome.ratio(&format!("CPU ÷ {}", peer.name()), "cpu", "sluicegate", peer.name(), *limit);
    }
    Ok(outcome)
}

/// All HTTP proxies, side by side.
pub(crate) fn start_all(bench: &Bench, row: &str, site: &Site) -> Result<Vec<Running>> {
    HttpPeer::ALL.iter().map(|peer| peer.start(bench, row, site)).collect()
}

/// Requests that make a figure; where others take the CPU, a round lasts longer.
const ENOUGH: f64 = 30_000.0;

/// Repeats a load until so many requests are answered, five times at most.
fn at_least(requests: f64, load: impl Fn() -> Result<Load>) -> Result<Load> {
    let mut sum = load()?;
    for _ in 1..5 {
        if sum.requests >= requests {
            break;
        }
        let more = load()?;
        sum = Load { requests: sum.requests + more.requests, rate: f64::midpoint(sum.rate, more.rate), p99: more.p99 };
    }
    anyhow::ensure!(sum.requests > 0.0, "no request was answered");
    Ok(sum)
}

/// CPU, memory and log lines of one proxy under load, per request.
pub(crate) fn per_request(proxy: &Running, load: impl Fn() -> Result<Load>) -> Result<Sample> {
    let before = measure::cpu(proxy.pid());
    let load = at_least(ENOUGH, load)?;
    // What is still to be written belongs to these requests.
    std::thread::sleep(Duration::from_millis(300));
    let cpu = measure::cpu(proxy.pid()).since(before);
    let millions = load.requests / 1e6;
    #[allow(clippy::cast_precision_loss, reason = "a count of lines")]
    let lines = proxy.take_log()? as f64;
    Ok(Sample::from([
        ("cpu", cpu.total() / millions),
        ("user", cpu.user / millions),
        ("sys", cpu.sys / millions),
        ("pss", measure::memory(proxy.pid()).pss / 1024.0),
        ("lines", lines / load.requests),
        ("rate", load.rate),
        ("p99", load.p99),
    ]))
}
