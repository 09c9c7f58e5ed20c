//! Clients that send one thing after another, byte for byte the same.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::world::HOST;

pub(super) fn dial(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(20))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

fn tls_connection(name: &str, config: &Arc<ClientConfig>) -> Result<ClientConnection> {
    Ok(ClientConnection::new(Arc::clone(config), ServerName::try_from(name.to_owned())?)?)
}

/// A TLS connection with its handshake done.
pub(super) fn dial_tls(
    address: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut stream = StreamOwned::new(tls_connection(name, config)?, dial(address)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The bytes with which a client of this name begins.
pub(super) fn client_hello(name: &str, config: &Arc<ClientConfig>) -> Result<Vec<u8>> {
    let mut hello = Vec::new();
    tls_connection(name, config)?.write_tls(&mut hello)?;
    Ok(hello)
}

/// An HTTP/1.1 request with so many header fields more than a small one has.
pub(super) fn request(path: &str, more: usize) -> Vec<u8> {
    let fields: String = (0..more).map(|n| format!("x-field-{n}: value of field {n}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: gate\r\naccept: */*\r\n{fields}\r\n").into_bytes()
}

/// Sends a request and reads the response, whose body must have this length.
pub(super) fn exchange(stream: &mut (impl Read + Write), request: &[u8], length: usize) -> Result<()> {
    stream.write_all(request)?;
    stream.flush()?;
    let (mut buffer, mut held) = ([0; 32 << 10], Vec::new());
    loop {
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the connection ended inside a response");
        held.extend_from_slice(&buffer[..read]);
        let Some(header) = held.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        ensure!(held.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&held[..header]));
        if held.len() == header + 4 + length {
            return Ok(());
        }
    }
}

/// Sends these bytes, waits for as many as it should bring, and closes; the far end closes too.
pub(super) fn whole_connection(address: SocketAddr, bytes: &[u8], length: usize) -> Result<()> {
    let mut stream = dial(address)?;
    stream.write_all(bytes)?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    stream.shutdown(Shutdown::Write)?;
    ensure!(stream.read(&mut answer)? == 0, "more than was to come");
    Ok(())
}

/// Frame types and flags of RFC 9113.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// HTTP/2 by hand: one stream after another, every field a literal.
pub(super) struct Http2<S> {
    stream: S,
    next: u32,
    block: Vec<u8>,
}

impl<S: Read + Write> Http2<S> {
    pub(super) fn new(mut stream: S, path: &str) -> Result<Self> {
        let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        frame(&mut begin, SETTINGS, 0, 0, &[]);
        // All bodies of a run fit into the connection's window.
        frame(&mut begin, WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
        stream.write_all(&begin)?;
        stream.flush()?;
        // RFC 7541: `:method GET`, `:scheme https`, then literals without indexing.
        let mut block = vec![0x82, 0x87];
        for (index, value) in [(4, path), (1, HOST), (15 + 43, "gate"), (15 + 4, "*/*")] {
            if index < 15 {
                block.push(index);
            } else {
                block.extend_from_slice(&[0x0f, index - 15]);
            }
            block.push(u8::try_from(value.len())?);
            block.extend_from_slice(value.as_bytes());
        }
        Ok(Self { stream, next: 1, block })
    }

    fn read_frame(&mut self) -> Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length)?];
        self.stream.read_exact(&mut payload)?;
        Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// A request and its response, whose body must have this length.
    pub(super) fn exchange(&mut self, length: usize) -> Result<()> {
        let id = self.next;
        self.next += 2;
        let mut request = Vec::new();
        frame(&mut request, HEADERS, END_STREAM | END_HEADERS, id, &self.block);
        self.stream.write_all(&request)?;
        self.stream.flush()?;
        let mut body = 0;
        loop {
            let (kind, flags, stream, payload) = self.read_frame()?;
            let mut answer = Vec::new();
            match kind {
                // `:status 200` is entry 8 of the static table.
                HEADERS if stream == id => {
                    ensure!(payload.contains(&0x88), "not 200: {payload:x?}");
                }
                DATA if stream == id => body += payload.len(),
                SETTINGS if flags & ACK == 0 => frame(&mut answer, SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => frame(&mut answer, PING, ACK, 0, &payload),
                SETTINGS | PING | WINDOW_UPDATE => {}
                GOAWAY => bail!("GOAWAY: {payload:x?}"),
                other => bail!("frame of type {other} on stream {stream}: {payload:x?}"),
            }
            self.stream.write_all(&answer)?;
            self.stream.flush()?;
            if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                ensure!(body == length, "{body} bytes");
                return Ok(());
            }
        }
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    // Payloads here are short: the length's two upper bytes are zero.
    out.extend_from_slice(&[0, 0, u8::try_from(payload.len()).unwrap_or(u8::MAX), kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Reads one Kafka frame, without its length.
pub(super) fn read_kafka(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).context("no frame")?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!(length < 1 << 20, "a frame of {length} bytes");
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}
