//! What the proxy tells about its work: metrics and the access log.

pub(crate) mod access_log;
pub(crate) mod metrics;

/// Now as `2026-11-21T12:00:00.123456Z`, for the access log.
pub(crate) fn timestamp() -> String {
    jiff::Timestamp::now().to_string()
}
