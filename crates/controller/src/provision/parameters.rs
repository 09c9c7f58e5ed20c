//! What a GatewayClass and a Gateway say about how proxies are run: GatewayParameters, and as much of Envoy Gateway's EnvoyProxy as
//! means the same.

use resources::{
    DeploymentParameters, GatewayParametersSpec, KafkaParameters, ObjectPatch, PatchType, ServiceParameters,
};
use resources::{Gateway, GatewayClass, Kind, Resources};
use serde_json::{Map, Value, json};

use super::{CLASS_LABEL, GATEWAY_LABEL, MANAGED_BY};

/// Labels that are set by us alone.
const OURS: [&str; 3] = [GATEWAY_LABEL, CLASS_LABEL, MANAGED_BY];

/// The class's parameters, and over them the Gateway's.
pub(super) fn of(gateway: &Gateway, resources: &Resources) -> GatewayParametersSpec {
    let class = resources.get::<GatewayClass>("", &gateway.spec.gateway_class_name);
    let class = class.and_then(|class| class.spec.parameters_ref.as_ref());
    let class = class.and_then(|it| find(resources, &it.group, &it.kind, it.namespace.as_deref()?, &it.name));
    let own = gateway.spec.infrastructure.as_ref().and_then(|infrastructure| infrastructure.parameters_ref.as_ref());
    let own = own.and_then(|it| find(resources, &it.group, &it.kind, &gateway.meta.namespace, &it.name));
    merge(class.unwrap_or_default(), own.unwrap_or_default())
}

fn find(resources: &Resources, group: &str, kind: &str, namespace: &str, name: &str) -> Option<GatewayParametersSpec> {
    match Kind::find_in_group(group, kind)? {
        Kind::GatewayParameters => {
            resources.get::<resources::GatewayParameters>(namespace, name).map(|found| found.spec.clone())
        }
        Kind::EnvoyProxy => resources.get::<resources::EnvoyProxy>(namespace, name).map(|found| envoy(&found.spec.0)),
        _ => None,
    }
}

fn merge(class: GatewayParametersSpec, own: GatewayParametersSpec) -> GatewayParametersSpec {
    GatewayParametersSpec {
        deployment: both(class.deployment, own.deployment, |class, own| DeploymentParameters {
            replicas: own.replicas.or(class.replicas),
            resources: own.resources.or(class.resources),
            affinity: own.affinity.or(class.affinity),
            tolerations: either(own.tolerations, class.tolerations, Vec::is_empty),
            node_selector: either(own.node_selector, class.node_selector, |selector| selector.is_empty()),
            patch: own.patch.or(class.patch),
        }),
        service: both(class.service, own.service, |class, own| ServiceParameters {
            service_type: own.service_type.or(class.service_type),
            load_balancer_class: own.load_balancer_class.or(class.load_balancer_class),
            external_traffic_policy: own.external_traffic_policy.or(class.external_traffic_policy),
            node_ports: either(own.node_ports, class.node_ports, Vec::is_empty),
            patch: own.patch.or(class.patch),
        }),
        log_level: own.log_level.or(class.log_level),
        kafka: both(class.kafka, own.kafka, |class, own| KafkaParameters {
            allowed_cidrs: either(own.allowed_cidrs, class.allowed_cidrs, Vec::is_empty),
        }),
    }
}

fn both<T>(class: Option<T>, own: Option<T>, merge: impl FnOnce(T, T) -> T) -> Option<T> {
    match (class, own) {
        (Some(class), Some(own)) => Some(merge(class, own)),
        (class, own) => own.or(class),
    }
}

fn either<T>(own: T, class: T, is_empty: impl FnOnce(&T) -> bool) -> T {
    if is_empty(&own) { class } else { own }
}

/// An EnvoyProxy's `provider.kubernetes` and `logging`, in our words. A field that cannot be read as ours is left out.
fn envoy(spec: &Value) -> GatewayParametersSpec {
    let at = |path: &str| spec.pointer(path).filter(|value| !value.is_null()).cloned();
    let patch = |part: &str| {
        let path = format!("/provider/kubernetes/{part}/patch");
        at(&path)
            .map(|patch| json!({ "type": patch["type"].as_str().unwrap_or("StrategicMerge"), "value": patch["value"] }))
    };
    let part = |fields: &[(&str, Option<Value>)]| {
        let fields = fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    let deployment = "/provider/kubernetes/envoyDeployment";
    let service = "/provider/kubernetes/envoyService";
    let deployment: [(&str, Option<Value>); 6] = [
        ("replicas", at(&format!("{deployment}/replicas"))),
        ("resources", at(&format!("{deployment}/container/resources"))),
        ("affinity", at(&format!("{deployment}/pod/affinity"))),
        ("tolerations", at(&format!("{deployment}/pod/tolerations"))),
        ("nodeSelector", at(&format!("{deployment}/pod/nodeSelector"))),
        ("patch", patch("envoyDeployment")),
    ];
    let service: [(&str, Option<Value>); 4] = [
        ("type", at(&format!("{service}/type"))),
        ("loadBalancerClass", at(&format!("{service}/loadBalancerClass"))),
        ("externalTrafficPolicy", at(&format!("{service}/externalTrafficPolicy"))),
        ("patch", patch("envoyService")),
    ];
    GatewayParametersSpec {
        deployment: readable(&deployment, &part),
        service: readable(&service, &part),
        log_level: at("/logging/level/default").and_then(|level| serde_json::from_value(level).ok()),
        kafka: None,
    }
}

/// The fields that can be read, each by itself.
fn readable<T: serde::de::DeserializeOwned>(
    fields: &[(&str, Option<Value>)],
    part: &impl Fn(&[(&str, Option<Value>)]) -> Value,
) -> Option<T> {
    let is_readable = |field: &&(&str, Option<Value>)| {
        field.1.is_some() && serde_json::from_value::<T>(part(std::slice::from_ref(field))).is_ok()
    };
    let fields: Vec<_> = fields.iter().filter(is_readable).cloned().collect();
    if fields.is_empty() { None } else { serde_json::from_value(part(&fields)).ok() }
}

/// What no change may touch: the controller writes with its own rights, which are not those of whoever writes a patch.
const LOCKED: [&str; 7] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/spec/selector",
    "/spec/template/metadata/namespace",
];
/// Where the labels stand by which proxies are found.
const LABELS: [&str; 2] = ["/metadata/labels", "/spec/template/metadata/labels"];

/// The object with the change made, and still the same object: [`LOCKED`] fields and our own labels stay. A change that
/// leaves no object behind is not made.
pub(super) fn patched(object: Value, patch: Option<&ObjectPatch>) -> Value {
    let Some(patch) = patch else { return object };
    let mut changed = object.clone();
    merge_patch(&mut changed, &patch.value, patch.patch_type == PatchType::StrategicMerge);
    if keep(&object, &mut changed) {
        return changed;
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    tracing::warn!(
        kind = object["kind"].as_str(),
        name,
        "a patch of GatewayParameters leaves no object behind: not made"
    );
    object
}

/// Gives back what is locked; whether there is a place for it.
fn keep(object: &Value, changed: &mut Value) -> bool {
    for path in LOCKED {
        let (parent, field) = path.rsplit_once('/').unwrap_or_default();
        let was = object.pointer(path);
        if object.pointer(parent).is_none() {
            continue;
        }
        let Some(Value::Object(members)) = changed.pointer_mut(parent) else { return false };
        match was {
            Some(was) => members.insert(field.to_owned(), was.clone()),
            None => members.remove(field),
        };
    }
    for path in LABELS {
        let Some(Value::Object(labels)) = object.pointer(path) else { continue };
        let Some(Value::Object(changed)) = changed.pointer_mut(path) else { return false };
        for name in OURS {
            changed.extend(labels.get_key_value(name).map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    true
}

/// RFC 7396; `strategic` merges the items of lists that have a key.
fn merge_patch(object: &mut Value, patch: &Value, strategic: bool) {
    match (&mut *object, patch) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                if change.is_null() {
                    members.remove(name);
                } else {
                    merge_patch(members.entry(name.clone()).or_insert(Value::Null), change, strategic);
                }
            }
        }
        (Value::Null, Value::Object(_)) => {
            *object = json!({});
            merge_patch(object, patch, strategic);
        }
        (Value::Array(items), Value::Array(changes)) if strategic => match merge_key(changes) {
            Some(key) => {
                for change in changes {
                    match items.iter_mut().find(|item| item[key] == change[key]) {
                        Some(item) => merge_patch(item, change, strategic),
                        None => items.push(change.clone()),
                    }
                }
            }
            None => object.clone_from(patch),
        },
        _ => object.clone_from(patch),
    }
}

/// What tells the items of a list apart, as Kubernetes has it for ports of Services and containers, mounts, and all else.
fn merge_key(items: &[Value]) -> Option<&'static str> {
    ["port", "containerPort", "mountPath", "name"]
        .into_iter()
        .find(|key| items.iter().all(|item| !item[*key].is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_proxy_says_the_same_in_other_words() {
        let spec = json!({
            "logging": { "level": { "default": "warn" } },
            "provider": { "type": "Kubernetes", "kubernetes": {
                "envoyDeployment": { "replicas": 3, "container": { "resources": { "limits": { "memory": "1Gi" } } } },
                "envoyService": { "type": "NodePort", "externalTrafficPolicy": 7, "patch": { "value": { "spec": {
                    "ports": [{ "name": "kafka-port", "nodePort": 30992, "port": 9092 }],
                } } } },
            } },
        });
        let read = serde_json::to_value(envoy(&spec)).unwrap();
        let expected = json!({
            "deployment": { "replicas": 3, "resources": { "limits": { "memory": "1Gi" } } },
            "service": { "type": "NodePort", "patch": { "type": "StrategicMerge", "value": { "spec": {
                "ports": [{ "name": "kafka-port", "nodePort": 30992, "port": 9092 }],
            } } } },
            "logLevel": "warn",
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn patches_merge_items_by_their_key() {
        let service = json!({ "spec": { "type": "NodePort", "ports": [
            { "name": "tcp-9092", "port": 9092, "targetPort": 9092 }, { "name": "tcp-443", "port": 443 },
        ] } });
        let change = json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "type": null, "ports": [
            { "name": "kafka-port", "port": 9092, "nodePort": 30992 },
        ] } });
        let patch = |kind| ObjectPatch { patch_type: kind, value: change.clone() };
        let strategic = patched(service.clone(), Some(&patch(PatchType::StrategicMerge)));
        let expected = json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "ports": [
            { "name": "kafka-port", "port": 9092, "targetPort": 9092, "nodePort": 30992 }, { "name": "tcp-443", "port": 443 },
        ] } });
        assert_eq!(strategic, expected);
        let merged = patched(service.clone(), Some(&patch(PatchType::JsonMerge)));
        assert_eq!(merged["spec"]["ports"].as_array().unwrap().len(), 1);
        assert_eq!(patched(service.clone(), None), service);
    }

    #[test]
    fn a_patch_leaves_the_object_what_it_is() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "a", "namespace": "n", "labels": { MANAGED_BY: "us", "team": "x" }, "ownerReferences": [1] },
            "spec": { "selector": { "matchLabels": { "a": "b" } }, "template": { "metadata": { "labels": { GATEWAY_LABEL: "g" } } } },
        });
        let patched = |change: Value| {
            let patch = ObjectPatch { patch_type: PatchType::JsonMerge, value: change };
            patched(deployment.clone(), Some(&patch))
        };
        let hostile = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {
                "name": "root", "namespace": "kube-system", "ownerReferences": null,
                "labels": { MANAGED_BY: "them", "team": "y" },
            },
            "spec": {
                "replicas": 2, "selector": {},
                "template": { "metadata": { "namespace": "kube-system", "labels": { GATEWAY_LABEL: null } } },
            },
        });
        let mut expected = deployment.clone();
        expected["metadata"]["labels"]["team"] = json!("y");
        expected["spec"]["replicas"] = json!(2);
        assert_eq!(patched(hostile), expected);
        for nothing in [
            json!("x"),
            json!(null),
            json!({ "metadata": 7 }),
            json!({ "spec": null }),
            json!({ "metadata": { "labels": [] } }),
        ] {
            assert_eq!(patched(nothing.clone()), deployment, "{nothing}");
        }
    }

    #[test]
    fn the_gateway_wins_field_by_field() {
        let read = |spec: Value| serde_json::from_value::<GatewayParametersSpec>(spec).unwrap();
        let class = read(json!({ "deployment": { "replicas": 2, "nodeSelector": { "a": "b" } }, "logLevel": "debug" }));
        let own = read(json!({ "deployment": { "replicas": 3 }, "service": { "type": "ClusterIP" } }));
        let expected = json!({
            "deployment": { "replicas": 3, "nodeSelector": { "a": "b" } }, "service": { "type": "ClusterIP" }, "logLevel": "debug",
        });
        assert_eq!(serde_json::to_value(merge(class, own)).unwrap(), expected);
    }
}
