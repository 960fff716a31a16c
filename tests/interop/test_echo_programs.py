"""Part 1.2: codes C and D as they stand in the handout, towards our programs and each other."""
import socket
from pathlib import Path

MESSAGE = "O Romeo, Romeo! wherefore art thou Romeo?"
PIECES = ["received: O Romeo, Romeo! ", "received: wherefore art th", "received: ou Romeo?"]


def read_code_d(client):
    """What code D prints, and our echo-client as well: all has come back."""
    assert client.line() == "sending: " + MESSAGE
    echo = ""
    while len(echo) < len(MESSAGE):
        piece = client.line().removeprefix("received: ")
        assert 0 < len(piece) <= 16
        echo += piece
    assert echo == MESSAGE


def tcp_states(port):
    """What netstat shows of a port: the states of the IPv4 sockets that it is one end of, but for
    TIME_WAIT."""
    names = {"01": "ESTABLISHED", "06": None, "0A": "LISTEN"}
    states = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if f":{port:04X}" in local + remote:
            states.append(names.get(state, state))
    return sorted(filter(None, states))


def test_code_d_gets_its_message_back_and_keeps_the_connection(lab, spawn_student):
    assert tcp_states(lab.port("echo")) == ["LISTEN"]
    client = spawn_student("code_d.py", lab.port("echo"))
    read_code_d(client)

    assert tcp_states(lab.port("echo")) == ["ESTABLISHED", "ESTABLISHED", "LISTEN"]
    assert lab.events(event="close") == []
    client.process.terminate()
    closed = lab.wait(event="close", endpoint="echo")
    assert (closed["first"], closed["bytes_in"], closed["bytes_out"]) == ("peer", 41, 41)


def test_code_d_and_our_echo_server(spawn, spawn_student):
    server = spawn("echo-server", "-p", "0", "--count", "1")
    port = int(server.error_line().split(":")[-1])
    client = spawn_student("code_d.py", port)
    read_code_d(client)

    assert [server.line() for _ in PIECES] == PIECES
    client.process.terminate()
    assert server.line().startswith("No more data from 127.0.0.1:")
    assert server.finish().status == 0


def test_our_echo_client_and_code_c(student_server, spawn):
    server, port = student_server("code_c.py")
    client = spawn("echo-client", "-p", port)

    assert client.line() == "sending: " + MESSAGE
    assert client.finish().status == 0
    # The echo is cut as it arrives; the server's pieces are 16 bytes each.
    assert [server.line() for _ in PIECES] == PIECES
    assert server.line() == "received: "
    assert server.line().startswith("No more data from ('127.0.0.1', ")


def test_code_c_serves_one_client_after_another(student_server, spawn):
    server, port = student_server("code_c.py")
    first = spawn("echo-client", "--hold", "-p", port)
    read_code_d(first)  # a client that goes before would end code C, by a reset
    assert [server.line() for _ in PIECES] == PIECES

    second = spawn("echo-client", "-p", port, "Good night!")
    assert second.line() == "sending: Good night!"
    first.process.terminate()
    assert second.finish().status == 0
    assert server.line() == "received: "
    assert server.line().startswith("No more data from ")
    assert server.line() == "received: Good night!"


def test_code_c_and_code_d(student_server, spawn_student):
    server, port = student_server("code_c.py")
    read_code_d(spawn_student("code_d.py", port))
    assert [server.line() for _ in PIECES] == PIECES


def test_a_character_of_several_bytes_comes_back_whole(lab):
    """Code C would fail when 16 bytes end inside a character; the emulator's echo knows no
    characters."""
    text = "Höre ich mehr, oder rede ich schon? ♥".encode()
    with socket.create_connection(lab.address("echo")) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").read() == text
