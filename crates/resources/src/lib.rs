//! What users write: typed objects, their defaults, and validation with `file:line:col`.
//!
//! Types stand in [`gateway_api`], [`kafka`], [`kubernetes`] and beside them; [`Object`] puts metadata and place around
//! a spec, [`Resources`] holds all of them. There is no network, no clock and no runtime here, and no file is opened.

mod extension;
pub mod format;
pub mod gateway_api;
pub mod kafka;
pub mod kubernetes;
mod meta;
mod object;
pub mod status;
mod store;

pub use extension::*;
pub use meta::*;
pub use object::*;
pub use store::*;
