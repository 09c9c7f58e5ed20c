//! What the gateway knows of a route's cluster: where its brokers are and which topic has which id. Everything in it
//! comes from the brokers and can be asked for again; it outlives connections and changes of the route.

use arc_swap::ArcSwap;
use kafka::{Str, Uuid};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Topics known at most; beyond, the table starts anew and unknown ids are asked for.
const MAX_TOPICS: usize = 200_000;
/// Brokers known at most.
const MAX_BROKERS: usize = 10_000;

/// An address as a broker advertises it; not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) host: Str,
    pub(super) port: i32,
}

/// Shared by all workers; reading takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    brokers: ArcSwap<BTreeMap<i32, Address>>,
    topics: ArcSwap<HashMap<Uuid, Str>>,
    open: AtomicBool,
    /// Addresses that are not dialled, as last said in the log.
    refused: Mutex<BTreeMap<i32, Address>>,
    /// Held while the gateway asks.
    pub(super) lookup: tokio::sync::Mutex<super::dial::LookupState>,
}

impl Cluster {
    /// Where a broker says it is.
    pub(super) fn broker(&self, id: i32) -> Option<Address> {
        self.brokers.load().get(&id).cloned()
    }

    /// Keeps what a response says of brokers. `all`: there are no others.
    pub(super) fn learn_brokers(&self, seen: impl IntoIterator<Item = (i32, Address)>, all: bool) {
        let seen: BTreeMap<_, _> = seen
            .into_iter()
            .filter(|(id, address)| *id >= 0 && !address.host.is_empty())
            .take(MAX_BROKERS)
            .map(|(id, address)| (id, Address { host: address.host.detach(), ..address }))
            .collect();
        let known = self.brokers.load();
        let news = seen.iter().any(|(id, address)| known.get(id) != Some(address));
        if !seen.is_empty() && (news || (all && known.len() != seen.len())) {
            self.brokers.rcu(|known| {
                let mut next = if all { BTreeMap::new() } else { (**known).clone() };
                next.extend(seen.iter().map(|(&id, address)| (id, address.clone())));
                next
            });
        }
    }

    /// The brokers' name of a topic id. An id never changes its topic.
    pub(super) fn topic(&self, id: Uuid) -> Option<Str> {
        self.topics.load().get(&id).cloned()
    }

    /// Keeps ids of topics.
    pub(super) fn learn_topics<'a>(&self, seen: impl IntoIterator<Item = (Uuid, &'a Str)>) {
        let known = self.topics.load();
        let news: Vec<_> = seen
            .into_iter()
            .filter(|(id, name)| !id.is_zero() && !name.is_empty() && !known.contains_key(id))
            .map(|(id, name)| (id, name.detach()))
            .collect();
        if !news.is_empty() {
            self.topics.rcu(|known| {
                let full = known.len().saturating_add(news.len()) > MAX_TOPICS;
                let mut next = if full { HashMap::new() } else { (**known).clone() };
                next.extend(news.iter().take(MAX_TOPICS).cloned());
                next
            });
        }
    }

    /// Whether brokers of it have answered a client that did not authenticate by SASL.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }

    pub(super) fn learn_open(&self) {
        if !self.is_open() {
            self.open.store(true, Relaxed);
        }
    }

    /// Whether this refusal of a broker's address is news. Clients come back every second; the log need not.
    pub(super) fn is_new_refusal(&self, id: i32, address: &Address) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() > MAX_BROKERS {
            refused.clear();
        }
        refused.insert(id, address.clone()).as_ref() != Some(address)
    }

    /// Forgets one broker, as nobody answers where it was.
    pub(super) fn forget_broker(&self, id: i32, address: &Address) {
        if self.broker(id).as_ref() == Some(address) {
            self.brokers.rcu(|known| {
                let mut next = (**known).clone();
                next.remove(&id);
                next
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str) -> Address {
        Address { host: host.into(), port: 9092 }
    }

    #[test]
    fn a_whole_list_replaces_and_a_part_adds() {
        let cluster = Cluster::default();
        cluster.learn_brokers([(1, address("a")), (2, address("b")), (-1, address(""))], true);
        cluster.learn_brokers([(3, address("c"))], false);
        assert_eq!(cluster.broker(2), Some(address("b")));
        cluster.learn_brokers([(1, address("a")), (3, address("d"))], true);
        assert_eq!((cluster.broker(2), cluster.broker(3)), (None, Some(address("d"))));
        cluster.learn_brokers([], true);
        assert!(cluster.broker(1).is_some(), "a response without brokers teaches nothing");
        cluster.forget_broker(1, &address("other"));
        assert!(cluster.broker(1).is_some());
        cluster.forget_broker(1, &address("a"));
        assert!(cluster.broker(1).is_none());
    }

    #[test]
    fn a_refused_address_is_news_once() {
        let cluster = Cluster::default();
        assert!(cluster.is_new_refusal(1, &address("a")));
        assert!(!cluster.is_new_refusal(1, &address("a")));
        assert!(cluster.is_new_refusal(2, &address("a")));
        assert!(cluster.is_new_refusal(1, &address("b")));
    }

    #[test]
    fn ids_of_topics_are_kept() {
        let (cluster, name) = (Cluster::default(), Str::from("t"));
        cluster.learn_topics([(Uuid([1; 16]), &name), (Uuid::ZERO, &name)]);
        assert_eq!(cluster.topic(Uuid([1; 16])), Some(name));
        assert_eq!(cluster.topic(Uuid::ZERO), None);
    }
}
