//! sluicegate
fn main() {}
