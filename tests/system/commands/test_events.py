"""The journal of a run: each event with its fields, in order, whatever the peers have sent."""
import json
import re
import subprocess

import pytest

from support.frames import BINARY, frame
from support.lab import DEADLINE, program
from support.peers import CARRIERS, STREAMS, connect, is_tls, is_websocket, messages

NOTHING = type(None)

# Of each event: the fields that it always has, and those that it may have.
ALWAYS = {
    "start": {"version": str, "time": str, "seed": int, "config": dict},
    "listen": {"endpoint": str, "address": str},
    "open": {"endpoint": str, "conn": int, "peer": str, "local": str},
    "handshake": {"endpoint": str, "conn": int, "peer": str, "tls_version": (str, NOTHING),
                  "tls_cipher": (str, NOTHING), "ws_path": (str, NOTHING), "seconds": float},
    "command": {"endpoint": str, "conn": int, "peer": str, "text": str,
                "kind": str, "interval": float, "messages": int},
    "send": {"endpoint": str, "conn": int, "peer": str, "i": int, "bytes": int, "sent": int,
             "calls": int, "segments": int, "left": int, "waiting": int, "acked": int},
    "pause": {"endpoint": str, "conn": int, "peer": str, "bytes": int, "sent": int},
    "error": {"endpoint": str, "fault": str, "what": str},
    "close": {"endpoint": str, "conn": int, "peer": str, "first": str, "why": str,
              "command": (str, NOTHING), "messages": int, "bytes_out": int, "bytes_in": int,
              "segments_out": int, "segments_again": int, "segments_in": int,
              "left": int, "acked": int, "seconds": float},
    "lost": {"count": int, "from": int},
    "stop": {"why": str, "endpoints": dict},
}
SOMETIMES = {"error": {"conn": int, "peer": str, "bytes": str}, "close": {"ws_close_code": int}}


def ask(lab, carrier, command):
    peer = connect(lab, carrier)
    peer.send(frame(BINARY, command) if is_websocket(carrier) else command)
    peer.read_all()
    segments = peer.segments_in
    peer.close()
    return segments


@pytest.fixture
def eventful(start_lab):
    """A lab of streams to which everything has happened."""
    lab = start_lab("--set", "pmu-ws.flood=8MiB", "--set", "pmu.messages=2", *STREAMS)
    for carrier in CARRIERS:
        ask(lab, carrier, b"CMD_short:0")
        ask(lab, carrier, b"nonsense")
    slow = connect(lab, "pmu-ws", receive_buffer=4096)
    slow.command("CMD_floodme")
    lab.wait(event="pause")
    slow.reset()
    connect(lab, "echo").close()
    lab.wait_all(len(CARRIERS) * 2 + 2, event="close")
    lab.stop()
    return lab


def test_every_event_has_its_fields(eventful):
    events = eventful.events()
    assert {event["event"] for event in events} == set(ALWAYS) - {"lost"}
    for event in events:
        always, sometimes = ALWAYS[event["event"]], SOMETIMES.get(event["event"], {})
        assert always.keys() <= event.keys() <= always.keys() | sometimes.keys() \
            | {"t", "seq", "event"}, event
        for name, kind in {**always, **sometimes}.items():
            assert isinstance(event.get(name, kind() if name in sometimes else None), kind), \
                (name, event)


def test_the_numbers_have_no_gaps_and_time_goes_forward(eventful):
    events = eventful.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    times = [event["t"] for event in events]
    assert times == sorted(times) and times[0] >= 0
    assert [events[0]["event"], events[-1]["event"]] == ["start", "stop"]


def test_a_connection_is_told_from_its_open_to_its_close(eventful):
    for opened in eventful.events(event="open"):
        life = [event["event"] for event in eventful.events(conn=opened["conn"])]
        assert life[0] == "open" and life[-1] == "close"
        assert (life.count("open"), life.count("close")) == (1, 1)
        assert {event["peer"] for event in eventful.events(conn=opened["conn"])} == {opened["peer"]}


def test_connections_are_counted_over_all_endpoints(eventful):
    opened = eventful.events(event="open")
    assert [event["conn"] for event in opened] == list(range(1, len(opened) + 1))


def test_the_last_event_sums_up(eventful):
    totals = eventful.wait(event="stop")["endpoints"]
    for endpoint in STREAMS:
        closes = eventful.events(event="close", endpoint=endpoint)
        assert totals[endpoint]["connections"] == len(closes)
        assert totals[endpoint]["errors"] == len(eventful.events(event="error", endpoint=endpoint))
        for name in ["messages", "bytes_out", "bytes_in"]:
            assert totals[endpoint][name] == sum(close[name] for close in closes)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_life_of_a_connection(lab, carrier):
    segments = ask(lab, carrier, b"CMD_short:0\n")
    close = lab.wait(event="close")
    told = [event["event"] for event in lab.events(conn=1)]
    assert told == ["open", *(["handshake"] if carrier != "pmu" else []), "command", *["send"] * 20,
                    "close"]
    assert lab.wait(event="open")["local"] == f"127.0.0.1:{lab.port(carrier)}"
    assert (close["messages"], close["bytes_out"], close["bytes_in"]) == (20, len(messages(20)), 12)
    # Where the machine is busy one may come twice (segments_again).
    assert close["segments_out"] <= segments <= close["segments_out"] + close["segments_again"]
    assert close["segments_in"] >= 1
    command = lab.wait(event="command")
    assert (command["text"], command["kind"], command["interval"], command["messages"]) == (
        "CMD_short:0", "short", 0, 20)


@pytest.mark.parametrize("carrier", CARRIERS[1:])
def test_a_handshake_says_what_was_agreed(lab, carrier):
    ask(lab, carrier, b"CMD_short:0")
    handshake = lab.wait(event="handshake", endpoint=carrier)
    assert handshake["tls_version"] == ("TLSv1.3" if is_tls(carrier) else None)
    assert (handshake["tls_cipher"] or "").startswith("TLS_") == is_tls(carrier)
    assert handshake["ws_path"] == ("/" if is_websocket(carrier) else None)


@pytest.mark.parametrize("command, kind, count", [(b"CMD_floodme", "flood", 1),
                                                  (b"RESET:20", "bad", 0)])
def test_other_commands(lab, command, kind, count):
    ask(lab, "pmu", command)
    event = lab.wait(event="command")
    assert (event["text"], event["kind"], event["interval"], event["messages"]) == (
        command.decode(), kind, 0, count)


def test_a_message_that_did_not_fit_at_once(start_lab):
    lab = start_lab("--set", "pmu.flood=8MiB")
    peer = connect(lab, "pmu", receive_buffer=65536)
    peer.command("CMD_floodme")
    pause = lab.wait(event="pause")
    assert len(peer.read_all()) == 8 << 20
    send = lab.wait(event="send")
    assert send["sent"] < send["bytes"] == pause["bytes"] == 8 << 20
    assert 0 < send["sent"] <= pause["sent"]
    assert send["calls"] > 1
    assert len(lab.events(event="pause")) == 1


@pytest.mark.parametrize("carrier", CARRIERS)
def test_hostile_bytes_stay_text(start_lab, tmp_path, carrier):
    """All 256 of them, as the first bytes of a command and inside it; the journal is lines of
    printable ASCII."""
    file = tmp_path / "events"
    lab = start_lab("--events", file)
    hostile = [bytes(range(start, start + 32)) for start in range(0, 256, 32)]
    hostile += [b'"}\n{"event":"stop"}\n', "é\u2028\U0001f600".encode(), b"\xed\xa0\x80\xff\xfe",
                b"\\u0041", b"\x1b]0;x\x07"]
    for text in hostile:
        ask(lab, carrier, text)
    lab.stop()
    lines = file.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert all(re.fullmatch(rb"[ -~]+", line) for line in lines)
    events = [json.loads(line) for line in lines]
    shown = [event["text"] for event in events if event["event"] == "command"]
    assert [unescape(text) for text in shown] == hostile
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event"] == "stop"
    assert sum(event["event"] == "stop" for event in events) == 1


def unescape(text):
    """The bytes that are shown as \\n, \\r, \\t, \\\\, \\", \\x1b."""
    letters = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", '"': b'"'}
    pieces = re.findall(r'\\x[0-9a-f]{2}|\\[nrt\\"]|[^\\]', text)
    assert "".join(pieces) == text
    return b"".join(bytes([int(piece[2:], 16)]) if piece.startswith("\\x")
                    else letters[piece[1]] if piece.startswith("\\")
                    else piece.encode() for piece in pieces)


def test_a_long_text_is_cut(lab):
    ask(lab, "pmu", b"x" * 65)
    assert lab.wait(event="command")["text"] == "x" * 64 + "..."
    assert lab.wait(event="error")["bytes"] == "x" * 64 + "..."


def test_a_file_has_a_limit(start_lab, tmp_path):
    file = tmp_path / "events"
    lab = start_lab("--events", file, "--set", "events.limit=40000")
    for _ in range(20):
        ask(lab, "pmu", b"CMD_short:0")
    lab.stop()
    events = [json.loads(line) for line in file.read_text().splitlines()]
    lost, stop = events[-2:]
    assert file.stat().st_size <= 40000
    assert [lost["event"], stop["event"]] == ["lost", "stop"]
    assert lost["from"] == len(events) - 1
    assert lost["seq"] == lost["from"] + lost["count"] - 1 == stop["seq"] - 1


def test_a_file_that_may_not_grow_ends_nothing(start_lab, tmp_path):
    """setrlimit(2): write() fails with EFBIG, once SIGXFSZ is out of the way."""
    file = tmp_path / "events"
    lab = start_lab("--events", file, prefix=("prlimit", "--fsize=20000:20000"))
    for _ in range(20):
        ask(lab, "pmu", b"CMD_short:0")
    assert lab.process.poll() is None
    lab.stop(status=1)
    assert file.stat().st_size == 20000
    assert re.search(rf"pmulab serve: --events: {file}: File too large: the last \d+ events are "
                     r"not in it\n", lab.output)


def test_a_full_disk_is_told_at_the_end(start_lab):
    lab = start_lab("-q", "--events", "/dev/full")
    ask(lab, "pmu", b"CMD_short:0")
    lab.stop(status=1)
    told = (r"pmulab serve: --events: /dev/full: No space left on device: the last (\d+) events "
            r"are not in it\n")
    assert int(re.fullmatch(told, lab.output)[1]) >= 20 + 2


def test_a_closed_stdout_takes_no_events():
    done = subprocess.run(["sh", "-c", 'exec "$0" serve --ephemeral --events - pmu >&-',
                           program("pmulab")], capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (
        2, "pmulab serve: --events: -: stdout is closed; give a file\n")


def test_one_connection_does_not_fill_the_journal(start_lab):
    lab = start_lab("--set", "events.limit=1MiB")
    talker = connect(lab, "echo")
    for _ in range(160):
        talker.send(b"!" * 1024)
        talker.read_exactly(1024)
    talker.close()
    close = lab.wait(event="close", endpoint="echo")
    assert (close["messages"], close["bytes_out"]) == (160 * 1024 // 16, 160 * 1024)
    assert len(lab.events(event="send", endpoint="echo")) == 1000
    ask(lab, "pmu", b"CMD_short:0")
    lab.wait(event="close", endpoint="pmu")
    assert len(lab.events(event="send", endpoint="pmu")) == 20
