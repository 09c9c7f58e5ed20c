//! A Kafka connection that can say anything, for hostile input and for the little that needs no client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls_pki_types::ServerName;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection, plaintext or TLS; reads and writes time out after ten seconds.
pub struct RawKafka {
    stream: Box<dyn Stream>,
    socket: TcpStream,
}

impl std::fmt::Debug for RawKafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawKafka").field("socket", &self.socket).finish_non_exhaustive()
    }
}

fn dial(address: SocketAddr) -> Result<TcpStream> {
    let socket =
        TcpStream::connect_timeout(&address, Duration::from_secs(5)).with_context(|| format!("connect {address}"))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl RawKafka {
    /// Connects in plaintext.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let socket = dial(address)?;
        Ok(Self { stream: Box::new(socket.try_clone()?), socket })
    }

    /// Connects with TLS and this SNI name, and ends the handshake.
    pub fn connect_tls(address: SocketAddr, name: &str, config: Arc<rustls::ClientConfig>) -> Result<Self> {
        let socket = dial(address)?;
        let connection = rustls::ClientConnection::new(config, ServerName::try_from(name.to_owned())?)?;
        let mut stream = rustls::StreamOwned::new(connection, socket.try_clone()?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream: Box::new(stream), socket })
    }

    /// How long a write may take, instead of ten seconds.
    pub fn write_timeout(&self, limit: Duration) -> Result<()> {
        Ok(self.socket.set_write_timeout(Some(limit))?)
    }

    /// Writes bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    /// Writes a frame: the length, then `body`.
    pub fn send_frame(&mut self, body: &[u8]) -> Result<()> {
        let mut frame = u32::try_from(body.len())?.to_be_bytes().to_vec();
        frame.extend_from_slice(body);
        self.send(&frame)
    }

    /// Writes a request: header version 2 when `flexible`, else 1, then `body`.
    pub fn send_request(
        &mut self,
        key: i16,
        version: i16,
        correlation: i32,
        flexible: bool,
        body: &[u8],
    ) -> Result<()> {
        let mut frame = Vec::with_capacity(body.len() + 20);
        frame.extend_from_slice(&key.to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&correlation.to_be_bytes());
        frame.extend_from_slice(&7i16.to_be_bytes());
        frame.extend_from_slice(b"testkit");
        if flexible {
            frame.push(0);
        }
        frame.extend_from_slice(body);
        self.send_frame(&frame)
    }

    /// Reads one frame without its length; `None` when the other side closed in an orderly way before it.
    ///
    /// # Errors
    /// When the connection is reset, ends inside a frame, is silent for ten seconds, or announces more than 64 MiB.
    pub fn read_frame(&mut self) -> Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        if let Err(e) = self.stream.read_exact(&mut length[..1]) {
            return if e.kind() == std::io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e.into()) };
        }
        self.stream.read_exact(&mut length[1..])?;
        let length = u64::from(u32::from_be_bytes(length));
        if length > 64 << 20 {
            bail!("a frame of {length} bytes");
        }
        let mut body = Vec::new();
        if self.stream.as_mut().take(length).read_to_end(&mut body)? as u64 != length {
            bail!("the connection ended inside a frame");
        }
        Ok(Some(body))
    }

    /// Whether the other side ends the connection (orderly or by a reset) within `limit`; what it still sends is dropped.
    pub fn closed_within(&mut self, limit: Duration) -> Result<bool> {
        let start = Instant::now();
        let mut buffer = [0; 4096];
        while let Some(left) = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            self.socket.set_read_timeout(Some(left))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    return Ok(false);
                }
                Err(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Half-closes: no more will be sent.
    pub fn shutdown_write(&self) -> Result<()> {
        Ok(self.socket.shutdown(std::net::Shutdown::Write)?)
    }
}

/// The coordinators whose internal topics FindCoordinator creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Coordinator {
    Group = 0,
    Transaction = 1,
    Share = 2,
}

/// FindCoordinator (key 10) v4 or v6, until it names a coordinator: from then on the internal topic exists.
pub(crate) fn find_coordinator(address: SocketAddr, kind: Coordinator, limit: Duration) -> Result<()> {
    let (version, key) = match kind {
        Coordinator::Share => (6, "warm-up:AAAAAAAAAAAAAAAAAAAAAQ:0"),
        _ => (4, "warm-up"),
    };
    let mut body = vec![kind as u8, 2, u8::try_from(key.len() + 1)?];
    body.extend_from_slice(key.as_bytes());
    body.push(0);
    let start = Instant::now();
    let mut connection = RawKafka::connect(address)?;
    loop {
        connection.send_request(10, version, 1, true, &body)?;
        let answer = connection.read_frame()?.context("the broker closed the connection")?;
        // correlation id, header tags, throttle time, one coordinator: key, node id, host, port, error code.
        let at = 4 + 1 + 4 + 1 + 1 + key.len() + 4;
        let host = usize::from(*answer.get(at).context("a short FindCoordinator answer")?).saturating_sub(1);
        let code = answer.get(at + 1 + host + 4..at + 1 + host + 6).context("a short FindCoordinator answer")?;
        match i16::from_be_bytes([code[0], code[1]]) {
            0 => return Ok(()),
            code if start.elapsed() > limit => bail!("FindCoordinator {kind:?}: error {code} after {limit:?}"),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
