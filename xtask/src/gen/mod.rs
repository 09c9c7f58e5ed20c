//! What `cargo xtask gen` writes.

pub(crate) mod kafka;
mod kafka_schema;
