//! WebSocket and other protocols that a connection is switched to: after the backend's 101, and never before it, bytes pass
//! through as they are.

use super::{
    body::ResponseBody,
    exchange::{Exchange, Flag},
    pool::Lease,
    websocket::Relay,
};
use crate::{drain::Signal, io::Io};
use bytes::Bytes;
use http::{HeaderValue, Response, header, response::Parts};
use std::{cell::Cell, io, pin::pin, time::Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is left to do once the client has been sent the 101.
pub(super) struct Tunnel {
    exchange: Box<Exchange>,
    /// The backend's connection, and what came behind its 101.
    backend: (Io, Bytes),
    websocket: bool,
}

/// Bytes that are carried at a time, in each direction.
const BUFFER: usize = 16 << 10;

/// Passes the backend's 101 on and leaves the tunnel with the connection. Nobody asked for it: gives the record back.
pub(super) fn respond(
    exchange: Box<Exchange>,
    mut parts: Parts,
    protocol: Option<HeaderValue>,
    lease: Lease,
) -> Result<Response<ResponseBody>, Box<Exchange>> {
    let (Some(protocol), true, Some(backend)) = (protocol, exchange.upgrading, lease.into_upgrade()) else {
        return Err(exchange);
    };
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
    parts.headers.insert(header::UPGRADE, protocol);
    let connection = std::rc::Rc::clone(&exchange.connection);
    connection.set_tunnel(Tunnel { exchange, backend, websocket });
    Ok(Response::from_parts(parts, ResponseBody::text("", None)))
}

impl Tunnel {
    /// Carries bytes until both sides have ended, one has failed, nothing has flowed for too long (for less, once one side
    /// has ended), or the worker, which holds this future, gives up on it at the end of a drain. A moment before that, both
    /// sides of a WebSocket are told that the gateway is going away.
    pub(super) async fn run(self, client: Io, early: Bytes) {
        let Self { mut exchange, backend: (backend, late), websocket } = self;
        let idle = exchange.meter.idle.get();
        let worker = &exchange.connection.worker;
        let half_closed = worker.limits().half_closed.min(idle);
        // The mask hides nothing here: what it hides is known to all.
        let [mask @ .., _, _, _, _] = worker.random().to_be_bytes();
        let goodbye = |mask| websocket.then(|| Goodbye { due: worker.last_call(), relay: Relay::new(mask) });
        let (mut client_reader, mut client_writer) = tokio::io::split(client);
        let (mut backend_reader, mut backend_writer) = tokio::io::split(backend);
        let pace = Pace { last: Cell::new(Instant::now()), ended: Cell::new(false) };
        let (up, down) = (Cell::new(0), Cell::new(0));
        let both = async {
            tokio::try_join!(
                carry(&mut client_reader, &mut backend_writer, &early, &pace, &up, goodbye(Some(mask))),
                carry(&mut backend_reader, &mut client_writer, &late, &pace, &down, goodbye(None)),
            )
        };
        let watch = async {
            loop {
                let quiet = pace.last.get().elapsed();
                if quiet >= if pace.ended.get() { half_closed } else { idle } {
                    return;
                }
                // Looked at from time to time, as the limit shrinks when one side ends.
                tokio::time::sleep(idle.saturating_sub(quiet).min(half_closed)).await;
            }
        };
        tokio::select! {
            result = both => match result {
                Ok(_) => {
                    // After a goodbye neither side has been shut down yet.
                    let _ = tokio::join!(client_writer.shutdown(), backend_writer.shutdown());
                    exchange.complete = true;
                }
                // Protocols in tunnels end as they like, so this blames nobody.
                Err(_) => exchange.complete = true,
            },
            () = watch => exchange.fail(Flag::UpstreamIdle, None),
        }
        exchange.meter.request_bytes.set(up.get());
        exchange.response_bytes = down.get();
    }
}

/// What both directions of a tunnel tell its watch.
struct Pace {
    /// When a byte came.
    last: Cell<Instant>,
    /// One side has ended.
    ended: Cell<bool>,
}

/// How one direction of a WebSocket ends.
struct Goodbye<'a> {
    /// When it is to be said.
    due: &'a Signal,
    relay: Relay,
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    first: &[u8],
    pace: &Pace,
    count: &Cell<u64>,
    mut goodbye: Option<Goodbye<'_>>,
) -> io::Result<()> {
    let due = goodbye.as_ref().map(|goodbye| goodbye.due);
    let mut due = pin!(async {
        match due {
            Some(due) => due.fired().await,
            None => std::future::pending().await,
        }
    });
    let mut said = false;
    pass(to, first, count, goodbye.as_mut()).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = tokio::select! {
            biased;
            () = &mut due, if !said => {
                said = true;
                to.write_all(goodbye.as_mut().map_or(&[], |goodbye| goodbye.relay.go_away())).await?;
                to.flush().await?;
                continue;
            }
            length = from.read(&mut buffer) => length?,
        };
        pace.last.set(Instant::now());
        if length == 0 {
            pace.ended.set(true);
            return to.shutdown().await;
        }
        pass(to, &buffer[..length], count, goodbye.as_mut()).await?;
        if goodbye.as_ref().is_some_and(|goodbye| goodbye.relay.is_over()) {
            // Nothing comes from there any more, and the other side has had its last frame.
            return Ok(());
        }
    }
}

async fn pass(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    count: &Cell<u64>,
    goodbye: Option<&mut Goodbye<'_>>,
) -> io::Result<()> {
    let (passed, close) = goodbye.map_or((bytes.len(), &[][..]), |goodbye| goodbye.relay.pass(bytes));
    to.write_all(&bytes[..passed]).await?;
    to.write_all(close).await?;
    to.flush().await?;
    count.set(count.get() + passed as u64);
    Ok(())
}
