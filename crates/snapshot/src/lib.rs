//! What the proxy runs: plain data, one entity per object the user wrote, each pointing up to its parent.
//!
//! ```text
//!   Gateway ◀── HttpRoute ──▶ Backend (one per Service port or `Backend` object)
//!      │    ◀── GrpcRoute ──▶ Backend
//!      │    ◀── TlsRoute, TcpRoute, UdpRoute ──▶ Backend
//!      ▼    ◀── KafkaRoute──▶ Backend
//!   Certificate (one per Secret)
//! ```
//!
//! In: `translate` writes it. Out: `proxy` compiles it into its tables. A [`Delta`] is what one change of the user's
//! objects costs; a [`Snapshot`] is the sum of all deltas. Nothing here knows Kubernetes, sockets or time.

mod backend;
mod delta;
mod filter;
mod gateway;
mod hostname;
mod http;
mod kafka;
mod name;
mod stream;

pub use backend::{
    AppProtocol, Backend, BackendTls, CaCertificates, Endpoint, EndpointAddress, RetryConstraint, SubjectAltName,
    Traffic,
};
pub use delta::{Ack, Delta, Entity, EntityKey, Refusal, Snapshot};
pub use filter::{AuthProtocol, Cors, ExternalAuth, Mirror};
pub use gateway::{Attachment, Certificate, ClientValidation, Gateway, Listener, ListenerProtocol, ListenerSet};
pub use hostname::Hostname;
pub use http::{
    BackendTarget, HeaderEdit, HttpFilter, HttpMatch, HttpRoute, HttpRule, MethodMatch, MethodRank, PathMatch,
    PathModifier, PathRank, Precedence, Redirect, Retry, Session, SessionCarrier, TextMatch, TextRank, Timeouts,
    UrlRewrite, ValueMatch, WeightedBackend,
};
pub use kafka::{
    AclAction, AclEntry, AclOperation, AclPattern, AclResource, BrokerAddresses, BrokerOverride, KafkaAttachment,
    KafkaRoute, MappingKind, TopicMapping,
};
pub use name::{BackendKey, BackendKind, ListenerRef, ObjectName};
pub use stream::{StreamRoute, StreamRule, TlsRoute};
