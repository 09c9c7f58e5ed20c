//! Connections to backends.

pub(crate) mod balance;
pub(crate) mod dial;
pub(crate) mod dns;
pub(crate) mod retries;
pub(crate) mod tls;

pub(crate) use balance::{Active, Backend, Endpoint};
pub(crate) use dial::{ConnectError, Protocols, connect, connect_endpoint, connect_tcp, connect_to, resolve};
pub(crate) use tls::ClientTls;
