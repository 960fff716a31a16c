"""pdc, part 2 of the lab: against the emulator, and against PMUs that do as they like."""
import json
import os
import pty
import random
import re
import socket
import subprocess
import threading

import pytest

from support.lab import DEADLINE, environment, program, run
from support.script import read_to_end, reset

COMMAND = "CMD_short:0"


def messages(count, first=1):
    return [f"This is PMU data {i}" for i in range(first, first + count)]


def pieces_of(stream, size):
    return [stream[i:i + size] for i in range(0, len(stream), size)]


def answer(*pieces, end=lambda connection: None):
    """A script: reads the command, sends each piece, ends. It returns the command."""

    def script(connection):
        command = connection.recv(100).decode()
        for piece in pieces:
            connection.sendall(piece.encode())
        end(connection)
        return command

    return script


class Steps:
    """A script that waits for the test before each piece: steps.go() lets it send the next one."""

    def __init__(self, *pieces):
        self._pieces = pieces
        self._turn = threading.Semaphore(0)

    def go(self):
        self._turn.release()

    def __call__(self, connection):
        connection.recv(100)
        for piece in self._pieces:
            assert self._turn.acquire(timeout=DEADLINE), "the test has not asked for the next piece"
            connection.sendall(piece.encode())


# Each message on its own line, however the stream is cut


@pytest.mark.parametrize("first", [0, 1, 7, 99])
@pytest.mark.parametrize("size", [1, 2, 7, 17, 18, 19, 40, 1000])
def test_any_cut_and_any_first_number(serve, first, size):
    lines = messages(12, first)
    server = serve(answer(*pieces_of("".join(lines), size)))
    result = run("pdc", "-p", server.port, COMMAND)
    assert (result.status, result.lines) == (0, lines)
    assert result.stderr.startswith(f"12 messages, {sum(map(len, lines))} bytes, ")
    assert server.finish() == COMMAND


@pytest.mark.parametrize("size", [1, 2, 16, 17, 19, 100])
def test_any_receive_buffer(serve, size):
    stream = "".join(messages(12))
    result = run("pdc", "-b", size, "-p", serve(answer(stream)).port, COMMAND)
    assert (result.status, result.lines) == (0, messages(12))
    calls = int(re.search(rf"(\d+) recv\(\) calls of up to {size},", result.stderr)[1])
    assert calls >= -(-len(stream) // size) + 1


@pytest.mark.parametrize("count", [1, 2, 9, 10, 100, 1001])
def test_any_number_of_messages(serve, count):
    result = run("pdc", "-p", serve(answer("".join(messages(count)))).port, COMMAND)
    assert (result.status, result.lines) == (0, messages(count))


def test_a_line_is_complete_the_moment_its_message_is(serve, spawn):
    """After the first one each message's end is known: nothing waits for the next to begin."""
    steps = Steps("This is PMU data 9", "This is PMU data 1", "0This is",
                  " PMU data 11This is PMU data 12")
    client = spawn("pdc", "-p", serve(steps).port, COMMAND)
    for lines in [], ["This is PMU data 9"], ["This is PMU data 10"], messages(2, 11):
        steps.go()
        assert [client.line() for _ in lines] == lines
    assert client.finish().status == 0


def test_the_first_message_is_complete_at_once_when_it_is_number_0(serve, spawn):
    steps = Steps("This is PMU data 0", "This is PMU data 1")
    client = spawn("pdc", "-p", serve(steps).port, COMMAND)
    for line in messages(2, 0):
        steps.go()
        assert client.line() == line
    assert client.finish().status == 0


def test_parts_of_messages_are_shown_as_they_arrive(serve):
    """A first message waits for nothing but the end of its line."""
    cuts = ["This is ", "PMU data 4", "2", "This", " is PMU data 43"]
    seen = ["This is ", "PMU data 4", "2", "\nThis", " is PMU data 43\n"]
    steps = Steps(*cuts)
    client = subprocess.Popen([program("pdc"), "-p", str(serve(steps).port), COMMAND],
                              env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with client:
        for expected in seen:
            steps.go()
            assert os.read(client.stdout.fileno(), 100).decode() == expected
        assert client.wait(DEADLINE) == 0


def test_the_flood_is_shown_as_it_is(serve):
    flood = "ACT I\n\nThis is PMU data 7This is no PMU data\n" + "Who's there? " * 5000
    result = run("pdc", "-p", serve(answer(flood)).port, "CMD_floodme")
    assert (result.status, result.stdout) == (0, flood)
    assert re.fullmatch(
        rf"{len(flood)} bytes, \d+ recv\(\) calls of up to 4096, \d+ data segments\n",
        result.stderr)


@pytest.mark.parametrize("flood", ["E", "ERROR", "ERR or not"])
def test_a_flood_may_begin_like_a_refusal(serve, flood):
    result = run("pdc", "-p", serve(answer(*flood)).port, "CMD_floodme")
    assert (result.status, result.stdout) == (0, flood)


def test_prints_nothing_that_it_did_not_receive(serve):
    """Streams that are right, cut, changed in one place or rubbish: what is shown is a beginning of
    what was sent."""
    chance = random.Random(4711)
    streams = []
    for _ in range(12):
        good = "".join(messages(chance.randint(1, 30), chance.choice([0, 1, 5, 98])))
        at = chance.randrange(len(good))
        changed = good[:at] + chance.choice("T9 x\n") + good[at + 1:]
        streams += [good, good[:at], changed, "".join(chance.choices("This 01\n", k=40))]

    script = iter([answer(*pieces_of(stream, chance.randint(1, 50)))
                   for stream in streams if stream])
    server = serve(lambda connection: next(script)(swallowing(connection)),
                   clients=sum(map(bool, streams)))
    for stream in filter(None, streams):
        result = run("pdc", "-p", server.port, COMMAND)
        shown = result.stdout.replace("\n", "")
        assert stream.replace("\n", "").startswith(shown)
        whole = re.fullmatch(r"(This is PMU data \d+)+", stream) \
            and result.lines == re.findall(r"This[^T]*", stream)
        assert result.status in (0, 3)
        assert (result.status == 0) <= bool(whole), stream


def swallowing(connection):
    """pdc goes when it has seen enough, perhaps before all is sent."""

    class Swallowing:
        recv = connection.recv

        def sendall(self, data):
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass

    return Swallowing()


# The numbers


def test_numbers_of_messages_at_once(lab):
    result = run("pdc", COMMAND, lab=lab)
    assert (result.status, result.lines) == (0, messages(20))
    assert re.fullmatch(
        r"20 messages, 371 bytes, [2-9] recv\(\) calls of up to 4096, 2 data segments\n",
        result.stderr)


def test_numbers_with_a_small_buffer(lab):
    result = run("pdc", "-b", "16", COMMAND, lab=lab)
    calls, segments = map(int, re.fullmatch(
        r"20 messages, 371 bytes, (\d+) recv\(\) calls of up to 16, (\d+) data segments\n",
        result.stderr).groups())
    assert calls >= 25  # 371 / 16, and the one that tells the end
    assert segments == 2


def test_numbers_of_messages_one_by_one(start_lab):
    lab = start_lab("--set", "pmu.speed=10", "--set", "pmu.messages=4")
    result = run("pdc", "CMD_short:1", lab=lab)
    assert result.lines == messages(4)
    assert result.stderr == "4 messages, 72 bytes, 5 recv() calls of up to 4096, 4 data segments\n"


def test_numbers_of_the_flood(lab):
    result = run("pdc", "-b", "1000", "CMD_floodme", lab=lab)
    assert (result.status, len(result.stdout)) == (0, 57344)
    calls, segments = map(int, re.fullmatch(
        r"57344 bytes, (\d+) recv\(\) calls of up to 1000, (\d+) data segments\n",
        result.stderr).groups())
    assert calls >= 59
    assert segments == 40


def test_json(lab):
    result = run("pdc", "--json", "-4", COMMAND, lab=lab)
    assert (result.status, result.stderr) == (0, "")
    numbers = json.loads(result.stdout)
    assert numbers.pop("recv_calls") >= 2
    assert 0 <= numbers.pop("seconds") < DEADLINE
    assert numbers == {"command": COMMAND, "peer": f"127.0.0.1:{lab.port('pmu')}", "messages": 20,
                       "bytes": 371, "buffer": 4096, "segments": 2, "ended": "closed",
                       "error": None}


def test_json_of_a_failure(lab):
    result = run("pdc", "--json", "CMD_shrot:0", lab=lab)
    assert result.status == 1
    numbers = json.loads(result.stdout)
    assert numbers["ended"] == "refused"
    assert numbers["error"].startswith("ERROR expected CMD_short:<seconds> or CMD_floodme")
    assert result.stderr == f"pdc: {numbers['error']}\n"


# What goes wrong, and the exit status


def test_refusal(lab):
    result = run("pdc", "CMD_shrot:0", lab=lab)
    assert (result.status, result.stdout) == (1, "")
    said = 'pdc: ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_shrot:0"'
    assert result.stderr.splitlines()[-1] == said


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_refusal_in_pieces(serve, size):
    refusal = "ERROR 1 \x1b[2J\x07 no such thing\nand more\n"
    result = run("pdc", "-p", serve(answer(*pieces_of(refusal, size))).port, COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "pdc: ERROR 1 ?[2J? no such thing"


@pytest.mark.parametrize("stream, shown, seen", [
    ("", [], "closed without an answer"),
    ("HTTP/1.1 400 Bad Request\r\n\r\n", [],
     r'no PMU message, or was cut: "HTTP/1.1 400 Bad Request\r\n\r\n"'),
    ("This is PMU data ", ["This is PMU data "], 'or was cut: "This is PMU data "'),
    ("This is PMU data 1This is PMU da", ["This is PMU data 1", "This is PMU da"],
     'was cut: "This is PMU da"'),
    ("This is PMU data 9This is PMU data 1", ["This is PMU data 9", "This is PMU data 1"],
     '"This is PMU data 1"'),
    ("This is PMU data 1This is PMU data 3", ["This is PMU data 1"], '"This is PMU data 3"'),
    ("This is PMU data 1\nThis is PMU data 2\n", [], '"This is PMU data 1\\n'),
    ("This is PMU data -1", [], '"This is PMU data -1"'),
    ("\x00\x1b[31m", [], r'"\x00\x1b[31m"'),
])
def test_what_is_no_answer(serve, stream, shown, seen):
    """Exit status 3. What had been received well before is shown."""
    server = serve(answer(stream))
    result = run("pdc", "-p", server.port, COMMAND)
    assert (result.status, result.lines) == (3, shown)
    said = result.stderr.splitlines()[-1]
    assert said.startswith(f"pdc: 127.0.0.1:{server.port}: ")
    assert seen in said


def test_reset(serve, spawn):
    turn = threading.Event()

    def script(connection):
        connection.recv(100)
        connection.sendall(b"This is PMU data 0")
        assert turn.wait(DEADLINE)
        reset(connection)

    client = spawn("pdc", "-p", serve(script).port, COMMAND)
    assert client.line() == "This is PMU data 0"
    turn.set()
    result = client.finish()
    assert result.status == 1
    assert result.stderr.splitlines()[-1].endswith(": Connection reset by peer")


def test_connection_refused(closed_port):
    result = run("pdc", "-H", "127.0.0.1", "-p", closed_port, COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(
        f"pdc: 127.0.0.1:{closed_port}: connection refused (is the lab running?")


def test_unknown_host():
    result = run("pdc", "-H", "no-such-host.invalid", "-p", "1", COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith("pdc: no-such-host.invalid")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments, said", [
    ([], "one COMMAND is needed"),
    ([""], "one COMMAND is needed"),
    ([COMMAND, "CMD_floodme"], "one COMMAND is needed"),
    (["--prot", "1", COMMAND], "did you mean --port?"),
    (["-p", "0", COMMAND], "--port"),
    (["-p", "65536", COMMAND], "--port"),
    (["-p", "5003x", COMMAND], "--port"),
    (["-b", "0", COMMAND], "--buffer"),
    (["-b"], "-b"),
    (["--timeout", "soon", COMMAND], "--timeout"),
])
def test_usage(arguments, said):
    result = run("pdc", *arguments)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("pdc: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_silence(serve):
    result = run("pdc", "--timeout", "0.1", "-p", serve(answer(end=read_to_end)).port, COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].endswith(": nothing came for 0.1 s")


def test_a_pmu_that_never_closes(serve):
    """All messages have come, but only the end of the stream would tell: Q12."""
    result = run("pdc", "-t", "100ms", "-p",
                 serve(answer("".join(messages(3)), end=read_to_end)).port, COMMAND)
    assert (result.status, result.lines) == (1, messages(3))
    assert result.stderr.startswith("3 messages, 54 bytes")
    assert result.stderr.splitlines()[-1].endswith(": nothing came for 0.1 s")


def test_the_interval_counts_for_the_timeout(start_lab, spawn):
    """Without --timeout, d may be longer than the patience otherwise is."""
    lab = start_lab("--set", "pmu.first=0", "--set", "shutdown.grace=0.1s")
    client = spawn("pdc", "CMD_short:3600", lab=lab)
    assert client.line() == "This is PMU data 0"
    assert client.process.poll() is None


# Stdout


def endless(connection):
    connection.recv(100)
    try:
        for i in range(1_000_000):
            connection.sendall(f"This is PMU data {i}".encode())
    except (BrokenPipeError, ConnectionResetError):
        return "the client has gone"


def test_head_has_seen_enough(serve):
    server = serve(endless)
    script = '"$0" -p "$1" CMD_short:0 | head -n 1; echo "${PIPESTATUS[0]}"'
    shell = subprocess.run(["bash", "-c", script, program("pdc"), str(server.port)],
                           env=environment(), timeout=DEADLINE, capture_output=True, text=True)
    assert shell.stdout == "This is PMU data 0\n0\n"
    assert "pipe" not in shell.stderr.lower()
    assert server.finish() == "the client has gone"


def test_a_full_disk_is_noticed(serve):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("pdc"), "-p", str(serve(endless).port), COMMAND],
                              env=environment(), stdout=full, stderr=subprocess.PIPE,
                              timeout=DEADLINE, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "pdc: stdout: No space left on device"


# Where the PMU is


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("option, host", [("-4", "127.0.0.1"), ("-6", "::1")])
def test_one_family(lab, option, host):
    """An address of the other one, or a name that has only such, cannot be connected to."""
    result = run("pdc", "--json", option, "-H", host, "-p", lab.port("pmu"), COMMAND)
    assert result.status == 0
    name = f"[{host}]" if ":" in host else host
    assert json.loads(result.stdout)["peer"] == f"{name}:{lab.port('pmu')}"

    other = "127.0.0.1" if ":" in host else "::1"
    result = run("pdc", option, "-H", other, "-p", lab.port("pmu"), COMMAND)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith(
        f"pdc: {other if '.' in other else '[::1]'}:{lab.port('pmu')}: ")


def test_the_next_address_is_tried(start_lab):
    """localhost may be ::1 first; a lab on 127.0.0.1 alone is found all the same."""
    lab = start_lab("--bind", "127.0.0.1")
    assert run("pdc", "-H", "localhost", "-p", lab.port("pmu"), COMMAND).status == 0


def test_environment(lab, closed_port):
    there = {"PMULAB_HOST": "127.0.0.1", "PMULAB_PMU_PORT": str(lab.port("pmu"))}
    nowhere = {"PMULAB_HOST": "no-such-host.invalid", "PMULAB_PMU_PORT": str(closed_port)}
    options = ["-H", "127.0.0.1", "-p", lab.port("pmu")]
    assert run("pdc", COMMAND, env=there).status == 0
    assert run("pdc", COMMAND, env=nowhere).status == 1
    assert run("pdc", *options, COMMAND, env=nowhere).status == 0

    result = run("pdc", COMMAND, env={"PMULAB_PMU_PORT": "http"})
    assert result.status == 2
    assert "PMULAB_PMU_PORT" in result.stderr


# Terminals


UNCHECKED = "Élan ♥ 🙂\tx\n".encode() + b"\x1b[2J\x07\r\x7f\xc2\x9b1m\x9b2m\xe2A\x9b\xff\n"
ESCAPED = "Élan ♥ 🙂\tx\n".encode() + rb"\x1b[2J\x07\x0d\x7f" + b"\xc2" + rb"\x9b1m\x9b2m" \
    + b"\xe2A" + rb"\x9b" + b"\xff\n"


def on_a_terminal(*args):
    """What a client prints when its stdout is a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen([program(args[0]), *map(str, args[1:])], stdin=subprocess.DEVNULL,
                          stdout=slave, stderr=subprocess.PIPE, env=environment()) as client:
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 4096):
                shown += piece
        except OSError:  # EIO: the terminal's other end is closed
            pass
        os.close(master)
        client.communicate(timeout=DEADLINE)
    return shown.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("command", ["CMD_floodme", "CMD_unknown"])
@pytest.mark.parametrize("cuts", [[len(UNCHECKED)], range(1, len(UNCHECKED) + 1)],
                         ids=["whole", "bytes"])
def test_a_terminal_does_not_obey_the_peer(serve, command, cuts):
    def script(connection):
        connection.recv(100)
        done = 0
        for cut in cuts:
            connection.sendall(UNCHECKED[done:cut])
            done = cut

    server = serve(script, clients=2)
    assert on_a_terminal("pdc", "-p", server.port, command) == ESCAPED
    done = subprocess.run([program("pdc"), "-p", str(server.port), command], capture_output=True,
                          timeout=DEADLINE, env=environment())
    assert done.stdout == UNCHECKED, "into a file as it is"
