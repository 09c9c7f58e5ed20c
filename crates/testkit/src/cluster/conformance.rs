//! The Gateway API's conformance suite, against what runs in a cluster.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::api::Ref;
use super::control_plane::Cluster;
use crate::process;

/// The release of the Gateway API, as in reports.
pub const RELEASE: &str = "v1.7.0";
/// Profiles for gateways.
pub const PROFILES: &str = "GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP";
/// Namespaces that the suite makes.
const NAMESPACES: [&str; 3] =
    ["gateway-conformance-infra", "gateway-conformance-app-backend", "gateway-conformance-web-backend"];
/// For `GatewayStaticAddresses`: what a Service may ask for, and what none gets.
const STATIC_ADDRESSES: [&str; 2] = ["-usable-address=198.18.0.250", "-unusable-address=198.18.1.1"];

/// What to run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The name of a GatewayClass that a controller has accepted.
    pub gateway_class: String,
    /// The short name of the only test to run.
    pub test: Option<String>,
    /// Features, with commas between; without them those of the class's `status.supportedFeatures`.
    pub features: Option<String>,
    /// [`PROFILES`], or some of them.
    pub profiles: String,
    /// The file for the report.
    pub report: PathBuf,
    /// Further flags of the suite.
    pub flags: Vec<String>,
}

impl Suite {
    /// Runs it with this process's output.
    ///
    /// # Errors
    /// When a test fails, or the suite cannot begin.
    pub fn run(&self, cluster: &Cluster) -> Result<()> {
        for namespace in NAMESPACES {
            // One that an earlier run's end has left would fail the beginning.
            let namespace = Ref::new("v1", "Namespace", namespace);
            if cluster.get(&namespace)?.is_some_and(|found| !found["metadata"]["deletionTimestamp"].is_null()) {
                cluster.wait_gone(&namespace, Duration::from_secs(120))?;
            }
        }
        let report = std::path::absolute(&self.report)?;
        std::fs::create_dir_all(report.parent().unwrap_or(Path::new("/")))?;
        let mut command = cluster.command(cluster.programs().suite());
        command.args(["-test.run=^TestConformance$", "-test.timeout=60m", "-test.v"]);
        command.arg(format!("-gateway-class={}", self.gateway_class));
        command.arg(format!("-conformance-profiles={}", self.profiles));
        command.args(self.test.iter().map(|test| format!("-run-test={test}")));
        command.args(self.features.iter().map(|features| format!("-supported-features={features}")));
        command.arg(format!("-report-output={}", report.display()));
        command.args(["-organization=sluicegate", "-project=sluicegate", "-url=https://sluicegate.dev"]);
        command.arg("-contact=https://sluicegate.dev/contact");
        command.arg(concat!("-version=v", env!("CARGO_PKG_VERSION")));
        command.args(STATIC_ADDRESSES).args(&self.flags);
        let mut suite = process::spawn(&command, Stdio::null(), Stdio::inherit(), Stdio::inherit())?;
        let status = suite.wait().context("the conformance suite")?;
        if !status.success() {
            bail!("the conformance suite: {status}");
        }
        Ok(())
    }
}

/// Asks the backends of the suite's manifests directly, without a gateway: HTTP, HTTP/2, TLS with and without client
/// certificates, WebSocket, gRPC, TCP, UDP, by the suite's own clients. Wants a cluster without the suite's namespaces.
pub fn check_backends(cluster: &Cluster) -> Result<String> {
    let mut command = cluster.command(cluster.programs().suite());
    command.args(["-test.run=^TestBackends$", "-test.timeout=5m", "-test.v"]);
    process::check(&command, Duration::from_secs(330)).context("the suite's backends")
}
