"""`pmulab run --summary`: what stands on stderr behind the program's own words."""
import collections
import shlex
import subprocess
import sys

import pytest

from support.datagrams import needs_ipv6, settings
from support.lab import ROOT, program, run

Summary = collections.namedtuple("Summary", "result rows wrong clean")

HEAD = "pmulab: what happened"
# What the programs below begin with.
BEGIN = f"""
import os, socket, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
HOST = os.environ["PMULAB_HOST"]
def port(endpoint):
    return int(os.environ["PMULAB_" + endpoint.upper().replace("-", "_") + "_PORT"])
def connect(endpoint):
    return socket.create_connection((HOST, port(endpoint)), 10)
def read_all(peer):
    return b"".join(iter(lambda: peer.recv(65536), b""))
"""


def sh(name):
    """A program as a shell's word: its path may have blanks."""
    return shlex.quote(program(name))


@pytest.fixture
def summary(state_directory):
    """summary(command, options=()): runs it in a lab on loopback; a row is what stands behind its
    label, in one line."""

    def call(command, options=()):
        result = run("pmulab", "run", "--loopback", "--summary", "-q", *options, "--", *command,
                     env={"XDG_STATE_HOME": str(state_directory)})
        assert result.stderr.count(HEAD) == 1, result
        lines = result.stderr[result.stderr.index(HEAD):].splitlines()[1:]
        rows, label = collections.defaultdict(list), None
        for line in lines:
            if not line.startswith("  "):  # pmulab's own last words
                break
            label = line[2:12].strip() or label
            if line[2:12].strip() or (label in ("wrong", "lab") and is_fault(line[12:])):
                rows[label].append(line[12:])
            else:
                rows[label][-1] += " " + line[12:]
        clean = "  the lab saw nothing wrong; it does not see what is printed" in lines
        rows.pop("the lab sa", None)
        return Summary(result, rows, rows["wrong"], clean)

    return call


def is_fault(text):
    """Or does it go on with the one above?"""
    return text.split(":")[0] in ("udp-print", "echo", "pmu", "reset", "tv", "pmu-ws", "pmu-tls",
                                  "pmu-wss")


def python(text):
    return [sys.executable, "-c", BEGIN + text]


def test_it_stands_behind_all_that_the_program_says(summary):
    result = summary(["sh", "-c", "echo one >&2; echo two; echo three >&2; exit 7"]).result
    assert result.status == 7
    assert result.stdout == "two\n"
    assert result.stderr.startswith("one\nthree\n" + HEAD + "\n")


def test_only_where_it_was_asked_for(state_directory):
    result = run("pmulab", "run", "--loopback", "--", program("pdc"), "CMD_short:0",
                 env={"XDG_STATE_HOME": str(state_directory)})
    assert result.status == 0 and HEAD not in result.stderr


def test_nothing_met(summary):
    seen = summary(["true"])
    assert seen.rows["met"][0].startswith(
        "nothing: the program ended before it connected or sent anything")
    assert not seen.clean and not seen.wrong and "unmet" not in seen.rows


def test_behind_the_text_of_verbose(state_directory):
    """Both write to the same place, from threads of their own."""
    result = run("pmulab", "run", "--loopback", "--summary", "-v", "--", program("pdc"),
                 "CMD_short:0", env={"XDG_STATE_HOME": str(state_directory)})
    said = result.stderr[:result.stderr.index(HEAD)]
    assert "closed" in said and "stopped" in said


# How the program ended


@pytest.mark.parametrize("end, row", [
    ("sys.exit(3)", "ended with status 3 after 0."),
    ("os.kill(os.getpid(), 11)", "was killed (Segmentation fault) after 0."),
    ("os.abort()", "was killed (Aborted) after 0."),
])
def test_how_it_ended(summary, end, row):
    assert summary(python(end)).rows["program"][0].startswith(row)


@pytest.mark.alone  # the loop needs a core to be seen as busy
def test_a_program_that_loops_behind_its_end(summary):
    """A client of part 2 that has all messages and does not see that this was the end."""
    seen = summary(python("""
peer = connect("pmu")
peer.sendall(b"CMD_short:0")
read_all(peer)
while True:
    peer.recv(100)
"""), ["--timeout", "2s"])
    row = seen.rows["program"][0]
    assert row.startswith("did not end: stopped by --timeout after 2."), row
    assert " s after the lab last heard of it; it was busy for " in row, row


def test_a_program_that_waits_for_what_does_not_come(summary):
    seen = summary(python("""
peer = connect("pmu")
peer.sendall(b"CMD_short:0")
read_all(peer)
signal.pause()
""".replace("peer = ", "import signal\npeer = ", 1)), ["--timeout", "2s"])
    row = seen.rows["program"][0]
    assert row.startswith("did not end: stopped by --timeout after 2.") and "busy" not in row, row


def test_hints_are_no_faults(summary):
    """A program of 2016 waits for OFFSET:X."""
    seen = summary(python("""
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(("127.0.0.1", port("reset")))
for _ in range(30):
    peer.send(b"RESET:20")
    peer.recv(100)
"""), settings("reset.loss=none", "reset.family=4"))
    assert seen.rows["hint"][0].startswith(
        "reset: asks more than 20 times in a second although it is answered"), seen.rows
    assert seen.clean and not seen.wrong


# Good runs of each part


@pytest.mark.parametrize("endpoint, client", [("pmu", "pdc"), ("pmu-ws", "pdc-ws"),
                                              ("pmu-tls", "pdc-tls")])
def test_commands(summary, endpoint, client):
    seen = summary(["sh", "-c", f"{sh(client)} CMD_short:0 && {sh(client)} CMD_short:0"])
    assert seen.result.status == 0, seen.result
    row = seen.rows[endpoint][0]
    assert row.startswith("2 connections: CMD_short:0 twice; 40 messages (742 bytes) in "), row
    assert ("handshakes included" in row) == (endpoint != "pmu")
    assert row.endswith("closed by the lab")
    assert seen.clean and not seen.wrong
    assert endpoint not in seen.rows["unmet"][0].split(", ")


def test_a_connection_that_another_family_made_superfluous(summary):
    """Happy eyeballs (RFC 8305)."""
    seen = summary(python("""
four = socket.create_connection(("127.0.0.1", port("pmu")))
six = socket.create_connection(("::1", port("pmu")))
four.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
four.close()
six.sendall(b"CMD_short:0")
read_all(six)
"""))
    assert seen.rows["pmu"][0].startswith(
        "2 connections: CMD_short:0, 1 unused, since IPv4 and IPv6 were both tried; 20 messages"
    ), seen.rows
    assert seen.clean and not seen.wrong


def test_websocket_over_tls(summary):
    seen = summary(["sh", "-c", f'{sh("pdc-ws")} wss://localhost/ CMD_floodme'])
    assert seen.rows["pmu-wss"][0].startswith(
        "1 connection: CMD_floodme; 1 message (57344 bytes) in ")
    assert seen.clean


def test_reset_with_losses(summary):
    seen = summary([program("pdc-reset"), "-4", "-n", "20", "-t", "0.05"],
                   settings("reset.family=4", "reset.loss=first:2", "reset.direction=request"))
    assert seen.result.status == 0, seen.result
    row = seen.rows["reset"][0]
    assert row.startswith('3 requests over IPv4: "RESET:20", 2 lost on the way; '
                          'the clock moved once, by '), row
    assert row.endswith("; 1 answered")
    assert seen.clean


def test_a_lost_answer_moves_the_clock(summary):
    seen = summary([program("pdc-reset"), "-4", "-t", "0.05"],
                   settings("reset.family=4", "reset.loss=first:1", "reset.direction=reply"))
    row = seen.rows["reset"][0]
    assert "; the clock moved twice, by " in row
    assert row.endswith(
        " 1 answered, 1 answer lost: once the clock moved and nobody heard of it"), row
    assert seen.clean


@needs_ipv6
def test_both_families(summary):
    seen = summary(["sh", "-c", f'{sh("pdc-reset")} -4; {sh("pdc-reset")} -6'],
                   settings("reset.family=both", "reset.loss=none"))
    assert seen.rows["reset"][0].startswith('2 requests (1 over IPv4, 1 over IPv6): "RESET:20"; '
                                            'the clock moved twice')


def test_a_request_that_the_network_has_changed(summary):
    """Each one is; the lab cannot understand what it gets, and the program has done nothing
    wrong."""
    text = """
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(10)
for i in range(5):
    peer.sendto(b"RESET:20", ("127.0.0.1", port("reset")))
    peer.recv(100)
"""
    seen = summary(python(text), settings("reset.family=4", "reset.loss=none",
                                          "reset.corrupt=100%", "reset.direction=request"))
    assert seen.rows["reset"][0].startswith(
        '5 requests over IPv4: "RESET:20", 5 changed on the way')
    assert seen.clean


def test_udp_and_echo(summary):
    seen = summary(["sh", "-c", f'{sh("udp-send")} && {sh("echo-client")} hello'])
    assert seen.rows["udp-print"] == ['1 datagram with 13 bytes: "Hello, Romeo "']
    assert seen.rows["echo"] == ["1 connection; 5 bytes, all sent back; closed by the program"]
    assert seen.clean


def test_a_participant_who_is_answered(summary):
    text = "\\n".join(["What a piece of work is a man!"] * 12)
    seen = summary(["sh", "-c", f"printf '{text}' | {sh('tv-send')} --id 123456"])
    assert seen.rows["tv"] == [
        '"123456" has said 360 characters in 12 datagrams and was answered once']
    assert seen.clean


# What can be wrong


def test_wrong_commands_are_folded(summary):
    pdc = sh("pdc")
    seen = summary(["sh", "-c", f"{pdc} CMD_short:0; {pdc} CMD_shrt:0; {pdc} CMD_shrt:0; "
                    f"{pdc} 'CMD_short: 1'; exit 3"])
    assert seen.result.status == 3
    assert seen.rows["pmu"][0].startswith("4 connections: CMD_short:0, 3 not understood; "
                                          "20 messages (371 bytes) in ")
    assert seen.wrong == ["pmu: this is no command (it takes CMD_short:<seconds> or CMD_floodme): "
                          '"CMD_shrt:0" twice, "CMD_short: 1"']
    assert not seen.clean


def test_a_terminal_does_not_obey_it(summary):
    seen = summary(python('peer = connect("pmu"); peer.sendall(b"\\x1b[31m\\x07"); read_all(peer)'))
    assert seen.wrong[0].endswith(': "\\x1b[31m\\x07"')
    assert "\x1b" not in seen.result.stderr


def test_an_early_close(summary):
    text = """
peer = connect("pmu")
peer.sendall(b"CMD_short:100")
peer.recv(100)
peer.close()
"""
    seen = summary(python(text))
    assert len(seen.wrong) == 1
    assert seen.wrong[0].startswith("pmu: left after 1 of 20 messages")
    assert seen.wrong[0].endswith(': "CMD_short:100"')


def test_one_recv_of_the_flood(summary):
    """The lesson of part 2: all has been sent, and was not read."""
    seen = summary(python('peer = connect("pmu"); peer.sendall(b"CMD_floodme"); peer.recv(16); '
                          'peer.close()'))
    assert len(seen.wrong) == 1
    assert seen.wrong[0].startswith(("pmu: closed with something still unread",
                                     "pmu: left before it had the whole"))
    assert seen.wrong[0].endswith(': "CMD_floodme"')


def test_without_a_command(summary):
    seen = summary(python('for i in range(2): connect("pmu").close()'))
    assert seen.rows["pmu"][0].startswith("2 connections: 2 without a command")
    assert seen.wrong == ["pmu: connected, and left without a command, twice"]


def test_a_protocol_fault_of_websocket(summary):
    text = """
from support.frames import TEXT, frame, upgrade_request
peer = connect("pmu-ws")
peer.sendall(upgrade_request("localhost"))
head = b""
while not head.endswith(b"\\r\\n\\r\\n"):
    head += peer.recv(1)
peer.sendall(frame(TEXT, b"CMD_short:0", mask=None))
read_all(peer)
"""
    seen = summary(python(text))
    assert len(seen.wrong) == 1
    assert seen.wrong[0].startswith("pmu-ws: the peer sent ") and "(1002)" in seen.wrong[0]


def test_no_websocket_at_all(summary):
    seen = summary(python('peer = connect("pmu-ws"); peer.sendall(b"CMD_short:0\\r\\n\\r\\n"); '
                          'read_all(peer)'))
    assert seen.rows["pmu-ws"][0].startswith("1 connection: 1 without a handshake")
    assert seen.wrong[0].startswith("pmu-ws: WebSocket upgrade refused with 400")


def test_a_refused_certificate(summary, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                    "-nodes", "-days", "1", "-subj", "/CN=another",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem"],
                   check=True, capture_output=True)
    seen = summary([program("pdc-tls"), "-c", str(tmp_path / "ca.pem"), "CMD_short:0"])
    assert seen.result.status != 0
    assert seen.rows["pmu-tls"][0].startswith("1 connection: 1 without a handshake")
    assert len(seen.wrong) == 1
    assert seen.wrong[0].startswith('pmu-tls: the peer sent the TLS alert "')
    assert "certificate" in seen.wrong[0]


def test_a_wrong_request(summary):
    text = """
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(10)
peer.sendto(b"RESET 20", ("127.0.0.1", port("reset")))
peer.recv(100)
"""
    seen = summary(python(text), settings("reset.family=4", "reset.loss=none"))
    assert seen.wrong == ['reset: this is no RESET:n (it takes RESET:<seconds>, such as RESET:20): '
                          '"RESET 20"']


def test_a_participant_without_an_id(summary):
    text = """
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
group = os.environ["PMULAB_TV_GROUP"], port("tv")
peer.sendto(b"abc", group)
peer.sendto(b"I am a man", group)
"""
    seen = summary(python(text))
    assert seen.rows["tv"] == ['"I am a" has said 4 characters in 1 datagram and was not answered']
    assert len(seen.wrong) == 2
    assert seen.wrong[0].startswith("tv: too short: ") and seen.wrong[0].endswith(': "abc"')
    assert seen.wrong[1].startswith("tv: the ID is missing: ") \
        and seen.wrong[1].endswith(': "I am a man"')
