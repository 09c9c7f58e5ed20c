//! A request's header while it comes: until it is whole, a connection costs the bytes that have come and little more, and
//! all the large ones of a worker together have a bound. What the bytes say is judged elsewhere.

use super::server::{Connection, refuse};
use crate::{io::Io, worker::Worker};
use bytes::{Bytes, BytesMut};
use std::time::Duration;
use tokio::{
    io::AsyncReadExt,
    time::{Instant, sleep_until},
};

/// Read at first: a header without cookies.
const FIRST: usize = 1 << 10;
/// What every header may have; more counts as large.
const FREE: usize = 8 << 10;

/// What a header has come to.
pub(super) enum Head {
    /// It is whole, or no header: bytes to be judged.
    There(Bytes),
    /// Nothing has come for a while.
    Nothing,
    /// The connection is to be closed.
    Over,
}

/// Reads until the header, of which `early` has come, is there as a whole. An empty one may take `first`, one that has
/// begun `limit`.
pub(super) async fn gather(
    connection: &Connection,
    io: &mut Io,
    early: Bytes,
    first: Duration,
    limit: Duration,
) -> Head {
    if is_whole(&early, 0) {
        return Head::There(early);
    }
    let worker = &connection.worker;
    let most = worker.limits().header_bytes;
    let mut held = Held { worker, bytes: 0 };
    let mut bytes = BytesMut::from(early);
    let began = Instant::now();
    loop {
        let patience = if bytes.is_empty() { first } else { limit };
        if bytes.capacity() == bytes.len() {
            bytes.reserve(bytes.len().max(FIRST));
            if bytes.capacity() > FREE && !held.grow(bytes.capacity()) {
                refuse(connection, "too many large headers are waited for");
                return Head::Over;
            }
        }
        let seen = bytes.len();
        tokio::select! {
            biased;
            read = io.read_buf(&mut bytes) => match read {
                Ok(0) if bytes.is_empty() => return Head::Over,
                // The rest is for who judges.
                Ok(0) => return Head::There(bytes.freeze()),
                Ok(_) => {}
                Err(_) => return Head::Over,
            },
            () = super::server::lingered(connection) => return Head::Over,
            () = sleep_until(began + patience) => {
                return if bytes.is_empty() { Head::Nothing } else { Head::Over };
            }
        }
        // The end may lie across two reads.
        if is_whole(&bytes, seen.saturating_sub(3)) || bytes.len() >= most {
            return Head::There(bytes.freeze());
        }
    }
}

/// Whether these bytes have the empty line that ends a header, or do not begin as a request does. All before `from` has
/// been looked at.
fn is_whole(bytes: &[u8], from: usize) -> bool {
    let begins = bytes.first().is_none_or(|byte| byte.is_ascii_alphabetic());
    let first_line = bytes.iter().position(|byte| *byte == b'\n');
    let plausible = begins
        && first_line.is_none_or(|end| {
            let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
            line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
        });
    let end =
        |from: &[u8]| from.windows(2).any(|two| two == b"\n\n") || from.windows(3).any(|three| three == b"\n\r\n");
    !plausible || end(&bytes[from.min(bytes.len())..])
}

/// Room for a large header, until it is dropped.
struct Held<'a> {
    worker: &'a Worker,
    bytes: usize,
}

impl Held<'_> {
    /// Asks for so much; false if the worker has no more.
    fn grow(&mut self, bytes: usize) -> bool {
        let all = self.worker.held_heads();
        let others = all.get() - self.bytes;
        let share = self.worker.limits().held_headers / self.worker.shared().loads.len().max(1);
        if others + bytes > share {
            return false;
        }
        all.set(others + bytes);
        self.bytes = bytes;
        true
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let all = self.worker.held_heads();
        all.set(all.get() - self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_header_is_found_however_it_comes() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n";
        for cut in 0..head.len() {
            assert!(!is_whole(&head[..cut], 0), "{cut} bytes");
            assert!(is_whole(head, cut.min(head.len() - 1).saturating_sub(3)), "the rest after {cut}");
        }
        assert!(is_whole(b"GET / HTTP/1.1\nHost: a\n\n", 0));
        assert!(is_whole(b"GET / HTTP/1.1\r\nHost: a\n\r\n", 0));
    }

    #[test]
    fn what_is_no_request_is_judged_at_once() {
        for bytes in [&b"\x00\x01"[..], b"\r\nGET", b"GET /\r\nHost: a\r\n", b"GET / HTTP/2.0\r\n", b" GET / HTTP/1.1"]
        {
            assert!(is_whole(bytes, 0), "{bytes:?}");
        }
        assert!(!is_whole(b"", 0));
        assert!(!is_whole(b"GET / HTTP/1.1\r\nHost", 0));
    }
}
