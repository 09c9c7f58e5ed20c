//! From the controller to its proxies: one gRPC stream per proxy, on which every revision is one atomic change.
//!
//! ```text
//!   Snapshot ─▶ share (one per Gateway) ─▶ server ══▶ client ─▶ proxy
//!   statuses ◀─ acks  (one per replica) ◀─ server ◀══ client ◀──┘
//! ```
//!
//! A proxy gets what its own Gateway needs and nothing else, Secrets included (design, invariant 8). What it serves it keeps on
//! its disk, so that it starts without the controller; when it comes back with what it had, only the difference is sent.

mod client;
mod code;
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, reason = "generated")]
mod generated;
mod server;
mod share;
mod store;

pub use client::{Follow, follow};
pub use server::{Authenticate, Hub, serve};
pub use store::Store;
