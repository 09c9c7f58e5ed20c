//! What one Gateway's proxies need of everything there is.

use snapshot::{
    BackendKey, BackendTarget, Entity, EntityKey, HttpRule, Listener, ListenerProtocol, ObjectName, Snapshot,
    StreamRoute, WeightedBackend,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The entities of each Gateway, by Gateway.
pub(super) fn by_gateway(snapshot: &Snapshot) -> BTreeMap<ObjectName, BTreeMap<EntityKey, Entity>> {
    let mut shares: BTreeMap<ObjectName, BTreeMap<EntityKey, Entity>> = BTreeMap::new();
    let mut needs = Needs { snapshot, found: Vec::new() };
    for entity in snapshot.entities.values() {
        match entity {
            Entity::Gateway(gateway) => {
                shares.entry(gateway.name.clone()).or_default().insert(entity.key(), entity.clone());
                needs.listeners(&gateway.listeners);
                needs.settle(&mut shares, std::slice::from_ref(&gateway.name));
            }
            Entity::ListenerSet(set) => {
                put(&mut shares, &set.gateway, entity.clone());
                needs.listeners(&set.listeners);
                needs.settle(&mut shares, std::slice::from_ref(&set.gateway));
            }
            Entity::HttpRoute(route) => {
                let gateways = gateways(route.attachments.iter().map(|it| &it.listener.gateway));
                split(&mut shares, route, &gateways, Entity::HttpRoute, |own, gateway| {
                    own.attachments.retain(|it| it.listener.gateway == *gateway);
                });
                route.rules.iter().flat_map(HttpRule::reached).for_each(|key| needs.backend(key));
                needs.settle(&mut shares, &gateways);
            }
            Entity::TlsRoute(route) => {
                let gateways = gateways(route.attachments.iter().map(|it| &it.listener.gateway));
                split(&mut shares, route, &gateways, Entity::TlsRoute, |own, gateway| {
                    own.attachments.retain(|it| it.listener.gateway == *gateway);
                });
                route.rules.iter().for_each(|rule| needs.backends(&rule.backends));
                needs.settle(&mut shares, &gateways);
            }
            Entity::GrpcRoute(route) => {
                let gateways = gateways(route.attachments.iter().map(|it| &it.listener.gateway));
                split(&mut shares, route, &gateways, Entity::GrpcRoute, |own, gateway| {
                    own.attachments.retain(|it| it.listener.gateway == *gateway);
                });
                route.rules.iter().flat_map(HttpRule::reached).for_each(|key| needs.backend(key));
                needs.settle(&mut shares, &gateways);
            }
            Entity::TcpRoute(route) | Entity::UdpRoute(route) => {
                let same: fn(Arc<StreamRoute>) -> Entity = match entity {
                    Entity::TcpRoute(_) => Entity::TcpRoute,
                    _ => Entity::UdpRoute,
                };
                let gateways = gateways(route.listeners.iter().map(|it| &it.gateway));
                split(&mut shares, route, &gateways, same, |own, gateway| {
                    own.listeners.retain(|it| it.gateway == *gateway);
                });
                route.rules.iter().for_each(|rule| needs.backends(&rule.backends));
                needs.settle(&mut shares, &gateways);
            }
            Entity::KafkaRoute(route) => {
                let gateways = gateways(route.attachments.iter().map(|it| &it.listener.gateway));
                split(&mut shares, route, &gateways, Entity::KafkaRoute, |own, gateway| {
                    own.attachments.retain(|it| it.listener.gateway == *gateway);
                });
                route.backends.iter().for_each(|target| needs.target(target));
                route.brokers.values().filter_map(|broker| broker.backend.as_ref()).for_each(|key| needs.backend(key));
                needs.settle(&mut shares, &gateways);
            }
            Entity::Backend(_) | Entity::Certificate(_) => {}
        }
    }
    shares
}

fn gateways<'a>(names: impl Iterator<Item = &'a ObjectName>) -> Vec<ObjectName> {
    names.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

fn put(shares: &mut BTreeMap<ObjectName, BTreeMap<EntityKey, Entity>>, gateway: &ObjectName, entity: Entity) {
    shares.entry(gateway.clone()).or_default().insert(entity.key(), entity);
}

/// Gives a route to each of its Gateways, with the attachments there alone.
fn split<T: Clone>(
    shares: &mut BTreeMap<ObjectName, BTreeMap<EntityKey, Entity>>,
    route: &Arc<T>,
    gateways: &[ObjectName],
    entity: fn(Arc<T>) -> Entity,
    keep: impl Fn(&mut T, &ObjectName),
) {
    for gateway in gateways {
        let mut own = Arc::clone(route);
        if gateways.len() > 1 {
            keep(Arc::make_mut(&mut own), gateway);
        }
        put(shares, gateway, entity(own));
    }
}

/// What the entity at hand refers to.
struct Needs<'a> {
    snapshot: &'a Snapshot,
    found: Vec<&'a Entity>,
}

impl Needs<'_> {
    fn find(&mut self, key: &EntityKey) {
        self.found.extend(self.snapshot.entities.get(key));
    }

    fn listeners(&mut self, listeners: &[Listener]) {
        for listener in listeners {
            listener.filters.iter().for_each(|filter| self.target(&filter.backend));
            match &listener.protocol {
                ListenerProtocol::Https { certificates } | ListenerProtocol::TlsTerminate { certificates } => {
                    certificates.iter().for_each(|name| self.find(&EntityKey::Certificate(name.clone())));
                }
                ListenerProtocol::Http
                | ListenerProtocol::TlsPassthrough
                | ListenerProtocol::Tcp
                | ListenerProtocol::Udp => {}
            }
        }
    }

    fn backends(&mut self, backends: &[WeightedBackend]) {
        backends.iter().for_each(|backend| self.target(&backend.target));
    }

    fn target(&mut self, target: &BackendTarget) {
        if let BackendTarget::Backend(key) = target {
            self.backend(key);
        }
    }

    fn backend(&mut self, key: &BackendKey) {
        self.find(&EntityKey::Backend(key.clone()));
        let Some(Entity::Backend(backend)) = self.found.last() else { return };
        if let Some(name) = backend.tls.as_ref().and_then(|tls| tls.client_certificate.clone()) {
            self.find(&EntityKey::Certificate(name));
        }
    }

    /// Gives what was found to these Gateways.
    fn settle(&mut self, shares: &mut BTreeMap<ObjectName, BTreeMap<EntityKey, Entity>>, gateways: &[ObjectName]) {
        for entity in self.found.drain(..) {
            gateways.iter().for_each(|gateway| put(shares, gateway, entity.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route whose filters name backends that no backendRef names, at a listener that asks an authorization service.
    const FOLDER: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sg}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: one}
spec: {gatewayClassName: sg, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other}
spec: {gatewayClassName: sg, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: one}]
  rules:
  - backendRefs: [{name: primary, port: 80}]
    filters:
    - {type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}}}
    - type: ExternalAuth
      externalAuth: {protocol: HTTP, backendRef: {name: judge, port: 80}, http: {path: /}}
---
apiVersion: v1
kind: Service
metadata: {name: primary}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: copy}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: judge}
spec: {ports: [{port: 80}]}
";

    #[test]
    fn a_gateway_gets_what_its_routes_reach_and_nothing_else() {
        let loaded = resources::load([("folder.yaml", FOLDER.as_bytes())]);
        assert!(!loaded.has_errors(), "{:#?}", loaded.problems);
        let settings = translate::Settings { standalone: false, ..translate::Settings::default() };
        let mut translator = translate::Translator::new(settings);
        translator.update(loaded.resources, &translate::LastGood::default());
        let shares = by_gateway(translator.snapshot());
        let backends = |gateway: &str| {
            let share = &shares[&ObjectName::new("default", gateway)];
            let names = share.values().filter_map(|entity| match entity {
                Entity::Backend(backend) => Some(backend.key.name.name.to_string()),
                _ => None,
            });
            names.collect::<BTreeSet<_>>()
        };
        assert_eq!(backends("one"), ["copy", "judge", "primary"].map(str::to_owned).into());
        assert_eq!(backends("other"), BTreeSet::new());
    }
}
