//! Requests over HTTP/1.1 keep-alive connections, over fresh ones, and over HTTP/2.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, body::Incoming, header};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::transport::Goaways;
use super::{ANSWER, Endpoint, Load, PAUSE, Run, Tally};

type Body = Empty<Bytes>;

/// The value of a response header that counts up, as the last answer had it.
#[derive(Debug, Clone)]
pub struct Header {
    name: &'static str,
    value: Arc<AtomicU64>,
    changes: Arc<AtomicU64>,
}

impl Header {
    /// Nothing seen yet.
    pub fn new(name: &'static str) -> Self {
        Self { name, value: Arc::default(), changes: Arc::default() }
    }

    /// The newest value seen; 0 at first.
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    /// How many different values were seen.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn saw(&self, value: u64) {
        if self.value.fetch_max(value, Ordering::Relaxed) < value {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Load {
    /// `connections` keep-alive connections with one request after the other on each.
    pub fn http1(&mut self, name: &str, to: &Endpoint, connections: usize) -> Tally {
        self.http1_with(name, to, connections, None)
    }

    /// [`Self::http1`], which also takes note of a header that must never count down on a connection.
    pub fn http1_with(&mut self, name: &str, to: &Endpoint, connections: usize, header: Option<&Header>) -> Tally {
        let to = to.clone();
        let header = header.cloned();
        self.add(name, connections, move |run, _| keep_alive(run, to.clone(), header.clone()))
    }

    /// `clients` clients that open a connection for each request and end it after that.
    pub fn http1_fresh(&mut self, name: &str, to: &Endpoint, clients: usize) -> Tally {
        let to = to.clone();
        self.add(name, clients, move |run, _| fresh(run, to.clone()))
    }

    /// `streams` streams at one time over one HTTP/2 connection.
    pub fn http2(&mut self, name: &str, to: &Endpoint, streams: usize) -> Tally {
        let shared = Arc::new(Http2 { to: to.clone(), current: tokio::sync::Mutex::new(None) });
        self.add(name, streams, move |run, _| over_http2(run, Arc::clone(&shared)))
    }
}

/// The request numbered `n`; origins tell its target back.
fn request(to: &Endpoint, n: u64, absolute: bool) -> Option<Request<Body>> {
    let path = format!("/load?n={n}");
    let builder = if absolute {
        let scheme = if to.tls.is_some() { "https" } else { "http" };
        Request::get(format!("{scheme}://{}{path}", to.authority()))
    } else {
        Request::get(path).header(header::HOST, to.authority())
    };
    builder.body(Body::new()).ok()
}

/// Numbers requests over all generators.
fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Reads a response to its end; whether it is the answer to the request numbered `n`.
async fn check(response: Response<Incoming>, n: u64) -> Result<(), String> {
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| format!("body: {}", chain(&error)))?.to_bytes();
    if status != 200 {
        return Err(format!("status {}", status.as_u16()));
    }
    let mark = format!("/load?n={n}\"");
    if body.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        Ok(())
    } else {
        Err("the answer to another request".to_owned())
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Whether the server has, by its own word, done nothing for a request, so that a client may send it again: it was refused,
/// or a GOAWAY came before it or did not cover its stream (RFC 9113 sections 6.8 and 8.7).
pub(super) fn unprocessed(error: &hyper::Error) -> bool {
    let told = error.source().and_then(|source| source.downcast_ref::<h2::Error>()).is_some_and(|error| {
        error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
    });
    error.is_canceled() || told
}

/// An HTTP/1.1 connection.
struct Http1 {
    sender: http1::SendRequest<Body>,
    /// We have ended it, or know that the other side will.
    done: Arc<AtomicBool>,
}

impl Http1 {
    async fn open(run: &Run, to: &Endpoint) -> Result<Self, String> {
        let stream = to.connect("http/1.1").await.map_err(|error| format!("connect: {error}"))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| format!("connect: {error}"))?;
        let done = Arc::new(AtomicBool::new(false));
        let (ours, tally) = (Arc::clone(&done), run.tally.clone());
        tokio::spawn(async move {
            let result = connection.await;
            // The end may be seen before the response that announces it is.
            tokio::time::sleep(PAUSE).await;
            if !ours.load(Ordering::Relaxed) {
                tally.ended(
                    false,
                    &result.map_or_else(|error| chain(&error), |()| "closed between requests".to_owned()),
                );
            }
        });
        Ok(Self { sender, done })
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}

async fn keep_alive(run: Run, to: Endpoint, header: Option<Header>) {
    let mut open: Option<Http1> = None;
    let mut last = 0;
    while run.goes_on() {
        let connection = match open.take().filter(|connection| !connection.sender.is_closed()) {
            Some(connection) => connection,
            None => match Http1::open(&run, &to).await {
                Ok(connection) => connection,
                Err(why) => {
                    run.tally.sent();
                    run.tally.failed(&why);
                    run.rest(PAUSE).await;
                    continue;
                }
            },
        };
        let n = next();
        let Some((connection, response)) = ask(&run, &to, connection, n).await else {
            run.rest(PAUSE).await;
            continue;
        };
        let goes = response.headers().get(header::CONNECTION).is_some_and(|value| value.as_bytes() == b"close");
        let value = header.as_ref().and_then(|header| response.headers().get(header.name)?.to_str().ok()?.parse().ok());
        if goes {
            // Said by the response, so whatever becomes of the connection from here on is as announced.
            connection.done.store(true, Ordering::Relaxed);
        }
        match tokio::time::timeout(ANSWER, check(response, n)).await {
            Ok(Ok(())) => run.tally.ok(),
            Ok(Err(why)) => run.tally.failed(&why),
            Err(_) => run.tally.failed("no end of the answer in time"),
        }
        if let (Some(header), Some(value)) = (&header, value) {
            if value < last {
                run.tally.reordered(&format!("{} went back from {last} to {value}", header.name));
            }
            last = value;
            header.saw(value);
        }
        if goes {
            run.tally.ended(true, "Connection: close");
        } else {
            open = Some(connection);
        }
        run.rest(to.interval).await;
    }
}

/// Sends a request; counts it, and what went wrong.
async fn ask(run: &Run, to: &Endpoint, mut connection: Http1, n: u64) -> Option<(Http1, Response<Incoming>)> {
    run.tally.sent();
    if connection.sender.ready().await.is_err() {
        // Nothing was written: the next connection takes it.
        run.tally.retried("closed before the request");
        return None;
    }
    match tokio::time::timeout(ANSWER, connection.sender.send_request(request(to, n, false)?)).await {
        Ok(Ok(response)) => Some((connection, response)),
        Ok(Err(error)) if error.is_canceled() => {
            run.tally.retried("closed before the request");
            None
        }
        Ok(Err(error)) => {
            run.tally.failed(&chain(&error));
            None
        }
        Err(_) => {
            run.tally.failed("no answer in time");
            None
        }
    }
}

async fn fresh(run: Run, to: Endpoint) {
    while run.goes_on() {
        let n = next();
        match Http1::open(&run, &to).await {
            Ok(connection) => {
                if let Some((connection, response)) = ask(&run, &to, connection, n).await {
                    connection.done.store(true, Ordering::Relaxed);
                    match tokio::time::timeout(ANSWER, check(response, n)).await {
                        Ok(Ok(())) => run.tally.ok(),
                        Ok(Err(why)) => run.tally.failed(&why),
                        Err(_) => run.tally.failed("no end of the answer in time"),
                    }
                }
            }
            Err(why) => {
                run.tally.sent();
                run.tally.failed(&why);
                run.rest(PAUSE).await;
            }
        }
        run.rest(to.interval).await;
    }
}

/// What the streams of one HTTP/2 client share.
struct Http2 {
    to: Endpoint,
    current: tokio::sync::Mutex<Option<Sender>>,
}

/// A way to send on an HTTP/2 connection.
pub(super) struct Sender<B = Body> {
    pub(super) http: http2::SendRequest<B>,
    pub(super) goaways: Goaways,
    guard: Arc<Guard>,
}

impl<B> Clone for Sender<B> {
    fn clone(&self) -> Self {
        Self { http: self.http.clone(), goaways: self.goaways.clone(), guard: Arc::clone(&self.guard) }
    }
}

/// Says, once the last holder is gone, that it was we who ended the connection.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens an HTTP/2 connection and counts what becomes of it.
pub(super) async fn open_http2<B>(run: &Run, to: &Endpoint) -> Result<Sender<B>, String>
where
    B: hyper::body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stream = to.connect("h2").await.map_err(|error| format!("connect: {error}"))?;
    let goaways = stream.goaways();
    let (http, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| format!("connect: {}", chain(&error)))?;
    let done = Arc::new(AtomicBool::new(false));
    let guard = Arc::new(Guard(Arc::clone(&done)));
    let (tally, seen) = (run.tally.clone(), goaways.clone());
    tokio::spawn(async move {
        let result = connection.await;
        if seen.any() {
            tally.ended(true, "GOAWAY");
        } else if !done.load(Ordering::Relaxed) {
            tally.ended(false, &result.map_or_else(|error| chain(&error), |()| "closed without GOAWAY".to_owned()));
        }
    });
    Ok(Sender { http, goaways, guard })
}

impl Http2 {
    async fn sender(&self, run: &Run) -> Result<Sender, String> {
        let mut current = self.current.lock().await;
        if let Some(sender) = current.as_ref().filter(|sender| !sender.http.is_closed() && !sender.goaways.any()) {
            return Ok(sender.clone());
        }
        let sender = open_http2(run, &self.to).await?;
        *current = Some(sender.clone());
        Ok(sender)
    }
}

async fn over_http2(run: Run, shared: Arc<Http2>) {
    while run.goes_on() {
        let n = next();
        run.tally.sent();
        let mut sender = match shared.sender(&run).await {
            Ok(sender) => sender,
            Err(why) => {
                run.tally.failed(&why);
                run.rest(PAUSE).await;
                continue;
            }
        };
        let Some(request) = request(&shared.to, n, true) else { return };
        let exchange = async {
            let response =
                sender.http.send_request(request).await.map_err(|error| (unprocessed(&error), chain(&error)))?;
            check(response, n).await.map_err(|why| (false, why))
        };
        match tokio::time::timeout(ANSWER, exchange).await {
            Ok(Ok(())) => run.tally.ok(),
            Ok(Err((true, why))) => run.tally.retried(&why),
            Ok(Err((false, why))) => run.tally.failed(&why),
            Err(_) => run.tally.failed("no answer in time"),
        }
        drop(sender);
        run.rest(shared.to.interval).await;
    }
    // The last one out ends the connection, as a client that is done.
    if let Ok(mut current) = shared.current.try_lock() {
        *current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What a client makes of a server that answers a request with these frames and goes.
    async fn answered_by(frames: &[u8]) -> hyper::Error {
        let (ours, mut server) = tokio::io::duplex(65_536);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(ours)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("http://origin.test/").body(Body::new()).unwrap();
        let answer = tokio::spawn(async move { sender.send_request(request).await });
        server.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        let mut seen = Vec::new();
        while !seen.windows(9).any(|head| head[3] == 1 && head[5..] == [0, 0, 0, 1]) {
            assert_ne!(server.read_buf(&mut seen).await.unwrap(), 0, "the request comes");
        }
        server.write_all(frames).await.unwrap();
        drop(server);
        answer.await.unwrap().unwrap_err()
    }

    #[tokio::test]
    async fn only_what_the_server_disclaims_may_be_sent_again() {
        let goaway = |last| [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0];
        let reset = |reason| [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, reason];
        assert!(unprocessed(&answered_by(&goaway(0)).await));
        assert!(unprocessed(&answered_by(&reset(7)).await));
        assert!(!unprocessed(&answered_by(&goaway(1)).await), "a stream that the GOAWAY covers");
        assert!(!unprocessed(&answered_by(&reset(2)).await), "INTERNAL_ERROR");
        assert!(!unprocessed(&answered_by(&[]).await), "a connection cut");
    }
}
