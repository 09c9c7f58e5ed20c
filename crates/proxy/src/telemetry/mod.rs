//! What the proxy tells about its work: metrics and the access log.

pub(crate) mod access_log;
pub(crate) mod line;
pub(crate) mod metrics;

/// Now as `2026-11-21T12:00:00.123456Z`, for the access log.
pub(crate) fn timestamp() -> String {
    let mut text = Vec::with_capacity(27);
    line::write_time(&mut text);
    String::from_utf8(text).unwrap_or_default()
}
