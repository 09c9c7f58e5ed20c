//! Slow sockets, and HTTP/1.1 clients that send much and take nothing.

use crate::crowd::Crowd;
use crate::good::Good;
use crate::rig::{GROWTH, HTTPS, Rig, alone, measure};
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::certs;
use testkit::floods::{Slow, slow_http};

/// As many slow sockets as the issue asks for.
const MANY: usize = 10_000;

/// Descriptors that this process may open: it holds the attackers' end, the origins and the good clients.
fn raise_limit() -> Result<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(usize::try_from(limit.maximum.unwrap_or(1 << 20))?)
}

/// So many, or what the limit of open files leaves.
fn many(wanted: usize) -> Result<usize> {
    Ok(wanted.min(raise_limit()?.saturating_sub(1000)))
}

/// What begins a request and does not end it.
const HEAD: &[u8] = b"GET /slow HTTP/1.1\r\nHost: slow.example.com\r\nX-Slow: ";

#[test]
fn slow_heads() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("slow-heads")?;
    let (at, count) = (rig.http, many(MANY)?);
    let name = format!("{count} slow heads");
    let (mut crowd, _) = rig.attack(&name, || {
        let mut crowd = Crowd::open(at, count, HEAD)?;
        crowd.dribble(b"a", Duration::from_millis(1500), Duration::from_secs(4));
        ensure!(crowd.count() * 2 > count, "{} of {count} have been open for a while", crowd.len());
        // Until the time for a head is over, from the first byte on.
        crowd.dribble(b"a", Duration::from_millis(1500), Duration::from_secs(12));
        Ok(crowd)
    })?;
    ensure!(crowd.count() == 0, "{} heads are waited for still", crowd.len());
    Ok(())
}

/// A ClientHello as our own library writes it.
fn client_hello(rig: &Rig) -> Result<Vec<u8>> {
    let config = certs::client_config(rig.folder.ca.pem(), None, &["h2", "http/1.1"])?;
    let mut hello = Vec::new();
    rustls::ClientConnection::new(config, HTTPS.try_into()?)?.write_tls(&mut hello)?;
    Ok(hello)
}

#[test]
fn client_hellos_that_do_not_end() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("hellos")?;
    let hello = client_hello(&rig)?;
    let (at, count) = (rig.https, many(MANY)?);
    let name = format!("{count} ClientHellos that do not end");
    let (mut crowd, _) = rig.attack(&name, || {
        let mut crowd = Crowd::open(at, count, &hello[..hello.len() / 2])?;
        for byte in &hello[hello.len() / 2..hello.len() / 2 + 3] {
            crowd.dribble(&[*byte], Duration::from_millis(1000), Duration::from_millis(1000));
        }
        ensure!(crowd.count() * 2 > count, "{} of {count} have been open for a while", crowd.len());
        crowd.dribble(&[], Duration::from_millis(500), Duration::from_secs(12));
        Ok(crowd)
    })?;
    ensure!(crowd.count() == 0, "{} ClientHellos are waited for still", crowd.len());
    Ok(())
}

/// More connections than the gateway takes: those that have come without a request make room for new ones.
#[test]
fn more_connections_than_the_limit() -> Result<()> {
    let _alone = alone();
    raise_limit()?;
    let mut rig = Rig::start_with("limit", |builder| builder.open_files(2000))?;
    let at = rig.http;
    rig.attack("3000 slow heads, 900 allowed", || {
        let mut crowds = Vec::new();
        for _ in 0..6 {
            crowds.push(Crowd::open(at, 500, HEAD)?);
            std::thread::sleep(Duration::from_millis(300));
        }
        let open: usize = crowds.iter_mut().map(Crowd::count).sum();
        ensure!((500..=900).contains(&open), "{open} are open");
        Ok(())
    })?;
    let refused = rig.gate.metric("sluicegate_connection_errors_total", &["cause=\"limit\""])?;
    ensure!(refused > 2000.0, "{refused} are counted");
    Ok(())
}

#[test]
fn slow_bodies() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("slow-bodies")?;
    // Each has a connection to the backend, whose other end is here, too.
    let (at, count) = (rig.http, many(2 * 4000)? / 2);
    let name = format!("{count} slow bodies");
    let head = b"POST /slow-body HTTP/1.1\r\nHost: slow.example.com\r\nContent-Length: 100000\r\n\r\nx";
    let victim = Arc::new(rig.victim.connections());
    rig.attack(&name, || {
        let mut crowd = Crowd::open(at, count, head)?;
        crowd.dribble(b"x", Duration::from_millis(1000), Duration::from_secs(5));
        ensure!(crowd.count() == count, "{} of {count} slow bodies are open: they do nothing wrong", crowd.len());
        Ok(())
    })?;
    ensure!(rig.victim.connections() - *victim > 0, "none has reached the backend");
    Ok(())
}

/// Heads just below the limit that do not end: the gateway holds so many bytes of them, and refuses the others.
#[test]
fn huge_heads() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("huge-heads")?;
    let (at, count, size) = (rig.http, many(2000)?, 60 << 10);
    let head = [HEAD, &vec![b'a'; size]].concat();
    let name = format!("{count} heads of 60 KiB that do not end");
    let (mut crowd, _) = rig.attack(&name, || {
        let mut crowd = Crowd::open(at, count, &head)?;
        std::thread::sleep(Duration::from_secs(2));
        let open = crowd.count();
        // 32 MiB of them.
        ensure!((100..=(32 << 20) / size).contains(&open), "{open} are open");
        crowd.dribble(&[], Duration::from_millis(500), Duration::from_secs(12));
        Ok(crowd)
    })?;
    ensure!(crowd.count() == 0, "{} heads are waited for still", crowd.len());
    Ok(())
}

/// Responses of which the client takes nothing.
#[test]
fn unread_responses() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("unread")?;
    let (at, count) = (rig.http, many(2 * 2000)? / 2);
    let name = format!("{count} responses of 4 MB, unread");
    let (good, victim, before) = (Good::http(at), &rig.victim, rig.victim.connections());
    measure(&mut rig.gate, &name, &good, GROWTH, || {
        let _crowd = Crowd::open(at, count, b"GET /bytes/4000000 HTTP/1.1\r\nHost: unread.example.com\r\n\r\n")?;
        let end = Instant::now() + Duration::from_secs(40);
        loop {
            let reached = usize::try_from(victim.connections() - before)?;
            if reached * 10 >= count * 9 {
                break;
            }
            ensure!(Instant::now() < end, "{reached} of {count} have reached the backend");
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    })?;
    Ok(())
}

#[test]
fn pipelined_requests_without_reading() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("pipelined")?;
    let at = rig.http;
    let requests = b"GET /pipelined HTTP/1.1\r\nHost: pipelined.example.com\r\n\r\n".repeat(200);
    rig.attack("200 pipelines, answers unread", || {
        let mut crowd = Crowd::open(at, 200, &requests)?;
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            crowd.say(&requests);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    })?;
    Ok(())
}

#[test]
fn handshakes() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("handshakes")?;
    let (at, pem) = (rig.https, rig.folder.ca.pem().to_owned());
    let (done, _) = rig.attack("TLS handshakes for 2 s", || {
        let config = certs::client_config(&pem, None, &["http/1.1"])?;
        let until = Instant::now() + Duration::from_secs(2);
        let threads = [0; 2].map(|_| {
            let config = Arc::clone(&config);
            std::thread::spawn(move || -> Result<u32> {
                let mut done = 0;
                while Instant::now() < until {
                    // A session of its own each time: nothing to resume.
                    let mut fresh = (*config).clone();
                    fresh.resumption = rustls::client::Resumption::disabled();
                    let mut tls = rustls::ClientConnection::new(Arc::new(fresh), HTTPS.try_into()?)?;
                    let mut socket = TcpStream::connect(at)?;
                    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
                    while tls.is_handshaking() {
                        tls.complete_io(&mut socket)?;
                    }
                    done += 1;
                }
                Ok(done)
            })
        });
        let mut done = 0;
        for thread in threads {
            done += thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        Ok(done)
    })?;
    ensure!(done > 10, "{done} handshakes");
    Ok(())
}

/// The tool that people use, in its four modes side by side.
#[test]
fn slowhttptest() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("slowhttptest")?;
    let at = rig.http;
    let (said, measured) = rig.attack("slowhttptest, 4 modes with 50 connections each", || {
        let threads = [Slow::Headers, Slow::Body, Slow::Range, Slow::Read].map(|slow| {
            let path = if slow == Slow::Read { "/bytes/3000000" } else { "/slowhttptest" };
            (slow, std::thread::spawn(move || slow_http(slow, at, path, 50, 5)))
        });
        let mut said = Vec::new();
        for (slow, thread) in threads {
            said.push((slow, thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??));
        }
        Ok(said)
    })?;
    for (slow, text) in said {
        ensure!(!text.contains("service available: NO"), "{slow:?}: {text}");
        ensure!(text.contains("service available"), "{slow:?} said nothing of the service: {text}");
    }
    ensure!(measured.growth <= GROWTH);
    Ok(())
}

/// Who speaks plainly to a TLS port, or in TLS to a plain one, is told and gone.
#[test]
fn the_wrong_port() -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start("wrong-port")?;
    let hello = client_hello(&rig)?;
    let (http, https) = (rig.http, rig.https);
    rig.attack("4000 connections to the wrong port", || {
        let mut plain = Crowd::open(https, 2000, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let mut tls = Crowd::open(http, 2000, &hello)?;
        let end = Instant::now() + Duration::from_secs(8);
        while plain.count() + tls.count() > 0 {
            ensure!(Instant::now() < end, "{} and {} are open", plain.len(), tls.len());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })?;
    let mut told = String::new();
    let mut socket = TcpStream::connect(https)?;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    socket.read_to_string(&mut told)?;
    ensure!(told.contains("https://"), "{told}");
    Ok(())
}
