//! A connection as the pump uses it: few and large reads and writes, and no buffers while it is idle.
//!
//! The adapters between rustls and tokio read 4 KiB of TLS at a time and give a record at a time. Here one read takes what the socket
//! has, up to [`PIECE`], into a buffer that the thread keeps, and all records in it are decrypted at once.

use crate::io::Io;
use bytes::{Buf, BufMut, BytesMut};
use kafka::Rope;
use rustls::Connection;
use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, BufRead, IoSlice, Read, Write},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Read and written at a time while there is much.
pub(super) const PIECE: usize = 128 << 10;
/// Read at a time from clients that nobody knows yet: what they can make the gateway hold.
pub(super) const SMALL_PIECE: usize = 4 << 10;
/// Chunks written at a time.
const SLICES: usize = 64;
/// Buffers that a thread keeps for its next reads.
const SPARES: usize = 4;

thread_local! {
    /// What a socket has given before TLS is taken off it.
    static ENCRYPTED: RefCell<Box<[u8]>> = RefCell::new(vec![0; PIECE].into());
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// One side's connection. Reads and writes may be under way at the same time.
pub(super) struct Wire(RefCell<Inner>);

struct Inner {
    socket: TcpStream,
    tls: Option<Box<Connection>>,
    /// About so many bytes of a TLS record that has not come to its end, or 4 KiB more. Counted for small reads only.
    unfinished: usize,
    /// What reading has come to, after what it has given: the end (`Ok`), or a failure.
    ended: Option<io::Result<()>>,
}

impl Wire {
    pub(super) fn new(io: Io) -> Self {
        let (socket, mut tls) = match io {
            Io::Plain(socket) => (socket, None),
            Io::TlsServer(stream) => {
                let (socket, session) = stream.into_inner();
                (socket, Some(Box::new(Connection::Server(session))))
            }
            Io::TlsClient(stream) => {
                let (socket, session) = stream.into_inner();
                (socket, Some(Box::new(Connection::Client(session))))
            }
        };
        if let Some(tls) = &mut tls {
            // What is encrypted before the socket is asked.
            tls.set_buffer_limit(Some(PIECE));
        }
        Self(RefCell::new(Inner { socket, tls, unfinished: 0, ended: None }))
    }

    /// Waits until something has come and reads it: some more than `most` bytes at most. None at the end of the stream; one without an
    /// end of TLS is none, as frames have a length. With [`SMALL_PIECE`] it gives 0 after a piece of a TLS record, so that a long one
    /// does not come unasked. May be dropped while it waits. An empty buffer holds no memory meanwhile.
    pub(super) async fn read(&self, into: &mut BytesMut, most: usize) -> io::Result<Option<usize>> {
        poll_fn(|cx| self.0.borrow_mut().poll_read(cx, into, most)).await
    }

    /// What small reads have made TLS hold of a record.
    pub(super) fn unfinished(&self) -> usize {
        self.0.borrow().unfinished
    }

    /// Lets TLS give back the room that a long record has taken.
    pub(super) fn shrink(&self) {
        let mut inner = self.0.borrow_mut();
        let inner = &mut *inner;
        if let (0, Some(tls)) = (inner.unfinished, &mut inner.tls) {
            shrink(tls);
        }
    }

    /// Writes all of the queue. What was written is gone from the queue if it is dropped while it waits.
    pub(super) async fn write(&self, queue: &mut Rope) -> io::Result<()> {
        poll_fn(|cx| self.0.borrow_mut().poll_write(cx, queue)).await
    }

    /// Ends TLS and the stream.
    pub(super) async fn shutdown(&self) -> io::Result<()> {
        if let Some(tls) = &mut self.0.borrow_mut().tls {
            tls.send_close_notify();
        }
        self.write(&mut Rope::default()).await?;
        poll_fn(|cx| Pin::new(&mut self.0.borrow_mut().socket).poll_shutdown(cx)).await
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut, most: usize) -> Poll<io::Result<Option<usize>>> {
        if let Some(ended) = &mut self.ended {
            return Poll::Ready(std::mem::replace(ended, Ok(())).map(|()| None));
        }
        let read = match &mut self.tls {
            None => read_plain(&mut self.socket, cx, into, most),
            Some(tls) => {
                let before = into.len();
                let result = ENCRYPTED
                    .with_borrow_mut(|encrypted| read_tls(&mut self.socket, tls, cx, encrypted, into, before + most));
                let got = into.len() - before;
                if got > 0 {
                    self.unfinished = 0;
                } else if let Poll::Ready(Ok(More::Part(len))) = result {
                    self.unfinished += len;
                }
                match result {
                    Poll::Pending if got == 0 => Poll::Pending,
                    Poll::Pending | Poll::Ready(Ok(More::Enough | More::Part(_))) => Poll::Ready(Ok(Some(got))),
                    Poll::Ready(result) => {
                        self.ended = Some(result.map(drop));
                        return if got > 0 { Poll::Ready(Ok(Some(got))) } else { self.poll_read(cx, into, most) };
                    }
                }
            }
        };
        if read.is_pending() && into.is_empty() {
            give_back(into);
            if let Some(tls) = &mut self.tls {
                shrink(tls);
            }
        }
        read
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, queue: &mut Rope) -> Poll<io::Result<()>> {
        let Some(tls) = &mut self.tls else {
            while !queue.is_empty() {
                let written = with_slices(queue, |slices| Pin::new(&mut self.socket).poll_write_vectored(cx, slices));
                match ready!(written)? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => queue.advance(written),
                }
            }
            return Poll::Ready(Ok(()));
        };
        loop {
            // As much as the session takes, so that the socket is asked once.
            while !queue.is_empty() {
                match with_slices(queue, |slices| tls.writer().write_vectored(slices))? {
                    0 => break,
                    taken => queue.advance(taken),
                }
            }
            ready!(write_tls(&mut self.socket, tls, cx))?;
            if queue.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

fn with_slices<T>(queue: &Rope, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let filled = queue.chunks_vectored(&mut slices);
    write(&slices[..filled])
}

/// Why no more was read.
enum More {
    /// There is enough for now.
    Enough,
    /// A small piece of so many bytes has come, and no record to its end.
    Part(usize),
    /// The other side has ended.
    End,
}

fn read_plain(
    socket: &mut TcpStream,
    cx: &mut Context<'_>,
    into: &mut BytesMut,
    most: usize,
) -> Poll<io::Result<Option<usize>>> {
    // Asked first, so that who waits takes no buffer.
    ready!(socket.poll_read_ready(cx))?;
    borrow(into, most);
    let mut limited = into.limit(most);
    let read = ready!(pin!(socket.read_buf(&mut limited)).poll(cx))?;
    Poll::Ready(Ok((read > 0).then_some(read)))
}

/// Until there are about as many bytes as `enough`, or there is nothing more to read for now (pending) or for ever.
fn read_tls(
    socket: &mut TcpStream,
    tls: &mut Connection,
    cx: &mut Context<'_>,
    encrypted: &mut [u8],
    into: &mut BytesMut,
    enough: usize,
) -> Poll<io::Result<More>> {
    // What came with the end of the handshake.
    if !tls.wants_read() {
        take_decrypted(tls, into)?;
    }
    let (before, half) = (into.len(), enough - enough.saturating_sub(into.len()) / 2);
    loop {
        // A read more for a rest that TLS has taken up is worth nothing.
        if into.len() >= half {
            return Poll::Ready(Ok(More::Enough));
        }
        let most = (enough - into.len()).clamp(SMALL_PIECE, encrypted.len());
        let mut buffer = ReadBuf::new(&mut encrypted[..most]);
        ready!(tokio::io::AsyncRead::poll_read(Pin::new(socket), cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(More::End));
        }
        // A small piece gets what it needs: less than was read.
        if most > SMALL_PIECE {
            borrow(into, most);
        }
        let more = decrypt(tls, buffer.filled(), into);
        // An answer to what was read: new keys, or an alert. If the socket takes it later, the next write brings it.
        if tls.wants_write()
            && let Poll::Ready(Err(error)) = write_tls(socket, tls, cx)
        {
            return Poll::Ready(Err(error));
        }
        if !more? {
            return Poll::Ready(Ok(More::End));
        }
        if enough - before <= SMALL_PIECE && into.len() == before {
            return Poll::Ready(Ok(More::Part(buffer.filled().len())));
        }
    }
}

/// Whether more may come.
fn decrypt(tls: &mut Connection, mut encrypted: &[u8], into: &mut BytesMut) -> io::Result<bool> {
    while !encrypted.is_empty() {
        if tls.read_tls(&mut encrypted)? == 0 {
            return Ok(false);
        }
        let state = match tls.process_new_packets() {
            Ok(state) => state,
            Err(error) => {
                // What came before it.
                take_decrypted(tls, into)?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        };
        if state.plaintext_bytes_to_read() > 0 {
            take_decrypted(tls, into)?;
        }
        if state.peer_has_closed() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Lets TLS give back the room that a long record has taken, which it does before it reads.
fn shrink(tls: &mut Connection) {
    struct Nothing;
    impl Read for Nothing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    // Not an end of the stream, which no bytes would be.
    let _ = tls.read_tls(&mut Nothing);
}

fn take_decrypted(tls: &mut Connection, into: &mut BytesMut) -> io::Result<()> {
    let mut reader = tls.reader();
    loop {
        let len = match reader.fill_buf() {
            Ok(chunk) => {
                into.extend_from_slice(chunk);
                chunk.len()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if len == 0 {
            return Ok(());
        }
        reader.consume(len);
    }
}

fn write_tls(socket: &mut TcpStream, tls: &mut Connection, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    while tls.wants_write() {
        match tls.write_tls(&mut Socket { socket, cx }) {
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    Poll::Ready(Ok(()))
}

/// A socket as rustls writes to it.
struct Socket<'a, 'b> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

fn blocking<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Write for Socket<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        blocking(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        blocking(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Room for `more` bytes. A large read gets a buffer that another connection has given back, if it has none.
fn borrow(into: &mut BytesMut, more: usize) {
    if more > SMALL_PIECE && into.capacity() == 0 {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        *into = spare.unwrap_or_else(|| BytesMut::with_capacity(PIECE));
    }
    into.reserve(more);
}

/// Leaves the memory of an empty buffer to other connections.
fn give_back(into: &mut BytesMut) {
    let mut spare = std::mem::take(into);
    // Unless a frame of it is still held somewhere.
    if spare.capacity() > 0 && spare.try_reclaim(PIECE) {
        SPARE.with_borrow_mut(|spares| {
            if spares.len() < SPARES && spare.capacity() <= 2 * PIECE {
                spares.push(spare);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};
    use std::sync::Arc;
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    async fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    async fn plain() -> (Wire, Wire) {
        let (client, server) = sockets().await;
        (Wire::new(Io::Plain(client)), Wire::new(Io::Plain(server)))
    }

    async fn encrypted() -> (Wire, Wire) {
        let (client, server) = handshake().await;
        (Wire::new(Io::TlsClient(Box::new(client))), Wire::new(Io::TlsServer(Box::new(server))))
    }

    async fn handshake() -> (tokio_rustls::client::TlsStream<TcpStream>, tokio_rustls::server::TlsStream<TcpStream>) {
        let own = rcgen::generate_simple_self_signed(["kafka.test".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let server = server.unwrap().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
        let (near, far) = sockets().await;
        let name = "kafka.test".try_into().unwrap();
        let (acceptor, connector) = (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)));
        let (near, far) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
        (near.unwrap(), far.unwrap())
    }

    fn sample(len: usize) -> Bytes {
        (0..len).map(|at| (at / 7 % 251) as u8).collect::<Vec<_>>().into()
    }

    async fn carries(from: &Wire, to: &Wire) {
        let sent = sample(3_000_000);
        // Chunks of all lengths.
        let (mut queue, mut rest, mut len) = (Rope::default(), sent.clone(), 1);
        while !rest.is_empty() {
            queue.push(rest.split_to(len.min(rest.len())));
            len = len * 3 % 70_001;
        }
        let mut got = BytesMut::new();
        let write = async {
            from.write(&mut queue).await.unwrap();
            from.shutdown().await.unwrap();
        };
        let read = async { while to.read(&mut got, PIECE).await.unwrap().is_some() {} };
        tokio::join!(write, read);
        assert!(got == sent);
        assert_eq!(to.read(&mut got, PIECE).await.unwrap(), None, "the end stays");
    }

    #[tokio::test]
    async fn carries_both_ways() {
        for (client, server) in [plain().await, encrypted().await] {
            carries(&client, &server).await;
            carries(&server, &client).await;
        }
    }

    #[tokio::test]
    async fn who_waits_has_no_buffer() {
        for (client, server) in [plain().await, encrypted().await] {
            let mut into = BytesMut::new();
            client.write(&mut Rope::from(sample(10))).await.unwrap();
            assert_eq!(server.read(&mut into, PIECE).await.unwrap(), Some(10));
            into.clear();
            let mut waits = Box::pin(server.read(&mut into, PIECE));
            assert!(poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await.is_pending());
            drop(waits);
            assert_eq!(into.capacity(), 0);
            assert!(SPARE.with_borrow(Vec::len) > 0);
        }
    }

    #[tokio::test]
    async fn an_unknown_client_gets_little_room() {
        for (client, server) in [plain().await, encrypted().await] {
            client.write(&mut Rope::from(sample(60_000))).await.unwrap();
            let (mut into, mut most, mut unfinished) = (BytesMut::new(), 0, 0);
            while into.len() < 60_000 {
                let (before, held) = (into.len(), server.unfinished());
                let got = server.read(&mut into, SMALL_PIECE).await.unwrap().unwrap();
                assert_eq!(into.len(), before + got);
                assert!(server.unfinished() <= if got > 0 { 0 } else { held + SMALL_PIECE });
                (most, unfinished) = (most.max(got), unfinished.max(server.unfinished()));
            }
            assert!(most <= SMALL_PIECE + (16 << 10), "{most}: a record of TLS more at most");
            assert!(unfinished <= 16 << 10, "{unfinished}: a record of TLS at most");
            assert_eq!(into, sample(60_000));
        }
    }

    #[tokio::test]
    async fn what_came_before_a_failure_is_read_first() {
        let (client, server) = handshake().await;
        let server = Wire::new(Io::TlsServer(Box::new(server)));
        let (mut socket, mut session) = client.into_inner();
        session.writer().write_all(b"whole").unwrap();
        let mut bytes = Vec::new();
        session.write_tls(&mut bytes).unwrap();
        bytes.extend_from_slice(&[23, 3, 3, 0, 20]);
        bytes.extend_from_slice(&[9; 20]);
        socket.write_all(&bytes).await.unwrap();
        let mut into = BytesMut::new();
        assert_eq!(server.read(&mut into, PIECE).await.unwrap(), Some(5));
        assert_eq!(server.read(&mut into, PIECE).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(into, &b"whole"[..]);
    }
}
