"""The test cases of Autobahn, run as a WebSocket client against one server.

    autobahn.py FOLDER HOST PORT AUTHORITY [CA]

FOLDER holds the published package `autobahntestsuite`; with CA the server is asked over TLS. Prints one JSON object
for each case, `{"case": "1.1.1", "verdict": "OK", "close": "OK", "why": "..."}`.

The cases are the package's own files, word by word; only what drives them is ours, because theirs runs on nothing newer
than Python 2. Python 2 strings are bytes, so strings stand for bytes here too: one character, one byte (Latin-1).
"""

import asyncio, base64, binascii, builtins, collections, hashlib, importlib.abc, importlib.util, itertools, json, os, re
import ssl, struct, sys, types

# Compression (12, 13) is nothing to a gateway; 9.9 sends without end.
SKIPPED = re.compile(r"case(9_9|12_|13_)")
# How much longer than the cases say a server may take before it is given up: the machine has other work.
PATIENCE = 6
AT_ONCE = 40


def modules():
    """What the cases import."""

    class WebSocketProtocol:
        STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
        MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2

    class Utf8Validator:
        def reset(self):
            pass

        def validate(self, text):
            decoder = __import__("codecs").getincrementaldecoder("utf-8")()
            try:
                decoder.decode(text.encode("latin-1"))
                return True, decoder.getstate()[0] == b"", 0, 0
            except UnicodeDecodeError:
                return False, False, 0, 0

    def b2a_hex(text):
        return binascii.b2a_hex(text.encode("latin-1", "replace")).decode()

    contents = {
        "autobahn": {},
        "autobahn.websocket": {},
        "autobahn.websocket.protocol": {"WebSocketProtocol": WebSocketProtocol},
        "autobahn.websocket.utf8validator": {"Utf8Validator": Utf8Validator},
        "hexadecimal": {"b2a_hex": b2a_hex},
    }
    for name, content in contents.items():
        module = types.ModuleType(name)
        module.__dict__.update(content, __path__=[])
        sys.modules[name] = module
    return WebSocketProtocol


class Cases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the modules of the package's folder `case` as Python 3."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name + ".py")

    def find_spec(self, name, path=None, target=None):
        if re.fullmatch(r"case[0-9_xX]*", name) and os.path.exists(self.path(name)):
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        with open(self.path(module.__name__), encoding="latin-1") as file:
            source = file.read()
        source = re.sub(r"^#.*coding.*$", "", source, flags=re.M)
        source = re.sub(r"^(\s*)print\b.*$", r"\1pass", source, flags=re.M)
        source = source.replace("(object, Case, )", "(Case,)")
        source = source.replace("import binascii", "import hexadecimal as binascii").replace(" / ", " // ")
        exec(compile(source, self.path(module.__name__), "exec"), module.__dict__)

    def all(self):
        """Every case, `{"1.1.1": class}`."""
        found = {}
        for file in os.listdir(self.folder):
            name, _ = os.path.splitext(file)
            if not re.fullmatch(r"case\d[0-9_xX]*", name) or SKIPPED.match(name):
                continue
            for member in vars(__import__(name)).values():
                for one in member if isinstance(member, list) else [member]:
                    if isinstance(one, type) and re.fullmatch(r"Case\d[\d_]*", one.__name__):
                        found[one.__name__[4:].replace("_", ".")] = one
        return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def mask(data, key):
    length = len(data)
    pattern = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(length, "big")


class Violation(Exception):
    """What the server must not send."""


class Connection:
    """What a case sees as `p`, its protocol: RFC 6455 with hooks to break it."""

    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007

    def __init__(self, states):
        self.states = states
        self.state = states.STATE_CONNECTING
        self.factory = types.SimpleNamespace(isServer=False)
        self.connectionWasOpen = self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.localCloseCode = self.localCloseReason = self.remoteCloseCode = self.remoteCloseReason = None
        self.autoFragmentSize = 0
        self.trafficStats = None
        self.txFrameStats = collections.Counter()
        self.outgoing = asyncio.Queue()
        self.timers = []
        self.left = 0

    # What cases ask for.

    def enableWirelog(self, enable):
        pass

    def later(self, delay, function, *arguments):
        self.timers.append(asyncio.get_running_loop().call_later(delay, function, *arguments))

    def unless_closed(self, function):
        if self.state != self.states.STATE_CLOSED:
            function()

    def continueLater(self, delay, function, tag=None):
        self.later(delay, self.unless_closed, function)

    def killAfter(self, delay):
        self.later(delay * PATIENCE, self.unless_closed, self.failConnection)

    def closeAfter(self, delay):
        self.later(delay, self.unless_closed, self.sendClose)

    def send(self, data, chopsize=None):
        for start in range(0, len(data), chopsize or len(data) or 1):
            self.outgoing.put_nowait(data[start : start + (chopsize or len(data))])

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
        data = payload.encode("latin-1")
        if payload_len is not None:
            data = (data * (payload_len // max(len(data), 1) + 1))[:payload_len]
        self.send(self.header(opcode, len(data), fin, rsv) + self.masked(data), chopsize)
        self.txFrameStats[opcode] += 1

    def header(self, opcode, length, fin=True, rsv=0):
        self.key, self.offset = os.urandom(4), 0
        first = bytes([(fin << 7) | (rsv << 4) | opcode])
        if length < 126:
            first += bytes([0x80 | length])
        elif length < 1 << 16:
            first += struct.pack("!BH", 0x80 | 126, length)
        else:
            first += struct.pack("!BQ", 0x80 | 127, length)
        return first + self.key

    def masked(self, data):
        turn = self.offset % 4
        self.offset += len(data)
        return mask(data, self.key[turn:] + self.key[:turn])

    def sendMessage(self, payload, isBinary=False, fragmentSize=None):
        size = fragmentSize or self.autoFragmentSize or max(len(payload), 1)
        starts = range(0, max(len(payload), 1), size)
        for start in starts:
            opcode = (2 if isBinary else 1) if start == 0 else 0
            self.sendFrame(opcode, payload[start : start + size], fin=start == starts[-1])

    def beginMessage(self):
        pass

    def beginMessageFrame(self, length):
        self.left = length
        self.send(self.header(1, length))

    def sendMessageFrameData(self, payload):
        self.send(self.masked(payload.encode("latin-1")))

    def endMessage(self):
        self.sendFrame(0)

    def sendClose(self, code=None, reason=None):
        self.sendCloseFrame(code, reason)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        if self.state != self.states.STATE_OPEN:
            return
        payload = "" if code is None else struct.pack("!H", code).decode("latin-1") + (reasonUtf8 or "")
        self.sendFrame(8, payload)
        self.state = self.states.STATE_CLOSING
        self.closedByMe, self.localCloseCode, self.localCloseReason = not isReply, code, reasonUtf8
        if self.closedByMe:
            self.later(PATIENCE, self.unless_closed, self.drop)

    def drop(self):
        self.wasClean = False
        self.droppedByMe = True
        self.state = self.states.STATE_CLOSED
        self.writer.transport.abort()

    def failConnection(self):
        if self.state != self.states.STATE_CLOSED:
            self.failedByMe = True
            self.drop()

    # What the server says.

    async def run(self, case, host, port, authority, tls):
        self.case = case
        reader, self.writer = await asyncio.open_connection(
            host, port, ssl=tls, server_hostname=authority.split(":")[0] if tls else None, limit=1 << 20
        )
        writer = asyncio.ensure_future(self.write())
        try:
            await self.open(reader, authority)
            self.state = self.states.STATE_OPEN
            self.connectionWasOpen = True
            case.onOpen()
            await self.read(reader)
        except Violation as why:
            case.result = str(why)
            self.failConnection()
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError, ssl.SSLError) as error:
            if not self.connectionWasOpen:
                case.result = repr(error)
        finally:
            self.state = self.states.STATE_CLOSED
            for timer in self.timers:
                timer.cancel()
            writer.cancel()
            self.writer.transport.abort()
            case.onConnectionLost(self.failedByMe)

    async def write(self):
        try:
            while True:
                self.writer.write(await self.outgoing.get())
                await self.writer.drain()
                # Each chop for itself.
                await asyncio.sleep(0)
        except (ConnectionError, ssl.SSLError):
            pass

    async def open(self, reader, authority):
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            (
                f"GET / HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10 * PATIENCE)).decode("latin-1")
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        if not head.startswith("HTTP/1.1 101 ") or accept not in head:
            raise Violation(f"no WebSocket: {head!r}")

    async def read(self, reader):
        message, binary = None, False
        while True:
            first, second = await reader.readexactly(2)
            fin, rsv, opcode, length = first >> 7, first >> 4 & 7, first & 15, second & 127
            if second & 128 or rsv or opcode not in (0, 1, 2, 8, 9, 10):
                raise Violation(f"a frame that begins with {first:#x} {second:#x}")
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await reader.readexactly(8))
            payload = await reader.readexactly(length)
            if opcode >= 8 and (length > 125 or not fin):
                raise Violation("a control frame that is too long or in pieces")
            if opcode == 8:
                self.on_close(payload)
            elif opcode == 9:
                self.case.onPing(payload.decode("latin-1"))
                if self.state == self.states.STATE_OPEN:
                    self.sendFrame(10, payload.decode("latin-1"))
            elif opcode == 10:
                self.case.onPong(payload.decode("latin-1"))
            else:
                if (opcode == 0) != (message is not None):
                    raise Violation("a continuation of nothing, or a message within another")
                if opcode:
                    message, binary = [], opcode == 2
                message.append(payload)
                if fin:
                    whole, message = b"".join(message), None
                    if not binary:
                        self.utf8(whole)
                    self.case.onMessage(whole.decode("latin-1"), binary)

    def utf8(self, data):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            raise Violation("text that is no UTF-8") from None

    def on_close(self, payload):
        if len(payload) == 1:
            raise Violation("half a close code")
        if payload:
            (self.remoteCloseCode,) = struct.unpack("!H", payload[:2])
            self.remoteCloseReason = payload[2:].decode("latin-1")
            self.utf8(payload[2:])
            code = self.remoteCloseCode
            if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise Violation(f"close code {code}")
        self.wasClean = True
        if self.state == self.states.STATE_OPEN:
            self.sendCloseFrame(self.CLOSE_STATUS_CODE_NORMAL, isReply=True)
        # The server is to close the connection first.
        self.later(PATIENCE, self.unless_closed, self.drop)


async def main(folder, host, port, authority, ca=None):
    builtins.xrange, builtins.unicode = range, str
    states = modules()
    finder = Cases(os.path.join(folder, "autobahntestsuite", "case"))
    sys.meta_path.insert(0, finder)
    # Theirs compares what pickle makes of the two, which in Python 3 tells more than equality.
    __import__("case").Case.compare = lambda self, one, other: one == other
    tls = ssl.create_default_context(cafile=ca) if ca else None
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(name, kind):
        async with turns:
            connection = Connection(states)
            case = kind(connection)
            try:
                await connection.run(case, host, int(port), authority, tls)
            except OSError as error:
                case.behavior, case.result = case.FAILED, str(error)
            return {"case": name, "verdict": case.behavior, "close": case.behaviorClose, "why": case.result}

    # The large messages of 9 keep this process so busy that a handshake beside them would come too late.
    alone = {name: kind for name, kind in finder.all().items() if name.startswith("9.")}
    together = {name: kind for name, kind in finder.all().items() if name not in alone}
    results = await asyncio.gather(*itertools.starmap(run, together.items()))
    results += [await run(name, kind) for name, kind in alone.items()]
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
