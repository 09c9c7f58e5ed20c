//! Requests that the gateway makes itself: copies for mirrors, questions to authorization services.

use super::{
    body::{Received, RequestBody},
    exchange::chain,
    pool::{Lease, Want},
    upstream::Outgoing,
};
use crate::{
    http1::Filled,
    upstream::{Backend, Endpoint},
    worker::Worker,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::Body;
use std::{future::poll_fn, pin::Pin, sync::Arc};

/// Endpoints that one request tries to connect to.
const TRIES: usize = 3;

/// Why there is no response; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(pub(super) String);

/// A response whose body is still to be read.
pub(super) struct Answer {
    pub(super) head: Response<()>,
    received: Received,
    lease: Lease,
}

/// Sends a request and waits for the head of the response. `again` makes the body anew, if the request may be sent a second time
/// where a kept connection has died.
pub(super) async fn call(
    worker: &Worker,
    backend: &Arc<Backend>,
    outgoing: &mut Outgoing,
    want: Want,
    body: RequestBody,
    again: Option<&dyn Fn() -> RequestBody>,
) -> Result<Answer, NoAnswer> {
    if let Some(why) = &backend.unusable {
        return Err(NoAnswer(why.clone()));
    }
    let (mut body, mut fresh) = (Some(body), false);
    loop {
        let (mut lease, endpoint) = lease(worker, backend, want, fresh).await?;
        if want == Want::Http2 && !lease.is_http2() {
            return Err(NoAnswer(format!("{endpoint} does not speak HTTP/2")));
        }
        // HTTP/2 knows no requests without a host.
        if lease.is_http2()
            && outgoing.target.host.is_empty()
            && let Ok(host) = HeaderValue::from_str(&endpoint.to_string())
        {
            outgoing.target.host = host;
        }
        let Some(now) = body.take().or_else(|| again.map(|again| again())) else {
            return Err(NoAnswer("the request cannot be sent again".to_owned()));
        };
        let reused = lease.reused && !fresh;
        let failure = match lease.send(backend, outgoing, now, reused).await {
            Ok(response) => {
                let (parts, received) = response.into_parts();
                return Ok(Answer { head: Response::from_parts(parts, ()), received, lease });
            }
            Err(failure) => failure,
        };
        if !reused || !failure.unsent && again.is_none() {
            return Err(NoAnswer(failure.why));
        }
        fresh = true;
        body = failure.body.filter(|_| failure.unsent);
    }
}

async fn lease(
    worker: &Worker,
    backend: &Arc<Backend>,
    want: Want,
    fresh: bool,
) -> Result<(Lease, Arc<Endpoint>), NoAnswer> {
    let mut tries = TRIES.min(backend.endpoints.len());
    loop {
        let Some(endpoint) = backend.pick(worker.now()).map(Arc::clone) else {
            return Err(NoAnswer("the backend has no endpoints".to_owned()));
        };
        let kept = if fresh { None } else { worker.http_pool().kept(worker, backend, &endpoint, want) };
        if let Some(lease) = kept {
            return Ok((lease, endpoint));
        }
        match worker.http_pool().lease(worker, backend, &endpoint, want, fresh).await {
            Ok(lease) => return Ok((lease, endpoint)),
            Err(error) if tries <= 1 => return Err(NoAnswer(chain(&error))),
            Err(_) => tries -= 1,
        }
    }
}

impl Answer {
    /// Reads the body and the trailers; `None` if it is longer than `max`, or breaks off.
    pub(super) async fn read(self, max: usize) -> Option<(Bytes, Option<HeaderMap>)> {
        let mut data = Vec::new();
        let trailers = self.take(max, |more| data.extend_from_slice(more)).await?;
        Some((data.into(), trailers))
    }

    /// Reads the body, so that its connection can serve others, and drops it; false as in [`Answer::read`].
    pub(super) async fn discard(self, max: usize) -> bool {
        self.take(max, |_| {}).await.is_some()
    }

    async fn take(self, max: usize, mut keep: impl FnMut(&[u8])) -> Option<Option<HeaderMap>> {
        let Self { received, mut lease, .. } = self;
        let (mut left, mut trailers) = (max, None);
        match received {
            Received::Http1 => loop {
                let filled = poll_fn(|cx| {
                    lease.poll_request(cx);
                    lease.poll_body(&mut trailers, cx)
                });
                match filled.await.ok()? {
                    Filled::End => break,
                    Filled::Data => {
                        let length = lease.data().len();
                        left = left.checked_sub(length)?;
                        keep(lease.data());
                        lease.consume(length);
                    }
                }
            },
            Received::Http2(mut incoming) => {
                while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
                    match frame.ok()?.into_data() {
                        Ok(data) => {
                            left = left.checked_sub(data.len())?;
                            keep(&data);
                        }
                        Err(frame) => trailers = frame.into_trailers().ok(),
                    }
                }
            }
        }
        lease.give_back();
        Some(trailers)
    }
}
