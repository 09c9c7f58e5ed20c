//! Brokers, the proxies before them, and Kafka's load generators.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::kafka::{ExtraListener, Security};
use testkit::paths::RunDir;
use testkit::{Ca, Hosts, Identity, KafkaCluster, Listener, net, process};

use super::kafka::builder;
use super::peers::{self, Running, file};
use super::{Bench, kroxylicious, tcp};

/// The topic, as the brokers call it, and as clients of the mapped route do.
const TOPICS: [&str; 2] = ["bench", "bench-public"];
const PARTITIONS: u32 = 6;

/// What a load generator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Batches of 16 KiB, the producer's default.
    Produce16,
    /// Batches of 64 KiB.
    Produce64,
    /// Fetches as the consumer does by default.
    Consume,
}

impl Load {
    /// All of them; consuming comes after producing.
    pub(crate) const ALL: [Self; 3] = [Self::Produce16, Self::Produce64, Self::Consume];

    /// Key of its samples.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Produce16 => "p16",
            Self::Produce64 => "p64",
            Self::Consume => "c",
        }
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Produce16 => "produce 16 KiB",
            Self::Produce64 => "produce 64 KiB",
            Self::Consume => "consume",
        }
    }
}

/// A listener of the brokers that advertises a proxy which cannot rewrite addresses.
struct Via {
    name: &'static str,
    security: Security,
    /// Where the brokers listen.
    port: u16,
    /// Where the proxy listens, on an address per broker.
    proxy: u16,
}

/// Brokers, and a folder for their clients.
pub(crate) struct Cluster {
    kafka: KafkaCluster,
    via: Vec<Via>,
    ca: Ca,
    identity: Identity,
    dir: RunDir,
    row: String,
}

/// Where a proxy listens for broker `index`.
fn proxy_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(index + 1).unwrap_or(u8::MAX))
}

/// A proxy before the cluster, and how clients reach it.
pub(crate) struct Proxy {
    name: String,
    running: Rc<Running>,
    host: String,
    address: SocketAddr,
    topic: &'static str,
    jvm: bool,
}

impl Proxy {
    /// As the tables call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The root of its process tree.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Whether it has to be warmed up.
    pub(crate) fn is_jvm(&self) -> bool {
        self.jvm
    }

    /// Where clients connect first.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name in its certificate by which they do.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The same gateway by its route with filters.
    pub(crate) fn filtered(&self, name: &str) -> Self {
        self.by_route(name, "filtered.kafka.test", TOPICS[1])
    }

    /// The same gateway by its route to the brokers' TLS listeners.
    pub(crate) fn to_tls_brokers(&self, name: &str) -> Self {
        self.by_route(name, "tls.kafka.test", TOPICS[0])
    }

    fn by_route(&self, name: &str, host: &str, topic: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            running: Rc::clone(&self.running),
            host: host.to_owned(),
            address: self.address,
            topic,
            jvm: false,
        }
    }
}

impl Cluster {
    /// Starts brokers, and makes the topic.
    pub(crate) fn start(row: &str, brokers: u8) -> Result<Self> {
        let via = [
            ("NGINX", Security::Plaintext, 9201),
            ("NGINXTLS", Security::Ssl, 9202),
            ("HAPROXY", Security::Plaintext, 9203),
        ];
        let via = via
            .into_iter()
            .map(|(name, security, port)| Ok(Via { name, security, port, proxy: net::free_port()? }))
            .collect::<Result<Vec<_>>>()?;
        let mut builder = builder("bench", brokers)
            // An empty host is the broker's address, which needs no name.
            .advertise(Listener::Ssl, "", Listener::Ssl.port())
            .property("num.network.threads", "2");
        for via in &via {
            builder = builder.listener(ExtraListener {
                name: via.name.to_owned(),
                security: via.security,
                port: via.port,
                advertised: Some(("via-{id}.kafka.test".to_owned(), via.proxy)),
            });
        }
        let kafka = builder.start()?;
        kafka.warm_up()?;
        let ca = Ca::new("bench")?;
        let identity = ca.server(&["*.kafka.test", "localhost"])?;
        let dir = RunDir::new("bench-kafka")?;
        let mut hosts = Hosts::new();
        for index in 0..kafka.ids().len() {
            hosts = hosts.with(format!("via-{index}.kafka.test"), proxy_address(index));
            for route in ["plain", "filtered", "tls"] {
                hosts = hosts.with(format!("{route}.kafka.test"), Ipv4Addr::LOCALHOST);
                hosts = hosts.with(format!("broker-{index}-{route}.kafka.test"), Ipv4Addr::LOCALHOST);
            }
        }
        hosts.write(&dir.path().join("hosts"))?;
        ca.write(&dir.path().join("ca.pem"))?;
        let properties = format!(
            "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\n",
            dir.path().join("ca.pem").display()
        );
        file(dir.path(), "client.properties", &properties)?;
        let cluster = Self { kafka, via, ca, identity, dir, row: row.to_owned() };
        let mut topics = cluster.tool("org.apache.kafka.tools.TopicCommand", 128)?;
        topics.args([
            "--bootstrap-server",
            &cluster.kafka.bootstrap(Listener::Plaintext),
            "--create",
            "--topic",
            TOPICS[0],
        ]);
        topics.args(["--partitions", &PARTITIONS.to_string(), "--replication-factor", &brokers.min(3).to_string()]);
        topics.args(["--config", "retention.bytes=400000000", "--config", "segment.bytes=67108864"]);
        process::check(&topics, Duration::from_secs(120))?;
        Ok(cluster)
    }

    /// The CA of the proxies' certificate.
    pub(crate) fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    fn tool(&self, class: &str, heap_mib: u32) -> Result<Command> {
        let mut java = self.kafka.dist().java(heap_mib, "WARN")?;
        // The last one counts: without the optimising compiler TLS is slower than any proxy.
        java.arg("-XX:TieredStopAtLevel=4");
        java.arg(format!("-Djdk.net.hosts.file={}", self.dir.path().join("hosts").display()));
        java.arg("-cp").arg(self.kafka.dist().class_path()?).arg(class);
        Ok(java)
    }

    /// Moves so many records of 1 KiB; the rate in MB per second of wall time.
    pub(crate) fn run(&self, proxy: &Proxy, load: Load, records: u64) -> Result<f64> {
        let bootstrap = format!("{}:{}", proxy.host, proxy.address.port());
        let properties = self.dir.path().join("client.properties");
        let limit = Duration::from_secs(300);
        if load == Load::Consume {
            let mut consumer = self.tool("org.apache.kafka.tools.ConsumerPerformance", 256)?;
            consumer.args([
                "--bootstrap-server",
                &bootstrap,
                "--topic",
                proxy.topic,
                "--hide-header",
                "--timeout",
                "60000",
            ]);
            consumer.args(["--num-records", &records.to_string(), "--command-config"]).arg(properties);
            return consumed(&process::check(&consumer, limit)?, records);
        }
        let mut producer = self.tool("org.apache.kafka.tools.ProducerPerformance", 256)?;
        producer.args(["--topic", proxy.topic, "--num-records", &records.to_string(), "--record-size", "1024"]);
        producer.args(["--throughput", "-1", "--command-config"]).arg(properties);
        producer.args(["--command-property", &format!("bootstrap.servers={bootstrap}"), "acks=all"]);
        if load == Load::Produce64 {
            producer.arg("batch.size=65536");
        }
        produced(&process::check(&producer, limit)?, records)
    }

    fn running(&self, running: Running, host: &str, address: Ipv4Addr, port: u16) -> Proxy {
        Proxy {
            name: running.name.clone(),
            running: Rc::new(running),
            host: host.to_owned(),
            address: SocketAddr::from((address, port)),
            topic: TOPICS[0],
            jvm: false,
        }
    }

    fn folder(&self, bench: &Bench, name: &str) -> Result<PathBuf> {
        let dir = bench.folder(&self.row, name)?;
        file(&dir, "chain.pem", &self.identity.chain)?;
        file(&dir, "key.pem", &self.identity.key)?;
        file(&dir, "both.pem", &format!("{}{}", self.identity.chain, self.identity.key))?;
        Ok(dir)
    }

    /// The gateway with three routes: a plain one, one with filters, one to the brokers' TLS listeners.
    pub(crate) fn sluicegate(&self, bench: &Bench, name: &str) -> Result<Proxy> {
        let dir = self.folder(bench, name)?;
        let port = net::free_port()?;
        let endpoints = |port: u16| -> String {
            let one = |address: &Ipv4Addr| format!("  - ip: {{address: {address}, port: {port}}}\n");
            self.kafka.addresses().iter().map(one).collect()
        };
        let route = |name: &str, backend: &str| {
            format!(
                "---\napiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {{name: {name}, namespace: default}}\n\
                 spec:\n  parentRefs: [{{name: bench}}]\n  hostname: {name}\n  \
                 backendRefs: [{{group: sluicegate.dev, kind: Backend, name: {backend}}}]\n"
            )
        };
        let backend = |name: &str, port: u16| {
            format!(
                "---\napiVersion: sluicegate.dev/v1alpha1\nkind: Backend\nmetadata: {{name: {name}, namespace: default}}\n\
                 spec:\n  endpoints:\n{}",
                endpoints(port)
            )
        };
        let mut config = format!(
            "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluicegate}}
spec: {{controllerName: sluicegate.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: bench, namespace: default}}
spec:
  gatewayClassName: sluicegate
  addresses: [{{value: 127.0.0.1}}]
  listeners:
  - {{name: kafka, port: {port}, protocol: TLS, hostname: '*.kafka.test', tls: {{mode: Terminate, certificateRefs: [{{name: site}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: brokers, namespace: default}}
spec:
  targetRefs: [{{group: sluicegate.dev, kind: Backend, name: encrypted}}]
  validation: {{hostname: localhost, caCertificateRefs: [{{group: '', kind: ConfigMap, name: brokers}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: brokers, namespace: default}}
data:
  ca.crt: |
{}---
",
            self.kafka.ca_pem().lines().map(|line| format!("    {line}\n")).collect::<String>()
        );
        config += &self.identity.secret_yaml("default", "site");
        config += &backend("plain", Listener::Plaintext.port());
        config += &backend("encrypted", Listener::Ssl.port());
        config += &route("plain", "plain");
        config += &route("tls", "encrypted");
        config += &route("filtered", "plain");
        let _ = write!(
            config,
            "  filters:
  - name: public
    type: TopicMapping
    topicMapping: {{type: Exact, client: {1}, broker: {0}}}
  - name: allowed
    type: ACLs
    acls:
    - {{name: read, type: Topic, pattern: {{type: PREFIX, expression: bench}}, topicOperation: Read}}
    - {{name: write, type: Topic, pattern: {{type: LITERAL, expression: {1}}}, topicOperation: Write}}
",
            TOPICS[0], TOPICS[1]
        );
        file(&dir, "config/gateway.yaml", &config)?;
        let running = peers::sluicegate(&bench.binary, &dir, port, bench.workers)?;
        let mut proxy = self.running(running, "plain.kafka.test", Ipv4Addr::LOCALHOST, port);
        name.clone_into(&mut proxy.name);
        Ok(proxy)
    }

    fn via(&self, name: &str) -> Result<&Via> {
        self.via.iter().find(|via| via.name == name).context("no such listener")
    }

    /// nginx that ends TLS and moves bytes; `tls`: with TLS to the brokers, too.
    pub(crate) fn nginx(&self, bench: &Bench, tls: bool) -> Result<Proxy> {
        let (name, folder) =
            if tls { ("nginx stream, TLS to the brokers", "nginx-tls") } else { ("nginx stream", "nginx") };
        let via = self.via(if tls { "NGINXTLS" } else { "NGINX" })?;
        let dir = self.folder(bench, folder)?;
        let mut servers = format!(" ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem;\n", dir.display());
        // A port that everybody waits for, and then one per broker.
        let ready = net::free_port()?;
        let _ = writeln!(servers, " server {{ listen 127.0.0.1:{ready}; return ready; }}");
        for (index, broker) in self.kafka.addresses().iter().enumerate() {
            let upstream = if tls { "proxy_ssl on; proxy_ssl_session_reuse on;" } else { "" };
            let _ = writeln!(
                servers,
                " server {{ listen {}:{} ssl reuseport; proxy_pass {broker}:{}; {upstream} }}",
                proxy_address(index),
                via.proxy,
                via.port
            );
        }
        let running = tcp::nginx_stream(&dir, &servers, ready, &dir.join("access.log"), bench.workers)?;
        let mut proxy = self.running(running, "via-0.kafka.test", proxy_address(0), via.proxy);
        name.clone_into(&mut proxy.name);
        Ok(proxy)
    }

    /// haproxy that ends TLS and moves bytes.
    pub(crate) fn haproxy(&self, bench: &Bench) -> Result<Proxy> {
        let via = self.via("HAPROXY")?;
        let dir = self.folder(bench, "haproxy")?;
        let ready = net::free_port()?;
        let mut listeners = format!("listen ready\n  bind 127.0.0.1:{ready}\n  no log\n");
        for (index, broker) in self.kafka.addresses().iter().enumerate() {
            let _ = write!(
                listeners,
                "listen broker-{index}\n  bind {}:{} ssl crt {}/both.pem\n  server s {broker}:{}\n",
                proxy_address(index),
                via.proxy,
                dir.display(),
                via.port
            );
        }
        let running = tcp::haproxy_tcp(&dir, &listeners, ready, bench.workers)?;
        Ok(self.running(running, "via-0.kafka.test", proxy_address(0), via.proxy))
    }

    /// Kroxylicious without filters.
    pub(crate) fn kroxylicious(&self, bench: &Bench) -> Result<Proxy> {
        let dir = self.folder(bench, "kroxylicious")?;
        // Its ports for the brokers follow that of the bootstrap.
        let port = net::free_port()?;
        let running = kroxylicious::start(&dir, port, &self.kafka.bootstrap(Listener::Plaintext), bench.workers)?;
        let mut proxy = self.running(running, "localhost", Ipv4Addr::LOCALHOST, port);
        proxy.jvm = true;
        Ok(proxy)
    }
}

/// Reads `100000 records sent, 35000.1 records/sec (34.18 MB/sec), …`, the last of its kind.
fn produced(text: &str, records: u64) -> Result<f64> {
    let line = text.lines().rev().find(|line| line.contains(" records sent, ")).with_context(|| text.to_owned())?;
    let sent: u64 = line.split(' ').next().and_then(|n| n.parse().ok()).with_context(|| line.to_owned())?;
    anyhow::ensure!(sent == records, "{sent} of {records} records were sent: {text}");
    let rate = line.split_once('(').and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    rate.with_context(|| line.to_owned())
}

/// Reads `start, end, MB, MB/s, records, …`; MB/s of fetching alone is the ninth.
fn consumed(text: &str, records: u64) -> Result<f64> {
    let line = text.lines().rev().find(|line| line.starts_with("20")).with_context(|| text.to_owned())?;
    let fields: Vec<&str> = line.split(", ").collect();
    let field = |at: usize| fields.get(at).with_context(|| line.to_owned());
    let got: u64 = field(4)?.parse()?;
    anyhow::ensure!(got >= records, "{got} of {records} records came: {text}");
    Ok(field(8)?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_load_generators_say_is_read() -> Result<()> {
        let text = "5000 records sent, 1.0 records/sec (0.10 MB/sec), 1 ms avg latency\n300000 records sent, 35000.1 records/sec \
                    (34.18 MB/sec), 900.1 ms avg latency, 1 ms 50th\n";
        assert!((produced(text, 300_000)? - 34.18).abs() < 1e-9);
        assert!(produced(text, 300_001).is_err(), "some were not sent");
        let text = "2026-11-21 15:00:00:000, 2026-11-21 15:00:05:000, 292.9, 58.6, 300000, 60000.0, 400, 4600, 63.7, 65217.4\n";
        assert!((consumed(text, 300_000)? - 63.7).abs() < 1e-9);
        assert!(consumed(text, 300_001).is_err(), "some did not come");
        Ok(())
    }
}
