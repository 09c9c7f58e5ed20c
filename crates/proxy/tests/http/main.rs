//! HTTP through a whole proxy in this process: raw sockets and hyper clients in front, small origins behind.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

mod filters;
mod hostile;
mod limits;
mod protocols;
mod responses;
mod retry;
mod routing;
mod session;
mod support;
mod tls;
mod upgrade;
mod wire;
