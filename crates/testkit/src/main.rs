//! What `cargo xtask` runs of the test kit: `fetch`, `kafka`, `cluster`, `conformance`, `demo`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

#[path = "program/cluster.rs"]
mod cluster;
#[path = "program/demo.rs"]
mod demo;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use testkit::kafka::{Dist, Listener, VERSIONS};
use testkit::{Client, KafkaCluster, apt, clients, echo, floods, servers, suites};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fetch"] => fetch(),
        ["kafka", ref options @ ..] => kafka(options),
        ["cluster", ref rest @ ..] => cluster::run(rest),
        ["conformance", ref rest @ ..] => cluster::conformance(rest),
        ["demo"] => demo::run(false),
        ["demo", "--once"] => demo::run(true),
        _ => bail!(
            "usage: testkit fetch | kafka [--brokers N] [--version V] | cluster COMMAND | conformance [OPTIONS] | demo [--once]"
        ),
    }
}

/// Everything that tests need from package registries, so that they need none themselves.
fn fetch() -> Result<()> {
    let began = Instant::now();
    let tell = |what: &str| println!("{:>4} s  {what}", began.elapsed().as_secs());
    tell("nginx");
    servers::prepare_nginx()?;
    tell("valgrind");
    apt::install("/usr/bin/valgrind", "valgrind")?;
    tell("origins");
    echo::prepare()?;
    tell("floods");
    floods::prepare()?;
    tell("h2spec, grpc-go's interoperability tests, Autobahn's cases, sslyze");
    suites::prepare()?;
    clients::prepare_all(|name| tell(&format!("client {name}")))?;
    for version in VERSIONS {
        tell(&format!("Kafka {version}"));
        Dist::prepare(version)?;
    }
    tell("done");
    Ok(())
}

/// A cluster by hand.
fn kafka(options: &[&str]) -> Result<()> {
    let mut builder = KafkaCluster::builder();
    for option in options.chunks(2) {
        builder = match *option {
            ["--brokers", count] => builder.brokers(count.parse().context("--brokers wants a number")?),
            ["--version", version] => builder.version(version),
            _ => bail!("unknown option {}; there are --brokers N and --version V", option.join(" ")),
        };
    }
    let began = Instant::now();
    let cluster = builder.start()?;
    cluster.warm_up()?;
    println!("Kafka {} is up after {:.1} s", cluster.version(), began.elapsed().as_secs_f64());
    for listener in Listener::ALL {
        println!("  {:<15} {}", listener.name(), cluster.bootstrap(listener));
    }
    println!("  users admin (super user), alice, bob; passwords NAME-secret; SCRAM-SHA-512, SCRAM-SHA-256, PLAIN");
    println!("  CA file {}", cluster.ca_file().display());
    print!("  names\n{}", cluster.hosts().to_string().lines().map(|line| format!("    {line}\n")).collect::<String>());
    println!("Ctrl-C stops it.");
    wait_for_interrupt()
}

/// Until Ctrl-C or SIGTERM; what is running is dropped by the caller.
fn wait_for_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result?,
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

/// The clients a person can take for the demo.
fn client_names() -> String {
    Client::ALL.map(Client::name).join(", ")
}
