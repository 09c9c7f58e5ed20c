use crate::{Attachment, ListenerRef, ObjectName, WeightedBackend};
use serde::{Deserialize, Serialize};

/// A TLSRoute. On a Passthrough listener the bytes go through as they are; on a Terminate listener the content does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TlsRoute {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// Listeners that accepted it.
    pub attachments: Vec<Attachment>,
    /// In the order of the spec; the first one serves, as TLS has nothing but the name to choose by.
    pub rules: Vec<StreamRule>,
}

/// A TCPRoute or a UDPRoute: all that comes to a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRoute {
    /// The object.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// Listeners that accepted it and that no older route of its kind has.
    pub listeners: Vec<ListenerRef>,
    /// In the order of the spec; the first one serves, as there is nothing to choose by.
    pub rules: Vec<StreamRule>,
}

/// One `spec.rules[]` of a TLSRoute, TCPRoute or UDPRoute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRule {
    /// `name`, if given.
    pub name: Option<String>,
    /// Weighted choice per connection, or per client of UDP; `filters` are empty.
    pub backends: Vec<WeightedBackend>,
}
