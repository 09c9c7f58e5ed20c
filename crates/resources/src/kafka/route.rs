//! KafkaRoute: Kafka connections by server name.

use super::KafkaAcl;
use crate::format::{self, string_enum};
use crate::gateway_api::{BackendObjectReference, GatewayDefaultScope, ParentReference};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Kafka cluster under a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaRouteSpec {
    /// The Gateways and ListenerSets to attach to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub parent_refs: Vec<ParentReference>,
    /// Whether to attach to default Gateways (GEP-3793, experimental).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<GatewayDefaultScope>,
    /// The bootstrap name. One DNS label is completed under each wildcard listener; a full name must lie within the
    /// listener's hostname.
    #[schemars(with = "format::KafkaHostname")]
    pub hostname: String,
    /// Bootstrap servers, tried in turn. Brokers are then dialled at the addresses that their metadata advertises.
    #[schemars(length(min = 1, max = 16))]
    pub backend_refs: Vec<BackendObjectReference>,
    /// The names under which clients see the brokers.
    #[serde(default)]
    pub broker_mapping: BrokerMapping,
    /// What happens to requests and responses; any order of filters gives the same result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub filters: Vec<KafkaRouteFilter>,
}

/// The names under which clients see the brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerMapping {
    /// Pattern of broker names: `{brokerId}` stands for the broker's id and must occur, `{hostname}` for the route's
    /// hostname. The default needs one wildcard certificate only.
    #[serde(default = "default_broker_hostname")]
    #[schemars(with = "format::BrokerHostnamePattern")]
    pub hostname: String,
    /// Single brokers, which win over the pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024))]
    pub brokers: Vec<BrokerMappingEntry>,
    /// One port per broker in place of one name per broker, for listeners without server names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<BrokerPorts>,
}

fn default_broker_hostname() -> String {
    "broker-{brokerId}-{hostname}".to_owned()
}

impl Default for BrokerMapping {
    fn default() -> Self {
        Self { hostname: default_broker_hostname(), brokers: Vec::new(), ports: None }
    }
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerMappingEntry {
    /// The broker's id, unique within the list.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub id: u32,
    /// Its name towards clients, one DNS label or a full name; by the pattern when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::KafkaHostname>")]
    pub hostname: Option<String>,
    /// Where it is dialled, in place of the address that its metadata advertises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_ref: Option<BackendObjectReference>,
}

/// Ports of brokers: broker `id` has port `first + id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerPorts {
    /// The first port.
    #[schemars(range(min = 1, max = 65535))]
    pub first: u16,
    /// How many ports; `first + count` must not pass 65536.
    #[schemars(range(min = 1, max = 1024))]
    pub count: u16,
}

/// One filter: `type` says which, the member of that name holds its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaRouteFilter {
    /// Name of the filter, unique within the route, for statuses and logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub name: Option<String>,
    /// Which filter.
    #[serde(rename = "type")]
    pub filter_type: KafkaRouteFilterType,
    /// Settings of `TopicMapping`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_mapping: Option<TopicMapping>,
    /// Settings of `ACLs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub acls: Option<Vec<KafkaAcl>>,
    /// Settings of `Quota`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<KafkaQuota>,
    /// Settings of `ExtensionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_ref: Option<KafkaExtensionReference>,
}

string_enum! {
    /// Filters of Kafka connections.
    KafkaRouteFilterType {
        /// Another name for a topic.
        TopicMapping = "TopicMapping",
        /// Who may do what.
        Acls = "ACLs",
        /// How much.
        Quota = "Quota",
        /// A filter of another kind.
        ExtensionRef = "ExtensionRef",
    }
}

/// Another name for a topic, or for all topics that begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicMapping {
    /// The topic's name (or its beginning) towards clients.
    #[schemars(with = "format::TopicName")]
    pub client: String,
    /// The topic's name (or its beginning) at the brokers.
    #[schemars(with = "format::TopicName")]
    pub broker: String,
    /// Whether the names are whole or beginnings.
    #[serde(rename = "type", default)]
    pub mapping_type: TopicMappingType,
}

string_enum! {
    /// Whether the names of a mapping are whole.
    #[derive(Default)]
    TopicMappingType {
        /// They are whole names.
        #[default]
        Exact = "Exact",
        /// They are beginnings of names.
        Prefix = "Prefix",
    }
}

/// A limit for each holder of a key; at least one of the three rates is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaQuota {
    /// Who shares one limit.
    pub key: KafkaQuotaKey,
    /// Bytes produced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produce: Option<ByteRate>,
    /// Bytes fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<ByteRate>,
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestRate>,
}

string_enum! {
    /// Who shares one limit.
    KafkaQuotaKey {
        /// All connections of a principal.
        Principal = "Principal",
        /// All connections with a client id.
        ClientId = "ClientId",
        /// One connection.
        Connection = "Connection",
        /// Everything on the route.
        Route = "Route",
    }
}

/// Bytes per second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByteRate {
    /// Bytes per second, at least 1.
    #[schemars(range(min = 1))]
    pub bytes_per_second: u64,
}

/// Requests per second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestRate {
    /// Requests per second, at least 1.
    #[schemars(range(min = 1))]
    pub per_second: u64,
}

/// A reference to a filter of another kind, of the route's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaExtensionReference {
    /// Group of the object. A version behind a slash is tolerated, as the proposal's own manifest has one.
    #[schemars(with = "format::GroupMaybeVersion")]
    pub group: String,
    /// Kind of the object.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
}

impl KafkaExtensionReference {
    /// The group without a version behind it.
    pub fn group_name(&self) -> &str {
        self.group.split_once('/').map_or(&self.group, |(group, _)| group)
    }
}
