"""The PMU of part 3 over real sockets: what it answers, what its network does, and its clock."""
import socket
import time

import pytest

from support.datagrams import (HOSTS, KINDS, RESET, WRONG, Peer, both_families, needs_ipv6, offset,
                               settings)
from support.lab import DEADLINE, run


# What it answers

@both_families
def test_a_reset_is_acknowledged(start_reset, family):
    lab = start_reset()
    peer = Peer(lab, "reset", family)
    reply = peer.ask(RESET)
    assert 0 <= offset(reply) <= 20
    told = peer.told("reset")
    assert (told["family"], told["n"], told["asked"], told["offset"]) == (
        family, 1, 20, offset(reply))
    assert peer.told("receive")["text"] == "RESET:20"
    assert peer.told("reply")["text"] == reply.decode()
    assert peer.nothing_more()


@pytest.mark.parametrize("data, right", [
    (b"RESET:0", True), (b"RESET:20\n", True), (b"RESET:20\r\n", True), (b"RESET:86400", True),
    (b"", False), (b"R", False), (b"\0", False), (b"RESET:020", False), (b"RESET:-1", False),
    (b"RESET: 20", False), (b"RESET:20 ", False), (b"RESET:20\0", False),
    (b"RESET:86401", False), ("RESET:２０".encode(), False), (b"RESET:20" + b"0" * 65499, False),
    (b"RESET:20" + b"\n" * 65499, False), (b"\xff" * 65507, False),
], ids=lambda value: repr(value[:16]) if isinstance(value, bytes) else None)
def test_what_is_right_and_what_is_wrong(start_reset, data, right):
    lab = start_reset()
    peer = Peer(lab, "reset")
    reply = peer.ask(data)
    assert len(reply) <= 16
    if right:
        offset(reply)
    else:
        assert reply == WRONG
        assert peer.told("error")["fault"] == "peer"
    assert peer.told("receive")["bytes"] == len(data)
    assert offset(peer.ask(RESET)) <= 20  # as ever


def test_separator_and_the_only_n_as_deployed(start_reset):
    peer = Peer(start_reset("reset.separator=:", "reset.only=20"), "reset")
    assert peer.ask(RESET).startswith(b"OFFSET:")
    assert peer.ask(b"RESET:19") == WRONG


@pytest.mark.parametrize("setting, words", [
    ("reset.separator==", "a program that waits for OFFSET:X does so (--profile epfl-2016)"),
    ("reset.separator=:", "a program that waits for OFFSET=X does so (--set reset.separator==)"),
])
def test_a_program_that_waits_for_another_text_is_noticed(start_reset, setting, words):
    """Programs of 2016 wait for OFFSET:X, and ask again after each timeout."""
    lab = start_reset("reset.loss=none", setting)
    peer = Peer(lab, "reset")
    peer.socket.settimeout(0.6)
    for _ in range(5):
        peer.ask(RESET)
        with pytest.raises(TimeoutError):
            peer.receive()
    assert peer.told("hint")["what"] == f"asks again although it was answered: {words}"
    assert len(lab.events(event="hint")) == 1


def test_a_program_that_spins_is_noticed(start_reset):
    lab = start_reset("reset.loss=none")
    peer = Peer(lab, "reset")
    for _ in range(40):
        peer.ask(RESET)
    hint = peer.told("hint")["what"]
    assert hint.startswith("asks more than 20 times in a second although it is answered: ")
    assert len(lab.events(event="hint")) == 1


def test_a_wrong_command_is_lost_like_any_other(start_reset):
    lab = start_reset("reset.loss=pattern:x.")
    peer = Peer(lab, "reset")
    assert [peer.fate(b"reset") for _ in range(4)] == [None, WRONG, None, WRONG]


def test_a_small_receive_buffer_is_enough(start_reset):
    """Clients with recvfrom(9) exist: the reply to RESET:20 fits, and has no end of line."""
    peer = Peer(start_reset(), "reset")
    for _ in range(50):
        peer.send(RESET)
        assert offset(peer.socket.recv(9)) <= 20


# The PMU's clock

def test_the_clock_moves_by_every_offset(start_reset):
    lab = start_reset()
    peers = [Peer(lab, "reset", family) for family in (4, 4, 6)]
    clock = 0
    for round in range(1, 6):
        for peer in peers:
            x = offset(peer.ask(b"RESET:86400"))
            told = peer.told("reset", resets=round)
            assert (told["clock_before"], told["clock_after"]) == (clock, clock + x)
            clock += x


def clock_of(lab):
    """(how often it was reset, seconds that it is ahead)"""
    resets = lab.events(event="reset")
    return len(resets), resets[-1]["clock_after"] if resets else 0


def test_a_lost_request_leaves_the_clock_alone(start_reset):
    lab = start_reset("reset.loss=first:3")
    peer = Peer(lab, "reset")
    assert [peer.fate(RESET) for _ in range(3)] == [None] * 3
    assert clock_of(lab) == (0, 0)
    x = offset(peer.fate(RESET))
    assert clock_of(lab) == (1, x)
    assert [event["direction"] for event in lab.events(event="drop")] == ["request"] * 3


def test_a_lost_reply_has_moved_the_clock(start_reset):
    """The lesson of part 3: who repeats a request whose acknowledgement was lost moves the clock
    twice."""
    lab = start_reset("reset.loss=first:3", "reset.direction=reply")
    peer = Peer(lab, "reset")
    assert [peer.fate(RESET) for _ in range(3)] == [None] * 3
    x = offset(peer.fate(RESET))
    resets = lab.events(event="reset")
    assert [event["resets"] for event in resets] == [1, 2, 3, 4]
    assert resets[-1]["offset"] == x
    assert resets[-1]["clock_after"] == sum(event["offset"] for event in resets)
    assert [event["direction"] for event in lab.events(event="drop")] == ["reply"] * 3
    assert [event["n"] for event in lab.events(event="drop")] == [1, 2, 3]


def test_both_directions_draw_on_their_own(start_reset):
    lab = start_reset("reset.loss=50%", "reset.direction=both", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    answered = sum(peer.fate(RESET) is not None for _ in range(200))
    requests, replies = (previews(200, "--loss", "50%", "--direction", "request"),
                         previews(200, "--loss", "50%", "--direction", "reply"))
    arrived = requests.count(".")
    assert answered == replies[:arrived].count(".")
    assert len(lab.events(event="drop", direction="request")) == 200 - arrived
    assert len(lab.events(event="drop", direction="reply")) == arrived - answered
    assert clock_of(lab)[0] == arrived
    assert 20 < answered < 80  # a quarter


# Fates: shown before, the same again

def previews(n, *options, seed=7):
    """The fates that `pmulab loss preview` shows: "." and "x"."""
    shown = run("pmulab", "loss", "preview", "--seed", seed, "-n", n, *options)
    assert shown.status == 0, shown.stderr
    return "".join(shown.lines)


MODELS = ["none", "100%", "0%", "30%", "burst:30%,4", "gemodel:5%,20%,80%,1%",
          "state:10%,60%,5%,20%,1%", "list:1,2,5,200", "first:2", "pattern:xx.", "60%,max-run=2"]


@pytest.mark.parametrize("loss", MODELS)
def test_the_socket_does_what_the_preview_shows(start_reset, loss):
    lab = start_reset(f"reset.loss={loss}", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    fates = "".join("x" if peer.fate(RESET) is None else "." for _ in range(200))
    assert fates == previews(200, "--loss", loss)
    assert lab.wait(event="start")["seed"] == 7
    for drop in lab.events(event="drop"):
        assert drop["reason"] == "loss" and fates[drop["n"] - 1] == "x"


@needs_ipv6
def test_each_family_has_fates_of_its_own(start_reset):
    lab = start_reset("reset.loss=50%", options=("--seed", "7"))
    for family in (4, 6):
        peer = Peer(lab, "reset", family)
        fates = "".join("x" if peer.fate(RESET) is None else "." for _ in range(100))
        assert fates == previews(100, "--loss", "50%", "--family", family)


def fates_of(lab, turns):
    """The fates in order, with X, of a few clients that take turns: 0, 1, 0, 0, ..."""
    peers = [Peer(lab, "reset") for _ in range(max(turns) + 1)]
    return [peers[turn].fate(RESET) for turn in turns]


def test_a_seed_repeats_whoever_asks(start_reset):
    """A restart with the same seed, other clients in another order: datagram n has the same fate
    and the same X."""
    options = {"options": ("--seed", "99")}
    first = fates_of(start_reset("reset.loss=burst:40%,3", **options), [0] * 120)
    second = fates_of(start_reset("reset.loss=burst:40%,3", **options), [0, 1, 1] * 40)
    third = fates_of(start_reset("reset.loss=burst:40%,3", options=("--seed", "100")), [0] * 120)
    assert first == second
    assert first != third
    assert None in first and len(set(first)) > 10


def test_a_drawn_seed_is_told_and_repeats(start_reset):
    lab = start_reset("reset.loss=50%")
    fates = fates_of(lab, [0] * 40)
    again = start_reset("reset.loss=50%", options=("--seed", lab.wait(event="start")["seed"]))
    assert fates_of(again, [0] * 40) == fates


def test_a_drop_says_why(start_reset):
    lab = start_reset("reset.loss=30%", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    for _ in range(50):
        peer.fate(RESET)
    drops = lab.events(event="drop")
    assert drops and all(drop["model"] == "random" and drop["drawn"] < 0.3 and drop["state"] is None
                         for drop in drops)
    assert all(drop["peer"] == peer.name and drop["family"] == 4 for drop in drops)


def test_default_loss_is_a_half(start_lab):
    lab = start_lab("--seed", "7", "--set", "reset.family=4", "reset")
    peer = Peer(lab, "reset")
    fates = "".join("x" if peer.fate(RESET) is None else "." for _ in range(100))
    assert fates == previews(100)
    assert 30 < fates.count("x") < 70


# The rest of an imperfect network

def test_delay(start_reset):
    lab = start_reset("reset.delay=100ms")
    peer = Peer(lab, "reset")
    began = time.monotonic()
    peer.ask(RESET)
    assert 0.1 <= time.monotonic() - began + 0.001 < DEADLINE
    told = peer.told("delay")
    assert (told["direction"], told["n"], told["seconds"]) == ("request", 1, 0.1)


def test_delay_in_both_directions(start_reset):
    lab = start_reset("reset.delay=50ms", "reset.direction=both")
    peer = Peer(lab, "reset")
    began = time.monotonic()
    peer.ask(RESET)
    assert 0.1 <= time.monotonic() - began + 0.002 < DEADLINE
    assert [event["direction"] for event in lab.wait_all(2, event="delay")] == ["request", "reply"]


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_jitter(start_reset, kind):
    lab = start_reset("reset.delay=20ms", f"reset.jitter=10ms,{kind}", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    for _ in range(30):
        peer.send(RESET)
    for _ in range(30):
        offset(peer.receive())
    delays = [event["seconds"] for event in lab.wait_all(30, event="delay")]
    assert len(set(delays)) > 10
    outside = sum(not 0.0095 <= delay <= 0.0305 for delay in delays)
    assert outside == 0 if kind == "uniform" else 0 < outside < 25


def test_duplicate(start_reset):
    lab = start_reset("reset.duplicate=100%")
    peer = Peer(lab, "reset")
    peer.send(RESET)
    replies = [peer.receive(), peer.receive()]
    assert replies[0] == replies[1]  # the same datagram has the same X
    assert peer.told("duplicate")["n"] == 1
    resets = lab.wait_all(2, event="reset")
    assert [event["resets"] for event in resets] == [1, 2]  # and the PMU cannot know


def test_duplicate_reply(start_reset):
    lab = start_reset("reset.duplicate=100%", "reset.direction=reply")
    peer = Peer(lab, "reset")
    peer.send(RESET)
    assert peer.receive() == peer.receive()
    assert peer.told("duplicate")["direction"] == "reply"
    assert clock_of(lab)[0] == 1


def test_reorder(start_reset):
    lab = start_reset("reset.delay=300ms", "reset.reorder=30%", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    for i in range(1, 41):
        peer.send(b"RESET:%d" % i)
    for _ in range(40):
        peer.receive()
    order = [event["asked"] for event in lab.wait_all(40, event="reset")]
    overtaking = [event["n"] for event in lab.events(event="reorder")]
    assert sorted(order) == list(range(1, 41))
    assert 3 < len(overtaking) < 25
    assert order == overtaking + [n for n in range(1, 41) if n not in overtaking]


def test_corrupt_request(start_reset):
    lab = start_reset("reset.corrupt=100%", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    for n in range(1, 21):
        peer.ask(RESET)
        bit = peer.told("corrupt", n=n)["bit"]
        assert 0 <= bit < 8 * len(RESET)
    # What arrived had one bit flipped: mostly it was wrong, and sometimes another number.
    arrived = [event["bytes"] for event in lab.events(event="error")]
    assert arrived and "RESET:20" not in arrived
    assert all(event["asked"] != 20 for event in lab.events(event="reset"))


def test_corrupt_reply(start_reset):
    lab = start_reset("reset.corrupt=100%", "reset.direction=reply", options=("--seed", "7"))
    peer = Peer(lab, "reset")
    for n in range(1, 21):
        reply = peer.ask(b"RESET:0")
        bit = peer.told("corrupt", n=n)["bit"]
        right = bytearray(b"OFFSET=0")
        right[bit // 8] ^= 1 << bit % 8
        assert reply == bytes(right)


@pytest.mark.parametrize("direction", ["request", "reply", "both"])
def test_nothing_gets_through(start_reset, direction):
    lab = start_reset("reset.loss=100%", "reset.delay=1ms", "reset.duplicate=100%",
                      f"reset.direction={direction}")
    peer = Peer(lab, "reset")
    assert [peer.fate(RESET) for _ in range(20)] == [None] * 20
    assert peer.nothing_more()
    assert lab.events(event="reply") == lab.events(event="delay") == \
        lab.events(event="duplicate") == []


@pytest.mark.parametrize("direction", ["request", "reply", "both"])
def test_zero_percent_changes_nothing(start_reset, direction):
    lab = start_reset("reset.loss=0%", "reset.duplicate=0%", "reset.corrupt=0%", "reset.reorder=0%",
                      "reset.delay=0", "reset.jitter=0", f"reset.direction={direction}")
    peer = Peer(lab, "reset")
    assert all(offset(peer.ask(RESET)) <= 20 for _ in range(50))
    assert peer.nothing_more()
    lab.wait_all(50, event="reply")
    kinds = {event["event"] for event in lab.events()} - {"hint"}  # that it asks 50 times a second
    assert kinds == {"start", "listen", "family", "receive", "reset", "reply"}


def test_reorder_without_a_delay_is_refused():
    refused = run("pmulab", "serve", "--ephemeral", *settings("reset.reorder=10%"), "reset")
    assert refused.status == 2
    assert "reset: reorder needs a delay" in refused.stderr


def test_what_is_delayed_when_the_lab_ends_is_lost(start_reset):
    lab = start_reset("reset.delay=60s")
    peer = Peer(lab, "reset")
    peer.send(RESET)
    peer.told("delay")
    lab.stop()
    assert peer.told("drop")["reason"] == "the lab has stopped"


# Addresses and ports

def test_it_answers_from_the_address_that_was_asked(start_reset):
    lab = start_reset(options=("--bind", "any"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(DEADLINE)
        peer.bind(("127.0.0.1", 0))
        for host in ("127.0.0.2", "127.0.0.1", "127.9.9.9"):
            peer.sendto(RESET, (host, lab.port("reset")))
            reply, source = peer.recvfrom(100)
            offset(reply)
            assert source == (host, lab.port("reset"))


@needs_ipv6
def test_it_answers_from_the_ipv6_address_that_was_asked(start_reset):
    lab = start_reset(options=("--bind", "any"))
    peer = Peer(lab, "reset", 6)
    offset(peer.ask(RESET))
    assert lab.wait(event="receive")["peer"] == peer.name


def test_it_answers_late_from_the_address_that_was_asked(start_reset):
    lab = start_reset("reset.delay=20ms", "reset.direction=both", options=("--bind", "any"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(DEADLINE)
        peer.bind(("127.0.0.3", 0))
        peer.sendto(RESET, ("127.0.0.2", lab.port("reset")))
        assert peer.recvfrom(100)[1] == ("127.0.0.2", lab.port("reset"))


def test_ports_file(start_lab):
    lab = start_lab("reset", "udp-print")
    assert int(lab.env["PMULAB_RESET_PORT"]) > 0
    assert int(lab.env["PMULAB_UDP_PRINT_PORT"]) > 0
    assert lab.env["PMULAB_RESET_PORT"] != lab.env["PMULAB_UDP_PRINT_PORT"]


@pytest.mark.parametrize("family, host", [(6, "127.0.0.1"), (4, "::1")])
def test_a_family_without_an_address_is_refused(family, host):
    refused = run("pmulab", "serve", "--ephemeral", "--bind", host,
                  *settings(f"reset.family={family}"), "reset")
    assert refused.status == 2
    assert refused.stderr.splitlines()[-1] == (
        f"pmulab serve: reset.family={family}, but there is no IPv{family} address to "
        f"serve it on; add --bind {HOSTS[family]}")


@needs_ipv6
def test_that_nothing_is_served_is_told(start_lab):
    """With one family's address alone, in the other one's turn; the first turn is IPv4's."""
    lab = start_lab("--bind", "::1", *settings("reset.family=alternate:200ms"), "reset")
    turns = lab.wait_all(3, event="family", endpoint="reset")
    assert [turn["active"] for turn in turns[:3]] == ["none", "IPv6", "none"]


@pytest.mark.parametrize("endpoint", ["reset", "udp-print"])
@both_families
def test_a_busy_port_is_told_with_its_holder(endpoint, family, spawn):
    if endpoint == "udp-print" and family == 6:
        return  # it speaks IPv4
    holder = spawn("/usr/bin/python3", "-c",
                   f"import socket, sys; s = socket.socket({KINDS[family]:d}, socket.SOCK_DGRAM);"
                   f"s.bind(('{HOSTS[family]}', 0)); print(s.getsockname()[1], flush=True); "
                   "sys.stdin.read()")
    port = int(holder.line())
    refused = run("pmulab", "serve", *settings(f"{endpoint}.port={port}"), endpoint)
    assert refused.status == 3
    assert refused.stderr.startswith(f"pmulab serve: {endpoint}: ")
    assert f"address already in use by python3 (pid {holder.pid}); end it, " \
        f"or give --set {endpoint}.port=N" in refused.stderr


def test_a_tcp_server_on_the_port_does_not_matter(start_lab):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = run("pmulab", "serve", *settings(f"reset.port={port}", "reset.family=5"), "reset")
        assert refused.status == 2
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", port))
            refused = run("pmulab", "serve", *settings(f"reset.port={port}"), "reset")
            assert refused.status == 3 and " (pid " in refused.stderr


# The end

def test_totals(start_reset):
    lab = start_reset("reset.loss=first:2")
    peer = Peer(lab, "reset")
    for data in (RESET, RESET, RESET, b"x"):
        peer.fate(data)
    lab.stop()
    assert lab.wait(event="stop")["endpoints"]["reset"] == {"received": 4, "missed": 0,
                                                            "dropped": 2, "replies": 2, "errors": 1}


def test_who_is_at_the_terminal_reads_which_family_is_served(start_reset):
    lab = start_reset("reset.family=4")
    lab.stop()
    assert "IPv4" in lab.output
