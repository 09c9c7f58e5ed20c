//! What users write: typed objects, their defaults, and validation with `file:line:col`.
//!
//! Types stand in [`gateway_api`], [`kafka`], [`kubernetes`] and beside them; [`Object`] puts metadata and place around
//! a spec, [`Resources`] holds all of them. [`load`] makes them from the bytes of files and says what is wrong as
//! [`Problem`]s: first the structure, against the JSON schema of the type ([`schema_for`]), then the meaning
//! ([`Spec::validate`]). There is no network, no clock and no runtime here, and no file is opened.

pub mod crd;
mod extension;
pub mod format;
pub mod gateway_api;
pub mod kafka;
pub mod kubernetes;
mod load;
mod meta;
mod object;
mod parameters;
mod problem;
mod rules;
pub mod status;
mod store;

pub use extension::*;
pub use load::{FileObjects, Loaded, assemble, load, read_file};
pub use meta::*;
pub use object::*;
pub use parameters::*;
pub use problem::{Code, Problem, Severity};
pub use rules::{Report, Violation};
pub use store::*;

/// The JSON schema of what objects of a kind say beside their metadata ([`Kind::has_spec`] tells where), with the
/// documentation of every field. Beside JSON Schema's own words it has `x-ignored` (fields that are accepted and
/// dropped) and `x-untyped` (a mapping of any content).
pub fn schema_for(kind: Kind) -> schemars::Schema {
    struct SchemaOf;
    impl object::KindVisitor for SchemaOf {
        type Output = schemars::Schema;
        fn visit<S: Spec>(self) -> schemars::Schema
        where
            Object<S>: Stored,
        {
            schemars::schema_for!(S)
        }
    }
    object::dispatch(kind, SchemaOf)
}
