//! TCPRoutes and UDPRoutes in front of echo servers.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod common;

use anyhow::{Context, Result, ensure};
use common::{Folder, endpoint_slice};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use testkit::{Sluicegate, free_port};

/// How long a loaded machine may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers each line, or datagram, with its name and what was said.
struct Echo {
    name: &'static str,
    port: u16,
    clients: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    fn tcp(name: &'static str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        Self::start(name, port, move |clients, stop| {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                clients.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || echo_lines(name, stream?));
            }
        })
    }

    fn udp(name: &'static str) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let port = socket.local_addr()?.port();
        Self::start(name, port, move |clients, stop| {
            let (mut seen, mut buffer) = (std::collections::BTreeSet::new(), vec![0; 65_536]);
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                seen.insert(from);
                clients.store(seen.len(), Ordering::Relaxed);
                let answer = [name.as_bytes(), b" ", &buffer[..length]].concat();
                let _ = socket.send_to(&answer[..answer.len().min(65_507)], from);
            }
        })
    }

    fn start(
        name: &'static str,
        port: u16,
        run: impl FnOnce(&AtomicUsize, &AtomicBool) + Send + 'static,
    ) -> Result<Self> {
        let (clients, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (own, stopped) = (Arc::clone(&clients), Arc::clone(&stop));
        let thread = thread::spawn(move || run(&own, &stopped));
        Ok(Self { name, port, clients, stop, thread: Some(thread) })
    }

    /// A Service and its endpoints.
    fn service(&self, protocol: &str) -> String {
        let slice = endpoint_slice("default", self.name, "main", self.port, &[Ipv4Addr::LOCALHOST])
            .replace("name: main, port", &format!("name: main, protocol: {protocol}, port"));
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec:\n  ports: [{{name: main, protocol: {protocol}, port: 9000}}]\n---\n{slice}",
            self.name
        )
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn echo_lines(name: &str, mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 16_384];
    stream.write_all(format!("{name}\n").as_bytes())?;
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return stream.shutdown(Shutdown::Write);
        }
        stream.write_all(&buffer[..length])?;
    }
}

const CLASS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
";

fn gateway(listeners: &[(&str, u16, &str)]) -> String {
    let listeners: String = listeners
        .iter()
        .map(|(name, port, protocol)| format!("  - {{name: {name}, port: {port}, protocol: {protocol}}}\n"))
        .collect();
    format!(
        "{CLASS}apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gate}}\nspec:\n  gatewayClassName: sluicegate\n  listeners:\n{listeners}"
    )
}

fn route(kind: &str, name: &str, created: &str, listener: &str, backends: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}, creationTimestamp: {created}}}\nspec:\n  \
         parentRefs: [{{name: gate, sectionName: {listener}}}]\n  rules: [{{backendRefs: [{backends}]}}]\n"
    )
}

const OLD: &str = "\"2026-01-01T00:00:00Z\"";
const NEW: &str = "\"2026-01-02T00:00:00Z\"";

fn line(stream: &mut TcpStream) -> Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut text, mut byte) = (Vec::new(), [0]);
    while byte != [b'\n'] {
        ensure!(stream.read(&mut byte)? == 1, "closed after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    Ok(String::from_utf8(text)?.trim_end().to_owned())
}

#[test]
fn tcp_connections_go_to_the_oldest_route_by_weight() -> Result<()> {
    let (one, two, late) = (Echo::tcp("one")?, Echo::tcp("two")?, Echo::tcp("late")?);
    let folder = Folder::new("tcp-routes")?;
    let port = |name| -> Result<(&str, u16)> { Ok((name, free_port()?)) };
    let (main, bad, lone) = (port("main")?, port("bad")?, port("lone")?);
    folder
        .write("a.yaml", &gateway(&[(main.0, main.1, "TCP"), (bad.0, bad.1, "TCP"), (lone.0, lone.1, "TCP")]))?
        .write("b.yaml", &[one.service("TCP"), two.service("TCP"), late.service("TCP")].join("---\n"))?
        .write("c.yaml", &route("TCPRoute", "late", NEW, "main", "{name: late, port: 9000}"))?
        .write(
            "d.yaml",
            &route(
                "TCPRoute",
                "weighted",
                OLD,
                "main",
                "{name: one, port: 9000, weight: 3}, {name: two, port: 9000, weight: 1}, {name: late, port: 9000, weight: 0}",
            ),
        )?
        .write("e.yaml", &route("TCPRoute", "missing", OLD, "bad", "{name: nowhere, port: 9000}"))?;
    let mut gate = Sluicegate::run(&[folder.path()])?.start()?;
    let connect = |port: u16| TcpStream::connect((Ipv4Addr::LOCALHOST, port));

    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..200 {
        *by_name.entry(line(&mut connect(main.1)?)?).or_default() += 1;
    }
    let count = |name: &str| by_name.get(name).copied().unwrap_or_default();
    assert!((115..=180).contains(&count("one")) && count("one") + count("two") == 200, "{by_name:?}");
    assert_eq!(late.clients.load(Ordering::Relaxed), 0, "the newer route and the weight of 0 get nothing");

    // Many bytes, and each direction ends on its own.
    let mut stream = connect(main.1)?;
    line(&mut stream)?;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut writer, bytes) = (stream.try_clone()?, sent.clone());
    let writing = thread::spawn(move || writer.write_all(&bytes).and_then(|()| writer.shutdown(Shutdown::Write)));
    let mut got = Vec::new();
    stream.read_to_end(&mut got)?;
    writing.join().unwrap()?;
    assert!(got == sent, "{} of {} bytes came back", got.len(), sent.len());

    // What leads nowhere is reset, not ended as if there had been an answer.
    for port in [bad.1, lone.1] {
        let mut stream = connect(port)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let error = stream.read(&mut [0; 1]).expect_err("nothing is there");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    let text = gate.get("/status")?.text();
    assert!(text.contains("BackendNotFound"), "{text}");
    let status = gate.status()?.to_string();
    assert!(!status.contains("\"Accepted\",\"status\":\"False\""), "both routes of a listener are accepted: {status}");
    assert!(
        gate.metric("sluicegate_connections_total", &["listener=\"default/gate/main\"", "protocol=\"tcp\""])? >= 201.0
    );
    let of_main = || {
        let lines = gate.log_json().into_iter();
        lines.filter(|line| line["kind"] == "tcp" && line["route"] == "default/weighted").collect::<Vec<_>>()
    };
    until("a line for each connection", || of_main().len() >= 201)?;
    let long = of_main().into_iter().find(|line| line["bytes_received"] == 3_000_000).context("the long one")?;
    assert_eq!(long["end"], "done");
    gate.expect_alive()
}

fn until(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        ensure!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn client(port: u16) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    Ok(socket)
}

/// One datagram may be lost on a loaded machine; ten are not.
fn ask(socket: &UdpSocket, text: &str) -> Result<String> {
    let mut buffer = vec![0; 65_536];
    for _ in 0..10 {
        // A refusal of an earlier datagram may be waiting.
        let _ = socket.send(text.as_bytes());
        if let Ok(length) = socket.recv(&mut buffer) {
            return Ok(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
    anyhow::bail!("no answer to {text:?}")
}

#[test]
fn udp_clients_keep_their_backend_until_the_configuration_takes_it() -> Result<()> {
    let (one, two, three) = (Echo::udp("one")?, Echo::udp("two")?, Echo::udp("three")?);
    let tcp = Echo::tcp("tcp")?;
    let folder = Folder::new("udp-routes")?;
    let (main, bad) = (free_port()?, free_port()?);
    let weighted = |backends: &str| route("UDPRoute", "weighted", OLD, "main", backends);
    folder
        // TCP and UDP have ports of their own.
        .write("a.yaml", &gateway(&[("main", main, "UDP"), ("same-port", main, "TCP"), ("bad", bad, "UDP")]))?
        .write(
            "b.yaml",
            &[one.service("UDP"), two.service("UDP"), three.service("UDP"), tcp.service("TCP")].join("---\n"),
        )?
        .write(
            "c.yaml",
            &weighted("{name: one, port: 9000}, {name: two, port: 9000}, {name: three, port: 9000, weight: 0}"),
        )?
        .write("d.yaml", &route("UDPRoute", "late", NEW, "main", "{name: three, port: 9000}"))?
        .write("e.yaml", &route("UDPRoute", "bad", OLD, "bad", "{name: tcp, port: 9000}"))?
        .write("f.yaml", &route("TCPRoute", "tcp", OLD, "same-port", "{name: tcp, port: 9000}"))?;
    let mut gate = Sluicegate::run(&[folder.path()])?.start()?;
    assert_eq!(line(&mut TcpStream::connect((Ipv4Addr::LOCALHOST, main))?)?, "tcp");

    let clients = (0..100).map(|_| client(main)).collect::<Result<Vec<_>>>()?;
    let first: Vec<String> = clients.iter().map(|client| ask(client, "1")).collect::<Result<_>>()?;
    let of = |name: &str, answers: &[String]| answers.iter().filter(|text| text.starts_with(name)).count();
    assert!((25..=75).contains(&of("one", &first)) && of("three", &first) == 0, "{first:?}");
    let again: Vec<String> = clients.iter().map(|client| ask(client, "1")).collect::<Result<_>>()?;
    assert_eq!(again, first, "a client keeps its backend");
    assert_eq!(one.clients.load(Ordering::Relaxed), of("one", &first), "one socket for each session");

    // The largest datagram there is, less the echo's own words.
    let large = "x".repeat(60_000);
    assert_eq!(ask(&clients[0], &large)?.len(), large.len() + first[0].len() - 1);

    // A client that asks another address of this machine is answered from there.
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    other.connect((Ipv4Addr::new(127, 0, 0, 9), main))?;
    other.set_read_timeout(Some(Duration::from_millis(500)))?;
    ask(&other, "from 127.0.0.9")?;

    // A change that leaves the backends where they are leaves the sessions, one that takes them moves them.
    let revision = common::revision(&gate)?;
    folder.write("c.yaml", &weighted("{name: one, port: 9000}, {name: two, port: 9000}"))?;
    until("the change is served", || common::revision(&gate).is_ok_and(|now| now > revision))?;
    let kept: Vec<String> = clients.iter().map(|client| ask(client, "1")).collect::<Result<_>>()?;
    assert_eq!(kept, first);
    let revision = common::revision(&gate)?;
    folder.write("c.yaml", &weighted("{name: two, port: 9000}"))?;
    until("the change is served", || common::revision(&gate).is_ok_and(|now| now > revision))?;
    let moved: Vec<String> = clients.iter().map(|client| ask(client, "1")).collect::<Result<_>>()?;
    assert_eq!(of("two", &moved), 100);

    // The backend is a TCP port: its share of the datagrams is dropped, and the status says so.
    let none = client(bad)?;
    none.send(b"?")?;
    assert!(none.recv(&mut [0; 10]).is_err());
    let status = gate.status()?.to_string();
    assert!(status.contains("UnsupportedProtocol"), "{status}");
    let datagrams = |listener: &str, outcome: &str| {
        let listener = format!("listener=\"default/gate/{listener}\"");
        gate.metric("sluicegate_udp_datagrams_total", &[&listener, &format!("outcome=\"{outcome}\"")])
    };
    assert!(datagrams("main", "received")? >= 402.0 && datagrams("main", "sent")? >= 402.0);
    assert!(datagrams("bad", "dropped")? >= 1.0 && datagrams("bad", "sent")? == 0.0);

    // A drain waits until the sessions are quiet, and answers those that are there till then.
    let (asking, pings) = (Arc::new(AtomicBool::new(true)), clients[0].try_clone()?);
    let goes_on = Arc::clone(&asking);
    let pinger = thread::spawn(move || {
        while goes_on.load(Ordering::Relaxed) {
            let _ = pings.send(b"2");
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(ask(&clients[0], "2")?.starts_with("two"));
    let stopping = thread::spawn(move || gate.stop(Duration::from_secs(60)).map(|status| (status, gate)));
    for _ in 0..8 {
        thread::sleep(Duration::from_millis(100));
        assert!(ask(&clients[0], "2")?.starts_with("two"));
    }
    asking.store(false, Ordering::Relaxed);
    pinger.join().unwrap();
    let (status, gate) = stopping.join().unwrap()?;
    assert!(status.success());
    let lines = gate.log_json();
    let sessions: Vec<_> =
        lines.iter().filter(|line| line["kind"] == "udp" && line["route"] == "default/weighted").collect();
    assert!(sessions.iter().filter(|line| line["end"] == "moved").count() >= of("one", &first));
    assert!(sessions.iter().any(|line| line["end"] == "drained"), "{sessions:?}");
    assert!(lines.iter().any(|line| line["kind"] == "udp" && line["end"] == "no_backend"));
    Ok(())
}

#[test]
fn a_refusing_endpoint_ends_its_sessions() -> Result<()> {
    let one = Echo::udp("one")?;
    let (folder, port, closed) = (Folder::new("udp-refused")?, free_port()?, free_port()?);
    // One of two endpoints is a port that nobody listens on.
    let slices = format!(
        "{}---\n{}",
        one.service("UDP"),
        endpoint_slice("default", "one", "main", closed, &[Ipv4Addr::LOCALHOST])
            .replace("name: one-main", "name: one-closed")
            .replace("name: main, port", "name: main, protocol: UDP, port")
    );
    folder
        .write("a.yaml", &gateway(&[("main", port, "UDP")]))?
        .write("b.yaml", &slices)?
        .write("c.yaml", &route("UDPRoute", "one", OLD, "main", "{name: one, port: 9000}"))?;
    let mut gate = Sluicegate::run(&[folder.path()])?.start()?;
    for _ in 0..20 {
        assert_eq!(ask(&client(port)?, "hello")?, "one hello");
    }
    until("the refused ones have ended", || {
        gate.log_json().iter().any(|line| line["kind"] == "udp" && line["end"] == "backend")
    })?;
    gate.expect_alive()
}
