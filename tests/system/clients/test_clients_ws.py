"""pdc-ws, part 5 of the lab: against the emulator, and against servers that break RFC 6455."""
import json
import re
import socket
import struct
import subprocess
import threading

import pytest

from support.frames import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, accept_for, close_frame,
                            frame, read_frame)
from support.lab import DEADLINE, environment, program, run
from support.script import read_to_end

COMMAND = "CMD_short:0"
MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]


def unmasked(opcode, payload=b"", **options):
    """A frame as a server sends it."""
    return frame(opcode, payload, mask=None, **options)


def close(code=1000, reason=b""):
    return unmasked(CLOSE, struct.pack("!H", code) + reason)


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"the client has gone, after {data!r}"
        data += piece
    return data


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(connection, 1)
    return head.decode()


def upgrade(connection):
    """The server's handshake. The request's head."""
    head = read_head(connection)
    key = re.search(r"^Sec-WebSocket-Key: (\S+)\r$", head, re.MULTILINE)[1]
    connection.sendall("\r\n".join(["HTTP/1.1 101 Switching Protocols",
                                    "Upgrade: websocket", "Connection: Upgrade",
                                    f"Sec-WebSocket-Accept: {accept_for(key)}", "", ""]).encode())
    return head


def receive_frame(connection):
    return read_frame(lambda size: read_exactly(connection, size))


def answer(*frames, end=read_to_end):
    """A script: upgrades, reads the command, sends the bytes, and reads what the client still
    says."""

    def script(connection):
        upgrade(connection)
        receive_frame(connection)
        try:
            for data in frames:
                connection.sendall(data)
            end(connection)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has seen enough

    return script


def ask(server, *options, command=COMMAND):
    return run("pdc-ws", *options, f"ws://127.0.0.1:{server.port}/", command)


# Against the emulator


def test_messages(lab):
    result = run("pdc-ws", COMMAND, lab=lab)
    assert (result.status, result.lines) == (0, MESSAGES)
    assert re.fullmatch(r"20 messages in 20 frames, \d+ recv\(\) calls, closed with 1000\n",
                        result.stderr)
    closed = lab.wait(event="close", endpoint="pmu-ws")
    assert (closed["ws_close_code"], closed["bytes_in"]) == (1000, len(COMMAND))


def test_messages_in_frames_of_five_bytes(start_lab):
    lab = start_lab("--set", "ws.fragment=5")
    result = run("pdc-ws", COMMAND, lab=lab)
    assert (result.status, result.lines) == (0, MESSAGES)
    assert result.stderr.startswith("20 messages in 80 frames, ")


def test_replies_in_text(start_lab):
    lab = start_lab("--set", "ws.reply=text")
    assert run("pdc-ws", COMMAND, lab=lab).lines == MESSAGES


def test_messages_one_by_one(start_lab):
    lab = start_lab("--set", "pmu.speed=20", "--set", "pmu.messages=4")
    result = run("pdc-ws", "CMD_short:1", lab=lab)
    assert (result.status, result.lines) == (0, MESSAGES[:4])


@pytest.mark.parametrize("options", [[], ["--set", "ws.fragment=1000"]])
def test_flood(start_lab, options):
    """One message, however many frames and segments: Q25."""
    result = run("pdc-ws", "CMD_floodme", lab=start_lab(*options))
    assert result.status == 0
    assert result.stdout == run("pdc", "CMD_floodme", lab=start_lab()).stdout
    assert result.stderr.startswith(f"1 message in {58 if options else 1} frame")


def test_json(lab):
    result = run("pdc-ws", "--json", "-4", COMMAND, lab=lab)
    assert (result.status, result.stderr) == (0, "")
    numbers = json.loads(result.stdout)
    assert numbers.pop("recv_calls") >= 2
    assert numbers.pop("segments") >= 3
    assert 0 <= numbers.pop("seconds") < DEADLINE
    assert numbers == {"command": COMMAND, "peer": f"127.0.0.1:{lab.port('pmu-ws')}",
                       "messages": 20, "frames": 20, "bytes": 371, "close_code": 1000,
                       "close_reason": "", "ended": "closed", "error": None}


def test_refusal(lab):
    result = run("pdc-ws", "CMD_shrot:0", lab=lab)
    assert (result.status, result.stdout) == (1, "")
    said = 'pdc-ws: ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_shrot:0"'
    assert result.stderr.splitlines()[-1] == said


@pytest.mark.parametrize("url", ["ws://localhost:{ws}/", "ws://127.0.0.1:{ws}",
                                 "wss://localhost:{wss}/", "wss://127.0.0.1:{wss}/",
                                 "ws://localhost/", "wss://localhost/"])
def test_urls(lab, url):
    """Without a port the environment says it, for ws:// and wss:// apart."""
    result = run("pdc-ws", url.format(ws=lab.port("pmu-ws"), wss=lab.port("pmu-wss")), COMMAND,
                 lab=lab)
    assert (result.status, result.lines) == (0, MESSAGES)


def test_wss_checks_the_certificate(lab):
    result = run("pdc-ws", "--ca", "/dev/null", f"wss://localhost:{lab.port('pmu-wss')}/", COMMAND,
                 lab=lab)
    assert result.status != 0
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert "/dev/null" in result.stderr


def test_another_path(lab):
    result = run("pdc-ws", f"ws://localhost:{lab.port('pmu-ws')}/pmu", COMMAND)
    assert (result.status, result.lines) == (0, MESSAGES)
    assert lab.wait(event="handshake")["ws_path"] == "/pmu"


@pytest.mark.parametrize("arguments", [
    [], ["ws://localhost/"], [COMMAND, "CMD_floodme"], ["http://localhost/", COMMAND],
    ["ws://", COMMAND], ["ws://localhost:0/", COMMAND], ["ws://localhost:5006x/", COMMAND],
    ["ws://[::1/", COMMAND], ["ws://localhost/#part", COMMAND], ["ws://localhost/a b", COMMAND],
    ["-p", "1", "ws://localhost:2/", COMMAND], ["-H", "a", "ws://b/", COMMAND],
])
def test_usage(arguments):
    result = run("pdc-ws", *arguments)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("pdc-ws: ")
    assert result.stderr.count("\n") == 1


def test_connection_refused(closed_port):
    result = run("pdc-ws", f"ws://127.0.0.1:{closed_port}/", COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith(f"pdc-ws: 127.0.0.1:{closed_port}: connection refused")


def test_the_wrong_kind_of_server(lab):
    """ws:// to a port that speaks TLS, wss:// to one that does not, ws:// to the plain PMU."""
    for scheme, endpoint, status, said in (
            ("ws", "pmu-wss", 1, "closed the connection before the WebSocket was open"),
            ("wss", "pmu-ws", 3, "the peer does not speak TLS"),
            ("ws", "pmu", 3, "the server does not speak HTTP")):
        result = run("pdc-ws", f"{scheme}://localhost:{lab.port(endpoint)}/", COMMAND, lab=lab)
        assert (result.status, result.stdout) == (status, "")
        assert said in result.stderr.splitlines()[-1]


# What it says itself


def test_what_a_server_sees(serve):
    def script(connection):
        head = upgrade(connection)
        command = receive_frame(connection)
        connection.sendall(unmasked(BINARY, b"This is PMU data 0")
                           + unmasked(PING, b"are you there?"))
        pong = receive_frame(connection)
        connection.sendall(close(1000, b"bye"))
        goodbye = receive_frame(connection)
        read_to_end(connection)
        return head, command, pong, goodbye

    server = serve(script)
    result = ask(server)
    assert (result.status, result.lines) == (0, ["This is PMU data 0"])
    assert result.stderr.endswith("closed with 1000: bye\n")

    head, command, pong, goodbye = server.finish()
    assert head.startswith("GET / HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n" in head
    assert "\r\nSec-WebSocket-Version: 13\r\n" in head
    assert "Sec-WebSocket-Extensions" not in head
    assert (command.opcode, command.fin, command.masked, command.payload) == (
        TEXT, True, True, COMMAND.encode())
    assert (pong.opcode, pong.masked, pong.payload) == (PONG, True, b"are you there?")
    assert (goodbye.opcode, goodbye.masked, goodbye.payload[:2]) == (
        CLOSE, True, struct.pack("!H", 1000))


def test_keys_and_masks_are_new_each_time(serve):
    seen = set()

    def script(connection):
        head = upgrade(connection)
        mask = read_exactly(connection, 6)[2:]
        read_exactly(connection, len(COMMAND))
        seen.update([mask, re.search(r"Sec-WebSocket-Key: (\S+)", head)[1]])
        connection.sendall(unmasked(BINARY, b"This is PMU data 0") + close())
        read_to_end(connection)

    server = serve(script, clients=3)
    for _ in range(3):
        assert ask(server).status == 0
    server.finish()
    assert len(seen) == 6


# How messages may come


@pytest.mark.parametrize("size", [1, 2, 3, 16, 1000])
def test_frames_in_pieces(serve, size):
    stream = b"".join(unmasked(BINARY, line.encode()) for line in MESSAGES) + close()
    pieces = [stream[i:i + size] for i in range(0, len(stream), size)]
    result = ask(serve(answer(*pieces)))
    assert (result.status, result.lines) == (0, MESSAGES)


def test_a_message_is_shown_the_moment_it_is_complete(serve, spawn):
    """Its last byte is enough; no other frame has to follow."""
    steps = threading.Semaphore(0)

    def script(connection):
        upgrade(connection)
        receive_frame(connection)
        for line in MESSAGES[:3]:
            connection.sendall(unmasked(BINARY, line.encode()))
            assert steps.acquire(timeout=DEADLINE)
        connection.sendall(close())
        read_to_end(connection)

    client = spawn("pdc-ws", f"ws://127.0.0.1:{serve(script).port}/", COMMAND)
    for line in MESSAGES[:3]:
        assert client.line() == line
        steps.release()
    assert client.finish().status == 0


def test_control_frames_between_fragments(serve):
    result = ask(serve(answer(unmasked(TEXT, b"This is ", fin=False), unmasked(PING),
                              unmasked(CONTINUATION, b"PMU ", fin=False),
                              unmasked(PONG, b"unasked"), unmasked(CONTINUATION, b"", fin=False),
                              unmasked(CONTINUATION, b"data 5"), close())))
    assert (result.status, result.lines) == (0, ["This is PMU data 5"])
    assert result.stderr.startswith("1 message in 4 frames, ")


def test_close_without_a_code(serve):
    result = ask(serve(answer(unmasked(BINARY, b"This is PMU data 0"), unmasked(CLOSE))))
    assert (result.status, result.lines) == (0, ["This is PMU data 0"])
    assert result.stderr.endswith("closed with 1005\n")


def test_another_close_code_is_a_failure(serve):
    result = ask(serve(answer(unmasked(BINARY, b"This is PMU data 0"),
                              close(1011, b"out of \xe2\x99\xa5"))))
    assert (result.status, result.lines) == (1, ["This is PMU data 0"])
    assert ": closed with 1011: out of " in result.stderr.splitlines()[-1]


# What goes wrong


@pytest.mark.parametrize("frames, code", [
    ([frame(BINARY, b"This is PMU data 1")], 1002),                    # masked
    ([unmasked(BINARY, b"This is PMU data 1", rsv=4)], 1002),          # compressed without request
    ([unmasked(0x3, b"This is PMU data 1")], 1002),                    # no such opcode
    ([unmasked(0xB)], 1002),
    ([unmasked(CONTINUATION, b"This")], 1002),                                 # continues nothing
    ([unmasked(TEXT, b"Th", fin=False), unmasked(TEXT, b"is")], 1002),  # the first has not ended
    ([unmasked(PING, b"", fin=False)], 1002),  # a control frame in fragments
    ([unmasked(PING, 126 * b"x")], 1002),                                      # a long one
    ([unmasked(CLOSE, b"\x03")], 1002),                                        # half a code
    ([unmasked(CLOSE, struct.pack("!H", 1006))], 1002),  # a code that is never sent
    ([unmasked(TEXT, b"This \xff")], 1007),
    ([unmasked(TEXT, b"This \xe2\x99", fin=False), unmasked(CONTINUATION, b"x")], 1007),
    ([close(1000, b"\xff")], 1007),
    ([unmasked(BINARY, b"", length=2**63)], 1002),                     # the highest bit is set
    ([unmasked(BINARY, b"This is", length=2**62)], 1009),
])
def test_broken_frames(serve, frames, code):
    """Exit status 3, and the server is told with a Close."""
    seen = []

    def end(connection):
        seen.append(receive_frame(connection))
        read_to_end(connection)

    server = serve(answer(*frames, end=end))
    result = ask(server, command="CMD_floodme")  # of which any text may be a part
    assert result.status == 3
    shown = result.stdout.encode(errors="surrogateescape")
    assert shown in (b"", b"Th", b"This is") or (code == 1007 and shown in b"".join(frames))
    assert result.stderr.splitlines()[-1].startswith(f"pdc-ws: 127.0.0.1:{server.port}: ")
    server.finish()
    assert (seen[0].opcode, seen[0].payload[:2]) == (CLOSE, struct.pack("!H", code))


@pytest.mark.parametrize("frames, said", [
    ([], "without a Close frame"),
    ([unmasked(BINARY, b"This is PMU data 1")], "without a Close frame"),
    ([unmasked(BINARY, b"This is PMU data 1")[:9]], 'was cut: "This is"'),
    ([unmasked(BINARY, b"This is PMU data 1", fin=False)], 'was cut: "This is PMU data 1"'),
])
def test_end_without_close(serve, frames, said):
    result = ask(serve(answer(*frames,
                              end=lambda connection: connection.shutdown(socket.SHUT_RDWR))))
    assert result.status == 3
    assert said in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("frames", [
    [close()],
    [unmasked(BINARY, b"This is PMU data 1"), unmasked(BINARY, b"This is PMU data 3"), close()],
    [unmasked(BINARY, b"This is PMU data 1This is PMU data 2"), close()],
    [unmasked(BINARY, b"Hello"), close()],
    [unmasked(BINARY, b"This is PMU data 1"), unmasked(BINARY, b""), close()],
])
def test_what_is_no_answer(serve, frames):
    result = ask(serve(answer(*frames)))
    assert result.status == 3
    assert result.stderr.splitlines()[-1].startswith("pdc-ws: 127.0.0.1:")


@pytest.mark.parametrize("response", [
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: pmu\r\n\r\n",
    "This is PMU data 1\r\n\r\n",
    "\x00\x01\x02",
])
def test_bad_upgrades(serve, response):
    """RFC 6455 4.1: each of these ends the connection; the command is not sent."""

    def script(connection):
        key = re.search(r"Sec-WebSocket-Key: (\S+)", read_head(connection))[1]
        connection.sendall(response.replace("{accept}", accept_for(key)).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)

    server = serve(script)
    result = ask(server)
    assert (result.status, result.stdout) == (3, "")
    assert result.stderr.splitlines()[-1].startswith(f"pdc-ws: 127.0.0.1:{server.port}: ")
    assert server.finish() == b""


@pytest.mark.parametrize("response, said", [
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", '"HTTP/1.1 200 OK"'),
    ("HTTP/1.1 503 \x1b[2JCome back later\r\n\r\n", '"HTTP/1.1 503 \\x1b[2JCome back later"'),
    ("", "closed the connection before the WebSocket was open"),
])
def test_upgrade_refused(serve, response, said):
    def script(connection):
        read_head(connection)
        connection.sendall(response.encode())

    result = ask(serve(script))
    assert (result.status, result.stdout) == (1, "")
    assert said in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("script, shown", [
    (read_to_end, []),
    (lambda connection: (upgrade(connection), read_to_end(connection)), []),
    (answer(unmasked(BINARY, b"This is PMU data 1")), ["This is PMU data 1"]),
], ids=["no upgrade", "no answer", "no close"])
def test_silence(serve, script, shown):
    result = ask(serve(script), "--timeout", "0.1")
    assert (result.status, result.lines) == (1, shown)
    assert result.stderr.splitlines()[-1].endswith(": nothing came for 0.1 s")


def test_a_server_that_keeps_the_connection_after_close(serve):
    """RFC 6455 7.1.1: the server closes first; a client waits for it, but not for ever."""
    result = ask(serve(answer(unmasked(BINARY, b"This is PMU data 0"), close())),
                 "--timeout", "0.1")
    assert (result.status, result.lines) == (0, ["This is PMU data 0"])


def test_the_server_ends_the_connection_first(serve):
    """RFC 6455 7.1.1: until it does, the client is there, and takes what still comes."""

    def script(connection):
        upgrade(connection)
        receive_frame(connection)
        connection.sendall(unmasked(BINARY, b"This is PMU data 0") + close())
        assert receive_frame(connection).opcode == CLOSE
        assert connection.recv(1) == b""  # it will say no more
        for _ in range(3):
            # A client that has gone answers the first byte with RST, and the next send fails.
            connection.sendall(b"x")

    assert ask(serve(script)).status == 0


@pytest.mark.parametrize("endpoint, scheme", [("pmu-ws", "ws"), ("pmu-wss", "wss")])
def test_the_server_sees_an_orderly_end(lab, endpoint, scheme):
    """No reset, which would be an error there."""
    result = run("pdc-ws", f"{scheme}://localhost:{lab.port(endpoint)}/", COMMAND, lab=lab)
    assert result.status == 0
    closed = lab.wait(event="close", endpoint=endpoint)
    assert (closed["first"], closed["why"]) == ("server", "done")
    assert lab.events(event="error") == []


def test_head_has_seen_enough(serve):
    def endless(connection):
        upgrade(connection)
        try:
            for i in range(1_000_000):
                connection.sendall(unmasked(BINARY, b"This is PMU data %d" % i))
        except (BrokenPipeError, ConnectionResetError):
            return "the client has gone"

    server = serve(endless)
    script = '"$0" "ws://127.0.0.1:$1/" CMD_short:0 | head -n 1; echo "${PIPESTATUS[0]}"'
    shell = subprocess.run(["bash", "-c", script, program("pdc-ws"), str(server.port)],
                           env=environment(), timeout=DEADLINE, capture_output=True, text=True)
    assert shell.stdout == "This is PMU data 0\n0\n"
    assert server.finish() == "the client has gone"


@pytest.mark.parametrize("bad", [b"\x1b[2J\x1b]0;hijacked\x07", b"This is PMU data \x1b[2J",
                                 b"This is PMU data 3\n\x1b[2J"])
def test_only_verified_messages_are_shown(serve, bad):
    server = serve(answer(unmasked(BINARY, b"This is PMU data 1"),
                          unmasked(BINARY, b"This is PMU data 2"), unmasked(BINARY, bad), close()))
    result = ask(server)
    assert result.status == 3
    assert "\x1b" not in result.stdout + result.stderr and result.lines[:2] == MESSAGES[:2]
    assert "this is no PMU message, or was cut" in result.stderr
    server.finish()
