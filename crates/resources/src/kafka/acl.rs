//! Access control entries, in Kafka's words.

use crate::format::string_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One entry. Once a route has an entry of a resource type, whatever of that type no entry allows is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaAcl {
    /// Name of the entry, for statuses and logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// What kind of resource.
    #[serde(rename = "type")]
    pub resource_type: KafkaResourceType,
    /// Which resources; every one when absent. Names are the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<KafkaResourcePattern>,
    /// An operation on topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_operation: Option<KafkaOperation>,
    /// An operation on groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_operation: Option<KafkaOperation>,
    /// An operation on the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_operation: Option<KafkaOperation>,
    /// An operation on transactional ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactional_id_operation: Option<KafkaOperation>,
    /// An operation on delegation tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_operation: Option<KafkaOperation>,
    /// Several operations on the same kind of resource, instead of or beside the single one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub operations: Vec<KafkaOperation>,
    /// Principals such as `User:alice`, or `User:*`; everybody when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub principals: Vec<String>,
    /// Whether the entry allows or denies; a denial wins over every allowance.
    #[serde(default)]
    pub action: KafkaAclAction,
}

impl KafkaAcl {
    /// Every operation that the entry names, each once, in the order of the manifest.
    pub fn all_operations(&self) -> Vec<KafkaOperation> {
        let single = [
            self.topic_operation,
            self.group_operation,
            self.cluster_operation,
            self.transactional_id_operation,
            self.token_operation,
        ];
        let mut all: Vec<KafkaOperation> = Vec::new();
        for operation in single.into_iter().flatten().chain(self.operations.iter().copied()) {
            if !all.contains(&operation) {
                all.push(operation);
            }
        }
        all
    }
}

string_enum! {
    /// Kinds of resources that Kafka guards.
    KafkaResourceType {
        /// Topics.
        Topic = "Topic",
        /// Consumer and share groups.
        Group = "Group",
        /// The cluster.
        Cluster = "Cluster",
        /// Transactional ids.
        TransactionalId = "TransactionalId",
        /// Delegation tokens.
        Token = "Token",
    }
}

impl KafkaResourceType {
    /// The operations that Kafka knows for this kind of resource (`AclEntry.supportedOperations`, and `All`).
    pub fn operations(self) -> &'static [KafkaOperation] {
        use KafkaOperation::*;
        match self {
            Self::Topic => &[All, Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs],
            Self::Group => &[All, Read, Delete, Describe, DescribeConfigs, AlterConfigs],
            Self::Cluster => {
                &[All, Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite]
            }
            Self::TransactionalId => &[All, Write, Describe, TwoPhaseCommit],
            Self::Token => &[All, Describe],
        }
    }

    /// The member of [`KafkaAcl`] that names one operation on this kind of resource.
    pub fn operation_member(self) -> &'static str {
        match self {
            Self::Topic => "topicOperation",
            Self::Group => "groupOperation",
            Self::Cluster => "clusterOperation",
            Self::TransactionalId => "transactionalIdOperation",
            Self::Token => "tokenOperation",
        }
    }
}

string_enum! {
    /// Operations of Kafka's authorizer.
    KafkaOperation {
        /// Every one.
        All = "All",
        /// Fetch records, commit offsets.
        Read = "Read",
        /// Produce records.
        Write = "Write",
        /// Create topics.
        Create = "Create",
        /// Delete topics, groups, records.
        Delete = "Delete",
        /// Change partitions, reassign, write ACLs.
        Alter = "Alter",
        /// See that it exists and how it is.
        Describe = "Describe",
        /// What only brokers do.
        ClusterAction = "ClusterAction",
        /// See the configuration.
        DescribeConfigs = "DescribeConfigs",
        /// Change the configuration.
        AlterConfigs = "AlterConfigs",
        /// Produce with idempotence (before Kafka 3.0).
        IdempotentWrite = "IdempotentWrite",
        /// Take part in two-phase commit (KIP-939).
        TwoPhaseCommit = "TwoPhaseCommit",
    }
}

string_enum! {
    /// Whether an entry allows or denies.
    #[derive(Default)]
    KafkaAclAction {
        /// It allows.
        #[default]
        Allow = "Allow",
        /// It denies, whatever else allows.
        Deny = "Deny",
    }
}

/// Which resources an entry is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaResourcePattern {
    /// How to compare.
    #[serde(rename = "type")]
    pub pattern_type: KafkaPatternType,
    /// The name (`*` for every one), the beginning of the name, or a regular expression for the whole name.
    #[schemars(length(min = 1, max = 1024))]
    pub expression: String,
}

string_enum! {
    /// How the name of a resource is compared.
    KafkaPatternType {
        /// Equal; `*` means every name.
        Literal = "LITERAL",
        /// Begins with.
        Prefix = "PREFIX",
        /// The whole name matches the regular expression.
        Regex = "REGEX",
    }
}
