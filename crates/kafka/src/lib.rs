#![doc = include_str!("../README.md")]
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod api;
pub mod codes;
pub mod consumer;
pub mod error;
pub mod frame;
#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod ledger;
pub mod messages;
pub mod read;
pub mod records;
pub mod types;
pub mod walk;
pub mod write;

pub use api::{ApiInfo, ApiKey};
pub use error::{DecodeError, EncodeError};
pub use frame::{FrameError, take_frame};
pub use header::{RequestHeader, RequestPrefix, ResponseHeader};
pub use messages::{Body, Message, Request};
pub use read::Reader;
pub use types::{Str, UnknownTags, Uuid};
pub use write::{Rope, Writer};
