//! The smuggling differential: what the gateway passes on has one reading, and 27 HTTP servers read just that.
//!
//! A *divergence*, of a payload and an origin, is any of:
//!
//! 1. The gateway's bytes to the origin have more than one reading: [`wire`] takes one spelling of everything.
//! 2. The origin saw other requests than those bytes say: in number, method, target, host or body.
//! 3. The access log has other requests than those bytes say: in number, method, host, path or length of the body.
//! 4. The client got other answers than the origin gave to its requests, in another order, or more than there were requests.
//! 5. Another client, whose request goes over the same connection right behind, got no answer, or not its own.
//! 6. The origin saw a header that the gateway has to remove, or a request that was hidden in the body of another.
//! 7. The gateway did not refuse what RFC 9110, 9112 or 9113 have refused, or refused what is in order.
//!
//! Whose request is whose is told by `X-Forwarded-For`: each client has an address of its own in 127.0.0.0/8.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod fields;
mod http2;
mod judge;
mod requests;
mod responses;
mod tap;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use common::{Folder, endpoint_slice};
use judge::{Report, Sent};
use requests::{HOST, Verdict};
use tap::Tap;
use testkit::echo::Echoes;
use testkit::{Sluicegate, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// Behind every payload; the connection ends with it.
const TAIL: &str = "GET /tail HTTP/1.1\r\nHost: tail.test\r\nConnection: close\r\n\r\n";
const CANARY_HOST: &str = "canary.test";

/// How long a client is patient with a gateway that says nothing, before it ends its side of the connection, and then.
const PATIENCE: Duration = Duration::from_secs(20);
const AFTERWARDS: Duration = Duration::from_secs(2);

fn listener(index: usize) -> u16 {
    9000 + u16::try_from(index).unwrap()
}

/// One listener and one route for each origin, whatever the Host; the route sets and removes a header.
fn manifests(origins: &[SocketAddr]) -> String {
    let mut listeners = String::new();
    let mut routes = String::new();
    for (index, origin) in origins.iter().enumerate() {
        let port = listener(index);
        listeners += &format!("  - {{name: l{index}, port: {port}, protocol: HTTP}}\n");
        routes += &format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r{index}}}\nspec:\n  \
             parentRefs: [{{name: g, sectionName: l{index}}}]\n  rules:\n  - filters:\n    - type: RequestHeaderModifier\n      \
             requestHeaderModifier: {{set: [{{name: X-User, value: gateway}}], remove: [X-Internal]}}\n    \
             backendRefs: [{{name: s{index}, port: 80}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{index}}}\n\
             spec:\n  ports: [{{name: main, port: 80}}]\n---\n{}",
            endpoint_slice("default", &format!("s{index}"), "main", origin.port(), &[Ipv4Addr::LOCALHOST])
        );
    }
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: c}}\n\
         spec: {{controllerName: sluicegate.dev/gateway-controller}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g}}\nspec:\n  gatewayClassName: c\n  listeners:\n{listeners}{routes}"
    )
}

/// A gateway of one worker, so that there is one pool, before these origins; and the ports to them.
struct Gate {
    gate: Sluicegate,
    folder: Folder,
    ports: Vec<SocketAddr>,
}

impl Gate {
    fn start(name: &str, origins: &[SocketAddr]) -> Result<Self> {
        let folder = Folder::new(name)?;
        folder.write("all.yaml", &manifests(origins))?;
        let log = folder.path().join(".access.log");
        let mut builder = Sluicegate::run(&[folder.path()])?
            .arg("--workers=1")
            .arg("--drain-timeout=2s")
            .arg("--access-log")
            .arg(&log);
        let mut ports = Vec::new();
        for index in 0..origins.len() {
            let port = free_port()?;
            builder = builder.port_map(listener(index), port);
            ports.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        Ok(Self { gate: builder.start()?, folder, ports })
    }

    /// Ends it, and gives the whole access log.
    fn finish(mut self) -> Result<Vec<serde_json::Value>> {
        self.gate.expect_alive()?;
        // What an origin never answers is cut, and logged as such.
        self.gate.stop(Duration::from_secs(30))?;
        let path = self.folder.path().join(".access.log");
        let text = std::fs::read_to_string(&path)?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }
}

/// What a client got, and whether the gateway ended the connection.
struct Got {
    bytes: Vec<u8>,
    ended: bool,
}

/// Writes, and reads until the gateway ends the connection, all that is wanted is there, or patience does.
async fn converse(
    from: Ipv4Addr,
    to: SocketAddr,
    steps: &[&[u8]],
    slowly: bool,
    patience: Duration,
    enough: impl Fn(usize, &[u8]) -> bool,
) -> Result<Got> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = timeout(PATIENCE, socket.connect(to)).await??;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let mut got = Got { bytes: Vec::new(), ended: false };
    for (index, step) in steps.iter().enumerate() {
        let write = async {
            for part in step.chunks(if slowly { 1 } else { step.len().max(1) }) {
                // The gateway may have had enough already.
                if writer.write_all(part).await.is_err() {
                    break;
                }
                if slowly {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        let mut buffer = vec![0; 16 << 10];
        let read = async {
            while !enough(index, &got.bytes) {
                match timeout(patience, reader.read(&mut buffer)).await {
                    Ok(Ok(length @ 1..)) => got.bytes.extend_from_slice(&buffer[..length]),
                    Ok(_) => return true,
                    Err(_) => return false,
                }
            }
            false
        };
        // A gateway that does not read any more is no reason to wait with reading.
        let (_, ended) = tokio::join!(timeout(PATIENCE, write), read);
        if ended {
            got.ended = true;
            return Ok(got);
        }
    }
    let _ = writer.shutdown().await;
    got.ended = timeout(AFTERWARDS, reader.read_to_end(&mut got.bytes)).await.is_ok();
    Ok(got)
}

/// A client that the gateway has to serve is patient, so that no slow machine makes it leave too early.
fn patience(verdict: Verdict) -> Duration {
    match verdict {
        Verdict::Pass => PATIENCE,
        Verdict::Refuse => Duration::from_millis(1000),
        Verdict::Either => Duration::from_millis(400),
    }
}

/// A client, and the one that follows it, of an origin.
fn clients(origin: usize, payload: usize) -> (Ipv4Addr, Ipv4Addr) {
    let [net, block, host] = [64 + origin, payload / 100, 1 + payload % 100].map(|n| u8::try_from(n).unwrap());
    (Ipv4Addr::new(127, net, block, host), Ipv4Addr::new(127, net, 100 + block, host))
}

/// Sends a canary: an honest request on a connection of its own.
async fn canary(client: Ipv4Addr, gate: SocketAddr, path: String) -> Result<Sent> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {CANARY_HOST}\r\nConnection: close\r\n\r\n");
    let got = converse(client, gate, &[request.as_bytes()], false, PATIENCE, |_, _| false).await?;
    Ok(Sent { canary: Some(path), ..Sent::new(client, "canary", "canary", Verdict::Pass, request.into_bytes(), got) })
}

/// All payloads to one origin, one after the other.
async fn attack(
    origin: usize,
    gate: SocketAddr,
    tap: &Tap,
    table: &[requests::Payload],
    table2: &[http2::Payload],
) -> Result<Vec<Sent>> {
    let mut all = Vec::new();
    for number in 0..table.len() + table2.len() {
        let before = tap.sent.load(Ordering::Relaxed);
        let (client, other) = clients(origin, number);
        let sent = if let Some(payload) = table.get(number) {
            let bytes = [&payload.bytes, TAIL.as_bytes()].concat();
            let got =
                converse(client, gate, &[&bytes], payload.slowly, patience(payload.verdict), |_, _| false).await?;
            let sent = Sent::new(client, payload.class, &payload.name, payload.verdict, payload.bytes.clone(), got);
            Sent { head: payload.head, ..sent }
        } else {
            let payload = &table2[number - table.len()];
            let first = [http2::preface(), payload.frames.clone()].concat();
            let steps = [&first[..], &http2::get(3, "/tail")];
            let done = |step: usize, bytes: &[u8]| http2::ends(bytes, if step == 0 { 1 } else { 3 });
            let got = converse(client, gate, &steps, false, patience(payload.verdict), done).await?;
            let sent = Sent::new(client, payload.class, &payload.name, payload.verdict, payload.frames.clone(), got);
            Sent { http2: true, ..sent }
        };
        all.push(sent);
        // What never reached the origin has done nothing to the connections to it.
        if tap.sent.load(Ordering::Relaxed) != before {
            all.push(canary(other, gate, format!("/canary/{number}")).await?);
        }
    }
    Ok(all)
}

#[test]
fn every_origin_reads_what_the_gateway_means() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let echoes = Echoes::start()?;
    let (table, table2) = (Arc::new(requests::table()), Arc::new(http2::table()));
    let taps = echoes.servers().iter().map(|server| runtime.block_on(Tap::start(server.address)));
    let taps: Vec<Arc<Tap>> = taps.map(|tap| tap.map(Arc::new)).collect::<Result<_>>()?;
    let gate = Gate::start("smuggling", &taps.iter().map(|tap| tap.address).collect::<Vec<_>>())?;
    let tasks: Vec<_> = taps
        .iter()
        .enumerate()
        .map(|(origin, tap)| {
            let (tap, table, table2, port) =
                (Arc::clone(tap), Arc::clone(&table), Arc::clone(&table2), gate.ports[origin]);
            runtime.spawn(async move { attack(origin, port, &tap, &table, &table2).await })
        })
        .collect();
    let sent: Vec<Vec<Sent>> = tasks.into_iter().map(|task| runtime.block_on(task)?).collect::<Result<_>>()?;
    let log = gate.finish()?;
    drop(echoes);
    let mut report = Report::default();
    for ((tap, sent), kind) in taps.iter().zip(&sent).zip(testkit::echo::KINDS) {
        report.judge(kind, tap, sent, &log);
    }
    println!("{} origins, {} payloads\n{report}", taps.len(), table.len() + table2.len());
    assert!(taps.len() >= 10 && table.len() + table2.len() >= 200);
    assert!(report.divergences.is_empty(), "{} divergences", report.divergences.len());
    report.assert_substance();
    Ok(())
}

/// Each answer of a hostile origin, to HTTP/1.1 and to HTTP/2 clients; behind it the same client and another one ask for
/// something else.
#[test]
fn a_hostile_origin_answers_only_who_asked() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let table = Arc::new(responses::table());
    let origin = runtime.block_on(responses::origin(Arc::clone(&table)))?;
    let gate = Gate::start("responses", &[origin])?;
    let port = gate.ports[0];
    let mut divergences = Vec::new();
    for (number, payload) in table.iter().enumerate() {
        let (client, other) = clients(0, number);
        let body = if payload.method == "POST" { "Content-Length: 3\r\n\r\nabc" } else { "\r\n" };
        let request = format!("{} /r/{number} HTTP/1.1\r\nHost: {HOST}\r\n{body}", payload.method);
        let bytes = format!("{request}{TAIL}");
        let talk = async {
            let got = converse(client, port, &[bytes.as_bytes()], false, Duration::from_secs(3), |_, _| false).await?;
            let canary = canary(other, port, format!("/canary/{number}")).await?;
            let request = http2::request(1, payload.method, &format!("/r/{number}"));
            let first = [http2::preface(), request].concat();
            let steps = [&first[..], &http2::get(3, "/tail")];
            let done = |step: usize, bytes: &[u8]| http2::ends(bytes, if step == 0 { 1 } else { 3 });
            let second = converse(client, port, &steps, false, Duration::from_secs(3), done).await?;
            anyhow::Ok((got, canary, second, crate::canary(other, port, format!("/canary/{number}")).await?))
        };
        let (got, canary1, second, canary2) = runtime.block_on(talk)?;
        let mut wrong = judge::answers(payload, &got.bytes, got.ended);
        for canary in [canary1, canary2] {
            wrong.extend(judge::canary_got_its_own(&canary));
        }
        if second.bytes.windows(responses::POISON.len()).any(|window| window == responses::POISON.as_bytes()) {
            wrong.push("HTTP/2: the client got what is no answer to it".to_owned());
        }
        for what in wrong {
            divergences.push(format!(
                "{} {}: {what}\n  the origin: {}\n  the client: {}",
                payload.method,
                payload.name,
                judge::shown(&payload.answer),
                judge::shown(&got.bytes)
            ));
        }
    }
    let log = gate.finish()?;
    println!("{} answers, {} requests in the log\n{}", table.len(), log.len(), divergences.join("\n"));
    assert!(table.len() >= 60 && log.len() >= 3 * table.len());
    assert!(divergences.is_empty(), "{} divergences", divergences.len());
    Ok(())
}
