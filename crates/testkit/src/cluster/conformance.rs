//! The Gateway API's conformance suite, against what runs in a cluster.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

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
    /// The file for all that the suite prints.
    pub log: PathBuf,
    /// Further flags of the suite.
    pub flags: Vec<String>,
}

/// The tests of a run, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Short names.
    pub passed: Vec<String>,
    /// Short names.
    pub failed: Vec<String>,
    /// Short names: left out by choice, or because a feature is not claimed.
    pub skipped: Vec<String>,
    /// Whether the suite itself was content.
    pub success: bool,
}

impl Outcome {
    /// Reads a line of `go test -v`: verdicts come at the end, all at once.
    fn read(&mut self, line: &str) {
        let Some((verdict, rest)) =
            line.strip_prefix("    --- ").and_then(|line| line.split_once(": TestConformance/"))
        else {
            return;
        };
        let tests = match verdict {
            "PASS" => &mut self.passed,
            "FAIL" => &mut self.failed,
            _ => &mut self.skipped,
        };
        tests.push(rest.split(' ').next().unwrap_or_default().to_owned());
    }
}

/// The short name of the test that the lines after this one are about.
fn heading(line: &str) -> Option<&str> {
    let (_, name) = line.strip_prefix("=== ")?.split_once(" TestConformance/")?;
    name.split('/').next()
}

impl Suite {
    /// Runs it, and tells `progress` the name of each test that begins and is not skipped.
    ///
    /// # Errors
    /// When the suite cannot be started; failed tests are in the [`Outcome`].
    pub fn run(&self, cluster: &Cluster, mut progress: impl FnMut(&str)) -> Result<Outcome> {
        for namespace in NAMESPACES {
            // One that an earlier run's end has left would fail the beginning.
            let namespace = Ref::new("v1", "Namespace", namespace);
            if cluster.get(&namespace)?.is_some_and(|found| !found["metadata"]["deletionTimestamp"].is_null()) {
                cluster.wait_gone(&namespace, Duration::from_secs(120))?;
            }
        }
        let report = std::path::absolute(&self.report)?;
        for file in [&report, &self.log] {
            fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
        }
        let mut log = File::create(&self.log)?;
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
        let mut suite = process::spawn(&command, Stdio::null(), Stdio::piped(), Stdio::from(log.try_clone()?))?;
        let output = suite.stdout.take().context("the suite's output")?;
        let mut outcome = Outcome::default();
        let (mut speaking, mut told) = (String::new(), BTreeSet::new());
        for line in BufReader::new(output).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            writeln!(log, "{line}")?;
            if let Some(name) = heading(&line) {
                name.clone_into(&mut speaking);
            } else if line.contains(": Applying tests/") && told.insert(speaking.clone()) {
                progress(&speaking); // it is not one of those that are skipped
            }
            outcome.read(&line);
        }
        outcome.success = suite.wait().context("the conformance suite")?.success();
        Ok(outcome)
    }
}

/// Asks the backends of the suite's manifests directly, without a gateway: HTTP, HTTP/2, TLS with and without client
/// certificates, WebSocket, gRPC, TCP, UDP, by the suite's own clients. Wants a cluster without the suite's namespaces.
pub fn check_backends(cluster: &Cluster) -> Result<String> {
    let mut command = cluster.command(cluster.programs().suite());
    command.args(["-test.run=^TestBackends$", "-test.timeout=5m", "-test.v"]);
    process::check(&command, Duration::from_secs(330)).context("the suite's backends")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_became_of_tests() {
        let mut outcome = Outcome::default();
        let lines = [
            "=== RUN   TestConformance/A",
            "=== RUN   TestConformance/A/part",
            "=== NAME  TestConformance/D",
            "--- FAIL: TestConformance (9.00s)",
            "    --- PASS: TestConformance/A (1.00s)",
            "        --- FAIL: TestConformance/B/part (1.00s)",
            "    --- FAIL: TestConformance/B (1.00s)",
            "    --- SKIP: TestConformance/C (0.00s)",
        ];
        lines.iter().for_each(|line| outcome.read(line));
        assert_eq!(lines.iter().filter_map(|line| heading(line)).collect::<Vec<_>>(), ["A", "A", "D"]);
        let names = |names: &[String]| names.join(" ");
        assert_eq!((&*names(&outcome.passed), &*names(&outcome.failed), &*names(&outcome.skipped)), ("A", "B", "C"));
    }
}
