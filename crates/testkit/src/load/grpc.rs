//! Bidirectional gRPC streams of `grpc.testing.TestService/FullDuplexCall`, which answers each message with one of its payload.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::{Request, header};
use tokio::sync::mpsc;

use super::http::{Sender, chain, open_http2, unprocessed};
use super::{ANSWER, Endpoint, Load, PAUSE, Run, Tally};

/// The messages that a stream sends.
struct Messages(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Messages {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

struct Shared {
    to: Endpoint,
    heeds: bool,
    current: tokio::sync::Mutex<Option<Sender<Messages>>>,
}

impl Load {
    /// `streams` bidirectional streams over one connection, for as long as they are let: each sends a numbered message,
    /// waits for its echo, and rests. `heeds`: a stream ends in good order after a GOAWAY and goes on over a new connection;
    /// otherwise it stays until it is cut.
    pub fn grpc(&mut self, name: &str, to: &Endpoint, streams: usize, heeds: bool) -> Tally {
        let shared = Arc::new(Shared { to: to.clone(), heeds, current: tokio::sync::Mutex::new(None) });
        self.add(name, streams, move |run, _| streams_of(run, Arc::clone(&shared)))
    }
}

async fn streams_of(run: Run, shared: Arc<Shared>) {
    let mut n = 0;
    while run.goes_on() {
        if let Err(why) = stream(&run, &shared, &mut n).await {
            run.tally.failed(&why);
            run.rest(PAUSE).await;
        }
    }
    if let Ok(mut current) = shared.current.try_lock() {
        *current = None;
    }
}

async fn sender(run: &Run, shared: &Shared) -> Result<Sender<Messages>, String> {
    let mut current = shared.current.lock().await;
    if let Some(sender) = current.as_ref().filter(|sender| !sender.http.is_closed() && !sender.goaways.any()) {
        return Ok(sender.clone());
    }
    let sender = open_http2(run, &shared.to).await?;
    *current = Some(sender.clone());
    Ok(sender)
}

/// One stream from its first message to its end. An error is a message that was not answered.
async fn stream(run: &Run, shared: &Shared, n: &mut u64) -> Result<(), String> {
    let to = &shared.to;
    run.tally.sent();
    let mut sender = sender(run, shared).await?;
    let goaways = sender.goaways.clone();
    let (messages, body) = mpsc::channel(1);
    let scheme = if to.tls.is_some() { "https" } else { "http" };
    let request = Request::post(format!("{scheme}://{}/grpc.testing.TestService/FullDuplexCall", to.authority()))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Messages(body))
        .map_err(|error| error.to_string())?;
    *n += 1;
    // grpc-go answers with a header once it has something to say.
    let _ = messages.send(message(*n)).await;
    let response = match tokio::time::timeout(ANSWER, sender.http.send_request(request)).await {
        Err(_) => return Err("no answer in time".to_owned()),
        Ok(Err(error)) if unprocessed(&error) => {
            run.tally.retried(&chain(&error));
            return Ok(());
        }
        Ok(Err(error)) => return Err(chain(&error)),
        Ok(Ok(response)) => response,
    };
    if response.status() != 200 {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let mut answers = Answers { body: response.into_body(), bytes: BytesMut::new() };
    let mut told = false;
    loop {
        match tokio::time::timeout(ANSWER, answers.next()).await {
            Ok(Ok(Some(number))) if number == *n => run.tally.ok(),
            Ok(Ok(Some(number))) => {
                run.tally.misplaced(*n, number);
                return Err("another message's answer".to_owned());
            }
            Ok(Ok(None)) => {
                run.tally.ended(goaways.any(), "the stream's end in place of an answer");
                return Err("the stream's end in place of an answer".to_owned());
            }
            Ok(Err(why)) => {
                run.tally.ended(goaways.any(), &format!("stream cut: {why}"));
                return Err(why);
            }
            Err(_) => return Err("no answer in time".to_owned()),
        }
        run.rest(to.interval).await;
        if goaways.any() && !told {
            told = true;
            run.tally.told();
        }
        if !run.goes_on() || (told && shared.heeds) {
            break;
        }
        run.tally.sent();
        *n += 1;
        if messages.send(message(*n)).await.is_err() {
            run.tally.ended(goaways.any(), "stream cut between messages");
            return Err("stream cut between messages".to_owned());
        }
    }
    drop(messages);
    match tokio::time::timeout(ANSWER, answers.next()).await {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(number))) => run.tally.misplaced(*n + 1, number),
        Ok(Err(why)) => run.tally.ended(goaways.any(), &format!("no good end: {why}")),
        Err(_) => run.tally.ended(goaways.any(), "no end in time"),
    }
    Ok(())
}

/// A `StreamingOutputCallRequest` whose payload's body is eight bytes: `payload = 3 {body = 2}`.
fn message(n: u64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(17);
    bytes.put_u8(0);
    bytes.put_u32(12);
    bytes.put_slice(&[3 << 3 | 2, 10, 2 << 3 | 2, 8]);
    bytes.put_u64(n);
    bytes.freeze()
}

/// The messages of a response.
struct Answers {
    body: Incoming,
    bytes: BytesMut,
}

impl Answers {
    /// The next number. `None`: the stream has ended with the status OK.
    async fn next(&mut self) -> Result<Option<u64>, String> {
        loop {
            if let Some(number) = self.message()? {
                return Ok(Some(number));
            }
            let Some(frame) = self.body.frame().await else { return Err("an end without a status".to_owned()) };
            match frame.map_err(|error| chain(&error))?.into_data() {
                Ok(data) => self.bytes.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let status = trailers.get("grpc-status").map(|value| value.as_bytes().to_vec());
                    return if status.as_deref() == Some(b"0") && self.bytes.is_empty() {
                        Ok(None)
                    } else {
                        Err(format!("trailers {trailers:?}"))
                    };
                }
            }
        }
    }

    /// A `StreamingOutputCallResponse`: `payload = 1 {body = 2}`.
    fn message(&mut self) -> Result<Option<u64>, String> {
        if self.bytes.len() < 5 {
            return Ok(None);
        }
        let length = u32::from_be_bytes([self.bytes[1], self.bytes[2], self.bytes[3], self.bytes[4]]) as usize;
        if self.bytes.len() < 5 + length {
            return Ok(None);
        }
        self.bytes.advance(5);
        let mut message = self.bytes.split_to(length);
        if message.len() != 12 || message[..4] != [1 << 3 | 2, 10, 2 << 3 | 2, 8] {
            return Err(format!("a message of another form: {message:?}"));
        }
        message.advance(4);
        Ok(Some(message.get_u64()))
    }
}
