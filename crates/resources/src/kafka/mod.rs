//! KafkaRoute and what its filters refer to.

mod acl;
mod header_policy;
mod route;

pub use acl::*;
pub use header_policy::*;
pub use route::*;
