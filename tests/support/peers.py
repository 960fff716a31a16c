"""Raw clients for the lab's streams: a test decides about each byte.

    peer = connect(lab, "pmu-wss")          # any of CARRIERS, or "echo"; its handshakes are over
    peer.command("CMD_short:0")             # as a client of that carrier says it
    peer.read_all()                         # what the server says, without the carrier's frames,
                                            # to its orderly end
    peer.segments_in                        # data segments that the kernel has received
                                            # (tcp(7), TCP_INFO)
    peer.half_close(), peer.reset(), peer.close()

Below are the layers, for tests that stop or go wrong in one of them: Plain is a socket, Tls runs
over memory buffers (what it wants to send can be taken, cut and withheld), WebSocket stands on
either. A socket's time limit is the deadline of every call: a server that says nothing fails the
test.
"""
import select
import socket
import ssl
import struct
import time

from support.frames import (BINARY, CLOSE, PING, PONG, TEXT, accept_for, close_frame, frame,
                            read_frame, upgrade_request, KEY)
from support.lab import DEADLINE

CARRIERS = ["pmu", "pmu-ws", "pmu-tls", "pmu-wss"]
WEBSOCKETS = ["pmu-ws", "pmu-wss"]
BYTE_STREAMS = ["pmu", "pmu-tls"]
STREAMS = ["echo", *CARRIERS]

TCP_INFO_BYTES = 256
# Offsets in struct tcp_info, linux/tcp.h; the kernel only ever appends to it.
TCPI_RCV_MSS, TCPI_DATA_SEGS_IN = 20, 152


def is_tls(endpoint):
    return endpoint in ("pmu-tls", "pmu-wss")


def is_websocket(endpoint):
    return endpoint in WEBSOCKETS


def tcp_info(sock, offset):
    return struct.unpack_from("=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO,
                                                    TCP_INFO_BYTES), offset)[0]


def open_socket(lab, endpoint, receive_buffer=None):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(DEADLINE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(lab.address(endpoint))
    return sock


class Plain:
    """A TCP connection."""

    def __init__(self, sock, endpoint=None):
        self.socket = sock
        # The name of this connection in events: wait(event="close", **peer.who). Two endpoints may
        # see the same port at two times.
        self.who = {"peer": "{}:{}".format(*sock.getsockname()[:2])}
        if endpoint:
            self.who["endpoint"] = endpoint

    def send(self, data):
        if data:  # with nothing to send, sendall would still see that the socket has been shut
            self.socket.sendall(data)

    def recv(self, size=65536):
        """Some bytes; b"" at the end."""
        return self.socket.recv(size)

    def command(self, text):
        self.send(text.encode() if isinstance(text, str) else text)

    def read_all(self):
        """Everything up to the peer's end. A reset is an error: ConnectionResetError."""
        pieces = []
        while piece := self.recv():
            pieces.append(piece)
        return b"".join(pieces)

    def read_exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.recv(size - len(data))
            assert piece, f"the stream ended after {len(data)} of {size} bytes: {data!r}"
            data += piece
        return data

    def stays_silent(self, seconds):
        """True when nothing comes for so long, not even the end."""
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return not readable

    @property
    def segments_in(self):
        return tcp_info(self.socket, TCPI_DATA_SEGS_IN)

    @property
    def largest_segment_in(self):
        """The kernel's estimate, which follows the largest one."""
        return tcp_info(self.socket, TCPI_RCV_MSS)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Tls:
    """TLS over a Plain, in memory."""

    def __init__(self, lower, ca_file, version=None):
        context = ssl.create_default_context(cafile=ca_file)
        if version:
            context.minimum_version = context.maximum_version = version
        self.lower = lower
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.got_close_notify = False
        self.ahead = b""  # read before anybody asked for it

    def __getattr__(self, name):  # who, socket, segments_in, reset, close, ...
        return getattr(self.lower, name)

    def to_send(self, step=None):
        """What TLS wants to send now, after `step` has been tried. The caller sends it, or does
        not."""
        if step:
            try:
                step()
            except ssl.SSLWantReadError:
                pass
        return self.outgoing.read()

    def _run(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.lower.send(self.outgoing.read())
                data = self.lower.recv()
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            finally:
                self.lower.send(self.outgoing.read())

    def handshake(self):
        self._run(self.object.do_handshake)
        return self

    def encrypt(self, data):
        """The records that carry `data`."""
        return self.to_send(lambda: self.object.write(data))

    def send(self, data):
        self.lower.send(self.encrypt(data))

    def recv(self, size=65536):
        """b"" only after close_notify: SSLEOFError without one."""
        if self.ahead:
            data, self.ahead = self.ahead[:size], self.ahead[size:]
            return data
        try:
            data = self._run(lambda: self.object.read(size))
        except ssl.SSLZeroReturnError:
            data = b""
        if not data:
            self.got_close_notify = True
        return data

    command = Plain.command
    read_exactly = Plain.read_exactly

    def stays_silent(self, seconds):
        """Records of TLS itself (session tickets) do not count."""
        end = time.monotonic() + seconds
        while not self.ahead:
            try:
                self.ahead = self.object.read(65536)
                return False
            except ssl.SSLZeroReturnError:
                return False
            except ssl.SSLWantReadError:
                if self.lower.stays_silent(max(0, end - time.monotonic())):
                    return True
                data = self.lower.recv()
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
        return False

    def read_all(self):
        """Up to close_notify and the end of the connection behind it."""
        data = Plain.read_all(self)
        assert Plain.read_all(self.lower) == b""
        return data

    def half_close(self):
        """close_notify, and the end of the socket's direction."""
        self.lower.send(self.to_send(self.object.unwrap))
        self.lower.half_close()


class WebSocket:
    """A client that is polite unless the test is not: it answers Close and remembers every
    frame."""

    def __init__(self, lower):
        self.lower = lower
        self.frames = []      # data frames that came
        self.pongs = []
        self.close_code = None
        self.close_reason = b""

    def __getattr__(self, name):
        return getattr(self.lower, name)

    def upgrade(self, path="/", **headers):
        """Sends the request; the head of the answer."""
        self.lower.send(upgrade_request("localhost", path, headers))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read_exactly(1)
        return head.decode()

    def open(self):
        head = self.upgrade()
        assert head.startswith("HTTP/1.1 101 ") and accept_for(KEY) in head, head
        return self

    def send(self, data):
        """Raw bytes, frames or not."""
        self.lower.send(data)

    def read_exactly(self, size):
        return self.lower.read_exactly(size)

    def command(self, text):
        self.send(frame(TEXT, text.encode() if isinstance(text, str) else text))

    def read_frame(self):
        """The next frame, dealt with."""
        got = read_frame(self.read_exactly)
        assert not got.masked and got.rsv == 0, got
        if got.opcode == CLOSE:
            self.close_code = int.from_bytes(got.payload[:2], "big") if got.payload else 1005
            self.close_reason = got.payload[2:]
        elif got.opcode == PING:
            self.send(frame(PONG, got.payload))
        elif got.opcode == PONG:
            self.pongs.append(got.payload)
        else:
            self.frames.append(got)
        return got

    def read_to_close(self):
        """Everything up to the server's Close, which is not answered."""
        while self.close_code is None:
            self.read_frame()
        return b"".join(got.payload for got in self.frames)

    def read_all(self):
        """Up to the Close, its answer, and the end of the connection behind it."""
        data = self.read_to_close()
        self.send(close_frame(self.close_code))
        assert self.lower.read_all() == b""
        return data

    @property
    def messages(self):
        """(opcode, payload) of each whole message."""
        found, parts = [], []
        for got in self.frames:
            parts.append(got)
            if got.fin:
                found.append((parts[0].opcode, b"".join(part.payload for part in parts)))
                parts = []
        return found


class OneByteAtATime(Plain):
    """Each byte in a segment of its own."""

    def send(self, data):
        for i in range(len(data)):
            super().send(data[i:i + 1])


def connect(lab, endpoint, tls_version=None, plain=Plain, **socket_options):
    peer = plain(open_socket(lab, endpoint, **socket_options), endpoint)
    if is_tls(endpoint):
        peer = Tls(peer, lab.ca_file, tls_version).handshake()
    if is_websocket(endpoint):
        peer = WebSocket(peer).open()
    return peer


def messages(count, first=1):
    """What CMD_short sends, as the handout writes it."""
    return b"".join(b"This is PMU data %d" % i for i in range(first, first + count))
