//! A request's body that is read before the request goes on.

use crate::{
    http::{
        body::{Incoming, RequestBody, Watch},
        exchange::{Exchange, Flag},
        pipeline::Refused,
    },
    http1::Filled,
    worker::Worker,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use std::{future::poll_fn, mem, pin::pin, rc::Rc};

/// Bytes of the worker's share, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Room {
    worker: Held,
    bytes: usize,
}

struct Held(Worker);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

impl Room {
    fn new(worker: &Worker) -> Self {
        Self { worker: Held(worker.clone()), bytes: 0 }
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let worker = &self.worker.0;
        let share = worker.limits().held_retry_bodies / worker.shared().loads.len().max(1);
        let all = worker.held_bodies();
        if all.get() + bytes > share {
            return false;
        }
        all.set(all.get() + bytes);
        self.bytes += bytes;
        true
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let all = self.worker.0.held_bodies();
        all.set(all.get() - self.bytes);
    }
}

/// Reads the body, and leaves in the request what has been read. Longer ones are refused, as GEP-1494 says of
/// `forwardBody`.
pub(super) async fn read(
    exchange: &mut Exchange,
    request: &mut Request<Incoming>,
    max: usize,
) -> Result<Bytes, Refused> {
    if let Incoming::Held(data, _) = request.body() {
        return if data.len() > max { Err(too_large()) } else { Ok(data.clone()) };
    }
    if request.body().is_empty() {
        return Ok(Bytes::new());
    }
    let worker = exchange.connection.worker.clone();
    let meter = Rc::clone(&exchange.meter);
    let incoming = mem::replace(request.body_mut(), Incoming::Empty);
    let mut body = RequestBody::new(incoming, &meter);
    let (mut data, mut room) = (Vec::new(), Room::new(&worker));
    let reading = pin!(async {
        loop {
            let filled = poll_fn(|cx| body.poll_fill(cx)).await.map_err(|error| {
                Refused::new(StatusCode::BAD_REQUEST, Flag::ClientGone, "the request broke off").because(error)
            })?;
            if filled == Filled::End {
                return Ok(());
            }
            let length = body.with_data(<[u8]>::len);
            if data.len() + length > max {
                return Err(too_large());
            }
            if !room.grow(length) {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return Err(Refused::new(status, Flag::AuthFailed, "too many bodies wait for authorization"));
            }
            body.with_data(|more| data.extend_from_slice(more));
            body.consume(length);
        }
    });
    let mut watch = Watch::new(None, meter.idle.get(), exchange.connection.timer());
    watch.guard(&meter, reading).await.unwrap_or_else(|_| Err(Refused::late(Flag::ClientIdle)))?;
    let data = Bytes::from(data);
    *request.body_mut() = Incoming::Held(data.clone(), body.take_trailers());
    exchange.notes.get_or_insert_default().room = Some(room);
    Ok(data)
}

fn too_large() -> Refused {
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Flag::BadRequest, "the body is larger than may be")
}
