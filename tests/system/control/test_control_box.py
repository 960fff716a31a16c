"""The control of `pmulab run`: reached from outside, and not by what runs in the box."""
import http.client
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from support.box import box, events
from support.control import UnixConnection
from support.lab import DEADLINE

# Every way that a program in the box has: says what came of it.
INTRUDER = r"""
import os, socket, sys
path, host, port, key = sys.argv[1:]
REQUEST = f"PATCH /v1/config HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n" \
    "Content-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"pmu.messages\": 1}\n"

def attempt(name, connect):
    try:
        with connect() as peer:
            peer.settimeout(10)
            peer.sendall(REQUEST.encode())
            print(name, "closed" if peer.recv(100) == b"" else "SERVED", flush=True)
    except OSError as error:
        gone = isinstance(error, (ConnectionResetError, BrokenPipeError))
        print(name, "closed" if gone else "unreachable", flush=True)

def unix():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    return peer

def forked():
    # Whoever connects ends before anybody could look who it was.
    mine, other = socket.socketpair(socket.AF_UNIX)
    if os.fork() == 0:
        socket.send_fds(other, [b"x"], [unix().detach()])
        os._exit(0)
    os.wait()
    return socket.socket(fileno=socket.recv_fds(mine, 1, 1)[1][0])

assert os.path.exists(path), "the test would say nothing"
attempt("unix", unix)
attempt("forked", forked)
attempt("tcp", lambda: socket.create_connection((host, int(port)), 10))
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place(user):
    """A folder of the user's with a short name: a socket's path has 107 bytes."""
    folder = user.own(tempfile.mkdtemp(prefix="pmulab-c-", dir="/tmp"))
    yield os.path.join(folder, "control")
    shutil.rmtree(folder)


def page_of(program):
    while "the page is " not in (line := program.error_line()):
        assert line is not None
    return line.split()[-1]


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body and json.dumps(body),
                       {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_from_outside_and_not_from_inside(user, spawn_box, place):
    journal = user.folder() / "lab.ndjson"
    running = spawn_box("--control", place, "--page=127.0.0.1:0", "--events", journal, "--",
                        "sh", "-c", "read arguments; exec python3 -c \"$0\" $arguments", INTRUDER,
                        user=user)
    url = page_of(running)
    authority, key = url.removeprefix("http://").split("/?key=")
    host, port = authority.split(":")
    running.write(f"{place} {host} {port} {key}\n")
    said = {}
    while (line := running.line()) != "ready":
        assert line is not None, running.finish()
        said.update([line.split()])
    assert said == {"unix": "closed", "forked": "closed", "tcp": "unreachable"}
    page = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
    for connection, headers in ((UnixConnection(place), {}),
                                (page, {"Authorization": f"Bearer {key}"})):
        status, answer = ask(connection, "PATCH", "/v1/config", {"pmu.messages": 7}, headers)
        assert (status, answer["keys"][0]["value"]) == (200, "7")
        connection.close()
    # Another box is no way in either.
    tried = box("--", "pmulab", "ctl", "status", "--control", place, user=user)
    assert tried.status == 1 and "cannot be reached" in tried.stderr
    running.write("\n")
    assert running.finish().status == 0
    assert [event["after"] for event in events(journal) if event["event"] == "change"] == ["7"]
    assert not os.path.exists(place)


def test_ctl_from_outside(user, spawn_box, place):
    running = spawn_box("--control", place, "--", "sh", "-c", "echo ready; read line", user=user)
    assert running.line() == "ready"
    done = subprocess.run(user.command("ctl", "set", "--control", place, "pmu.messages=7"),
                          capture_output=True, text=True, timeout=DEADLINE, env=user.environment())
    assert (done.returncode, done.stdout) == (0, "pmu.messages = 7\n")
    running.write("\n")
    assert running.finish().status == 0


def test_nothing_of_it_is_inherited(user, place):
    """The command has none of its descriptors, and does not see the key."""
    result = box("--control", place, "--page=127.0.0.1:0", "--",
                 "sh", "-c", "ls -l /proc/self/fd; env", user=user)
    key = result.stderr.split("key=")[1].strip()
    assert result.status == 0 and key not in result.stdout
    assert "socket:" not in result.stdout


def test_loopback_has_the_page_alone(user):
    """There the command has the same network and the same files: only a key keeps it out."""
    result = box("--loopback", "--page=127.0.0.1:0", "--", "true", user=user)
    assert result.status == 0 and "the page is http://127.0.0.1:" in result.stderr
    assert "control" not in result.stderr
    result = box("--loopback", "--control", "/tmp/x", "--", "true", user=user)
    assert result.status == 125 and "--control needs a network of its own" in result.stderr


# Says what comes of a connection to each place of echo: its own localhost, and the lab.
TWO_PLACES = r"""
import socket, sys
def meet(host):
    peer = socket.create_connection((host, 5002), 20)
    peer.settimeout(20)
    peer.sendall(b"hello")
    return peer
for host in "127.0.0.1", "tcpip.epfl.ch":
    with meet(host) as peer:
        print(peer.recv(100).decode(), flush=True)
        sys.stdin.readline()
        print("cut" if peer.recv(100) == b"" else "goes on", flush=True)
sys.stdin.readline()
peers = [meet(host) for host in ("127.0.0.1", "tcpip.epfl.ch")]
print("waiting", flush=True)
for peer in peers:
    print(peer.recv(100).decode(), flush=True)
"""


def test_two_places_of_one_endpoint(user, spawn_box, place):
    """`--local echo`: what is cut or paused is the right one, or both."""
    journal = user.folder() / "lab.ndjson"
    running = spawn_box("--control", place, "--local", "echo", "--events", journal, "--",
                        "python3", "-c", TWO_PLACES, user=user)

    def call(method, path, body=None):
        status, answer = ask(UnixConnection(place), method, path, body)
        assert status == 200, answer
        return answer

    for local in True, False:
        assert running.line() == "hello"
        (one,) = call("GET", "/v1/connections")["connections"]
        assert (one["endpoint"], one["local"]) == ("echo", local)
        call("POST", f"/v1/connections/{one['id']}/close")
        running.write("\n")
        assert running.line() == "cut"
    paused = call("POST", "/v1/pause", {"endpoint": "echo"})["endpoints"]
    assert [(one["local"], one["paused"]) for one in paused] == [(False, True), (True, True)]
    running.write("\n")
    assert running.line() == "waiting"
    assert call("GET", "/v1/connections")["connections"] == []
    resumed = call("POST", "/v1/resume", {"endpoint": "echo"})["endpoints"]
    assert [one["paused"] for one in resumed] == [False, False]
    assert [running.line(), running.line()] == ["hello", "hello"]
    assert running.finish().status == 0
    told = events(journal)
    assert [event["why"] for event in told if event["event"] == "close"][:2] == \
        ["cut by control"] * 2
    assert [event["event"] for event in told if event["event"] in ("suspend", "resume")] == [
        "suspend", "resume"]


def test_a_place_that_is_taken(user, spawn_box, place):
    running = spawn_box("--control", place, "--", "sh", "-c", "echo ready; read line", user=user)
    assert running.line() == "ready"
    result = box("--control", place, "--", "true", user=user)
    assert result.status == 125 and "somebody listens there already" in result.stderr
    running.write("\n")
    assert running.finish().status == 0
