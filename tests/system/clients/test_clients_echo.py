"""echo-client and echo-server, codes D and C of the handout."""
import json
import re
import socket
import threading

import pytest

from support.lab import DEADLINE, run
from support.script import read_to_end, reset

MESSAGE = "O Romeo, Romeo! wherefore art thou Romeo?"


def pieces_of(text, size=16):
    return [text[i:i + size] for i in range(0, len(text), size)]


def received(lines):
    """What was received, in one; each line is one recv() of at most 16 bytes."""
    pieces = [line.removeprefix("received: ") for line in lines]
    assert all(line.startswith("received: ") for line in lines)
    assert all(0 < len(piece) <= 16 for piece in pieces)
    return "".join(pieces)


def read_echo(client):
    """All that an echo-client prints; it may be ended then without a reset."""
    assert client.line() == "sending: " + MESSAGE
    text = ""
    while len(text) < len(MESSAGE):
        text += received([client.line()])
    assert text == MESSAGE


@pytest.fixture
def echo_server(spawn):
    """echo_server(*options): an echo-server on a free port, and that port."""

    def start(*options):
        server = spawn("echo-server", "-p", "0", *options)
        return server, int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", server.error_line())[1])

    return start


# echo-client


def test_client_and_lab(lab):
    result = run("echo-client", lab=lab)
    assert result.status == 0
    assert result.lines[0] == "sending: " + MESSAGE
    assert received(result.lines[1:]) == MESSAGE
    assert re.fullmatch(r"41 bytes, [3-9] recv\(\) calls of up to 16\n", result.stderr)


def test_client_says_something_else(lab):
    result = run("echo-client", "-b", "4", "Good night!\n\x1b[2J♥\\", lab=lab)
    assert result.status == 0
    assert result.lines[0] == r"sending: Good night!\n\x1b[2J\xe2\x99\xa5\\"
    assert len(result.lines) >= 1 + 5


def test_client_json(lab):
    numbers = json.loads(run("echo-client", "--json", lab=lab).stdout)
    assert (numbers["sent"], numbers["received"], numbers["buffer"], numbers["error"]) == (
        41, 41, 16, None)
    assert numbers["peer"].endswith(f":{lab.port('echo')}")


def test_client_holds_its_connection(lab, spawn):
    """As code D does, but without using the processor."""
    client = spawn("echo-client", "--hold", lab=lab)
    read_echo(client)
    assert client.process.poll() is None
    assert lab.events(event="close") == []
    client.process.terminate()
    assert lab.wait(event="close", endpoint="echo")["first"] == "peer"


def test_client_shows_each_piece_as_it_arrives(serve, spawn):
    turn = threading.Semaphore(0)

    def script(connection):
        for piece in pieces_of(connection.recv(100), 10):
            connection.sendall(piece)
            assert turn.acquire(timeout=DEADLINE)

    client = spawn("echo-client", "-H", "127.0.0.1", "-p", serve(script).port)
    assert client.line() == "sending: " + MESSAGE
    for piece in pieces_of(MESSAGE, 10):
        assert client.line() == "received: " + piece
        turn.release()
    assert client.finish().status == 0


@pytest.mark.parametrize("reply, end, status, said", [
    (b"O Romeo", None, 3, "closed after 7 of 41 bytes"),
    (b"", None, 3, "closed after 0 of 41 bytes"),
    (b"O Julia", None, 3, "what came back is not what was sent"),
    (MESSAGE.encode() + b"!", None, 3, "what came back is not what was sent"),
    (b"O Romeo", read_to_end, 1, "nothing happened for 0.1 s"),
])
def test_client_and_bad_echoes(serve, reply, end, status, said):
    def script(connection):
        connection.recv(100)
        connection.sendall(reply)
        if end:
            end(connection)

    result = run("echo-client", "--timeout", "0.1", "-p", serve(script).port)
    assert result.status == status
    assert result.stderr.splitlines()[-1].endswith(said)
    shown = "".join(line.removeprefix("received: ") for line in result.lines[1:])
    assert reply.decode().startswith(shown)


def test_client_connection_refused(closed_port):
    result = run("echo-client", "-H", "127.0.0.1", "-p", closed_port)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith(f"echo-client: 127.0.0.1:{closed_port}: connection refused")


# echo-server


def test_server_prints_pieces_of_sixteen(echo_server):
    """Q6: three lines for the 41 bytes of code D."""
    server, port = echo_server("--count", "1")
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
        client.sendall(MESSAGE.encode())
        assert client.makefile("rb").read(len(MESSAGE)) == MESSAGE.encode()
        name = client.getsockname()
        assert [server.line() for _ in range(3)] == ["received: " + piece
                                                     for piece in pieces_of(MESSAGE)]
    assert server.line() == f"No more data from 127.0.0.1:{name[1]}"
    assert server.finish().status == 0


@pytest.mark.parametrize("size, lines", [(100, 1), (41, 1), (40, 2), (1, 41)])
def test_server_buffer(echo_server, size, lines):
    """How the number of lines is managed: by the size of the buffer."""
    server, port = echo_server("--count", "1", "-b", size)
    assert run("echo-client", "-p", port).status == 0
    assert [server.line() for _ in range(lines)] == ["received: " + piece
                                                     for piece in pieces_of(MESSAGE, size)]
    assert server.line().startswith("No more data from ")


def test_server_has_one_client_after_another(echo_server, spawn):
    server, port = echo_server("--count", "2")
    first = spawn("echo-client", "--hold", "-p", port)
    read_echo(first)
    assert [server.line() for _ in range(3)] == ["received: " + piece
                                                 for piece in pieces_of(MESSAGE)]

    second = spawn("echo-client", "-p", port, "Good night!")
    assert second.line() == "sending: Good night!"  # the kernel takes it, the server does not yet
    first.process.terminate()
    assert server.line().startswith("No more data from ")
    assert server.line() == "received: Good night!"
    assert second.finish().status == 0
    assert server.finish().status == 0


def test_server_survives_clients(echo_server):
    server, port = echo_server("--count", "3", "--timeout", "0.1")
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as silent:
        assert server.error_line() == "echo-server: {}:{}: timed out".format(*silent.getsockname())
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as taker:
        taker.sendall(b"x")
        assert server.line() == "received: x"
        name = taker.getsockname()
        reset(taker)
    assert server.error_line() == "echo-server: {}:{}: Connection reset by peer".format(*name)
    assert run("echo-client", "-p", port).status == 0
    assert server.finish().status == 0


def test_server_address_in_use(echo_server):
    _, port = echo_server()
    result = run("echo-server", "-p", port)
    assert (result.status, result.stdout) == (3, "")
    assert f"127.0.0.1:{port}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_server_starts_again_at_once(echo_server, spawn):
    """SO_REUSEADDR: connections in TIME_WAIT do not matter."""
    server, port = echo_server()
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
        client.sendall(b"x")
        assert server.line() == "received: x"
        server.process.terminate()  # it closes first, and has TIME_WAIT
        server.process.wait(DEADLINE)
    again = spawn("echo-server", "-p", port)
    assert again.error_line() == f"listening on 127.0.0.1:{port}"


@pytest.mark.parametrize("arguments", [["rubbish"], ["-p", "x"], ["--bind", "localhost"],
                                       ["-b", "0"], ["--count", "0"]])
def test_server_usage(arguments):
    result = run("echo-server", *arguments)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("echo-server: ")


def test_server_json(echo_server):
    server, port = echo_server("--count", 2, "--json")
    for _ in range(2):
        assert received(run("echo-client", "-H", "127.0.0.1", "-p", port).lines[1:]) == MESSAGE
    result = server.finish()
    numbers = json.loads(result.stdout)
    assert (result.status, len(result.lines)) == (0, 1)
    assert numbers.pop("recv_calls") >= 2 * 4
    assert numbers == {"clients": 2, "received": 82, "sent": 82, "buffer": 16, "error": None}
