//! Which broker addresses may be dialled (design, invariant 7), and what the names among them stand for.

use crate::index::{Index, Slices};
use resources::kubernetes::EndpointAddressType;
use resources::{Backend, EndpointSlice};
use snapshot::{BackendKey, BackendKind, BrokerAddresses};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The addresses that follow from the backends of a route: all Services of their namespaces, and the hosts and networks
/// of the `Backend`s themselves.
pub(crate) fn of(index: &Index<'_>, slices: &Slices<'_>, backends: &[BackendKey]) -> BrokerAddresses {
    let of_kind = |kind| backends.iter().filter(move |key| key.kind == kind);
    let namespaces: BTreeSet<&str> = of_kind(BackendKind::Service).map(|key| &*key.name.namespace).collect();
    let mut hosts: BTreeMap<String, BTreeSet<SocketAddr>> = BTreeMap::new();
    let (mut endpoints, mut names, mut networks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for namespace in namespaces {
        for (service, slices) in slices.of_namespace(namespace) {
            for slice in slices {
                for (hostname, address) in addresses(slice) {
                    endpoints.insert(address);
                    for domain in ["", ".svc", ".svc.cluster.local"] {
                        let name = format!("{service}.{namespace}{domain}").to_ascii_lowercase();
                        if let Some(hostname) = hostname {
                            let host = format!("{hostname}.{name}").to_ascii_lowercase();
                            hosts.entry(host).or_default().insert(address);
                        }
                        hosts.entry(name).or_default().insert(address);
                    }
                }
                if slice.spec.address_type == EndpointAddressType::Fqdn {
                    names
                        .extend(slice.spec.endpoints.iter().flat_map(|e| &e.addresses).map(|n| n.to_ascii_lowercase()));
                }
            }
        }
    }
    for key in of_kind(BackendKind::Backend) {
        let Some(backend) = index.resources().get::<Backend>(&key.name.namespace, &key.name.name) else { continue };
        for endpoint in &backend.spec.endpoints {
            names.extend(endpoint.fqdn.iter().map(|fqdn| fqdn.hostname.to_ascii_lowercase()));
            let address = endpoint.ip.as_ref().and_then(|ip| Some((ip.address.parse::<IpAddr>().ok()?, ip.port)));
            // The endpoint itself even if it is loopback; other ports of its host only where the host may be dialled.
            endpoints.extend(address.map(|(ip, port)| SocketAddr::new(ip, port)));
            networks.extend(address.map(|(ip, _)| (ip, whole(ip))));
        }
        networks.extend(backend.spec.allowed_cidrs.iter().filter_map(|text| network(text)));
    }
    BrokerAddresses {
        hosts: hosts.into_iter().map(|(host, addresses)| (host, addresses.into_iter().collect())).collect(),
        endpoints: endpoints.into_iter().collect(),
        names: names.into_iter().collect(),
        networks: networks.into_iter().collect(),
    }
}

/// Each address of a slice with each of its ports, and the endpoint's hostname. An endpoint that is not ready stays: its
/// broker may be the only one that has a partition, and only the client can know.
fn addresses(slice: &Arc<EndpointSlice>) -> impl Iterator<Item = (Option<&str>, SocketAddr)> {
    let ports: Vec<u16> = slice.spec.ports.iter().filter_map(|port| port.port).collect();
    slice.spec.endpoints.iter().flat_map(move |endpoint| {
        let ips = endpoint.addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
        let pairs: Vec<_> = ips.flat_map(|ip| ports.iter().map(move |port| SocketAddr::new(ip, *port))).collect();
        pairs.into_iter().map(|address| (endpoint.hostname.as_deref(), address))
    })
}

fn whole(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// `10.0.0.0/8`; an address alone is itself.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, length) = text.split_once('/').map_or((text, None), |(ip, length)| (ip, Some(length)));
    let ip: IpAddr = ip.parse().ok()?;
    let length = length.map_or(Some(whole(ip)), |length| length.parse().ok())?;
    (length <= whole(ip)).then_some((ip, length))
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn networks_have_a_length_that_fits() {
        assert_eq!(network("10.0.0.0/8"), Some(([10, 0, 0, 0].into(), 8)));
        assert_eq!(network("10.0.0.1"), Some(([10, 0, 0, 1].into(), 32)));
        assert_eq!((network("10.0.0.0/33"), network("x/8"), network("10.0.0.0/")), (None, None, None));
    }
}
