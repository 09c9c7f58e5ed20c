//! A real gRPC server and client: grpc-go with its interoperability service.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::certs::Identity;
use crate::clients::go_program;
use crate::paths::RunDir;
use crate::process::{self, Process};

/// A gRPC server (h2c, or TLS) that echoes; see `clients/grpc/main.go`.
#[derive(Debug)]
pub struct GrpcServer {
    _process: Process,
    address: SocketAddr,
    _dir: RunDir,
}

impl GrpcServer {
    /// Serves at `address`; calls itself `name`.
    pub fn start(name: &str, address: SocketAddr, identity: Option<&Identity>) -> Result<Self> {
        let dir = RunDir::new(&format!("grpc-{name}"))?;
        let mut command = Command::new(go_program("grpc")?);
        command.args(["serve", &address.to_string(), name]);
        if let Some(identity) = identity {
            for (file, text) in [("chain.pem", &identity.chain), ("key.pem", &identity.key)] {
                std::fs::write(dir.path().join(file), text)?;
                command.arg(dir.path().join(file));
            }
        }
        let mut process = Process::start(name, &command, &dir.path().join("log"))?;
        process.wait_until(Duration::from_secs(10), |process| process.log().contains("serving"))?;
        Ok(Self { _process: process, address, _dir: dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Calls such a server, perhaps through a gateway: one unary call, one that is answered with FAILED_PRECONDITION, one
/// bidirectional stream of `messages`, each answer awaited before the next question.
///
/// Answers `{unary_code: "OK", unary: "one", server, trailer: ["end"], status_code: "FailedPrecondition",
/// status_message: "as asked", stream_code: "OK", streamed: messages}`.
pub fn call(address: SocketAddr, authority: &str, messages: u32, ca_file: Option<&Path>) -> Result<Value> {
    let mut command = Command::new(go_program("grpc")?);
    command.args(["call", &address.to_string(), authority, &messages.to_string()]);
    command.args(ca_file);
    Ok(serde_json::from_str(&process::check(&command, Duration::from_secs(40))?)?)
}
