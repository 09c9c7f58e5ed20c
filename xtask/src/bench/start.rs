//! Rows about what the gateway costs before the first request: `startup`, `rss`.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use testkit::{Process, net};

use super::outcome::{Outcome, Sample, interleave};
use super::peers::{self, HttpPeer, Running, Site, backend, sluicegate_command, sluicegate_config};
use super::{Bench, Row, measure, progress, tools};

const TOOLS: &[&tools::Tool] = &[&tools::NGINX, &tools::HAPROXY, &tools::ENVOY];

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "startup", title: STARTUP, tools: &[], run: startup },
    Row { name: "rss", title: RSS, tools: TOOLS, run: rss },
];

const STARTUP: &str = "CPU until ready";
const RSS: &str = "Memory without load";

/// Starts per measurement: one takes a few milliseconds.
const STARTS: usize = 10;

fn startup(bench: &Bench) -> Result<Outcome> {
    let mut outcome = Outcome::new(
        bench,
        "startup",
        STARTUP,
        "CPU time of all threads from the start of the process until `/readyz` answers 200 (asked every 2 ms), mean of 10 starts.",
    );
    outcome.column("cpu", "CPU-ms", 1);
    outcome.plot = vec!["cpu".to_owned()];
    // (name, folder)
    let mut subjects = Vec::new();
    for (name, routes) in [("sluicegate, 1 route", 0), ("sluicegate, 1,000 routes", 1_000)] {
        let dir = bench.folder("startup", &routes.to_string())?;
        sluicegate_config(&dir, net::free_port()?, &Site { backend: 1, identity: None, routes })?;
        subjects.push((name, dir));
    }
    interleave(
        bench,
        &mut outcome,
        &mut subjects,
        |(name, _)| name,
        |(_, dir)| {
            let (command, admin, _) = sluicegate_command(&bench.binary, dir, bench.workers)?;
            let mut sum = 0.0;
            for _ in 0..STARTS {
                sum += until_ready(&command, admin, dir)?;
            }
            #[allow(clippy::cast_precision_loss, reason = "ten")]
            Ok(Sample::from([("cpu", sum * 1000.0 / STARTS as f64)]))
        },
    )?;
    outcome.at_most("CPU until ready, 1 route", "cpu", "sluicegate, 1 route", 50.0, "ms");
    Ok(outcome)
}

/// CPU seconds from the start until the admin port says that all is ready.
fn until_ready(command: &Command, admin: u16, dir: &std::path::Path) -> Result<f64> {
    let mut process = Process::start("sluicegate", command, &dir.join("output"))?;
    let mut cpu = 0.0;
    process.wait_until(Duration::from_secs(60), |process| {
        // The wait between two looks is 25 ms, longer than a start takes.
        for _ in 0..12 {
            if peers::get(admin, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                cpu = measure::fine_cpu(process.id());
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    })?;
    process.kill();
    Ok(cpu)
}

fn rss(bench: &Bench) -> Result<Outcome> {
    let mut outcome = Outcome::new(
        bench,
        "rss",
        RSS,
        "Resident memory of all processes 5 s after the start: with nothing to serve (peers: one route) and with 5,000 routes. Once per \
         proxy: memory is the same every time.",
    );
    outcome.rounds = 1;
    outcome.column("empty", "RSS empty, MiB", 1);
    outcome.column("routes", "RSS with 5,000 routes, MiB", 1);
    outcome.column("above", "difference, MiB", 1);
    outcome.column("pss", "PSS with 5,000 routes, MiB", 1);
    outcome.plot = vec!["empty".to_owned(), "above".to_owned()];
    let backend = backend(bench, "rss")?;
    let rested = |proxy: &Running| {
        std::thread::sleep(Duration::from_secs(5));
        measure::memory(proxy.pid())
    };
    for peer in HttpPeer::ALL.into_iter().filter(|peer| *peer != HttpPeer::NginxBuffered) {
        let site = |routes| Site { backend: backend.port, identity: None, routes };
        let empty = match peer {
            HttpPeer::Sluicegate => rested(&nothing(bench)?),
            _ => rested(&peer.start(bench, "rss-empty", &site(0))?),
        };
        let routes = rested(&peer.start(bench, "rss-routes", &site(5_000))?);
        progress(&format!(
            "rss {}: {:.1} MiB, with routes {:.1} MiB",
            peer.name(),
            empty.rss / 1024.0,
            routes.rss / 1024.0
        ));
        outcome.sample(
            peer.name(),
            Sample::from([
                ("empty", empty.rss / 1024.0),
                ("routes", routes.rss / 1024.0),
                ("above", (routes.rss - empty.rss) / 1024.0),
                ("pss", routes.pss / 1024.0),
            ]),
        );
    }
    outcome.at_most("RSS empty", "empty", "sluicegate", 12.0, "MiB");
    outcome.at_most("5,000 routes above that", "above", "sluicegate", 24.0, "MiB");
    Ok(outcome)
}

/// The gateway with a GatewayClass and nothing else.
fn nothing(bench: &Bench) -> Result<Running> {
    let dir = bench.folder("rss-empty", "sluicegate")?;
    peers::file(
        &dir,
        "config/class.yaml",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: sluicegate}\n\
         spec: {controllerName: sluicegate.dev/gateway-controller}\n",
    )?;
    peers::sluicegate(&bench.binary, &dir, 0, bench.workers)
}
