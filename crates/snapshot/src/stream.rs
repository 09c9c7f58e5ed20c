use crate::{Attachment, ObjectName, WeightedBackend};
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
    pub rules: Vec<TlsRule>,
}

/// One `spec.rules[]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TlsRule {
    /// `name`, if given.
    pub name: Option<String>,
    /// Weighted choice per connection; `filters` are empty.
    pub backends: Vec<WeightedBackend>,
}
