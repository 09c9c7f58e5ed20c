//! Names of hosts: exact by hash, wildcards by hash on their suffix, longest first.

use super::Map;
use snapshot::Hostname;

/// Longest name that DNS knows (RFC 1035 2.3.4); a longer one can only be meant by "any".
const MAX_NAME: usize = 253;

/// Values by [`Hostname`].
#[derive(Clone, Debug)]
pub(crate) struct HostMap<V> {
    exact: Map<Box<str>, V>,
    /// By suffix with its leading dot.
    wildcards: Map<Box<str>, V>,
    any: Option<V>,
}

impl<V> Default for HostMap<V> {
    fn default() -> Self {
        Self { exact: Map::default(), wildcards: Map::default(), any: None }
    }
}

impl<V> HostMap<V> {
    /// Sets the value of one hostname and returns the one it had.
    pub(crate) fn insert(&mut self, hostname: &Hostname, value: V) -> Option<V> {
        match hostname {
            Hostname::Exact(name) => self.exact.insert(name.as_str().into(), value),
            Hostname::Wildcard(suffix) => self.wildcards.insert(suffix.as_str().into(), value),
            Hostname::Any => self.any.replace(value),
        }
    }

    /// The value of exactly this hostname.
    pub(crate) fn get(&self, hostname: &Hostname) -> Option<&V> {
        match hostname {
            Hostname::Exact(name) => self.exact.get(name.as_str()),
            Hostname::Wildcard(suffix) => self.wildcards.get(suffix.as_str()),
            Hostname::Any => self.any.as_ref(),
        }
    }

    /// All values whose hostname matches `name`, the most specific first: the name itself, wildcards from the longest to the
    /// shortest, any. The price is one hash per label of `name`, whatever the map holds.
    pub(crate) fn matching<'a, 'n>(&'a self, name: &'n Name) -> impl Iterator<Item = &'a V> + use<'a, 'n, V> {
        let text = name.as_str();
        let exact = if text.is_empty() { None } else { self.exact.get(text) };
        let dots = if self.wildcards.is_empty() { "" } else { text };
        exact
            .into_iter()
            // A wildcard stands for at least one label, so a dot in the first place begins no suffix.
            .chain(
                dots.bytes()
                    .enumerate()
                    .skip(1)
                    .filter(|(_, byte)| *byte == b'.')
                    .filter_map(move |(at, _)| self.wildcards.get(&text[at..])),
            )
            .chain(self.any.as_ref())
    }
}

/// The host of a request as it is looked up: in lower case, without port and without the final dot. Lives on the stack.
pub(crate) struct Name {
    bytes: [u8; MAX_NAME],
    length: usize,
}

impl Name {
    /// From the host of a `Host` header or `:authority`, with or without port. What is longer than any DNS name, or is not
    /// ASCII, becomes the empty name, which only [`Hostname::Any`] matches.
    pub(crate) fn new(authority: &str) -> Self {
        let host = without_port(authority);
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut name = Self { bytes: [0; MAX_NAME], length: 0 };
        if host.len() <= MAX_NAME && host.is_ascii() {
            let bytes = &mut name.bytes[..host.len()];
            bytes.copy_from_slice(host.as_bytes());
            bytes.make_ascii_lowercase();
            name.length = host.len();
        }
        name
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is ever copied in.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// `host` of `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(crate) fn without_port(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.find(']').map_or(authority, |end| &authority[..=end]);
    }
    authority.rfind(':').map_or(authority, |colon| &authority[..colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(hostnames: &[&str], authority: &str) -> Vec<String> {
        let mut map = HostMap::default();
        for hostname in hostnames {
            map.insert(&Hostname::parse(hostname), (*hostname).to_owned());
        }
        map.matching(&Name::new(authority)).cloned().collect()
    }

    #[test]
    fn the_most_specific_hostname_comes_first() {
        let all = ["", "*.com", "*.example.com", "*.b.example.com", "a.b.example.com", "example.com"];
        assert_eq!(
            matching(&all, "a.b.example.com"),
            ["a.b.example.com", "*.b.example.com", "*.example.com", "*.com", ""]
        );
        assert_eq!(matching(&all, "EXAMPLE.com:8080"), ["example.com", "*.com", ""]);
        assert_eq!(matching(&all, "b.example.com."), ["*.example.com", "*.com", ""]);
        assert_eq!(matching(&all, ".example.com"), ["*.com", ""]);
        assert_eq!(matching(&all, ""), [""]);
        assert_eq!(matching(&all, &"a.".repeat(5000)), [""]);
        assert_eq!(matching(&all, "exämple.com"), [""]);
        assert_eq!(matching(&["[::1]", ""], "[::1]:80"), ["[::1]", ""]);
    }
}
