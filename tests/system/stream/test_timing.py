"""When messages leave. The kernel stamps each segment as it arrives, so a slow test measures a fast
server."""
import contextlib
import selectors
import socket
import statistics
import struct
import time

import pytest

from support.lab import DEADLINE, SCALE
from support.peers import connect, messages

pytestmark = pytest.mark.alone

CLIENTS, MESSAGES, D = 100, 20, 0.05
LIMIT = 0.002 * SCALE       # seconds
OUTLIER = 0.2 * SCALE       # seconds for which other programs may take the processor away
RUNS = 3                    # one of them must not be disturbed by other programs
SO_TIMESTAMPNS = 35         # asm-generic/socket.h


@pytest.fixture
def quiet_lab(start_lab):
    """Its events go nowhere: reading them would take the processor from what is measured."""
    return start_lab("-q", "--events", "/dev/null")


@pytest.fixture
def stamping_kernel(quiet_lab):
    """The kernel begins to stamp a little after the first socket has asked for it."""
    with contextlib.closing(connect(quiet_lab, "echo")) as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        for _ in range(10000):
            peer.send(b"?")
            if peer.socket.recvmsg(1, 64)[1]:
                break
        yield


def stamp(peer):
    peer.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    peer.socket.setblocking(False)
    peer.arrivals, peer.said = [], b""


def take(peer):
    """Reads what has come, one message a call, each with its time. False at the end."""
    while True:
        size = 18 if len(peer.arrivals) < 9 else 19
        try:
            data, ancillary, _, _ = peer.socket.recvmsg(size, 64)
        except BlockingIOError:
            return True
        if not data:
            return False
        [(_, _, stamped)] = ancillary
        seconds, nanoseconds = struct.unpack("qq", stamped)
        peer.arrivals.append(seconds + nanoseconds / 1e9)
        peer.said += data


def watch(peers):
    with contextlib.closing(selectors.DefaultSelector()) as selector:
        for peer in peers:
            selector.register(peer.socket, selectors.EVENT_READ, peer)
        end = time.monotonic() + DEADLINE
        while selector.get_map():
            assert time.monotonic() < end
            for key, _ in selector.select(1):
                if not take(key.data):
                    selector.unregister(key.fileobj)


def lateness(peer):
    """Of messages 2, 3, ...: seconds behind the schedule that the first one began."""
    return [when - peer.arrivals[0] - i * D for i, when in enumerate(peer.arrivals)][1:]


def measure(lab, clients):
    """All at once; how late messages were, in seconds."""
    peers = [connect(lab, "pmu") for _ in range(clients)]
    for peer in peers:
        stamp(peer)
    for peer in peers:
        peer.command(f"CMD_short:{D}")
    watch(peers)
    assert {peer.said for peer in peers} == {messages(MESSAGES)}
    for peer in peers:
        peer.close()
    late = sorted(seconds for peer in peers for seconds in lateness(peer))
    # One pause of the machine makes a message late for all clients. Drift makes all later messages
    # late.
    drift = statistics.median(min(lateness(peer)[-5:]) for peer in peers)
    numbers = {"earliest": late[0], "median": statistics.median(late),
               "90 %": late[int(len(late) * 0.9)], "99 %": late[int(len(late) * 0.99)],
               "latest": late[-1], "drift": drift}
    print(f"{clients} clients, milliseconds:",
          {name: round(value * 1000, 3) for name, value in numbers.items()})
    return numbers


@pytest.mark.parametrize("clients", [1, CLIENTS])
def test_messages_leave_on_time_and_without_drift(quiet_lab, stamping_kernel, clients):
    for _ in range(RUNS):
        late = measure(quiet_lab, clients)
        assert abs(late["drift"]) < LIMIT
        assert -OUTLIER < late["earliest"] and late["latest"] < OUTLIER
        if abs(late["median"]) < LIMIT:
            return
    pytest.fail(f"{late['median'] * 1000:.3f} ms late")


def test_a_stream_that_is_kept_waiting_catches_up(start_lab):
    """Due times come from the schedule: who is asked late does not push what follows."""
    lab = start_lab("--set", "pmu.messages=100", "--set", "pmu.rtt=0")
    began = time.monotonic()
    peer = connect(lab, "pmu")
    peer.command("CMD_short:0.01")
    assert peer.read_all() == messages(100)
    assert 0.99 <= time.monotonic() - began < 0.99 + OUTLIER


def test_the_server_is_idle_between_messages(lab):
    peers = [connect(lab, "pmu") for _ in range(CLIENTS)]
    for peer in peers:
        peer.command("CMD_short:0.1")
    lab.wait_all(CLIENTS, event="send", i=2)
    before = lab.cpu()
    for peer in peers:
        assert peer.read_all() == messages(MESSAGES)
    assert lab.cpu() - before < 0.2 * SCALE  # of 1.8 s
