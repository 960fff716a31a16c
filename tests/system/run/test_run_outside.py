"""`pmulab run`: nothing but the lab can be reached, and who tries is told at once. Every attempt is
made in the box."""
import contextlib
import errno
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.box import box
from support.lab import DEADLINE, SCALE

PYTHON = sys.executable

TRY = """
import errno, json, socket, sys, time
def attempt(kind, host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_UNIX if kind == "unix" \
else socket.AF_INET
    began = time.monotonic()
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as s:
        s.settimeout(10)
        try:
            if kind == "unix":
                s.connect("\\0" + host)
            elif kind == "udp":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                s.sendto(b"x", (host, port))
            else:
                s.connect((host, port))
            answer = "reached"
        except OSError as error:
            answer = errno.errorcode.get(error.errno, str(error))
    return [answer, time.monotonic() - began]
print(json.dumps([attempt(*one) for one in json.loads(sys.argv[1])]))
"""


def attempts(user, *list):
    """What became of each (kind, host, port): "reached" or an errno's name, at once."""
    answers = json.loads(box("--", PYTHON, "-c", TRY, json.dumps(list), user=user,
                             timeout=3 * DEADLINE).stdout)
    for one, (_, seconds) in zip(list, answers):
        # An attempt that hangs takes longer: an unanswered SYN takes minutes.
        assert seconds < 2 * SCALE, one
    return [answer for answer, _ in answers]


def own_addresses():
    """This machine's, on all its networks."""
    told = subprocess.run(["ip", "-json", "address"], capture_output=True, check=True,
                          timeout=DEADLINE)
    links = json.loads(told.stdout)
    return [info["local"] for link in links for info in link["addr_info"]
            if info["scope"] == "global"]


NOBODY_THERE = ["192.0.2.77", "8.8.8.8", "10.0.0.1", "169.254.169.254", "198.51.100.3",
                "198.51.100.255", "1.2.3.4", "2001:db8:1::1", "2001:db8::3", "2001:4860:4860::8888",
                "fd00::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_other_addresses(user, kind):
    found = attempts(user, *[(kind, host, port) for host in NOBODY_THERE
                             for port in (53, 80, 5003)])
    assert set(found) == {"EHOSTUNREACH"}


def test_broadcasts_and_groups(user):
    """224.0.0.0/4 is the wire's, where the lab alone is; nothing else is sent to many."""
    assert attempts(user, ("udp", "255.255.255.255", 5004), ("udp", "0.0.0.0", 9),
                    ("udp", "ff02::1", 5004), ("udp", "ff0e::1", 5004))[0] == "EHOSTUNREACH"
    assert attempts(user, ("udp", "224.1.1.1", 5005), ("udp", "239.1.2.3", 5005)) == ["reached"] * 2


def test_the_machines_own_addresses(user):
    hosts = own_addresses()
    assert set(attempts(user, *[("tcp", host, 22) for host in hosts],
                        ("tcp", "192.0.2.77", 22))) == {"EHOSTUNREACH"}


@pytest.fixture
def outside():
    """Servers of this machine, on loopback alone: (port, the list of who came)."""
    came = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        six = stack.enter_context(socket.socket(socket.AF_INET6))
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        six.bind(("::1", port))
        six.listen()
        name = f"pmulab-test-{port}"
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind("\0" + name)
        local.listen()

        def accept(listener):
            with contextlib.suppress(OSError):
                while True:
                    came.append(listener.accept()[1])

        for listener in (server, six, local):
            threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield port, name, came
        for listener in (server, six, local):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def test_servers_of_the_machine(user, outside):
    """The box's localhost is its own; so is the space of abstract names."""
    port, name, came = outside
    found = attempts(user, ("tcp", "127.0.0.1", port), ("tcp", "::1", port),
                     ("tcp", "127.0.1.1", port), ("tcp", "0.0.0.0", port),
                     ("tcp", "198.51.100.1", port), ("tcp", "2001:db8::1", port),
                     ("tcp", "198.51.100.2", port), ("unix", name, 0))
    assert set(found) == {"ECONNREFUSED"}
    assert came == []


def test_servers_in_the_box_are_not_seen_outside(user, spawn_box):
    script = ("import socket, sys\ns = socket.create_server(('0.0.0.0', 0))\n"
              "print(s.getsockname()[1], flush=True)\nsys.stdin.read()")
    running = spawn_box("--", PYTHON, "-c", script, user=user)
    port = int(running.line())
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    assert running.finish().status == 0


def sockets(process, name, state):
    """The (address, port) that sockets of a process's network namespace are bound to, as /proc has
    them."""
    lines = Path(f"/proc/{process}/net/{name}").read_text().splitlines()[1:]
    bound = [line.split()[1].split(":") for line in lines if line.split()[3] == state]
    return sorted((address, int(port, 16)) for address, port in bound)


V4, V6 = "016433C6", "B80D0120000000000000000001000000"  # 198.51.100.1, 2001:db8::1
LISTENS, UNCONNECTED = "0A", "07"


@pytest.mark.skipif(sys.byteorder != "little",
                    reason="/proc writes addresses as the machine has them")
def test_only_the_labs_ports_are_open(user, spawn_box):
    """At the lab's end nothing listens but the lab: no other program of the machine, nothing more
    of pmulab's."""
    running = spawn_box("--", "sh", "-c", "echo ready; cat", user=user)
    assert running.line() == "ready"
    tcp = [5002, 5003, 5006, 5007, 5008]
    assert sockets(running.pid, "tcp", LISTENS) == [(V4, port) for port in tcp]
    assert sockets(running.pid, "tcp6", LISTENS) == [(V6, port) for port in tcp]
    udp = {port for name in ("udp", "udp6") for _, port in sockets(running.pid, name, UNCONNECTED)}
    assert len(udp - {5001, 5004, 5005}) == 1, udp  # the station's, by which it speaks
    unix = Path(f"/proc/{running.pid}/net/unix").read_text()
    assert " @" not in unix
    assert running.finish().status == 0


def test_the_lab_is_reached(user):
    assert set(attempts(user, *[
        ("tcp", host, 5003) for host in ("tcpip.epfl.ch", "198.51.100.1", "2001:db8::1")])) == \
        {"reached"}


def test_localhost_is_nobodys(user):
    assert set(attempts(user, *[("tcp", host, port) for host in ("localhost", "127.0.0.1", "::1")
                                for port in range(5001, 5009)])) == {"ECONNREFUSED"}


def test_a_command_that_tries_to_make_a_way(user):
    """In a user namespace of its own a command has rights, over what is in there: the box's network
    is not."""
    script = ("ip link set wire down || ip route replace default dev wire || "
              "ip addr add 192.0.2.9/24 dev wire || nsenter --net=/proc/1/ns/net true || "
              "umount -l /etc || umount -l /proc && echo changed; id -u")
    result = box("--", "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script,
                 user=user)
    assert "changed" not in result.stdout, result
    assert result.stdout == "0\n" or "unshare" in result.stderr


def test_neighbours_are_the_lab_alone(user):
    links = json.loads(box("--", "ip", "-json", "address", user=user).stdout)
    found = {link["ifname"]: {info["local"] for info in link["addr_info"]} for link in links}
    assert found == {"lo": {"127.0.0.1", "::1"}, "wire": {"198.51.100.2", "2001:db8::2"}}
