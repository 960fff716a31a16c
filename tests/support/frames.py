"""WebSocket as bytes (RFC 6455): whatever a test wants to send, right or wrong.

    frame(TEXT, b"CMD_short:0")                      # masked, as a client's frames must be
    frame(TEXT, b"CMD_", fin=False), frame(CONTINUATION, b"short:0")
    frame(BINARY, b"", length=2**63, mask=None)      # declares what it likes
    upgrade_request("localhost:5006")                # bytes; headers=... replaces
                                                     # or (None) removes some
    read_frame(read_exactly)                         # Frame(fin, rsv, opcode, masked, payload)
"""
import base64
import collections
import hashlib
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Frame = collections.namedtuple("Frame", "fin rsv opcode masked payload")


def accept_for(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def masked(payload, mask):
    repeated = mask * (len(payload) // 4 + 1)
    return bytes(byte ^ key for byte, key in zip(payload, repeated))


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x37\xfa\x21\x3d", length=None):
    """One frame. `length` is what its header declares, when that is not the truth."""
    declared = len(payload) if length is None else length
    marked = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if declared < 126:
        head += bytes([marked | declared])
    elif declared < 65536:
        head += struct.pack("!BH", marked | 126, declared)
    else:
        head += struct.pack("!BQ", marked | 127, declared)
    return head + (mask + masked(payload, mask) if mask else payload)


def close_frame(code=1000, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def upgrade_request(host, path="/", headers=None):
    fields = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def read_frame(read_exactly):
    first, second = read_exactly(2)
    length = second & 0x7F
    if length == 126:
        length, = struct.unpack("!H", read_exactly(2))
    elif length == 127:
        length, = struct.unpack("!Q", read_exactly(8))
    mask = read_exactly(4) if second & 0x80 else None
    payload = read_exactly(length)
    return Frame(bool(first & 0x80), first >> 4 & 7, first & 0xF, mask is not None,
                 masked(payload, mask) if mask else payload)
