//! Clients of a KafkaRoute that never log in.

use crate::common::{Folder, KafkaGateway, ROUTE};
use crate::crowd::Crowd;
use crate::good::Good;
use crate::rig::{GROWTH, HTTPS, Rig, alone, measure};
use crate::usage::Usage;
use anyhow::{Context, Result, ensure};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::raw::RawKafka;
use testkit::{KafkaCluster, Listener, certs};

/// Connections of each attack.
const MANY: usize = 1000;
/// A broker looks up its own name for each SaslHandshake, which takes seconds where nobody answers. So one client of these waits for the
/// answer; the others go on with SaslAuthenticate, which the gateway holds all the same.
const RARE: usize = 25;
/// What one may cost besides TLS.
const EACH: u64 = 16 << 10;

fn tls(folder: &Folder) -> Result<Arc<rustls::ClientConfig>> {
    certs::client_config(folder.ca.pem(), None, &[])
}

/// What one connection of [`RARE`] does before the next is opened.
type Begin = fn(&mut RawKafka) -> Result<()>;

/// Opens connections with TLS, from two threads.
fn open(at: SocketAddr, name: &str, config: &Arc<rustls::ClientConfig>, count: usize) -> Result<Vec<RawKafka>> {
    begin_all(at, name, config, count, |_| Ok(()))
}

fn begin_all(
    at: SocketAddr,
    name: &str,
    config: &Arc<rustls::ClientConfig>,
    count: usize,
    begin: Begin,
) -> Result<Vec<RawKafka>> {
    let one = move |number: usize, name: &str, config| -> Result<RawKafka> {
        let mut one = RawKafka::connect_tls(at, name, config)?;
        if number.is_multiple_of(RARE) {
            begin(&mut one)?;
        }
        Ok(one)
    };
    let threads = [0; 2].map(|_| {
        let (config, name) = (Arc::clone(config), name.to_owned());
        std::thread::spawn(move || -> Result<Vec<RawKafka>> {
            (0..count / 2).map(|number| one(number, &name, Arc::clone(&config))).collect()
        })
    });
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
    }
    Ok(all)
}

/// PSS per connection of idle HTTPS connections, once they are parked: what TLS alone costs, and a little more.
fn tls_share() -> Result<u64> {
    let mut rig = Rig::start("tls-share")?;
    let config = tls(&rig.folder)?;
    // The first ones fill caches.
    drop(open(rig.https, HTTPS, &config, 50)?);
    std::thread::sleep(Duration::from_millis(300));
    let pid = rig.gate.process().id();
    let before = Usage::of(pid)?.pss;
    let _idle = open(rig.https, HTTPS, &config, MANY)?;
    std::thread::sleep(Duration::from_millis(2500));
    Ok(Usage::of(pid)?.pss.saturating_sub(before) / MANY as u64)
}

/// What connections do that have ended TLS: whether they begin SASL, and what they send then. The gateway may have closed them: it ends
/// those that it needs the memory of.
type Says<'a> = (&'a str, bool, &'a [u8]);

#[test]
fn unauthenticated_connections() -> Result<()> {
    let _alone = alone();
    let share = tls_share()?;
    let kafka = KafkaCluster::builder().name("floods").start()?;
    let folder = KafkaGateway::folder("flood-kafka", &kafka)?;
    folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
    folder.endpoints("default", "my-kafka-service", "kafka", Listener::SaslPlaintext.port(), &kafka.addresses())?;
    let mut gateway = KafkaGateway::run(folder, kafka.ids())?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port));
    let config = tls(&gateway.folder)?;
    let pid = gateway.gate.process().id();

    let versions = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let large = login(ALLOWED);
    // ApiVersions instead of SaslAuthenticate.
    let large_versions = [&large[..5], &[18], &large[6..4 + ALLOWED - 1]].concat();
    let at_once = [&versions.repeat(4), &large[..15 << 10]].concat();
    let says: [Says<'_>; 8] = [
        ("say nothing", false, b""),
        ("send half a length", false, &[0, 0]),
        ("have asked for versions", false, &versions),
        ("have begun SASL and send half a login", true, &login(40)[..30]),
        ("have begun SASL and send 4 KiB of a login", true, &large[..4 << 10]),
        ("have begun SASL and send a login of 64 KiB but for a byte", true, &large[..4 + ALLOWED - 1]),
        ("send a request of 64 KiB but for a byte, and no login", false, &large_versions),
        ("send small requests and the start of a large one at once", false, &at_once),
    ];
    let mut costs = Vec::new();
    // What one attack has left in the allocator is there for the next: all are compared with the beginning.
    let clients = good(&gateway)?;
    std::thread::sleep(Duration::from_secs(1));
    let first = Usage::of(pid)?.pss;
    drop(clients);
    for (what, sasl, say) in says {
        let good = good(&gateway)?;
        let name = format!("Kafka: {MANY} clients {what}");
        let attack = || -> Result<u64> {
            let begin: Begin = if sasl { handshake } else { |_| Ok(()) };
            let mut all = begin_all(at, ROUTE, &config, MANY, begin)?;
            all.iter_mut().for_each(|one| drop(one.send(say)));
            // As long as idle connections had for what TLS costs: the allocator gives memory back after a second.
            std::thread::sleep(Duration::from_millis(2500));
            let each = Usage::of(pid)?.pss.saturating_sub(first) / MANY as u64;
            // A login that is larger than what they may have has room beside them.
            let mut one = RawKafka::connect_tls(at, ROUTE, Arc::clone(&config))?;
            handshake(&mut one)?;
            one.send(&login(40 << 10))?;
            let answer = one.read_frame()?.context("no answer to a large login")?;
            ensure!(answer.get(..6) == Some(&[0, 0, 0, 2, 0, 58][..]), "no refusal by the broker: {answer:?}");
            Ok(each)
        };
        // TLS is not what is measured here.
        let (each, _) = measure(&mut gateway.gate, &name, &good, GROWTH + share * MANY as u64, attack)?;
        costs.push((what, each, each.saturating_sub(share)));
    }
    // Past the harness, for the documentation.
    let table: String = costs.iter().map(|(what, each, rest)| format!("| {what} | {each} | {rest} |\n")).collect();
    let table =
        format!("\n| {MANY} Kafka clients … | bytes each | besides TLS ({share}) |\n| --- | --: | --: |\n{table}");
    std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes())?;
    for (what, each, rest) in costs {
        ensure!(rest <= EACH, "clients that {what}: {each} bytes each, {rest} besides TLS");
    }
    Ok(())
}

/// The longest frame before a client has logged in.
const ALLOWED: usize = 64 << 10;

fn handshake(one: &mut RawKafka) -> Result<()> {
    one.send_request(17, 1, 1, false, b"\0\x05PLAIN")?;
    one.read_frame()?.context("no answer to the handshake").map(drop)
}

/// A frame of SaslAuthenticate with a token that no broker accepts: so many bytes after those that say how many.
fn login(len: usize) -> Vec<u8> {
    let mut frame = (len as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(b"\0\x24\0\0\0\0\0\x02\0\x07testkit");
    frame.extend_from_slice(&(len as u32 - 21).to_be_bytes());
    frame.resize(4 + len, b'x');
    frame
}

fn good(gateway: &KafkaGateway) -> Result<Good> {
    let (at, config) = (SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port)), tls(&gateway.folder)?);
    Ok(Good::kafka(move || {
        let mut one = RawKafka::connect_tls(at, ROUTE, Arc::clone(&config))?;
        handshake(&mut one)?;
        one.send_request(36, 0, 2, false, b"\0\0\0\x13\0admin\0admin-secret")?;
        let answer = one.read_frame()?.context("no answer to the login")?;
        ensure!(answer.get(..6) == Some(&[0, 0, 0, 2, 0, 0][..]), "the login is refused: {answer:?}");
        Ok(one)
    }))
}

/// What is ended at once: frames that are too large or none, plaintext, and clients that ask and ask and read nothing.
#[test]
fn hostile_bytes() -> Result<()> {
    let _alone = alone();
    let kafka = KafkaCluster::builder().name("floods").start()?;
    let folder = KafkaGateway::folder("flood-kafka", &kafka)?;
    folder.copy("000-kafkaroute", "04-kafkaroute.yaml")?;
    folder.endpoints("default", "my-kafka-service", "kafka", Listener::SaslPlaintext.port(), &kafka.addresses())?;
    let mut gateway = KafkaGateway::run(folder, kafka.ids())?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port));
    let config = tls(&gateway.folder)?;

    let clients = good(&gateway)?;
    measure(&mut gateway.gate, "Kafka: 4000 clients speak plaintext", &clients, GROWTH, || {
        let mut crowd = Crowd::open(at, 4000, b"\0\0\0\x12\0\x12\0\x03\0\0\0\x01\0\x07testkit\0\0\0")?;
        let end = Instant::now() + Duration::from_secs(8);
        while crowd.count() > 0 {
            ensure!(Instant::now() < end, "{} are open", crowd.len());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })?;
    let frames: [(&str, &[u8]); 3] = [
        ("frames of 2 GiB", &[0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 3]),
        ("frames of 1 MB before the login", &[0, 0x10, 0, 0, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        ("frames of no API", &[0, 0, 0, 10, 0x27, 0x10, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
    ];
    measure(&mut gateway.gate, "Kafka: 600 clients send frames that may not be", &clients, GROWTH, || {
        for (what, frame) in frames {
            for mut one in open(at, ROUTE, &config, 200)? {
                one.send(frame)?;
                ensure!(one.closed_within(Duration::from_secs(5))?, "{what}: still open");
            }
        }
        Ok(())
    })?;
    measure(&mut gateway.gate, "Kafka: 100 clients ask for versions and read nothing", &clients, GROWTH, || {
        let ask = vec![0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff].repeat(500);
        let all = open(at, ROUTE, &config, 100)?;
        let threads = all.into_iter().map(|mut one| {
            let ask = ask.clone();
            std::thread::spawn(move || {
                let end = Instant::now() + Duration::from_secs(3);
                let _ = one.write_timeout(Duration::from_secs(1));
                while Instant::now() < end && one.send(&ask).is_ok() {}
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    })?;
    Ok(())
}
