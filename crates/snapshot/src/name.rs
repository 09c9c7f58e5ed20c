use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Namespace and name of an object. Texts are shared: a name stands in many tables, and there are thousands of names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// Namespace; never empty.
    pub namespace: Arc<str>,
    /// Name within the namespace.
    pub name: Arc<str>,
}

impl ObjectName {
    /// `namespace/name`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Whether it is `namespace/name`.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        *self.namespace == *namespace && *self.name == *name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One listener of one Gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ListenerRef {
    /// The Gateway.
    pub gateway: ObjectName,
    /// [`crate::Listener::name`].
    pub listener: Arc<str>,
}

impl fmt::Display for ListenerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.gateway, self.listener)
    }
}

/// Which kind of object a backend comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BackendKind {
    /// A TCP port of a core Service; its endpoints come from EndpointSlices.
    Service,
    /// A UDP port of a core Service, for UDPRoutes.
    UdpService,
    /// A `Backend` of `sluicegate.dev` or `gateway.envoyproxy.io`.
    Backend,
    /// An `XBackend` of `gateway.networking.x-k8s.io`.
    XBackend,
}

/// A backend as routes name it: an object and, for Services, one of its ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BackendKey {
    /// Kind of the object.
    pub kind: BackendKind,
    /// The object.
    pub name: ObjectName,
    /// Port of the Service; 0 for a `Backend` or `XBackend`, whose endpoints carry their own ports.
    pub port: u16,
}

impl fmt::Display for BackendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BackendKind::Service => write!(f, "Service/{}:{}", self.name, self.port),
            BackendKind::UdpService => write!(f, "Service/{}:{}/udp", self.name, self.port),
            BackendKind::Backend => write!(f, "Backend/{}", self.name),
            BackendKind::XBackend => write!(f, "XBackend/{}", self.name),
        }
    }
}
