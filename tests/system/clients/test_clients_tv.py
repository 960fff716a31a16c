"""tv-recv and tv-send, part 4 of the lab: with each other, and with plain sockets. Nothing leaves
the loopback."""
import json
import socket
import struct
import subprocess

import pytest

from support.lab import DEADLINE, environment, program, run

GROUP = "224.1.1.1"
LOOPBACK = socket.inet_aton("127.0.0.1")
IP_PKTINFO, IP_RECVTTL = 8, 12  # ip(7); Python does not name them


@pytest.fixture
def port():
    """A port that nobody else gets; the group's address is free on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def station():
    """A socket that sends to groups on the loopback only."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, LOOPBACK)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        opened.bind(("127.0.0.1", 0))
        yield opened


@pytest.fixture
def member(port):
    """A socket that has joined the group on the loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((GROUP, port))
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                          socket.inet_aton(GROUP) + LOOPBACK)
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        opened.settimeout(DEADLINE)
        yield opened


@pytest.fixture
def tv_recv(spawn, port):
    """tv_recv(options...): the program, once it has joined."""

    def start(*options):
        client = spawn("tv-recv", "-p", port, *options)
        assert client.error_line() == f"listening to {GROUP}:{port}"
        return client

    return start


# Receiving


def test_lines_without_the_id(tv_recv, station, port):
    client = tv_recv("--count", 5)
    for text, line in ((b"swcmTVWho's there?", "Who's there?"), (b"swcmTV", ""),
                       (b"swcmTVa line\n", "a line"), ("123456Élan ♥".encode(), "Élan ♥"),
                       (b"123456" + b"x" * 60000, "x" * 60000)):
        station.sendto(text, (GROUP, port))
        assert client.line() == line
    result = client.finish()
    assert result.status == 0
    assert result.stderr.splitlines()[-1].startswith("5 datagrams, 60058 bytes in ")


def test_nobody_hijacks_the_terminal(tv_recv, station, port):
    client = tv_recv("--count", 1)
    station.sendto(b"swcmTV\x1b[2J\x07a\nb\\\x7f\xff\xc2\x9b31m\xe2\x99", (GROUP, port))
    assert client.line() == r"\x1b[2J\x07a\nb\\\x7f\xff\xc2\x9b31m\xe2\x99"


def test_verbose(tv_recv, station, port):
    client = tv_recv("-v")
    source = f"127.0.0.1:{station.getsockname()[1]}"
    station.sendto(b"123456Words, words, words.", (GROUP, port))
    assert client.line() == f"123456 {source} Words, words, words."
    station.sendto(b"\x1b[2J\xff\n", (GROUP, port))
    assert client.line() == rf"\x1b[2J\xff\n {source} "


def test_datagrams_without_an_id(tv_recv, station, port):
    client = tv_recv("--count", 1)
    for text in b"", b"12345", b"123456x":
        station.sendto(text, (GROUP, port))
    assert client.line() == "x"
    assert client.finish().stderr.splitlines()[-1].endswith("; 2 more without an ID of 6 bytes")


def test_other_groups_are_not_heard(tv_recv, station, port):
    """Even when somebody else on this machine has joined them."""
    client = tv_recv("--count", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton("224.1.1.2") + LOOPBACK)
        station.sendto(b"123456other", ("224.1.1.2", port))
        station.sendto(b"123456ours", (GROUP, port))
        assert client.line() == "ours"


def test_two_receivers_on_one_machine(tv_recv, station, port):
    """SO_REUSEADDR: Q19."""
    clients = [tv_recv("--count", 1), tv_recv("--count", 1)]
    station.sendto(b"123456both", (GROUP, port))
    assert [client.line() for client in clients] == ["both", "both"]


def test_seconds(port):
    result = run("tv-recv", "-p", port, "--seconds", "0.05")
    assert (result.status, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1].startswith("0 datagrams, 0 bytes in ")
    result = run("tv-recv", "-p", port, "--seconds", "0.05", "--count", 2)
    assert result.status == 1
    assert result.stderr.splitlines()[-1] == "tv-recv: only 0 of 2 datagrams came within 0.05 s"


def test_silence(port):
    for more in [], ["--seconds", 60], ["--count", 2]:
        result = run("tv-recv", "-p", port, "--timeout", "0.05", *more)
        assert (result.status, result.stdout) == (1, "")
        assert result.stderr.splitlines()[-1] == "tv-recv: nothing came for 0.05 s"
    result = run("tv-recv", "-p", port, "--timeout", 60, "--seconds", "0.05")
    assert result.status == 0


def test_an_address_that_is_taken(port):
    """Without SO_REUSEADDR the other one has the port for itself: the status is that of every other
    client."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((GROUP, port))
        result = run("tv-recv", "-p", port, "--seconds", "0.05")
    assert (result.status, result.stdout) == (3, "")
    assert result.stderr == f"tv-recv: {GROUP}:{port}: bind: Address already in use\n"


def test_receive_json(tv_recv, station, port):
    client = tv_recv("--json", "--count", 1)
    station.sendto(b"123456x", (GROUP, port))
    numbers = json.loads(client.line())
    assert numbers.pop("seconds") >= 0
    assert numbers == {"datagrams": 1, "bytes": 7, "without_id": 0, "error": None}


def test_environment(spawn, station, port):
    client = spawn("tv-recv", "--count", 1,
                   env={"PMULAB_TV_GROUP": "239.1.2.3", "PMULAB_TV_PORT": str(port)})
    assert client.error_line() == f"listening to 239.1.2.3:{port}"
    station.sendto(b"123456x", ("239.1.2.3", port))
    assert client.line() == "x"


# Sending


def send(port, text, *options, id="123456"):
    return run("tv-send", "--id", id, "-p", port, *options, input=text)


def test_a_datagram_a_line(member, port):
    result = send(port, "To be,\n\nor not to be\nÉlan")
    assert result.status == 0
    assert [member.recv(2000) for _ in range(4)] == [
        b"123456To be,", b"123456", b"123456or not to be", "123456Élan".encode()]
    assert (result.stdout, result.stderr) == (
        "", f"4 datagrams with 22 characters to {GROUP}:{port}\n")


def test_nothing_leaves_the_machine(member, port):
    """TTL 0, and the loopback's interface: what the receiver's kernel says of the packet."""
    assert send(port, "x\n").stderr.count("\n") == 1, "no warning"
    _, ancillary, _, sender = member.recvmsg(100, 200)
    said = {kind: data for level, kind, data in ancillary if level == socket.IPPROTO_IP}
    assert struct.unpack("i", said[socket.IP_TTL][:4]) == (0,)
    assert struct.unpack("i", said[IP_PKTINFO][:4]) == (socket.if_nametoindex("lo"),)
    assert sender[0] == "127.0.0.1"


def test_further_has_to_be_asked_for(member, port):
    result = send(port, "x\n", "--ttl", 1)
    assert result.status == 0
    assert result.stderr.splitlines()[0] == "tv-send: --ttl 1: what you send may leave this machine"
    _, ancillary, _, _ = member.recvmsg(100, 200)
    assert (socket.IPPROTO_IP, socket.IP_TTL, struct.pack("i", 1)) in ancillary


@pytest.mark.parametrize("first, repeated, count, sizes", [
    ("", "x", 1466, [1466]),
    ("", "x", 1467, [1466, 1]),
    ("", "é", 1000, [1466, 534]),
    ("x", "é", 1000, [1465, 536]),
    ("x", "♥", 1000, [1465, 1464, 72]),
    ("xyz", "𝄞", 500, [1463, 540]),
])
def test_long_lines_are_cut_between_characters(member, port, first, repeated, count, sizes):
    text = first + repeated * count
    assert send(port, text).status == 0
    datagrams = [member.recv(2000) for _ in sizes]
    assert [datagram[:6] for datagram in datagrams] == [b"123456"] * len(sizes)
    assert [len(datagram) - 6 for datagram in datagrams] == sizes
    assert "".join(datagram[6:].decode() for datagram in datagrams) == text


def test_bytes_that_are_no_characters(member, port):
    text = b"\x80" * 3000
    result = subprocess.run([program("tv-send"), "--id", "123456", "-p", str(port)], input=text,
                            timeout=DEADLINE, env=environment(), capture_output=True)
    assert (result.returncode, result.stderr.split()[3]) == (0, b"3000")
    assert b"".join(member.recv(2000)[6:] for _ in range(3)) == text


def test_send_json(member, port):
    numbers = json.loads(send(port, "é\n", "--json").stdout)
    assert numbers == {"to": f"{GROUP}:{port}", "datagrams": 1, "characters": 1, "bytes": 2,
                       "error": None}


def test_send_timeout(member, port):
    assert send(port, "x\n", "--timeout", 1).status == 0
    assert member.recv(100) == b"123456x"


@pytest.mark.parametrize("id, said", [
    ("12345", '"12345" has 5 bytes'), ("1234567", "has 7 bytes"), ("", "has 0 bytes"),
    ("12345é", "has 7 bytes"), ("1", "has 1 byte;")])
def test_an_id_has_six_bytes(port, id, said):
    result = send(port, "x\n", id=id)
    assert (result.status, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr
    assert "a CAMIPRO number has 6, all digits, such as 123456" in result.stderr


@pytest.mark.parametrize("id, seen", [("12 456", "12 456"), ("swcmTV", "swcmTV"),
                                      ("12\x1b[2J", r"12\x1b[2J")])
def test_an_id_that_is_no_number(member, port, id, seen):
    result = send(port, "x\n", id=id)
    assert result.status == 0
    assert result.stderr.splitlines()[0] == \
        f'tv-send: --id: "{seen}": a CAMIPRO number is 6 digits, such as 123456; sent as it is'
    assert result.stderr.count("\n") == 2
    assert member.recv(100) == id.encode() + b"x"


@pytest.mark.parametrize("arguments", [
    ["tv-send"], ["tv-send", "--id", "123456", "x"], ["tv-send", "--id", "123456", "--ttl", "256"],
    ["tv-send", "--id", "123456", "--group", "127.0.0.1"],
    ["tv-send", "--id", "123456", "--group", "240.0.0.1"],
    ["tv-send", "--id", "123456", "--iface", "lo"], ["tv-recv", "x"],
    ["tv-recv", "--group", "ff02::1"], ["tv-recv", "--group", "tv"], ["tv-recv", "-p", "0"],
    ["tv-recv", "--count", "0"], ["tv-recv", "--seconds", "x"]])
def test_usage(arguments):
    result = run(*arguments)
    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(arguments[0] + ": ")


def test_an_interface_that_is_not_there(port):
    """192.0.2.1 belongs to nobody, RFC 5737. Asking for a network is told."""
    for name, *more in ["tv-recv"], ["tv-send", "--id", "123456"]:
        result = run(name, "-p", port, "--iface", "192.0.2.1", *more)
        assert (result.status, result.stdout, result.stderr.count("\n")) == (1, "", 2)
        assert result.stderr.startswith(
            f"{name}: --iface 192.0.2.1: the group is that of a network now")


def test_both(tv_recv, port):
    client = tv_recv("-v", "--count", 2)
    assert send(port, "What a piece of work is a man\nhow noble in reason\n",
                id="654321").status == 0
    lines = [client.line(), client.line()]
    assert [line.split()[0] for line in lines] == ["654321", "654321"]
    assert lines[1].endswith(" how noble in reason")
    assert client.finish().status == 0
