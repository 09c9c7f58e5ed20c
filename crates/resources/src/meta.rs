//! Which object it is: kinds with their API groups, keys, metadata.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The API group of the Gateway API.
pub const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// The API group of the Gateway API's experimental kinds.
pub const GATEWAY_X_GROUP: &str = "gateway.networking.x-k8s.io";
/// The API group of our own kinds.
pub const SLUICEGATE_GROUP: &str = "sluicegate.dev";
/// Envoy Gateway's API group, whose kinds are read by our own types.
pub const ENVOY_GATEWAY_GROUP: &str = "gateway.envoyproxy.io";
/// The API group in which the KafkaRoute proposal has its KafkaHeaderPolicy.
pub const EVENT_STREAM_GATEWAY_GROUP: &str = "eventstreamgateway.io";

/// Declares the kinds and, for each, its scope and every group/version that its one Rust type reads.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $scope:ident, [$($api_version:literal),+ $(,)?];)*) => {
        /// A kind of object that we read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $kind),* }

        impl Kind {
            /// Every kind, in the order in which `Resources` holds them.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The kind as a manifest writes it, such as `HTTPRoute`.
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            /// Every `apiVersion` under which this kind is read, the preferred one first.
            pub fn api_versions(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => &[$($api_version),+]),* }
            }

            /// Whether objects of this kind live in a namespace.
            pub fn is_namespaced(self) -> bool {
                match self { $(Kind::$kind => kinds!(@scope $scope)),* }
            }
        }
    };
    (@scope Namespaced) => { true };
    (@scope Cluster) => { false };
}

kinds! {
    /// A class of Gateways and the controller that answers for it.
    GatewayClass = "GatewayClass", Cluster,
        ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];
    /// Listeners and their addresses.
    Gateway = "Gateway", Namespaced, ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];
    /// More listeners for a Gateway, owned by somebody else.
    ListenerSet = "ListenerSet", Namespaced, ["gateway.networking.k8s.io/v1"];
    /// Routes of HTTP requests.
    HttpRoute = "HTTPRoute", Namespaced, ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];
    /// Routes of gRPC calls.
    GrpcRoute = "GRPCRoute", Namespaced, ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"];
    /// Routes of TLS connections by SNI.
    TlsRoute = "TLSRoute", Namespaced,
        ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha3", "gateway.networking.k8s.io/v1alpha2"];
    /// Routes of TCP connections.
    TcpRoute = "TCPRoute", Namespaced, ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"];
    /// Routes of UDP datagrams.
    UdpRoute = "UDPRoute", Namespaced, ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"];
    /// Routes of Kafka connections. The first group is the proposal's own.
    KafkaRoute = "KafkaRoute", Namespaced, ["gateway.networking.k8s.io/experimental", "sluicegate.dev/v1alpha1"];
    /// Leave to refer to objects of another namespace.
    ReferenceGrant = "ReferenceGrant", Namespaced,
        ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1", "gateway.networking.k8s.io/v1alpha2"];
    /// TLS towards backends.
    BackendTlsPolicy = "BackendTLSPolicy", Namespaced,
        ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha3"];
    /// A destination, and how to speak to it.
    XBackend = "XBackend", Namespaced, ["gateway.networking.x-k8s.io/v1alpha1"];
    /// How requests to backends are treated.
    XBackendTrafficPolicy = "XBackendTrafficPolicy", Namespaced, ["gateway.networking.x-k8s.io/v1alpha1"];
    /// What Gateways tell of their requests.
    XTelemetryPolicy = "XTelemetryPolicy", Namespaced, ["gateway.networking.x-k8s.io/v1alpha1"];
    /// A destination outside of Kubernetes Services.
    Backend = "Backend", Namespaced, ["sluicegate.dev/v1alpha1", "gateway.envoyproxy.io/v1alpha1"];
    /// Headers of Kafka records.
    KafkaHeaderPolicy = "KafkaHeaderPolicy", Namespaced,
        ["sluicegate.dev/v1alpha1", "eventstreamgateway.io/v1alpha1"];
    /// Parameters of a GatewayClass or a Gateway.
    EnvoyProxy = "EnvoyProxy", Namespaced,
        ["gateway.envoyproxy.io/v1alpha1", "config.gateway.envoyproxy.io/v1alpha1"];
    /// How the proxies of a Gateway are run.
    GatewayParameters = "GatewayParameters", Namespaced, ["sluicegate.dev/v1alpha1"];
    /// Access control of Envoy Gateway: who may call what it targets.
    SecurityPolicy = "SecurityPolicy", Namespaced, ["gateway.envoyproxy.io/v1alpha1", "sluicegate.dev/v1alpha1"];
    /// How Envoy Gateway's listeners treat clients.
    ClientTrafficPolicy = "ClientTrafficPolicy", Namespaced,
        ["gateway.envoyproxy.io/v1alpha1", "sluicegate.dev/v1alpha1"];
    /// A named set of endpoints.
    Service = "Service", Namespaced, ["v1"];
    /// Endpoints of a Service.
    EndpointSlice = "EndpointSlice", Namespaced, ["discovery.k8s.io/v1"];
    /// Certificates, keys, credentials.
    Secret = "Secret", Namespaced, ["v1"];
    /// CA certificates and other public data.
    ConfigMap = "ConfigMap", Namespaced, ["v1"];
    /// CA certificates that everybody in the cluster may read.
    ClusterTrustBundle = "ClusterTrustBundle", Cluster,
        ["certificates.k8s.io/v1", "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1alpha1"];
    /// A namespace and its labels.
    Namespace = "Namespace", Cluster, ["v1"];
}

impl Kind {
    /// The kind with this `apiVersion` and `kind`, if it is one of ours.
    pub fn find(api_version: &str, kind: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.as_str() == kind && k.api_versions().contains(&api_version))
    }

    /// The kind that a reference means by `group` and `kind` (no version), if it is one of ours.
    pub fn find_in_group(group: &str, kind: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.as_str() == kind && k.groups().any(|g| g == group))
    }

    /// The API groups of this kind (the core group is empty); a group with several versions comes once per version.
    pub fn groups(self) -> impl Iterator<Item = &'static str> {
        self.api_versions().iter().map(|v| v.split_once('/').map_or("", |(group, _)| group))
    }

    /// The group under which statuses and messages name this kind.
    pub fn group(self) -> &'static str {
        self.groups().next().unwrap_or_default()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A namespace and a name. Objects of the cluster have an empty namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NamespacedName {
    /// The namespace, empty for an object of the cluster.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl NamespacedName {
    /// Puts a namespace and a name together.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// One object: its kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key {
    /// The kind.
    pub kind: Kind,
    /// The namespace, empty for an object of the cluster.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl Key {
    /// Puts a kind, a namespace (ignored for kinds of the cluster) and a name together.
    pub fn new(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        let namespace = if kind.is_namespaced() { namespace.into() } else { "".into() };
        Self { kind, namespace, name: name.into() }
    }

    /// The key without its kind.
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

impl fmt::Display for Key {
    /// `HTTPRoute default/shop`, `GatewayClass public`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// The part of an object's metadata that matters here. Other standard fields are accepted and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = [
    "generateName", "selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
    "ownerReferences", "finalizers", "managedFields",
]))]
pub struct ObjectMeta {
    /// The name, a DNS subdomain.
    #[schemars(length(min = 1, max = 253))]
    pub name: Arc<str>,
    /// The namespace; `default` when a namespaced object names none, empty for an object of the cluster.
    #[serde(default)]
    pub namespace: Arc<str>,
    /// Unlike the name, never used twice. Of a Gateway it is what the keys of its sessions come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Arc<str>>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// When the object was made. Absent in most folders: then namespace and name decide between equals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    /// The generation of the spec, as written, else 1.
    #[serde(default = "first_generation")]
    pub generation: i64,
}

fn first_generation() -> i64 {
    1
}

impl ObjectMeta {
    /// Metadata of an object that was not read from a file.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            uid: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            creation_timestamp: None,
            generation: 1,
        }
    }

    /// Namespace and name.
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    /// What decides between conflicting objects (Gateway API "conflict resolution"): the older first, then by
    /// namespace and name. An absent timestamp sorts before every other, so that objects of a folder are equally old.
    pub fn precedence(&self) -> (Option<Timestamp>, &str, &str) {
        (self.creation_timestamp, &self.namespace, &self.name)
    }
}
