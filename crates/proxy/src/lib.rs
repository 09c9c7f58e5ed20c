//! Serves a [`snapshot`]: listeners, TLS, HTTP, TCP and Kafka, upstream connections, telemetry.
//!
//! ```text
//!  Delta ─▶ config (compile what it touches) ─▶ Runtime ─▶ workers, one per core, nothing shared but the Runtime
//!                                                            listener ─▶ tls ─▶ http | kafka | tcp ─▶ upstream
//! ```
//!
//! In: a [`snapshot::Delta`] through [`Proxy::apply`]. Out: sockets, and an [`snapshot::Ack`] that names what could not
//! be served. Nothing here knows Kubernetes or files.

mod admin;
mod bound;
mod config;
mod conn;
mod control;
mod drain;
mod http;
mod http1;
mod io;
mod kafka;
mod listener;
mod options;
mod router;
mod socket;
mod tcp;
mod telemetry;
mod tls;
mod udp;
mod upstream;
mod worker;

pub use control::{Proxy, StartError};
pub use drain::Drained;
pub use options::{AccessLog, Limits, Options};

/// Bodies of fuzz targets; no part of the interface.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::http::external_auth::fuzz::ext_authz;
    pub use crate::http1::fuzz::http1;
    pub use crate::router::fuzz::route_match;

    /// Any bytes as what a Kafka client and a broker say to each other.
    pub fn kafka(bytes: &[u8]) {
        crate::kafka::fuzz(bytes);
    }

    /// Any bytes as the first ones of a TLS connection.
    pub fn sni(bytes: &[u8]) {
        crate::tls::fuzz(bytes);
    }
}
