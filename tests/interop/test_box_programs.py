"""Parts 1 to 6 as they are handed in: `pmulab run python3 x.py`, with the lab's names and ports
written into the program.

The programs in programs/handed_in/ take no host and no port. Each runs as it is, in a folder of its
user's, and what it prints is held against what the journal says. Where a part has two programs they
share a box, with bash as the command: the server's lines go to stderr, so the two can be told
apart.
"""
import re
import shutil
import signal
import subprocess

import pytest

from support.box import box, events
from support.lab import DEADLINE, ROOT
from support.students import ENVIRONMENT, INTEROP, PROGRAMS, PYTHON, interpreter

LAB = {4: "198.51.100.1", 6: "2001:db8::1"}
MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]
FLOOD = (ROOT / "profiles/hamlet.txt").read_text()
FLOODED = (FLOOD * (57344 // len(FLOOD) + 1))[:57344]
OFFSET = r"OFFSET=(?:[0-9]|1[0-9]|20)"

# How to build a program of part 2 that no interpreter runs. It is built only where the machine has
# the compiler.
COMPILERS = {
    "C": ("gcc", "-o", "{made}", "Part2_123456_234567.c"),
    "C with musl": ("musl-gcc", "-o", "{made}", "Part2_123456_234567.c"),
    "Go": ("go", "build", "-o", "{made}", "Part2_123456_234567.go"),
}
PART2 = {
    "Python": "Part2_123456_234567.py",
    "Node": "Part2_123456_234567.js",
    **({"Java": "Part2.java"} if shutil.which("java") else {}),
    **{name: command for name, command in COMPILERS.items() if shutil.which(command[0])},
}


class Student:
    """Somebody with the programs in a folder of their own, and the journal of their last run."""

    def __init__(self, user, spawn_box):
        self.user, self._spawn_box = user, spawn_box
        self.folder = user.folder()
        for file in (PROGRAMS / "handed_in").iterdir():
            shutil.copy(file, self.folder)
        shutil.copy(INTEROP / "announce.py", self.folder)
        self._options = ("--events", self.folder / "lab.ndjson")

    def run(self, *command, options=(), env=None):
        """`pmulab run OPTIONS -- COMMAND` to its end."""
        # The deadline is long because COMMAND may be a compiler.
        return box(*self._options, *options, "--", *command, user=self.user, cwd=self.folder,
                   timeout=4 * DEADLINE, env={**ENVIRONMENT, **(env or {})})

    def program(self, file, *args, options=()):
        return self.run(interpreter(file), file, *args, options=options)

    def watch(self, *command, options=()):
        """The same as a Program that stays."""
        return self._spawn_box(*self._options, *options, "--", *command, user=self.user,
                               cwd=self.folder, env=ENVIRONMENT)

    def told(self, event, **fields):
        return [line for line in events(self.folder / "lab.ndjson")
                if line["event"] == event
                and all(line.get(name) == value for name, value in fields.items())]

    def told_once(self, event, **fields):
        found = self.told(event, **fields)
        assert len(found) == 1, found
        return found[0]

    def met_nobody(self):
        """No connection and no datagram has come to the lab."""
        totals = self.told_once("stop")["endpoints"]
        return not any(sums.get(name) for sums in totals.values()
                       for name in ("connections", "received", "heard"))


@pytest.fixture
def handed_in(user, spawn_box):
    return Student(user, spawn_box)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled("Go"): the program, made once."""
    made = {}

    def make(name):
        if name not in made:
            path = made[name] = tmp_path_factory.mktemp("compiled") / "part2"
            command = [word.format(made=path) for word in PART2[name]]
            subprocess.run(command, cwd=PROGRAMS / "handed_in", check=True, timeout=300)
        return made[name]

    return make


# Part 1: own servers at localhost, which stays the command's own


def test_codes_a_and_b(handed_in):
    shell = handed_in.watch("bash")
    shell.write(f"{PYTHON} announce.py code_b.py >&2 &\n")
    assert shell.error_line() == "listening on 0.0.0.0 5001"
    shell.write(f"{PYTHON} code_a.py\n")
    assert shell.line() == "Message sent"
    assert shell.error_line() == "Received data:  Hello, Romeo "
    assert re.fullmatch(r"From Address:  \('127\.0\.0\.1', [0-9]+\)", shell.error_line())
    assert shell.finish().status == 0  # and code B has ended with it
    assert handed_in.met_nobody()


def test_codes_c_and_d(handed_in):
    shell = handed_in.watch("bash")
    shell.write(f"{PYTHON} announce.py code_c.py >&2 &\n")
    assert shell.error_line() == "listening on 127.0.0.1 5002"
    shell.write(f"{PYTHON} code_d.py &\n")
    assert shell.line() == "sending: O Romeo, Romeo! wherefore art thou Romeo?"
    pieces = ["received: O Romeo, Romeo! ", "received: wherefore art th", "received: ou Romeo?"]
    assert [shell.error_line() for _ in pieces] == pieces
    read_echo(shell)
    shell.write("kill %2\n")
    assert shell.error_line() == "received: "
    assert shell.error_line().startswith("No more data from ('127.0.0.1', ")
    assert shell.finish().status == 0
    assert handed_in.met_nobody()


def read_echo(client):
    echo = ""
    while len(echo) < 41:
        echo += client.line().removeprefix("received: ")
    assert echo == "O Romeo, Romeo! wherefore art thou Romeo?"


# Codes A and D alone: the emulator is at the command's localhost too

LOCAL = ("--local", "udp-print", "--local", "echo")


def test_code_a_alone(handed_in):
    result = handed_in.program("code_a.py", options=LOCAL)
    assert (result.status, result.stdout, result.stderr) == (0, "Message sent\n", "")
    printed = handed_in.told_once("print")
    assert printed["text"] == "Hello, Romeo "
    assert printed["peer"].startswith("127.0.0.1:")


def test_what_is_said_last_is_heard(handed_in):
    """A client that sends and ends at once, as code A does, and less than a socket holds."""
    many = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" \
           "for i in range(200): s.sendto(b'x', ('localhost', 5001))"
    assert handed_in.run(PYTHON, "-c", many, options=LOCAL).status == 0
    totals = handed_in.told_once("stop")["endpoints"]["udp-print@localhost"]
    assert totals["received"] == 200


def test_code_d_alone(handed_in):
    client = handed_in.watch(PYTHON, "code_d.py", options=LOCAL)
    assert client.line() == "sending: O Romeo, Romeo! wherefore art thou Romeo?"
    read_echo(client)
    client.signal(signal.SIGTERM)  # it never ends by itself
    assert client.finish().status == 128 + signal.SIGTERM
    assert handed_in.told_once("open")["local"] == "127.0.0.1:5002"
    closed = handed_in.told_once("close", endpoint="echo")
    assert (closed["first"], closed["bytes_in"], closed["bytes_out"]) == ("peer", 41, 41)


def test_code_a_and_code_d_without_a_server(handed_in):
    """As on any machine: a datagram to nobody is no error, a connection to nobody is refused."""
    assert handed_in.program("code_a.py").stdout == "Message sent\n"
    refused = handed_in.program("code_d.py")
    assert refused.status == 1
    assert "ConnectionRefusedError" in refused.stderr
    assert handed_in.met_nobody()


# Part 2


def part2(handed_in, compiled, language, *args, **more):
    if isinstance(PART2[language], str):
        return handed_in.program(PART2[language], *args, **more)
    shutil.copy(compiled(language), handed_in.folder)
    return handed_in.run("./part2", *args, **more)


@pytest.mark.parametrize("language", PART2)
def test_part_2_messages(handed_in, compiled, language):
    result = part2(handed_in, compiled, language, "CMD_short:0")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == MESSAGES
    opened, closed = handed_in.told_once("open"), handed_in.told_once("close")
    assert (opened["endpoint"], opened["local"]) == ("pmu", f"{LAB[4]}:5003")
    assert (closed["first"], closed["command"], closed["messages"], closed["segments_out"]) == (
        "server", "CMD_short:0", 20, 2)


@pytest.mark.parametrize("language", PART2)
def test_part_2_flood(handed_in, compiled, language):
    result = part2(handed_in, compiled, language, "CMD_floodme")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.strip() == FLOODED.strip()
    closed = handed_in.told_once("close")
    assert (closed["messages"], closed["bytes_out"], closed["segments_out"]) == (1, 57344, 40)


def test_part_2_one_by_one(handed_in):
    result = handed_in.program(PART2["Python"], "CMD_short:1", options=("--set", "pmu.speed=20"))
    assert (result.status, result.lines) == (0, MESSAGES)
    assert handed_in.told_once("close")["segments_out"] == 20


if "Go" in PART2:
    @pytest.mark.parametrize("way", ["go", "cgo"])
    def test_part_2_both_resolvers_of_go(handed_in, compiled, way):
        shutil.copy(compiled("Go"), handed_in.folder)
        assert handed_in.run("./part2", "CMD_short:0",
                             env={"GODEBUG": f"netdns={way}"}).lines == MESSAGES


# Part 3: the first datagram of the family that is served is lost


def lossy(family):
    return "--set", f"reset.family={family}", "--set", "reset.loss=first:1"


@pytest.mark.parametrize("family", [4, 6])
def test_part_3_both_families_at_once(handed_in, family):
    result = handed_in.program("Part3_123456_234567.py", options=lossy(family))
    assert (result.status, result.stderr) == (0, "")
    said = re.fullmatch(rf"timeout\n({OFFSET}) over IPv{family} from {LAB[family]} after 2\n",
                        result.stdout)
    assert said, result.stdout
    assert [request["n"] for request in handed_in.told("receive", family=family)] == [1, 2]
    assert handed_in.told_once("drop", endpoint="reset")["n"] == 1
    assert handed_in.told_once("reply")["text"] == said[1]


@pytest.mark.parametrize("family, said", [
    (4, ["timeout at 198.51.100.1", "nobody at 2001:db8::1", "{} from 198.51.100.1"]),
    (6, ["nobody at 198.51.100.1", "timeout at 2001:db8::1", "nobody at 198.51.100.1",
         "{} from 2001:db8::1"]),
])
def test_part_3_every_address_of_the_name(handed_in, family, said):
    result = handed_in.program("Part3_234567_345678.py", options=lossy(family))
    assert (result.status, result.stderr) == (0, "")
    assert re.fullmatch("2 addresses\n" + "\n".join(said).format(OFFSET) + "\n", result.stdout), \
        result.stdout
    assert {request["family"] for request in handed_in.told("receive")} == {family}
    assert handed_in.told_once("reply")["text"] in result.stdout


# Part 4


def test_part_4_receiver_and_sender(handed_in):
    shell = handed_in.watch("bash", options=("--set", "tv.interval=50ms"))
    shell.write(f"{PYTHON} Part4_Receiver_123456_234567.py >&2 &\n")
    assert shell.error_line().startswith("swcmTV ")  # it has joined, and hears the station
    shell.write(f"{PYTHON} Part4_Sender_123456_234567.py <<'END'\n" + f"{'To be. ' * 10}\n" * 6
                + "END\necho said\n")
    assert shell.line() == "said"
    heard = [shell.error_line()]
    while not heard[-1].startswith("swcmTV @123456:"):
        heard.append(shell.error_line())
    assert shell.finish().status == 0

    assert "123456 " + "To be. " * 10 in heard  # it hears itself too
    assert [line["total"] for line in handed_in.told("participant", id="123456")] == [
        70, 140, 210, 280, 350, 420]
    answer = handed_in.told_once("answer")
    assert heard[-1] == "swcmTV " + answer["text"]
    assert handed_in.told_once("participant", total=350)["seq"] < answer["seq"]
    assert handed_in.told_once("participant", total=280)["peer"] == answer["peer"]
    assert answer["peer"].startswith("198.51.100.2:")


# Part 5


@pytest.mark.parametrize("program", ["Part5_123456_234567.py", "Part5_123456_234567.js"])
@pytest.mark.parametrize("command, said, messages", [
    ("CMD_short:0", "\n".join(MESSAGES), 20),
    ("CMD_floodme", FLOODED, 1),
], ids=["short", "flood"])
def test_part_5(handed_in, program, command, said, messages):
    result = handed_in.program(program, command)
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == f"{said}\non_message: {messages}\n"
    closed = handed_in.told_once("close")
    assert (closed["endpoint"], closed["first"], closed["messages"], closed["ws_close_code"]) == (
        "pmu-ws", "server", messages, 1000)
    assert handed_in.told_once("open")["local"] == f"{LAB[4]}:5006"


# Part 6


def test_part_6_own_server_and_client(handed_in):
    """The certificate that the TAs would have sent is here the lab's own."""
    shell = handed_in.watch("bash")
    shell.write('state=$(dirname "$PMULAB_CA_FILE"); cp "$PMULAB_CA_FILE" cacert.pem\n'
                'cp "$state/cert.pem" 123456_cert.pem; cp "$state/key.pem" 123456_key.pem\n'
                f"{PYTHON} announce.py Part6_PMU_123456_234567.py >&2 &\n")
    assert shell.error_line() == "listening on 127.0.0.1 5003"
    shell.write(f"{PYTHON} Part6_PDC_123456_234567.py\n")
    assert [shell.line() for _ in range(10)] == MESSAGES[:10]
    assert shell.error_line() == "received CMD_short:0 from 127.0.0.1"
    assert shell.finish().status == 0
    assert handed_in.met_nobody()


def test_part_6_client_alone(handed_in):
    assert handed_in.run("bash", "-c", 'cp "$PMULAB_CA_FILE" cacert.pem').status == 0
    result = handed_in.program("Part6_PDC_123456_234567.py", options=("--local", "pmu-tls:5003"))
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == MESSAGES
    opened, closed = handed_in.told_once("open"), handed_in.told_once("close")
    assert (opened["endpoint"], opened["local"]) == ("pmu-tls", "127.0.0.1:5003")
    assert (closed["command"], closed["messages"]) == ("CMD_short:0", 20)
    assert handed_in.told_once("handshake")["tls_version"] == "TLSv1.3"


def test_part_6_client_without_a_server(handed_in):
    """The PMU of part 2 has the same port, and is another host."""
    assert handed_in.run("bash", "-c", 'cp "$PMULAB_CA_FILE" cacert.pem').status == 0
    result = handed_in.program("Part6_PDC_123456_234567.py")
    assert result.status == 1
    assert "ConnectionRefusedError" in result.stderr
    assert handed_in.met_nobody()


# Side by side


def test_programs_side_by_side_have_numbers_of_their_own(user, spawn_box):
    """Java names a file in /tmp by its process's number, and complains on stdout where somebody
    else has it."""
    boxes = [spawn_box("sh", "-c", "echo $$; sh -c 'echo $$; read line'", user=user)
             for _ in range(4)]
    numbers = [box.line() for box in boxes for _ in range(2)]
    assert len(set(numbers)) == len(numbers)
