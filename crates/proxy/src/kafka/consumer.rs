//! The consumers' own bytes inside of the classic group protocol (KIP-429, KIP-792): subscriptions and assignments with
//! topic names, which the broker passes between members without reading.

use super::scope::Scope;
use bytes::Bytes;
use kafka::{
    Str,
    consumer::{Assignment, Subscription},
};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToBroker,
    ToClient,
}

/// Gives `name` the other side's name; whether there is one.
fn rename(scope: &Scope, way: Way, name: &mut Str) -> bool {
    let other = match way {
        Way::ToBroker => scope.filters.names.to_broker(name).map(Str::from),
        Way::ToClient => scope.client_name(name),
    };
    match other {
        Some(other) => {
            *name = other;
            true
        }
        None => false,
    }
}

/// A subscription with the other side's names; topics without one go. Bytes that are no subscription stay as they are.
pub(super) fn subscription(scope: &Scope, way: Way, bytes: &Bytes) -> Bytes {
    let Ok(mut message) = Subscription::from_bytes(bytes.clone()) else { return bytes.clone() };
    message.body.topics.retain_mut(|topic| rename(scope, way, topic));
    message.body.owned_partitions.retain_mut(|owned| rename(scope, way, &mut owned.topic));
    message.to_bytes().unwrap_or_else(|_| bytes.clone())
}

/// An assignment with the other side's names.
pub(super) fn assignment(scope: &Scope, way: Way, bytes: &Bytes) -> Bytes {
    let Ok(mut message) = Assignment::from_bytes(bytes.clone()) else { return bytes.clone() };
    message.body.assigned_partitions.retain_mut(|assigned| rename(scope, way, &mut assigned.topic));
    message.to_bytes().unwrap_or_else(|_| bytes.clone())
}
