//! Why a connection ends.

use super::addresses::Refused;
use kafka::{DecodeError, EncodeError, FrameError};
use thiserror::Error;

/// The end of a connection, as the access log tells it.
#[derive(Debug, Error)]
pub(crate) enum Close {
    #[error("the client closed the connection")]
    Client,
    #[error("the broker closed the connection")]
    Broker,
    #[error("the proxy drains or the listener is gone")]
    Drained,
    #[error("the route or its filters have changed")]
    RouteChanged,
    #[error("no frame for too long")]
    Idle,
    #[error("{0} stopped in the middle of a frame, or does not read")]
    Stalled(Side),
    #[error("no authentication, or no request, in time")]
    Unauthenticated,
    #[error("frames from {0} that are held wait for others of the route for too long")]
    HeldFrames(Side),
    #[error("{0}: {1}")]
    Io(Side, std::io::Error),
    #[error("from {0}: {1}")]
    Frame(Side, FrameError),
    #[error("a frame of {0} bytes before authentication")]
    PreAuthFrame(usize),
    #[error("a request frame without a whole header")]
    Header,
    #[error("API key {0} is unknown or not served")]
    UnknownApi(i16),
    #[error("{name} version {version} is not served by this route")]
    UnsupportedVersion { name: &'static str, version: i16 },
    #[error("{name} version {version} from {side}: {error}")]
    Message { side: Side, name: &'static str, version: i16, error: DecodeError },
    #[error("{name} version {version} cannot be written: {error}")]
    Unwritable { name: &'static str, version: i16, error: EncodeError },
    #[error("a response that no request waits for")]
    Unexpected,
    #[error("the response carries correlation id {got}, the request was {wanted}")]
    Correlation { got: i32, wanted: i32 },
    #[error("a request in the middle of a SASL exchange")]
    SaslState,
    #[error("re-authentication as another principal")]
    PrincipalChanged,
    #[error("a denied Produce with acks=0, which has no answer")]
    DeniedWithoutAcks,
    #[error("broker {0} is unknown to the cluster")]
    UnknownBroker(i32),
    #[error("broker {0} was unknown and is learned now; the client's next connection reaches it")]
    Learned(i32),
    #[error("broker {0} could not be asked for: {1}")]
    Lookup(i32, String),
    #[error("broker {0} advertises an address that is not dialled: {1}")]
    Address(i32, Refused),
    #[error("no backend answers: {0}")]
    Connect(String),
    #[error("the route is not served: {0}")]
    Unserved(String),
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Broker,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "the client",
            Self::Broker => "the broker",
        })
    }
}

impl Close {
    /// A short word for metrics and the log's `cause`.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Client => "client_closed",
            Self::Broker => "broker_closed",
            Self::Drained => "drained",
            Self::RouteChanged => "route_changed",
            Self::Idle => "idle",
            Self::Stalled(Side::Client) => "client_stalled",
            Self::Stalled(Side::Broker) => "broker_stalled",
            Self::Unauthenticated => "authentication_timeout",
            Self::HeldFrames(_) => "held_frames",
            Self::Io(Side::Client, _) => "client_error",
            Self::Io(Side::Broker, _) => "broker_error",
            Self::Frame(_, FrameError::LooksLikeTls | FrameError::LooksLikeHttp) => "wrong_protocol",
            Self::Frame(..) => "bad_frame",
            Self::PreAuthFrame(_) => "frame_before_authentication",
            Self::Header => "bad_header",
            Self::UnknownApi(_) => "unknown_api",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::Message { side: Side::Client, .. } => "bad_request",
            Self::Message { side: Side::Broker, .. } | Self::Unwritable { .. } => "bad_response",
            Self::Unexpected | Self::Correlation { .. } => "unexpected_response",
            Self::SaslState => "sasl_state",
            Self::PrincipalChanged => "principal_changed",
            Self::DeniedWithoutAcks => "denied_without_acks",
            Self::UnknownBroker(_) => "unknown_broker",
            Self::Learned(_) => "broker_learned",
            Self::Lookup(..) => "lookup_failed",
            Self::Address(_, refused) => refused.cause(),
            Self::Connect(_) => "connect_failed",
            Self::Unserved(_) => "route_unserved",
        }
    }

    /// Whether this is how connections end in good order.
    pub(crate) fn is_orderly(&self) -> bool {
        matches!(self, Self::Client | Self::Broker | Self::Drained | Self::RouteChanged | Self::Idle | Self::Learned(_))
    }

    /// Whether it is the client's protocol that was wrong.
    pub(crate) fn is_protocol(&self) -> bool {
        matches!(
            self,
            Self::Frame(Side::Client, _)
                | Self::PreAuthFrame(_)
                | Self::Header
                | Self::UnknownApi(_)
                | Self::UnsupportedVersion { .. }
                | Self::Message { side: Side::Client, .. }
                | Self::SaslState
        )
    }

    /// Whether no broker could be reached.
    pub(crate) fn is_upstream(&self) -> bool {
        matches!(
            self,
            Self::UnknownBroker(_) | Self::Lookup(..) | Self::Address(..) | Self::Connect(_) | Self::Unserved(_)
        )
    }
}
