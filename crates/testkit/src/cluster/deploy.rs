//! Sluicegate itself, in a cluster.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::api::{Ref, condition};
use super::control_plane::Cluster;
use crate::paths;

/// The GatewayClass that is ours.
pub const CLASS: &str = "sluicegate";
/// Where the controller's Service is: there is no DNS in this cluster.
pub const CONTROLLER: &str = "10.96.15.10";
const LIMIT: Duration = Duration::from_secs(60);

/// Applies `deploy/controller.yaml` and a GatewayClass of the name [`CLASS`], and waits until that is accepted. The image
/// `sluicegate` must have been given to the cluster's builder. `arguments` are further ones of the controller.
///
/// # Errors
/// With what the controller has written, when the class is not accepted within a minute.
pub fn sluicegate(cluster: &Cluster, arguments: &[&str]) -> Result<()> {
    let manifest = fs::read_to_string(paths::repo().join("deploy/controller.yaml"))?;
    let selector = "spec:\n  selector: {app.kubernetes.io/name: sluicegate-controller}\n  ports";
    let command = "args: [controller,";
    ensure!(manifest.contains(selector) && manifest.contains(command), "deploy/controller.yaml has changed its form");
    let arguments: String = arguments.iter().map(|argument| format!(" {argument},")).collect();
    let manifest = manifest
        .replace(command, &format!("{command} --advertise=https://{CONTROLLER}:15010,{arguments}"))
        .replace(selector, &selector.replacen("spec:\n", &format!("spec:\n  clusterIP: {CONTROLLER}\n"), 1));
    cluster.apply(&manifest)?;
    cluster.apply(&format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {{name: {CLASS}}}, \
         spec: {{controllerName: sluicegate.dev/gateway-controller}}}}"
    ))?;
    let class = Ref::new("gateway.networking.k8s.io/v1", "GatewayClass", CLASS);
    cluster.wait(&class, LIMIT, |class| condition(class, "Accepted") == Some("True")).with_context(|| {
        let pods = cluster.list("v1", "Pod", Some("sluicegate-system")).unwrap_or_default();
        let names = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str());
        names.map(|name| cluster.logs("sluicegate-system", name).unwrap_or_default()).collect::<String>()
    })?;
    Ok(())
}
