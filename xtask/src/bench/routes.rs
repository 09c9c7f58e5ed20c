//! The row `routes`: does a request cost more when there are more routes?

use anyhow::Result;
use testkit::net;

use super::outcome::{Outcome, Sample, interleave};
use super::peers::{HttpPeer, Running, Site, backend, ready, route, sluicegate_command, sluicegate_config};
use super::requests::per_request;
use super::{Bench, Row, callgrind, load, progress, tools};

/// The row.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "routes",
    title: TITLE,
    tools: &[&tools::NGINX, &tools::HAPROXY, &tools::ENVOY, &tools::WRK, &tools::H2LOAD, &tools::VALGRIND],
    run,
}];

const TITLE: &str = "Cost of the last of many routes";

/// Counts of routes; the first is what the others are compared with.
const COUNTS: [usize; 3] = [1, 5_000, 50_000];

/// Requests that are counted, after a tenth as many that are not.
const COUNTED: usize = 5_000;

fn run(bench: &Bench) -> Result<Outcome> {
    let mut outcome = Outcome::new(
        bench,
        "routes",
        TITLE,
        "A route is an HTTPRoute with a hostname and a path prefix (peers: what does the same), ten prefixes to a host; the request matches the \
         last one. CPU as in the row `h1`; instructions in user mode by callgrind, for 5,000 requests over 4 connections.",
    );
    outcome.column("instructions", "instructions per request", 0);
    outcome.column("cpu", "CPU-s per 1M requests", 1);
    outcome.column("user", "user", 1);
    outcome.column("sys", "system", 1);
    outcome.column("pss", "PSS, MiB", 1);
    outcome.plot = vec!["user".to_owned(), "sys".to_owned()];
    let backend = backend(bench, "routes")?;
    // (proxy, routes)
    let mut proxies: Vec<(Running, usize)> = Vec::new();
    let peers =
        HttpPeer::ALL.iter().filter(|peer| **peer != HttpPeer::NginxBuffered).skip(1).map(|peer| (*peer, COUNTS[1]));
    for (peer, routes) in COUNTS.map(|routes| (HttpPeer::Sluicegate, routes)).into_iter().chain(peers) {
        let site = Site { backend: backend.port, identity: None, routes };
        let mut proxy = peer.start(bench, &format!("routes-{routes}"), &site)?;
        proxy.name = named(peer, routes);
        progress(&format!("routes: {} is ready", proxy.name));
        proxies.push((proxy, routes));
    }
    let last = |routes: usize| route(routes - 1);
    let load = |proxy: &Running, routes: usize, seconds: u64| {
        let (host, path) = last(routes);
        load::wrk(&proxy.url("http", &path), Some(&host), 64, seconds)
    };
    for (proxy, routes) in &proxies {
        load(proxy, *routes, 1)?;
        proxy.take_log()?;
    }
    interleave(
        bench,
        &mut outcome,
        &mut proxies,
        |(proxy, _)| &proxy.name,
        |(proxy, routes)| per_request(proxy, || load(proxy, *routes, bench.seconds)),
    )?;
    drop(proxies);
    for routes in COUNTS {
        let name = named(HttpPeer::Sluicegate, routes);
        let instructions = instructions(bench, backend.port, routes)?;
        progress(&format!("routes {name}: {instructions:.0} instructions per request"));
        outcome.sample(&name, Sample::from([("instructions", instructions)]));
    }
    let one = named(HttpPeer::Sluicegate, COUNTS[0]);
    for routes in &COUNTS[1..] {
        let what = format!("instructions, the last of {} ÷ the only one", thousands(*routes));
        outcome.ratio(&what, "instructions", &named(HttpPeer::Sluicegate, *routes), &one, 1.05);
    }
    Ok(outcome)
}

fn named(peer: HttpPeer, routes: usize) -> String {
    match routes {
        1 => format!("{}, 1 route", peer.name()),
        _ => format!("{}, {} routes", peer.name(), thousands(routes)),
    }
}

fn thousands(n: usize) -> String {
    if n < 1000 { n.to_string() } else { format!("{},{:03}", n / 1000, n % 1000) }
}

/// Instructions per request to the last of so many routes.
fn instructions(bench: &Bench, backend: u16, routes: usize) -> Result<f64> {
    let dir = bench.folder(&format!("routes-{routes}"), "callgrind")?;
    let port = net::free_port()?;
    sluicegate_config(&dir, port, &Site { backend, identity: None, routes })?;
    let (command, admin, log) = sluicegate_command(&bench.binary, &dir, 1)?;
    let mut running = Running::start("sluicegate", &callgrind::wrap(&command, &dir), &dir, admin, log)?;
    ready(&mut running, admin)?;
    let (host, path) = route(routes - 1);
    let ask = |requests| load::count(port, &host, &path, 4, requests).map(|_| ());
    let mut counter = callgrind::Counter::new(&running.process, &dir)?;
    ask(COUNTED / 10)?;
    let counted = counter.count(|| ask(COUNTED))?;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(counted / COUNTED as f64)
}
