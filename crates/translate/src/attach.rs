//! How routes attach to listeners, and what their statuses say: common to all kinds of routes.

use crate::findings::{Problem, closest, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use crate::listener::ListenerState;
use crate::listener_set::{self, SetState};
use crate::status::{holds, unless};
use crate::{CONTROLLER_NAME, Context};
use resources::gateway_api::{GatewayDefaultScope, ParentReference};
use resources::status::{Condition, ConditionStatus, RouteParentStatus, RouteStatus};
use resources::{Code, GATEWAY_GROUP, Key, Kind, ObjectMeta};
use snapshot::ListenerRef;
use std::borrow::Cow;

/// One parentRef that is ours, or a default Gateway.
pub(crate) struct Parent<'a, T> {
    reference: Cow<'a, ParentReference>,
    controller_name: String,
    /// Which Gateway, and by the index of the listener what the bond is; or why there is none.
    pub(crate) bonds: Result<Bonds<T>, Vec<Problem>>,
}

/// A route's bonds to listeners of one Gateway; at least one.
pub(crate) struct Bonds<T> {
    pub(crate) gateway: usize,
    pub(crate) listeners: Vec<(usize, T)>,
}

/// What is common to the routes of all kinds.
#[derive(Clone, Copy)]
pub(crate) struct RouteHead<'a> {
    pub(crate) kind: Kind,
    pub(crate) meta: &'a ObjectMeta,
    pub(crate) parent_refs: &'a [ParentReference],
    /// `useDefaultGateways`.
    pub(crate) default_gateways: Option<GatewayDefaultScope>,
}

impl RouteHead<'_> {
    pub(crate) fn key(&self) -> Key {
        Key { kind: self.kind, namespace: self.meta.namespace.clone(), name: self.meta.name.clone() }
    }
}

/// Finds the listeners for each parentRef. `bind` says what the bond to a listener is that allows the route, or why its
/// hostnames do not fit.
pub(crate) fn attach<'a, T>(
    ctx: &Context<'_>,
    gateways: &[GatewayState<'_>],
    route: RouteHead<'a>,
    mut bind: impl FnMut(&ListenerState<'_>) -> Result<T, Problem>,
) -> Vec<Parent<'a, T>> {
    let parents = route.parent_refs.iter().enumerate();
    let mut parents: Vec<_> =
        parents.filter_map(|(index, reference)| parent(ctx, gateways, route, index, reference, &mut bind)).collect();
    if route.default_gateways == Some(GatewayDefaultScope::All) {
        parents.extend(default_parents(ctx, gateways, route, &mut bind));
    }
    parents
}

/// The default Gateways that take a route which asks for them (GEP-3793). One that does not is not spoken of: the route does
/// not name it. One that it names is its parent already.
fn default_parents<'a, T>(
    ctx: &Context<'_>,
    gateways: &[GatewayState<'_>],
    route: RouteHead<'_>,
    bind: &mut impl FnMut(&ListenerState<'_>) -> Result<T, Problem>,
) -> Vec<Parent<'a, T>> {
    let named = |gateway: &GatewayState<'_>| {
        route.parent_refs.iter().any(|reference| {
            let namespace = reference.namespace.as_deref().unwrap_or(&route.meta.namespace);
            (&*reference.group, &*reference.kind) == (GATEWAY_GROUP, "Gateway")
                && gateway.name.is(namespace, &reference.name)
        })
    };
    let mut parents = Vec::new();
    for (at, gateway) in gateways.iter().enumerate().filter(|(_, gateway)| gateway.is_default() && !named(gateway)) {
        let reference = ParentReference {
            group: GATEWAY_GROUP.to_owned(),
            kind: "Gateway".to_owned(),
            namespace: Some(gateway.name.namespace.to_string()),
            name: gateway.name.name.to_string(),
            section_name: None,
            port: None,
        };
        let path = "spec.useDefaultGateways";
        if let Ok(listeners) = bonds(ctx, gateway, None, route, &reference, path, bind) {
            let (bonds, controller_name) = (Ok(Bonds { gateway: at, listeners }), gateway.controller_name.clone());
            parents.push(Parent { reference: Cow::Owned(reference), controller_name, bonds });
        }
    }
    parents
}

fn parent<'a, T>(
    ctx: &Context<'_>,
    gateways: &[GatewayState<'_>],
    route: RouteHead<'_>,
    index: usize,
    reference: &'a ParentReference,
    bind: &mut impl FnMut(&ListenerState<'_>) -> Result<T, Problem>,
) -> Option<Parent<'a, T>> {
    let path = format!("spec.parentRefs[{index}]");
    let none = |field: &str, message: String, hint: String| {
        let path = format!("{path}{field}");
        vec![Problem::new("NoMatchingParent", Code::NoMatchingParent, path, message, hint)]
    };
    let missing = |problems| {
        // In a cluster nobody answers for what does not exist; in a folder somebody must say so.
        ctx.settings.standalone.then(|| Parent {
            reference: Cow::Borrowed(reference),
            controller_name: CONTROLLER_NAME.to_owned(),
            bonds: Err(problems),
        })
    };
    let namespace = reference.namespace.as_deref().unwrap_or(&route.meta.namespace);
    match (&*reference.group, &*reference.kind) {
        (GATEWAY_GROUP, "Gateway") => {}
        (GATEWAY_GROUP, "ListenerSet") => {
            let Some(set) = ctx.index.resources().get::<resources::ListenerSet>(namespace, &reference.name) else {
                let message = format!("there is no ListenerSet {namespace}/{}", reference.name);
                return missing(none(".name", message, "add a ListenerSet of this name".to_owned()));
            };
            // Whether its Gateway is nobody's, its own status says.
            let at = listener_set::gateway_of(set, gateways)?;
            let gateway = &gateways[at];
            let bonds = match gateway.set_places.get(&object_name(&set.meta)) {
                Some(place) => bonds(ctx, gateway, Some(&gateway.sets[*place]), route, reference, &path, bind)
                    .map(|listeners| Bonds { gateway: at, listeners }),
                None => {
                    let message =
                        format!("Gateway {} does not allow ListenerSet {namespace}/{}", gateway.name, reference.name);
                    Err(none(".name", message, "see the status of the ListenerSet".to_owned()))
                }
            };
            return Some(Parent {
                reference: Cow::Borrowed(reference),
                controller_name: gateway.controller_name.clone(),
                bonds,
            });
        }
        _ => return None,
    }
    let found = gateways.iter().position(|g| g.name.is(namespace, &reference.name));
    let Some(at) = found else {
        if ctx.index.resources().get::<resources::Gateway>(namespace, &reference.name).is_some() {
            // It exists and is nobody's, which its own status says.
            return None;
        }
        let message = format!("there is no Gateway {namespace}/{}", reference.name);
        return missing(none(".name", message, gateway_hint(ctx, namespace, &reference.name)));
    };
    let gateway = &gateways[at];
    let bonds =
        bonds(ctx, gateway, None, route, reference, &path, bind).map(|listeners| Bonds { gateway: at, listeners });
    Some(Parent { reference: Cow::Borrowed(reference), controller_name: gateway.controller_name.clone(), bonds })
}

fn gateway_hint(ctx: &Context<'_>, namespace: &str, name: &str) -> String {
    let known: Vec<String> = ctx.index.resources().gateways.keys().map(|name| name.to_string()).collect();
    let full = format!("{namespace}/{name}");
    let same_name = known.iter().find(|known| known.split_once('/').is_some_and(|(_, n)| n == name));
    match same_name.map(String::as_str).or_else(|| closest(&full, known.iter().map(String::as_str))) {
        Some(name) => format!("did you mean {name}?"),
        None if known.is_empty() => "add a Gateway of this name".to_owned(),
        None => format!("there is {}", known.join(", ")),
    }
}

fn bonds<T>(
    ctx: &Context<'_>,
    gateway: &GatewayState<'_>,
    set: Option<&SetState<'_>>,
    route: RouteHead<'_>,
    reference: &ParentReference,
    path: &str,
    bind: &mut impl FnMut(&ListenerState<'_>) -> Result<T, Problem>,
) -> Result<Vec<(usize, T)>, Vec<Problem>> {
    // A route of the Gateway is none of its sets, and the other way round (GEP-1713).
    let (name, all) = match set {
        Some(set) => (format!("ListenerSet {}", set.name), &gateway.listeners[set.listeners.clone()]),
        None => (format!("Gateway {}", gateway.name), gateway.own()),
    };
    let one = |reason, code, field: &str, message: String, hint: String| {
        vec![Problem::new(reason, code, format!("{path}{field}"), message, hint)]
    };
    let no_parent = |field: &str, message, hint| one("NoMatchingParent", Code::NoMatchingParent, field, message, hint);
    let names = || all.iter().map(|listener| &*listener.spec.name);
    let wanted = |listener: &&ListenerState<'_>| {
        reference.section_name.as_ref().is_none_or(|section| **section == *listener.spec.name)
            && reference.port.is_none_or(|port| port == listener.spec.port)
    };
    let chosen: Vec<_> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let known = format!("there is {}", names().collect::<Vec<_>>().join(", "));
        return Err(match (&reference.section_name, reference.port) {
            (Some(section), _) if !names().any(|name| name == section) => {
                let hint = closest(section, names()).map_or(known, |name| format!("did you mean {name}?"));
                no_parent(".sectionName", format!("{name} has no listener {section}"), hint)
            }
            (_, Some(port)) => {
                let ports: Vec<_> = all.iter().map(|l| l.spec.port.to_string()).collect();
                let hint = format!("its ports: {}", ports.join(", "));
                no_parent(".port", format!("{name} has no such listener on port {port}"), hint)
            }
            _ => no_parent("", format!("{name} has no listener"), known),
        });
    }
    if !gateway.problems.is_empty() {
        return Err(no_parent(
            "",
            format!("Gateway {} is not accepted", gateway.name),
            "mend the Gateway first".into(),
        ));
    }
    let accepted: Vec<_> = chosen.iter().filter(|listener| listener.is_accepted()).collect();
    if accepted.is_empty() {
        let described: Vec<_> = chosen.iter().map(|listener| listener.describe()).collect();
        let message = format!("not accepted on {name}: {}", described.join(", "));
        return Err(no_parent("", message, "mend the listeners first".into()));
    }
    let fits: Vec<_> = accepted.iter().filter(|listener| listener.kinds.contains(&route.kind)).collect();
    if fits.is_empty() {
        let kinds: Vec<_> = accepted
            .iter()
            .map(|l| {
                let kinds: Vec<_> = l.kinds.iter().map(|kind| kind.as_str()).collect();
                format!("{} takes {}", l.describe(), if kinds.is_empty() { "none".into() } else { kinds.join(" and ") })
            })
            .collect();
        let message = format!("no listener of {name} takes routes of kind {}: {}", route.kind, kinds.join(", "));
        let hint = match route.kind {
            Kind::KafkaRoute => "a KafkaRoute needs protocol TLS with mode Terminate",
            Kind::TlsRoute => "a TLSRoute needs protocol TLS",
            _ => "choose another listener, or change its protocol or allowedRoutes.kinds",
        };
        return Err(one("NotAllowedByListeners", Code::NotAllowedByListeners, "", message, hint.to_owned()));
    }
    let allowed: Vec<_> =
        fits.iter().filter(|listener| listener.allows_namespace(ctx, &route.meta.namespace)).collect();
    if allowed.is_empty() {
        let names: Vec<_> = fits.iter().map(|listener| &*listener.spec.name).collect();
        let message = format!(
            "{name} does not allow routes of namespace {} on listener {}",
            route.meta.namespace,
            names.join(", ")
        );
        let hint = "set allowedRoutes.namespaces of the listener";
        return Err(one("NotAllowedByListeners", Code::NotAllowedByListeners, "", message, hint.to_owned()));
    }
    let (mut bonds, mut problems) = (Vec::new(), Vec::new());
    for listener in allowed {
        match bind(listener) {
            Ok(bond) => bonds.push((listener.index, bond)),
            Err(problem) => problems.push(problem),
        }
    }
    if bonds.is_empty() { Err(problems) } else { Ok(bonds) }
}

/// What a route comes to beside its parents.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Why the whole route is not accepted.
    pub(crate) problems: Vec<Problem>,
    /// Why some of its rules are not; the others stand.
    pub(crate) partial: Vec<Problem>,
    /// References that do not resolve.
    pub(crate) ref_problems: Vec<Problem>,
    /// Remarks that change no condition.
    pub(crate) warnings: Vec<Problem>,
    /// Conditions beside those of the API.
    pub(crate) extra: Vec<Condition>,
}

/// Writes a route's status and findings, and counts it where it is attached.
pub(crate) fn finish<T>(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    route: RouteHead<'_>,
    parents: &[Parent<'_, T>],
    verdict: &Verdict,
) {
    let (key, generation) = (route.key(), route.meta.generation);
    let resolved = unless("ResolvedRefs", generation, &verdict.ref_problems, "every reference resolves");
    let mut status = RouteStatus::default();
    let mut attached: Vec<(usize, usize)> = Vec::new();
    for parent in parents {
        let mut conditions = Vec::new();
        match &parent.bonds {
            Err(problems) => {
                conditions.push(unless("Accepted", generation, problems, ""));
                ctx.report_all(&key, problems);
            }
            Ok(_) if !verdict.problems.is_empty() => {
                conditions.push(unless("Accepted", generation, &verdict.problems, ""));
            }
            Ok(bonds) => {
                attached.extend(bonds.listeners.iter().map(|(listener, _)| (bonds.gateway, *listener)));
                conditions.push(holds("Accepted", generation, "the route is attached"));
            }
        }
        conditions.push(resolved.clone());
        if parent.bonds.is_ok() && verdict.problems.is_empty() && !verdict.partial.is_empty() {
            let message = format!("Dropped Rule, answered with 500: {}", join(&verdict.partial));
            let (kind, reason) = ("PartiallyInvalid", "UnsupportedValue");
            conditions.push(Condition::new(kind, ConditionStatus::True, reason, message, generation));
        }
        if parent.bonds.is_ok() {
            conditions.extend(verdict.extra.iter().cloned());
        }
        status.parents.push(RouteParentStatus {
            parent_ref: parent.reference.clone().into_owned(),
            controller_name: parent.controller_name.clone(),
            conditions,
        });
    }
    attached.sort_unstable();
    attached.dedup();
    for (gateway, listener) in attached {
        gateways[gateway].listeners[listener].attached += 1;
    }
    let asks = route.default_gateways == Some(GatewayDefaultScope::All);
    if (route.parent_refs.is_empty() || asks) && parents.is_empty() && ctx.settings.standalone {
        let (path, message, hint) = match asks {
            true => {
                let hint = "set spec.defaultScope of a Gateway whose listeners allow the route, or name a Gateway";
                ("spec.useDefaultGateways", "no default Gateway takes the route, so nothing is served", hint)
            }
            false => ("spec.parentRefs", "the route has no parent, so nothing is served", "name a Gateway"),
        };
        ctx.report(&key, &Problem::new("NoMatchingParent", Code::NoMatchingParent, path, message, hint).warning());
    }
    if parents.is_empty() {
        return;
    }
    for problems in [&verdict.problems, &verdict.partial, &verdict.ref_problems, &verdict.warnings] {
        ctx.report_all(&key, problems);
    }
    ctx.set_route_status(key, status);
}

/// The bonds to listeners that are served, each listener once; `merge` joins two bonds to the same listener.
pub(crate) fn served<'p, T>(
    gateways: &[GatewayState<'_>],
    parents: &'p [Parent<'_, T>],
) -> impl Iterator<Item = (usize, usize, ListenerRef, &'p T)> {
    parents.iter().filter_map(|parent| parent.bonds.as_ref().ok()).flat_map(|bonds| {
        let gateway = &gateways[bonds.gateway];
        bonds.listeners.iter().filter_map(move |(index, bond)| {
            let listener = &gateway.listeners[*index];
            let name = ListenerRef { gateway: gateway.name.clone(), listener: listener.name.clone() };
            gateway.serves(listener).then_some((bonds.gateway, *index, name, bond))
        })
    })
}
