//! The gateway whose instructions are counted, what it serves, and the servers behind it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use testkit::http::Http;
use testkit::paths::RunDir;
use testkit::{Ca, free_port};

use super::broker;
use super::count::Counted;

/// Routes of the port that has many.
pub(super) const ROUTES: usize = 5000;
/// The prefix of the last one.
pub(super) const LAST: &str = "/r/4999";
/// Every HTTP request asks for this host.
pub(super) const HOST: &str = "app.example.com";
/// Names of the TLS ports.
pub(super) const PASSTHROUGH: &str = "db.example.com";
pub(super) const PLAIN: &str = "broker-0-plain.kafka.example.com";
pub(super) const FILTERED: &str = "broker-0-filtered.kafka.example.com";
/// Length of the small and of the large body.
pub(super) const SMALL: usize = 100;
pub(super) const LARGE: usize = 64 << 10;

/// A running gateway.
pub(super) struct World {
    pub(super) gateway: Counted,
    pub(super) ca: Ca,
    ports: Ports,
    _dir: RunDir,
}

struct Ports {
    one: u16,
    many: u16,
    https: u16,
    passthrough: u16,
    kafka: u16,
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl World {
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let dir = RunDir::new("gate")?;
        let ca = Ca::new("gate")?;
        let (origin, echo, broker) = (serve(http)?, serve(greet)?, broker::start()?);
        let folder = dir.path().join("folder");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("base.yaml"), base(origin, echo, broker))?;
        fs::write(folder.join("kafka.yaml"), KAFKA)?;
        let names = [HOST, PASSTHROUGH, "*.kafka.example.com"];
        fs::write(folder.join("secret.yaml"), ca.server(&names)?.secret_yaml("default", "certificate"))?;
        for (file, routes) in (0..ROUTES).collect::<Vec<_>>().chunks(500).enumerate() {
            let routes: String = routes.iter().map(|n| route(&format!("r{n}"), "many", &format!("/r/{n}"))).collect();
            fs::write(folder.join(format!("many-{file}.yaml")), routes)?;
        }
        let ports = Ports {
            one: free_port()?,
            many: free_port()?,
            https: free_port()?,
            passthrough: free_port()?,
            kafka: free_port()?,
        };
        let admin = local(free_port()?);
        let mut arguments = vec!["run".to_owned(), folder.display().to_string(), "--workers=1".to_owned()];
        arguments.push(format!("--admin={admin}"));
        arguments.push(format!("--access-log={}", dir.path().join("access.log").display()));
        let map =
            [(80, ports.one), (81, ports.many), (443, ports.https), (444, ports.passthrough), (9092, ports.kafka)];
        arguments.extend(map.map(|(from, to)| format!("--port-map={from}={to}")));
        let mut gateway = Counted::start(binary, &arguments, dir.path())?;
        let ready = Http::to(admin).limit(Duration::from_secs(10));
        gateway.process().wait_until(Duration::from_secs(180), |_| {
            ready.get("admin", "/readyz").is_ok_and(|response| response.status == 200)
        })?;
        gateway.begin()?;
        Ok(Self { gateway, ca, ports, _dir: dir })
    }

    /// The port with one route.
    pub(super) fn one(&self) -> SocketAddr {
        local(self.ports.one)
    }

    /// The port with [`ROUTES`] routes.
    pub(super) fn many(&self) -> SocketAddr {
        local(self.ports.many)
    }

    pub(super) fn https(&self) -> SocketAddr {
        local(self.ports.https)
    }

    pub(super) fn passthrough(&self) -> SocketAddr {
        local(self.ports.passthrough)
    }

    pub(super) fn kafka(&self) -> SocketAddr {
        local(self.ports.kafka)
    }
}

fn base(origin: SocketAddr, echo: SocketAddr, broker: SocketAddr) -> String {
    let mut yaml = GATEWAY.to_owned();
    for (name, address) in [("origin", origin), ("db", echo), ("cluster", broker)] {
        let _ = write!(
            yaml,
            "---\napiVersion: sluicegate.dev/v1alpha1\nkind: Backend\nmetadata: {{name: {name}}}\n\
             spec: {{endpoints: [{{ip: {{address: {}, port: {}}}}}]}}\n",
            address.ip(),
            address.port(),
        );
    }
    for listener in ["one", "https"] {
        yaml += &route(listener, listener, LAST);
    }
    yaml
}

fn route(name: &str, listener: &str, prefix: &str) -> String {
    format!(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  \
         parentRefs: [{{name: gateway, sectionName: {listener}}}]\n  hostnames: [{HOST}]\n  rules:\n  \
         - matches: [{{path: {{type: PathPrefix, value: {prefix}}}}}]\n    \
         backendRefs: [{{group: sluicegate.dev, kind: Backend, name: origin}}]\n"
    )
}

const GATEWAY: &str = r#"apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {name: one, port: 80, protocol: HTTP}
  - {name: many, port: 81, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}
  - {name: passthrough, port: 444, protocol: TLS, tls: {mode: Passthrough}}
  - name: kafka
    port: 9092
    protocol: TLS
    hostname: "*.kafka.example.com"
    tls: {mode: Terminate, certificateRefs: [{name: certificate}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: db}
spec:
  parentRefs: [{name: gateway, sectionName: passthrough}]
  hostnames: [db.example.com]
  rules:
  - backendRefs: [{group: sluicegate.dev, kind: Backend, name: db}]
"#;

/// The filters rename the topic of [`broker::TOPIC`] and allow it.
const KAFKA: &str = r#"apiVersion: gateway.networking.k8s.io/experimental
kind: KafkaRoute
metadata: {name: plain}
spec:
  parentRefs: [{name: gateway, sectionName: kafka}]
  hostname: plain
  backendRefs: [{group: sluicegate.dev, kind: Backend, name: cluster}]
---
apiVersion: gateway.networking.k8s.io/experimental
kind: KafkaRoute
metadata: {name: filtered}
spec:
  parentRefs: [{name: gateway, sectionName: kafka}]
  hostname: filtered
  backendRefs: [{group: sluicegate.dev, kind: Backend, name: cluster}]
  filters:
  - name: mapping
    type: TopicMapping
    topicMapping: {type: Exact, client: orders-public, broker: orders}
  - name: acls
    type: ACLs
    acls:
    - {name: write, type: Topic, pattern: {type: PREFIX, expression: orders}, topicOperation: Write, action: Allow}
"#;

/// A thread for each connection, until this process ends.
pub(super) fn serve(handle: impl Fn(TcpStream) -> Result<()> + Copy + Send + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind(local(0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = stream.set_nodelay(true);
            std::thread::spawn(move || handle(stream));
        }
    });
    Ok(address)
}

/// Answers every request without a body: [`LARGE`] bytes where the path ends in `large`, else [`SMALL`], in one write.
fn http(mut stream: TcpStream) -> Result<()> {
    let response = |length: usize| {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nserver: origin\r\ncontent-type: text/plain\r\n\
            date: Sat, 21 Nov 2026 12:00:00 GMT\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes();
        response.resize(response.len() + length, b'x');
        response
    };
    let (small, large) = (response(SMALL), response(LARGE));
    let (mut buffer, mut held) = ([0; 8192], Vec::new());
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        held.extend_from_slice(&buffer[..read]);
        if held.ends_with(b"\r\n\r\n") {
            let line = held.split(|byte| *byte == b'\r').next().unwrap_or_default();
            stream.write_all(if line.ends_with(b"large HTTP/1.1") { &large } else { &small })?;
            held.clear();
        }
    }
}

/// Answers whatever comes with [`SMALL`] bytes, and closes when the other side does.
fn greet(mut stream: TcpStream) -> Result<()> {
    let mut buffer = [0; 8192];
    while stream.read(&mut buffer)? > 0 {
        stream.write_all(&[b'x'; SMALL])?;
    }
    Ok(())
}
