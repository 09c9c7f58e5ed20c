//! Which addresses this gateway listens on, so that it never dials itself.

use arc_swap::ArcSwap;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

/// The addresses that are bound now, shared by all workers.
#[derive(Debug, Default)]
pub(crate) struct Bound(ArcSwap<BTreeSet<SocketAddr>>);

impl Bound {
    /// Replaces them.
    pub(crate) fn set(&self, addresses: impl Iterator<Item = SocketAddr>) {
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        self.0.store(Arc::new(addresses.map(canonical).collect()));
    }

    /// Whether a connection to `address` would come to this gateway. `local`: an address of this machine that is known
    /// already.
    pub(crate) fn leads_here(&self, address: SocketAddr, local: IpAddr) -> bool {
        let ip = address.ip().to_canonical();
        let bound = self.0.load();
        let on_port = || bound.iter().filter(|one| one.port() == address.port()).map(SocketAddr::ip);
        if on_port().any(|one| one == ip) {
            return true;
        }
        // To dial the unspecified address is to dial loopback.
        if ip.is_unspecified() {
            return on_port().any(|one| one.is_loopback() || one.is_unspecified());
        }
        // A socket on `::` takes IPv4, too.
        let all = on_port().any(|one| one.is_unspecified() && (one.is_ipv6() || ip.is_ipv4()));
        all && (ip == local.to_canonical() || is_of_this_machine(ip))
    }
}

/// Whether an address is one of this machine: the kernel would answer it from itself. Sends nothing.
fn is_of_this_machine(ip: IpAddr) -> bool {
    if ip.is_loopback() {
        return true;
    }
    let any: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((ip, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_here(bound: &[&str], address: &str) -> bool {
        let set = Bound::default();
        set.set(bound.iter().map(|one| one.parse().unwrap()));
        set.leads_here(address.parse().unwrap(), "10.0.0.1".parse().unwrap())
    }

    #[test]
    fn one_address_is_bound_and_no_other() {
        let bound = ["127.0.0.1:9092", "10.0.0.1:443"];
        assert!(leads_here(&bound, "127.0.0.1:9092"));
        assert!(leads_here(&bound, "[::ffff:127.0.0.1]:9092"));
        assert!(leads_here(&bound, "0.0.0.0:9092"));
        assert!(!leads_here(&bound, "127.0.7.1:9092"), "a broker on the same port of another loopback address");
        assert!(!leads_here(&bound, "10.0.0.1:9092"));
        assert!(!leads_here(&bound, "127.0.0.1:9093"));
    }

    #[test]
    fn all_addresses_of_this_machine_are_bound() {
        for bound in [["[::]:9092"], ["0.0.0.0:9092"]] {
            assert!(leads_here(&bound, "127.0.7.1:9092"));
            assert!(leads_here(&bound, "10.0.0.1:9092"), "known to be local");
            assert!(leads_here(&bound, "0.0.0.0:9092"));
            assert!(!leads_here(&bound, "192.0.2.1:9092"), "elsewhere");
            assert!(!leads_here(&bound, "127.0.0.1:9093"));
        }
        assert!(leads_here(&["[::]:9092"], "[::1]:9092"));
        assert!(!leads_here(&["0.0.0.0:9092"], "[::1]:9092"));
    }
}
