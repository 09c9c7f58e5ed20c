//! The routes of a port: listener by hostname, then host, path and conditions.

use super::rule::{Red, Rule, Served};
use crate::{
    listener::Listener,
    router::{Candidate, HostMap, Hosts, Name, Path, Paths, Request, find},
};
use snapshot::{EntityKey, Hostname, HttpRoute};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Routes of one port.
#[derive(Debug, Default)]
pub(crate) struct Table {
    listeners: HostMap<Arc<Routes>>,
}

/// Routes of one listener.
#[derive(Debug)]
struct Routes {
    listener: Arc<Listener>,
    hosts: Hosts<Arc<Served>>,
    /// Which routes stand under which hostname, in order of names.
    sources: BTreeMap<Hostname, Vec<EntityKey>>,
    served: HashMap<EntityKey, Vec<Arc<Served>>>,
    /// Of requests that no route takes.
    unmatched: Arc<Red>,
}

/// What [`Table::find`] finds.
#[derive(Debug)]
pub(super) enum Found {
    /// No listener has this hostname.
    NoListener,
    /// No route of the listener takes the request.
    NoRoute { listener: Arc<Listener>, metrics: Arc<Red> },
    /// This rule does.
    Rule {
        listener: Arc<Listener>,
        served: Arc<Served>,
        /// Length of the path prefix that matched.
        prefix: Option<usize>,
    },
}

impl Table {
    /// `listeners`: the HTTP(S) listeners of the port. `routes`: those attached to one of them. `previous` and
    /// `changed`: the table to take unchanged hosts from and the routes that differ from it (`None`: the listeners do,
    /// or there is none).
    pub(crate) fn build(
        listeners: &[Arc<Listener>],
        routes: &BTreeMap<EntityKey, Arc<HttpRoute>>,
        previous: Option<(&Self, &BTreeSet<EntityKey>)>,
    ) -> Self {
        let mut compiled = HashMap::new();
        let mut table = Self::default();
        for listener in listeners {
            let old = previous.and_then(|(table, changed)| {
                let old = table.listeners.get(&listener.hostname)?;
                (old.listener.id == listener.id).then_some((&**old, changed))
            });
            let built = Routes::build(listener, routes, old, &mut compiled);
            // Of two listeners with one hostname the first serves, as the status says of the second.
            if table.listeners.get(&listener.hostname).is_none() {
                table.listeners.insert(&listener.hostname, Arc::new(built));
            }
        }
        table
    }

    /// Counts of a listener's requests that have met no route.
    pub(super) fn unmatched(listener: &Listener) -> Arc<Red> {
        let none: Arc<str> = "".into();
        Arc::new(Red::new(&listener.label, &none, &none))
    }

    /// The rule for a request. The most specific listener decides alone (listener isolation).
    pub(super) fn find(&self, name: &Name, request: &Request<'_>) -> Found {
        let Some(routes) = self.listeners.matching(name).next() else { return Found::NoListener };
        let listener = Arc::clone(&routes.listener);
        match find(&routes.hosts, name, request) {
            None => Found::NoRoute { listener, metrics: Arc::clone(&routes.unmatched) },
            Some(candidate) => Found::Rule {
                listener,
                served: Arc::clone(&candidate.target),
                prefix: match &candidate.condition.path {
                    Path::Prefix(prefix) => Some(prefix.len()),
                    Path::Exact(_) | Path::Regex(_) | Path::Method(_) => None,
                },
            },
        }
    }
}

impl Routes {
    fn build(
        listener: &Arc<Listener>,
        routes: &BTreeMap<EntityKey, Arc<HttpRoute>>,
        old: Option<(&Self, &BTreeSet<EntityKey>)>,
        compiled: &mut HashMap<EntityKey, Vec<Arc<Rule>>>,
    ) -> Self {
        let mut sources: BTreeMap<Hostname, Vec<EntityKey>> = BTreeMap::new();
        let mut served = HashMap::new();
        for (name, route) in routes {
            let attachments = route.attachments.iter().filter(|attachment| attachment.listener == listener.name);
            let hostnames: BTreeSet<_> = attachments.flat_map(|attachment| &attachment.hostnames).collect();
            if hostnames.is_empty() {
                continue;
            }
            for hostname in hostnames {
                sources.entry(hostname.clone()).or_default().push(name.clone());
            }
            let unchanged =
                old.filter(|(_, changed)| !changed.contains(name)).and_then(|(old, _)| old.served.get(name));
            let rules = match unchanged {
                Some(rules) => rules.clone(),
                None => {
                    let so_far = old.and_then(|(old, _)| old.served.get(name)).map_or(&[][..], Vec::as_slice);
                    let rules = compiled.entry(name.clone()).or_insert_with(|| Rule::compile_all(route));
                    rules.iter().map(|rule| Arc::new(Served::new(Arc::clone(rule), listener, so_far))).collect()
                }
            };
            served.insert(name.clone(), rules);
        }
        let mut hosts = HostMap::default();
        for (hostname, names) in &sources {
            let unchanged = old.and_then(|(old, changed)| {
                let same = old.sources.get(hostname) == Some(names) && !names.iter().any(|name| changed.contains(name));
                if same { old.hosts.get(hostname).cloned() } else { None }
            });
            let paths = unchanged.unwrap_or_else(|| {
                let rules = names.iter().filter_map(|name| served.get(name)).flatten();
                let candidates = rules.flat_map(|served: &Arc<Served>| {
                    served
                        .rule
                        .matches()
                        .iter()
                        .map(|condition| Candidate { condition: Arc::clone(condition), target: Arc::clone(served) })
                });
                Arc::new(Paths::build(candidates))
            });
            hosts.insert(hostname, paths);
        }
        let none: Arc<str> = "".into();
        let unmatched = match old {
            Some((old, _)) => Arc::clone(&old.unmatched),
            None => Arc::new(Red::new(&listener.label, &none, &none)),
        };
        Self { listener: Arc::clone(listener), hosts, sources, served, unmatched }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        listener::{ListenerKind, ListenerMetrics},
        telemetry::metrics::Metrics,
    };
    use snapshot::{Attachment, ListenerRef, ObjectName};

    fn route(name: &str, generation: i64, hostnames: &[&str]) -> (EntityKey, Arc<HttpRoute>) {
        let name = ObjectName::new("ns", name);
        let attachment = Attachment {
            listener: ListenerRef { gateway: ObjectName::new("ns", "g"), listener: "l".into() },
            hostnames: hostnames.iter().map(|hostname| Hostname::parse(hostname)).collect(),
        };
        let route = HttpRoute { name: name.clone(), generation, attachments: vec![attachment], rules: vec![] };
        (EntityKey::HttpRoute(name), Arc::new(route))
    }

    /// Invariant 4: one changed route, one host table rebuilt.
    #[test]
    fn a_change_rebuilds_only_the_hosts_it_touches() {
        let label: Arc<str> = "ns/g/l".into();
        let listener = Arc::new(Listener {
            id: 1,
            name: ListenerRef { gateway: ObjectName::new("ns", "g"), listener: "l".into() },
            port: 80,
            bound: 80,
            advertised: 80,
            session_seed: None,
            hostname: Hostname::Any,
            kind: ListenerKind::Http,
            tls: None,
            client_auth: None,
            filters: crate::http::ListenerFilters::default(),
            identities: Vec::new(),
            metrics: ListenerMetrics::new(&Metrics::new(100), &label, ListenerKind::Http),
            label,
        });
        let listeners = [listener];
        let mut routes = BTreeMap::from([route("a", 1, &["a"]), route("b", 1, &["b", "*.c"])]);
        let old = Table::build(&listeners, &routes, None);
        let changed = route("a", 2, &["a", "d"]);
        let names = BTreeSet::from([changed.0.clone()]);
        routes.extend([changed]);
        let new = Table::build(&listeners, &routes, Some((&old, &names)));
        let same = |hostname: &str| {
            let paths = |table: &Table| {
                let routes = Arc::clone(table.listeners.get(&Hostname::Any).unwrap());
                routes.hosts.get(&Hostname::parse(hostname)).cloned()
            };
            match (paths(&old), paths(&new)) {
                (Some(old), Some(new)) => Some(Arc::ptr_eq(&old, &new)),
                (_, new) => new.map(|_| false),
            }
        };
        assert_eq!(["a", "b", "*.c", "d", "e"].map(same), [Some(false), Some(true), Some(true), Some(false), None]);
        let removed = BTreeSet::from([EntityKey::HttpRoute(ObjectName::new("ns", "b"))]);
        routes.retain(|name, _| !removed.contains(name));
        let last = Table::build(&listeners, &routes, Some((&new, &removed)));
        let routes = last.listeners.get(&Hostname::Any).unwrap();
        assert!(routes.hosts.get(&Hostname::parse("b")).is_none() && routes.hosts.get(&Hostname::parse("a")).is_some());
    }
}
