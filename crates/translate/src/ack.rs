//! The proxy's answers over the statuses: pending until it has acknowledged, false where it refused.

use crate::findings::Finding;
use crate::status::{SYNCED, Status, Statuses};
use resources::status::{Condition, ConditionStatus, ListenerStatus, RouteParentStatus};
use resources::{Code, Severity};
use resources::{Key, Kind};
use snapshot::{Ack, Entity, EntityKey, ListenerProtocol, ObjectName, Refusal, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the proxies have said.
#[derive(Debug)]
pub(crate) enum Acks {
    /// One proxy serves every Gateway.
    Shared(Ack),
    /// Each Gateway has its own; a Gateway whose proxies have not all answered is not in it.
    ByGateway(BTreeMap<ObjectName, Ack>),
}

impl Acks {
    /// Up to which revision a Gateway is served.
    fn revision(&self, gateway: &ObjectName) -> u64 {
        match self {
            Self::Shared(ack) => ack.revision,
            Self::ByGateway(acks) => acks.get(gateway).map_or(0, |ack| ack.revision),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Ack> {
        let (shared, own) = match self {
            Self::Shared(ack) => (Some(ack), None),
            Self::ByGateway(acks) => (None, Some(acks.values())),
        };
        shared.into_iter().chain(own.into_iter().flatten())
    }
}

/// Turns statuses as if everything were acknowledged into those of what has been.
pub(crate) fn overlay(
    snapshot: &Snapshot,
    changed_at: &BTreeMap<EntityKey, u64>,
    acks: &Acks,
    statuses: &mut Statuses,
    findings: &mut BTreeSet<Finding>,
) {
    for (key, changed) in changed_at {
        match key {
            EntityKey::Gateway(gateway) if *changed > acks.revision(gateway) => {
                pending(statuses, &object_key(Kind::Gateway, gateway), *changed);
            }
            EntityKey::ListenerSet(set) => {
                let gateway = gateway_of_set(snapshot, set);
                if gateway.is_some_and(|gateway| *changed > acks.revision(gateway)) {
                    pending(statuses, &object_key(Kind::ListenerSet, set), *changed);
                }
            }
            _ => route_pending(snapshot, key, *changed, acks, statuses),
        }
    }
    for ack in acks.all() {
        for refusal in &ack.refusals {
            let changed = changed_at.get(&refusal.entity).copied();
            // What was refused has changed or is gone: the answer to its new form is yet to come.
            if changed.is_none_or(|changed| changed > ack.revision) {
                continue;
            }
            refuse(snapshot, refusal, statuses, findings);
        }
    }
}

/// A status to be changed, apart from those that are equal to it.
fn status_mut<'s>(statuses: &'s mut Statuses, key: &Key) -> Option<&'s mut Status> {
    statuses.get_mut(key).map(Arc::make_mut)
}

fn object_key(kind: Kind, name: &ObjectName) -> Key {
    Key::new(kind, name.namespace.clone(), name.name.clone())
}

/// The object with a status that an entity is made from.
pub(crate) fn object_of(key: &EntityKey) -> Option<Key> {
    match key {
        EntityKey::Gateway(name) => Some(object_key(Kind::Gateway, name)),
        EntityKey::ListenerSet(name) => Some(object_key(Kind::ListenerSet, name)),
        EntityKey::HttpRoute(name) => Some(object_key(Kind::HttpRoute, name)),
        EntityKey::TlsRoute(name) => Some(object_key(Kind::TlsRoute, name)),
        EntityKey::KafkaRoute(name) => Some(object_key(Kind::KafkaRoute, name)),
        _ => None,
    }
}

/// Takes [`SYNCED`] from the parents of a route whose proxies have yet to answer.
fn route_pending(snapshot: &Snapshot, key: &EntityKey, changed: u64, acks: &Acks, statuses: &mut Statuses) {
    // One proxy serves them all: `Programmed` of the Gateway says as much.
    let Acks::ByGateway(_) = acks else { return };
    let Some(key) = object_of(key) else { return };
    let Some(Status::Route(route)) = statuses.get(&key).map(|status| &**status) else { return };
    let behind = |parent: &RouteParentStatus| {
        let namespace = parent.parent_ref.namespace.as_deref().unwrap_or(&key.namespace);
        let name = ObjectName::new(namespace, &*parent.parent_ref.name);
        let gateway = match &*parent.parent_ref.kind {
            "Gateway" => Some(&name),
            "ListenerSet" => gateway_of_set(snapshot, &name),
            _ => None,
        };
        gateway.is_some_and(|gateway| changed > acks.revision(gateway))
    };
    if !route.parents.iter().any(behind) {
        return;
    }
    let Some(Status::Route(route)) = status_mut(statuses, &key) else { return };
    for parent in route.parents.iter_mut().filter(|parent| behind(parent)) {
        unsync(&mut parent.conditions, changed);
    }
}

fn unsync(conditions: &mut [Condition], revision: u64) {
    set(conditions, SYNCED, "Pending", &format!("waiting for the proxies to confirm revision {revision}"));
}

fn gateway_of_set<'s>(snapshot: &'s Snapshot, set: &ObjectName) -> Option<&'s ObjectName> {
    match snapshot.entities.get(&EntityKey::ListenerSet(set.clone())) {
        Some(Entity::ListenerSet(set)) => Some(&set.gateway),
        _ => None,
    }
}

/// Conditions and listeners of a Gateway or a ListenerSet.
fn listeners_mut<'s>(
    statuses: &'s mut Statuses,
    key: &Key,
) -> Option<(&'s mut Vec<Condition>, &'s mut Vec<ListenerStatus>)> {
    match status_mut(statuses, key)? {
        Status::Gateway(status) => Some((&mut status.conditions, &mut status.listeners)),
        Status::ListenerSet(status) => Some((&mut status.conditions, &mut status.listeners)),
        _ => None,
    }
}

fn pending(statuses: &mut Statuses, key: &Key, revision: u64) {
    let Some((conditions, listeners)) = listeners_mut(statuses, key) else { return };
    let lists = std::iter::once(conditions).chain(listeners.iter_mut().map(|l| &mut l.conditions));
    for list in lists {
        unsync(list, revision);
        for condition in list.iter_mut().filter(|condition| condition.condition_type == "Programmed") {
            if condition.status == ConditionStatus::True {
                condition.status = ConditionStatus::Unknown;
                condition.reason = "Pending".into();
                condition.message = format!("waiting for the proxy to confirm revision {revision}");
            }
        }
    }
}

fn refuse(snapshot: &Snapshot, refusal: &Refusal, statuses: &mut Statuses, findings: &mut BTreeSet<Finding>) {
    let mut report = |key: &Key, field: &str| {
        let port = field.ends_with(".port");
        findings.insert(Finding {
            key: key.clone(),
            severity: Severity::Error,
            code: if port { Code::PortUnavailable } else { Code::Refused },
            field_path: field.to_owned(),
            message: refusal.message.clone(),
            hint: String::new(),
        });
    };
    let route = |kind: Kind, name: &ObjectName| object_key(kind, name);
    match &refusal.entity {
        EntityKey::Gateway(name) => {
            let key = object_key(Kind::Gateway, name);
            report(&key, &refusal.field);
            match listener_index(&refusal.field) {
                Some(index) => refuse_listener(statuses, &key, index, &refusal.field, &refusal.message),
                None => refuse_gateway(snapshot, statuses, name, &refusal.field, &refusal.message),
            }
        }
        EntityKey::ListenerSet(name) => {
            let key = object_key(Kind::ListenerSet, name);
            report(&key, &refusal.field);
            if let Some(index) = listener_index(&refusal.field) {
                refuse_listener(statuses, &key, index, &refusal.field, &refusal.message);
            }
        }
        EntityKey::Certificate(secret) => {
            report(&object_key(Kind::Secret, secret), &refusal.field);
            for (key, index) in users(snapshot, secret) {
                let message = format!("Secret {secret}: {}", refusal.message);
                refuse_listener(statuses, &key, index, "tls.certificateRefs", &message);
            }
        }
        EntityKey::HttpRoute(name) => refuse_route(&route(Kind::HttpRoute, name), refusal, statuses, report),
        EntityKey::TlsRoute(name) => refuse_route(&route(Kind::TlsRoute, name), refusal, statuses, report),
        EntityKey::KafkaRoute(name) => refuse_route(&route(Kind::KafkaRoute, name), refusal, statuses, report),
        EntityKey::GrpcRoute(name) => refuse_route(&route(Kind::GrpcRoute, name), refusal, statuses, report),
        EntityKey::TcpRoute(name) => refuse_route(&route(Kind::TcpRoute, name), refusal, statuses, report),
        EntityKey::UdpRoute(name) => refuse_route(&route(Kind::UdpRoute, name), refusal, statuses, report),
        EntityKey::Backend(backend) => {
            let kind = match backend.kind {
                snapshot::BackendKind::Service | snapshot::BackendKind::UdpService => Kind::Service,
                snapshot::BackendKind::Backend => Kind::Backend,
                snapshot::BackendKind::XBackend => Kind::XBackend,
            };
            report(&object_key(kind, &backend.name), &refusal.field);
        }
    }
}

/// The `2` of `spec.listeners[2].port`.
fn listener_index(field: &str) -> Option<usize> {
    field.strip_prefix("spec.listeners[")?.split_once(']')?.0.parse().ok()
}

/// Which listeners of Gateways and ListenerSets show a certificate, by their place.
fn users(snapshot: &Snapshot, secret: &ObjectName) -> Vec<(Key, usize)> {
    let objects = snapshot.entities.values().filter_map(|entity| match entity {
        Entity::Gateway(gateway) => Some((object_key(Kind::Gateway, &gateway.name), &gateway.listeners)),
        Entity::ListenerSet(set) => Some((object_key(Kind::ListenerSet, &set.name), &set.listeners)),
        _ => None,
    });
    let uses = |protocol: &ListenerProtocol| match protocol {
        ListenerProtocol::Https { certificates } | ListenerProtocol::TlsTerminate { certificates } => {
            certificates.contains(secret)
        }
        ListenerProtocol::Http | ListenerProtocol::TlsPassthrough | ListenerProtocol::Tcp | ListenerProtocol::Udp => {
            false
        }
    };
    objects
        .flat_map(|(key, listeners)| listeners.iter().map(move |listener| (key.clone(), listener)))
        .filter(|(_, listener)| uses(&listener.protocol))
        .map(|(key, listener)| (key, listener.index))
        .collect()
}

fn set(conditions: &mut [Condition], condition_type: &str, reason: &str, message: &str) {
    if let Some(condition) = conditions.iter_mut().find(|condition| condition.condition_type == condition_type) {
        condition.status = ConditionStatus::False;
        condition.reason = reason.to_owned();
        condition.message = message.to_owned();
    }
}

fn refuse_listener(statuses: &mut Statuses, key: &Key, index: usize, field: &str, message: &str) {
    let Some((conditions, listeners)) = listeners_mut(statuses, key) else { return };
    let Some(listener) = listeners.get_mut(index) else { return };
    let text = format!("{field}: {message}");
    let port = field.ends_with(".port");
    if port {
        set(&mut listener.conditions, "Accepted", "PortUnavailable", &text);
    }
    set(&mut listener.conditions, "Programmed", if port { "PortUnavailable" } else { "Invalid" }, &text);
    let is_true = |c: &Condition| c.condition_type == "Programmed" && c.status != ConditionStatus::False;
    if listeners.iter().any(|listener| listener.conditions.iter().any(is_true)) {
        if let Some(accepted) = conditions.iter_mut().find(|c| c.condition_type == "Accepted") {
            accepted.reason = "ListenersNotValid".into();
            accepted.message = format!("a listener cannot be served: {text}");
        }
    } else {
        set(conditions, "Accepted", "ListenersNotValid", &text);
        let reason = if key.kind == Kind::ListenerSet { "ListenersNotValid" } else { "Invalid" };
        set(conditions, "Programmed", reason, &text);
    }
}

/// Nothing of a Gateway is served, and nothing of its ListenerSets.
fn refuse_gateway(snapshot: &Snapshot, statuses: &mut Statuses, name: &ObjectName, field: &str, message: &str) {
    let text = format!("{field}: {message}");
    let reason = if field.starts_with("spec.addresses") { "AddressNotUsable" } else { "Invalid" };
    let mut refuse = |key: Key, reason: &str, text: &str| {
        let Some((conditions, listeners)) = listeners_mut(statuses, &key) else { return };
        set(conditions, "Programmed", reason, text);
        listeners.iter_mut().for_each(|listener| set(&mut listener.conditions, "Programmed", "Invalid", text));
    };
    refuse(object_key(Kind::Gateway, name), reason, &text);
    for entity in snapshot.entities.values() {
        if let Entity::ListenerSet(set) = entity
            && set.gateway == *name
        {
            let text = format!("the addresses of Gateway {name} cannot be used");
            refuse(object_key(Kind::ListenerSet, &set.name), "ParentNotProgrammed", &text);
        }
    }
}

fn refuse_route(key: &Key, refusal: &Refusal, statuses: &mut Statuses, mut report: impl FnMut(&Key, &str)) {
    report(key, &refusal.field);
    if let Some(Status::Route(status)) = status_mut(statuses, key) {
        let text = format!("{}: the proxy refused it: {}", refusal.field, refusal.message);
        for parent in &mut status.parents {
            set(&mut parent.conditions, "Accepted", "UnsupportedValue", &text);
        }
    }
}
