use crate::{BackendKey, BackendTarget, ListenerRef, ObjectName};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

/// A KafkaRoute: one Kafka cluster under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KafkaRoute {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// Listeners that accepted it.
    pub attachments: Vec<KafkaAttachment>,
    /// Bootstrap backends, tried in turn.
    pub backends: Vec<BackendTarget>,
    /// `brokerMapping.brokers[]` by broker id.
    pub brokers: BTreeMap<i32, BrokerOverride>,
    /// Which addresses from the cluster's metadata may be dialled, and how names among them resolve.
    pub broker_addresses: BrokerAddresses,
    /// `TopicMapping` filters; client names and broker names are each unique.
    pub topic_mappings: Vec<TopicMapping>,
    /// `ACLs` filters, all entries in one list. A resource type that an entry names is closed for what no entry allows.
    pub acls: Vec<AclEntry>,
    /// Why no connection may be served (an unresolvable filter); connections are refused.
    pub unserved: Option<String>,
}

/// A KafkaRoute's bond to one listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KafkaAttachment {
    /// A `TlsTerminate` listener.
    pub listener: ListenerRef,
    /// Full bootstrap name, in lower case.
    pub bootstrap: String,
    /// Full name of the brokers with `{brokerId}` in one place, in lower case.
    pub broker_pattern: String,
    /// Full names of brokers that have one of their own.
    pub broker_names: BTreeMap<i32, String>,
}

/// A broker that the route describes by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerOverride {
    /// Dial this backend instead of what the metadata says.
    pub backend: Option<BackendKey>,
}

/// Invariant 7 of the design: what may be dialled of all that a broker can advertise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerAddresses {
    /// Names of Services and EndpointSlice hostnames in the backends' namespaces, in lower case with and without the
    /// cluster's domain; by the port that stands beside the name, the addresses that are meant. A Service's own port leads
    /// to the endpoints' port behind it, which may be another one. They are dialled without DNS.
    pub hosts: BTreeMap<String, BTreeMap<u16, Vec<SocketAddr>>>,
    /// Addresses of endpoints in the backends' namespaces.
    pub endpoints: Vec<SocketAddr>,
    /// Names that may be resolved by DNS, in lower case: a full name, or `.suffix` for everything below it.
    pub names: Vec<String>,
    /// Networks, as address and prefix length.
    pub networks: Vec<(IpAddr, u8)>,
}

/// A `TopicMapping` filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicMapping {
    /// Name of the filter.
    pub name: String,
    /// The clients' topic name or prefix.
    pub client: String,
    /// The brokers' topic name or prefix.
    pub broker: String,
    /// How the names are meant.
    pub kind: MappingKind,
}

/// Meaning of the names of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappingKind {
    /// Whole names.
    Exact,
    /// Beginnings of names.
    Prefix,
}

/// One entry of an `ACLs` filter; patterns are matched against the clients' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// `filter/entry`, for messages.
    pub name: String,
    /// Type of the resource.
    pub resource: AclResource,
    /// Which resources.
    pub pattern: AclPattern,
    /// What may, or may not, be done; at least one.
    pub operations: Vec<AclOperation>,
    /// Kafka principals such as `User:alice`; empty: everybody, known or not.
    pub principals: Vec<String>,
    /// Allow or deny; deny wins.
    pub action: AclAction,
}

/// Kafka's resource types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum AclResource {
    Topic,
    Group,
    Cluster,
    TransactionalId,
    Token,
}

/// A resource pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AclPattern {
    /// The name itself; `*` is every name, as in Kafka.
    Literal(String),
    /// Names that begin so.
    Prefix(String),
    /// Names that match as a whole.
    Regex(String),
}

/// Kafka's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum AclOperation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    CreateTokens,
    DescribeTokens,
    TwoPhaseCommit,
}

/// Effect of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum AclAction {
    Allow,
    Deny,
}
