//! Server name → what serves it: exact names, then names of Kafka brokers, then wildcards from the longest to the
//! shortest, then any. One table per port, shared by all kinds of routes.

use crate::router::{HostMap, Name};
use snapshot::Hostname;
use std::collections::HashMap;

/// Values by server name.
#[derive(Clone, Debug)]
pub(crate) struct SniTable<V> {
    hosts: HostMap<V>,
    /// What stands before and behind the broker id, joined by `{}` → value. A broker id is the longest run of digits.
    brokers: HashMap<Box<str>, V>,
    /// Patterns with a digit next to the broker id, for which the longest run of digits is not the id.
    odd_brokers: Vec<(Box<str>, Box<str>, V)>,
}

impl<V> Default for SniTable<V> {
    fn default() -> Self {
        Self { hosts: HostMap::default(), brokers: HashMap::new(), odd_brokers: Vec::new() }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'a, V> {
    /// What was put in.
    pub(crate) value: &'a V,
    /// Broker id, if a pattern matched.
    pub(crate) broker: Option<i32>,
}

/// The placeholder in patterns (KafkaRoute, `brokerMapping.hostname`).
const PLACEHOLDER: &str = "{brokerId}";

impl<V> SniTable<V> {
    /// Sets the value of one hostname; the first one stays.
    pub(crate) fn insert(&mut self, hostname: &Hostname, value: V) {
        if self.hosts.get(hostname).is_none() {
            self.hosts.insert(hostname, value);
        }
    }

    /// Sets the value of all broker names; the first one stays. The pattern must hold `{brokerId}` in one place.
    pub(crate) fn insert_brokers(&mut self, pattern: &str, value: V) -> Result<(), &'static str> {
        let Some((before, behind)) = pattern.split_once(PLACEHOLDER) else {
            return Err("the pattern of the broker names has no {brokerId}");
        };
        if behind.contains(PLACEHOLDER) {
            return Err("the pattern of the broker names has more than one {brokerId}");
        }
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        if digit(before.as_bytes().last()) || digit(behind.as_bytes().first()) {
            self.odd_brokers.push((before.into(), behind.into(), value));
        } else {
            self.brokers.entry(format!("{before}{{}}{behind}").into()).or_insert(value);
        }
        Ok(())
    }

    /// Looks up a lower-case server name; `None` for a client that sent none.
    pub(crate) fn get(&self, server_name: Option<&str>) -> Option<Found<'_, V>> {
        let plain = |value| Found { value, broker: None };
        let name = Name::new(server_name.unwrap_or_default());
        let text = name.as_str();
        if let Some(value) = self.hosts.get(&Hostname::Exact(text.to_owned())).filter(|_| !text.is_empty()) {
            return Some(plain(value));
        }
        self.broker(text).or_else(|| self.hosts.matching(&name).next().map(plain))
    }

    fn broker(&self, name: &str) -> Option<Found<'_, V>> {
        if !self.brokers.is_empty() {
            let mut key = String::with_capacity(name.len() + 2);
            for (start, end) in runs_of_digits(name) {
                let Some(broker) = broker_id(&name[start..end]) else { continue };
                key.clear();
                key.extend([&name[..start], "{}", &name[end..]]);
                if let Some(value) = self.brokers.get(key.as_str()) {
                    return Some(Found { value, broker: Some(broker) });
                }
            }
        }
        self.odd_brokers.iter().find_map(|(before, behind, value)| {
            let id = name.strip_prefix(&**before)?.strip_suffix(&**behind)?;
            Some(Found { value, broker: Some(broker_id(id)?) })
        })
    }
}

fn runs_of_digits(name: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = name.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        at = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |run| start + run);
        Some((start, at))
    })
}

/// As Kafka writes it: no sign, no leading zero.
fn broker_id(text: &str) -> Option<i32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> SniTable<&'static str> {
        let mut table = SniTable::default();
        for name in ["*.example.com", "a.example.com", "broker-7.k.example.com", "*.k.example.com"] {
            table.insert(&Hostname::parse(name), name);
        }
        for pattern in ["broker-{brokerId}.k.example.com", "b{brokerId}-x9.example.com", "c1{brokerId}.example.com"] {
            table.insert_brokers(pattern, pattern).unwrap();
        }
        table
    }

    #[test]
    fn exact_before_brokers_before_wildcards() {
        let table = table();
        let get = |name| table.get(Some(name)).map(|found| (*found.value, found.broker));
        assert_eq!(get("a.example.com"), Some(("a.example.com", None)));
        assert_eq!(get("broker-7.k.example.com"), Some(("broker-7.k.example.com", None)));
        assert_eq!(get("broker-12.k.example.com"), Some(("broker-{brokerId}.k.example.com", Some(12))));
        assert_eq!(get("broker-0.k.example.com"), Some(("broker-{brokerId}.k.example.com", Some(0))));
        assert_eq!(get("broker-07.k.example.com"), Some(("*.k.example.com", None)));
        assert_eq!(get("broker-2147483648.k.example.com"), Some(("*.k.example.com", None)));
        assert_eq!(get("b3-x9.example.com"), Some(("b{brokerId}-x9.example.com", Some(3))));
        assert_eq!(get("c142.example.com"), Some(("c1{brokerId}.example.com", Some(42))));
        assert_eq!(get("c1.example.com"), Some(("*.example.com", None)));
        assert_eq!(get("z.example.org"), None);
        assert_eq!(table.get(None), None);
    }

    #[test]
    fn the_first_claim_stays_and_bad_patterns_are_refused() {
        let mut table = table();
        table.insert(&Hostname::parse("a.example.com"), "late");
        table.insert(&Hostname::Any, "any");
        assert_eq!(table.get(Some("a.example.com")).map(|found| *found.value), Some("a.example.com"));
        assert_eq!(table.get(None).map(|found| *found.value), Some("any"));
        assert!(table.insert_brokers("none.example.com", "x").is_err());
        assert!(table.insert_brokers("{brokerId}{brokerId}.example.com", "x").is_err());
    }
}
