//! ReferenceGrant.

use crate::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Leave for objects of other namespaces to refer to objects of this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantSpec {
    /// Who may refer: any one of these.
    #[schemars(length(min = 1, max = 16))]
    pub from: Vec<ReferenceGrantFrom>,
    /// To what: any one of these.
    #[schemars(length(min = 1, max = 16))]
    pub to: Vec<ReferenceGrantTo>,
}

/// Who may refer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantFrom {
    /// Group of the referrer.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the referrer.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Namespace of the referrer.
    #[schemars(with = "format::NamespaceName")]
    pub namespace: String,
}

/// What may be referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantTo {
    /// Group of the object; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the object.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object; every one of the kind when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::ObjectName>")]
    pub name: Option<String>,
}
