//! WebSocket and other protocols that a connection is switched to: after the backend's 101, and never before it, bytes pass
//! through as they are.

use super::{
    body::ResponseBody,
    exchange::{Exchange, Flag},
    pool::{Lease, UpgradeReceiver},
};
use crate::io::Io;
use bytes::Bytes;
use http::{HeaderValue, Response, header, response::Parts};
use std::{cell::Cell, io, time::Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is left to do once the client has been sent the 101.
pub(super) struct Tunnel {
    exchange: Box<Exchange>,
    backend: UpgradeReceiver,
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
    let (Some(protocol), Some(backend), true) = (protocol, lease.into_upgrade(), exchange.upgrading) else {
        return Err(exchange);
    };
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(header::UPGRADE, protocol);
    let connection = std::rc::Rc::clone(&exchange.connection);
    connection.set_tunnel(Tunnel { exchange, backend });
    Ok(Response::from_parts(parts, ResponseBody::text("", None)))
}

impl Tunnel {
    /// Carries bytes until both sides have ended, one has failed, nothing has flowed for too long (for less, once one side
    /// has ended), or the worker, which holds this future, gives up on it at the end of a drain.
    pub(super) async fn run(self, client: Io, early: Bytes) {
        let Self { mut exchange, backend } = self;
        let Ok((backend, late)) = backend.await else {
            exchange.fail(Flag::UpstreamReset, Some("the connection ended with its 101".to_owned()));
            return;
        };
        let idle = exchange.meter.idle.get();
        let half_closed = exchange.connection.worker.limits().half_closed.min(idle);
        let (mut client_reader, mut client_writer) = tokio::io::split(client);
        let (mut backend_reader, mut backend_writer) = tokio::io::split(backend);
        let pace = Pace { last: Cell::new(Instant::now()), ended: Cell::new(false) };
        let (up, down) = (Cell::new(0), Cell::new(0));
        let both = async {
            tokio::try_join!(
                carry(&mut client_reader, &mut backend_writer, &early, &pace, &up),
                carry(&mut backend_reader, &mut client_writer, &late, &pace, &down),
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
                Ok(_) => exchange.complete = true,
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

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    first: &[u8],
    pace: &Pace,
    count: &Cell<u64>,
) -> io::Result<()> {
    to.write_all(first).await?;
    to.flush().await?;
    count.set(first.len() as u64);
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        pace.last.set(Instant::now());
        if length == 0 {
            pace.ended.set(true);
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
        count.set(count.get() + length as u64);
    }
}
