//! The paths that are counted.

use std::net::Shutdown;
use std::path::Path;

use anyhow::Result;
use testkit::certs::client_config;
use testkit::paths::RunDir;

use super::Counts;
use super::broker;
use super::client::{self, Http2};
use super::count;
use super::profile;
use super::world::{FILTERED, HOST, LARGE, LAST, PASSTHROUGH, PLAIN, ROUTES, SMALL, World};

pub(super) const ONE_ROUTE: &str = "http1 GET";
pub(super) const LAST_ROUTE: &str = "http1 GET, last of 5000 routes";

/// Operations whose counts are compared.
const REQUESTS: [u32; 2] = [100, 600];
const BODIES: [u32; 2] = [50, 200];
const CONNECTIONS: [u32; 2] = [20, 100];

/// What runs in the gateway.
pub(super) fn gateway(binary: &Path) -> Result<Counts> {
    let mut world = World::start(binary)?;
    let mut counts = Counts::new();
    let small = client::request(&format!("{LAST}/small"), 0);

    for (path, address, request, length, count) in [
        (ONE_ROUTE, world.one(), small.clone(), SMALL, REQUESTS),
        (LAST_ROUTE, world.many(), small.clone(), SMALL, REQUESTS),
        ("http1 GET, 10 more fields", world.one(), client::request(&format!("{LAST}/small"), 10), SMALL, REQUESTS),
        ("http1 GET, 64 KiB", world.one(), client::request(&format!("{LAST}/large"), 0), LARGE, BODIES),
    ] {
        let mut stream = client::dial(address)?;
        count_path(&mut world, &mut counts, path, count, || client::exchange(&mut stream, &request, length))?;
    }

    let https = world.https();
    let config = client_config(world.ca.pem(), None, &["http/1.1"])?;
    let mut stream = client::dial_tls(https, HOST, &config)?;
    let request = || client::exchange(&mut stream, &small, SMALL);
    count_path(&mut world, &mut counts, "https http1 GET", REQUESTS, request)?;
    let connection = || {
        let mut stream = client::dial_tls(https, HOST, &config)?;
        client::exchange(&mut stream, &small, SMALL)?;
        stream.conn.send_close_notify();
        stream.conn.complete_io(&mut stream.sock)?;
        stream.sock.shutdown(Shutdown::Write)?;
        while std::io::Read::read(&mut stream.sock, &mut [0; 1024])? > 0 {}
        Ok(())
    };
    count_path(&mut world, &mut counts, "https connection with one GET", CONNECTIONS, connection)?;
    let config = client_config(world.ca.pem(), None, &["h2"])?;
    let mut stream = Http2::new(client::dial_tls(https, HOST, &config)?, &format!("{LAST}/small"))?;
    count_path(&mut world, &mut counts, "https http2 GET", REQUESTS, || stream.exchange(SMALL))?;

    let config = client_config(world.ca.pem(), None, &[])?;
    let hello = client::client_hello(PASSTHROUGH, &config)?;
    let address = world.passthrough();
    let connection = || client::whole_connection(address, &hello, SMALL);
    count_path(&mut world, &mut counts, "TLS passthrough connection", CONNECTIONS, connection)?;

    for (path, name, topic) in [
        ("kafka produce 16 KiB", PLAIN, broker::TOPIC),
        ("kafka produce 16 KiB, mapping and ACLs", FILTERED, "orders-public"),
    ] {
        let request = broker::produce(topic)?;
        let mut stream = client::dial_tls(world.kafka(), name, &config)?;
        broker::greet(&mut stream)?;
        count_path(&mut world, &mut counts, path, BODIES, || broker::acknowledged(&mut stream, &request))?;
    }
    Ok(counts)
}

/// Counts, prints, and leaves what was counted, function by function, in `target/gate`.
fn count_path(
    world: &mut World,
    counts: &mut Counts,
    path: &str,
    operations: [u32; 2],
    operation: impl FnMut() -> Result<()>,
) -> Result<()> {
    let count = world.gateway.each(operations, operation)?;
    println!("  {path:<44} {count:>10.0}");
    counts.insert(path.to_owned(), count);
    profile::keep(path, &world.gateway.newest())
}

/// One changed route among many, in the translation alone.
pub(super) fn translation(program: &Path) -> Result<Counts> {
    let dir = RunDir::new("gate-translation")?;
    let run = |edits: u32| {
        let out = dir.path().join(format!("callgrind-{edits}"));
        count::whole(program, &[&ROUTES.to_string(), &edits.to_string()], &out)
    };
    let [few, many] = [2, 12];
    let count = (run(many)? - run(few)?) / f64::from(many - few);
    Ok(Counts::from([("translate one of 5000 routes".to_owned(), count)]))
}
