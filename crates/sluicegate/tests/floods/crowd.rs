//! Many sockets of one client process.

use anyhow::{Context, Result};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Connections that are open, as far as we know.
#[derive(Debug, Default)]
pub struct Crowd {
    sockets: Vec<TcpStream>,
}

impl Crowd {
    /// Opens connections that all begin with the same words.
    pub fn open(at: SocketAddr, count: usize, first: &[u8]) -> Result<Self> {
        let mut sockets = Vec::with_capacity(count);
        for number in 0..count {
            let mut socket = TcpStream::connect_timeout(&at, Duration::from_secs(5))
                .with_context(|| format!("connection {number} of {count}"))?;
            socket.set_nonblocking(true)?;
            // One that has been closed meanwhile shows when it is counted.
            let _ = socket.write(first);
            sockets.push(socket);
        }
        Ok(Self { sockets })
    }

    /// Writes to all of them; what does not fit at once is dropped.
    pub fn say(&mut self, bytes: &[u8]) {
        for socket in &mut self.sockets {
            let _ = socket.write(bytes);
        }
    }

    /// How many are open still; the others, and what they have been told, are dropped.
    pub fn count(&mut self) -> usize {
        let mut buffer = [0; 4096];
        self.sockets.retain_mut(|socket| {
            loop {
                match socket.read(&mut buffer) {
                    Ok(0) => return false,
                    Ok(_) => {}
                    Err(error) => return error.kind() == ErrorKind::WouldBlock,
                }
            }
        });
        self.sockets.len()
    }

    /// How many are open still, without reading what they are told.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Says the bytes now and then, for so long, while anyone is there to hear them.
    pub fn dribble(&mut self, bytes: &[u8], every: Duration, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && self.count() > 0 {
            self.say(bytes);
            std::thread::sleep(every.min(end.saturating_duration_since(Instant::now())));
        }
    }
}
