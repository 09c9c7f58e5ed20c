//! One object: metadata, spec, and where it was read.

use crate::gateway_api::{
    BackendTlsPolicySpec, GatewayClassSpec, GatewaySpec, GrpcRouteSpec, HttpRouteSpec, ListenerSetSpec,
    ReferenceGrantSpec, TcpRouteSpec, TlsRouteSpec, UdpRouteSpec, XBackendSpec, XBackendTrafficPolicySpec,
    XTelemetryPolicySpec,
};
use crate::kafka::{KafkaHeaderPolicySpec, KafkaRouteSpec};
use crate::kubernetes::{
    ClusterTrustBundleSpec, ConfigMapBody, EndpointSliceBody, NamespaceBody, SecretBody, ServiceSpec,
};
use crate::rules::{Report, Validate};
use crate::store::Stored;
use crate::{
    BackendSpec, ClientTrafficPolicySpec, EnvoyProxySpec, GatewayParametersSpec, Key, Kind, ObjectMeta,
    SecurityPolicySpec,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What an object says beside its metadata.
pub trait Spec: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync {
    /// The kind.
    const KIND: Kind;
    /// Whether the content stands under `spec` (most kinds), or beside `metadata` (Secret, ConfigMap, EndpointSlice,
    /// Namespace).
    const UNDER_SPEC: bool = true;

    /// Checks what a schema cannot say: the meaning of the upstream CRDs' CEL rules, and our own kinds' rules.
    fn validate(&self, report: &mut Report);

    /// What an API server does on writing, such as merging a Secret's `stringData`.
    fn complete(&mut self);
}

/// Something to be done for whichever type a [`Kind`] has.
pub(crate) trait KindVisitor {
    /// What comes out.
    type Output;
    /// Does it for one type.
    fn visit<S: Spec>(self) -> Self::Output
    where
        Object<S>: Stored;
}

/// Implements [`Spec`] and gives the whole object its name.
macro_rules! specs {
    ($($(#[$doc:meta])* $alias:ident = $spec:ty, $kind:ident, $under_spec:literal;)*) => {
        /// Does something for the type of a kind.
        pub(crate) fn dispatch<V: KindVisitor>(kind: Kind, visitor: V) -> V::Output {
            match kind { $(Kind::$kind => visitor.visit::<$spec>()),* }
        }

        impl Kind {
            /// Whether the content of such objects stands under `spec`.
            pub fn has_spec(self) -> bool {
                match self { $(Kind::$kind => $under_spec),* }
            }
        }
    $(
        impl Spec for $spec {
            const KIND: Kind = Kind::$kind;
            const UNDER_SPEC: bool = $under_spec;

            fn validate(&self, report: &mut Report) {
                Validate::check(self, report);
            }
            fn complete(&mut self) {
                Validate::complete(self);
            }
        }
        $(#[$doc])*
        pub type $alias = Object<$spec>;
    )*
    };
}

specs! {
    /// A GatewayClass.
    GatewayClass = GatewayClassSpec, GatewayClass, true;
    /// A Gateway.
    Gateway = GatewaySpec, Gateway, true;
    /// A ListenerSet.
    ListenerSet = ListenerSetSpec, ListenerSet, true;
    /// An HTTPRoute.
    HttpRoute = HttpRouteSpec, HttpRoute, true;
    /// A GRPCRoute.
    GrpcRoute = GrpcRouteSpec, GrpcRoute, true;
    /// A TLSRoute.
    TlsRoute = TlsRouteSpec, TlsRoute, true;
    /// A TCPRoute.
    TcpRoute = TcpRouteSpec, TcpRoute, true;
    /// A UDPRoute.
    UdpRoute = UdpRouteSpec, UdpRoute, true;
    /// A KafkaRoute.
    KafkaRoute = KafkaRouteSpec, KafkaRoute, true;
    /// A ReferenceGrant.
    ReferenceGrant = ReferenceGrantSpec, ReferenceGrant, true;
    /// A BackendTLSPolicy.
    BackendTlsPolicy = BackendTlsPolicySpec, BackendTlsPolicy, true;
    /// An XBackend.
    XBackend = XBackendSpec, XBackend, true;
    /// An XBackendTrafficPolicy.
    XBackendTrafficPolicy = XBackendTrafficPolicySpec, XBackendTrafficPolicy, true;
    /// An XTelemetryPolicy.
    XTelemetryPolicy = XTelemetryPolicySpec, XTelemetryPolicy, true;
    /// A Backend.
    Backend = BackendSpec, Backend, true;
    /// A KafkaHeaderPolicy.
    KafkaHeaderPolicy = KafkaHeaderPolicySpec, KafkaHeaderPolicy, true;
    /// An EnvoyProxy.
    EnvoyProxy = EnvoyProxySpec, EnvoyProxy, true;
    /// A GatewayParameters.
    GatewayParameters = GatewayParametersSpec, GatewayParameters, true;
    /// A SecurityPolicy.
    SecurityPolicy = SecurityPolicySpec, SecurityPolicy, true;
    /// A ClientTrafficPolicy.
    ClientTrafficPolicy = ClientTrafficPolicySpec, ClientTrafficPolicy, true;
    /// A Service.
    Service = ServiceSpec, Service, true;
    /// An EndpointSlice.
    EndpointSlice = EndpointSliceBody, EndpointSlice, false;
    /// A Secret.
    Secret = SecretBody, Secret, false;
    /// A ConfigMap.
    ConfigMap = ConfigMapBody, ConfigMap, false;
    /// A ClusterTrustBundle.
    ClusterTrustBundle = ClusterTrustBundleSpec, ClusterTrustBundle, true;
    /// A Namespace.
    Namespace = NamespaceBody, Namespace, false;
}

/// An object of one kind. Two are equal when metadata and spec are: where they were read does not matter.
#[derive(Clone, Debug, Serialize)]
pub struct Object<S> {
    /// The `apiVersion` under which it was written, which decides the group that references to it must name.
    pub api_version: Arc<str>,
    /// Name, namespace, labels, age.
    pub meta: ObjectMeta,
    /// The content; for Secret, ConfigMap, EndpointSlice and Namespace what stands beside `metadata`.
    pub spec: S,
    /// Where it was read.
    #[serde(skip)]
    pub source: Source,
}

impl<S: PartialEq> PartialEq for Object<S> {
    fn eq(&self, other: &Self) -> bool {
        self.api_version == other.api_version && self.meta == other.meta && self.spec == other.spec
    }
}

impl<S: Spec> Object<S> {
    /// An object that was not read from a file, under the preferred `apiVersion` of its kind.
    pub fn new(meta: ObjectMeta, spec: S) -> Self {
        let api_version = S::KIND.api_versions().first().copied().unwrap_or_default().into();
        Self { api_version, meta, spec, source: Source::default() }
    }

    /// Kind, namespace and name.
    pub fn key(&self) -> Key {
        Key { kind: S::KIND, namespace: self.meta.namespace.clone(), name: self.meta.name.clone() }
    }

    /// The API group under which it was written; empty is the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// A line and a column of a file, both from 1; 0 when unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Where an object was read, and where each of its fields stands.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file's path as it was given to the loader; empty for an object that comes from no file.
    pub file: Arc<str>,
    /// Where the object begins.
    pub start: Position,
    /// Hash of a field's path, and its place; sorted. A hash in place of the path keeps it at 16 bytes a field.
    fields: Arc<[(u64, Position)]>,
}

impl Source {
    /// Takes the places of fields, each with its path such as `spec.rules[0].name`.
    pub(crate) fn new(file: Arc<str>, start: Position, fields: impl Iterator<Item = (String, Position)>) -> Self {
        let mut fields: Vec<_> = fields.map(|(path, position)| (hash(&path), position)).collect();
        fields.sort_unstable();
        Self { file, start, fields: fields.into() }
    }

    /// Where the field with this path (`spec.rules[0].backendRefs[1].port`) stands. For an absent field, the nearest
    /// one around it; at last the object itself.
    pub fn position(&self, field: &str) -> Position {
        let mut path = field;
        loop {
            if let Ok(i) = self.fields.binary_search_by_key(&hash(path), |(key, _)| *key) {
                return self.fields[i].1;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.start,
            }
        }
    }
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
