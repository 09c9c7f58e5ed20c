//! Listeners that cannot be told apart, and those whose names overlap, within a Gateway and its ListenerSets.

use crate::findings::Problem;
use crate::listener::{ListenerState, Protocol};
use resources::Code;
use snapshot::Hostname;
use std::collections::HashMap;

/// Who has a port.
struct Held {
    first: usize,
    hostnames: HashMap<Hostname, usize>,
}

/// Listeners of one object that cannot be told apart: none of them wins (Gateway API, "distinct listeners"). Of several
/// objects the first wins: the Gateway, then its ListenerSets in the order of `listeners` (GEP-1713). A listener that has
/// lost takes nothing from those behind it.
pub(crate) fn find_conflicts(listeners: &mut [ListenerState<'_>]) {
    let mut held: HashMap<(bool, u16), Held> = HashMap::new();
    let mut start = 0;
    while start < listeners.len() {
        let end = start + listeners[start..].iter().take_while(|other| other.set == listeners[start].set).count();
        for i in start..end {
            let this = &listeners[i];
            let Some(held) = held.get(&port(this)) else { continue };
            let same_layer = layer(this) == layer(&listeners[held.first]);
            let other =
                if same_layer && by_hostname(this) { held.hostnames.get(&this.hostname) } else { Some(&held.first) };
            listeners[i].conflict = other.and_then(|other| conflict(this, &listeners[*other]));
        }
        let lost: Vec<bool> = listeners[start..end].iter().map(|listener| listener.conflict.is_some()).collect();
        let standing = || (start..end).filter(|i| !lost[i - start]);
        for i in standing() {
            let others = standing().filter(|j| *j != i);
            listeners[i].conflict = others.filter_map(|j| conflict(&listeners[i], &listeners[j])).next();
        }
        for i in standing().filter(|i| layer(&listeners[*i]).is_some()) {
            let this = &listeners[i];
            let held = held.entry(port(this)).or_insert_with(|| Held { first: i, hostnames: HashMap::new() });
            held.hostnames.entry(this.hostname.clone()).or_insert(i);
        }
        start = end;
    }
}

fn layer(listener: &ListenerState<'_>) -> Option<&'static str> {
    Some(match listener.spec.protocol.as_str() {
        "HTTP" => "plain HTTP",
        "HTTPS" | "TLS" => "TLS",
        "TCP" => "TCP",
        "UDP" => "UDP",
        _ => return None,
    })
}

fn by_hostname(listener: &ListenerState<'_>) -> bool {
    matches!(layer(listener), Some("plain HTTP" | "TLS"))
}

/// UDP ports are ports of their own.
fn port(listener: &ListenerState<'_>) -> (bool, u16) {
    (layer(listener) == Some("UDP"), listener.spec.port)
}

fn conflict(this: &ListenerState<'_>, other: &ListenerState<'_>) -> Option<Problem> {
    let (mine, theirs) = (layer(this)?, layer(other)?);
    if port(this) != port(other) {
        return None;
    }
    let path = format!("spec.listeners[{}]", this.place);
    if mine == theirs && by_hostname(this) {
        if this.hostname != other.hostname {
            return None;
        }
        let message = match &this.hostname {
            Hostname::Any => format!("{} has the same port and no hostname either", name(this, other)),
            _ => format!("{} has the same port and hostname", name(this, other)),
        };
        let hint = "give each a hostname or a port of its own";
        let path = format!("{path}.hostname");
        return Some(Problem::new("HostnameConflict", Code::IndistinctListeners, path, message, hint));
    }
    let message = format!("{} wants {theirs} on the same port {}", name(this, other), other.spec.port);
    let hint = "give each a port of its own";
    Some(Problem::new("ProtocolConflict", Code::IndistinctListeners, format!("{path}.protocol"), message, hint))
}

/// A listener as the owner of `this` may know it: nothing is told of other ListenerSets.
fn name(this: &ListenerState<'_>, other: &ListenerState<'_>) -> String {
    match other.set {
        set if set == this.set => format!("listener {}", other.spec.name),
        None => format!("listener {} of the Gateway", other.spec.name),
        Some(_) => "a listener of another ListenerSet".to_owned(),
    }
}

/// Listeners that end TLS on one port with overlapping hostnames: browsers may reuse a connection across them.
pub(crate) fn find_overlaps(listeners: &mut [ListenerState<'_>]) {
    let ends_tls = |l: &ListenerState<'_>| l.is_accepted() && l.protocol.is_some_and(Protocol::terminates_tls);
    let ending = || (0..listeners.len()).filter(|i| ends_tls(&listeners[*i]));
    // Without conflicts each name of a port is there once.
    let names: HashMap<(u16, &Hostname), usize> =
        ending().map(|i| ((listeners[i].spec.port, &listeners[i].hostname), i)).collect();
    let mut overlaps: HashMap<usize, usize> = HashMap::new();
    for i in ending() {
        let this = &listeners[i];
        for wider in wider(&this.hostname) {
            let Some(other) = names.get(&(this.spec.port, &wider)).copied() else { continue };
            for (one, another) in [(i, other), (other, i)] {
                let first = overlaps.entry(one).or_insert(another);
                *first = another.min(*first);
            }
        }
    }
    for (i, other) in overlaps {
        let other = &listeners[other];
        let described = match other.set {
            set if set == listeners[i].set => other.describe(),
            None => format!("{} of the Gateway", other.describe()),
            Some(_) => "a listener of another ListenerSet".to_owned(),
        };
        let message = format!("the hostnames overlap with those of {described} on the same port");
        let hint = "a client may send requests for one over a connection of the other";
        let path = format!("spec.listeners[{}].hostname", listeners[i].place);
        let problem = Problem::new("OverlappingHostnames", Code::OverlappingTls, path, message, hint).warning();
        listeners[i].overlap = Some(problem);
    }
}

/// Every other hostname that stands for all names of this one.
fn wider(hostname: &Hostname) -> Vec<Hostname> {
    let mut rest = match hostname {
        Hostname::Any => return Vec::new(),
        Hostname::Exact(name) => name.as_str(),
        Hostname::Wildcard(suffix) => suffix.strip_prefix('.').unwrap_or(suffix),
    };
    let mut all = Vec::new();
    while let Some(at) = rest.find('.') {
        all.push(Hostname::Wildcard(rest[at..].to_owned()));
        rest = &rest[at + 1..];
    }
    all.push(Hostname::Any);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_names_are_those_that_intersect() {
        let all = ["", "*.com", "*.b.com", "*.a.b.com", "a.b.com", "c.a.b.com", "b.com", "*.org"].map(Hostname::parse);
        for one in &all {
            for other in all.iter().filter(|other| *other != one) {
                let overlap = wider(one).contains(other) || wider(other).contains(one);
                assert_eq!(one.intersect(other).is_some(), overlap, "{one} {other}");
            }
        }
    }
}
