//! WebSockets: numbered messages to a server that echoes.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::transport::{Stream, Tap};
use super::{ANSWER, Endpoint, Load, PAUSE, Run, Tally};

impl Load {
    /// `connections` WebSockets: each sends a numbered message, waits for its echo, and rests. A close frame with 1001
    /// (going away) counts as announced: a message that was on its way is sent again over the next connection.
    pub fn websocket(&mut self, name: &str, to: &Endpoint, connections: usize) -> Tally {
        let to = to.clone();
        self.add(name, connections, move |run, _| converse(run, to.clone()))
    }
}

/// How a wait for a message ended otherwise.
enum End {
    /// A close frame.
    Close(bool, String),
    Cut(String),
}

async fn converse(run: Run, to: Endpoint) {
    let mut n = 0;
    while run.goes_on() {
        let mut socket = match open(&to).await {
            Ok(socket) => socket,
            Err(why) => {
                run.tally.sent();
                run.tally.failed(&why);
                run.rest(PAUSE).await;
                continue;
            }
        };
        let end = loop {
            if !run.goes_on() {
                // The server answers the close frame, or the connection is of no use to anybody.
                let _ = tokio::time::timeout(ANSWER, async {
                    let _ = socket.close(None).await;
                    while let Some(Ok(_)) = socket.next().await {}
                })
                .await;
                return;
            }
            n += 1;
            run.tally.sent();
            if let Err(error) = socket.send(Message::binary(u64::to_be_bytes(n).to_vec())).await {
                break Some(End::Cut(error.to_string()));
            }
            match tokio::time::timeout(ANSWER, answer(&mut socket)).await {
                Err(_) => break Some(End::Cut("no echo in time".to_owned())),
                Ok(Err(end)) => break Some(end),
                Ok(Ok(number)) if number == n => run.tally.ok(),
                Ok(Ok(number)) => run.tally.misplaced(n, number),
            }
            // A close frame that comes while nothing is on its way.
            tokio::select! {
                () = run.rest(to.interval) => {}
                end = answer(&mut socket) => match end {
                    Ok(number) => run.tally.misplaced(n + 1, number),
                    Err(end) => {
                        note(&run, &end);
                        break None;
                    }
                }
            }
        };
        if let Some(end) = end {
            note(&run, &end);
            match end {
                End::Close(true, why) => run.tally.retried(&why),
                End::Close(false, why) | End::Cut(why) => run.tally.failed(&why),
            }
        }
        let _ = tokio::time::timeout(PAUSE, socket.close(None)).await;
    }
}

fn note(run: &Run, end: &End) {
    match end {
        End::Close(told, what) => run.tally.ended(*told, what),
        End::Cut(what) => run.tally.ended(false, what),
    }
}

async fn open(to: &Endpoint) -> Result<WebSocketStream<Tap<Stream>>, String> {
    let stream = to.connect("http/1.1").await.map_err(|error| format!("connect: {error}"))?;
    let scheme = if to.tls.is_some() { "wss" } else { "ws" };
    let handshake = tokio_tungstenite::client_async(format!("{scheme}://{}/load", to.authority()), stream);
    match tokio::time::timeout(ANSWER, handshake).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(format!("handshake: {error}")),
        Err(_) => Err("no handshake in time".to_owned()),
    }
}

async fn answer(socket: &mut WebSocketStream<Tap<Stream>>) -> Result<u64, End> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                let number = <[u8; 8]>::try_from(&bytes[..]);
                return number.map(u64::from_be_bytes).map_err(|_| End::Cut(format!("{} bytes", bytes.len())));
            }
            Some(Ok(Message::Close(frame))) => {
                let away = frame.as_ref().is_some_and(|frame| frame.code == CloseCode::Away);
                return Err(End::Close(away, format!("close frame {}", frame.map_or(0, |frame| frame.code.into()))));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(End::Cut(error.to_string())),
            None => return Err(End::Cut("closed without a close frame".to_owned())),
        }
    }
}
