//! GatewayParameters: how the proxies of a Gateway, or of every Gateway of a class, are run.

use crate::Untyped;
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How proxies are run. GatewayClass (`spec.parametersRef`) and Gateway (`spec.infrastructure.parametersRef`) name such an object;
/// what the Gateway's says wins over what the class's says, field by field of `spec.deployment` and `spec.service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayParametersSpec {
    /// The Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentParameters>,
    /// How clients reach them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceParameters>,
    /// What the proxies log; `info` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// Settings for KafkaRoutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaParameters>,
}

/// The Deployment of the proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentParameters {
    /// How many Pods; left to others (1 at first) when absent, such as to a HorizontalPodAutoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<u32>,
    /// Resources of the proxy's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// `affinity` of the Pods, as Kubernetes has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Untyped>")]
    pub affinity: Option<serde_json::Value>,
    /// Taints of nodes that the Pods put up with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub tolerations: Vec<Toleration>,
    /// Labels of the nodes on which the Pods may run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::LabelValue>", length(max = 64))]
    pub node_selector: BTreeMap<String, String>,
    /// Changes of the Deployment that is made of all this, at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<ObjectPatch>,
}

/// Resources of a container, each with a quantity such as `100m` or `64Mi`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRequirements {
    /// What is kept for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::Quantity>", length(max = 16))]
    pub requests: BTreeMap<String, Quantity>,
    /// What it may use at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::Quantity>", length(max = 16))]
    pub limits: BTreeMap<String, Quantity>,
}

/// An amount such as `100m`, `64Mi` or `2`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(String),
}

/// A taint that Pods put up with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key; every one when absent, which needs `Exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 316))]
    pub key: Option<String>,
    /// How the value is compared; `Equal` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<TolerationOperator>,
    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::LabelValue>")]
    pub value: Option<String>,
    /// The taint's effect; every one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<TaintEffect>,
    /// For how long a taint of effect `NoExecute` is put up with, in seconds; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

string_enum! {
    /// How the value of a taint is compared.
    TolerationOperator {
        /// The taint is there.
        Exists = "Exists",
        /// Its value is equal.
        Equal = "Equal",
    }
}

string_enum! {
    /// What a taint does.
    TaintEffect {
        /// No new Pods.
        NoSchedule = "NoSchedule",
        /// No new Pods if there is another place.
        PreferNoSchedule = "PreferNoSchedule",
        /// No Pods.
        NoExecute = "NoExecute",
    }
}

/// The Service of the proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceParameters {
    /// Its type; `LoadBalancer` when absent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub service_type: Option<ProxyServiceType>,
    /// The class of the load balancer; the cluster's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 316))]
    pub load_balancer_class: Option<String>,
    /// Whether traffic may go by way of another node; `Local` when absent, which keeps the addresses of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_traffic_policy: Option<ExternalTrafficPolicy>,
    /// Ports of the nodes that the listeners' ports get; others are given by the cluster. For the types `NodePort` and
    /// `LoadBalancer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub node_ports: Vec<NodePort>,
    /// Changes of the Service that is made of all this, at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<ObjectPatch>,
}

string_enum! {
    /// Types of Services that proxies can have.
    ProxyServiceType {
        /// Inside the cluster.
        ClusterIp = "ClusterIP",
        /// A port of every node.
        NodePort = "NodePort",
        /// A load balancer's address.
        LoadBalancer = "LoadBalancer",
    }
}

string_enum! {
    /// Whether traffic may go by way of another node.
    ExternalTrafficPolicy {
        /// Over all nodes, which hides the clients' addresses.
        Cluster = "Cluster",
        /// To Pods of the same node only.
        Local = "Local",
    }
}

/// The port of every node for one port of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePort {
    /// The listener's port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The port of the nodes.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: u16,
}

/// A change of an object that is provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPatch {
    /// How the change is written.
    #[serde(rename = "type", default)]
    pub patch_type: PatchType,
    /// The change: a part of the object.
    #[schemars(with = "Untyped")]
    pub value: serde_json::Value,
}

string_enum! {
    /// How a change of an object is written.
    #[derive(Default)]
    PatchType {
        /// A JSON Merge Patch (RFC 7396): members replace members, `null` removes one, lists are replaced as a whole. Lists of
        /// items with a `name`, such as containers and ports, are merged by it.
        #[default]
        StrategicMerge = "StrategicMerge",
        /// A JSON Merge Patch (RFC 7396), to the letter.
        JsonMerge = "JSONMerge",
    }
}

string_enum! {
    /// What is logged.
    LogLevel {
        /// Failures of the proxy itself.
        Error = "error",
        /// And what is likely to fail.
        Warn = "warn",
        /// And what it does.
        Info = "info",
        /// And why, for each connection.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// Settings for KafkaRoutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaParameters {
    /// Networks in which brokers may lie, beside the addresses of the routes' backends: an address that metadata advertises outside
    /// of all of them is not dialled.
    #[serde(rename = "allowedCIDRs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<format::Cidr>", length(max = 64))]
    pub allowed_cidrs: Vec<String>,
}
