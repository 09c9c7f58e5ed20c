//! Body of the fuzz target for HTTP/1.1.

use super::{Framing, HeadError, Scan, Stream, request, response, response_framing, write_fields, write_request};
use crate::http1::Filled;
use http::{HeaderMap, Request, header};
use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, ReadBuf};

/// Reads any bytes as what a client (first byte even) or a backend (odd) sends on one connection. However they are cut,
/// the same must come out; heads must survive being written; chunks must be those that httparse finds.
pub fn http1(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    let whole = Reader::new(bytes, usize::MAX).run(kind & 1 == 0);
    for step in [1, 2 + usize::from(kind >> 1)] {
        let cut = Reader::new(bytes, step).run(kind & 1 == 0);
        assert_eq!(cut, whole, "cut in pieces of {step}");
    }
}

/// What has been read.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Head(String),
    Body(Vec<u8>),
    Trailers(HeaderMap),
    Error(String),
}

/// A connection that brings so many bytes at a time.
struct Pieces<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.bytes.len().min(self.step).min(buf.remaining());
        let (now, later) = self.bytes.split_at(length);
        buf.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

struct Reader<'a> {
    stream: Stream<Pieces<'a>>,
    events: Vec<Event>,
}

/// It is over: the bytes have ended, or are none that could be read.
struct Over;

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], step: usize) -> Self {
        Self { stream: Stream::new(Pieces { bytes, step }, Rc::default(), &[]), events: Vec::new() }
    }

    fn run(mut self, requests: bool) -> Vec<Event> {
        while self.message(requests).is_ok() {}
        self.events
    }

    fn error(&mut self, error: impl ToString) -> Over {
        self.events.push(Event::Error(error.to_string()));
        Over
    }

    fn message(&mut self, requests: bool) -> Result<(), Over> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut scan = Scan::default();
        let head = loop {
            match scan.find(self.stream.raw()) {
                Ok(Some(place)) => {
                    let head = self.stream.raw()[place.clone()].to_vec();
                    self.stream.consume_raw(place.end);
                    break head;
                }
                Ok(None) => {}
                Err(error) => return Err(self.error(error)),
            }
            match self.stream.poll_read(&mut cx) {
                Poll::Ready(Ok(1..)) => {}
                _ => return Err(Over),
            }
        };
        let framing = if requests { self.request(&head) } else { self.response(&head) };
        let framing = framing.map_err(|error| self.error(error))?;
        self.body(framing, &mut cx)
    }

    fn request(&mut self, head: &[u8]) -> Result<Framing, HeadError> {
        let read = request(head)?;
        let headers = read.request.headers();
        check(headers);
        let both = headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING);
        assert!(!both, "two framings");
        assert_eq!(again(&read.request).map(|again| again.0), Some(read.framing), "what was written reads otherwise");
        self.events.push(Event::Head(format!("{read:?}")));
        Ok(read.framing)
    }

    fn response(&mut self, head: &[u8]) -> Result<Framing, HeadError> {
        let read = response(head)?;
        let headers = read.response.headers();
        check(headers);
        let framing = response_framing(headers)?;
        self.events.push(Event::Head(format!("{read:?}")));
        Ok(framing)
    }

    fn body(&mut self, framing: Framing, cx: &mut Context<'_>) -> Result<(), Over> {
        let reference = if framing == Framing::Chunked { chunks(self.stream.raw()) } else { None };
        self.stream.begin_body(framing);
        let mut body = Vec::new();
        let ended = loop {
            match self.stream.poll_body(cx) {
                Poll::Ready(Ok(Filled::Data)) => {
                    let length = self.stream.data().len();
                    body.extend_from_slice(self.stream.data());
                    self.stream.consume(length);
                }
                Poll::Ready(Ok(Filled::End)) => break Ok(()),
                Poll::Ready(Err(error)) => break Err(error),
                Poll::Pending => return Err(Over),
            }
        };
        if let (Ok(()), Some(reference)) = (&ended, reference) {
            assert_eq!(body, reference, "httparse finds other chunks");
        }
        match ended {
            Ok(()) => {
                self.events.push(Event::Body(body));
                self.events.extend(self.stream.trailers().take().map(Event::Trailers));
                Ok(())
            }
            // How much of it came before the error depends on the pieces.
            Err(error) => Err(self.error(error)),
        }
    }
}

fn check(headers: &HeaderMap) {
    for value in headers.values() {
        assert!(
            !value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)),
            "a value with a line of its own"
        );
    }
}

/// The framing and the number of fields of a head that was written and read once more.
fn again(request: &Request<()>) -> Option<(Framing, usize)> {
    let mut out = Vec::new();
    let target = request.uri().path_and_query().map_or("*", |path| path.as_str());
    write_request(&mut out, request.method(), target);
    write_fields(&mut out, request.headers());
    out.extend_from_slice(b"\r\n");
    let place = Scan::default().find(&out).ok()??;
    assert_eq!(place, 0..out.len(), "a head within a head");
    let read = super::request(&out).ok()?;
    assert_eq!(read.request.headers().len(), request.headers().len());
    Some((read.framing, read.request.headers().len()))
}

/// The data of chunks that lie in one piece, by httparse; `None` if it does not see their end.
fn chunks(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut data) = (0, Vec::new());
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(bytes.get(at..)?) else {
            return None;
        };
        at += line;
        if size == 0 {
            return Some(data);
        }
        let size = usize::try_from(size).ok()?;
        data.extend_from_slice(bytes.get(at..at.checked_add(size)?)?);
        at += size + 2;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fuzz_target_holds_on_its_seeds() {
        let long = format!("\0GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(20_000));
        for seed in [
            "\0GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST /x HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcGET",
            "\x04POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nx: y\r\n\r\n\r\nGET * HTTP/1.0\r\n\r\n",
            "\0POST http://a/b?c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
            "\0GET / HTTP/1.1\r\na: b\n\r\n",
            "\0CONNECT a:1 HTTP/1.1\r\n\r\n",
            "\x01HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.0 404 Not Found\r\n\r\nuntil",
            "\x03HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 304 x\r\n\r\n",
            "\x01SSH-2.0-x\r\n\r\n",
            "\0",
            "",
            &long,
        ] {
            super::http1(seed.as_bytes());
        }
    }
}
