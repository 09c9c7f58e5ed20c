//! Services in front of proxies: their ports, and the addresses that are asked for and given.

use resources::Gateway;
use resources::kubernetes::ServiceType;
use resources::status::GatewayStatusAddress;
use resources::{ExternalTrafficPolicy, ProxyServiceType, ServiceParameters};
use serde_json::{Value, json};
use snapshot::{Entity, EntityKey, Listener, ListenerProtocol, ObjectName, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

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
    let service = |metadata: &Value, address: Option<&str>| {
        let kind = asked.service_type.unwrap_or(ProxyServiceType::LoadBalancer);
        let mut spec = json!({ "type": kind, "selector": selector, "ports": ports });
        if kind != ProxyServiceType::ClusterIp {
            spec["externalTrafficPolicy"] =
                json!(asked.external_traffic_policy.unwrap_or(ExternalTrafficPolicy::Local));
        }
        if let (Some(class), ProxyServiceType::LoadBalancer) = (&asked.load_balancer_class, kind) {
            spec["loadBalancerClass"] = json!(class);
        }
        if let Some(address) = address {
            spec["loadBalancerIP"] = json!(address);
        }
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec })
    };
    let mut metadata = metadata.clone();
    let names: Vec<&str> = by_value(gateway, "Hostname").collect();
    if !names.is_empty() {
        metadata["annotations"][HOSTNAME] = json!(names.join(","));
    }
    let mut addresses = by_value(gateway, "IPAddress");
    let mut all = vec![service(&metadata, addresses.next())];
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    for (i, address) in addresses.enumerate() {
        let suffix = format!("-{}", i + 2);
        metadata["name"] = json!(super::short(&name, super::NAME - suffix.len()) + &suffix);
        all.push(service(&metadata, Some(address)));
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
pub(super) fn given(kind: ServiceType, status: &Value, cluster_ip: Option<&str>) -> Vec<GatewayStatusAddress> {
    let ingress = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    let found = ingress.into_iter().flatten().filter_map(|it| {
        let ip = it["ip"].as_str().map(|ip| address("IPAddress", ip));
        ip.or_else(|| it["hostname"].as_str().map(|name| address("Hostname", name)))
    });
    let found: Vec<_> = found.collect();
    match cluster_ip {
        Some(ip) if found.is_empty() && kind != ServiceType::LoadBalancer && ip != "None" => {
            vec![address("IPAddress", ip)]
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
