//! HTTP/1.1 on the wire (RFC 9112): heads, bodies and buffers. Nothing here knows routes, pools or time.
//!
//! ```text
//!  socket ─▶ Stream (pooled buffer) ─▶ Scan ─▶ request / response ─▶ Decoder ─▶ body bytes, in place
//!  socket ◀─ Writer ◀─ write_request / write_status, body bytes ◀─┘
//! ```
//!
//! What could be read in two ways is an error: a line that does not end in CRLF, Transfer-Encoding with Content-Length, more
//! than one length, any coding but `chunked`, a folded line, an odd chunk size.

mod body;
pub(crate) mod fuzz;
mod head;
mod stream;
mod write;

pub(crate) use body::{BodyError, Framing};
pub(crate) use head::{HeadError, RequestHead, ResponseHead, Scan, request, response, response_framing};
pub(crate) use stream::{Buffers, Filled, SMALL, Stream};
pub(crate) use write::{Encoding, Writer, write_fields, write_request, write_status};
