//! The interoperability tests of gRPC: grpc-go's client and server.

use super::{Lab, NAME};
use anyhow::Result;
use testkit::free_port;
use testkit::suites::{self, GRPC_CASES, GrpcServer};

#[test]
fn grpc_go_interoperates_in_every_case() -> Result<()> {
    let server = GrpcServer::start(free_port()?)?;
    let mut lab = Lab::start("grpc-interop", server.address(), "kubernetes.io/h2c", &[])?;
    let ca = lab.ca_file()?;
    let mut failed = Vec::new();
    for (address, tls) in [(lab.http, None), (lab.https, Some((NAME, ca.as_path())))] {
        for case in GRPC_CASES {
            if let Err(error) = suites::grpc(address, case, tls) {
                failed.push(format!("TLS: {}: {error:#}", tls.is_some()));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), 2 * GRPC_CASES.len(), failed.join("\n"));
    // Each case was a call through the gateway, not past it.
    let calls = lab.gate.metric("sluicegate_http_requests_total", &["route=\"default/all\""])?;
    assert!(calls >= 2.0 * GRPC_CASES.len() as f64, "{calls} calls");
    lab.gate.expect_alive()
}
