//! A cluster: built, started in parallel, its brokers stopped and started one by one, always ended.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;

use super::config::{Bound, Broker, CONTROLLER_PORT, ExtraListener, Listener, Security};
use super::dist::Dist;
use crate::certs::{Ca, Identity};
use crate::hosts::Hosts;
use crate::net::LoopbackNet;
use crate::paths::{self, RunDir};
use crate::process::{self, Process};
use crate::raw::{self, Coordinator};

const START_LIMIT: Duration = Duration::from_secs(120);
const READY: &str = "Kafka Server started";
const TRUSTSTORE: &str = "ca.pem";
const KEYSTORE: &str = "broker.pem";

/// What a cluster shall be; see [`KafkaCluster::builder`].
#[derive(Debug)]
pub struct Builder {
    name: String,
    version: String,
    brokers: u8,
    first_id: u32,
    domain: String,
    heap_mib: u32,
    advertised: Vec<(Listener, String, u16)>,
    extra: Vec<ExtraListener>,
    properties: String,
    certificates: Option<(String, Identity)>,
    archive_to: Option<PathBuf>,
    jit: bool,
}

impl Builder {
    /// Part of the brokers' names; default `kafka`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// One of [`super::VERSIONS`]; default the newest.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// How many; default 1. Internal topics get min(3, brokers) replicas.
    #[must_use]
    pub fn brokers(mut self, brokers: u8) -> Self {
        self.brokers = brokers;
        self
    }

    /// The lowest node id; default 0.
    #[must_use]
    pub fn first_id(mut self, id: u32) -> Self {
        self.first_id = id;
        self
    }

    /// Brokers advertise `broker-{id}-NAME.DOMAIN` on their TLS listeners; default `kafka.test`.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.domain);
        self
    }

    /// Overrides what a listener advertises; `{id}` in `host` stands for the node id. An empty host is the broker's address.
    #[must_use]
    pub fn advertise(mut self, listener: Listener, host: &str, port: u16) -> Self {
        self.advertised.push((listener, host.to_owned(), port));
        self
    }

    /// One more listener on every broker.
    #[must_use]
    pub fn listener(mut self, listener: ExtraListener) -> Self {
        self.extra.push(listener);
        self
    }

    /// One more line of server.properties; wins over the default of the same key.
    #[must_use]
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.push_str(&format!("{key}={value}\n"));
        self
    }

    /// The brokers' certificate and the CA (PEM) by which they and their clients trust; default: made for the names they advertise.
    #[must_use]
    pub fn certificates(mut self, ca_pem: &str, identity: Identity) -> Self {
        self.certificates = Some((ca_pem.to_owned(), identity));
        self
    }

    /// Heap of each broker in MiB; default 256.
    #[must_use]
    pub fn heap_mib(mut self, heap_mib: u32) -> Self {
        self.heap_mib = heap_mib;
        self
    }

    /// The optimising compiler too: slower to start, for benchmarks.
    #[must_use]
    pub fn optimised(mut self) -> Self {
        self.jit = true;
        self
    }

    pub(super) fn archive_to(mut self, archive: &Path) -> Self {
        self.archive_to = Some(archive.to_owned());
        self
    }

    fn listeners(&self) -> Vec<Bound> {
        let of_tls = format!("broker-{{id}}-{}.{}", self.name, self.domain);
        let standard = Listener::ALL.map(|listener| {
            let own = if matches!(listener.security(), Security::Ssl | Security::SaslSsl) {
                of_tls.clone()
            } else {
                String::new()
            };
            let (host, advertised_port) = self
                .advertised
                .iter()
                .rev()
                .find(|(of, ..)| *of == listener)
                .map_or((own, listener.port()), |(_, host, port)| (host.clone(), *port));
            Bound {
                name: listener.name().to_owned(),
                security: listener.security(),
                port: listener.port(),
                host,
                advertised_port,
            }
        });
        let extra = self.extra.iter().map(|listener| {
            let (host, advertised_port) = listener.advertised.clone().unwrap_or_else(|| (String::new(), listener.port));
            Bound {
                name: listener.name.clone(),
                security: listener.security,
                port: listener.port,
                host,
                advertised_port,
            }
        });
        standard.into_iter().chain(extra).collect()
    }

    /// Fetches what is missing, starts all brokers and waits until each serves.
    pub fn start(self) -> Result<KafkaCluster> {
        let dist = if self.archive_to.is_some() { Dist::get(&self.version)? } else { Dist::prepare(&self.version)? };
        let net = LoopbackNet::claim()?;
        let dir = RunDir::new(&format!("kafka-{}", self.name))?;
        let listeners = self.listeners();
        let members: Vec<(u32, Ipv4Addr)> =
            (0..self.brokers).map(|i| (self.first_id + u32::from(i), net.address(i + 1))).collect();

        let mut names: BTreeSet<String> = members.iter().map(|(_, address)| address.to_string()).collect();
        let mut hosts = Hosts::new();
        for (id, address) in &members {
            for listener in listeners.iter().filter(|listener| !listener.host.is_empty()) {
                let host = listener.host_of(*id, *address);
                if host.parse::<std::net::IpAddr>().is_err() {
                    names.insert(host.clone());
                    hosts = hosts.with(host, *address);
                }
            }
        }
        names.insert("localhost".to_owned());
        let ca = Ca::new(&format!("{} test CA", self.name))?;
        let (ca_pem, identity) = match &self.certificates {
            Some((ca_pem, identity)) => (ca_pem.clone(), identity.clone()),
            None => (ca.pem().to_owned(), ca.server(&names.into_iter().collect::<Vec<_>>())?),
        };
        fs::write(dir.path().join(TRUSTSTORE), &ca_pem)?;
        fs::write(dir.path().join(KEYSTORE), identity.keystore())?;

        let voters: Vec<String> =
            members.iter().map(|(id, address)| format!("{id}@{address}:{CONTROLLER_PORT}")).collect();
        let mut cluster = KafkaCluster {
            nodes: Vec::new(),
            ca_pem,
            ca,
            hosts,
            listeners,
            cluster_id: uuid()?,
            jit: self.jit,
            archive_to: self.archive_to,
            heap_mib: self.heap_mib,
            voters: voters.join(","),
            properties: self.properties,
            dist,
            dir,
            net,
        };
        for (id, address) in members {
            cluster.make_node(id, address, usize::from(self.brokers), true)?;
        }
        for i in 0..cluster.nodes.len() {
            cluster.launch(i)?;
        }
        for i in 0..cluster.nodes.len() {
            cluster.wait_ready(i)?;
        }
        Ok(cluster)
    }
}

#[derive(Debug)]
struct Node {
    id: u32,
    address: Ipv4Addr,
    dir: PathBuf,
    process: Option<Process>,
}

/// A running cluster. Dropping it kills the brokers; when the thread is panicking it first prints the last lines of their
/// logs, and keeps them.
///
/// Users: `admin` (super user), `alice` and `bob` (no rights until ACLs are added), each with the password
/// `NAME-secret`, for SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN. The anonymous user of the PLAINTEXT listener is a super user.
#[derive(Debug)]
pub struct KafkaCluster {
    // First, so that brokers are gone before their folder and network are.
    nodes: Vec<Node>,
    ca_pem: String,
    ca: Ca,
    hosts: Hosts,
    listeners: Vec<Bound>,
    cluster_id: String,
    jit: bool,
    archive_to: Option<PathBuf>,
    heap_mib: u32,
    voters: String,
    properties: String,
    dist: Dist,
    dir: RunDir,
    net: LoopbackNet,
}

impl KafkaCluster {
    /// One broker of the newest version, unless told otherwise.
    pub fn builder() -> Builder {
        Builder {
            name: "kafka".to_owned(),
            version: super::VERSIONS[0].to_owned(),
            brokers: 1,
            first_id: 0,
            domain: "kafka.test".to_owned(),
            heap_mib: 256,
            advertised: Vec::new(),
            extra: Vec::new(),
            properties: String::new(),
            certificates: None,
            archive_to: None,
            jit: false,
        }
    }

    /// The version, such as `4.3.1`.
    pub fn version(&self) -> &str {
        self.dist.version()
    }

    /// The jars it runs from.
    pub fn dist(&self) -> &Dist {
        &self.dist
    }

    /// The cluster id.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The node ids, ascending.
    pub fn ids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.id).collect()
    }

    /// The brokers' addresses in the order of [`Self::ids`].
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// The socket a broker listens on.
    pub fn socket(&self, id: u32, listener: Listener) -> Result<SocketAddr> {
        Ok(SocketAddr::from((self.node(id)?.address, listener.port())))
    }

    /// `host:port,…` as the brokers advertise a listener.
    pub fn bootstrap(&self, listener: Listener) -> String {
        self.bootstrap_of(listener.name()).unwrap_or_default()
    }

    /// [`Self::bootstrap`] of any listener by name; `None` when there is none.
    pub fn bootstrap_of(&self, listener: &str) -> Option<String> {
        let bound = self.listeners.iter().find(|bound| bound.name == listener)?;
        let all: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("{}:{}", bound.host_of(node.id, node.address), bound.advertised_port))
            .collect();
        Some(all.join(","))
    }

    /// The brokers' advertised names and their addresses.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The CA's certificate that the brokers' certificates chain to.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// [`Self::ca_pem`] as a file.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The cluster's own CA, for client certificates (unless [`Builder::certificates`] gave another).
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The last lines of a broker's log.
    pub fn log_tail(&self, id: u32, lines: usize) -> Result<String> {
        Ok(process::file_tail(&self.node(id)?.dir.join("broker.log"), lines))
    }

    /// The whole log of a broker.
    pub fn log_file(&self, id: u32) -> Result<PathBuf> {
        Ok(self.node(id)?.dir.join("broker.log"))
    }

    /// Waits until groups, transactions and (Kafka 4) share groups have their internal topics, so that the first test
    /// does not meet COORDINATOR_NOT_AVAILABLE. 0.2–1 s.
    pub fn warm_up(&self) -> Result<()> {
        let node = self.nodes.first().context("a cluster without brokers")?;
        let socket = SocketAddr::from((node.address, Listener::Plaintext.port()));
        let kinds: &[Coordinator] = if self.dist.is_4() {
            &[Coordinator::Group, Coordinator::Transaction, Coordinator::Share]
        } else {
            &[Coordinator::Group, Coordinator::Transaction]
        };
        kinds.iter().try_for_each(|kind| raw::find_coordinator(socket, *kind, Duration::from_secs(30)))
    }

    /// Stops one broker in an orderly way (its leaders move first).
    pub fn stop(&mut self, id: u32) -> Result<()> {
        let node = self.node_mut(id)?;
        if let Some(mut process) = node.process.take() {
            process.terminate(Duration::from_secs(30))?;
        }
        Ok(())
    }

    /// Kills one broker.
    pub fn kill(&mut self, id: u32) -> Result<()> {
        if let Some(mut process) = self.node_mut(id)?.process.take() {
            process.kill();
        }
        Ok(())
    }

    /// Starts a broker that was stopped or killed, and waits until it serves.
    pub fn start(&mut self, id: u32) -> Result<()> {
        let i = self.nodes.iter().position(|node| node.id == id).with_context(|| format!("no broker {id}"))?;
        if self.nodes[i].process.is_some() {
            bail!("broker {id} runs already");
        }
        self.launch(i)?;
        self.wait_ready(i)
    }

    /// Adds a broker (not a controller) to the running cluster, waits until it serves, and gives its id. The cluster's
    /// certificate does not have its name, so it is for the listeners without TLS.
    pub fn add_broker(&mut self) -> Result<u32> {
        let last = self.nodes.last().context("a cluster without brokers")?;
        let (id, i) = (last.id + 1, self.nodes.len());
        let address = self.net.address(u8::try_from(i + 1)?);
        self.make_node(id, address, i, false)?;
        self.launch(i)?;
        self.wait_ready(i)?;
        Ok(id)
    }

    /// The folder of a new node: its formatted log directory, and its properties.
    fn make_node(&mut self, id: u32, address: Ipv4Addr, brokers: usize, controller: bool) -> Result<()> {
        let node = self.dir.path().join(format!("node-{id}"));
        let data = node.join("data");
        fs::create_dir_all(&data)?;
        for entry in fs::read_dir(template(&self.dist)?)?.flatten() {
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), data.join(entry.file_name()))?;
            }
        }
        let meta = format!("version=1\ncluster.id={}\nnode.id={id}\ndirectory.id={}\n", self.cluster_id, uuid()?);
        fs::write(data.join("meta.properties"), meta)?;
        let broker = Broker {
            id,
            address,
            listeners: &self.listeners,
            voters: &self.voters,
            brokers,
            controller,
            dir: &node,
            keystore: &self.dir.path().join(KEYSTORE),
            truststore: &self.dir.path().join(TRUSTSTORE),
            kafka_4: self.dist.is_4(),
            extra: &self.properties,
        };
        fs::write(node.join("server.properties"), broker.properties())?;
        self.nodes.push(Node { id, address, dir: node, process: None });
        Ok(())
    }

    /// Stops all brokers in an orderly way.
    pub fn stop_all(mut self) -> Result<()> {
        self.nodes.iter_mut().filter_map(|node| node.process.take()).try_for_each(|mut process| {
            process.terminate(Duration::from_secs(60))?;
            Ok(())
        })
    }

    fn node(&self, id: u32) -> Result<&Node> {
        self.nodes.iter().find(|node| node.id == id).with_context(|| format!("no broker {id}"))
    }

    fn node_mut(&mut self, id: u32) -> Result<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id).with_context(|| format!("no broker {id}"))
    }

    fn launch(&mut self, i: usize) -> Result<()> {
        let node = &mut self.nodes[i];
        let mut java = self.dist.java(self.heap_mib, "INFO")?;
        if self.jit {
            java.arg("-XX:TieredStopAtLevel=4");
        }
        match &self.archive_to {
            Some(archive) => java.arg(format!("-XX:ArchiveClassesAtExit={}", archive.display())),
            None => java.arg(format!("-XX:SharedArchiveFile={}", self.dist.archive().display())),
        };
        java.arg("-cp").arg(self.dist.class_path()?).arg("kafka.Kafka").arg(node.dir.join("server.properties"));
        java.current_dir(&node.dir);
        node.process = Some(Process::start(&format!("broker {}", node.id), &java, &node.dir.join("broker.log"))?);
        Ok(())
    }

    fn wait_ready(&mut self, i: usize) -> Result<()> {
        let process = self.nodes[i].process.as_mut().context("the broker is not running")?;
        let result = process.wait_until(START_LIMIT, |process| process.log().contains(READY));
        if result.is_err() {
            self.dir.keep();
        }
        result
    }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                let log = node.dir.join("broker.log");
                eprintln!("--- broker {} ({}), last lines:\n{}", node.id, log.display(), process::file_tail(&log, 15));
            }
        }
        for node in &mut self.nodes {
            drop(node.process.take());
            let _ = fs::remove_dir_all(node.dir.join("data"));
        }
    }
}

/// A formatted log directory, from which each broker's is copied: what differs stands in meta.properties alone, and one
/// second of a JVM is saved per cluster.
fn template(dist: &Dist) -> Result<PathBuf> {
    let dir = dist.dir().join("formatted");
    let users = ["admin", "alice", "bob"];
    let recipe = "three users, SCRAM-SHA-512 and SCRAM-SHA-256";
    paths::once(&dir, ".complete", recipe, || {
        let properties = dir.join("server.properties");
        let data = dir.join("data");
        let _ = fs::remove_dir_all(&data);
        fs::write(
            &properties,
            format!(
                "process.roles=broker,controller\nnode.id=0\ncontroller.quorum.voters=0@127.0.0.1:9095\n\
                 controller.listener.names=CONTROLLER\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9095\n\
                 listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\nlog.dirs={}\n",
                data.display()
            ),
        )?;
        let mut format = dist.java(128, "WARN")?;
        format
            .arg("-cp")
            .arg(dist.class_path()?)
            .args(["kafka.tools.StorageTool", "format", "-t", &uuid()?, "-c"])
            .arg(&properties);
        for user in users {
            for mechanism in ["SCRAM-SHA-512", "SCRAM-SHA-256"] {
                format.arg("--add-scram").arg(format!("{mechanism}=[name={user},password={user}-secret]"));
            }
        }
        process::check(&format, Duration::from_secs(60)).context("format a log directory")?;
        Ok(())
    })?;
    Ok(dir.join("data"))
}

/// A Kafka Uuid: 16 random bytes in URL-safe base64, which must not begin with `-` (`kafka-storage` takes it for an option).
fn uuid() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    bytes[0] &= 0x7f;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
