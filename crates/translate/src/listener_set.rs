//! ListenerSets (GEP-1713): which Gateway takes them, and what their statuses say. Their listeners stand behind those of the
//! Gateway, the older set first, and are served like them; what refers to them is in the set's own namespace.

use crate::Context;
use crate::findings::Problem;
use crate::gateway::{GatewayState, listener_status};
use crate::index::object_name;
use crate::listener::{self, Owner};
use crate::status::{Status, fails, holds, unless};
use resources::gateway_api::FromListenerNamespaces;
use resources::status::{Condition, ConditionStatus, ListenerSetStatus};
use resources::{Code, GATEWAY_GROUP, Key, Kind, ListenerSet};
use snapshot::ObjectName;
use std::ops::Range;
use std::sync::Arc;

/// A ListenerSet that its Gateway allows.
pub(crate) struct SetState<'a> {
    pub(crate) object: &'a Arc<ListenerSet>,
    pub(crate) key: Key,
    pub(crate) name: ObjectName,
    /// Its listeners among those of the Gateway.
    pub(crate) listeners: Range<usize>,
}

/// The Gateway that a set names, among ours.
pub(crate) fn gateway_of(object: &ListenerSet, gateways: &[GatewayState<'_>]) -> Option<usize> {
    let parent = &object.spec.parent_ref;
    if (&*parent.group, &*parent.kind) != (GATEWAY_GROUP, "Gateway") {
        return None;
    }
    let namespace = parent.namespace.as_deref().unwrap_or(&object.meta.namespace);
    gateways.iter().position(|gateway| gateway.name.is(namespace, &parent.name))
}

/// Adds the listeners of all sets to their Gateways, in order of precedence.
pub(crate) fn attach<'a>(ctx: &mut Context<'a>, gateways: &mut [GatewayState<'a>]) {
    let mut objects: Vec<&'a Arc<ListenerSet>> = ctx.index.resources().listener_sets.values().collect();
    objects.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
    for object in objects {
        let Some(at) = gateway_of(object, gateways) else {
            nobodys(ctx, object);
            continue;
        };
        let gateway = &mut gateways[at];
        if !is_allowed(ctx, gateway, object) {
            refuse(ctx, gateway, object);
            continue;
        }
        let name = object_name(&object.meta);
        let start = gateway.listeners.len();
        let owner = Owner {
            kind: Kind::ListenerSet,
            namespace: &object.meta.namespace,
            set: Some((gateway.sets.len(), &name)),
        };
        for (place, spec) in object.spec.listeners.iter().enumerate() {
            let state = listener::listener(ctx, owner, &gateway.frontend, (gateway.listeners.len(), place), spec);
            gateway.listeners.push(state);
        }
        let listeners = start..gateway.listeners.len();
        gateway.set_places.insert(name.clone(), gateway.sets.len());
        gateway.sets.push(SetState { object, key: object.key(), name, listeners });
    }
}

fn is_allowed(ctx: &Context<'_>, gateway: &GatewayState<'_>, object: &ListenerSet) -> bool {
    let Some(allowed) = &gateway.object.spec.allowed_listeners else { return false };
    match allowed.namespaces.from {
        FromListenerNamespaces::All => true,
        FromListenerNamespaces::Same => *object.meta.namespace == *gateway.name.namespace,
        FromListenerNamespaces::None => false,
        // As in Kubernetes, no selector selects nothing.
        FromListenerNamespaces::Selector => {
            let selector = allowed.namespaces.selector.as_ref();
            selector.is_some_and(|selector| selector.matches(&ctx.namespace_labels(&object.meta.namespace)))
        }
    }
}

fn refuse(ctx: &mut Context<'_>, gateway: &GatewayState<'_>, object: &ListenerSet) {
    let message = format!("Gateway {} does not allow ListenerSets of this namespace", gateway.name);
    let hint = "set spec.allowedListeners of the Gateway";
    let problem = Problem::new("NotAllowed", Code::NotAllowedByListeners, "spec.parentRef", message, hint);
    let generation = object.meta.generation;
    let conditions = vec![
        fails("Accepted", generation, problem.reason, problem.to_string()),
        fails("Programmed", generation, problem.reason, "see Accepted"),
    ];
    ctx.report(&object.key(), &problem);
    ctx.set_status(object.key(), Status::ListenerSet(ListenerSetStatus { conditions, listeners: Vec::new() }));
}

/// A set whose Gateway is not ours, or not there at all: in a folder somebody must say so.
fn nobodys(ctx: &mut Context<'_>, object: &ListenerSet) {
    let parent = &object.spec.parent_ref;
    let namespace = parent.namespace.as_deref().unwrap_or(&object.meta.namespace);
    if !ctx.settings.standalone {
        return;
    }
    let message = match ctx.index.resources().get::<resources::Gateway>(namespace, &parent.name) {
        Some(_) => format!("Gateway {namespace}/{} is not served", parent.name),
        None => format!("there is no Gateway {namespace}/{}", parent.name),
    };
    let hint = "name a Gateway that is served";
    let problem = Problem::new("Pending", Code::NoMatchingParent, "spec.parentRef.name", message, hint);
    let text = format!("Waiting for controller. {problem}");
    let pending =
        |kind: &str| Condition::new(kind, ConditionStatus::Unknown, "Pending", text.clone(), object.meta.generation);
    let conditions = vec![pending("Accepted"), pending("Programmed")];
    ctx.report(&object.key(), &problem);
    ctx.set_status(object.key(), Status::ListenerSet(ListenerSetStatus { conditions, listeners: Vec::new() }));
}

/// Writes the statuses of a Gateway's sets as they are once the proxy has confirmed them. Returns how many are accepted.
pub(crate) fn finish(ctx: &mut Context<'_>, gateway: &GatewayState<'_>) -> i32 {
    let mut accepted_sets = 0;
    for set in &gateway.sets {
        let generation = set.object.meta.generation;
        let listeners = &gateway.listeners[set.listeners.clone()];
        let bad: Vec<&str> = listeners.iter().filter(|l| !l.is_served()).map(|l| &*l.spec.name).collect();
        let not_valid = format!("listeners that cannot be served, see their conditions: {}", bad.join(", "));
        let (accepted, programmed) = if !gateway.problems.is_empty() {
            let message = format!("Gateway {} is not accepted", gateway.name);
            (
                fails("Accepted", generation, "ParentNotAccepted", message),
                fails("Programmed", generation, "ParentNotProgrammed", "see Accepted"),
            )
        } else if bad.len() == listeners.len() {
            (
                fails("Accepted", generation, "ListenersNotValid", &*not_valid),
                fails("Programmed", generation, "ListenersNotValid", "see Accepted"),
            )
        } else {
            accepted_sets += 1;
            let accepted = match bad.is_empty() {
                true => unless("Accepted", generation, &[], "every listener is valid"),
                false => Condition::new("Accepted", ConditionStatus::True, "ListenersNotValid", not_valid, generation),
            };
            (accepted, holds("Programmed", generation, "the proxy serves this generation"))
        };
        for problem in listeners.iter().flat_map(|listener| listener.problems()) {
            ctx.report(&set.key, problem);
        }
        let listeners = listeners.iter().map(|listener| listener_status(gateway, generation, listener)).collect();
        let status = ListenerSetStatus { conditions: vec![accepted, programmed], listeners };
        ctx.set_status(set.key.clone(), Status::ListenerSet(status));
    }
    accepted_sets
}
