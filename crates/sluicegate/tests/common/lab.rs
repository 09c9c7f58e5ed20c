//! A gateway for all protocols at once, and the load on it: HTTP/1.1, HTTP/2, gRPC, WebSocket, TLS passthrough, Kafka.
#![allow(dead_code, unreachable_pub, missing_docs)]

use crate::common::{Folder, endpoint_slice};
use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use testkit::grpc::GrpcServer;
use testkit::load::{Count, Endpoint, Header, KafkaLoad, KafkaStream, Load, TlsEcho};
use testkit::origin::Origin;
use testkit::{Hosts, KafkaCluster, Listener, LoopbackNet, Sluicegate, Target, free_port};

/// The KafkaRoute's name.
pub const KAFKA: &str = "orders.kafka.lab.test";
/// A route that a test may edit.
pub const EDITED: &str = "edited.lab.test";
/// Names in the gateway's certificate.
pub const NAMES: [&str; 2] = ["*.lab.test", "*.kafka.lab.test"];

/// Where the listeners are, whatever their address.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub http: u16,
    pub https: u16,
    pub tls: u16,
    pub kafka: u16,
    /// Of listeners that come and go.
    pub extra: [u16; 2],
}

impl Ports {
    fn free() -> Result<Self> {
        Ok(Self {
            http: free_port()?,
            https: free_port()?,
            tls: free_port()?,
            kafka: free_port()?,
            extra: [free_port()?, free_port()?],
        })
    }

    /// Those that always listen.
    pub fn standing(&self) -> [u16; 4] {
        [self.http, self.https, self.tls, self.kafka]
    }

    fn map(&self, gate: testkit::sluicegate::Builder) -> testkit::sluicegate::Builder {
        [
            (80, self.http),
            (443, self.https),
            (8443, self.tls),
            (9092, self.kafka),
            (81, self.extra[0]),
            (444, self.extra[1]),
        ]
        .into_iter()
        .fold(gate, |gate, (port, bound)| gate.port_map(port, bound))
    }
}

/// The servers behind the gateway, and its files.
#[derive(Debug)]
pub struct Lab {
    pub folder: Folder,
    pub net: LoopbackNet,
    pub ports: Ports,
    pub origin: Origin,
    /// Where a second origin can be started.
    pub other: SocketAddr,
    pub kafka: KafkaCluster,
    grpc: GrpcServer,
    echo: TlsEcho,
}

impl Lab {
    pub fn new(name: &str) -> Result<Self> {
        let kafka = KafkaCluster::builder().name(name).start()?;
        kafka.warm_up()?;
        let (folder, net, ports) = (Folder::new(name)?, LoopbackNet::claim()?, Ports::free()?);
        let origin = Origin::start("app", (net.address(1), 0).into())?;
        let lab = Self {
            other: (net.address(2), origin.port()).into(),
            grpc: GrpcServer::start("grpc", net.socket(3)?, None)?,
            echo: TlsEcho::start((net.address(4), 0).into(), &folder.ca.server(&["pass.lab.test"])?)?,
            origin,
            ports,
            net,
            kafka,
            folder,
        };
        lab.fill(&lab.folder, lab.net.address(10))?;
        Ok(lab)
    }

    /// Writes the files of a gateway that listens at `address`.
    pub fn fill(&self, folder: &Folder, address: Ipv4Addr) -> Result<()> {
        folder.write("gateway.yaml", &gateway(address, ""))?;
        folder.write("secret-default-lab.yaml", &self.folder.ca.server(&NAMES)?.secret_yaml("default", "lab"))?;
        let services = [
            ("app", None, self.origin.address()),
            ("socket", Some("kubernetes.io/ws"), self.origin.address()),
            ("grpc", Some("kubernetes.io/h2c"), self.grpc.address()),
            ("echo", None, self.echo.address()),
            ("brokers", None, self.kafka.socket(self.kafka.ids()[0], Listener::Plaintext)?),
        ];
        for (name, protocol, at) in services {
            let protocol = protocol.map(|name| format!(", appProtocol: {name}")).unwrap_or_default();
            folder.write(
                &format!("service-{name}.yaml"),
                &format!(
                    "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  ports: [{{name: main, port: {}{protocol}}}]\n",
                    at.port()
                ),
            )?;
            folder.write(&format!("slice-{name}.yaml"), &slice(name, &[at]))?;
        }
        folder.write(
            "routes.yaml",
            &[
                route("app", "app.lab.test", "app", self.origin.port(), ""),
                route("socket", "socket.lab.test", "socket", self.origin.port(), ""),
                route("grpc", "grpc.lab.test", "grpc", self.grpc.address().port(), ""),
                format!(
                    "apiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {{name: pass}}\nspec:\n  \
                     parentRefs: [{{name: lab}}]\n  hostnames: [pass.lab.test]\n  rules:\n  - backendRefs: [{{name: echo, port: {}}}]\n---\n",
                    self.echo.address().port()
                ),
                format!(
                    "apiVersion: gateway.networking.k8s.io/experimental\nkind: KafkaRoute\nmetadata: {{name: orders}}\nspec:\n  \
                     parentRefs: [{{name: lab}}]\n  hostname: orders\n  backendRefs: [{{name: brokers, port: {}}}]\n",
                    Listener::Plaintext.port()
                ),
            ]
            .concat(),
        )?;
        folder.write("edited.yaml", &self.edited(0))?;
        Ok(())
    }

    /// The edited route, for the `n`th time.
    pub fn edited(&self, n: u64) -> String {
        let filter = format!(
            "    filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: x-edit, value: '{n}'}}]}}}}]\n"
        );
        route("edited", EDITED, "app", self.origin.port(), &filter)
    }

    /// A gateway on `folder`, ready.
    pub fn run(&self, folder: &Folder, arguments: &[&str]) -> Result<Sluicegate> {
        let gate = self.ports.map(Sluicegate::run(&[folder.path()])?);
        arguments.iter().fold(gate, |gate, argument| gate.arg(argument)).start()
    }

    /// Kafka clients that reach the gateway, or a balancer before it, at `address`.
    pub fn kafka_target(&self, address: Ipv4Addr) -> Target {
        let brokers = self.kafka.ids().into_iter().map(|id| format!("broker-{id}-{KAFKA}"));
        let hosts = Hosts::new().with(KAFKA, address).with_all(brokers, address);
        Target::tls(format!("{KAFKA}:{}", self.ports.kafka), self.folder.ca.pem()).hosts(&hosts)
    }

    /// An endpoint of `host` at `address`, in plaintext.
    pub fn plain(&self, address: Ipv4Addr, host: &str) -> Endpoint {
        Endpoint::plain((address, self.ports.http).into(), host)
    }

    /// An endpoint of `host` at `address`, with TLS that the gateway ends.
    pub fn secure(&self, address: Ipv4Addr, host: &str) -> Result<Endpoint> {
        Endpoint::tls((address, self.ports.https).into(), host, self.folder.ca.pem())
    }

    /// Load of every protocol but Kafka.
    pub fn load(&self, address: Ipv4Addr, edits: &Header) -> Result<Load> {
        let mut load = Load::start()?;
        let slower = Duration::from_millis(20);
        load.http1("HTTP/1.1", &self.plain(address, "app.lab.test"), 4);
        load.http1("HTTP/1.1, TLS", &self.secure(address, "app.lab.test")?, 2);
        load.http1_fresh("HTTP/1.1, TLS, no reuse", &self.secure(address, "app.lab.test")?.every(slower), 1);
        load.http1_with("HTTP/1.1, edited route", &self.plain(address, EDITED).every(slower / 10), 2, Some(edits));
        load.http2("HTTP/2, TLS", &self.secure(address, "app.lab.test")?.every(slower), 8);
        load.grpc("gRPC streams, TLS", &self.secure(address, "grpc.lab.test")?, 4, true);
        load.websocket("WebSocket", &self.plain(address, "socket.lab.test"), 2);
        load.websocket("WebSocket, TLS", &self.secure(address, "socket.lab.test")?, 2);
        let pass = Endpoint::tls((address, self.ports.tls).into(), "pass.lab.test", self.folder.ca.pem())?;
        load.tls("TLS passthrough", &pass, 3);
        Ok(load)
    }

    /// A producer and a consumer group through the gateway, on a new topic.
    pub fn kafka_load(&self, address: Ipv4Addr, topic: &str) -> Result<KafkaLoad> {
        let target = self.kafka_target(address);
        let id = self.kafka.ids()[0];
        let place = testkit::Verb::PlaceTopic { topic: topic.to_owned(), replicas: vec![vec![id]; 3] };
        testkit::Client::Go.run(&target, &place)?.expect_ok()?;
        KafkaLoad::start("Kafka", &target, &KafkaStream::new(topic, 3))
    }
}

/// The Gateway, with more listeners at its end.
pub fn gateway(address: Ipv4Addr, more: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluicegate}}
spec: {{controllerName: sluicegate.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: lab}}
spec:
  gatewayClassName: sluicegate
  addresses: [{{type: IPAddress, value: {address}}}]
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - {{name: https, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: lab}}]}}}}
  - {{name: pass, port: 8443, protocol: TLS, tls: {{mode: Passthrough}}}}
  - {{name: kafka, port: 9092, protocol: TLS, hostname: '*.kafka.lab.test', tls: {{mode: Terminate, certificateRefs: [{{name: lab}}]}}}}
{more}"
    )
}

/// The EndpointSlice of a Service.
pub fn slice(service: &str, at: &[SocketAddr]) -> String {
    let addresses: Vec<Ipv4Addr> = at
        .iter()
        .filter_map(|at| match at {
            SocketAddr::V4(at) => Some(*at.ip()),
            SocketAddr::V6(_) => None,
        })
        .collect();
    endpoint_slice("default", service, "main", at[0].port(), &addresses)
}

fn route(name: &str, host: &str, service: &str, port: u16, filters: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  parentRefs: [{{name: lab}}]\n  \
         hostnames: [{host}]\n  rules:\n  - backendRefs: [{{name: {service}, port: {port}}}]\n{filters}---\n"
    )
}

/// Prints what was counted.
pub fn report(title: &str, counts: &[Count]) {
    eprintln!("--- {title}\n{}", Count::heads());
    for count in counts {
        eprintln!("{count}");
    }
}
