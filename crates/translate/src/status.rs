//! Statuses, in the shapes of [`resources::status`] and without `lastTransitionTime`: there is no clock here, and who
//! writes a status knows when it changed.

use crate::findings::{Problem, join};
use resources::Key;
use resources::status::{
    Condition, ConditionStatus, GatewayClassStatus, GatewayStatus, ListenerSetStatus, PolicyStatus, RouteStatus,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Status of every object that has one and is ours, by object. Equal statuses of routes are one allocation: thousands of routes
/// say the same.
pub type Statuses = BTreeMap<Key, Arc<Status>>;

/// Fields that change the infrastructure and are not used here (design: "Standalone, precisely").
pub const IGNORED_FIELDS: &str = "sluicegate.dev/IgnoredFields";
/// The object's file, or its certificate, no longer loads; the last good state is served.
pub const LAST_GOOD: &str = "sluicegate.dev/LastGood";
/// `False` when no certificate of a listener covers all names of the route.
pub const CERTIFICATE_COVERAGE: &str = "sluicegate.dev/CertificateCoverage";

/// In a cluster, on Gateways, listeners and parents of routes: true exactly when every connected proxy of the Gateway
/// does what this generation says.
pub const SYNCED: &str = "sluicegate.dev/Synced";

/// Status of one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Status {
    /// Of a GatewayClass.
    GatewayClass(GatewayClassStatus),
    /// Of a Gateway.
    Gateway(GatewayStatus),
    /// Of a ListenerSet.
    ListenerSet(ListenerSetStatus),
    /// Of any route.
    Route(RouteStatus),
    /// Of a policy.
    Policy(PolicyStatus),
}

impl Status {
    /// Every condition anywhere in the status.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::GatewayClass(status) => status.conditions.iter().collect(),
            Self::Gateway(status) => {
                status.conditions.iter().chain(status.listeners.iter().flat_map(|l| &l.conditions)).collect()
            }
            Self::ListenerSet(status) => {
                status.conditions.iter().chain(status.listeners.iter().flat_map(|l| &l.conditions)).collect()
            }
            Self::Route(status) => status.parents.iter().flat_map(|parent| &parent.conditions).collect(),
            Self::Policy(status) => status.ancestors.iter().flat_map(|ancestor| &ancestor.conditions).collect(),
        }
    }

    /// Adds a condition wherever the object's own conditions stand.
    pub(crate) fn push(&mut self, condition: &Condition) {
        let lists: Vec<&mut Vec<Condition>> = match self {
            Self::GatewayClass(status) => vec![&mut status.conditions],
            Self::Gateway(status) => vec![&mut status.conditions],
            Self::ListenerSet(status) => vec![&mut status.conditions],
            Self::Route(status) => status.parents.iter_mut().map(|parent| &mut parent.conditions).collect(),
            Self::Policy(status) => status.ancestors.iter_mut().map(|ancestor| &mut ancestor.conditions).collect(),
        };
        lists.into_iter().for_each(|list| list.push(condition.clone()));
    }
}

/// A condition that holds, with the reason of the same name that the Gateway API gives it.
pub(crate) fn holds(condition_type: &str, generation: i64, message: &str) -> Condition {
    Condition::new(condition_type, ConditionStatus::True, condition_type, message, generation)
}

/// True if there is no problem, else False with the first one's reason and all of their messages.
pub(crate) fn unless(condition_type: &str, generation: i64, problems: &[Problem], fine: &str) -> Condition {
    match problems.first() {
        None => holds(condition_type, generation, fine),
        Some(first) => Condition::new(condition_type, ConditionStatus::False, first.reason, join(problems), generation),
    }
}

/// A condition that is known to be false, for a reason.
pub(crate) fn fails(condition_type: &str, generation: i64, reason: &str, message: impl Into<String>) -> Condition {
    Condition::new(condition_type, ConditionStatus::False, reason, message, generation)
}

/// [`SYNCED`], as it is once the proxies have answered.
pub(crate) fn synced(generation: i64) -> Condition {
    Condition::new(SYNCED, ConditionStatus::True, "Synced", "every proxy serves this generation", generation)
}
