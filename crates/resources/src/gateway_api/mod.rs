//! The kinds of the Gateway API v1.7.0, both channels, shaped as its Go types are.

mod backend_tls_policy;
mod gateway;
mod gateway_class;
mod grpc_route;
mod http_filters;
mod http_route;
mod listener_set;
mod reference_grant;
mod shared;
mod stream_routes;
mod xbackend;
mod xbackend_traffic_policy;
mod xtelemetry_policy;

pub use backend_tls_policy::*;
pub use gateway::*;
pub use gateway_class::*;
pub use grpc_route::*;
pub use http_filters::*;
pub use http_route::*;
pub use listener_set::*;
pub use reference_grant::*;
pub use shared::*;
pub use stream_routes::*;
pub use xbackend::*;
pub use xbackend_traffic_policy::*;
pub use xtelemetry_policy::*;
