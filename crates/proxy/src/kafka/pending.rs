//! Requests that wait for their answers.

use super::{filter::Then, own::Own};
use kafka::{ApiKey, Rope, Str};
use std::time::{Duration, Instant};

/// What becomes of the response to a request.
pub(super) enum Kind {
    /// Nothing in it concerns the gateway.
    Pass,
    /// It may hold addresses.
    Addresses,
    /// It may hold topics, and addresses.
    Filter(Then),
    ApiVersions,
    Handshake {
        mechanism: Str,
        raw: bool,
    },
    Authenticate,
    /// A token without a header.
    Token,
    /// The gateway's own answer.
    Local(Rope),
    /// Answer to a request of the gateway.
    Own(Own),
}

/// A request whose answer has not come.
pub(super) struct Pending {
    pub(super) api: ApiKey,
    pub(super) version: i16,
    pub(super) correlation: i32,
    pub(super) kind: Kind,
    pub(super) gateway: Duration,
    pub(super) sent: Instant,
    /// Bytes of the request, if something of it is kept for the response.
    pub(super) kept: usize,
}
