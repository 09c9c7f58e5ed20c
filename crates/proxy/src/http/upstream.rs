//! A connection to a backend that speaks HTTP/1.1: sends a request and reads its response, both at the same time.

use super::{
    body::{Broken, RequestBody},
    exchange::chain,
    filter::Target,
};
use crate::{
    http1::{self, BodyError, Buffers, Encoding, Filled, Framing, HeadError, ResponseHead, Scan, Stream, Writer},
    io::Io,
    upstream::Active,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use std::{
    future::poll_fn,
    io,
    rc::Rc,
    task::{Context, Poll, ready},
};

/// All of a response's head.
pub(super) const MAX_HEADER: usize = 256 << 10;
/// Responses before the final one (RFC 9110 15.2).
const MAX_INTERIM: usize = 32;

/// A request as it goes to the backend, apart from the body.
pub(super) struct Outgoing {
    pub(super) parts: Parts,
    pub(super) target: Target,
    /// The protocol that it asks to switch to.
    pub(super) upgrade: Option<HeaderValue>,
    /// The client takes trailers.
    pub(super) wants_trailers: bool,
}

/// A request without a response.
pub(super) struct Failure {
    /// For the log.
    pub(super) why: String,
    /// Nothing of it has left, so it can be sent again whatever it is.
    pub(super) unsent: bool,
    /// The backend says that it has done nothing with it.
    pub(super) refused: bool,
    /// Its body, if there is any left.
    pub(super) body: Option<RequestBody>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoResponse {
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Request(#[from] Broken),
    #[error("the connection ended before the response was complete")]
    Ended,
    #[error("too many interim responses")]
    Interim,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One connection; between requests it is kept by the pool.
#[derive(Debug)]
pub(super) struct Upstream {
    stream: Stream<Io>,
    writer: Writer,
    scan: Scan,
    /// Of the request, as long as some is left.
    request: Option<RequestBody>,
    /// The request's `Trailer`.
    announced: Vec<HeaderValue>,
    /// The request could not be sent to its end.
    unsendable: Option<io::Error>,
    /// It may serve another request after this one.
    reusable: bool,
    interim: usize,
    _active: Active,
}

impl Upstream {
    pub(super) fn new(io: Io, buffers: Rc<Buffers>, active: Active) -> Self {
        Self {
            stream: Stream::new(io, buffers, &[]),
            writer: Writer::default(),
            scan: Scan::default(),
            request: None,
            announced: Vec::new(),
            unsendable: None,
            reusable: false,
            interim: 0,
            _active: active,
        }
    }

    /// Whether the backend has neither closed it nor sent what nobody asked for.
    pub(super) fn is_alive(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// Sends a request and waits for the head of its response; the rest of the request goes on meanwhile and afterwards.
    pub(super) async fn send(&mut self, outgoing: &Outgoing, body: RequestBody) -> Result<Response<()>, Failure> {
        self.begin(outgoing, body);
        match poll_fn(|cx| self.poll_response(outgoing, cx)).await {
            Ok(response) => Ok(response),
            Err(error) => {
                // What kept the request from leaving says more than that no answer came.
                let why = match (&self.unsendable, &error) {
                    (Some(unsendable), NoResponse::Ended | NoResponse::Io(_)) => chain(unsendable),
                    _ => chain(&error),
                };
                Err(Failure { why, unsent: !self.writer.has_begun(), refused: false, body: self.request.take() })
            }
        }
    }

    fn begin(&mut self, outgoing: &Outgoing, body: RequestBody) {
        let Outgoing { parts, target, upgrade, wants_trailers } = outgoing;
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let encoding = match length {
            Some(length) => Encoding::Length(length),
            None if body.is_empty() => Encoding::Length(0),
            None => Encoding::Chunked,
        };
        self.announced.clear();
        self.announced.extend(parts.headers.get_all(header::TRAILER).iter().cloned());
        let head = self.writer.begin(encoding);
        http1::write_request(head, &parts.method, target.path.as_str());
        head.extend_from_slice(b"host: ");
        head.extend_from_slice(target.host.as_bytes());
        head.extend_from_slice(b"\r\n");
        http1::write_fields(head, &parts.headers);
        if encoding == Encoding::Chunked {
            head.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        if *wants_trailers {
            head.extend_from_slice(b"te: trailers\r\n");
        }
        if let Some(protocol) = upgrade {
            head.extend_from_slice(b"connection: upgrade\r\nupgrade: ");
            head.extend_from_slice(protocol.as_bytes());
            head.extend_from_slice(b"\r\n");
        } else if *wants_trailers {
            head.extend_from_slice(b"connection: te\r\n");
        }
        head.extend_from_slice(b"\r\n");
        self.request = Some(body);
        self.unsendable = None;
        self.reusable = false;
        self.interim = 0;
    }

    /// Sends as much of the request as can be sent.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.unsendable.is_some() {
            return Poll::Ready(Ok(()));
        }
        while let Some(body) = &mut self.request {
            let (io, writer) = (self.stream.io(), &mut self.writer);
            let sent = match body.poll_fill(cx)? {
                Poll::Ready(Filled::Data) => match body.with_data(|data| writer.poll_data(io, cx, data, false)) {
                    Poll::Ready(sent) => sent.map(|length| body.consume(length)),
                    Poll::Pending => {
                        body.settle();
                        return Poll::Pending;
                    }
                },
                Poll::Ready(Filled::End) => {
                    let trailers = body.take_trailers().map(|trailers| announced(trailers, &self.announced));
                    let ended = writer.end(trailers.as_ref());
                    self.request = None;
                    ended
                }
                Poll::Pending => {
                    if let Poll::Ready(Err(error)) = writer.poll_flush(io, cx) {
                        self.unsendable = Some(error);
                        return Poll::Ready(Ok(()));
                    }
                    // The client may be slow.
                    writer.shrink(true);
                    return Poll::Pending;
                }
            };
            if let Err(error) = sent {
                self.unsendable = Some(error);
                return Poll::Ready(Ok(()));
            }
        }
        if let Err(error) = ready!(self.writer.poll_flush(self.stream.io(), cx)) {
            self.unsendable = Some(error);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_response(&mut self, outgoing: &Outgoing, cx: &mut Context<'_>) -> Poll<Result<Response<()>, NoResponse>> {
        // That it waits is no reason not to look for a response, which may come early.
        let _ = self.poll_request(cx)?;
        loop {
            if let Some(place) = self.scan.find(self.stream.raw())? {
                let end = place.end;
                let head = http1::response(&self.stream.raw()[place])?;
                self.stream.consume_raw(end);
                let status = head.response.status();
                if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
                    self.interim += 1;
                    if self.interim > MAX_INTERIM {
                        return Poll::Ready(Err(NoResponse::Interim));
                    }
                    continue;
                }
                return Poll::Ready(self.received(head, outgoing.parts.method == Method::HEAD));
            }
            let raw = self.stream.raw();
            if raw.len() >= MAX_HEADER {
                return Poll::Ready(Err(HeadError::TooLong.into()));
            }
            let start = b"HTTP/1.";
            if !raw.iter().zip(start).all(|(have, want)| have == want) {
                return Poll::Ready(Err(HeadError::NoHttp.into()));
            }
            if ready!(self.stream.poll_read(cx))? == 0 {
                return Poll::Ready(Err(NoResponse::Ended));
            }
        }
    }

    /// Where the response ends (RFC 9112 6.3).
    fn received(&mut self, head: ResponseHead, is_head: bool) -> Result<Response<()>, NoResponse> {
        let ResponseHead { response, keep_alive } = head;
        let (status, headers) = (response.status(), response.headers());
        // A backend that says how long nothing is may send it, too.
        let odd = status == StatusCode::NO_CONTENT
            && (headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::CONTENT_LENGTH));
        let bodyless = is_head
            || matches!(status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let framing = if bodyless { Framing::Empty } else { http1::response_framing(headers)? };
        self.reusable = keep_alive && framing != Framing::Close && !odd && status != StatusCode::SWITCHING_PROTOCOLS;
        self.stream.begin_body(framing);
        Ok(response)
    }

    /// Reads on in the response's body.
    pub(super) fn poll_body(
        &mut self,
        trailers: &mut Option<HeaderMap>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Filled, BodyError>> {
        let filled = ready!(self.stream.poll_body(cx));
        if matches!(filled, Ok(Filled::End)) && trailers.is_none() {
            *trailers = self.stream.trailers().take();
        }
        Poll::Ready(filled)
    }

    /// Bytes of the body that have come.
    pub(super) fn data(&self) -> &[u8] {
        self.stream.data()
    }

    /// They are not taken for now.
    pub(super) fn settle(&mut self) {
        self.stream.settle();
    }

    /// So many of them are done with.
    pub(super) fn consume(&mut self, length: usize) {
        self.stream.consume(length);
    }

    /// Nothing comes behind [`Upstream::data`].
    pub(super) fn is_read(&self) -> bool {
        self.stream.is_read() && !self.stream.has_trailers()
    }

    /// Bytes of the body that are still to be taken, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.stream.left()
    }

    /// The connection itself, once it has switched protocols, and what came behind the 101.
    pub(super) fn into_parts(self) -> (Io, Bytes) {
        self.stream.into_parts()
    }

    /// Gets ready for another request; false: it cannot serve one.
    pub(super) fn rest(&mut self) -> bool {
        self.writer.shrink(false);
        self.reusable
            && self.request.is_none()
            && self.unsendable.is_none()
            && self.writer.is_done()
            && self.stream.is_body_done()
            && self.stream.raw().is_empty()
    }
}

/// Those trailers that the head has announced: a backend may take them for headers, so there is no place for others.
pub(super) fn announced(mut trailers: HeaderMap, by: &[HeaderValue]) -> HeaderMap {
    let names = || by.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let others: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| !names().any(|announced| announced.eq_ignore_ascii_case(name.as_str().as_bytes())))
        .cloned()
        .collect();
    for name in others {
        trailers.remove(name);
    }
    trailers
}
