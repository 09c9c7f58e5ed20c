//! Rows about connections: what an idle one holds (`idle-h1`, `idle-tls`), what a TLS handshake costs (`handshake`).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use testkit::{Ca, certs};

use super::outcome::{Outcome, Sample, interleave};
use super::peers::{HttpPeer, Running, Site, backend};
use super::{Bench, Row, measure, progress, tools};

const TOOLS: &[&tools::Tool] = &[&tools::NGINX, &tools::HAPROXY, &tools::ENVOY];

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "idle-h1", title: IDLE_H1, tools: TOOLS, run: |bench| idle(bench, "idle-h1", IDLE_H1, false) },
    Row { name: "idle-tls", title: IDLE_TLS, tools: TOOLS, run: |bench| idle(bench, "idle-tls", IDLE_TLS, true) },
    Row { name: "handshake", title: HANDSHAKE, tools: TOOLS, run: handshake },
];

const IDLE_H1: &str = "Memory of an idle HTTP/1.1 connection";
const IDLE_TLS: &str = "Memory of an idle HTTP/1.1 connection over TLS";
const HANDSHAKE: &str = "CPU per TLS handshake";

/// Connections, file descriptors permitting; fewer with TLS, which costs the client more.
const IDLE: [usize; 2] = [10_000, 4_000];

/// How long they are left alone before memory is read.
const REST: Duration = Duration::from_secs(6);

/// A client's connection, kept open.
#[allow(dead_code, reason = "held, not used")]
enum Kept {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

fn idle(bench: &Bench, row: &str, title: &str, tls: bool) -> Result<Outcome> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    // The gateway takes 45 % of its descriptors for clients: each may need a second one to a backend.
    let count = IDLE[usize::from(tls)].min(usize::try_from(limit / 100 * 44)?);
    let method = format!(
        "PSS in user space of all processes before, and with {count} keep-alive connections that have each sent one request and then \
         rested for {} s. Kernel memory of the sockets is not in it. Once per proxy: memory is the same every time.",
        REST.as_secs()
    );
    let mut outcome = Outcome::new(bench, row, title, &method);
    outcome.rounds = 1;
    outcome.column("kib", "KiB per connection", 2);
    outcome.column("before", "PSS before, MiB", 1);
    outcome.column("with", "PSS with them, MiB", 1);
    outcome.plot = vec!["kib".to_owned()];
    let backend = backend(bench, row)?;
    let ca = Ca::new("bench")?;
    let identity = if tls { Some(ca.server(&["localhost", "127.0.0.1"])?) } else { None };
    let config = if tls { Some(client(&ca)?) } else { None };
    let site = Site { backend: backend.port, identity, routes: 0 };
    for peer in HttpPeer::ALL.into_iter().filter(|peer| *peer != HttpPeer::NginxBuffered) {
        let proxy = peer.start(bench, row, &site)?;
        // What is made once for all, such as pools and the connection to the backend, belongs to no connection.
        for _ in 0..20 {
            one_request(&proxy, config.as_ref())?;
        }
        std::thread::sleep(REST);
        let before = measure::memory(proxy.pid()).pss;
        let kept = (0..count)
            .map(|number| one_request(&proxy, config.as_ref()).with_context(|| format!("connection {number}")))
            .collect::<Result<Vec<Kept>>>()?;
        std::thread::sleep(REST);
        let with = measure::memory(proxy.pid()).pss;
        drop(kept);
        #[allow(clippy::cast_precision_loss, reason = "some thousands")]
        let each = (with - before) / count as f64;
        progress(&format!("{row} {}: {each:.2} KiB per connection", proxy.name));
        outcome
            .sample(&proxy.name, Sample::from([("kib", each), ("before", before / 1024.0), ("with", with / 1024.0)]));
    }
    outcome.at_most("user PSS of a connection", "kib", "sluicegate", if tls { 15.0 } else { 1.5 }, "KiB");
    Ok(outcome)
}

fn client(ca: &Ca) -> Result<Arc<ClientConfig>> {
    let mut config = ClientConfig::clone(&*certs::client_config(ca.pem(), None, &["http/1.1"])?);
    // Every handshake is a full one.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

fn connect_tls(port: u16, config: &Arc<ClientConfig>) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let connection = ClientConnection::new(Arc::clone(config), "localhost".try_into()?)?;
    let mut stream = StreamOwned::new(connection, connect(port)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Connects and sends a request; the response is read to its end.
fn one_request(proxy: &Running, config: Option<&Arc<ClientConfig>>) -> Result<Kept> {
    Ok(match config {
        None => {
            let mut stream = connect(proxy.port)?;
            exchange(&mut stream)?;
            Kept::Plain(stream)
        }
        Some(config) => {
            let mut stream = connect_tls(proxy.port, config)?;
            exchange(&mut stream)?;
            Kept::Tls(Box::new(stream))
        }
    })
}

fn exchange(stream: &mut (impl Read + Write)) -> Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    // The backend's body is 128 times `a`, in one piece or in chunks.
    while answer.iter().rev().take_while(|byte| b"a\r\n0".contains(byte)).filter(|byte| **byte == b'a').count() < 128 {
        match stream.read(&mut buffer)? {
            0 => bail!("closed after {:?}", String::from_utf8_lossy(&answer)),
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
    anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

fn handshake(bench: &Bench) -> Result<Outcome> {
    let mut outcome = Outcome::new(
        bench,
        "handshake",
        HANDSHAKE,
        "Full TLS 1.3 handshakes (ECDSA P-256, X25519 or what both prefer, no resumption) by two threads, each on a new TCP connection \
         that is closed without a request; the CPU of accepting and closing is in it.",
    );
    outcome.column("cpu", "CPU-ms per handshake", 3);
    outcome.column("user", "user", 3);
    outcome.column("sys", "system", 3);
    outcome.column("rate", "handshakes/s (not judged)", 0);
    outcome.plot = vec!["user".to_owned(), "sys".to_owned()];
    let backend = backend(bench, "handshake")?;
    let ca = Ca::new("bench")?;
    let config = client(&ca)?;
    let identity = Some(ca.server(&["localhost", "127.0.0.1"])?);
    let site = Site { backend: backend.port, identity, routes: 0 };
    let mut proxies = HttpPeer::ALL
        .into_iter()
        .filter(|peer| *peer != HttpPeer::NginxBuffered)
        .map(|peer| peer.start(bench, "handshake", &site))
        .collect::<Result<Vec<_>>>()?;
    for proxy in &proxies {
        shake(proxy.port, &config, Duration::from_millis(500))?;
    }
    interleave(
        bench,
        &mut outcome,
        &mut proxies,
        |proxy| &proxy.name,
        |proxy| {
            let before = measure::cpu(proxy.pid());
            let count = shake(proxy.port, &config, Duration::from_secs(bench.seconds))?;
            std::thread::sleep(Duration::from_millis(200));
            let cpu = measure::cpu(proxy.pid()).since(before);
            let each = 1000.0 / count;
            #[allow(clippy::cast_precision_loss, reason = "seconds")]
            let rate = count / bench.seconds as f64;
            Ok(Sample::from([
                ("cpu", cpu.total() * each),
                ("user", cpu.user * each),
                ("sys", cpu.sys * each),
                ("rate", rate),
            ]))
        },
    )?;
    outcome.at_most("CPU per handshake", "cpu", "sluicegate", 0.6, "ms");
    Ok(outcome)
}

/// Handshakes for so long, by two threads; how many were made.
fn shake(port: u16, config: &Arc<ClientConfig>, time: Duration) -> Result<f64> {
    let end = Instant::now() + time;
    let run = || -> Result<u32> {
        let mut made = 0;
        while Instant::now() < end {
            let mut stream = connect_tls(port, config)?;
            stream.conn.send_close_notify();
            stream.conn.complete_io(&mut stream.sock).ok();
            made += 1;
        }
        Ok(made)
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.into_iter().try_fold(0.0, |sum, thread| match thread.join() {
            Ok(made) => Ok(sum + f64::from(made?)),
            Err(_) => bail!("a client thread panicked"),
        })
    })
}
