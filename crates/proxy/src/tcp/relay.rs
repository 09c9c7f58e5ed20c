//! Bytes between two connections: copied at first, spliced inside the kernel once there are many of them.

use crate::{drain::Signal, io::Io, upstream::ConnectError, worker::Worker};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::{cell::Cell, io, net::Shutdown, os::fd::OwnedFd, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest},
    net::TcpStream,
};

/// Bytes of one direction that are copied before a pipe is made for the rest.
const COPIED: u64 = 64 << 10;
/// Size of that pipe.
const PIPE: usize = 256 << 10;
/// Size of a copy.
const BUFFER: usize = 16 << 10;
/// Once the connection should end: without a byte for so long it does.
const QUIET: Duration = Duration::from_secs(2);

/// [`Relayed::end`] of a connection that no backend took.
pub(super) const NO_UPSTREAM: &str = "no_backend";

/// What became of a connection.
#[derive(Debug)]
pub(super) struct Relayed {
    /// Bytes from the client.
    pub(super) received: u64,
    /// Bytes to the client.
    pub(super) sent: u64,
    /// `done`, `client` or `backend` (an error of that side), `idle`, `drained`, `no_backend`.
    pub(super) end: &'static str,
    /// What the system says.
    pub(super) error: Option<String>,
}

impl Default for Relayed {
    fn default() -> Self {
        Self { received: 0, sent: 0, end: "done", error: None }
    }
}

impl Relayed {
    pub(super) fn failed(error: &ConnectError) -> Self {
        Self { end: NO_UPSTREAM, error: Some(error.to_string()), ..Self::default() }
    }
}

/// One direction's progress.
#[derive(Default)]
struct Progress {
    bytes: Cell<u64>,
    ended: Cell<bool>,
}

impl Progress {
    fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }
}

/// Which side has failed.
enum Fault {
    Reading(io::Error),
    Writing(io::Error),
}

/// Between two plain connections.
pub(super) async fn plain(worker: &Worker, client: &TcpStream, upstream: &TcpStream, closing: &Signal) -> Relayed {
    let (up, down) = (Progress::default(), Progress::default());
    let both = both(copy_plain(client, upstream, &up, pipe), copy_plain(upstream, client, &down, pipe));
    watch(worker, both, &up, &down, closing).await
}

/// Between any two connections.
pub(super) async fn any(worker: &Worker, client: Io, upstream: Io, closing: &Signal) -> Relayed {
    let (up, down) = (Progress::default(), Progress::default());
    let (client_read, client_write) = tokio::io::split(client);
    let (upstream_read, upstream_write) = tokio::io::split(upstream);
    let both = both(copy(client_read, upstream_write, &up), copy(upstream_read, client_write, &down));
    watch(worker, both, &up, &down, closing).await
}

/// Until both directions have ended, or one has failed.
async fn both(
    up: impl Future<Output = Result<(), Fault>>,
    down: impl Future<Output = Result<(), Fault>>,
) -> Result<(), (&'static str, io::Error)> {
    let up = async { up.await.map_err(|fault| name(fault, "client", "backend")) };
    let down = async { down.await.map_err(|fault| name(fault, "backend", "client")) };
    tokio::try_join!(up, down).map(drop)
}

fn name(fault: Fault, reader: &'static str, writer: &'static str) -> (&'static str, io::Error) {
    match fault {
        Fault::Reading(error) => (reader, error),
        Fault::Writing(error) => (writer, error),
    }
}

/// Ends a connection that moves no byte for too long.
async fn watch(
    worker: &Worker,
    both: impl Future<Output = Result<(), (&'static str, io::Error)>>,
    up: &Progress,
    down: &Progress,
    closing: &Signal,
) -> Relayed {
    let bytes = || up.bytes.get() + down.bytes.get();
    let limit = || match (closing.is_fired(), up.ended.get() || down.ended.get()) {
        (true, _) => QUIET,
        (false, true) => worker.limits().half_closed,
        (false, false) => worker.limits().tcp_idle,
    };
    let idle = async {
        let mut quiet = Duration::ZERO;
        loop {
            // Looked at from time to time, as the limit shrinks when one side ends.
            let (before, step) = (bytes(), limit().min(worker.limits().half_closed));
            let waits = !closing.is_fired();
            tokio::select! {
                () = tokio::time::sleep(step) => {}
                () = closing.fired(), if waits => {
                    quiet = Duration::ZERO;
                    continue;
                }
            }
            quiet = if bytes() == before { quiet + step } else { Duration::ZERO };
            if quiet >= limit() {
                return if closing.is_fired() { "drained" } else { "idle" };
            }
        }
    };
    let (end, error) = tokio::select! {
        result = both => match result {
            Ok(()) => ("done", None),
            Err((side, error)) => (side, Some(error.to_string())),
        },
        end = idle => (end, None),
    };
    Relayed { received: up.bytes.get(), sent: down.bytes.get(), end, error }
}

/// Both ends of a pipe: out, in.
type Pipe = (OwnedFd, OwnedFd);

fn pipe() -> rustix::io::Result<Pipe> {
    pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)
}

async fn copy_plain(
    from: &TcpStream,
    to: &TcpStream,
    progress: &Progress,
    pipe: fn() -> rustix::io::Result<Pipe>,
) -> Result<(), Fault> {
    let mut buffer = Vec::new();
    let mut look_at = COPIED;
    loop {
        if progress.bytes.get() >= look_at {
            // No file descriptor left for one: what is under way goes on, and asks again later.
            match pipe() {
                Ok(pipe) => return splice_plain(from, to, progress, pipe).await,
                Err(_) => look_at = progress.bytes.get().saturating_mul(2),
            }
        }
        // No buffer while there is nothing to read.
        from.readable().await.map_err(Fault::Reading)?;
        buffer.reserve_exact(BUFFER);
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return end(to, progress),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(Fault::Reading(error)),
        }
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            to.writable().await.map_err(Fault::Writing)?;
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(Fault::Writing(error)),
            }
        }
        progress.add(buffer.len());
        if buffer.len() < BUFFER / 2 {
            buffer = Vec::new();
        } else {
            buffer.clear();
        }
    }
}

async fn splice_plain(from: &TcpStream, to: &TcpStream, progress: &Progress, (out, into): Pipe) -> Result<(), Fault> {
    // Unprivileged users have a bound on the sum of their pipes; past it the pipe keeps its 64 KiB.
    let size = fcntl_setpipe_size(&into, PIPE).unwrap_or(64 << 10);
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    loop {
        let read = from.async_io(Interest::READABLE, || Ok(splice(from, None, &into, None, size, flags)?)).await;
        let mut left = read.map_err(Fault::Reading)?;
        if left == 0 {
            return end(to, progress);
        }
        while left > 0 {
            let written = to.async_io(Interest::WRITABLE, || Ok(splice(&out, None, to, None, left, flags)?)).await;
            let written = written.map_err(Fault::Writing)?;
            left -= written;
            progress.add(written);
        }
    }
}

/// One side has ended: so does the other's input.
fn end(to: &TcpStream, progress: &Progress) -> Result<(), Fault> {
    progress.ended.set(true);
    match socket2::SockRef::from(to).shutdown(Shutdown::Write) {
        // It is closed already.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result.map_err(Fault::Writing),
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    progress: &Progress,
) -> Result<(), Fault> {
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        buffer.clear();
        if from.read_buf(&mut buffer).await.map_err(Fault::Reading)? == 0 {
            progress.ended.set(true);
            return to.shutdown().await.map_err(Fault::Writing);
        }
        to.write_all(&buffer).await.map_err(Fault::Writing)?;
        to.flush().await.map_err(Fault::Writing)?;
        progress.add(buffer.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn without_a_pipe_the_rest_is_copied() {
        let pipes: [fn() -> rustix::io::Result<Pipe>; 2] = [pipe, || Err(rustix::io::Errno::MFILE)];
        for pipe in pipes {
            let ((mut client, from), (to, mut backend)) = (pair().await, pair().await);
            let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
            let (progress, mut got) = (Progress::default(), Vec::new());
            let write = async {
                client.write_all(&sent).await.unwrap();
                client.shutdown().await.unwrap();
            };
            let (copied, (), read) =
                tokio::join!(copy_plain(&from, &to, &progress, pipe), write, backend.read_to_end(&mut got));
            assert!(copied.is_ok() && read.is_ok() && got == sent);
            assert_eq!(progress.bytes.get(), sent.len() as u64);
        }
    }
}
