"""Code B as an endpoint: it tells what arrives and from where, and answers nobody."""
import json
import socket
import time
import unicodedata

import pytest

from support.datagrams import Peer, Refused, needs_ipv6, settings
from support.lab import DEADLINE, run

SHOWN = 1472  # bytes of a datagram, at most
MIB = 1 << 20


@pytest.fixture
def printer(start_lab):
    """printer(*settings, options=()): a lab with the printer alone."""

    def start(*assignments, options=()):
        return start_lab(*settings(*assignments), *options, "udp-print")

    return start


def test_it_tells_what_arrives_and_from_where(printer):
    lab = printer()
    peer = Peer(lab, "udp-print")
    peer.send(b"Hello, Romeo ")
    told = lab.wait(event="print")
    assert (told["endpoint"], told["peer"], told["text"]) == (
        "udp-print", peer.name, "Hello, Romeo ")
    assert told["bytes"] == 13
    lab.stop()
    assert f"Received data: Hello, Romeo   From Address: {peer.name}" in lab.output
    assert peer.nothing_more()
    totals = lab.wait(event="stop")["endpoints"]["udp-print"]
    assert (totals["received"], totals["dropped"], totals["replies"], totals["errors"]) == (
        1, 0, 0, 0)


@pytest.mark.parametrize("data, text", [
    (b"", ""),
    (b"\0", r"\x00"),
    (b"two\nlines\r\n", r"two\nlines\r\n"),
    (b"\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
    (b"\x9b2J\x84\x85", r"\x9b2J\x84\x85"),
    ("café".encode("latin-1"), r"caf\xe9"),
    ("café".encode()[:-1], r"caf\xc3"),
    ("\x9b2J \x85 \x7f".encode(), r"\xc2\x9b2J \xc2\x85 \x7f"),
    ("\u202etxt.exe\u2028\u2066".encode(), r"\xe2\x80\xaetxt.exe\xe2\x80\xa8\xe2\x81\xa6"),
    (b"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", r"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"),
    (b'"quoted" \\n', r'"quoted" \\n'),
    (b"\x1b" * 65507, r"\x1b" * SHOWN + "..."),
], ids=["empty", "NUL", "lines", "escape sequences", "control characters of Latin-1", "Latin-1",
        "half a character", "control characters in UTF-8", "direction of writing", "no UTF-8",
        "quotes", "65507 bytes"])
@pytest.mark.parametrize("options", [(), ("-v",)], ids=["plain", "-v"])
def test_no_terminal_is_hijacked(printer, data, text, options):
    lab = printer(options=options)
    peer = Peer(lab, "udp-print")
    peer.send(data)
    told = lab.wait(event="print")
    assert (told["text"], told["bytes"]) == (text, len(data))
    assert lab.wait(event="receive")["bytes"] == len(data)
    lab.stop()
    said, = lines_for_people(lab)
    assert said.endswith(f"Received data: {text}  From Address: {peer.name}")
    assert said.isprintable() and said.isascii()


def lines_for_people(lab):
    assert not [c for c in lab.output
                if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"]
    return [line for line in lab.output.split("\n") if "Received data: " in line]


@pytest.mark.parametrize("text, shown", [
    ("Zürich", None),
    ("Ελσινόρ ♥ 哈姆雷特 🙂", None),
    ("x" * 65, None),
    ("To be, or not to be: that is the question. " * 34, None),
    ("x" * SHOWN, None),
    ("ü" * (SHOWN // 2), None),
    ("x" * (SHOWN + 1), SHOWN),
    ("x" * 65507, SHOWN),
    ("x" + "ü" * 1000, 1 + (SHOWN - 1) // 2),
    ("♥" * 1000, SHOWN // 3),
    ("x" + "🙂" * 1000, 1 + (SHOWN - 1) // 4),
], ids=["UTF-8", "any script", "65 bytes", "1462 bytes", "1472 bytes", "736 characters",
        "1473 bytes", "65507 bytes", "characters of 2 bytes", "of 3 bytes", "of 4 bytes"])
@pytest.mark.parametrize("options", [(), ("-v",)], ids=["plain", "-v"])
def test_all_of_it_is_shown(printer, text, shown, options):
    """Up to `shown` characters, never a part of one."""
    expected = text[:shown] + ("..." if shown else "")
    lab = printer(options=options)
    peer = Peer(lab, "udp-print")
    peer.send(text.encode())
    told = lab.wait(event="print")
    assert (told["text"], told["bytes"]) == (expected, len(text.encode()))
    lab.stop()
    said, = lines_for_people(lab)
    assert said.endswith(f"Received data: {expected}  From Address: {peer.name}")


@pytest.mark.parametrize("network, data", [
    ((), b"x" * 255), ((), b"\xff" * SHOWN),
    (("duplicate=100%",), b"x" * 255), (("duplicate=100%",), b"x" * SHOWN),
    (("duplicate=100%",), b'"\\' * (SHOWN // 2)), (("duplicate=100%",), b"\xff" * SHOWN),
], ids=["255 bytes", "no UTF-8", "twice 255 bytes", "twice 1472 bytes", "twice quotes",
        "twice no UTF-8"])
def test_long_texts_of_a_spinner_do_not_fill_the_disk(printer, tmp_path, network, data):
    """What a cost of 1 writes (fold.h), for a minute."""
    file = tmp_path / "events"
    lab = printer(*(f"udp-print.{key}" for key in network), options=("--events", file))
    peer = Peer(lab, "udp-print")
    ends = time.monotonic() + DEADLINE
    while "repeated" not in file.read_text() and time.monotonic() < ends:
        for _ in range(50):
            peer.send(data)
    lab.stop()
    lines = [(json.loads(line), len(line)) for line in file.read_bytes().splitlines(keepends=True)]
    told = [(event, size) for event, size in lines if event.get("peer") == peer.name]
    size, seconds = sum(size for _, size in told), told[-1][0]["t"] - told[0][0]["t"]
    a_cost = size / (500 + 5 * seconds)
    print(f"{size:,} bytes in {seconds:.2f} s, {a_cost:.0f} each cost")
    assert {event["event"] for event, _ in told} >= {"receive", "print"}
    assert any(event["event"] == "repeated" for event, _ in lines)
    assert a_cost <= 1250
    assert (500 + 60 * 5) * a_cost + 60 * 200 < MIB


def test_it_answers_nothing_whatever_comes(printer):
    lab = printer()
    peer = Peer(lab, "udp-print")
    for data in (b"RESET:20", b"CMD_short:0", b"", b"x" * 5000):
        peer.send(data)
    lab.wait_all(4, event="print")
    assert peer.nothing_more()
    lab.stop()
    assert peer.nothing_more()


def test_it_speaks_ipv4(printer):
    lab = printer()
    assert [event["address"] for event in lab.wait_all(1, event="listen")] == [
        f"127.0.0.1:{lab.port('udp-print')}"]
    assert lab.wait(event="family")["active"] == "IPv4"
    lab.stop()
    assert len(lab.events(event="listen")) == 1


@needs_ipv6
def test_it_speaks_ipv6_where_nothing_else_is_asked_for(printer):
    lab = printer(options=("--bind", "::1"))
    peer = Peer(lab, "udp-print", 6)
    peer.send(b"Hello")
    assert lab.wait(event="print")["peer"] == peer.name


def test_any_address_is_heard(printer):
    lab = printer(options=("--bind", "any"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"Hello", ("127.0.0.2", lab.port("udp-print")))
        assert lab.wait(event="print")["text"] == "Hello"


# Its network

def ask_whether_it_arrives(peer, count):
    """"." for each one that was printed, "x" for each that was lost."""
    fates, seen = "", 0
    for _ in range(count):
        peer.send(b"?")
        told = peer.lab.wait(after=seen, event=("print", "drop").__contains__)
        fates += "." if told["event"] == "print" else "x"
        seen = told["seq"]
    return fates


def test_nothing_is_lost_by_default(printer):
    assert ask_whether_it_arrives(Peer(printer(), "udp-print"), 50) == "." * 50


def test_loss_as_the_preview_shows_it(printer):
    lab = printer("udp-print.loss=40%", options=("--seed", "7"))
    shown = run("pmulab", "loss", "preview", "--seed", "7", "--loss", "40%",
                "--endpoint", "udp-print", "-n", "100")
    assert ask_whether_it_arrives(Peer(lab, "udp-print"), 100) == "".join(shown.lines)
    other = run("pmulab", "loss", "preview", "--seed", "7", "--loss", "40%", "--endpoint", "reset",
                "-n", "100")
    assert other.lines != shown.lines


def test_delay_duplicate_and_corruption(printer):
    lab = printer("udp-print.delay=50ms", "udp-print.duplicate=100%", "udp-print.corrupt=100%")
    Peer(lab, "udp-print").send(b"\x00\x00")
    first, second = lab.wait_all(2, event="print")
    bit = lab.wait(event="corrupt")["bit"]
    flipped = bytearray(2)
    flipped[bit // 8] = 1 << bit % 8
    shown = {9: r"\t", 10: r"\n", 13: r"\r"}
    expected = "".join(shown.get(byte) or (chr(byte) if 32 <= byte < 127 else rf"\x{byte:02x}")
                       for byte in flipped)
    assert first["text"] == second["text"] == expected
    assert min(first["t"], second["t"]) >= lab.wait(event="receive")["t"] + 0.049
    assert lab.wait(event="duplicate")["n"] == 1


def test_the_reset_servers_loss_is_not_the_printers(start_lab):
    lab = start_lab(*settings("reset.loss=100%", "reset.family=4"), "reset", "udp-print")
    assert Peer(lab, "reset").fate(b"RESET:20") is None
    Peer(lab, "udp-print").send(b"Hello")
    assert lab.wait(event="print")["text"] == "Hello"


def test_when_the_lab_has_ended_the_port_is_closed(printer):
    lab = printer()
    peer = Peer(lab, "udp-print")
    peer.send(b"Hello")
    lab.wait(event="print")
    lab.stop()
    ends = time.monotonic() + DEADLINE
    with pytest.raises(Refused):
        while time.monotonic() < ends:
            peer.send(b"Hello")
