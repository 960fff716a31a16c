"""What an enemy gets: nobody else waits for it, nothing grows, and nothing of it stays.

`besiege` starts a lab that after each test must hold as many descriptors and as much memory as
before it.
"""
import json
import math
import os
import random
import resource
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from support.frames import BINARY, CONTINUATION, PING, TEXT, close_frame, frame, upgrade_request
from support.lab import DEADLINE, SCALE, program
from support.peers import (BYTE_STREAMS, CARRIERS, STREAMS, WEBSOCKETS, OneByteAtATime, Plain, Tls,
                           connect, is_tls, is_websocket, messages, open_socket)

MIB = 1 << 20
FLOOD = 8 * MIB  # more than a socket's buffers take
RUBBISH = random.Random(5003).randbytes(MIB)
# Memory that may stay: 2 MiB of queued events, and what the allocator keeps for the next time.
KEPT = 4 * MIB
SMALL_BUFFER = 4096

every_carrier = pytest.mark.parametrize("carrier", CARRIERS)
websockets = pytest.mark.parametrize("carrier", WEBSOCKETS)
tls = pytest.mark.parametrize("carrier", ["pmu-tls", "pmu-wss"])


# What a lab holds

def is_sanitized():
    """Then freed memory is kept on purpose."""
    return b"__asan_init" in Path(program("pmulab")).read_bytes()


def wait_until_alone(lab):
    """All connections that have reached the lab are over."""
    for endpoint in STREAMS:  # who knocked before has been let in
        last = Plain(open_socket(lab, endpoint), endpoint)
        lab.wait(event="open", **last.who)
        last.close()
    lab.wait_all(len(lab.events(event="open")), event="close")


def holdings(lab):
    """(descriptors, memory) without any connection but one: who has got an echo knows that the
    others are freed."""
    wait_until_alone(lab)
    peer = connect(lab, "echo")
    peer.send(b"?")
    peer.read_exactly(1)
    held = lab.descriptors(), lab.memory()
    peer.close()
    return held


def serves(lab, carrier="pmu"):
    """True when somebody else is served, at full speed."""
    began = time.monotonic()
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    said = peer.read_all()
    peer.close()
    return said == messages(20) and time.monotonic() - began < SCALE


@pytest.fixture
def besiege(start_lab):
    """besiege(*settings as KEY=VALUE): such a lab."""
    besieged = []

    def start(*settings, **kwargs):
        lab = start_lab(*(option for setting in settings for option in ("--set", setting)),
                        **kwargs)
        besieged.append((lab, holdings(lab)))
        return lab

    yield start
    margin = math.inf if is_sanitized() else KEPT
    for lab, (descriptors, memory) in besieged:
        assert all(serves(lab, carrier) for carrier in CARRIERS)
        after = holdings(lab)
        print(f"descriptors {descriptors} -> {after[0]}, memory {memory >> 10} -> {after[1] >> 10} "
              "KiB")
        assert after[0] == descriptors
        assert after[1] < memory + margin


# What enemies do

def knock(lab, carrier):
    """A connection and nothing more."""
    return Plain(open_socket(lab, carrier), carrier)


def begin_tls(lab, carrier):
    peer = Tls(knock(lab, carrier), lab.ca_file)
    return peer, peer.to_send(peer.object.do_handshake)


def first_bytes(lab, carrier):
    """What a client of this carrier would begin with."""
    if is_tls(carrier):
        return begin_tls(lab, carrier)[1]
    return upgrade_request("localhost") if is_websocket(carrier) else b"CMD_short:" + b"0" * 50


def dribble(peer, data, pause=0.02):
    """One byte after the other until the server has had enough; a minute of it would be 3,000
    bytes."""
    for i in range(len(data)):
        if not peer.stays_silent(pause):
            return
        peer.send(data[i:i + 1])
    pytest.fail("nobody has stopped it")


def push(sock, data):
    """Sends as much as is taken, reads nothing; the number of bytes."""
    sock.setblocking(False)
    sent = 0
    try:
        while sent < len(data) and select.select([], [sock], [], 0.2)[1]:
            sent += sock.send(data[sent:sent + 65536])
    except (ConnectionResetError, BrokenPipeError):
        pass
    sock.settimeout(DEADLINE)
    return sent


def read_until_cut(peer):
    """What comes until the end, whichever it is."""
    data = b""
    try:
        while piece := peer.recv():
            data += piece
    except ConnectionResetError:
        pass
    return data


# Silence

@every_carrier
def test_who_connects_and_says_nothing_is_sent_away(besiege, carrier):
    lab = besiege("pmu.idle=150ms")
    peer = knock(lab, carrier)
    assert peer.read_all() == b""
    peer.close()
    close = lab.wait(event="close", **peer.who)
    assert close["why"] == ("idle" if carrier == "pmu" else "no handshake")
    assert close["first"] == "server"
    assert 0.15 <= close["seconds"] < 0.15 + SCALE


@every_carrier
def test_who_shakes_hands_and_says_nothing_is_sent_away(besiege, carrier):
    lab = besiege("pmu.idle=150ms")
    peer = connect(lab, carrier)
    assert peer.read_all() == b""
    peer.close()
    assert lab.wait(event="close", **peer.who)["why"] == "idle"


@every_carrier
def test_half_a_command_does_not_buy_time(besiege, carrier):
    lab = besiege("pmu.idle=150ms")
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_", fin=False) if is_websocket(carrier) else b"CMD_")
    assert peer.read_all() == b""
    peer.close()
    assert lab.wait(event="close", **peer.who)["why"] == "idle"


@every_carrier
def test_a_byte_now_and_then_does_not_buy_time(besiege, carrier):
    lab = besiege("pmu.idle=300ms")
    beginning = first_bytes(lab, carrier)
    peer = knock(lab, carrier)
    dribble(peer, beginning)
    assert peer.recv() == b""
    peer.close()
    assert lab.wait(event="close", **peer.who)["seconds"] < 0.3 + SCALE


@websockets
@pytest.mark.parametrize("sign", [frame(PING, b"?"), frame(CONTINUATION, fin=False)],
                         ids=["ping", "empty fragment"])
def test_signs_of_life_do_not_buy_time(besiege, carrier, sign):
    lab = besiege("pmu.idle=300ms")
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_short:", fin=False))
    while peer.close_code is None:
        peer.send(sign)
        if not peer.stays_silent(0.02):
            peer.read_frame()
    peer.close()
    close = lab.wait(event="close", **peer.who)
    assert close["why"] == "idle"
    assert close["seconds"] < 0.3 + SCALE


@tls
@pytest.mark.parametrize("stage", ["half a hello", "a hello"])
def test_a_handshake_that_stops_half_way(besiege, carrier, stage):
    lab = besiege("tls.handshake=150ms")
    peer, hello = begin_tls(lab, carrier)
    peer.lower.send(hello if stage == "a hello" else hello[:len(hello) // 2])
    read_until_cut(peer.lower)
    peer.close()
    close = lab.wait(event="close", **peer.who)
    assert close["why"] == "no handshake"
    assert 0.15 <= close["seconds"] < 0.15 + SCALE
    assert "too long" in lab.wait(event="error", **peer.who)["what"]


# Too little at once, too much at once

@every_carrier
def test_everything_in_single_bytes(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier, plain=OneByteAtATime)
    peer.command("CMD_short:0")
    assert peer.read_all() == messages(20)


@every_carrier
def test_a_megabyte_of_rubbish_from_the_first_byte_on(besiege, carrier):
    lab = besiege()
    peer = knock(lab, carrier)
    push(peer.socket, RUBBISH)
    said = read_until_cut(peer)
    assert len(said) < 1024
    peer.close()
    lab.wait(event="close", **peer.who)
    assert lab.events(event="error", **peer.who)


@pytest.mark.parametrize("carrier", BYTE_STREAMS)
def test_a_megabyte_of_rubbish_gets_its_line(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.send(RUBBISH)
    assert peer.read_all().startswith(b"ERROR expected CMD_short:<seconds>")
    peer.close()
    assert lab.wait(event="close", **peer.who)["why"] == "bad command"


@websockets
def test_a_message_of_a_megabyte_is_too_big(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.send(frame(BINARY, RUBBISH))
    assert peer.read_to_close() == b""
    assert peer.close_code == 1009


@websockets
@pytest.mark.parametrize("length, code", [(2**63, 1002), (2**64 - 1, 1002), (2**63 - 1, 1009),
                                          (2**32, 1009)])
def test_frames_of_an_impossible_length(besiege, carrier, length, code):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.send(frame(BINARY, b"x", length=length))
    assert peer.read_to_close() == b""
    assert peer.close_code == code


@websockets
def test_an_upgrade_of_a_megabyte(besiege, carrier):
    lab = besiege()
    peer = Tls(knock(lab, carrier), lab.ca_file).handshake() if is_tls(carrier) \
        else knock(lab, carrier)
    fields = {f"X-{i}": "a" * 1000 for i in range(1024)}
    request = upgrade_request("localhost", headers=fields)
    push(peer.socket, peer.encrypt(request) if is_tls(carrier) else request)
    said = read_until_cut(peer)
    assert said.startswith(b"HTTP/1.1 431 ")
    peer.close()
    assert lab.wait(event="close", **peer.who)["why"] == "no handshake"


@websockets
def test_a_fragment_that_never_ends(besiege, carrier):
    """Of a message that may become a command: whatever grows is refused, the rest ends with
    pmu.idle."""
    lab = besiege()
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_short:0", fin=False))
    piece = frame(CONTINUATION, b"0", fin=False)
    push(peer.socket, peer.lower.encrypt(piece * 100000) if is_tls(carrier) else piece * 100000)
    said = peer.read_to_close()
    assert said.startswith(b"ERROR ") or peer.close_code == 1009
    peer.close()
    lab.wait(event="close", **peer.who)


@websockets
def test_empty_fragments_without_end(besiege, carrier):
    lab = besiege("pmu.idle=300ms")
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_short:0", fin=False))
    pieces = frame(CONTINUATION, fin=False) * 200000
    push(peer.socket, peer.lower.encrypt(pieces) if is_tls(carrier) else pieces)
    assert serves(lab)
    peer.close()
    lab.wait(event="close", **peer.who)


@websockets
@pytest.mark.parametrize("command", [None, "CMD_short:3600"],
                         ids=["before a command", "in a stream"])
def test_pings_from_a_peer_that_reads_nothing(besiege, carrier, command):
    lab = besiege("pmu.idle=1s")
    memory = lab.memory()
    peer = connect(lab, carrier, receive_buffer=SMALL_BUFFER)
    if command:
        peer.command(command)
        lab.wait(event="send", **peer.who)
    pings = frame(PING, b"!" * 125) * 32000  # 4 MB
    push(peer.socket, peer.lower.encrypt(pings) if is_tls(carrier) else pings)
    assert serves(lab, carrier)
    assert is_sanitized() or lab.memory() < memory + MIB
    peer.reset()
    lab.wait(event="close", **peer.who)


@every_carrier
def test_commands_behind_the_command_are_not_carried_out(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    for command in ["CMD_short:0.02\n", *["CMD_floodme"] * 50]:
        peer.command(command)
    assert peer.read_all() == messages(20)
    assert len(lab.events(event="command", **peer.who)) == 1
    assert len(lab.events(event="error", **peer.who)) == 1


@every_carrier
def test_who_sends_on_and_on_behind_its_command_is_cut(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.command("CMD_short:3600\n")
    lab.wait(event="send", **peer.who)
    more = frame(BINARY, b"x" * 4000) * 300 if is_websocket(carrier) else b"x" * (MIB + MIB // 4)
    lower = peer.lower if is_websocket(carrier) else peer
    push(peer.socket, lower.encrypt(more) if is_tls(carrier) else more)
    assert lab.wait(event="close", **peer.who)["why"] == "too many bytes"


# The wrong language

def test_tls_to_a_plain_port(besiege):
    lab = besiege()
    hello = first_bytes(lab, "pmu-tls")
    peer = knock(lab, "pmu")
    peer.send(hello)
    assert peer.read_all().startswith(
        rb'ERROR expected CMD_short:<seconds> or CMD_floodme, got "\x16\x03\x01')
    peer.close()


def test_tls_to_a_websocket_port(besiege):
    lab = besiege()
    hello = first_bytes(lab, "pmu-tls")
    peer = knock(lab, "pmu-ws")
    peer.send(hello)
    assert peer.read_all().startswith(b"HTTP/1.1 400 ")
    peer.close()
    assert lab.wait(event="error", **peer.who)["fault"] == "peer"


@tls
@pytest.mark.parametrize("text", [b"CMD_short:0", upgrade_request("localhost")],
                         ids=["command", "upgrade"])
def test_plain_text_to_a_tls_port(besiege, carrier, text):
    lab = besiege()
    peer = knock(lab, carrier)
    peer.send(text)
    read_until_cut(peer)
    peer.close()
    assert lab.wait(event="close", **peer.who)["why"] == "no handshake"
    assert "TLS" in lab.wait(event="error", **peer.who)["what"]


# Ends at every stage

@every_carrier
def test_an_end_before_anything(besiege, carrier):
    lab = besiege()
    peer = knock(lab, carrier)
    peer.half_close()
    assert peer.read_all() == b""
    peer.close()
    assert lab.wait(event="close", **peer.who)["first"] == "peer"


@every_carrier
def test_an_end_before_the_command(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.half_close()
    assert (peer.read_to_close() if is_websocket(carrier) else peer.read_all()) == b""
    peer.close()
    close = lab.wait(event="close", **peer.who)
    assert (close["first"], close["why"]) == ("peer", "peer closed")


@every_carrier
def test_an_end_in_the_command(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_sh", fin=False) if is_websocket(carrier) else b"CMD_sh")
    peer.half_close()
    if is_websocket(carrier):
        assert peer.read_to_close() == b""  # half a message is none
    else:
        assert peer.read_all().endswith(b'got "CMD_sh"\n')
    peer.close()
    assert lab.wait(event="close", **peer.who)["first"] == "peer"


@every_carrier
def test_an_end_after_the_command(besiege, carrier):
    lab = besiege()
    peer = connect(lab, carrier)
    peer.command("CMD_short:0.02")
    peer.half_close()
    assert (peer.read_to_close() if is_websocket(carrier) else peer.read_all()) == messages(20)
    peer.close()


def reset_at_once(lab, carrier):
    return knock(lab, carrier)


def reset_in_the_handshake(lab, carrier):
    peer = knock(lab, carrier)
    peer.send(first_bytes(lab, carrier)[:40])
    lab.wait(event="open", **peer.who)
    return peer


def reset_after_the_handshake(lab, carrier):
    return connect(lab, carrier)


def reset_in_the_command(lab, carrier):
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_short:0.2", fin=False) if is_websocket(carrier) else b"CMD_short:")
    return peer


def reset_in_the_stream(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0.01")
    lab.wait(event="send", **peer.who, i=3)
    return peer


def reset_between_messages(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:3600")
    lab.wait(event="send", **peer.who, i=1)
    return peer


def reset_in_the_flood(lab, carrier):
    peer = connect(lab, carrier, receive_buffer=SMALL_BUFFER)
    peer.command("CMD_floodme")
    lab.wait(event="pause", **peer.who)
    return peer


def reset_at_the_end(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_to_close() if is_websocket(carrier) else peer.read_all()
    return peer


@every_carrier
@pytest.mark.parametrize("stage", [reset_at_once, reset_in_the_handshake, reset_after_the_handshake,
                                   reset_in_the_command, reset_in_the_stream,
                                   reset_between_messages, reset_in_the_flood, reset_at_the_end])
def test_resets(besiege, carrier, stage):
    lab = besiege(f"pmu.flood={FLOOD}")
    peer = stage(lab, carrier)
    lab.wait(event="open", **peer.who)
    peer.reset()
    close = lab.wait(event="close", **peer.who)
    assert close["messages"] < 21
    assert serves(lab, carrier)


# A reader that stops

@every_carrier
def test_a_reader_that_stops_in_the_flood(besiege, carrier):
    lab = besiege(f"pmu.flood={FLOOD}", "pmu.stall=300ms")
    peer = connect(lab, carrier, receive_buffer=SMALL_BUFFER)
    peer.command("CMD_floodme")
    pause = lab.wait(event="pause", **peer.who)
    assert 0 < pause["sent"] < pause["bytes"] == FLOOD
    assert serves(lab, carrier)
    close = lab.wait(event="close", **peer.who)
    assert close["why"] == "stalled"
    assert 0.3 <= close["seconds"] < 0.3 + 2 * SCALE
    assert lab.wait(event="error", **peer.who)["what"] == "takes nothing"
    with pytest.raises(ConnectionResetError):
        peer.read_all()


def test_a_reader_that_stops_behind_the_last_send(besiege):
    """The kernel has taken the flood, the peer has not."""
    lab = besiege("pmu.stall=300ms")
    peer = connect(lab, "pmu", receive_buffer=SMALL_BUFFER)
    peer.command("CMD_floodme")
    lab.wait(event="send", **peer.who)
    close = lab.wait(event="close", **peer.who)
    assert close["why"] == "stalled"


def test_an_echo_whose_peer_reads_nothing(besiege):
    """As long as it sends more, and once it has ended its direction."""
    lab = besiege("echo.idle=300ms", "echo.chunk=16KiB")
    blocked, over = (connect(lab, "echo", receive_buffer=SMALL_BUFFER) for _ in range(2))
    assert push(blocked.socket, RUBBISH * 16) < 16 * MIB
    push(over.socket, RUBBISH[:65536])
    over.half_close()
    for peer in [blocked, over]:
        assert lab.wait(event="close", **peer.who)["why"] == "stalled"
        assert lab.wait(event="error", **peer.who)["what"] == "takes nothing"
        peer.close()


@every_carrier
def test_a_slow_reader_is_waited_for(besiege, carrier):
    lab = besiege("pmu.flood=2MiB", f"pmu.stall={0.2 * SCALE}s")
    peer = connect(lab, carrier, receive_buffer=65536)
    peer.command("CMD_floodme")
    began = time.monotonic()
    lab.wait(event="pause", **peer.who)
    read = 0
    while read < 2 * MIB:
        select.select([], [], [], 0.01 * SCALE)  # this is what slow means
        data = peer.recv(16384) if not is_websocket(carrier) else peer.lower.recv(16384)
        assert data
        read += len(data)
    assert time.monotonic() - began > 1
    peer.close()
    assert lab.wait(event="close", **peer.who)["messages"] == 1


# A crowd

def test_two_thousand_who_say_nothing(besiege):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lab = besiege()
    crowd = [knock(lab, carrier) for _ in range(500) for carrier in CARRIERS]
    lab.wait(event="open", **crowd[-1].who)
    before = lab.cpu()
    for carrier in CARRIERS:
        assert serves(lab, carrier)
    assert lab.cpu() - before < 0.1 * SCALE
    for peer in crowd:
        peer.close()
    wait_until_alone(lab)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_out_of_descriptors_and_back(besiege):
    lab = besiege(prefix=("prlimit", "--nofile=64:64"))
    first = lab.events()[-1]["seq"]
    crowd = [knock(lab, "pmu") for _ in range(100)]
    full = lab.wait(event="error", after=first)
    assert (full["fault"], full["what"]) == ("server", "Too many open files")
    before, began = lab.cpu(), full["t"]
    # The lab tries again, ten times a second.
    later = lab.wait_all(6, event="error", after=full["seq"])[-1]
    assert later["t"] - began > 0.4
    assert lab.cpu() - before < 0.1 * SCALE
    for peer in crowd:
        peer.close()
    assert serves(lab)


def test_more_connections_than_the_configuration_allows(besiege):
    lab = besiege("pmu.connections=3")
    crowd = [connect(lab, "pmu") for _ in range(3)]
    lab.wait(event="open", **crowd[-1].who)
    refused = knock(lab, "pmu")
    assert refused.read_all() == b""
    assert "as many connections" in lab.wait(event="error", **refused.who)["what"]
    leaving = crowd.pop()
    leaving.close()
    lab.wait(event="close", **leaving.who)
    assert connect(lab, "pmu").stays_silent(0.05)
    for peer in crowd:
        peer.close()
    lab.wait_all(len(lab.events(event="open")), event="close")


# Readers of the events

@pytest.fixture
def cat(tmp_path):
    """A reader of events that can be stopped: (path of the pipe, process, path of what it has
    read)."""
    pipe, copy = tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(pipe)
    with copy.open("wb") as out:
        process = subprocess.Popen(["cat", pipe], stdout=out)
    yield pipe, process, copy
    process.kill()
    process.wait()


def assert_complete(lines):
    """Every number is there, or counted as lost. The number lost."""
    expected, lost = 1, 0
    for event in map(json.loads, lines):
        if event["event"] == "lost":
            assert event["from"] == expected
            lost += event["count"]
            expected += event["count"]
        else:
            assert event["seq"] == expected
            expected += 1
    assert event["event"] == "stop"
    return lost


def test_a_reader_of_events_that_stops_delays_nobody(start_lab, cat):
    pipe, process, copy = cat
    lab = start_lab("--events", pipe)
    memory = lab.memory()
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(400):  # 23 events of 180 bytes each
        assert serves(lab)
    assert time.monotonic() - began < 8 * SCALE
    assert is_sanitized() or lab.memory() < memory + KEPT
    process.send_signal(signal.SIGCONT)
    lab.stop()
    process.wait(DEADLINE)
    assert assert_complete(copy.read_text().splitlines()) > 1000


def test_a_reader_of_events_that_never_goes_on_does_not_hold_up_the_end(start_lab, cat):
    pipe, process, copy = cat
    lab = start_lab("--events", pipe)
    process.send_signal(signal.SIGSTOP)
    for _ in range(400):
        assert serves(lab)
    began = time.monotonic()
    lab.stop()
    assert time.monotonic() - began < 2 * SCALE


def test_a_reader_of_events_that_goes_away(start_lab, cat):
    pipe, process, copy = cat
    lab = start_lab("--events", pipe)
    process.kill()
    process.wait()
    for carrier in CARRIERS:
        assert serves(lab, carrier)
    lab.stop()


def test_a_device_that_is_always_full(start_lab):
    lab = start_lab("--events", "/dev/full")
    for carrier in CARRIERS:
        assert serves(lab, carrier)
    before = lab.cpu()
    peer = connect(lab, "pmu")
    peer.command("CMD_short:0.03")
    assert peer.read_all() == messages(20)
    peer.close()
    assert lab.cpu() - before < 0.1 * SCALE  # of 0.6 s
    lab.stop(status=1)


def test_a_disk_that_is_full_for_a_while(start_lab, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    lab = start_lab("--events", disk / "events", prefix=[
        "unshare", "--mount", *as_root, "sh", "-c",
        'mount -t tmpfs -o size=8m tmpfs "$0" && head -c 8380000 /dev/zero >"$0/ballast"; '
        'exec "$@"', disk])
    inside = Path(f"/proc/{lab.pid}/root{disk}")
    with (inside / "events").open() as written:
        for _ in range(400):
            assert serves(lab)
        full = os.fstat(written.fileno()).st_size
        (inside / "ballast").unlink()
        end = time.monotonic() + DEADLINE
        while os.fstat(written.fileno()).st_size == full:  # it looks again once a second
            assert serves(lab) and time.monotonic() < end
        lab.stop()
        lines = written.read().splitlines()
    assert assert_complete(lines) > 1000


# Signals

@every_carrier
def test_a_flood_under_way_is_finished_after_sigterm(start_lab, carrier):
    lab = start_lab("--set", f"pmu.flood={FLOOD}", "--set", "shutdown.grace=60s")
    peer = connect(lab, carrier, receive_buffer=65536)
    peer.command("CMD_floodme")
    lab.wait(event="pause")
    lab.signal(signal.SIGTERM)
    assert len(peer.read_all()) == FLOOD
    peer.close()
    lab.stop()
    assert lab.wait(event="close")["why"] == "done"
    assert lab.wait(event="stop")["why"] == "SIGTERM"


@every_carrier
def test_a_flood_that_nobody_reads_is_cut_after_the_grace(start_lab, carrier):
    lab = start_lab("--set", f"pmu.flood={FLOOD}", "--set", "shutdown.grace=200ms")
    peer = connect(lab, carrier, receive_buffer=SMALL_BUFFER)
    peer.command("CMD_floodme")
    lab.wait(event="pause")
    began = time.monotonic()
    lab.stop()
    assert 0.2 <= time.monotonic() - began < 0.2 + 2 * SCALE
    assert lab.wait(event="close")["why"] == "stopping"


@every_carrier
def test_who_is_idle_is_sent_away_at_once(start_lab, carrier):
    lab = start_lab("--set", "shutdown.grace=60s")
    peer = connect(lab, carrier)
    lab.wait(event="open" if carrier == "pmu" else "handshake")
    lab.signal(signal.SIGTERM)
    assert peer.read_all() == b""
    peer.close()
    lab.stop()
    assert lab.wait(event="close")["why"] == "stopping"


@every_carrier
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_means_now(start_lab, carrier, number):
    lab = start_lab("--set", "shutdown.grace=60s")
    peer = connect(lab, carrier)
    peer.command("CMD_short:30")
    lab.wait(event="send")
    # The end of this connection tells that the first signal has been dealt with.
    with socket.create_connection(lab.address("echo")) as idle:
        idle.settimeout(DEADLINE)
        lab.wait(event="open", endpoint="echo")
        lab.signal(number)
        assert idle.recv(1) == b""
    assert lab.process.poll() is None
    lab.signal(number)
    assert lab.process.wait(DEADLINE) == 0
    assert lab.wait(event="close", endpoint=carrier)["why"] == "stopping"
