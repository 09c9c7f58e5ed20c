//! Prints the ledger as the page of the reference; `cargo xtask gen` writes it to `docs/reference/kafka-protocol.md`.

#![allow(clippy::print_stdout)]

fn main() {
    print!("{}", kafka::ledger::markdown());
}
