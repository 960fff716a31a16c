"""pdc-reset, part 3 of the lab: against PMUs that lose, repeat, invent, and change their family."""
import datetime
import json
import math
import re
import select
import socket
import threading
import time

import pytest

from support.lab import DEADLINE, SCALE, run

PATIENCE = 0.3 * SCALE  # --timeout: longer than a PMU here takes to answer
FAMILIES = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def open_socket(family, port):
    kind, host = FAMILIES[family]
    opened = socket.socket(kind, socket.SOCK_DGRAM)
    try:
        if family == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def open_both():
    """Sockets of both families with one port, that the kernel has chosen."""
    for _ in range(100):
        four = open_socket(4, 0)
        try:
            return {4: four, 6: open_socket(6, four.getsockname()[1])}
        except OSError:
            four.close()
    raise AssertionError("no port is free in both families")


class Pmu:
    """A UDP server on both families or on one; the other family's port is closed, and nobody else
    gets it.

    script(packet) is called for each packet that comes; a packet has data, family, number (from 1,
    over this family), and reply(data).
    """

    class Packet:
        def __init__(self, pmu, family, data, sender):
            self.pmu, self.family, self.data, self.sender = pmu, family, data, sender
            self.number = pmu.counts[family]

        def reply(self, data):
            self.pmu.sockets[self.family].sendto(data, self.sender)

    def __init__(self, script, families=(4, 6)):
        self.sockets = open_both()
        self.port = self.sockets[4].getsockname()[1]
        self.closed = {family: self.sockets.pop(family) for family in {4, 6} - set(families)}
        # A socket that is connected to itself is a closed port to everybody else.
        for closed in self.closed.values():
            closed.connect(closed.getsockname())
        self.counts = {4: 0, 6: 0}
        self.received = []
        self._script = script
        self._failure = None
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while True:
                ready, _, _ = select.select([self._stopped, *self.sockets.values()], [], [])
                if self._stopped in ready:
                    return
                for family in [family for family, opened in self.sockets.items()
                               if opened in ready]:
                    data, sender = self.sockets[family].recvfrom(65536)
                    self.counts[family] += 1
                    self.received.append(data)
                    self._script(self.Packet(self, family, data, sender))
        except BaseException as failure:  # told by finish(), in the test's own thread
            self._failure = failure

    def open(self, family):
        self.closed.pop(family).close()
        self.sockets[family] = open_socket(family, self.port)

    def finish(self):
        self._stop.send(b"x")
        self._thread.join(DEADLINE)
        for opened in (self._stop, self._stopped, *self.sockets.values(), *self.closed.values()):
            opened.close()
        assert not self._thread.is_alive()
        if self._failure:
            raise self._failure


@pytest.fixture
def pmu():
    """pmu(script, families=(4, 6)): a Pmu whose script must have gone well at the end."""
    pmus = []

    def start(*args, **kwargs):
        pmus.append(Pmu(*args, **kwargs))
        return pmus[-1]

    yield start
    for started in pmus:
        started.finish()


def reset(pmu, *args, **kwargs):
    return run("pdc-reset", "-p", pmu.port, "--timeout", PATIENCE, *args, **kwargs)


def numbers(result):
    return json.loads(result.stdout)


def answer(text=b"OFFSET=13", every=1, family=None):
    """A script: answers each `every`-th packet over `family` (None: both)."""

    def script(packet):
        if packet.family == (family or packet.family) and packet.number % every == 0:
            packet.reply(text)

    return script


# One run


@pytest.mark.parametrize("family", [4, 6])
def test_the_family_is_found(pmu, family):
    server = pmu(answer(), families=[family])
    before = time.time()
    result = reset(server)
    line = re.fullmatch(
        rf"OFFSET=13 over IPv{family} after 2 packets \(1 of them over IPv{family}\), "
        r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\n", result.stdout)
    assert (result.status, bool(line)) == (0, True), result
    when = datetime.datetime.strptime(line[1], "%Y-%m-%d %H:%M:%S %z").timestamp()
    assert int(before) <= when <= time.time()
    assert server.received == [b"RESET:20"]


@pytest.mark.parametrize("family", [4, 6])
def test_a_refusal_is_told_once(pmu, family):
    result = reset(pmu(answer(every=3), families=[family]))
    assert (result.status, f"over IPv{family} after 6 packets" in result.stdout) == (0, True)
    assert result.stderr.count(
        f"connection refused over IPv{10 - family}: nobody listens there now\n") == 1


@pytest.mark.parametrize("family", [4, 6])
def test_a_silent_family_changes_nothing(pmu, family):
    result = reset(pmu(answer(family=family)))
    assert (result.status, f"over IPv{family} after 2 packets" in result.stdout) == (0, True)
    assert "refused" not in result.stderr


@pytest.mark.parametrize("option, family", [("-4", 4), ("-6", 6)])
def test_one_family_only(pmu, option, family):
    server = pmu(answer())
    result = reset(server, option)
    assert f"over IPv{family} after 1 packet (1 of them over IPv{family})" in result.stdout
    assert server.counts == {family: 1, 10 - family: 0}


@pytest.mark.parametrize("text, offset", [(b"OFFSET=0", 0), (b"OFFSET:20", 20), (b"OFFSET=7\n", 7)])
def test_both_separators(pmu, text, offset):
    assert reset(pmu(answer(text))).stdout.startswith(f"OFFSET={offset} over IPv")


def test_it_is_sent_until_there_is_an_answer(pmu):
    server = pmu(answer(every=3, family=6))
    result = reset(server)
    assert result.stdout.startswith("OFFSET=13 over IPv6 after 6 packets (3 of them over IPv6), ")
    assert server.received == [b"RESET:20"] * 6
    seconds = float(re.fullmatch(r"6 packets in ([\d.]+) s\n", result.stderr)[1])
    assert seconds >= 2 * PATIENCE - 0.05


def test_n(pmu):
    server = pmu(answer(b"OFFSET=7"))
    assert reset(server, "-n", 7).status == 0
    assert server.received[0] == b"RESET:7"


def test_json(pmu):
    server = pmu(answer(every=2, family=4))
    result = reset(server, "--json")
    said = numbers(result)
    assert (result.status, result.stderr) == (0, "")
    assert said.pop("time").startswith("2")
    assert said.pop("seconds") >= PATIENCE - 0.001
    assert said == {"offset": 13, "family": "IPv4", "server": f"127.0.0.1:{server.port}",
                    "family_packets": 2, "refused": 0, "packets": 4, "tries": 2, "foreign": 0,
                    "malformed": 0, "error": None}


def test_environment(pmu):
    """The ports file names one address, and the server may be on the other family's."""
    for family, host in (4, "::1"), (6, "127.0.0.1"), (6, "localhost"):
        server = pmu(answer(), families=[family])
        env = {"PMULAB_HOST": host, "PMULAB_RESET_PORT": str(server.port)}
        assert run("pdc-reset", "--timeout", PATIENCE, env=env).status == 0
    result = run("pdc-reset", "--timeout", PATIENCE, "--tries", "1", "-H", "127.0.0.1", env=env)
    assert result.status == 1, "-H 127.0.0.1 is meant as it stands"


# Answers that are none


def test_a_late_answer_counts(pmu):
    """The answer to the first packet comes when the second one has left."""
    def script(packet):
        if packet.family == 6 and packet.number == 2:
            packet.reply(b"OFFSET=11")

    assert reset(pmu(script)).stdout.startswith(
        "OFFSET=11 over IPv6 after 4 packets (2 of them over IPv6)")


def test_what_is_too_late_for_a_run_is_not_taken_for_the_next(pmu):
    first = []

    def script(packet):
        if packet.family == 4:
            return
        if not first:
            first.append(packet)
            packet.reply(b"OFFSET=1")
        elif packet.sender != first[0].sender:
            first[0].reply(b"OFFSET=1")
            packet.reply(b"OFFSET=2")

    result = reset(pmu(script), "--runs", 2)
    assert [line.split()[-1] for line in result.lines] == ["OFFSET", "1", "2"]


def test_foreign_answers_are_ignored(pmu):
    stranger = open_socket(4, 0)

    def script(packet):
        if packet.family == 4:
            stranger.sendto(b"OFFSET=99", packet.sender)
            stranger.sendto(b"\x1b[2J", packet.sender)
            packet.reply(b"OFFSET=5")

    with stranger:
        server = pmu(script)
        result = reset(server)
        name = f"127.0.0.1:{stranger.getsockname()[1]}"
        assert result.stdout.startswith("OFFSET=5 over IPv4 after 2 packets")
        assert result.stderr.splitlines()[:2] == [
            f'ignored "OFFSET=99" from {name}, who was not asked',
            f'ignored "\\x1b[2J" from {name}, who was not asked']
        assert result.stderr.endswith(", ignored 2 datagrams of others\n")
        assert numbers(reset(server, "--json"))["foreign"] == 2


MALFORMED = [b"", b"OFFSET=21", b"OFFSET=-1", b"OFFSET=007", b"OFFSET", b"OFFSET=13\0",
             b"OFFSET=1" + b"0" * 60000, b"RESET:20", b"Wrong command!"]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_answers_are_ignored(pmu, text):
    def script(packet):
        if packet.family == 4:
            packet.reply(text)
            packet.reply(b"OFFSET=5")

    server = pmu(script)
    result = reset(server)
    assert result.stdout.startswith("OFFSET=5 over IPv4 after 2 packets")
    assert f"from 127.0.0.1:{server.port}, which is no OFFSET=X\n" in result.stderr
    assert result.stderr.endswith(", ignored 1 reply without an OFFSET\n")


def test_only_malformed_answers(pmu):
    result = reset(pmu(answer(b"OFFSET=X")), "--tries", 1)
    assert (result.status, result.stdout) == (3, "")
    assert result.stderr.splitlines()[-1] == "pdc-reset: no OFFSET after 1 try"


def test_many_malformed_answers(pmu):
    """They are counted, few are told, and they do not make it wait longer."""
    def script(packet):
        if packet.family == 4:
            for _ in range(100):
                packet.reply(b"rubbish")

    result = reset(pmu(script), "--tries", 2)
    assert result.status == 3
    assert len(result.stderr.splitlines()) == 7
    assert "more of these are only counted" in result.stderr
    assert ", ignored 200 replies without an OFFSET\n" in result.stderr


def test_refusal(pmu):
    """As the deployed servers answer to other numbers than 20."""
    result = reset(pmu(answer(b"Wrong command.")), "-n", 7)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.count('ignored "Wrong command." from ') == 3
    assert ", ignored 3 replies without an OFFSET\n" in result.stderr
    assert result.stderr.splitlines()[-1] == \
        'pdc-reset: the PMU refuses RESET:7: "Wrong command.", 3 times in a row'


def test_a_refusal_is_no_end(pmu):
    """Two, something else, two more: never three in a row."""
    said = [b"Wrong command.", b"Wrong command.", b"rubbish", b"Wrong command.", b"Wrong command.",
            b"OFFSET=5"]

    def script(packet):
        if packet.family == 4:
            for text in said:
                packet.reply(text)

    result = reset(pmu(script))
    assert (result.status, result.stdout.startswith("OFFSET=5 over IPv4 after 2 packets")) == (
        0, True)
    assert ", ignored 5 replies without an OFFSET\n" in result.stderr


# Nobody there


def test_nobody_listens(pmu):
    result = reset(pmu(answer(), families=[]))
    assert (result.status, result.stdout) == (1, "")
    assert "connection refused over IPv4" in result.stderr \
        and "connection refused over IPv6" in result.stderr
    assert "connection refused, 3 times in a row (is the lab running?" in \
        result.stderr.splitlines()[-1]


def test_given_up(pmu):
    result = reset(pmu(lambda packet: None), "--tries", 2)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "pdc-reset: no OFFSET after 2 tries"
    said = numbers(reset(pmu(lambda packet: None), "--tries", 1, "--json"))
    assert (said["packets"], said["error"]) == (2, "no OFFSET after 1 try")


def test_a_host_with_one_family(pmu):
    server = pmu(answer())
    assert "over IPv4 after 1 packet " in reset(server, "-H", "127.0.0.1").stdout
    assert "over IPv6 after 1 packet " in reset(server, "-H", "::1").stdout
    result = reset(server, "-6", "-H", "127.0.0.1")
    assert (result.status, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_the_server_changes_its_family(pmu):
    """What met a closed port before is no loss of the server's."""
    def script(packet):
        if packet.family == 4 and packet.number == 2:
            packet.pmu.sockets.pop(4).close()
            packet.pmu.open(6)
        elif packet.family == 6:
            packet.reply(b"OFFSET=3")

    said = numbers(reset(pmu(script, families=[4]), "--json"))
    assert (said["family"], said["error"]) == ("IPv6", None)
    # The second request over IPv6 may come before or after the change.
    assert said["family_packets"] - said["refused"] == 1
    assert said["refused"] in (1, 2)


# Several runs


def wilson(hits, tries):
    z = 1.959963984540054
    share = hits / tries
    middle = share + z * z / (2 * tries)
    width = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    return [(middle + sign * width) / (1 + z * z / tries) for sign in (-1, 1)]


def test_runs_json(pmu):
    """Loss is what the family that answers has lost; the other family's packets would hide it."""
    said = numbers(reset(pmu(answer(every=3, family=6)), "--json", "--runs", 3))
    low, high = wilson(6, 9)
    assert (said["runs"], said["answered"], said["packets"], said["family_packets"]) == (
        3, 3, 18, 9)
    assert (said["mean_packets"], said["mean_family_packets"]) == (6, 3)
    assert said["loss"] == pytest.approx(6 / 9, abs=0.001)
    assert [said["loss_low"], said["loss_high"]] == pytest.approx([low, high], abs=0.001)
    assert said["loss_of_all_packets"] == pytest.approx(1 - 3 / 18, abs=0.001)


def test_runs_table(pmu):
    result = reset(pmu(answer(every=2, family=4)), "--runs", 3)
    assert result.status == 0
    assert result.lines[0].split() == ["run", "date", "and", "time", "family", "packets", "over",
                                       "it", "OFFSET"]
    rows = [line.split() for line in result.lines[1:]]
    assert [(row[0], *row[4:]) for row in rows] == [(str(i), "IPv4", "4", "2", "13")
                                                    for i in (1, 2, 3)]
    low, high = wilson(3, 6)
    assert "3 runs answered: 4.00 packets a run on average, 2.00 of them over the family" in \
        result.stderr
    assert f"loss 0.50, 95 % interval {low:.2f} to {high:.2f}: 3 of the 6 packets" in result.stderr
    assert "All 12 packets together would say 0.75." in result.stderr
    assert "0.92 for 0.85" in result.stderr


def test_runs_without_loss(pmu):
    result = reset(pmu(answer()), "--runs", 4, "-6")
    low, high = wilson(0, 4)
    assert f"loss 0.00, 95 % interval 0.00 to {high:.2f}: 0 of the 4 packets" in result.stderr
    assert "together" not in result.stderr


def test_runs_with_both_families_served(pmu):
    """Where the other family answers as well, its packets hide nothing; an answer too late for its
    run shows it."""
    def taking_turns(packet):
        if (packet.number % 2 == 0) == (packet.family == 4):
            packet.reply(b"OFFSET=1")

    seen, late = {4: [], 6: []}, []

    def always_late(packet):  # over IPv6, each run's answer leaves in the next one
        seen[packet.family].append(packet)
        if not seen[4] or not seen[6]:
            return
        while late:
            late.pop().reply(b"OFFSET=2")
        late.append(seen[6].pop())
        seen[4].pop().reply(b"OFFSET=1")

    for script in taking_turns, always_late:
        result = reset(pmu(script), "--runs", 4)
        assert (result.status, "4 runs answered" in result.stderr) == (0, True)
        assert "together" not in result.stderr
    assert [line.split()[4] for line in result.lines[1:]] == ["IPv4"] * 4


def test_a_run_without_an_answer(pmu):
    """The others go on."""
    server = pmu(lambda packet: packet.number == 1 or packet.reply(b"OFFSET=1"))
    result = reset(server, "--runs", 3, "--tries", 1)
    assert result.status == 1
    assert [line.split()[4] for line in result.lines[1:]] == [
        "none", *[line.split()[4] for line in result.lines[2:]]]
    assert result.stderr.splitlines()[-1] == "pdc-reset: no OFFSET in 1 of 3 runs"


@pytest.mark.parametrize("arguments", [
    ["rubbish"], ["-p", "0"], ["-n", "-1"], ["-n", "86401"], ["-n", "x"], ["--tries", "0"],
    ["--runs", "0"], ["--timeout", "soon"], ["--timeout", "0"], ["--timeout", "0.000001"],
    ["--timeout", "9ms"], ["--frobnicate"]])
def test_usage(arguments):
    result = run("pdc-reset", *arguments)
    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("pdc-reset: ")
