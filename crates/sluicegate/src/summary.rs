//! What is served, in a few lines for people.

use snapshot::{Entity, EntityKey, Gateway, Listener, ListenerProtocol, ListenerRef, Refusal, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Routes that are named per listener; more are counted.
const SHOWN: usize = 8;

/// One line per listener, and below it one per route: the names, and how they are reached.
pub fn summary(snapshot: &Snapshot, port_map: &BTreeMap<u16, u16>, refusals: &[Refusal]) -> String {
    let gateways: Vec<&Gateway> = snapshot
        .entities
        .values()
        .filter_map(|entity| match entity {
            Entity::Gateway(gateway) => Some(&**gateway),
            _ => None,
        })
        .collect();
    let mut text = String::new();
    for gateway in gateways {
        let _ = writeln!(text, "Gateway {}", gateway.name);
        let own = gateway.listeners.iter().map(|listener| (EntityKey::Gateway(gateway.name.clone()), listener));
        let added = snapshot.entities.values().filter_map(|entity| match entity {
            Entity::ListenerSet(set) if set.gateway == gateway.name => Some(set),
            _ => None,
        });
        let added = added.flat_map(|set| set.listeners.iter().map(|l| (EntityKey::ListenerSet(set.name.clone()), l)));
        for (entity, listener) in own.chain(added) {
            let refused = refusals.iter().any(|refusal| {
                refusal.entity == entity && refusal.field.starts_with(&format!("spec.listeners[{}]", listener.index))
            });
            let _ = writeln!(text, "{}", head(gateway, listener, port_map, refused));
            let reference = ListenerRef { gateway: gateway.name.clone(), listener: listener.name.clone() };
            let lines = routes(snapshot, &reference, listener, bound(listener.port, port_map));
            for line in lines.iter().take(SHOWN) {
                let _ = writeln!(text, "    {line}");
            }
            if lines.len() > SHOWN {
                let _ = writeln!(text, "    and {} more", lines.len() - SHOWN);
            }
            if lines.is_empty() {
                text.push_str("    no routes\n");
            }
        }
    }
    text
}

fn bound(port: u16, port_map: &BTreeMap<u16, u16>) -> u16 {
    port_map.get(&port).copied().unwrap_or(port)
}

fn head(gateway: &Gateway, listener: &Listener, port_map: &BTreeMap<u16, u16>, refused: bool) -> String {
    let protocol = match listener.protocol {
        ListenerProtocol::Http => "HTTP",
        ListenerProtocol::Https { .. } => "HTTPS",
        ListenerProtocol::TlsTerminate { .. } => "TLS",
        ListenerProtocol::TlsPassthrough => "TLS passthrough",
        ListenerProtocol::Tcp => "TCP",
        ListenerProtocol::Udp => "UDP",
    };
    let port = bound(listener.port, port_map);
    let addresses: Vec<String> =
        gateway.addresses.iter().map(|address| std::net::SocketAddr::new(*address, port).to_string()).collect();
    let place = if addresses.is_empty() { format!("*:{port}") } else { addresses.join(", ") };
    let mapped = if port == listener.port { String::new() } else { format!(" in place of {}", listener.port) };
    let refused = if refused { ", NOT LISTENING" } else { "" };
    format!("  {place}{mapped}  {protocol}  listener {}{refused}", listener.name)
}

fn routes(snapshot: &Snapshot, listener: &ListenerRef, spec: &Listener, port: u16) -> Vec<String> {
    let mut lines = BTreeSet::new();
    let scheme = match spec.protocol {
        ListenerProtocol::Http => "http://",
        ListenerProtocol::Https { .. } => "https://",
        _ => "",
    };
    for entity in snapshot.entities.values() {
        match entity {
            Entity::HttpRoute(route) | Entity::GrpcRoute(route) => {
                let kind = if matches!(entity, Entity::HttpRoute(_)) { "HTTPRoute" } else { "GRPCRoute" };
                for attachment in route.attachments.iter().filter(|attachment| attachment.listener == *listener) {
                    for hostname in attachment.hostnames.iter().filter_map(|name| name.intersect(&spec.hostname)) {
                        let host = hostname.to_string();
                        let host = if host.is_empty() { "*" } else { &host };
                        lines.insert(format!("{scheme}{host}:{port}/  {kind} {}", route.name));
                    }
                }
            }
            Entity::TlsRoute(route) => {
                for attachment in route.attachments.iter().filter(|attachment| attachment.listener == *listener) {
                    for hostname in &attachment.hostnames {
                        lines.insert(format!("{hostname}:{port}  TLSRoute {}", route.name));
                    }
                }
            }
            Entity::TcpRoute(route) if route.listeners.contains(listener) => {
                lines.insert(format!("TCPRoute {}", route.name));
            }
            Entity::UdpRoute(route) if route.listeners.contains(listener) => {
                lines.insert(format!("UDPRoute {}", route.name));
            }
            Entity::TcpRoute(_) | Entity::UdpRoute(_) => {}
            Entity::KafkaRoute(route) => {
                for attachment in route.attachments.iter().filter(|attachment| attachment.listener == *listener) {
                    lines.insert(format!(
                        "{}:{port}  KafkaRoute {}, brokers as {}",
                        attachment.bootstrap, route.name, attachment.broker_pattern
                    ));
                }
            }
            Entity::Certificate(_) | Entity::Backend(_) | Entity::Gateway(_) | Entity::ListenerSet(_) => {}
        }
    }
    lines.into_iter().collect()
}
