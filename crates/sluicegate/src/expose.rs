//! `expose`: a server behind a gateway with one command. Writes a folder, says how clients connect, and serves it.

mod folder;
mod http;
mod kafka;
mod metadata;

pub use http::http;
pub use kafka::kafka;

use crate::cli::Target;
use anyhow::{Context, bail};
use folder::Folder;
use std::net::{IpAddr, Ipv4Addr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// What was written, and what to tell the user.
#[derive(Debug)]
pub struct Exposed {
    /// The folder, ready for `run`.
    pub dir: PathBuf,
    /// How clients connect, for standard output.
    pub text: String,
}

/// How long a server may take to answer while the folder is written.
const PATIENCE: Duration = Duration::from_secs(2);

/// The class that the written Gateways belong to.
const CLASS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: sluicegate
spec:
  controllerName: sluicegate.dev/gateway-controller
";

/// `spec.addresses` of a Gateway whose names stand for this machine alone: then nobody else can reach it.
fn addresses(name: &str) -> &'static str {
    if is_local_name(name) {
        "  # For this machine alone. Without these lines the gateway listens on all addresses.
  addresses:
  - type: IPAddress
    value: 127.0.0.1
"
    } else {
        ""
    }
}

/// Whether the name stands for this machine wherever it is looked up (RFC 6761, section 6.3).
fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether this machine's resolver takes the name for this machine.
fn resolves_here(name: &str, port: u16) -> bool {
    (name, port)
        .to_socket_addrs()
        .is_ok_and(|addresses| addresses.map(|a| a.ip()).any(|ip| ip == IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

/// Connects to the first of the target's addresses that answers.
fn connect(target: &Target) -> anyhow::Result<TcpStream> {
    let addresses = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .with_context(|| format!("{} cannot be resolved", target.host))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("{target} cannot be reached")),
        None => bail!("{} has no address", target.host),
    }
}

/// The target as endpoints are written: a name, or an address. `localhost` may be either of two addresses; the one that
/// answers is taken.
fn endpoint(target: &Target) -> String {
    match target.ip() {
        Some(ip) => {
            let answering = (target.host == "localhost").then(|| connect(target).ok()?.peer_addr().ok()).flatten();
            ip_endpoint(answering.map_or(ip, |address| address.ip()), target.port)
        }
        None => fqdn_endpoint(&target.host, target.port),
    }
}

fn ip_endpoint(ip: IpAddr, port: u16) -> String {
    format!("  - ip:\n      address: \"{ip}\"\n      port: {port}\n")
}

fn fqdn_endpoint(host: &str, port: u16) -> String {
    format!("  - fqdn:\n      hostname: {host}\n      port: {port}\n")
}
