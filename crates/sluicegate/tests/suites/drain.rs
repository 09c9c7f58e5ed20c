//! WebSockets when the gateway ends: told with 1001 (RFC 6455 7.4.1), and none of them before the deadline is near.

use super::{Lab, local};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::origin::Origin;

const LIMIT: Duration = Duration::from_secs(60);
const MASK: [u8; 4] = [7, 11, 13, 17];
const CLOSE: u8 = 0x88;
const BINARY: u8 = 0x82;

/// One end of a WebSocket, no more than these tests need.
struct Socket {
    stream: TcpStream,
    /// Clients mask what they send.
    client: bool,
}

impl Socket {
    fn connect(address: SocketAddr, protocol: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: a.example.com\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        let head = head(&mut stream)?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Ok(Self { stream, client: true })
    }

    /// The backend's end.
    fn accept(listener: &TcpListener, protocol: &str) -> Result<Self> {
        let mut stream = listener.accept()?.0;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        head(&mut stream)?;
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )?;
        Ok(Self { stream, client: false })
    }

    fn send(&mut self, first: u8, payload: &[u8]) -> Result<()> {
        let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).context("too long")?;
        let frame = if self.client {
            let masked: Vec<u8> = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            [&[first, 0x80 | length], &MASK[..], &masked].concat()
        } else {
            [&[first, length], payload].concat()
        };
        Ok(self.stream.write_all(&frame)?)
    }

    /// The next frame, unmasked: its first byte and payload. Whether it is masked must fit.
    fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let [first, second] = self.bytes()?;
        ensure!((second & 0x80 == 0) == self.client, "{first:#x} {second:#x}: masked or not, the wrong way");
        let length = match second & 0x7f {
            126 => usize::from(u16::from_be_bytes(self.bytes()?)),
            127 => bail!("a long frame, which nobody sent"),
            short => usize::from(short),
        };
        let mask: [u8; 4] = if self.client { [0; 4] } else { self.bytes()? };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok((first, payload))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the Close that says 1001 and answers it; then the connection must end.
    fn going_away(&mut self) -> Result<()> {
        let (first, payload) = self.receive()?;
        ensure!(
            (first, &payload[..]) == (CLOSE, &1001_u16.to_be_bytes()),
            "{first:#x} {payload:?} is no Close with 1001"
        );
        self.answer_close(&payload)
    }

    fn answer_close(&mut self, payload: &[u8]) -> Result<()> {
        self.send(CLOSE, payload)?;
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        ensure!(rest.is_empty(), "{rest:?} after the Close");
        Ok(())
    }
}

fn head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head)?)
}

#[test]
fn websockets_are_told_1001_at_the_deadline_and_not_before() -> Result<()> {
    let origin = Origin::start("echo", local(0))?;
    let mut lab = Lab::start("drain-websocket", origin.address(), "", &["--drain-timeout", "5s"])?;
    let (address, draining) = (lab.http, AtomicBool::new(false));
    // Talks until it is told to go; says how often it got an answer during the drain, and when it was told.
    let talk = |mut socket: Socket| -> Result<(u32, Instant)> {
        for round in 0_u32.. {
            let question = round.to_be_bytes();
            socket.send(BINARY, &question)?;
            match socket.receive()? {
                (BINARY, answer) => ensure!(answer == question, "{answer:?} for {question:?}"),
                (CLOSE, payload) => {
                    let told = Instant::now();
                    ensure!(payload == 1001_u16.to_be_bytes(), "{payload:?}");
                    socket.answer_close(&payload)?;
                    return Ok((round, told));
                }
                (other, _) => bail!("a frame of {other:#x}"),
            }
            if draining.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        bail!("never told")
    };
    let talking: Vec<Socket> = (0..8).map(|_| Socket::connect(address, "websocket")).collect::<Result<_>>()?;
    let mut silent = Socket::connect(address, "websocket")?;
    std::thread::scope(|scope| {
        let talks: Vec<_> = talking.into_iter().map(|socket| scope.spawn(|| talk(socket))).collect();
        let silent = scope.spawn(move || silent.going_away());
        std::thread::sleep(Duration::from_millis(300));
        draining.store(true, Ordering::Relaxed);
        let began = Instant::now();
        let status = lab.gate.stop(LIMIT)?;
        for talk in talks {
            let (rounds, told) = talk.join().unwrap()?;
            let after = told.saturating_duration_since(began);
            ensure!(after >= Duration::from_millis(3900), "told after {after:?} of 5 s");
            ensure!(rounds > 20, "{rounds} answers");
        }
        silent.join().unwrap()?;
        ensure!(status.success(), "{status}: somebody was cut\n{}", lab.gate.log());
        Ok(())
    })
}

#[test]
fn no_close_is_put_into_a_frame_or_into_another_protocol() -> Result<()> {
    let backend = TcpListener::bind(local(0))?;
    let mut lab = Lab::start("drain-frames", backend.local_addr()?, "", &["--drain-timeout", "4s"])?;
    let address = lab.http;
    // 300 bytes are announced, 100 come.
    let (announced, begun) = ([BINARY, 126, 1, 44], [b'x'; 100]);
    let open = |protocol: &'static str| -> Result<(Socket, Socket)> {
        std::thread::scope(|scope| {
            let accepted = scope.spawn(|| Socket::accept(&backend, protocol));
            let client = Socket::connect(address, protocol)?;
            let mut server = accepted.join().unwrap()?;
            server.stream.write_all(&announced)?;
            server.stream.write_all(&begun)?;
            Ok((client, server))
        })
    };
    let (mut client, mut server) = open("websocket")?;
    let (mut stuck_client, mut stuck_server) = open("websocket")?;
    let (mut other_client, mut other_server) = open("chat")?;
    std::thread::scope(|scope| {
        let finishes = scope.spawn(move || -> Result<()> {
            // Told first, the backend ends its frame; whatever it says after it goes nowhere.
            let (first, payload) = server.receive()?;
            ensure!((first, &payload[..]) == (CLOSE, &1001_u16.to_be_bytes()), "{first:#x} {payload:?}");
            server.stream.write_all(&[b'x'; 200])?;
            server.send(BINARY, b"too late")?;
            server.answer_close(&payload)
        });
        let whole = scope.spawn(move || -> Result<()> {
            let (first, payload) = client.receive()?;
            ensure!(first == BINARY && payload == [b'x'; 300], "{first:#x} and {} bytes", payload.len());
            client.going_away()
        });
        let cut = |socket: &mut Socket, wanted: &[u8]| -> Result<()> {
            let mut got = Vec::new();
            // Reset or closed: the process is gone.
            let _ = socket.stream.read_to_end(&mut got);
            ensure!(got == wanted, "{} bytes instead of {}", got.len(), wanted.len());
            Ok(())
        };
        let begun = [&announced[..], &begun].concat();
        let status = lab.gate.stop(LIMIT)?;
        finishes.join().unwrap().context("the backend whose frame ended in time")?;
        whole.join().unwrap().context("the client whose frame ended in time")?;
        cut(&mut stuck_client, &begun).context("the client within a frame")?;
        let (first, payload) = stuck_server.receive().context("the backend of that client")?;
        ensure!((first, &payload[..]) == (CLOSE, &1001_u16.to_be_bytes()), "{first:#x} {payload:?}");
        cut(&mut other_client, &begun).context("the client of another protocol")?;
        cut(&mut other_server, &[]).context("the backend of another protocol")?;
        ensure!(status.code() == Some(1), "{status}: two were cut\n{}", lab.gate.log());
        Ok(())
    })
}
