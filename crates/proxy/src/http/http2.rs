//! HTTP/2 towards clients: hyper with our bounds, and the bounds that it does not have.

use super::{
    exchange,
    pool::Spawn,
    server::{Connection, answer, refuse},
};
use crate::{io::Io, options::Limits};
use bytes::{Buf, Bytes};
use http::StatusCode;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{sleep, timeout},
};

/// Between probes of a connection, and how long an answer may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
/// Flow-control windows: what one client can make us hold of requests.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What is taken of a response before the client takes it, in each stream.
const SEND_BUFFER: usize = 16 << 10;
/// Streams that a client has reset before we have seen them, and resets by its errors that we keep in mind.
const MAX_PENDING_RESETS: usize = 50;
const MAX_LOCAL_RESETS: usize = 200;
/// Read from one connection before the others of the worker have their turn.
const TURN: usize = 128 << 10;
/// Response bytes that bring along one control frame of the client, such as a WINDOW_UPDATE.
const CONTROL_BYTES: u64 = 256;
/// What the last words to a client may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves a connection; `early` are bytes that were read before.
pub(super) async fn serve(connection: &Rc<Connection>, io: Io, early: Bytes) {
    let shared = connection.begin_http2();
    let limits = connection.worker.limits();
    let mut builder = http2::Builder::new(Spawn(connection.worker.clone()));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    let service = {
        let connection = Rc::clone(connection);
        // Boxed, as a task is moved several times on its way to the scheduler.
        service_fn(move |request| Box::pin(answer(Rc::clone(&connection), request)))
    };
    let wire = Rc::new(RefCell::new(Wire::new(io, early, limits, Rc::clone(connection))));
    let why = {
        let mut http = pin!(builder.serve_connection(TokioIo::new(Shared(Rc::clone(&wire))), service));
        let closing = &connection.conn.closing;
        let mut graceful = false;
        loop {
            let seen = connection.started.get();
            tokio::select! {
                biased;
                () = shared.flooded.fired() => break shared.flood.get(),
                result = &mut http => {
                    if let Err(error) = result && connection.started.get() == 0 && !error.is_canceled() {
                        refuse(connection, StatusCode::BAD_REQUEST, &exchange::chain(&error));
                    }
                    return;
                }
                () = closing.fired(), if !graceful => {
                    graceful = true;
                    http.as_mut().graceful_shutdown();
                }
                () = sleep(limits.http_idle) => {
                    let resting = connection.active.get() == 0 && connection.started.get() == seen;
                    // Who has not gone by the second time will not, e.g. as it has not even begun.
                    if connection.is_stalled() || resting && graceful {
                        return;
                    }
                    if resting {
                        graceful = true;
                        http.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    };
    refuse(connection, StatusCode::BAD_REQUEST, why);
    let last = wire.borrow().goaway();
    let io = wire.borrow_mut().io.take();
    if let (Some(mut io), Some(goaway)) = (io, last) {
        // A client that floods may not read it.
        let _ = timeout(LAST_WORDS, async {
            io.write_all(&goaway).await?;
            io.flush().await?;
            io.shutdown().await
        })
        .await;
    }
}

/// The stream of bytes beneath hyper, which looks at the frames that pass.
struct Wire {
    /// Taken when the connection is over.
    io: Option<Io>,
    early: Bytes,
    connection: Rc<Connection>,
    received: Frames,
    sent: Frames,
    /// Since others had their turn.
    turn: usize,
    /// What control frames may cost, in response bytes; and when it was last filled up.
    credit: u64,
    most: u64,
    filled: Instant,
}

impl Wire {
    fn new(io: Io, early: Bytes, limits: &Limits, connection: Rc<Connection>) -> Self {
        let most = u64::from(limits.h2_control_frames_per_second) * CONTROL_BYTES;
        let (received, sent) = (Frames::after(24), Frames::after(0));
        Self { io: Some(io), early, connection, received, sent, turn: 0, credit: most, most, filled: Instant::now() }
    }

    /// Bytes have come.
    fn came(&mut self, bytes: &[u8]) {
        self.turn += bytes.len();
        let control = self.received.pass(bytes);
        if control == 0 {
            return;
        }
        let cost = control * CONTROL_BYTES;
        if self.credit < cost {
            let now = Instant::now();
            let millis = u64::try_from(now.saturating_duration_since(self.filled).as_millis()).unwrap_or(u64::MAX);
            self.credit = self.most.min(self.credit.saturating_add(self.most.saturating_mul(millis) / 1000));
            self.filled = now;
        }
        match self.credit.checked_sub(cost) {
            Some(left) => self.credit = left,
            None => self.connection.flood("more frames that carry nothing than a second may have"),
        }
    }

    /// Bytes have left.
    fn left(&mut self, slices: &[IoSlice<'_>], mut count: usize) {
        self.credit = self.most.min(self.credit + count as u64);
        for slice in slices {
            let some = count.min(slice.len());
            self.sent.pass(&slice[..some]);
            count -= some;
        }
    }

    /// GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 6.8, 7), unless a frame is half sent.
    fn goaway(&self) -> Option<[u8; 17]> {
        let mut frame = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
        frame[9..13].copy_from_slice(&self.received.last_stream.to_be_bytes());
        self.sent.is_between().then_some(frame)
    }
}

/// Where one frame ends and the next begins.
struct Frames {
    header: [u8; 9],
    /// How much of `header` is there.
    have: usize,
    /// What is left of the payload.
    left: usize,
    /// The highest stream that a HEADERS frame has named.
    last_stream: u32,
}

impl Frames {
    /// Frames that begin after so many bytes.
    fn after(left: usize) -> Self {
        Self { header: [0; 9], have: 0, left, last_stream: 0 }
    }

    fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// How many of the frames that begin in `bytes` carry neither a header nor a body. SETTINGS, which change every open
    /// stream and need an answer, count more.
    fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        const DATA: u8 = 0;
        const HEADERS: u8 = 1;
        const SETTINGS: u8 = 4;
        let mut control = 0;
        loop {
            let payload = self.left.min(bytes.len());
            self.left -= payload;
            bytes = &bytes[payload..];
            if bytes.is_empty() {
                return control;
            }
            let some = (self.header.len() - self.have).min(bytes.len());
            self.header[self.have..self.have + some].copy_from_slice(&bytes[..some]);
            self.have += some;
            bytes = &bytes[some..];
            if self.have < self.header.len() {
                return control;
            }
            let [a, b, c, kind, _, stream @ ..] = self.header;
            self.have = 0;
            self.left = u32::from_be_bytes([0, a, b, c]) as usize;
            match kind {
                DATA => {}
                HEADERS => self.last_stream = self.last_stream.max(u32::from_be_bytes(stream) & 0x7fff_ffff),
                SETTINGS => control += 64,
                _ => control += 1,
            }
        }
    }
}

/// What hyper reads from and writes to.
struct Shared(Rc<RefCell<Wire>>);

fn gone<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self.0.borrow_mut();
        if wire.turn >= TURN {
            wire.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if !wire.early.is_empty() {
            let some = wire.early.len().min(buf.remaining());
            buf.put_slice(&wire.early[..some]);
            wire.early.advance(some);
        } else {
            let Some(io) = &mut wire.io else { return gone() };
            std::task::ready!(Pin::new(io).poll_read(cx, buf))?;
        }
        wire.came(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = &mut *self.0.borrow_mut();
        let Some(io) = &mut wire.io else { return gone() };
        let count = std::task::ready!(Pin::new(io).poll_write_vectored(cx, bufs))?;
        wire.left(bufs, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0.borrow_mut().io {
            Some(io) => Pin::new(io).poll_flush(cx),
            None => gone(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0.borrow_mut().io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => gone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let mut wire = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS, HEADERS of stream 5, DATA, an empty DATA, PING, an unknown one.
        wire.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        wire.extend([0, 0, 2, 1, 5, 0, 0, 0, 5, 0x82, 0x84]);
        wire.extend([0, 0, 12, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
        wire.extend([0, 0, 0, 0, 1, 0, 0, 0, 5]);
        wire.extend([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        wire.extend([0, 0, 1, 0xfa, 0, 0, 0, 0, 0, 1]);
        for size in 1..=wire.len() {
            let mut frames = Frames::after(24);
            let control: u64 = wire.chunks(size).map(|piece| frames.pass(piece)).sum();
            assert_eq!((control, frames.last_stream, frames.is_between()), (66, 5, true), "in pieces of {size}");
        }
    }
}
