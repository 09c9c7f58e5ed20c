//! A real authorization service: Envoy's ext_authz by Envoy's own generated messages, and plain HTTP.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::certs::Identity;
use crate::clients::go_program;
use crate::paths::RunDir;
use crate::process::Process;

/// An authorization service; see `clients/authz/main.go` for what it lets pass.
#[derive(Debug)]
pub struct AuthServer {
    _process: Process,
    _dir: RunDir,
}

impl AuthServer {
    /// Serves gRPC (h2c, or TLS) and HTTP at these addresses.
    pub fn start(grpc: SocketAddr, http: SocketAddr, tls: Option<&Identity>) -> Result<Self> {
        let dir = RunDir::new("authz")?;
        let mut command = Command::new(go_program("authz")?);
        command.args([grpc.to_string(), http.to_string()]);
        if let Some(identity) = tls {
            for (file, text) in [("chain.pem", &identity.chain), ("key.pem", &identity.key)] {
                std::fs::write(dir.path().join(file), text)?;
                command.arg(dir.path().join(file));
            }
        }
        let mut process = Process::start("authz", &command, &dir.path().join("log"))?;
        process.wait_until(Duration::from_secs(10), |process| process.log().contains("serving"))?;
        Ok(Self { _process: process, _dir: dir })
    }
}
