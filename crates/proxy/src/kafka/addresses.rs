//! Which addresses a broker's metadata may send the gateway to (invariant 7 of the design).
//!
//! A broker advertises what it likes; a gateway that dials it all can be steered into the pod network, to the cloud's
//! metadata service or to itself. An address is dialled only if the route declares it.

use snapshot::BrokerAddresses;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};
use thiserror::Error;

/// Why an advertised address is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// Neither an endpoint nor a declared host or network.
    #[error("{0} is not an endpoint of the route's backends, nor under their hosts or networks")]
    NotDeclared(String),
    /// Loopback, link-local, multicast or unspecified, and no declared endpoint.
    #[error("{0} is a loopback, link-local, multicast or unspecified address, and no declared endpoint")]
    Local(String),
    /// One of the gateway's own listeners.
    #[error("{0} is a listener of this gateway")]
    Loop(String),
    /// Not a port.
    #[error("{0} has no valid port")]
    Port(String),
}

impl Refused {
    /// A short word for the metric.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::NotDeclared(_) => "address_not_declared",
            Self::Local(_) => "address_local",
            Self::Loop(_) => "address_is_own_listener",
            Self::Port(_) => "address_without_port",
        }
    }
}

/// How to reach an allowed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Dial one of these; at least one.
    Addresses(Vec<SocketAddr>),
    /// Resolve the name by DNS; what comes back has to pass [`Policy::resolved`].
    Name(String, u16),
}

/// The compiled [`BrokerAddresses`].
#[derive(Debug, Default)]
pub(crate) struct Policy {
    hosts: BTreeMap<String, BTreeMap<u16, Vec<SocketAddr>>>,
    endpoints: Vec<SocketAddr>,
    names: Vec<String>,
    networks: Vec<(IpAddr, u8)>,
}

impl Policy {
    pub(crate) fn new(addresses: &BrokerAddresses) -> Self {
        Self {
            hosts: addresses.hosts.clone(),
            endpoints: addresses.endpoints.iter().copied().map(canonical).collect(),
            names: addresses.names.clone(),
            networks: addresses.networks.clone(),
        }
    }

    /// Judges an advertised address. `own` says whether a socket address is a listener of this gateway.
    pub(crate) fn judge(&self, host: &str, port: i32, own: &dyn Fn(SocketAddr) -> bool) -> Result<Reach, Refused> {
        let shown = || format!("{host}:{port}");
        let port = u16::try_from(port).ok().filter(|&port| port != 0).ok_or_else(|| Refused::Port(shown()))?;
        let host_name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(ip) = host_name.trim_matches(['[', ']']).parse::<IpAddr>() {
            let address = canonical(SocketAddr::new(ip, port));
            self.address(address, false, own)?;
            return Ok(Reach::Addresses(vec![address]));
        }
        let addresses = self.hosts.get(&host_name).and_then(|ports| ports.get(&port));
        if let Some(addresses) = addresses.filter(|addresses| !addresses.is_empty()) {
            if let Some(looping) = addresses.iter().find(|&&one| own(one)) {
                return Err(Refused::Loop(looping.to_string()));
            }
            return Ok(Reach::Addresses(addresses.clone()));
        }
        if self.declares(&host_name) { Ok(Reach::Name(host_name, port)) } else { Err(Refused::NotDeclared(shown())) }
    }

    /// Judges an address that DNS gave for an allowed name.
    pub(crate) fn resolved(
        &self,
        host: &str,
        address: SocketAddr,
        own: &dyn Fn(SocketAddr) -> bool,
    ) -> Result<SocketAddr, Refused> {
        let address = canonical(address);
        // "localhost", written by the user, means what it says.
        let by_name = host == "localhost" || host.ends_with(".localhost");
        match self.address(address, by_name, own) {
            // The name was allowed; only its address could still be a bad one.
            Ok(()) | Err(Refused::NotDeclared(_)) => Ok(address),
            Err(refused) => Err(refused),
        }
    }

    fn address(&self, address: SocketAddr, loopback: bool, own: &dyn Fn(SocketAddr) -> bool) -> Result<(), Refused> {
        if own(address) {
            return Err(Refused::Loop(address.to_string()));
        }
        if self.endpoints.contains(&address) {
            return Ok(());
        }
        if is_local(address.ip()) && !(loopback && address.ip().is_loopback()) {
            return Err(Refused::Local(address.to_string()));
        }
        let known = self.networks.iter().any(|&(network, length)| contains(network, length, address.ip()));
        if known { Ok(()) } else { Err(Refused::NotDeclared(address.to_string())) }
    }

    fn declares(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix('.') {
            Some(_) => host.len() > name.len() && host.ends_with(name.as_str()),
            None => name == host,
        })
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || match ip {
            IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast() || ip.octets().first() == Some(&0),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        }
}

fn contains(network: IpAddr, length: u8, ip: IpAddr) -> bool {
    let (network, ip, width) = match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => (u128::from(network.to_bits()), u128::from(ip.to_bits()), 32),
        (IpAddr::V6(network), IpAddr::V6(ip)) => (network.to_bits(), ip.to_bits(), 128),
        _ => return false,
    };
    let shift = u32::saturating_sub(width, u32::from(length));
    (network ^ ip).checked_shr(shift).unwrap_or_default() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::new(&BrokerAddresses {
            hosts: BTreeMap::from([(
                "broker-0.kafka.default.svc".into(),
                // The Service's port 9094 is the brokers' 9092.
                BTreeMap::from([
                    (9093, vec!["10.0.0.1:9093".parse().unwrap()]),
                    (9094, vec!["10.0.0.1:9092".parse().unwrap()]),
                ]),
            )]),
            endpoints: vec!["127.0.0.1:9092".parse().unwrap(), "10.0.0.1:9092".parse().unwrap()],
            names: vec!["kafka.example.com".into(), ".brokers.example.com".into(), "localhost".into()],
            networks: vec![("10.1.0.0".parse().unwrap(), 16)],
        })
    }

    fn judge(host: &str, port: i32) -> Result<Reach, Refused> {
        policy().judge(host, port, &|address| address.port() == 9999)
    }

    #[test]
    fn endpoints_hosts_networks_and_names_are_dialled() {
        let one = |text: &str| Ok(Reach::Addresses(vec![text.parse().unwrap()]));
        assert_eq!(judge("127.0.0.1", 9092), one("127.0.0.1:9092"));
        assert_eq!(judge("::ffff:127.0.0.1", 9092), one("127.0.0.1:9092"));
        assert_eq!(judge("10.1.2.3", 5), one("10.1.2.3:5"));
        assert_eq!(judge("Broker-0.kafka.default.svc.", 9093), one("10.0.0.1:9093"));
        assert_eq!(judge("broker-0.kafka.default.svc", 9094), one("10.0.0.1:9092"));
        assert_eq!(judge("kafka.example.com", 1), Ok(Reach::Name("kafka.example.com".into(), 1)));
        assert_eq!(judge("b1.brokers.example.com", 1), Ok(Reach::Name("b1.brokers.example.com".into(), 1)));
    }

    #[test]
    fn all_else_is_refused() {
        let cause = |host: &str, port| judge(host, port).unwrap_err().cause();
        assert_eq!(cause("127.0.0.1", 9093), "address_local");
        assert_eq!(cause("169.254.169.254", 80), "address_local");
        assert_eq!(cause("0.0.0.0", 9092), "address_local");
        assert_eq!(cause("fe80::1", 9092), "address_local");
        assert_eq!(cause("10.2.0.1", 9092), "address_not_declared");
        assert_eq!(cause("brokers.example.com", 9092), "address_not_declared");
        // Another port of a known host is another address.
        assert_eq!(cause("broker-0.kafka.default.svc", 9095), "address_not_declared");
        assert_eq!(cause("10.1.0.1", 9999), "address_is_own_listener");
        assert_eq!(cause("10.1.0.1", 0), "address_without_port");
        assert_eq!(cause("10.1.0.1", 70000), "address_without_port");
    }

    #[test]
    fn a_name_does_not_open_loopback() {
        let own = |_: SocketAddr| false;
        let resolved = |host: &str, ip: &str| policy().resolved(host, ip.parse().unwrap(), &own);
        assert!(resolved("kafka.example.com", "127.0.0.1:15000").is_err());
        assert!(resolved("kafka.example.com", "203.0.113.1:9092").is_ok());
        assert!(resolved("localhost", "127.0.0.1:9095").is_ok());
        assert!(resolved("localhost", "169.254.169.254:80").is_err());
    }
}
