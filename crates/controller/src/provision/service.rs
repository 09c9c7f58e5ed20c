//! Services in front of proxies: their ports, and the addresses that are asked for and given.

use resources::kubernetes::ServiceType;
use resources::status::GatewayStatusAddress;
use resources::{ExternalTrafficPolicy, Gateway, ProxyServiceType, Service, ServiceParameters};
use serde_json::{Value, json};
use snapshot::{Entity, EntityKey, Listener, ListenerProtocol, ObjectName, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation of a Service whose addresses are for the cluster alone (GEP-1651), and the value of `routability` that asks for one.
const ROUTABILITY: &str = "sluicegate.dev/routability";
const CLUSTER: &str = "Cluster";
/// Asks for a DNS name (external-dns).
const HOSTNAME: &str = "external-dns.alpha.kubernetes.io/hostname";

/// The Services of a Gateway: one, or one per address that the Gateway asks for, since a Service can ask for one only. `metadata`
/// is that of the first; the others are named after it.
pub(super) fn services(
    gateway: &Gateway,
    ports: BTreeSet<(u16, &'static str)>,
    asked: &ServiceParameters,
    metadata: &Value,
    selector: &Value,
) -> Vec<Value> {
    let ports: Vec<Value> = ports
        .into_iter()
        .map(|(port, protocol)| {
            let name = format!("{}-{port}", protocol.to_lowercase());
            let mut entry = json!({ "name": name, "port": port, "targetPort": port, "protocol": protocol });
            if let Some(node) = asked.node_ports.iter().find(|node| node.port == port) {
                entry["nodePort"] = json!(node.node_port);
            }
            entry
        })
        .collect();
    let service = |metadata: Value, wanted: &Wanted<'_>| {
        let kind = match wanted.in_cluster {
            true => ProxyServiceType::ClusterIp,
            false => asked.service_type.unwrap_or(ProxyServiceType::LoadBalancer),
        };
        let mut spec = json!({ "type": kind, "selector": selector, "ports": ports });
        if kind != ProxyServiceType::ClusterIp {
            spec["externalTrafficPolicy"] =
                json!(asked.external_traffic_policy.unwrap_or(ExternalTrafficPolicy::Local));
        }
        if let (Some(class), ProxyServiceType::LoadBalancer) = (&asked.load_balancer_class, kind) {
            spec["loadBalancerClass"] = json!(class);
        }
        if let Some(address) = wanted.address {
            let field = if wanted.in_cluster { "clusterIP" } else { "loadBalancerIP" };
            spec[field] = json!(address);
        }
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec })
    };
    let names: Vec<&str> = by_value(gateway, "Hostname").collect();
    let name = metadata["name"].as_str().unwrap_or_default();
    let services = wanted(gateway).into_iter().enumerate().map(|(i, wanted)| {
        let mut metadata = metadata.clone();
        if i == 0 && !names.is_empty() {
            metadata["annotations"][HOSTNAME] = json!(names.join(","));
        }
        if i > 0 {
            let suffix = format!("-{}", i + 1);
            metadata["name"] = json!(super::short(name, super::NAME - suffix.len()) + &suffix);
        }
        if wanted.in_cluster {
            metadata["annotations"][ROUTABILITY] = json!(CLUSTER);
        }
        service(metadata, &wanted)
    });
    services.collect()
}

/// What one Service is for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    /// `None`: any.
    address: Option<&'a str>,
    in_cluster: bool,
}

/// One Service for each address that is asked for, at least one.
fn wanted(gateway: &Gateway) -> Vec<Wanted<'_>> {
    let mut all: Vec<Wanted<'_>> = Vec::new();
    for asked in gateway.spec.addresses.iter().filter(|address| address.address_type == "IPAddress") {
        let address = asked.value.as_deref().filter(|value| !value.is_empty());
        let wanted = Wanted { address, in_cluster: asked.routability.as_deref() == Some(CLUSTER) };
        if !all.contains(&wanted) {
            all.push(wanted);
        }
    }
    if all.is_empty() {
        all.push(Wanted { address: None, in_cluster: false });
    }
    all
}

/// The addresses that a Gateway asks for by value.
fn by_value<'a>(gateway: &'a Gateway, wanted: &'static str) -> impl Iterator<Item = &'a str> {
    let addresses = gateway.spec.addresses.iter().filter(move |address| address.address_type == wanted);
    addresses.filter_map(|address| address.value.as_deref()).filter(|value| !value.is_empty())
}

/// The listeners that ListenerSets bring and that are served, by Gateway.
pub(super) fn of_listener_sets(snapshot: &Snapshot) -> BTreeMap<ObjectName, Vec<&Listener>> {
    let mut listeners: BTreeMap<ObjectName, Vec<&Listener>> = BTreeMap::new();
    // They stand together in the map.
    let first = EntityKey::ListenerSet(ObjectName::new("", ""));
    for entity in snapshot.entities.range(first..).map(|(_, entity)| entity) {
        let Entity::ListenerSet(set) = entity else { break };
        listeners.entry(set.gateway.clone()).or_default().extend(&set.listeners);
    }
    listeners
}

/// Ports of a Gateway: those of its own listeners, and those of `added` ones.
pub(super) fn ports(gateway: &Gateway, added: &[&Listener]) -> BTreeSet<(u16, &'static str)> {
    let transport = |udp: bool| if udp { "UDP" } else { "TCP" };
    let own = gateway.spec.listeners.iter().map(|listener| (listener.port, transport(listener.protocol == "UDP")));
    let added = added.iter().map(|it| (it.port, transport(it.protocol == ListenerProtocol::Udp)));
    own.chain(added).collect()
}

/// What a Service can be reached at: by its load balancer, or inside the cluster where it has none and asks for none.
pub(super) fn given(service: &Service, status: &Value) -> Vec<GatewayStatusAddress> {
    let ingress = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    let found = ingress.into_iter().flatten().filter_map(|it| {
        let ip = it["ip"].as_str().map(|ip| address("IPAddress", ip));
        ip.or_else(|| it["hostname"].as_str().map(|name| address("Hostname", name)))
    });
    let found: Vec<_> = found.collect();
    match service.spec.cluster_ip.as_deref() {
        Some(ip) if found.is_empty() && service.spec.service_type != ServiceType::LoadBalancer && ip != "None" => {
            let routability = service.meta.annotations.get(ROUTABILITY).cloned();
            vec![GatewayStatusAddress { routability, ..address("IPAddress", ip) }]
        }
        _ => found,
    }
}

fn address(kind: &str, value: &str) -> GatewayStatusAddress {
    GatewayStatusAddress { address_type: Some(kind.to_owned()), value: value.to_owned(), routability: None }
}

/// Of what was given, what a Gateway is reached at, and what it asks for that was not given.
pub(super) fn settle(gateway: &Gateway, given: Vec<GatewayStatusAddress>) -> (Vec<GatewayStatusAddress>, Vec<String>) {
    let has = |value: &str| given.iter().any(|address| address.value == value);
    let missing: Vec<String> = by_value(gateway, "IPAddress").filter(|ip| !has(ip)).map(str::to_owned).collect();
    let names: Vec<_> = by_value(gateway, "Hostname").map(|name| address("Hostname", name)).collect();
    if given.is_empty() || names.is_empty() { (given, missing) } else { (names, missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(addresses: Value) -> Gateway {
        let object = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": { "name": "g" },
            "spec": {
                "gatewayClassName": "c", "addresses": addresses,
                "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP" }],
            },
        });
        let loaded = resources::load([("gateway.json", object.to_string().as_bytes())]);
        assert!(!loaded.has_errors(), "{:?}", loaded.problems);
        let gateway = loaded.resources.gateways.values().next().unwrap();
        Gateway::clone(gateway)
    }

    fn made(addresses: Value) -> Vec<Value> {
        let gateway = gateway(addresses);
        let metadata = json!({ "name": "g-c", "annotations": {} });
        let mut services =
            services(&gateway, ports(&gateway, &[]), &ServiceParameters::default(), &metadata, &json!({}));
        for service in &mut services {
            assert_eq!(service["spec"]["ports"][0]["port"], 80);
            service["spec"]
                .as_object_mut()
                .unwrap()
                .retain(|name, _| ["type", "loadBalancerIP", "clusterIP"].contains(&&**name));
        }
        services.into_iter().map(|service| json!([service["metadata"]["name"], service["spec"]])).collect()
    }

    #[test]
    fn there_is_a_service_for_every_address() {
        assert_eq!(made(json!([])), [json!(["g-c", { "type": "LoadBalancer" }])]);
        let asked = json!([
            { "value": "192.0.2.1" },
            { "type": "IPAddress", "value": "192.0.2.2" },
            { "routability": "Cluster" },
            { "type": "Hostname", "value": "a.example.com" },
        ]);
        let expected = [
            json!(["g-c", { "type": "LoadBalancer", "loadBalancerIP": "192.0.2.1" }]),
            json!(["g-c-2", { "type": "LoadBalancer", "loadBalancerIP": "192.0.2.2" }]),
            json!(["g-c-3", { "type": "ClusterIP" }]),
        ];
        assert_eq!(made(asked), expected);
        let hostname = json!([{ "type": "Hostname", "value": "a.example.com" }]);
        assert_eq!(made(hostname), [json!(["g-c", { "type": "LoadBalancer" }])]);
    }
}
