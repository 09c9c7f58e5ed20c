//! Test suites that others wrote, run through the gateway.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod drain;
mod grpc;
mod h2spec;
mod tls;
mod websocket;

use anyhow::Result;
use common::{Folder, endpoint_slice};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use testkit::{Sluicegate, free_port};

/// The name in the certificate of the HTTPS listener.
const NAME: &str = "suite.example.com";

/// A Gateway with an HTTP and an HTTPS listener, and one HTTPRoute that sends everything to one Service.
struct Lab {
    gate: Sluicegate,
    folder: Folder,
    http: SocketAddr,
    https: SocketAddr,
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl Lab {
    /// `protocol`: the `appProtocol` of the Service, empty for none.
    fn start(name: &str, backend: SocketAddr, protocol: &str, arguments: &[&str]) -> Result<Self> {
        let folder = Folder::new(name)?;
        folder.write("lab.yaml", LAB)?;
        folder.secret("default", "lab", &[NAME])?;
        let protocol = if protocol.is_empty() { String::new() } else { format!(", appProtocol: {protocol}") };
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: backend}}\nspec:\n  ports: [{{name: main, port: 80{protocol}}}]\n---\n{}",
            endpoint_slice("default", "backend", "main", backend.port(), &[Ipv4Addr::LOCALHOST])
        );
        folder.write("service.yaml", &service)?;
        let (http, https) = (local(free_port()?), local(free_port()?));
        let mut gate = Sluicegate::run(&[folder.path()])?.port_map(80, http.port()).port_map(443, https.port());
        for argument in arguments {
            gate = gate.arg(argument);
        }
        Ok(Self { gate: gate.start()?, folder, http, https })
    }

    /// A file with the CA of the HTTPS listener.
    fn ca_file(&self) -> Result<PathBuf> {
        // Hidden, so that the gateway does not take it for its own.
        let path = self.folder.path().join(".ca.pem");
        self.folder.ca.write(&path)?;
        Ok(path)
    }
}

const LAB: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: lab}
spec:
  gatewayClassName: sluicegate
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: lab}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: lab}]
  rules:
  - backendRefs: [{name: backend, port: 80}]
";
