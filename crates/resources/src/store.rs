//! All objects, by kind.

use crate::object::*;
use crate::{Key, Kind, NamespacedName};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Declares the store with one map per kind, and everything that goes over all kinds.
macro_rules! resources {
    ($($(#[$doc:meta])* $field:ident: $object:ident;)*) => {
        /// Every object that is known, by kind, then by namespace and name. Cloning is cheap in objects: they are shared.
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct Resources {
            $($(#[$doc])* #[serde(serialize_with = "serialize_objects")] pub $field: BTreeMap<NamespacedName, Arc<$object>>,)*
        }

        $(impl Stored for $object {
            fn map(resources: &Resources) -> &BTreeMap<NamespacedName, Arc<Self>> {
                &resources.$field
            }
            fn map_mut(resources: &mut Resources) -> &mut BTreeMap<NamespacedName, Arc<Self>> {
                &mut resources.$field
            }
            fn into_any(self: Arc<Self>) -> AnyObject {
                AnyObject::$object(self)
            }
        })*

        /// One object of any kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyObject { $($(#[$doc])* $object(Arc<$object>),)* }

        impl AnyObject {
            /// Kind, namespace and name.
            pub fn key(&self) -> Key {
                match self { $(AnyObject::$object(object) => object.key()),* }
            }

            /// The metadata.
            pub fn meta(&self) -> &crate::ObjectMeta {
                match self { $(AnyObject::$object(object) => &object.meta),* }
            }

            /// The `apiVersion` under which it was written.
            pub fn api_version(&self) -> &str {
                match self { $(AnyObject::$object(object) => &object.api_version),* }
            }

            /// Where it was read.
            pub fn source(&self) -> &Source {
                match self { $(AnyObject::$object(object) => &object.source),* }
            }
        }

        impl Resources {
            /// Puts an object in, in place of one with the same key. Says whether anything changed.
            pub fn upsert(&mut self, object: AnyObject) -> bool {
                match object {
                    $(AnyObject::$object(object) => {
                        let previous = self.$field.insert(object.meta.namespaced_name(), object.clone());
                        previous.is_none_or(|previous| previous != object)
                    })*
                }
            }

            /// Takes an object out. Says whether it was there.
            pub fn remove(&mut self, key: &Key) -> bool {
                let name = key.namespaced_name();
                match key.kind { $(Kind::$object => self.$field.remove(&name).is_some()),* }
            }

            /// The object with this key.
            pub fn get_any(&self, key: &Key) -> Option<AnyObject> {
                let name = key.namespaced_name();
                match key.kind { $(Kind::$object => self.$field.get(&name).cloned().map(AnyObject::$object)),* }
            }

            /// Every object, kind by kind.
            pub fn iter(&self) -> impl Iterator<Item = AnyObject> + '_ {
                std::iter::empty()$(.chain(self.$field.values().cloned().map(AnyObject::$object)))*
            }

            /// How many objects there are.
            pub fn len(&self) -> usize {
                0 $(+ self.$field.len())*
            }

            /// The keys of all objects that were added, removed or changed between `self` and `newer`, sorted. Objects
            /// that both share are not compared by content.
            pub fn diff(&self, newer: &Resources) -> Vec<Key> {
                let mut keys = Vec::new();
                $(diff_maps(Kind::$object, &self.$field, &newer.$field, &mut keys);)*
                keys.sort_unstable();
                keys
            }
        }
    };
}

resources! {
    /// GatewayClasses.
    gateway_classes: GatewayClass;
    /// Gateways.
    gateways: Gateway;
    /// ListenerSets.
    listener_sets: ListenerSet;
    /// HTTPRoutes.
    http_routes: HttpRoute;
    /// GRPCRoutes.
    grpc_routes: GrpcRoute;
    /// TLSRoutes.
    tls_routes: TlsRoute;
    /// TCPRoutes.
    tcp_routes: TcpRoute;
    /// UDPRoutes.
    udp_routes: UdpRoute;
    /// KafkaRoutes.
    kafka_routes: KafkaRoute;
    /// ReferenceGrants.
    reference_grants: ReferenceGrant;
    /// BackendTLSPolicies.
    backend_tls_policies: BackendTlsPolicy;
    /// XBackends.
    x_backends: XBackend;
    /// XBackendTrafficPolicies.
    x_backend_traffic_policies: XBackendTrafficPolicy;
    /// XTelemetryPolicies.
    x_telemetry_policies: XTelemetryPolicy;
    /// Backends.
    backends: Backend;
    /// KafkaHeaderPolicies.
    kafka_header_policies: KafkaHeaderPolicy;
    /// EnvoyProxies.
    envoy_proxies: EnvoyProxy;
    /// GatewayParameters.
    gateway_parameters: GatewayParameters;
    /// SecurityPolicies.
    security_policies: SecurityPolicy;
    /// ClientTrafficPolicies.
    client_traffic_policies: ClientTrafficPolicy;
    /// Services.
    services: Service;
    /// EndpointSlices.
    endpoint_slices: EndpointSlice;
    /// Secrets.
    secrets: Secret;
    /// ConfigMaps.
    config_maps: ConfigMap;
    /// ClusterTrustBundles.
    cluster_trust_bundles: ClusterTrustBundle;
    /// Namespaces.
    namespaces: Namespace;
}

/// An object type that [`Resources`] holds.
pub trait Stored: Sized {
    /// Its map.
    fn map(resources: &Resources) -> &BTreeMap<NamespacedName, Arc<Self>>;
    /// Its map, to change.
    fn map_mut(resources: &mut Resources) -> &mut BTreeMap<NamespacedName, Arc<Self>>;
    /// The object as one of any kind.
    fn into_any(self: Arc<Self>) -> AnyObject;
}

impl Resources {
    /// The object of type `T` (such as [`HttpRoute`]) with this namespace (empty for objects of the cluster) and name.
    pub fn get<T: Stored>(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        T::map(self).get(&NamespacedName::new(namespace, name))
    }

    /// Puts an object in, in place of one with the same key. Says whether anything changed.
    pub fn insert<T: Stored>(&mut self, object: T) -> bool {
        self.upsert(Arc::new(object).into_any())
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn diff_maps<T: PartialEq>(
    kind: Kind,
    old: &BTreeMap<NamespacedName, Arc<T>>,
    new: &BTreeMap<NamespacedName, Arc<T>>,
    keys: &mut Vec<Key>,
) {
    let key = |name: &NamespacedName| Key { kind, namespace: name.namespace.clone(), name: name.name.clone() };
    let same = |a: &Arc<T>, b: &Arc<T>| Arc::ptr_eq(a, b) || a == b;
    keys.extend(old.iter().filter(|(name, a)| new.get(name).is_none_or(|b| !same(a, b))).map(|(name, _)| key(name)));
    keys.extend(new.keys().filter(|name| !old.contains_key(name)).map(key));
}

fn serialize_objects<T: Serialize, S: serde::Serializer>(
    map: &BTreeMap<NamespacedName, Arc<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.values())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectMeta;
    use crate::kubernetes::ServiceSpec;

    #[test]
    fn diff_names_what_was_added_removed_and_changed() {
        let service = |name: &str, spec: ServiceSpec| Service::new(ObjectMeta::new("default", name), spec);
        let mut old = Resources::default();
        assert!(old.insert(service("kept", ServiceSpec::default())));
        assert!(old.insert(service("changed", ServiceSpec::default())));
        assert!(old.insert(service("gone", ServiceSpec::default())));
        let mut new = old.clone();
        assert!(!new.insert(service("kept", ServiceSpec::default())), "an equal object is no change");
        let changed = ServiceSpec { cluster_ip: Some("10.0.0.1".into()), ..ServiceSpec::default() };
        assert!(new.insert(service("changed", changed)));
        assert!(new.remove(&Key::new(Kind::Service, "default", "gone")));
        assert!(new.insert(service("added", ServiceSpec::default())));
        let names: Vec<String> = old.diff(&new).iter().map(Key::to_string).collect();
        assert_eq!(names, ["Service default/added", "Service default/changed", "Service default/gone"]);
        assert!(old.diff(&old.clone()).is_empty());
        assert_eq!(new.get::<Service>("default", "changed").unwrap().spec.cluster_ip.as_deref(), Some("10.0.0.1"));
    }
}
