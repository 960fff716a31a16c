"""udp-send and udp-recv, codes A and B: with each other, and with plain sockets."""
import json
import socket

import pytest

from support.lab import DEADLINE, run


@pytest.fixture
def receiver():
    """A socket on a free port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(DEADLINE)
        yield opened


@pytest.fixture
def udp_recv(spawn):
    """udp_recv(options...): the program on a free port, and its address."""

    def start(*options):
        server = spawn("udp-recv", "-p", 0, *options)
        said = server.error_line()
        assert said.startswith("listening on ")
        host, port = said.removeprefix("listening on ").rsplit(":", 1)
        return server, (host.strip("[]"), int(port))

    return start


@pytest.mark.parametrize("arguments, sent", [
    ([], b"Hello, Romeo "), (["Good night! ♥"], "Good night! ♥".encode()), ([""], b"")])
def test_send(receiver, arguments, sent):
    port = receiver.getsockname()[1]
    result = run("udp-send", "-H", "127.0.0.1", "-p", port, *arguments)
    assert (result.status, result.stdout) == (0, "Message sent\n")
    assert result.stderr == f"{len(sent)} bytes to 127.0.0.1:{port}\n"
    assert receiver.recv(100) == sent


def test_send_environment_and_json(receiver):
    port = receiver.getsockname()[1]
    result = run("udp-send", "--json", "x", env={"PMULAB_UDP_PRINT_PORT": str(port)})
    assert json.loads(result.stdout) == {"to": f"127.0.0.1:{port}", "bytes": 1, "error": None}
    assert receiver.recv(100) == b"x"


@pytest.mark.parametrize("arguments, status", [
    (["a", "b"], 2), (["-p", "0"], 2), (["-p", "x"], 2), (["-H", "no-such-host.invalid"], 1),
    (["-6", "-H", "127.0.0.1"], 1), (["-H", "127.0.0.1", "-p", "9", "x" * 70000], 1)])
def test_send_fails(arguments, status):
    result = run("udp-send", *arguments)
    assert (result.status, result.stdout, result.stderr.count("\n")) == (status, "", 1)
    assert result.stderr.startswith("udp-send: ")


def test_receive(udp_recv, receiver):
    server, address = udp_recv("--count", 5)
    name = "From Address: 127.0.0.1:%d" % receiver.getsockname()[1]
    for sent, shown in ((b"Hello, Romeo ", "Hello, Romeo "), (b"", ""),
                        (b"\x1b[2J\\\n\xff\0", r"\x1b[2J\\\n\xff\x00"),
                        ("Élan ♥ 🙂".encode() + b"\xc2\x9b1m\xe2\x99",
                         r"Élan ♥ 🙂\xc2\x9b1m\xe2\x99"), (b"x" * 60000, "x" * 60000)):
        receiver.sendto(sent, address)
        assert [server.line(), server.line()] == ["Received data: " + shown, name]
    assert server.finish().status == 0


@pytest.mark.parametrize("bind, option", [("127.0.0.1", "-4"), ("::1", "-6")])
def test_both(udp_recv, bind, option):
    server, (host, port) = udp_recv("--count", 1, "--bind", bind)
    assert run("udp-send", option, "-p", port, "Wherefore art thou?").status == 0
    assert server.line() == "Received data: Wherefore art thou?"
    assert server.line().startswith(f"From Address: {'[::1]' if bind == '::1' else bind}:")
    assert server.finish().status == 0


def test_receive_json(udp_recv, receiver):
    server, address = udp_recv("--count", 2, "--json")
    receiver.sendto(b"Hello", address)
    receiver.sendto(b"", address)
    numbers = json.loads(server.line())
    assert numbers.pop("seconds") >= 0
    assert numbers == {"datagrams": 2, "bytes": 5, "error": None}
    assert server.finish().status == 0


def test_receive_silence(udp_recv):
    server, _ = udp_recv("--timeout", "50ms")
    result = server.finish()
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "udp-recv: nothing came for 0.05 s"
    numbers = json.loads(run("udp-recv", "-p", 0, "--timeout", "50ms", "--json").stdout)
    assert (numbers["datagrams"], numbers["error"]) == (0, "nothing came for 0.05 s")


def test_send_timeout(receiver):
    assert run("udp-send", "-H", "127.0.0.1", "-p", receiver.getsockname()[1], "--timeout", "1",
               "x").status == 0
    assert receiver.recv(100) == b"x"


def test_a_taken_port(receiver):
    port = receiver.getsockname()[1]
    result = run("udp-recv", "-p", port)
    assert (result.status, result.stdout) == (3, "")
    assert result.stderr == f"udp-recv: 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("arguments", [["x"], ["-p", "x"], ["--bind", "localhost"],
                                       ["--count", "0"]])
def test_receive_usage(arguments):
    result = run("udp-recv", *arguments)
    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
