//! The access log: workers fill buffers, one thread writes them. A worker never waits for the disk: what does not fit
//! into the queue is dropped and counted.

use super::metrics::Counter;
use crate::options;
use serde::Serialize;
use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// A worker's buffer is handed over at this size,
const FULL: usize = 16 << 10;
/// and has room for one more line, unless that one is long;
const LINE: usize = 1 << 10;
/// or at this age.
pub(super) const AGE: Duration = Duration::from_millis(50);
/// Buffers that wait for the writer.
const QUEUE: usize = 256;
/// How long the last lines may take.
const STUCK: Duration = Duration::from_secs(2);

/// The writer thread's end of it.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    sender: Option<SyncSender<Vec<u8>>>,
    dropped: Arc<Counter>,
}

/// A file that is followed by its name: once it has been moved away or removed, as logrotate does, a new one is made in
/// its place.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    file: File,
}

impl Followed {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn is_in_place(&self) -> bool {
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        match (std::fs::metadata(&self.path).map(identity), self.file.metadata().map(identity)) {
            (Ok(named), Ok(open)) => named == open,
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            _ => true,
        }
    }
}

impl Write for Followed {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if !self.is_in_place() {
            // If no new file can be made, the lines are better in the old one than nowhere.
            if let Ok(new) = Self::open(&self.path) {
                *self = new;
            }
        }
        self.file.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the log and starts its writer, which ends with [`Sink::finish`].
pub(crate) fn open(target: &options::AccessLog, dropped: Arc<Counter>) -> io::Result<(Sink, Option<JoinHandle<()>>)> {
    let out: Box<dyn Write + Send> = match target {
        options::AccessLog::Off => return Ok((Sink { sender: None, dropped }, None)),
        options::AccessLog::Stdout => Box::new(io::stdout()),
        options::AccessLog::File(path) => Box::new(Followed::open(path)?),
    };
    let (sender, receiver) = sync_channel(QUEUE);
    let count = Arc::clone(&dropped);
    let writer = std::thread::Builder::new().name("access-log".into()).spawn(move || write(out, &receiver, &count))?;
    Ok((Sink { sender: Some(sender), dropped }, Some(writer)))
}

impl Sink {
    /// Ends the writer after all lines handed over so far; does not wait long for one that is stuck.
    pub(crate) fn finish(&self, writer: JoinHandle<()>) {
        let end = Instant::now() + STUCK;
        let Some(sender) = &self.sender else { return };
        while let Err(TrySendError::Full(_)) = sender.try_send(Vec::new())
            && Instant::now() < end
        {
            thread::sleep(Duration::from_millis(5));
        }
        while !writer.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        if !writer.is_finished() {
            tracing::warn!("the access log's last lines cannot be written");
        }
    }
}

fn write(mut out: Box<dyn Write + Send>, receiver: &Receiver<Vec<u8>>, dropped: &Counter) {
    while let Ok(lines) = receiver.recv() {
        if lines.is_empty() {
            return;
        }
        if out.write_all(&lines).and_then(|()| out.flush()).is_err() {
            dropped.add(count(&lines));
        }
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// One worker's end.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog(Rc<Local>);

#[derive(Debug)]
struct Local {
    sink: Sink,
    lines: RefCell<Vec<u8>>,
    /// Wakes the flusher when a first line is there.
    filled: Notify,
}

impl AccessLog {
    pub(crate) fn new(sink: Sink) -> Self {
        Self(Rc::new(Local { sink, lines: RefCell::default(), filled: Notify::new() }))
    }

    /// Whether anybody reads it; if not, spare the work.
    pub(crate) fn is_on(&self) -> bool {
        self.0.sink.sender.is_some()
    }

    /// Appends one line; `fill` writes a JSON object without the line's end.
    pub(crate) fn log(&self, fill: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_on() {
            return;
        }
        let mut lines = self.0.lines.borrow_mut();
        if lines.is_empty() {
            // At once: growing with every line would copy each several times.
            lines.reserve(FULL + LINE);
            self.0.filled.notify_one();
        }
        fill(&mut lines);
        lines.push(b'\n');
        if lines.len() >= FULL {
            let full = std::mem::take(&mut *lines);
            drop(lines);
            self.hand_over(full);
        }
    }

    /// Appends one line.
    pub(crate) fn record(&self, entry: &impl Serialize) {
        self.log(|line| {
            // Only a failing Serialize could fail here; the line stays empty then.
            let _ = serde_json::to_writer(line, entry);
        });
    }

    /// Hands over what is there.
    pub(crate) fn flush(&self) {
        let lines = std::mem::take(&mut *self.0.lines.borrow_mut());
        if !lines.is_empty() {
            self.hand_over(lines);
        }
    }

    fn hand_over(&self, lines: Vec<u8>) {
        let Some(sender) = &self.0.sink.sender else { return };
        match sender.try_send(lines) {
            Ok(()) => {}
            Err(TrySendError::Full(lines) | TrySendError::Disconnected(lines)) => {
                self.0.sink.dropped.add(count(&lines))
            }
        }
    }

    /// Flushes young buffers; runs as long as the worker does.
    pub(crate) async fn flusher(self) {
        loop {
            self.0.filled.notified().await;
            tokio::time::sleep(AGE).await;
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
        let mut log = Followed::open(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        log.write_all(b"two\n").unwrap();
        log.write_all(b"three\n").unwrap();
        std::fs::remove_file(&path).unwrap();
        log.write_all(b"four\n").unwrap();
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "four\n");
    }
}
