"""Multicast and both families in the lab's own network: the emulator is another host, so a group is
joined, not overheard.

A program in the box does what the test writes to its stdin, one thing a line, and says what came of
it.
"""
import pytest

from support.journal import Journal
from support.lab import SCALE
from support.wireshark import read_capture

PYTHON = "/usr/bin/python3"
LAB, HOME = "198.51.100.1", "198.51.100.2"
FAMILIES = {"IPv4": 4, "IPv6": 6}
SLOW = ("--set", "tv.interval=1h")  # the first line, and no other

LISTENER = """
import os, socket, sys
group, port = "224.1.1.1", int(os.environ["PMULAB_TV_PORT"])
membership = socket.inet_aton(group) + socket.inet_aton("0.0.0.0")
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
ear.settimeout(60)
ear.bind(("", port))
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

def join():
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return "joined"

def leave():
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, membership)
    return "left"

def hear():
    data, controls, _, source = ear.recvmsg(2048, 64)
    return source[0], controls[0][2][0], data.decode()

def empty():  # what had come; the number of datagrams
    count = 0
    ear.setblocking(False)
    try:
        while True:
            ear.recv(2048)
            count += 1
    except BlockingIOError:
        return count
    finally:
        ear.settimeout(60)

def say(camipro, characters):
    return mouth.sendto((camipro + "x" * int(characters)).encode(), (group, port))

print("bound", flush=True)
for line in sys.stdin:
    name, *arguments = line.split()
    print(repr(globals()[name](*arguments)), flush=True)
"""

ASKER = """
import socket, sys

def ask(family):
    with socket.socket({"4": socket.AF_INET, "6": socket.AF_INET6}[family], \
socket.SOCK_DGRAM) as pdc:
        pdc.settimeout(60)
        pdc.connect(("lab3.iw.epfl.ch", 5004))
        pdc.send(b"RESET:20")
        try:
            return pdc.recv(100).decode().split("=")[0]
        except ConnectionRefusedError:
            return "refused"

for line in sys.stdin:
    print(repr(ask(line.strip())), flush=True)
"""


class Puppet:
    """Such a program, and the journal of its lab."""

    def __init__(self, spawn_box, user, script, *options):
        self.journal = Journal(user)
        self.box = spawn_box("--events", self.journal.path, *options, "--", PYTHON, "-c", script,
                             user=user, cwd=user.folder())

    def do(self, *order):
        self.box.write(" ".join(map(str, order)) + "\n")
        line = self.box.line()
        assert line is not None, self.box.finish().stderr
        return eval(line, {})

    def end(self):
        """The journal is complete then."""
        assert self.box.finish().status == 0
        self.journal.wait(event="stop")

    def lines_have_passed(self, count):
        """That many lines of the play from now on; the last one's seq."""
        told = self.journal.events()
        return self.journal.wait_all(count, after=told[-1]["seq"] if told else 0,
                                     event="line")[-1]["seq"]


@pytest.fixture
def listener(spawn_box, user):
    def start(*options):
        puppet = Puppet(spawn_box, user, LISTENER, *options)
        assert puppet.box.line() == "bound"
        return puppet

    return start


@pytest.fixture
def asker(spawn_box, user):
    return lambda *options: Puppet(spawn_box, user, ASKER,
                                   *(word for option in options for word in ("--set", option)))


# The station


def test_who_does_not_join_hears_nothing(listener, user):
    capture = user.folder() / "lab.pcap"
    puppet = listener("--capture", capture, "--set", "tv.interval=20ms")
    puppet.lines_have_passed(2)
    assert puppet.do("empty") == 0
    assert puppet.do("join") == "joined"
    source, _, text = puppet.do("hear")
    assert source == LAB
    puppet.journal.wait(event="line", text=text)

    assert puppet.do("leave") == "left"
    puppet.do("empty")
    puppet.lines_have_passed(2)
    assert puppet.do("empty") == 0
    puppet.end()

    # They were on the wire, at the command's end of it, all the time.
    packets = read_capture(capture)
    joined = next(packet.number for packet in packets
                  if packet.source == HOME and packet.target == "224.0.0.22")
    lines = [packet for packet in packets if packet.target == "224.1.1.1:5005"]
    assert len([packet for packet in lines if packet.number < joined]) >= 2
    assert len(lines) == len(puppet.journal.events(event="line"))


@pytest.mark.parametrize("options, ttl", [
    ((), 10),
    (("--profile", "epfl-2020"), 10),
    (("--set", "tv.ttl=1"), 1),
], ids=["handout", "epfl-2020", "as it is told"])
def test_ttl(listener, options, ttl):
    """As deployed, whatever `serve` has to be careful about."""
    puppet = listener(*options, "--set", "tv.interval=20ms")
    puppet.do("join")
    assert puppet.do("hear")[:2] == (LAB, ttl)


def test_a_participant_is_answered(listener):
    puppet = listener(*SLOW)
    puppet.do("join")
    puppet.do("say", "123456", 300)
    assert puppet.do("hear") == (HOME, 1, "123456" + "x" * 300)
    assert puppet.journal.wait(event="participant")["total"] == 300
    puppet.do("say", "123456", 1)
    assert puppet.do("hear") == (HOME, 1, "123456x")
    source, ttl, text = puppet.do("hear")
    assert (source, ttl) == (LAB, 10)
    assert text.startswith("swcmTV@123456: ")

    answer, = puppet.journal.wait_all(1, event="answer")
    assert "swcmTV" + answer["text"] == text
    assert [said["total"] for said in puppet.journal.events(event="participant")
            if said["seq"] < answer["seq"]] == [300, 301]
    assert answer["peer"].startswith(f"{HOME}:")


def test_the_answer_goes_to_the_group_alone(listener):
    """Who talks without having joined is answered, and does not hear it; nor do they hear
    themselves."""
    puppet = listener(*SLOW)
    puppet.do("say", "234567", 301)
    assert puppet.journal.wait(event="answer")["id"] == "234567"
    assert puppet.do("empty") == 0


# The PMU of part 3


@pytest.mark.parametrize("active", [(4,), (6,), (4, 6)], ids=["IPv4", "IPv6", "both"])
def test_the_closed_family_is_refused(asker, active):
    puppet = asker("reset.family=" + ("both" if len(active) == 2 else str(active[0])),
                   "reset.loss=none")
    for family in (4, 6, 4, 6):
        assert puppet.do(family) == ("OFFSET" if family in active else "refused")
    puppet.end()
    assert {request["family"] for request in puppet.journal.events(event="receive")} == set(active)


def test_a_silent_family_is_not_refused(asker):
    puppet = asker("reset.family=4", "reset.inactive=silent", "reset.loss=none")
    puppet.box.write("6\n")  # and waits
    dropped = puppet.journal.wait(event="drop")
    assert (dropped["family"], dropped["reason"]) == (6, "the family is not served now")


def test_families_in_turn(asker):
    """In its turn a family is answered and the other one refused. A turn that ends while we ask
    proves nothing."""
    puppet = asker(f"reset.family=alternate:{1 * SCALE:g}s", "reset.loss=none")
    seen, seq = set(), 0
    while seen != {4, 6}:
        turn = puppet.journal.wait(after=seq, event="family", endpoint="reset",
                                   active=lambda now: FAMILIES[now] not in seen)
        seq = turn["seq"]
        active = FAMILIES[turn["active"]]
        other = 10 - active
        said = [puppet.do(family) for family in (active, other, active)]
        if said[2] == "refused":
            continue
        last = puppet.journal.wait_all(1 + (said[0] == "OFFSET"), after=seq, event="receive",
                                       family=active)[-1]
        if not puppet.journal.events(after=seq, event="family", endpoint="reset",
                                     seq=lambda n: n < last["seq"]):
            assert said == ["OFFSET", "refused", "OFFSET"]
            seen.add(active)
