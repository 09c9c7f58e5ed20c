//! Routes that share server names: TLSRoutes and KafkaRoutes, the older first, so that it keeps the names.

use super::{kafka, tls};
use crate::Context;
use crate::backend::Backends;
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::listener::{ListenerState, Protocol};
use crate::sni::{Claims, ServerName, clash};
use resources::Code;
use resources::{KafkaRoute, ObjectMeta, TlsRoute};
use snapshot::Hostname;
use std::collections::BTreeMap;
use std::sync::Arc;

enum Route<'a> {
    Tls(&'a Arc<TlsRoute>),
    Kafka(&'a Arc<KafkaRoute>),
}

impl Route<'_> {
    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Tls(object) => &object.meta,
            Self::Kafka(object) => &object.meta,
        }
    }
}

/// Server names by Gateway and port.
pub(crate) type Ports<'a> = BTreeMap<(usize, u16), Claims<'a>>;

/// Translates every TLSRoute and KafkaRoute.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &mut [GatewayState<'_>], backends: &mut Backends<'_>) {
    let index = ctx.index;
    let objects = index.resources();
    let tls = objects.tls_routes.values().map(Route::Tls);
    let mut routes: Vec<_> = tls.chain(objects.kafka_routes.values().map(Route::Kafka)).collect();
    // The sort is stable: of equal age and name, the TLSRoute comes first.
    routes.sort_by(|a, b| a.meta().precedence().cmp(&b.meta().precedence()));
    let named: Vec<(String, Route<'_>)> = routes
        .into_iter()
        .map(|route| match &route {
            Route::Tls(object) => (object.key().to_string(), route),
            Route::Kafka(object) => (object.key().to_string(), route),
        })
        .collect();
    let mut ports = Ports::new();
    let mut ranks = tls::Ranks::new();
    // Without a wildcard all names have the same rank.
    if objects.tls_routes.values().any(|it| it.spec.hostnames.iter().any(|name| name.starts_with('*'))) {
        for (name, route) in &named {
            if let Route::Tls(object) = route {
                tls::rank(ctx, gateways, &mut ranks, name, object);
            }
        }
    }
    for (name, route) in &named {
        match route {
            Route::Tls(object) => tls::translate(ctx, gateways, backends, (&mut ports, &ranks), name, object),
            Route::Kafka(object) => kafka::translate(ctx, gateways, backends, &mut ports, name, object),
        }
    }
}

/// How a name stands on a listener.
pub(crate) enum Claim {
    /// Nobody else has it.
    Free,
    /// Another listener, to which the route is attached as well, serves it.
    Elsewhere,
    /// Somebody else has it.
    Taken(String),
}

/// Looks whether `name` may be served on a listener for the route `owner`, which is attached to the listeners `own`.
pub(crate) fn look(
    ports: &mut Ports<'_>,
    gateways: &[GatewayState<'_>],
    (gateway, listener): (usize, usize),
    own: &[usize],
    owner: &str,
    name: &ServerName,
) -> Claim {
    let state = &gateways[gateway];
    let this = &state.listeners[listener];
    let nearer = |other: &&ListenerState<'_>| {
        other.index != listener
            && other.spec.port == this.spec.port
            && state.serves(other)
            && !matches!(other.protocol, Some(Protocol::Http | Protocol::Tcp | Protocol::Udp))
            && specificity(&other.hostname) > specificity(&this.hostname)
            && covers(&other.hostname, name)
    };
    if let Some(other) = state.listeners.iter().find(nearer) {
        return match own.contains(&other.index) {
            true => Claim::Elsewhere,
            false => Claim::Taken(format!("{} of Gateway {}", other.describe(), state.name)),
        };
    }
    match ports.entry((gateway, this.spec.port)).or_default().owner(name, owner) {
        Some(owner) => Claim::Taken(owner.to_owned()),
        None => Claim::Free,
    }
}

/// The problem of a name that is taken.
pub(crate) fn taken(path: &str, name: &str, owner: &str, port: u16) -> Problem {
    let message = format!("{name} on port {port} belongs to {owner}");
    let hint = "choose another name; the more specific hostname has it, then the older object, then the first by namespace and name";
    Problem::new("HostnameConflict", Code::HostnameConflict, path, message, hint)
}

pub(crate) fn specificity(hostname: &Hostname) -> (u8, usize) {
    match hostname {
        Hostname::Any => (0, 0),
        Hostname::Wildcard(suffix) => (1, suffix.len()),
        Hostname::Exact(name) => (2, name.len()),
    }
}

/// Whether a listener's hostname takes (all or, of brokers, some of) a name.
fn covers(hostname: &Hostname, name: &ServerName) -> bool {
    match (hostname, name) {
        (hostname, ServerName::Exact(name)) => hostname.matches(name),
        (Hostname::Exact(exact), broker @ ServerName::Broker(..)) => clash(&ServerName::Exact(exact.clone()), broker),
        (hostname, ServerName::Broker(prefix, suffix)) => hostname.matches(&format!("{prefix}0{suffix}")),
        (Hostname::Wildcard(wide), ServerName::Wildcard(suffix)) => suffix.ends_with(wide.as_str()),
        (_, ServerName::Wildcard(_)) => false,
    }
}
