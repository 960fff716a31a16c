"""Code B as an endpoint: it tells what arrives and from where, and answers nobody."""
import socket
import time

import pytest

from support.datagrams import Peer, Refused, needs_ipv6, settings
from support.lab import DEADLINE, run


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
    assert (told["endpoint"], told["peer"], told["text"]) == ("udp-print", peer.name, "Hello, Romeo ")
    lab.stop()
    assert f"Received data: Hello, Romeo   From Address: {peer.name}" in lab.output
    assert peer.nothing_more()
    assert lab.wait(event="stop")["endpoints"]["udp-print"] == {"received": 1, "dropped": 0, "replies": 0, "errors": 0}


@pytest.mark.parametrize("data, text", [
    (b"", ""),
    (b"\0", r"\x00"),
    (b"two\nlines\r\n", r"two\nlines\r\n"),
    (b"\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
    (b"\x9b2J\x84\x85", r"\x9b2J\x84\x85"),
    ("café".encode(), r"caf\xc3\xa9"),
    (b'"quoted" \\n', r'\"quoted\" \\n'),
    (b"x" * 65507, "x" * 64 + "..."),
], ids=["empty", "NUL", "lines", "escape sequences", "control characters of Latin-1", "UTF-8", "quotes", "65507 bytes"])
def test_no_terminal_is_hijacked(printer, data, text):
    lab = printer()
    peer = Peer(lab, "udp-print")
    peer.send(data)
    assert lab.wait(event="print")["text"] == text
    assert lab.wait(event="receive")["bytes"] == len(data)
    lab.stop()
    said = [line for line in lab.output.splitlines() if "Received data: " in line]
    assert len(said) == 1 and said[0].isprintable() and said[0].isascii()


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
    assert [event["address"] for event in lab.wait_all(1, event="listen")] == [f"127.0.0.1:{lab.port('udp-print')}"]
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
    shown = run("pmulab", "loss", "preview", "--seed", "7", "--loss", "40%", "--endpoint", "udp-print", "-n", "100")
    assert ask_whether_it_arrives(Peer(lab, "udp-print"), 100) == "".join(shown.lines)
    other = run("pmulab", "loss", "preview", "--seed", "7", "--loss", "40%", "--endpoint", "reset", "-n", "100")
    assert other.lines != shown.lines


def test_delay_duplicate_and_corruption(printer):
    lab = printer("udp-print.delay=50ms", "udp-print.duplicate=100%", "udp-print.corrupt=100%")
    Peer(lab, "udp-print").send(b"\x00\x00")
    first, second = lab.wait_all(2, event="print")
    bit = lab.wait(event="corrupt")["bit"]
    flipped = bytearray(2)
    flipped[bit // 8] = 1 << bit % 8
    shown = {9: r"\t", 10: r"\n", 13: r"\r"}
    expected = "".join(shown.get(byte) or (chr(byte) if 32 <= byte < 127 else rf"\x{byte:02x}") for byte in flipped)
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
