//! What `deploy` holds, and what looks into a cluster: the chart is rendered by helm, checked by kubeconform and taken by a real API
//! server, and is the plain manifest; `doctor` and `status` say what there is.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::paths::{self, RunDir};
use testkit::{Cluster, packaging, process, sluicegate};

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "sluicegate-system";
/// The oldest release that the chart is for.
const KUBERNETES: &str = "1.31.0";

fn deploy(path: &str) -> PathBuf {
    paths::repo().join("deploy").join(path)
}

/// The chart's objects with some values, as YAML.
fn render(home: &Path, namespace: &str, values: &[&str]) -> Result<String> {
    let mut helm = packaging::helm(home)?;
    helm.args(["template", "gateways"]).arg(deploy("helm/sluicegate"));
    helm.args(["--namespace", namespace, "--kube-version", KUBERNETES]);
    helm.args(values.iter().flat_map(|value| ["--set-json", value]));
    process::check(&helm, LIMIT)
}

fn objects(yaml: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("YAML")?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn find<'a>(objects: &'a [Value], kind: &str) -> Result<&'a Value> {
    objects.iter().find(|object| object["kind"] == kind).with_context(|| format!("no {kind}"))
}

#[test]
fn the_chart_with_its_defaults_is_the_plain_manifest() -> Result<()> {
    let home = RunDir::new("helm")?;
    let mut lint = packaging::helm(home.path())?;
    lint.args(["lint", "--strict"]).arg(deploy("helm/sluicegate"));
    process::check(&lint, LIMIT)?;

    let chart = objects(&render(home.path(), NAMESPACE, &[])?)?;
    let plain = objects(&fs::read_to_string(deploy("controller.yaml"))?)?;
    for kind in ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
        assert_eq!(find(&chart, kind)?, find(&plain, kind)?, "{kind}");
    }
    assert_eq!(find(&chart, "Service")?["spec"], find(&plain, "Service")?["spec"]);
    let (chart_pod, plain_pod) = (&find(&chart, "Deployment")?["spec"], &find(&plain, "Deployment")?["spec"]);
    assert_eq!(chart_pod["selector"], plain_pod["selector"]);
    let (chart_pod, plain_pod) = (&chart_pod["template"]["spec"], &plain_pod["template"]["spec"]);
    for path in [
        "/securityContext",
        "/serviceAccountName",
        "/containers/0/securityContext",
        "/containers/0/env",
        "/containers/0/ports",
    ] {
        assert_eq!(chart_pod.pointer(path), plain_pod.pointer(path), "{path}");
    }
    assert_eq!(
        find(&chart, "NetworkPolicy")?["spec"],
        find(&objects(&fs::read_to_string(deploy("network-policies.yaml"))?)?, "NetworkPolicy")?["spec"]
    );

    // Values that the chart does not know, or that cannot be, are refused by its schema.
    for wrong in [
        "controler={}",
        "controller.replicas=-1",
        r#"controller.controllerNames=["no-path"]"#,
        r#"image.pullPolicy="Sometimes""#,
    ] {
        let refused = render(home.path(), NAMESPACE, &[wrong]).map(drop);
        ensure!(refused.as_ref().is_err_and(|error| format!("{error:#}").contains("schema")), "{wrong}: {refused:?}");
    }
    // The command line of the controller is one that the program takes.
    let arguments = find(&chart, "Deployment")?.pointer("/spec/template/spec/containers/0/args").cloned();
    let arguments: Vec<String> = serde_json::from_value(arguments.context("no arguments")?)?;
    let mut program = Command::new(sluicegate::binary()?);
    program.args(arguments).arg("--help");
    process::check(&program, LIMIT)?;
    Ok(())
}

fn sluicegate_in(cluster: &Cluster, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = cluster.command(sluicegate::binary()?);
    command.args(arguments).env_remove("KUBERNETES_SERVICE_HOST");
    let output = process::output(&command, LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((output.status.code(), text))
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: default}
spec:
  gatewayClassName: sluicegate
  listeners: [{name: http, port: 80, protocol: HTTP}]
";

#[test]
fn a_cluster_takes_all_of_it_and_doctor_and_status_tell() -> Result<()> {
    let home = RunDir::new("helm")?;
    let cluster = Cluster::start()?;
    let controller = "system:serviceaccount:sluicegate-system:sluicegate-controller";

    // Before anything is installed.
    let (code, text) = sluicegate_in(&cluster, &["doctor", "--as", controller])?;
    ensure!(code == Some(1), "{code:?} {text}");
    ensure!(text.contains("sluicegate crds | kubectl apply") && text.contains("lacks"), "{text}");
    ensure!(text.contains("Gateway API v1.7.0, channel experimental") || text.contains("cannot be read"), "{text}");

    let (code, crds) = sluicegate_in(&cluster, &["crds"])?;
    ensure!(code == Some(0));
    cluster.apply(&crds)?;
    for entry in fs::read_dir(deploy("envoy-gateway-crds"))? {
        cluster.apply(&fs::read_to_string(entry?.path())?)?;
    }

    // All that the chart can become, by the API server's own schemas, then by the API server.
    let schemas = packaging::schemas(&cluster)?;
    let everything = [
        "controller.replicas=3",
        r#"controller.podLabels={"team":"edge"}"#,
        r#"controller.podAnnotations={"example.com/a":"b"}"#,
        r#"controller.nodeSelector={"kubernetes.io/os":"linux"}"#,
        r#"controller.tolerations=[{"operator":"Exists"}]"#,
        r#"controller.affinity={"podAntiAffinity":{}}"#,
        r#"controller.topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]"#,
        r#"controller.priorityClassName="system-cluster-critical""#,
        "controller.allowExternalName=true",
        r#"imagePullSecrets=[{"name":"registry"}]"#,
    ];
    cluster.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}"))?;
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: edge}}")?;
    for (namespace, values) in [(NAMESPACE, &[][..]), ("edge", &everything[..])] {
        let rendered = render(home.path(), namespace, values)?;
        let file = home.path().join(format!("{namespace}.yaml"));
        fs::write(&file, &rendered)?;
        let mut kubeconform = packaging::kubeconform(schemas.path())?;
        kubeconform.arg(&file);
        let summary = process::check(&kubeconform, LIMIT)?;
        ensure!(summary.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{summary}");
        let mut dry = cluster.kubectl();
        dry.args(["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f"]).arg(&file);
        process::check(&dry, LIMIT)?;
    }
    for manifest in ["controller.yaml", "network-policies.yaml"] {
        let mut kubeconform = packaging::kubeconform(schemas.path())?;
        kubeconform.arg(deploy(manifest));
        let summary = process::check(&kubeconform, LIMIT)?;
        ensure!(summary.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{manifest}: {summary}");
    }
    cluster.apply(&fs::read_to_string(deploy("network-policies.yaml"))?)?;
    cluster.apply(&fs::read_to_string(home.path().join(format!("{NAMESPACE}.yaml")))?)?;
    cluster.apply(GATEWAY)?;

    // The authorizer learns of new roles a moment later.
    let mut said = (None, String::new());
    for _ in 0..50 {
        said = sluicegate_in(&cluster, &["doctor", "--as", controller])?;
        if said.0 == Some(0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    ensure!(said.0 == Some(0), "{}", said.1);
    ensure!(said.1.contains("may do all that the controller does"), "{}", said.1);
    let (code, text) = sluicegate_in(&cluster, &["doctor"])?;
    ensure!(code == Some(0) && text.contains("one Deployment answers for sluicegate.dev/gateway-controller"), "{text}");
    ensure!(text.contains("Gateway API v1.7.0, channel experimental"), "{text}");

    // Nobody runs the image here, so that nobody has answered.
    let (code, text) = sluicegate_in(&cluster, &["status"])?;
    ensure!(code == Some(1), "{text}");
    ensure!(text.contains("Gateway default/public") && text.contains("GatewayClass sluicegate"), "{text}");

    // A second controller of the same name.
    let second = fs::read_to_string(home.path().join(format!("{NAMESPACE}.yaml")))?.replace(NAMESPACE, "edge");
    cluster.apply(&second)?;
    let (code, text) = sluicegate_in(&cluster, &["doctor"])?;
    ensure!(
        code == Some(1) && text.contains("several Deployments answer for sluicegate.dev/gateway-controller"),
        "{text}"
    );
    Ok(())
}

#[test]
fn doctor_finds_an_older_channel_and_no_api_server() -> Result<()> {
    let mut cluster = Cluster::builder().channel(None).start()?;
    let (code, text) = sluicegate_in(&cluster, &["doctor"])?;
    ensure!(code == Some(1) && text.contains("does not know Gateway, GatewayClass, HTTPRoute"), "{code:?} {text}");
    let (code, text) = sluicegate_in(&cluster, &["status"])?;
    ensure!(code == Some(0) && text.contains("no objects of the Gateway API"), "{code:?} {text}");
    cluster.stop(testkit::cluster::Component::ApiServer);
    let (code, text) = sluicegate_in(&cluster, &["doctor"])?;
    ensure!(code == Some(1) && text.contains("the API server does not answer"), "{code:?} {text}");
    Ok(())
}
