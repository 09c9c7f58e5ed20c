//! What `cargo xtask gen` writes.

mod crds;
mod kafka;
mod kafka_schema;
mod reference;
mod stream;

/// Generates everything. With `check`, nothing is written and a difference to what is committed is an error.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    kafka::run(check)?;
    stream::run(check)?;
    crds::run(check)?;
    reference::run(check)
}
