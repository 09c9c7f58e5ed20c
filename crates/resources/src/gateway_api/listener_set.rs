//! ListenerSet.

use super::Listener;
use super::shared::{gateway_group, gateway_kind};
use crate::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Listeners for a Gateway of somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerSetSpec {
    /// The Gateway, which must allow ListenerSets of this namespace.
    pub parent_ref: ParentGatewayReference,
    /// The listeners, whose names differ.
    #[schemars(length(min = 1, max = 64))]
    pub listeners: Vec<Listener>,
}

/// The Gateway of a ListenerSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentGatewayReference {
    /// Group of the parent.
    #[serde(default = "gateway_group")]
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the parent.
    #[serde(default = "gateway_kind")]
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the parent.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Namespace of the parent; the ListenerSet's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
}
