//! The Deployment of proxies.

use super::ProxyTemplate;
use crate::authenticate::AUDIENCE;
use resources::Gateway;
use resources::GatewayParametersSpec;
use serde_json::{Value, json};

/// The Deployment of a Gateway's proxies, before it is patched.
pub(super) fn deployment(
    template: &ProxyTemplate,
    gateway: &Gateway,
    parameters: &GatewayParametersSpec,
    metadata: &Value,
    selector: &Value,
) -> Value {
    let gateway_name = format!("{}/{}", gateway.meta.namespace, gateway.meta.name);
    let mut arguments = vec![
        "proxy".to_owned(),
        format!("--gateway={gateway_name}"),
        format!("--controller={}", template.controller),
        format!("--server-name={}", template.server_name),
        "--token=/var/run/sluicegate/token".to_owned(),
        "--state=/var/lib/sluicegate".to_owned(),
        "--admin=0.0.0.0:15000".to_owned(),
        // Until nodes have taken note that the Pod is on its way out, connections still come.
        "--min-drain=5s".to_owned(),
        "--drain-timeout=45s".to_owned(),
        "--replica=$(POD_NAME)".to_owned(),
    ];
    arguments.extend(parameters.log_level.map(|level| format!("--log-level={}", level.as_str())));
    let asked = parameters.deployment.clone().unwrap_or_default();
    let probe = |path: &str| json!({ "httpGet": { "path": path, "port": 15000 } });
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {
            "selector": { "matchLabels": selector },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "template": {
                "metadata": { "labels": metadata["labels"], "annotations": metadata["annotations"] },
                "spec": {
                    "serviceAccountName": metadata["name"],
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 60,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" },
                        "sysctls": [{ "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" }],
                    },
                    "containers": [{
                        "name": "proxy",
                        "image": template.image,
                        "args": arguments,
                        "env": [
                            { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                            { "name": "SLUICEGATE_CA", "value": template.ca.clone().unwrap_or_default() },
                        ],
                        "ports": [{ "name": "admin", "containerPort": 15000 }],
                        "readinessProbe": probe("/readyz"),
                        "livenessProbe": probe("/healthz"),
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] },
                        },
                        "volumeMounts": [
                            { "name": "token", "mountPath": "/var/run/sluicegate", "readOnly": true },
                            { "name": "state", "mountPath": "/var/lib/sluicegate" },
                        ],
                    }],
                    "volumes": [
                        { "name": "token", "projected": { "sources": [
                            { "serviceAccountToken": { "path": "token", "audience": AUDIENCE, "expirationSeconds": 3600 } },
                        ] } },
                        { "name": "state", "emptyDir": {} },
                    ],
                },
            },
        },
    });
    let spec = &mut deployment["spec"];
    // What is left out here is left to others, such as an autoscaler.
    if let Some(replicas) = asked.replicas {
        spec["replicas"] = json!(replicas);
    }
    let pod = &mut spec["template"]["spec"];
    if let Some(affinity) = asked.affinity {
        pod["affinity"] = affinity;
    }
    if !asked.tolerations.is_empty() {
        pod["tolerations"] = json!(asked.tolerations);
    }
    if !asked.node_selector.is_empty() {
        pod["nodeSelector"] = json!(asked.node_selector);
    }
    if let Some(resources) = asked.resources {
        pod["containers"][0]["resources"] = json!(resources);
    }
    deployment
}
