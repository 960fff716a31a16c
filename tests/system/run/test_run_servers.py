"""`pmulab run`: servers of the command's own, the lab at its localhost, and many boxes side by
side."""
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.box import box, events
from support.lab import DEADLINE

PYTHON = sys.executable

# A command's own servers and their clients, with the lab's ports written into them. The clients ask
# while the lab runs too.
OWN = """
import socket, threading
def stream(port, answer):
    server = socket.create_server(("", port))
    def serve():
        with server.accept()[0] as connection:
            connection.sendall(answer + connection.recv(100))
    threading.Thread(target=serve, daemon=True).start()
stream(5002, b"echo of my own: ")
stream(5003, b"PMU of my own: ")
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("", 5001))
for port in 5002, 5003:
    with socket.create_connection(("localhost", port)) as client:
        client.sendall(b"hello")
        print(client.makefile().read())
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.sendto(b"hello", ("localhost", 5001))
    print(datagrams.recv(100).decode())
with socket.create_connection(("tcpip.epfl.ch", 5002)) as client:
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    print(client.makefile().read())
"""


def test_servers_of_the_commands_own(user):
    """On the lab's ports, at localhost; the lab's own are where they were."""
    result = box("--", PYTHON, "-c", OWN, user=user)
    assert result.status == 0, result
    assert result.lines[:3] == ["echo of my own: hello", "PMU of my own: hello", "hello"]
    assert result.lines[3] not in ("echo of my own: hello", "")


def test_the_clients_programs_as_servers(user):
    """Code C's server and code D, as they are given out: localhost, no option."""
    script = ("echo-server --count 1 --json >/dev/null & "
              "until echo-client -H localhost hello 2>&-; do :; done; wait")
    assert box("--", "sh", "-c", script, user=user).lines == \
        ["sending: hello", "received: hello"]


LOCAL = """
import socket, sys
port = int(sys.argv[1])
for host in "127.0.0.1", "::1", "localhost":
    with socket.create_connection((host, port), timeout=10) as client:
        client.sendall(b"CMD_short:0")
        print(client.recv(18).decode())
"""


@pytest.mark.parametrize("option,port", [("pmu", 5003), ("pmu:5999", 5999), ("pmu:80", 80),
                                         ("pmu:65535", 65535)])
def test_the_lab_at_localhost(user, option, port):
    result = box("--local", option, "--", PYTHON, "-c", LOCAL, port, user=user)
    assert (result.status, result.lines) == (0, ["This is PMU data 1"] * 3), result


def test_several_at_localhost(user):
    """Codes A and D say localhost: a datagram to print, a connection to echo."""
    journal = user.folder() / "events"
    script = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "s.sendto(b'hello', ('localhost', 5001))\n"
              "with socket.create_connection(('localhost', 5002)) as c:\n"
              "    c.sendall(b'hello')\n    print(c.recv(100).decode())")
    result = box("--events", journal, "--local", "echo", "--local", "udp-print", "--",
                 PYTHON, "-c", script, user=user)
    assert result.status == 0 and result.stdout != "", result
    told = events(journal)
    assert [event["bytes"] for event in told if event["event"] == "print"] == [5]
    assert len([event for event in told
                if event["event"] == "open" and event["endpoint"] == "echo"]) == 1


def test_tls_at_localhost(user):
    """Part 6 with a certificate that is the lab's: it is valid for localhost too."""
    result = box("--local", "pmu-tls:5003", "--", "pdc-tls", "-H", "localhost", "-p", "5003",
                 "CMD_short:0", user=user)
    assert result.status == 0 and "This is PMU data 20" in result.lines, result


def test_the_lab_at_localhost_leaves_the_others(user):
    """What is not asked for is not opened there, and a command's own server may have it."""
    script = "import socket; socket.create_server(('', 5003)); print('free')"
    assert box("--local", "echo", "--", PYTHON, "-c", script, user=user) == (0, "free\n", "")


def test_a_port_that_the_lab_has_at_localhost_is_busy(user):
    script = ("import socket, errno\ntry:\n    socket.create_server(('', 5002))\n"
              "except OSError as e:\n    print(errno.errorcode[e.errno])")
    assert box("--local", "echo", "--", PYTHON, "-c", script, user=user) == (0, "EADDRINUSE\n", "")


# ping is no tool that CI must have: where it is missing this test is left out, not skipped.
if shutil.which("ping"):
    @pytest.mark.parametrize("family", ["-4", "-6"])
    def test_ping(user, family):
        result = box("--", "ping", family, "-c", "1", "-W", "5", "tcpip.epfl.ch", user=user)
        assert result.status == 0 and "1 received" in result.stdout, result


def test_ping_by_hand(user):
    """What ping(8) does where it has no rights of its own: an ICMP socket of the kernel's
    (icmp(7))."""
    script = ("import socket\n"
              "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)\n"
              "s.settimeout(10)\n"
              "s.sendto(b'\\x08\\0\\0\\0\\0\\0\\0\\1', ('tcpip.epfl.ch', 0))\n"
              "print(s.recv(100)[0])")
    assert box("--", PYTHON, "-c", script, user=user) == (0, "0\n", "")


# Many at once

@pytest.mark.alone
def test_boxes_do_not_meet(user):
    """Fifty on one machine: the same ports, the same names, each with its own lab."""
    folder = user.folder()

    def one(number):
        journal = folder / f"{number}.ndjson"
        count = number % 3 + 1
        script = f"for i in $(seq {count}); do pdc CMD_short:0 | tail -n 1; done"
        result = box("--events", journal, "--", "sh", "-c", script, user=user, timeout=6 * DEADLINE)
        opened = [event for event in events(journal) if event["event"] == "open"]
        return result.status == 0 and result.lines == ["This is PMU data 20"] * count \
            and len(opened) == count or result

    with ThreadPoolExecutor(50) as together:
        assert list(together.map(one, range(50))) == [True] * 50


@pytest.mark.alone
def test_the_wire_is_there_from_the_start(user):
    """However busy the machine is: the first packet arrives. Else it is asked again who has the
    address (ARP), a second later; the kernel counts how often."""
    command = ("--", "bash", "-c", "exec 3<>/dev/tcp/tcpip.epfl.ch/5003; ip -s neigh show dev wire")

    def probes(_):
        result = box(*command, user=user, timeout=6 * DEADLINE)
        return re.search(r"probes (\d+)", result.stdout).group(1)

    with ThreadPoolExecutor(50) as together:
        assert set(together.map(probes, range(100))) == {probes(None)}


@pytest.mark.alone
def test_boxes_beside_each_other(user, spawn_box):
    """Each stands while the others stand: fifty servers on one port, each found by its own client
    alone."""
    script = ("import socket, sys\nserver = socket.create_server(('', 5003))\n"
              "print('ready', flush=True)\nsys.stdin.readline()\n"
              "client = socket.create_connection(('localhost', 5003))\n"
              "client.sendall(sys.argv[1].encode())\nclient.close()\n"
              "print(server.accept()[0].makefile().read(), flush=True)\nserver.setblocking(False)\n"
              "try:\n    server.accept()\nexcept BlockingIOError:\n    print('alone')")
    with ThreadPoolExecutor(50) as together:
        boxes = list(together.map(
            lambda number: spawn_box("--", PYTHON, "-c", script, number, user=user), range(50)))
        assert [running.line(6 * DEADLINE) for running in boxes] == ["ready"] * 50
        for running in boxes:
            running.write("go\n")
        results = list(together.map(lambda running: running.finish(6 * DEADLINE), boxes))
    assert results == [(0, f"ready\n{number}\nalone\n", "") for number in range(50)]


def test_loopbacks_beside_each_other(user, spawn_box):
    boxes = [spawn_box("--loopback", "--", "sh", "-c",
                       "echo $PMULAB_PMU_PORT; read go; pdc CMD_short:0 | tail -n 1", user=user)
             for _ in range(10)]
    ports = {running.line() for running in boxes}
    assert len(ports) == 10
    for running in boxes:
        running.write("go\n")
        assert running.line() == "This is PMU data 20"
        assert running.finish().status == 0
