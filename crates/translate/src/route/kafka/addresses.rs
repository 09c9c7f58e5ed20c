//! Which broker addresses may be dialled (design, invariant 7), and what the names among them stand for.

use crate::index::{Index, Slices};
use resources::kubernetes::{EndpointAddressType, ServicePort, ServiceSpec, TransportProtocol};
use resources::{
    Backend, EndpointSlice, Gateway, GatewayClass, GatewayParameters, GatewayParametersSpec, Kind, Service,
};
use snapshot::{BackendKey, BackendKind, BrokerAddresses, ObjectName};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The addresses that follow from the backends of a route: all Services of their namespaces, and the hosts and networks
/// of the `Backend`s themselves.
pub(crate) fn of(index: &Index<'_>, slices: &Slices<'_>, backends: &[BackendKey]) -> BrokerAddresses {
    let of_kind = |kind| backends.iter().filter(move |key| key.kind == kind);
    let namespaces: BTreeSet<&str> = of_kind(BackendKind::Service).map(|key| &*key.name.namespace).collect();
    let mut hosts = Hosts::default();
    let (mut endpoints, mut names, mut networks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for namespace in namespaces {
        for (name, slices) in slices.of_namespace(namespace) {
            let service = index.resources().get::<Service>(namespace, name).map(|service| &service.spec);
            let headless = service.is_none_or(|service| service.cluster_ip.as_deref() == Some("None"));
            for slice in slices {
                for (hostname, address, service_port) in addresses(slice, service) {
                    endpoints.insert(address);
                    for domain in ["", ".svc", ".svc.cluster.local"] {
                        let name = format!("{name}.{namespace}{domain}").to_ascii_lowercase();
                        if let Some(hostname) = hostname {
                            let host = format!("{hostname}.{name}").to_ascii_lowercase();
                            hosts.add(host, true, address, service_port);
                        }
                        hosts.add(name, headless, address, service_port);
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
        hosts: hosts.finish(),
        endpoints: endpoints.into_iter().collect(),
        names: names.into_iter().collect(),
        networks: networks.into_iter().collect(),
    }
}

/// The networks that the parameters of these Gateways allow: a Gateway's own, else its class's.
pub(crate) fn of_parameters<'a>(
    index: &Index<'_>,
    gateways: impl Iterator<Item = &'a ObjectName>,
) -> BTreeSet<(IpAddr, u8)> {
    let resources = index.resources();
    let find = |group: &str, kind: &str, namespace: &str, name: &str| -> Option<&GatewayParametersSpec> {
        let ours = Kind::find_in_group(group, kind) == Some(Kind::GatewayParameters);
        resources.get::<GatewayParameters>(namespace, name).filter(|_| ours).map(|found| &found.spec)
    };
    let mut networks = BTreeSet::new();
    for name in gateways {
        let Some(gateway) = resources.get::<Gateway>(&name.namespace, &name.name) else { continue };
        let own = gateway.spec.infrastructure.as_ref().and_then(|it| it.parameters_ref.as_ref());
        let own = own.and_then(|it| find(&it.group, &it.kind, &name.namespace, &it.name));
        let class = resources.get::<GatewayClass>("", &gateway.spec.gateway_class_name);
        let class = class.and_then(|class| class.spec.parameters_ref.as_ref());
        let class = class.and_then(|it| find(&it.group, &it.kind, it.namespace.as_deref()?, &it.name));
        let kafka = [own, class].into_iter().flatten().filter_map(|spec| spec.kafka.as_ref());
        if let Some(kafka) = kafka.into_iter().find(|kafka| !kafka.allowed_cidrs.is_empty()) {
            networks.extend(kafka.allowed_cidrs.iter().filter_map(|text| network(text)));
        }
    }
    networks
}

/// By host and advertised port.
type ByPort = BTreeMap<String, BTreeMap<u16, BTreeSet<SocketAddr>>>;

/// What names and ports stand for.
#[derive(Default)]
struct Hosts {
    /// As Kubernetes has it: behind the name of a Service its own ports; behind a headless one, and behind the hostname of
    /// an endpoint, the ports of the endpoints.
    meant: ByPort,
    /// The other way round, where that means nothing else: there is no DNS around a folder that would say otherwise.
    spare: ByPort,
}

impl Hosts {
    /// `direct`: the name stands for the endpoints themselves.
    fn add(&mut self, host: String, direct: bool, address: SocketAddr, service_port: Option<u16>) {
        let insert = |map: &mut ByPort, port: u16| {
            map.entry(host.clone()).or_default().entry(port).or_default().insert(address);
        };
        let of_service = service_port.unwrap_or(address.port());
        let (meant, spare) = if direct { (address.port(), of_service) } else { (of_service, address.port()) };
        insert(&mut self.meant, meant);
        insert(&mut self.spare, spare);
    }

    fn finish(mut self) -> BTreeMap<String, BTreeMap<u16, Vec<SocketAddr>>> {
        for (host, ports) in self.spare {
            let meant = self.meant.entry(host).or_default();
            for (port, addresses) in ports {
                meant.entry(port).or_insert(addresses);
            }
        }
        let list = |ports: BTreeMap<u16, BTreeSet<SocketAddr>>| {
            ports.into_iter().map(|(port, addresses)| (port, addresses.into_iter().collect())).collect()
        };
        self.meant.into_iter().map(|(host, ports)| (host, list(ports))).collect()
    }
}

/// Each address of a slice with each of its ports, the endpoint's hostname, and the Service's port that leads there. An
/// endpoint that is not ready stays: its broker may be the only one that has a partition, and only the client can know.
fn addresses<'a>(
    slice: &'a EndpointSlice,
    service: Option<&ServiceSpec>,
) -> impl Iterator<Item = (Option<&'a str>, SocketAddr, Option<u16>)> {
    let mut ports: Vec<(u16, Option<u16>)> = Vec::new();
    for port in slice.spec.ports.iter().filter(|port| port.protocol == TransportProtocol::Tcp) {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let leads = |of: &&ServicePort| of.protocol == port.protocol && name(&of.name) == name(&port.name);
        let before = ports.len();
        for of in service.iter().flat_map(|service| &service.ports).filter(leads) {
            // Without a number the slice has every port; then the Service's own is meant.
            ports.push((port.port.unwrap_or(of.port), Some(of.port)));
        }
        if ports.len() == before {
            ports.extend(port.port.map(|number| (number, None)));
        }
    }
    slice.spec.endpoints.iter().flat_map(move |endpoint| {
        let ips = endpoint.addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
        let all: Vec<_> = ips
            .flat_map(|ip| ports.iter().map(move |(port, of_service)| (SocketAddr::new(ip, *port), *of_service)))
            .collect();
        all.into_iter().map(|(address, of_service)| (endpoint.hostname.as_deref(), address, of_service))
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
