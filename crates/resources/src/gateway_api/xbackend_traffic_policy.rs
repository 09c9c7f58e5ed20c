//! XBackendTrafficPolicy (GEP-3388, experimental): how requests to a backend are treated, whichever route they come from.

use super::{Duration, SessionPersistence};
use crate::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests to backends are treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XBackendTrafficPolicySpec {
    /// The Services (or other backends) of the same namespace.
    #[schemars(length(min = 1, max = 16))]
    pub target_refs: Vec<LocalPolicyTargetReference>,
    /// How many of the requests may be retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_constraint: Option<RetryConstraint>,
    /// Keeps a client on one endpoint, unless the rule or an XBackend says how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

/// What a policy is for: a whole object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalPolicyTargetReference {
    /// Group of the target; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the target.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the target.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
}

/// A retry budget. A retry is made if either of the two allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryConstraint {
    /// A share of all requests.
    #[serde(default)]
    pub budget: BudgetDetails,
    /// What is allowed in any case.
    #[serde(default = "ten_a_second")]
    pub min_retry_rate: RequestRate,
}

/// A share of the requests of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetDetails {
    /// At most so many of a hundred requests may be retries.
    #[serde(default = "twenty")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: u8,
    /// The time whose requests count, 1 s to 1 h.
    #[serde(default = "ten_seconds")]
    pub interval: Duration,
}

impl Default for BudgetDetails {
    fn default() -> Self {
        Self { percent: twenty(), interval: ten_seconds() }
    }
}

fn twenty() -> u8 {
    20
}

fn ten_seconds() -> Duration {
    Duration::parse("10s").unwrap_or_default()
}

/// So many in so long a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestRate {
    /// How many; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: Option<u32>,
    /// The time, at most an hour; one second when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
}

fn ten_a_second() -> RequestRate {
    RequestRate { count: Some(10), interval: Duration::parse("1s") }
}
