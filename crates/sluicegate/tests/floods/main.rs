//! Floods and slow sockets: what a hostile client costs, and that a good one beside it never notices.
//!
//! Each test starts a gateway of its own, on loopback, and attacks it for a few seconds while good clients ask at a
//! fixed rate. The tests run one after the other; each prints a row of the table in `docs/operating/performance/floods.md`.
#![allow(missing_docs, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod good;
mod http1;
mod http2;
mod kafka;
mod rig;
mod usage;
