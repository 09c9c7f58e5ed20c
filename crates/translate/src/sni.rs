//! Who owns which server name on a port, across all kinds of routes.
//!
//! Routes claim names in order of precedence (older first, then by namespace and name), so the first claim stands and a
//! later one learns whose it is. Two names clash when some server name could mean both; an exact name inside a wildcard
//! is no clash, since exact comes before wildcard.

use std::collections::BTreeMap;

/// Names that one route wants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ServerName {
    /// A full name.
    Exact(String),
    /// `.example.com` of `*.example.com`; empty for every name.
    Wildcard(String),
    /// Names of brokers: what stands before and behind the id.
    Broker(String, String),
}

/// Names of one port, by owner.
#[derive(Debug, Default)]
pub(crate) struct Claims<'a> {
    names: BTreeMap<ServerName, &'a str>,
    /// The broker patterns among them, which an exact name has to be compared with one by one.
    brokers: Vec<(ServerName, &'a str)>,
}

impl<'a> Claims<'a> {
    /// Who owns a name that clashes with `name`, other than `claimant` itself.
    pub(crate) fn owner(&self, name: &ServerName, claimant: &str) -> Option<&'a str> {
        let same = self.names.get(name).copied().filter(|owner| *owner != claimant);
        same.or_else(|| match name {
            ServerName::Wildcard(_) => None,
            ServerName::Exact(_) => first_clash(self.brokers.iter().map(|(n, o)| (n, *o)), name, claimant),
            ServerName::Broker(..) => first_clash(self.names.iter().map(|(n, o)| (n, *o)), name, claimant),
        })
    }

    /// Notes a claim that nobody else's stands against.
    pub(crate) fn insert(&mut self, name: ServerName, owner: &'a str) {
        if matches!(name, ServerName::Broker(..)) {
            self.brokers.push((name.clone(), owner));
        }
        self.names.entry(name).or_insert(owner);
    }
}

fn first_clash<'a, 'b>(
    mut owned: impl Iterator<Item = (&'b ServerName, &'a str)>,
    name: &ServerName,
    claimant: &str,
) -> Option<&'a str> {
    owned.find(|(one, owner)| *owner != claimant && clash(one, name)).map(|(_, owner)| owner)
}

/// Whether some server name could mean both.
pub(crate) fn clash(a: &ServerName, b: &ServerName) -> bool {
    match (a, b) {
        (ServerName::Broker(prefix, suffix), ServerName::Exact(name))
        | (ServerName::Exact(name), ServerName::Broker(prefix, suffix)) => broker_id(prefix, suffix, name),
        (ServerName::Broker(p1, s1), ServerName::Broker(p2, s2)) => patterns_overlap(p1, s1, p2, s2),
        (a, b) => a == b,
    }
}

fn broker_id(prefix: &str, suffix: &str, name: &str) -> bool {
    let id = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    id.is_some_and(|id| !id.is_empty() && digits(id))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether two patterns, each with digits in one place, have a name in common.
fn patterns_overlap(p1: &str, s1: &str, p2: &str, s2: &str) -> bool {
    let ((p1, s1), (p2, s2)) = if p1.len() <= p2.len() { ((p1, s1), (p2, s2)) } else { ((p2, s2), (p1, s1)) };
    let Some(x) = p2.strip_prefix(p1) else { return false };
    if let Some(y) = s2.strip_suffix(s1) {
        // The first pattern's id reaches over all that the second has more.
        return digits(x) && digits(y);
    }
    let Some(y) = s1.strip_suffix(s2) else { return false };
    if digits(x) && digits(y) {
        return true;
    }
    // The ids do not touch: x = id1 + z, y = z + id2.
    (1..x.len()).filter(|at| x.is_char_boundary(*at)).any(|at| {
        let (id, z) = x.split_at(at);
        digits(id) && y.strip_prefix(z).is_some_and(|id2| !id2.is_empty() && digits(id2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(name: &str) -> ServerName {
        ServerName::Exact(name.into())
    }

    fn broker(pattern: &str) -> ServerName {
        let (prefix, suffix) = pattern.split_once("{}").unwrap();
        ServerName::Broker(prefix.into(), suffix.into())
    }

    #[test]
    fn broker_patterns_clash_with_names_and_with_each_other() {
        for (a, b, expected) in [
            (broker("b-{}-x.y"), exact("b-10-x.y"), true),
            (broker("b-{}-x.y"), exact("b-1a-x.y"), false),
            (broker("b-{}-x.y"), exact("b--x.y"), false),
            (broker("b{}.y"), broker("b{}.y"), true),
            (broker("b{}.y"), broker("b1{}.y"), true),
            (broker("b{}.y"), broker("b{}0.y"), true),
            (broker("b{}-2.y"), broker("b1-{}.y"), true),
            (broker("b{}-x.y"), broker("b1-{}.y"), false),
            (broker("b{}.y"), broker("c{}.y"), false),
            (broker("b{}.y"), broker("b{}.z"), false),
        ] {
            assert_eq!(clash(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(clash(&b, &a), expected, "{b:?} {a:?}");
        }
    }

    #[test]
    fn the_first_claim_stands_and_wildcards_stand_behind_exact_names() {
        let mut claims = Claims::default();
        claims.insert(exact("a.example"), "one");
        assert_eq!(claims.owner(&exact("a.example"), "two"), Some("one"));
        assert_eq!(claims.owner(&exact("a.example"), "one"), None);
        assert_eq!(claims.owner(&ServerName::Wildcard(".example".into()), "two"), None);
        assert_eq!(claims.owner(&broker("b{}.example"), "two"), None);
    }
}
