//! HTTP/1.1 and HTTP/2, for HTTPRoutes and GRPCRoutes; HTTP/1.1 by [`crate::http1`], HTTP/2 by hyper.
//!
//! ```text
//!  server ─▶ downstream, http2 ─▶ pipeline ─▶ table (router) ─▶ filter ─▶ pool: upstream, HTTP/2 ─▶ body ─▶ client
//!                                    └─ exchange: the record of one request, for log and metrics
//! ```
//!
//! Decisions that users meet:
//! - The path is matched and passed on as it was sent: nothing is decoded, no `..` is resolved.
//! - `X-Forwarded-For` is appended to; `X-Forwarded-Proto` and `X-Forwarded-Host` are set. `Via` is not sent, although
//!   RFC 9110 7.6.3 wants it of gateways: origins such as nginx send uncompressed bodies where they see it.
//! - A `Host` that differs from the request target is refused with 400, and so is a request without or with several.
//! - A backend's response whose end is ambiguous becomes 502; no filter changes a length.
//! - Other spellings, with underscores, of headers that the gateway sets do not reach a backend.
//! - CONNECT is refused with 405; `Expect: 100-continue` is answered by the gateway.
//! - HTTP/2 requests cannot switch protocols (RFC 8441 is not offered).

mod body;
mod call;
mod cors;
mod downstream;
mod exchange;
pub(crate) mod external_auth;
mod filter;
mod grpc;
mod head;
mod http2;
mod log;
mod message;
mod mirror;
mod pipeline;
mod pool;
mod retry;
mod rule;
mod server;
mod session;
mod special;
mod table;
mod tape;
mod timer;
mod transport;
mod upgrade;
mod upstream;
mod websocket;

pub(crate) use external_auth::ListenerFilters;
pub(crate) use pool::Pool;
pub(crate) use server::serve;
pub(crate) use table::Table;
