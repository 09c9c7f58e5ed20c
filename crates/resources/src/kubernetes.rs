//! The core kinds that routes and Gateways refer to. Fields that mean nothing here are accepted and dropped
//! (`x-ignored` in the schema).

use crate::format::{self, string_enum};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The label of an EndpointSlice that names its Service.
pub const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// A named set of endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = [
    "clusterIPs", "externalIPs", "sessionAffinity", "sessionAffinityConfig", "loadBalancerIP",
    "loadBalancerSourceRanges", "loadBalancerClass", "externalTrafficPolicy", "internalTrafficPolicy",
    "healthCheckNodePort", "publishNotReadyAddresses", "ipFamilies", "ipFamilyPolicy",
    "allocateLoadBalancerNodePorts", "trafficDistribution",
]))]
pub struct ServiceSpec {
    /// What kind of Service.
    #[serde(rename = "type", default)]
    pub service_type: ServiceType,
    /// Ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
    /// The address within a cluster; `None` for a headless Service.
    #[serde(rename = "clusterIP", default, skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<String>,
    /// The DNS name that an `ExternalName` Service stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::AnyHostname>")]
    pub external_name: Option<String>,
    /// Labels of its pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
}

string_enum! {
    /// Kinds of Services.
    #[derive(Default)]
    ServiceType {
        /// Reached within the cluster.
        #[default]
        ClusterIp = "ClusterIP",
        /// Reached on a port of every node.
        NodePort = "NodePort",
        /// Reached through a load balancer.
        LoadBalancer = "LoadBalancer",
        /// Another name for a DNS name.
        ExternalName = "ExternalName",
    }
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = ["nodePort"]))]
pub struct ServicePort {
    /// Its name; may be absent when there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub name: Option<String>,
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: TransportProtocol,
    /// What is spoken, such as `kubernetes.io/h2c`, `kubernetes.io/ws` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// The port of the pods, by number or name; `port` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::IntOrString>")]
    pub target_port: Option<IntOrString>,
}

string_enum! {
    /// Transport protocols.
    #[derive(Default)]
    TransportProtocol {
        /// TCP
        #[default]
        Tcp = "TCP",
        /// UDP
        Udp = "UDP",
        /// SCTP
        Sctp = "SCTP",
    }
}

/// A number, or the name of something that has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// A number.
    Int(i64),
    /// A name.
    String(String),
}

/// Endpoints of a Service, which the label [`SERVICE_NAME_LABEL`] names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSliceBody {
    /// What the addresses are.
    pub address_type: EndpointAddressType,
    /// The endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub endpoints: Vec<Endpoint>,
    /// Ports that every endpoint has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub ports: Vec<EndpointPort>,
}

string_enum! {
    /// What the addresses of an EndpointSlice are.
    EndpointAddressType {
        /// IPv4 addresses.
        Ipv4 = "IPv4",
        /// IPv6 addresses.
        Ipv6 = "IPv6",
        /// DNS names.
        Fqdn = "FQDN",
    }
}

/// An endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = ["hints", "targetRef", "deprecatedTopology"]))]
pub struct Endpoint {
    /// Addresses; they are the same endpoint, and the first one is used.
    #[schemars(length(min = 1, max = 100))]
    pub addresses: Vec<String>,
    /// Its state.
    #[serde(default)]
    pub conditions: EndpointConditions,
    /// Its DNS label under the Service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// The state of an endpoint; what is unknown is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointConditions {
    /// Whether it takes new requests; absent means yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Whether it answers, even while it ends; as `ready` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<bool>,
    /// Whether it is about to end; absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminating: Option<bool>,
}

impl EndpointConditions {
    /// Whether new requests may go there.
    pub fn is_ready(self) -> bool {
        self.ready.unwrap_or(true)
    }

    /// Whether it answers, even while it ends.
    pub fn is_serving(self) -> bool {
        self.serving.unwrap_or(self.is_ready())
    }

    /// Whether it is about to end.
    pub fn is_terminating(self) -> bool {
        self.terminating.unwrap_or(false)
    }
}

/// A port that every endpoint of a slice has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointPort {
    /// The name of the Service's port; absent or empty when that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The port; every one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: TransportProtocol,
    /// What is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

/// Certificates, keys, credentials. `stringData` is merged into `data` when a manifest is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = ["immutable"]))]
pub struct SecretBody {
    /// The type, such as `kubernetes.io/tls`.
    #[serde(rename = "type", default = "opaque")]
    pub secret_type: String,
    /// Values, in base64 in a manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, SecretBytes>,
    /// Values as text, which win over `data`. Empty once a manifest has been read.
    #[serde(default, skip_serializing)]
    pub string_data: BTreeMap<String, SecretText>,
}

fn opaque() -> String {
    "Opaque".to_owned()
}

impl SecretBody {
    /// Moves `stringData` into `data`, as an API server does on writing.
    pub fn merge_string_data(&mut self) {
        for (key, value) in std::mem::take(&mut self.string_data) {
            self.data.insert(key, SecretBytes(value.0.into_bytes().into()));
        }
    }
}

/// Bytes that no log, message or dump may show.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Arc<[u8]>);

impl SecretBytes {
    /// Takes bytes over.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} secret bytes>", self.0.len())
    }
}

impl Serialize for SecretBytes {
    /// Writes a placeholder: a dump of the configuration must not hold keys.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Base64Bytes::deserialize(deserializer).map(|bytes| Self(bytes.0))
    }
}

impl JsonSchema for SecretBytes {
    fn schema_name() -> Cow<'static, str> {
        "SecretBytes".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        format::Base64::json_schema(generator)
    }
}

/// Text that no log, message or dump may show.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SecretText(String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret text>")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}

/// CA certificates and other public data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = ["immutable"]))]
pub struct ConfigMapBody {
    /// Values as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// Values as bytes, in base64 in a manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub binary_data: BTreeMap<String, Base64Bytes>,
}

impl ConfigMapBody {
    /// The value of a key, from either map.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(|text| text.as_bytes()).or_else(|| self.binary_data.get(key).map(|bytes| &*bytes.0))
    }
}

/// CA certificates that everybody in the cluster may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterTrustBundleSpec {
    /// Who signs with them, such as `example.com/signer`; the object's name begins with it then, a colon for each slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer_name: Option<String>,
    /// The certificates, in PEM.
    #[schemars(length(max = 1048576))]
    pub trust_bundle: String,
}

/// Bytes, in base64 in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64Bytes(pub Arc<[u8]>);

impl Base64Bytes {
    /// Reads standard base64 with padding; line breaks and blanks are skipped, as YAML's block scalars bring them.
    pub fn decode(text: &str) -> Option<Self> {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(compact).ok().map(|bytes| Self(bytes.into()))
    }
}

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::decode(&text).ok_or_else(|| serde::de::Error::custom("expected base64"))
    }
}

impl JsonSchema for Base64Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Base64Bytes".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        format::Base64::json_schema(generator)
    }
}

/// A namespace; its labels are in its metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-ignored" = ["spec"]))]
pub struct NamespaceBody {}
