//! Change without harm: routes, listeners, certificates, endpoints and broken files come and go under load of all protocols.
#![allow(missing_docs)]

mod common;
#[path = "common/lab.rs"]
mod lab;

use anyhow::{Context, Result, ensure};
use lab::{Lab, gateway, report, slice};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::http::Http;
use testkit::load::Header;
use testkit::origin::Origin;
use testkit::{Identity, Sluicegate, free_port};

const EDITS: u64 = 1000;
/// The next edit comes once the one before is served, or after so long: an editor waits for nobody, and the machine may be busy.
const EDIT: Duration = Duration::from_millis(75);
/// How long a change may take to be seen, on a machine that does ten other things.
const SEEN: Duration = Duration::from_secs(20);

/// What changes while the route is edited: each returns how often it has, and each change has been seen.
struct Changes<'a> {
    lab: &'a Lab,
    gate: &'a Sluicegate,
    address: Ipv4Addr,
    done: &'a AtomicBool,
}

fn until(what: &str, mut seen: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + SEEN;
    while !seen().with_context(|| what.to_owned())? {
        ensure!(Instant::now() < end, "{what}: not within {SEEN:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

impl Changes<'_> {
    /// Repeats a change with a rest after each, until the edits are done; at least `least` times.
    fn repeat(&self, least: u64, rest: Duration, mut change: impl FnMut(u64) -> Result<()>) -> Result<u64> {
        let mut count = 0;
        while count < least || !self.done.load(Ordering::Relaxed) {
            change(count)?;
            count += 1;
            std::thread::sleep(rest);
        }
        Ok(count)
    }

    /// Two listeners come, serve, and go.
    fn listeners(&self) -> Result<u64> {
        let [http, https] = self.lab.ports.extra.map(|port| SocketAddr::from((self.address, port)));
        let more = "  - {name: more, port: 81, protocol: HTTP}\n  \
                    - {name: mores, port: 444, protocol: HTTPS, tls: {certificateRefs: [{name: lab}]}}\n";
        self.repeat(5, Duration::from_millis(200), |_| {
            self.lab.folder.write("gateway.yaml", &gateway(self.address, more))?;
            until("the new listeners serve", || {
                let plain = Http::to(http).get("app.lab.test", "/");
                let secure = Http::to(https).tls("app.lab.test", self.lab.folder.ca.pem())?.get("app.lab.test", "/");
                Ok(plain.is_ok_and(|answer| answer.status == 200) && secure.is_ok_and(|answer| answer.status == 200))
            })?;
            self.lab.folder.write("gateway.yaml", &gateway(self.address, ""))?;
            until("the new listeners are gone", || Ok([http, https].iter().all(|at| TcpStream::connect(at).is_err())))
        })
    }

    /// The certificate, faster than every second.
    fn certificates(&self) -> Result<u64> {
        let served = SocketAddr::from((self.address, self.lab.ports.https));
        let kafka = SocketAddr::from((self.address, self.lab.ports.kafka));
        self.repeat(10, Duration::from_millis(400), |_| {
            let next = self.lab.folder.ca.server(&lab::NAMES)?;
            self.lab.folder.write("secret-default-lab.yaml", &next.secret_yaml("default", "lab"))?;
            until("the new certificate is served", || {
                Ok(self.serves(&next, served, "app.lab.test")? && self.serves(&next, kafka, lab::KAFKA)?)
            })
        })
    }

    fn serves(&self, identity: &Identity, at: SocketAddr, name: &str) -> Result<bool> {
        let config = testkit::certs::client_config(self.lab.folder.ca.pem(), None, &[])?;
        let mut connection = rustls::ClientConnection::new(Arc::clone(&config), name.to_owned().try_into()?)?;
        let mut socket = TcpStream::connect(at)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(connection.peer_certificates().and_then(|chain| chain.first()) == identity.rustls()?.0.first())
    }

    /// A second endpoint starts, is listed, gets requests, is listed no more, gets no more requests, and stops.
    fn endpoints(&self) -> Result<u64> {
        let (first, other) = (self.lab.origin.address(), self.lab.other);
        self.repeat(5, Duration::from_millis(100), |_| {
            // The one before may not have left its address yet.
            let mut origin = None;
            until("the other endpoint starts", || {
                origin = Origin::start("other", other).ok();
                Ok(origin.is_some())
            })?;
            let origin = origin.context("the other endpoint")?;
            self.lab.folder.write("slice-app.yaml", &slice("app", &[first, other]))?;
            until("the other endpoint gets requests", || Ok(origin.requests() > 10))?;
            self.lab.folder.write("slice-app.yaml", &slice("app", &[first]))?;
            // A server ends some time after it is no longer listed, when it has answered what was on its way.
            until("the other endpoint gets no more requests", || {
                let before = origin.requests();
                std::thread::sleep(Duration::from_secs(2));
                Ok(origin.requests() == before)
            })
        })
    }

    /// A file that is no YAML, one with a route that cannot be served, and one with a certificate that fits no key.
    fn broken_files(&self) -> Result<u64> {
        let unfit =
            self.lab.folder.ca.server(&["x.lab.test"])?.with_key_of(&self.lab.folder.ca.server(&["y.lab.test"])?);
        let texts = [
            "apiVersion: v1\nkind: Service\nmetadata: {name: torn, \n  labels: [\n".to_owned(),
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: bad}\nspec:\n  parentRefs: [{name: lab}]\n  \
             hostnames: [bad.lab.test]\n  rules:\n  - matches: [{path: {type: RegularExpression, value: '('}}]\n    \
             backendRefs: [{name: nowhere, port: 80}]\n"
                .to_owned(),
            unfit.secret_yaml("default", "unfit")
                + "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: unfit}\nspec:\n  gatewayClassName: sluicegate\n  \
                   listeners: [{name: https, port: 445, protocol: HTTPS, tls: {certificateRefs: [{name: unfit}]}}]\n",
        ];
        let told = || Ok(self.gate.get("/status")?.text().contains("broken.yaml"));
        self.repeat(6, Duration::from_millis(2500), |count| {
            let text = &texts[usize::try_from(count)? % texts.len()];
            self.lab.folder.write("broken.yaml", text)?;
            until("the broken file is reported", told)?;
            self.lab.folder.remove("broken.yaml")?;
            until("the broken file is forgotten", || Ok(!told()?))
        })
    }
}

/// Kafka connections that did not end because the client wanted so, as the gateway says.
fn cut_from_kafka(gate: &Sluicegate) -> Vec<String> {
    let by_client = ["client_closed", "client_error"].map(serde_json::Value::from);
    let log = gate.log_json();
    let cut = log.iter().filter(|line| line["kind"] == "kafka" && !by_client.contains(&line["end"]));
    cut.map(ToString::to_string).collect()
}

#[test]
fn no_client_notices_a_change() -> Result<()> {
    let lab = Lab::new("change")?;
    let address = lab.net.address(10);
    let mut gate = lab.run(&lab.folder, &["--port-map", &format!("445={}", free_port()?)])?;
    let edits = Header::new("x-edit");
    let load = lab.load(address, &edits)?;
    let kafka = lab.kafka_load(address, "change")?;
    load.warm_up(20)?;

    let done = AtomicBool::new(false);
    let began = Instant::now();
    let changes = &Changes { lab: &lab, gate: &gate, address, done: &done };
    let changed = std::thread::scope(|scope| -> Result<_> {
        let listeners = scope.spawn(move || changes.listeners());
        let certificates = scope.spawn(move || changes.certificates());
        let endpoints = scope.spawn(move || changes.endpoints());
        let broken = scope.spawn(move || changes.broken_files());
        let edited = (1..=EDITS).try_for_each(|n| {
            lab.folder.write("edited.yaml", &lab.edited(n))?;
            let next = Instant::now() + EDIT;
            while edits.get() < n && Instant::now() < next {
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(())
        });
        let edited = edited.and_then(|()| until("the last edit is served", || Ok(edits.get() == EDITS)));
        done.store(true, Ordering::Relaxed);
        let counts = [listeners, certificates, endpoints, broken].map(|thread| thread.join().expect("no panic"));
        edited?;
        counts.into_iter().collect::<Result<Vec<u64>>>()
    });
    let took = began.elapsed();
    let counts = load.stop();
    report("everything changes", &counts);
    let records = kafka.stop()?;
    report("and of Kafka", std::slice::from_ref(&records));
    let changed = changed?;
    eprintln!(
        "{EDITS} edits of a route ({} seen one by one), {} times two listeners, {} certificates, {} times an endpoint, {} broken files in {:.1} s",
        edits.changes(),
        changed[0],
        changed[1],
        changed[2],
        changed[3],
        took.as_secs_f64()
    );
    assert!(edits.changes() >= EDITS / 4, "so few were served before the next one came");
    assert!(took.as_secs_f64() / changed[1] as f64 <= 1.5, "the certificate was to change about every second");
    for count in &counts {
        count.expect_untouched()?;
    }
    records.expect_whole()?;
    assert_eq!(records.retried, 0, "records came again to the group: {records}");
    assert_eq!(cut_from_kafka(&gate), Vec::<String>::new());
    gate.expect_alive()
}
