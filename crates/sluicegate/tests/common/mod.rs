//! What the end-to-end tests share: a folder of YAML, and a running gateway on it.
#![allow(dead_code, unreachable_pub, missing_docs)]

use anyhow::{Context, Result};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use testkit::paths::RunDir;
use testkit::{Ca, Hosts, KafkaCluster, Listener, Sluicegate, Target, free_port};

/// The manifests of published documents, as printed and as corrected.
pub fn manifests(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(set)
}

/// A folder that a gateway serves.
#[derive(Debug)]
pub struct Folder {
    dir: RunDir,
    pub ca: Ca,
}

impl Folder {
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self { dir: RunDir::new(name)?, ca: Ca::new(name)? })
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, yaml: &str) -> Result<&Self> {
        // Written beside and renamed, as editors do.
        let hidden = self.path().join(format!(".{name}"));
        fs::write(&hidden, yaml)?;
        fs::rename(&hidden, self.path().join(name))?;
        Ok(self)
    }

    pub fn remove(&self, name: &str) -> Result<&Self> {
        fs::remove_file(self.path().join(name))?;
        Ok(self)
    }

    /// Copies one file of a set of manifests under its own name.
    pub fn copy(&self, set: &str, file: &str) -> Result<&Self> {
        self.copy_as(set, file, file)
    }

    pub fn copy_as(&self, set: &str, file: &str, name: &str) -> Result<&Self> {
        let yaml = fs::read_to_string(manifests(set).join(file)).with_context(|| format!("{set}/{file}"))?;
        self.write(name, &yaml)
    }

    /// A TLS Secret for these names, signed by the folder's CA.
    pub fn secret(&self, namespace: &str, name: &str, names: &[&str]) -> Result<&Self> {
        let identity = self.ca.server(names)?;
        self.write(&format!("secret-{namespace}-{name}.yaml"), &identity.secret_yaml(namespace, name))
    }

    /// The EndpointSlice of a Service.
    pub fn endpoints(
        &self,
        namespace: &str,
        service: &str,
        port_name: &str,
        port: u16,
        addresses: &[Ipv4Addr],
    ) -> Result<&Self> {
        self.write(
            &format!("slice-{namespace}-{service}-{port_name}.yaml"),
            &endpoint_slice(namespace, service, port_name, port, addresses),
        )
    }
}

pub fn endpoint_slice(namespace: &str, service: &str, port_name: &str, port: u16, addresses: &[Ipv4Addr]) -> String {
    let endpoints: String =
        addresses.iter().map(|address| format!("- addresses: [{address}]\n  conditions: {{ready: true}}\n")).collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: {service}-{port_name}\n  namespace: {namespace}\n  \
         labels: {{kubernetes.io/service-name: {service}}}\naddressType: IPv4\nports:\n- {{name: {port_name}, port: {port}}}\n\
         endpoints:\n{endpoints}"
    )
}

/// The names of the first KafkaRoute that the documents print, and a Gateway for it.
pub const ROUTE: &str = "my-kafka-route.kafka-apis.acme.com";

/// `kafka-app-1` of the documents over a real cluster.
#[derive(Debug)]
pub struct KafkaGateway {
    pub folder: Folder,
    pub gate: Sluicegate,
    pub port: u16,
    hosts: Hosts,
}

impl KafkaGateway {
    /// Serves `route` (a file of `000-kafkaroute`) over the plaintext listeners of `kafka`.
    pub fn start(name: &str, route: &str, kafka: &KafkaCluster) -> Result<Self> {
        let folder = Self::folder(name, kafka)?;
        folder.copy_as("000-kafkaroute", route, "kafkaroute.yaml")?;
        Self::run(folder, kafka.ids())
    }

    /// Everything but the route.
    pub fn folder(name: &str, kafka: &KafkaCluster) -> Result<Folder> {
        let folder = Folder::new(name)?;
        for file in ["support.yaml", "02-gatewayclass.yaml", "03-gateway.yaml"] {
            folder.copy("000-kafkaroute", file)?;
        }
        folder.secret("default", "gateway-kafka-tls", &["*.kafka-apis.acme.com"])?;
        folder.endpoints("default", "my-kafka-service", "kafka", Listener::Plaintext.port(), &kafka.addresses())?;
        Ok(folder)
    }

    pub fn run(folder: Folder, ids: Vec<u32>) -> Result<Self> {
        let port = free_port()?;
        let gate = Sluicegate::run(&[folder.path()])?.port_map(9092, port).port_map(80, free_port()?).start()?;
        let hosts = Hosts::new()
            .with(ROUTE, Ipv4Addr::LOCALHOST)
            .with_all(ids.iter().map(|id| format!("broker-{id}-{ROUTE}")), Ipv4Addr::LOCALHOST);
        Ok(Self { folder, gate, port, hosts })
    }

    /// Clients that bootstrap at the route's name.
    pub fn target(&self) -> Target {
        Target::tls(format!("{ROUTE}:{}", self.port), self.folder.ca.pem()).hosts(&self.hosts)
    }

    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Replaces the route and waits until the proxy serves it.
    pub fn switch(&mut self, route: &str) -> Result<()> {
        let before = self.revision()?;
        self.folder.copy_as("000-kafkaroute", route, "kafkaroute.yaml")?;
        let gate = &self.gate;
        let limit = std::time::Duration::from_secs(10);
        let end = std::time::Instant::now() + limit;
        while revision(gate)? == before {
            anyhow::ensure!(
                std::time::Instant::now() < end,
                "the new route was not served within {limit:?}\n{}",
                gate.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(())
    }

    pub fn revision(&self) -> Result<u64> {
        revision(&self.gate)
    }
}

/// Revision of the configuration that a gateway serves.
pub fn revision(gate: &Sluicegate) -> Result<u64> {
    let config = gate.get("/config")?.json()?;
    config["revision"].as_u64().with_context(|| format!("no revision in {config}"))
}
