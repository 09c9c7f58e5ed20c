//! WebSocket and other protocols that a connection is switched to: after the backend's 101, and never before it, bytes pass
//! through as they are.

use super::{
    body::ResponseBody,
    exchange::{Exchange, Flag},
    pool::{Lease, UpgradeReceiver},
};
use crate::io::Io;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, response::Parts};
use std::{cell::Cell, io, time::Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is left to do once the client has been sent the 101.
pub(super) struct Tunnel {
    exchange: Box<Exchange>,
    backend: UpgradeReceiver,
}

/// Bytes that are carried at a time, in each direction.
const BUFFER: usize = 16 << 10;

/// Passes the backend's 101 on and leaves the tunnel with the connection.
pub(super) fn respond(
    mut exchange: Box<Exchange>,
    mut parts: Parts,
    protocol: Option<HeaderValue>,
    lease: Lease,
) -> Response<ResponseBody> {
    let backend = lease.into_upgrade();
    match (protocol, backend) {
        (Some(protocol), Some(backend)) if exchange.upgrading => {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, protocol);
            let connection = std::rc::Rc::clone(&exchange.connection);
            connection.set_tunnel(Tunnel { exchange, backend });
            Response::from_parts(parts, ResponseBody::text("", None))
        }
        _ => {
            exchange.status = StatusCode::BAD_GATEWAY.as_u16();
            exchange.fail(Flag::UpstreamResponse, Some("101 that nobody asked for".to_owned()));
            let mut response =
                Response::new(ResponseBody::text("502 the backend gave no valid answer\n", Some(exchange)));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

impl Tunnel {
    /// Carries bytes until both sides have ended, one has failed, nothing has flowed for too long, or the worker, which
    /// holds this future, gives up on it at the end of a drain.
    pub(super) async fn run(self, client: Io, early: Bytes) {
        let Self { mut exchange, backend } = self;
        let Ok((backend, late)) = backend.await else {
            exchange.fail(Flag::UpstreamReset, Some("the connection ended with its 101".to_owned()));
            return;
        };
        let idle = exchange.connection.worker.limits().stream_idle;
        let (mut client_reader, mut client_writer) = tokio::io::split(client);
        let (mut backend_reader, mut backend_writer) = tokio::io::split(backend);
        let last = Cell::new(Instant::now());
        let (up, down) = (Cell::new(0), Cell::new(0));
        let both = async {
            tokio::try_join!(
                carry(&mut client_reader, &mut backend_writer, &early, &last, &up),
                carry(&mut backend_reader, &mut client_writer, &late, &last, &down),
            )
        };
        let watch = async {
            loop {
                let quiet = last.get() + idle;
                if quiet <= Instant::now() {
                    return;
                }
                tokio::time::sleep_until(quiet.into()).await;
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

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    first: &[u8],
    last: &Cell<Instant>,
    count: &Cell<u64>,
) -> io::Result<()> {
    to.write_all(first).await?;
    to.flush().await?;
    count.set(first.len() as u64);
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        last.set(Instant::now());
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
        count.set(count.get() + length as u64);
    }
}
