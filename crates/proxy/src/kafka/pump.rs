//! Moves bytes between a client and a broker as the [`Session`] says. Frames that need no reading pass in pieces as they
//! come; a side that does not read stops the other from being read.

use super::{
    close::{Close, Side},
    holds::{Holds, Place, Room},
    session::{Answer, Finished, Next, Plan, Session},
    wire::{PIECE, SMALL_PIECE, Wire},
};
use crate::io::Io;
use bytes::{Bytes, BytesMut};
use kafka::{
    ApiKey, FrameError, RequestPrefix, Rope,
    frame::frame_len,
    walk::{EndpointWalker, ProduceHead, Step},
};
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    io,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};

/// Held frames up to this length are copied out of the large buffer that they came in, so that what is kept of them does not keep that.
const COPIED: usize = 4 << 10;
/// How long the last bytes and the end of TLS may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the pump is told from outside.
pub(super) trait Control {
    /// Room for frames that are held.
    fn holds(&self) -> &Holds;
    /// Whether the connection should end at the next request, and why.
    fn ending(&self) -> Option<Close>;
    /// Resolves when the proxy drains or the listener goes.
    async fn drained(&self);
    /// A request is finished.
    fn finished(&self, finished: Finished);
}

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The longest frame from a client.
    pub(super) frame: usize,
    /// Until the client is admitted ([`Session::is_admitted`]).
    pub(super) authentication: Duration,
    /// Between frames, in both directions; and for a peer that does not read.
    pub(super) idle: Duration,
    /// Within a frame.
    pub(super) stalled: Duration,
}

/// What a connection has moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) received: u64,
    pub(super) sent: u64,
}

struct Input<'a> {
    wire: &'a Wire,
    buffer: BytesMut,
    side: Side,
    received: u64,
    /// Read at a time.
    piece: usize,
    /// Whether the buffer may be the rest of a larger one.
    taken: bool,
}

impl Input<'_> {
    /// Reads what has come; whether the stream goes on. May be dropped while it waits.
    async fn read(&mut self) -> Result<bool, Close> {
        match self.wire.read(&mut self.buffer, self.piece).await {
            Ok(count) => {
                self.received += count.unwrap_or_default() as u64;
                Ok(count.is_some())
            }
            Err(error) => Err(Close::Io(self.side, error)),
        }
    }

    /// Reads on within a frame.
    async fn read_on(&mut self, stalled: Duration) -> Result<(), Close> {
        match timeout(stalled, self.read()).await {
            Err(_) => Err(Close::Stalled(self.side)),
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.cut()),
            Ok(Err(close)) => Err(close),
        }
    }

    /// The other side has closed in the middle of a frame.
    fn cut(&self) -> Close {
        Close::Io(self.side, io::ErrorKind::UnexpectedEof.into())
    }

    fn take(&mut self, len: usize) -> Bytes {
        self.taken = true;
        self.buffer.split_to(len.min(self.buffer.len())).freeze()
    }

    /// What has come and cannot go on yet.
    fn held(&self) -> usize {
        self.buffer.len() + self.wire.unfinished()
    }

    /// Keeps no memory but for the bytes that are there.
    fn compact(&mut self) {
        if !self.buffer.is_empty() && (self.taken || self.buffer.capacity() > self.buffer.len()) {
            self.buffer = BytesMut::from(&self.buffer[..]);
            self.taken = false;
        }
    }

    /// Takes a frame of which something may be kept.
    fn take_held(&mut self, len: usize) -> Bytes {
        let whole = self.take(len);
        if len > COPIED { whole } else { Bytes::copy_from_slice(&whole) }
    }
}

struct Output<'a> {
    wire: &'a Wire,
    queue: Rope,
    side: Side,
    sent: u64,
    /// For a peer that does not read: clients that are busy with records may not for minutes.
    patience: Duration,
}

impl Output<'_> {
    fn push(&mut self, frame: Rope) {
        frame.into_chunks().into_iter().for_each(|chunk| self.queue.push(chunk));
    }

    /// A frame that was held has been written into the queue: once it is sent, its room is free.
    async fn release(&mut self, room: &mut Option<Room<'_>>) -> Result<(), Close> {
        if room.is_some() {
            self.flush().await?;
            *room = None;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Close> {
        if self.queue.is_empty() {
            return Ok(());
        }
        self.sent += self.queue.len() as u64;
        match timeout(self.patience, self.wire.write(&mut self.queue)).await {
            Err(_) => Err(Close::Stalled(self.side)),
            Ok(Err(error)) => Err(Close::Io(self.side, error)),
            Ok(Ok(())) => Ok(()),
        }
    }
}

/// What both directions share.
struct Shared<'a, C> {
    session: &'a RefCell<Session>,
    control: &'a C,
    bounds: Bounds,
    /// Wakes the reader of requests.
    requests: Notify,
    /// Wakes the reader of responses.
    responses: Notify,
    /// No more requests are read: why, once all answers are back.
    ending: RefCell<Option<Close>>,
    last_frame: Cell<Instant>,
    /// Whether the client has been admitted once.
    admitted: Cell<bool>,
}

/// Runs until one side ends it.
pub(super) async fn run<C: Control>(
    client: Io,
    broker: Io,
    session: &RefCell<Session>,
    control: &C,
    bounds: Bounds,
) -> (Close, Traffic) {
    let (client, broker) = (Wire::new(client), Wire::new(broker));
    let input =
        |wire, side| Input { wire, buffer: BytesMut::new(), side, received: 0, piece: SMALL_PIECE, taken: false };
    let output = |wire, side| Output { wire, queue: Rope::default(), side, sent: 0, patience: bounds.idle };
    let (mut from_client, mut to_broker) = (input(&client, Side::Client), output(&broker, Side::Broker));
    let (mut from_broker, mut to_client) = (input(&broker, Side::Broker), output(&client, Side::Client));
    let shared = Shared {
        session,
        control,
        bounds,
        requests: Notify::new(),
        responses: Notify::new(),
        ending: RefCell::new(None),
        last_frame: Cell::new(Instant::now()),
        admitted: Cell::new(false),
    };
    let close = {
        let requests = requests(&shared, &mut from_client, &mut to_broker);
        let responses = responses(&shared, &mut from_broker, &mut to_client);
        let result: Result<Infallible, Close> = tokio::select! {
            result = requests => result,
            result = responses => result,
            () = unadmitted(&shared) => Err(Close::Unauthenticated),
        };
        match result {
            Ok(never) => match never {},
            Err(close) => close,
        }
    };
    shared.report();
    // A client that leaves while an answer is under way, such as a long poll's, has left.
    let close = match (close, shared.ending.borrow_mut().take()) {
        (Close::Io(Side::Client, _), Some(Close::Client)) => Close::Client,
        (close, _) => close,
    };
    // What the broker has said last, e.g. why it refuses to authenticate the client, still goes out.
    if !matches!(close, Close::Client | Close::Io(Side::Client, _)) {
        let _ = timeout(LAST_WORDS, async {
            to_client.flush().await?;
            to_client.wire.shutdown().await.map_err(|error| Close::Io(Side::Client, error))
        })
        .await;
    }
    let _ = timeout(LAST_WORDS, to_broker.wire.shutdown()).await;
    (close, Traffic { received: from_client.received, sent: to_client.sent })
}

impl<C> Shared<'_, C> {
    /// What to read at a time: little from clients that nobody knows yet, and for them.
    fn piece(&self) -> usize {
        if !self.admitted.get() {
            self.admitted.set(self.session.borrow().is_admitted());
        }
        if self.admitted.get() { PIECE } else { SMALL_PIECE }
    }
}

impl<C: Control> Shared<'_, C> {
    fn report(&self) {
        for finished in self.session.borrow_mut().take_finished() {
            self.control.finished(finished);
        }
    }

    /// Until answers have come, which let the next request go on.
    async fn wait(&self, place: Option<&Place<'_>>) -> Result<(), Close> {
        tokio::select! {
            biased;
            () = Place::lost(place) => Err(Close::HeldFrames(Side::Client)),
            waited = timeout(self.bounds.idle, self.requests.notified()) => waited.map_err(|_| Close::Idle),
        }
    }

    /// Before a wait: a client that nobody knows yet has a place if it makes the gateway hold more than a small piece, be it of a TLS
    /// record that has not come to its end, and no memory besides.
    async fn settle<'a>(
        &'a self,
        input: &mut Input<'_>,
        room: Option<&Room<'_>>,
        place: &mut Option<Place<'a>>,
    ) -> Result<(), Close> {
        let known = self.piece() > SMALL_PIECE;
        if !known {
            input.compact();
            input.wire.shrink();
        }
        if known || input.held() <= SMALL_PIECE || room.is_some_and(Room::is_counted) {
            *place = None;
        } else if place.is_none() {
            let wanted = timeout(self.bounds.stalled, self.control.holds().place());
            *place = Some(wanted.await.map_err(|_| Close::HeldFrames(Side::Client))??);
        }
        Ok(())
    }
}

/// Resolves if the client is not admitted in time.
async fn unadmitted<C>(shared: &Shared<'_, C>) {
    tokio::time::sleep(shared.bounds.authentication).await;
    if shared.session.borrow().is_admitted() {
        std::future::pending::<()>().await;
    }
}

async fn requests<C: Control>(
    shared: &Shared<'_, C>,
    input: &mut Input<'_>,
    output: &mut Output<'_>,
) -> Result<Infallible, Close> {
    // A request whose judgement waits for something that the gateway has asked for.
    let mut held: Option<Bytes> = None;
    let mut room: Option<Room<'_>> = None;
    let mut place: Option<Place<'_>> = None;
    loop {
        let own = shared.session.borrow_mut().take_own()?;
        if let Some(own) = own {
            output.push(own);
        }
        let idle = shared.session.borrow().is_idle();
        if held.is_some() && !idle {
            output.flush().await?;
            shared.settle(input, room.as_ref(), &mut place).await?;
            shared.wait(place.as_ref()).await?;
            continue;
        }
        if let Some(whole) = held.take() {
            held = request(shared, output, whole)?;
            if held.is_none() {
                output.release(&mut room).await?;
            }
            continue;
        }
        if let Some(close) = shared.control.ending() {
            return end(shared, output, close).await;
        }
        match next(shared, input)? {
            Start::Fill(len) if room.is_none() => {
                output.flush().await?;
                room = Some(shared.control.holds().room(Side::Client, len, shared.bounds.stalled).await?);
            }
            Start::More | Start::Fill(_) => {
                output.flush().await?;
                shared.settle(input, room.as_ref(), &mut place).await?;
                input.piece = shared.piece();
                // A client that wants no answers wakes nobody else.
                shared.report();
                let partial = input.held() > 0;
                let patience = match &room {
                    Some(room) => shared.bounds.stalled.min(room.deadline.saturating_duration_since(Instant::now())),
                    None if partial => shared.bounds.stalled,
                    None => shared.bounds.idle,
                };
                tokio::select! {
                    biased;
                    () = shared.requests.notified() => {}
                    () = shared.control.drained() => {}
                    read = timeout(patience, input.read()) => match read {
                        Ok(Ok(true)) => {}
                        Ok(Ok(false)) if partial => return Err(input.cut()),
                        Ok(Ok(false)) => return end(shared, output, Close::Client).await,
                        Ok(Err(close)) => return Err(close),
                        Err(_) if partial => return Err(Close::Stalled(Side::Client)),
                        Err(_) if shared.last_frame.get().elapsed() >= patience => {
                            return end(shared, output, Close::Idle).await;
                        }
                        Err(_) => {}
                    },
                    // After what has come already: a frame that is there to its end needs its place no longer.
                    () = Place::lost(place.as_ref()) => return Err(Close::HeldFrames(Side::Client)),
                }
            }
            Start::Wait => {
                // It may wait for something that the gateway has to ask for.
                let own = shared.session.borrow_mut().take_own()?;
                own.into_iter().for_each(|own| output.push(own));
                output.flush().await?;
                shared.settle(input, room.as_ref(), &mut place).await?;
                shared.wait(place.as_ref()).await?;
            }
            Start::Token(len) => {
                shared.last_frame.set(Instant::now());
                let token = shared.session.borrow_mut().token(input.take(len), Instant::now())?;
                output.push(token);
            }
            Start::Hold(len) => {
                shared.last_frame.set(Instant::now());
                held = request(shared, output, input.take_held(len))?;
                if held.is_none() {
                    output.release(&mut room).await?;
                }
            }
            Start::Pass(len, prefix, answered) => {
                shared.last_frame.set(Instant::now());
                shared.session.borrow_mut().pass(prefix, answered, Instant::now());
                pass(input, output, len, shared.bounds.stalled).await?;
            }
        }
    }
}

/// Reads no more requests; once all answers are back the connection ends.
async fn end<C: Control>(shared: &Shared<'_, C>, output: &mut Output<'_>, close: Close) -> Result<Infallible, Close> {
    output.flush().await?;
    *shared.ending.borrow_mut() = Some(close);
    shared.responses.notify_one();
    std::future::pending().await
}

/// Judges a request that is there as a whole; gives it back if it has to wait.
fn request<C>(shared: &Shared<'_, C>, output: &mut Output<'_>, whole: Bytes) -> Result<Option<Bytes>, Close> {
    match shared.session.borrow_mut().request(&whole, Instant::now())? {
        Next::Forward(frame) => output.push(frame),
        Next::Answered => shared.responses.notify_one(),
        Next::Again => return Ok(Some(whole)),
    }
    Ok(None)
}

/// What stands at the start of the client's bytes.
enum Start {
    /// Too little.
    More,
    /// A part of a frame to be held, and its length.
    Fill(usize),
    /// A request that has to wait until all answers are back.
    Wait,
    /// So many bytes, with the length: a SASL token without a header,
    Token(usize),
    /// a whole request to be judged,
    Hold(usize),
    /// a request that passes; whether it will be answered.
    Pass(usize, RequestPrefix, bool),
}

fn next<C>(shared: &Shared<'_, C>, input: &Input<'_>) -> Result<Start, Close> {
    let client = |error| Close::Frame(Side::Client, error);
    let Some(len) = frame_len(&input.buffer, shared.bounds.frame).map_err(client)? else {
        return Ok(Start::More);
    };
    let start = input.buffer.get(4..).unwrap_or_default();
    let start = start.get(..len).unwrap_or(start);
    let missing = len.saturating_sub(start.len());
    let mut session = shared.session.borrow_mut();
    if session.is_token(start) {
        return if missing == 0 { Ok(Start::Token(4 + len)) } else { session.token_cap(len).map(|()| Start::More) };
    }
    let Some(prefix) = RequestPrefix::peek(start) else {
        return if missing == 0 { Err(Close::Header) } else { Ok(Start::More) };
    };
    match session.plan(prefix, len)? {
        Plan::Wait => Ok(Start::Wait),
        Plan::Hold if missing == 0 => Ok(Start::Hold(4 + len)),
        Plan::Hold => Ok(Start::Fill(len)),
        Plan::Pass if gathers(len, missing, input) => Ok(Start::More),
        // With acks=0 no answer comes, which stands behind the header.
        Plan::Pass if prefix.api_key == ApiKey::Produce as i16 => match ProduceHead::peek(start) {
            Ok(Some(head)) => Ok(Start::Pass(4 + len, prefix, head.acks != 0)),
            Ok(None) if missing > 0 && start.len() < HEAD => Ok(Start::More),
            Ok(None) | Err(_) => Err(Close::Header),
        },
        Plan::Pass => Ok(Start::Pass(4 + len, prefix, true)),
    }
}

/// More bytes than these do not stand before a Produce request's `acks`.
const HEAD: usize = 140 << 10;

/// Whether the rest of a frame is worth to wait for: nobody can do anything with a part of it, and one write costs less than two.
fn gathers(len: usize, missing: usize, input: &Input<'_>) -> bool {
    missing > 0 && len <= input.piece
}

/// Passes on `len` bytes, piece by piece.
async fn pass(input: &mut Input<'_>, output: &mut Output<'_>, len: usize, stalled: Duration) -> Result<(), Close> {
    let mut left = len;
    loop {
        let piece = input.take(left);
        left -= piece.len();
        output.push(Rope::from(piece));
        if left == 0 {
            return Ok(());
        }
        output.flush().await?;
        while input.buffer.len() < left.min(input.piece) {
            input.read_on(stalled).await?;
        }
    }
}

async fn responses<C: Control>(
    shared: &Shared<'_, C>,
    input: &mut Input<'_>,
    output: &mut Output<'_>,
) -> Result<Infallible, Close> {
    let mut room: Option<Room<'_>> = None;
    loop {
        match step(shared, input, output)? {
            Response::Done => {
                output.release(&mut room).await?;
                continue;
            }
            Response::Fill(len) if room.is_none() => {
                output.flush().await?;
                room = Some(shared.control.holds().room(Side::Broker, len, shared.bounds.stalled).await?);
                continue;
            }
            Response::More | Response::Fill(_) => {}
            Response::Pass(len) => {
                pass(input, output, len, shared.bounds.stalled).await?;
                continue;
            }
            Response::Walk(walker) => {
                walk(input, output, walker, shared.bounds.stalled).await?;
                continue;
            }
        }
        shared.report();
        // A request may have waited for its turn.
        shared.requests.notify_one();
        output.flush().await?;
        input.piece = shared.piece();
        let partial = !input.buffer.is_empty();
        if !partial
            && shared.session.borrow().is_idle()
            && let Some(close) = shared.ending.borrow_mut().take()
        {
            return Err(close);
        }
        // Nobody waits for ever for the last answers: neither a client that has gone, nor a drain.
        let patience = match &*shared.ending.borrow() {
            None => None,
            Some(Close::Client) => Some(shared.bounds.stalled),
            Some(_) => Some(shared.bounds.idle),
        };
        let read = async {
            match (partial, patience) {
                (true, _) => input.read_on(shared.bounds.stalled).await.map(|()| true),
                (false, Some(patience)) => match timeout(patience, input.read()).await {
                    Ok(read) => read,
                    Err(_) => Err(shared.ending.borrow_mut().take().unwrap_or(Close::Idle)),
                },
                (false, None) => input.read().await,
            }
        };
        tokio::select! {
            biased;
            () = shared.responses.notified() => {}
            read = read => match read {
                Ok(true) => shared.last_frame.set(Instant::now()),
                Ok(false) => return Err(Close::Broker),
                Err(close) => return Err(close),
            },
        }
    }
}

/// What to do next for the client.
enum Response {
    /// It is done.
    Done,
    /// Read on.
    More,
    /// Hold a frame of this length, of which something is missing.
    Fill(usize),
    /// Pass so many bytes on.
    Pass(usize),
    /// Pass a frame on and edit its end.
    Walk(EndpointWalker),
}

fn step<C>(shared: &Shared<'_, C>, input: &mut Input<'_>, output: &mut Output<'_>) -> Result<Response, Close> {
    let mut session = shared.session.borrow_mut();
    if let Some(answer) = session.take_answer() {
        output.push(answer);
        return Ok(Response::Done);
    }
    let broker = |error| Close::Frame(Side::Broker, error);
    let Some(len) = frame_len(&input.buffer, i32::MAX as usize).map_err(broker)? else {
        return Ok(Response::More);
    };
    let start = input.buffer.get(4..).unwrap_or_default();
    let missing = len.saturating_sub(start.len());
    let correlation = match start.first_chunk::<4>() {
        Some(bytes) => i32::from_be_bytes(*bytes),
        None if session.awaits_token() => 0,
        None if missing > 0 => return Ok(Response::More),
        None => return Err(broker(FrameError::TooLarge { len: 0, max: 0 })),
    };
    if gathers(len, missing, input) {
        return Ok(Response::More);
    }
    match session.plan_response(len, correlation, Instant::now())? {
        Answer::Pass => Ok(Response::Pass(4 + len)),
        Answer::Walk(walker) => Ok(Response::Walk(walker)),
        Answer::Hold if missing > 0 => Ok(Response::Fill(len)),
        Answer::Hold => {
            let whole = input.take_held(4 + len);
            let frame = session.response(&whole, Instant::now())?;
            output.push(frame);
            Ok(Response::Done)
        }
    }
}

async fn walk(
    input: &mut Input<'_>,
    output: &mut Output<'_>,
    mut walker: EndpointWalker,
    stalled: Duration,
) -> Result<(), Close> {
    let bad = |error| Close::Message { side: Side::Broker, name: "a response with records", version: 0, error };
    output.push(Rope::from(input.take(4)));
    loop {
        match walker.step(&input.buffer).map_err(bad)? {
            Step::Done => return Ok(()),
            Step::NeedMore => {
                output.flush().await?;
                input.read_on(stalled).await?;
            }
            Step::Pass(len) => pass(input, output, len, stalled).await?,
            Step::Tail(len) => {
                while input.buffer.len() < len {
                    output.flush().await?;
                    input.read_on(stalled).await?;
                }
                let tail = input.take(len);
                output.push(Rope::from(walker.tail(tail).map_err(bad)?));
            }
        }
    }
}
