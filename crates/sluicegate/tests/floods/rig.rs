//! A gateway to attack, and the measure of an attack.

use crate::common::Folder;
use crate::good::{Good, Tally};
use crate::usage::{self, Usage};
use anyhow::{Result, ensure};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};
use testkit::origin::Origin;
use testkit::sluicegate::Builder;
use testkit::{Sluicegate, free_port};

/// What an attack may make the gateway grow by.
pub const GROWTH: u64 = 64 << 20;
/// File descriptors that may be left: idle connections to the backend.
const LEFT_FDS: usize = 600;
/// Until connections and file descriptors have fallen back. Memory is shown only: the allocator gives pages back when it next
/// has to look for some, and the soak shows that none is lost.
const CALM: Duration = Duration::from_secs(20);
/// How long the good clients are alone before an attack.
const ALONE: Duration = Duration::from_millis(800);

/// Attacks are measured one after the other.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A gateway with an HTTP and an HTTPS listener before one origin.
#[derive(Debug)]
pub struct Rig {
    pub gate: Sluicegate,
    pub folder: Folder,
    pub http: SocketAddr,
    pub https: SocketAddr,
    /// Of the good clients; what attackers ask for is served by another one, so that its load is not taken for ours.
    _origin: Origin,
    pub victim: Origin,
}

/// The name of the HTTPS listener.
pub const HTTPS: &str = "flood.example.com";

const CONFIG: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: api-gtw
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: tls}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: gate}]
  rules:
  - {matches: [{path: {value: /good}}], backendRefs: [{name: origin, port: 80}]}
  - {backendRefs: [{name: victim, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: origin}
spec:
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: victim}
spec:
  ports: [{name: http, port: 80}]
";

impl Rig {
    pub fn start(name: &str) -> Result<Self> {
        Self::start_with(name, |builder| builder)
    }

    pub fn start_with(name: &str, options: impl FnOnce(Builder) -> Builder) -> Result<Self> {
        let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let origin = Origin::start("origin", local(0))?;
        let folder = Folder::new(&format!("flood-{name}"))?;
        folder.copy("000-kafkaroute", "02-gatewayclass.yaml")?.write("all.yaml", CONFIG)?;
        folder.secret("default", "tls", &[HTTPS])?;
        let victim = Origin::start("victim", local(0))?;
        for (name, port) in [("origin", origin.port()), ("victim", victim.port())] {
            folder.endpoints("default", name, "http", port, &[Ipv4Addr::LOCALHOST])?;
        }
        let (http, https) = (local(free_port()?), local(free_port()?));
        let gate = Sluicegate::run(&[folder.path()])?.port_map(80, http.port()).port_map(443, https.port());
        let gate = options(gate).start()?;
        Ok(Self { gate, folder, http, https, _origin: origin, victim })
    }

    /// Attacks while good clients ask.
    pub fn attack<T>(&mut self, name: &str, attack: impl FnOnce() -> Result<T>) -> Result<(T, Measured)> {
        let good = Good::http(self.http);
        measure(&mut self.gate, name, &good, GROWTH, attack)
    }
}

/// What an attack has cost.
#[derive(Debug, Clone)]
pub struct Measured {
    pub name: String,
    pub growth: u64,
    pub left: u64,
    pub seconds: f64,
    pub cpu: f64,
    /// What the good clients' requests cost when they are alone, as a part of `cpu`.
    pub share: f64,
    pub good: Tally,
}

/// Lets the good clients be alone for a while, then attacks, and sees to it that everything falls back.
///
/// # Errors
/// When the attack fails, a good client's request does, or the gateway grows by more than `growth`, ends, or keeps connections or
/// file descriptors.
pub fn measure<T>(
    gate: &mut Sluicegate,
    name: &str,
    good: &Good,
    growth: u64,
    attack: impl FnOnce() -> Result<T>,
) -> Result<(T, Measured)> {
    let pid = gate.process().id();
    // Connections are opened, caches filled.
    std::thread::sleep(ALONE / 4);
    good.take();
    let start = Usage::of(pid)?;
    std::thread::sleep(ALONE);
    let calm = good.take();
    ensure!(calm.answered > 0 && calm.failures.is_empty(), "{name}: without any attack: {calm:?}");
    let before = Usage::of(pid)?;
    let each = (before.cpu - start.cpu).as_secs_f64() / calm.answered as f64;
    usage::reset_peak(pid)?;

    let began = Instant::now();
    let outcome = attack();
    let during = Usage::of(pid);
    let good_ones = good.take();
    gate.expect_alive()?;
    let (outcome, during) = (outcome?, during?);

    let cpu = (during.cpu - before.cpu).as_secs_f64();
    let mut measured = Measured {
        name: name.to_owned(),
        growth: during.peak.saturating_sub(before.rss),
        left: 0,
        seconds: began.elapsed().as_secs_f64(),
        cpu,
        share: each * good_ones.answered as f64 / cpu.max(1e-9),
        good: good_ones,
    };
    let end = Instant::now() + CALM;
    loop {
        let now = Usage::of(pid)?;
        measured.left = now.rss.saturating_sub(before.rss);
        let connections = gate.metric("sluicegate_connections_active", &[])?;
        // The good clients have at most three.
        if now.fds <= before.fds + LEFT_FDS && connections <= 3.0 {
            break;
        }
        ensure!(
            Instant::now() < end,
            "{name}: {connections} connections, {} file descriptors (before: {}), {} MiB more than before are left",
            now.fds,
            before.fds,
            measured.left >> 20
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    measured.print();
    ensure!(!gate.log().contains("panicked"), "{name}: {}", gate.log());
    let after = good.take();
    ensure!(measured.good.failures.is_empty(), "{name}: good clients failed: {:#?}", measured.good.failures);
    ensure!(after.failures.is_empty(), "{name}: good clients failed afterwards: {:#?}", after.failures);
    ensure!(measured.good.answered > 0, "{name}: the good clients have not asked");
    ensure!(measured.growth <= growth, "{name}: grew by {} MiB, {} MiB may be", measured.growth >> 20, growth >> 20);
    Ok((outcome, measured))
}

impl Measured {
    /// A row of the table, past the harness, which would keep it to itself.
    fn print(&self) {
        static HEAD: Once = Once::new();
        let mut out = std::io::stdout().lock();
        HEAD.call_once(|| {
            let _ = writeln!(
                out,
                "\n| attack | s | gateway's CPU s | good requests answered | p50 ms | p99 ms | their share of CPU | RSS growth MiB | left MiB |\n\
                 | --- | --: | --: | --: | --: | --: | --: | --: | --: |"
            );
        });
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let ms = |percent| self.good.percentile(percent).as_secs_f64() * 1e3;
        let asked = self.good.answered + self.good.failures.len() as u64;
        let _ = writeln!(
            out,
            "\n| {} | {:.1} | {:.2} | {} of {asked} | {:.1} | {:.1} | {:.0} % | {:.1} | {:.1} |",
            self.name,
            self.seconds,
            self.cpu,
            self.good.answered,
            ms(50),
            ms(99),
            self.share * 100.0,
            mib(self.growth),
            mib(self.left),
        );
    }
}
