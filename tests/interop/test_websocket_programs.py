"""Part 5: the libraries that students use, over ws:// and wss://, and what an HTTP client sees."""
import socket

import pytest

from support.frames import upgrade_request
from support.lab import ROOT

MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]
FLOOD = (ROOT / "profiles/hamlet.txt").read_text()

# What each program prints before and behind the messages.
PROGRAMS = {
    "part5_app.py": ([], ["closed: 1000 after 20 messages"]),
    "part5_connection.py": ([], []),
    "part5_asyncio.py": ([], ["closed: 1000"]),
    "part5.js": (["extensions: none"], ["closed: 1000"]),
}


def expected(program, lines):
    before, behind = PROGRAMS[program]
    return before + lines + [line.replace("20", str(len(lines))) for line in behind]


@pytest.mark.parametrize("program", PROGRAMS)
def test_messages(lab, student, program):
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/", "CMD_short:0")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == expected(program, MESSAGES)

    closed = lab.wait(event="close", endpoint="pmu-ws")
    assert (closed["first"], closed["messages"], closed["ws_close_code"]) == ("server", 20, 1000)


@pytest.mark.parametrize("program", PROGRAMS)
def test_messages_in_fragments(start_lab, student, program):
    lab = start_lab("--set", "ws.fragment=5", "--set", "pmu.messages=3")
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/", "CMD_short:0")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == expected(program, MESSAGES[:3])


@pytest.mark.parametrize("program", PROGRAMS)
def test_flood_is_one_message(start_lab, student, program):
    lab = start_lab("--set", f"pmu.flood={len(FLOOD)}")
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/", "CMD_floodme")
    assert (result.status, result.stderr) == (0, "")
    before, behind = PROGRAMS[program]
    behind = [line.replace("20 messages", "1 messages") for line in behind]
    assert result.stdout.rstrip("\n") == "\n".join(before + [FLOOD] + behind).rstrip("\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_over_tls(lab, student, program):
    result = student(program, f"wss://localhost:{lab.port('pmu-wss')}/", "CMD_short:0", lab.ca_file)
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == expected(program, MESSAGES)

    closed = lab.wait(event="close", endpoint="pmu-wss")
    assert (closed["messages"], closed["ws_close_code"]) == (20, 1000)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_ca_that_did_not_sign_is_noticed(lab, student, other_ca, program):
    """Who does not name the lab's CA file gets no messages: the tests above prove something."""
    result = student(program, f"wss://localhost:{lab.port('pmu-wss')}/", "CMD_short:0", other_ca[0])
    assert "This is" not in result.stdout
    assert "certificate" in (result.stdout + result.stderr).lower()


@pytest.mark.parametrize("program", PROGRAMS)
def test_another_path_is_served_and_told(lab, student, program):
    """RFC 6455 gives the path to the server, and Python's and Node's servers take any."""
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/pmu", "CMD_short:0")
    assert "This is PMU data 20" in result.stdout
    assert lab.wait(event="handshake")["ws_path"] == "/pmu"
    assert lab.wait(event="hint", endpoint="pmu-ws")["what"] == "path /pmu (the lab's address is /)"


@pytest.mark.parametrize("program", ["part5_app.py", "part5_connection.py", "part5_asyncio.py"])
def test_text_replies_fail_those_who_decode(start_lab, student, program):
    """ws.reply=text keeps this case for teaching: a TEXT message is a str already."""
    lab = start_lab("--set", "ws.reply=text")
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/", "CMD_short:0")
    assert "This is" not in result.stdout
    assert "'str' object has no attribute 'decode'" in result.stdout + result.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_refusal_is_readable(lab, student, program):
    result = student(program, f"ws://localhost:{lab.port('pmu-ws')}/", "CMD_shrot:0")
    refusal = 'ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_shrot:0"'
    assert result.lines[len(PROGRAMS[program][0])] == refusal
    assert lab.wait(event="close")["ws_close_code"] == 1000


def test_students_side_by_side(start_lab, student, spawn_student):
    lab = start_lab("--set", "shutdown.grace=0.1s")
    url = f"ws://localhost:{lab.port('pmu-ws')}/"
    slow = spawn_student("part5_connection.py", url, "CMD_short:3600")
    assert slow.line() == MESSAGES[0]
    assert student("part5_connection.py", url, "CMD_short:0").lines == MESSAGES
    assert lab.events(event="close", command="CMD_short:3600") == []


# A browser's address line, or curl


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_plain_get_is_told_how_to_connect(lab, tool, scheme):
    port = lab.port("pmu-ws" if scheme == "http" else "pmu-wss")
    result = tool("curl", "-si", "--cacert", lab.ca_file, f"{scheme}://localhost:{port}/")
    head, body = result.stdout.split("\n\n", 1)
    assert head.splitlines()[0] == "HTTP/1.1 426 Upgrade Required"
    assert {"Upgrade: websocket", "Sec-WebSocket-Version: 13"} <= set(head.splitlines())

    url = f"{scheme.replace('http', 'ws')}://localhost:{port}/"
    connect, python, shell = body.splitlines()
    assert url in connect and url in python and url in shell
    assert python.startswith("Python:")
    assert shell.startswith("Shell:")


def test_the_python_line_of_the_answer_works(start_lab, tool):
    lab = start_lab("--set", "shutdown.grace=0.1s")
    body = tool("curl", "-s", f"http://localhost:{lab.port('pmu-ws')}/").lines
    line = body[1].removeprefix("Python:").strip()
    result = tool("/usr/bin/python3", "-c", line)
    assert (result.status, result.stdout, result.stderr) == (0, "This is PMU data 1\n", "")


def test_the_shell_line_of_the_answer_works(lab, tool):
    body = tool("curl", "-s", f"http://localhost:{lab.port('pmu-ws')}/").lines
    program, *arguments = body[2].removeprefix("Shell:").replace(
        "CMD_short:1", "CMD_short:0").split()
    assert program == "pdc-ws"
    result = tool("pdc-ws", *arguments)
    assert (result.status, result.lines) == (0, MESSAGES)


@pytest.mark.parametrize("path", ["/favicon.ico", "/pmu", "//", "/%2e"])
def test_other_paths_are_not_found(lab, tool, path):
    result = tool("curl", "-s", "-w", "%{http_code}", "--path-as-is",
                  f"http://localhost:{lab.port('pmu-ws')}{path}")
    assert result.stdout == f"There is no page here: {path}\n404"


@pytest.mark.parametrize("options, status", [
    (["-I"], "405"), (["-d", "CMD_short:0"], "405"), (["--http1.0"], "426"),
    (["-H", "Host:"], "400"), (["-H", "X: " + 17000 * "x"], "431"),
])
def test_other_requests_are_refused(lab, tool, options, status):
    result = tool("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options,
                  f"http://localhost:{lab.port('pmu-ws')}/")
    assert result.stdout == status


UPGRADE = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
           "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]


@pytest.mark.parametrize("options, line", [
    (["--http1.0"], "The upgrade came in HTTP/1.0; a WebSocket needs HTTP/1.1 (RFC 6455 4.1)."),
    (["-H", "Host:"], "The Host header is missing; RFC 9112 demands one."),
    (["-H", "Content-Length: 5"],
     "A request for a WebSocket has no body: no Content-Length but 0, no Transfer-Encoding."),
])
def test_an_upgrade_that_is_refused_is_told_why(lab, tool, options, line):
    result = tool("curl", "-s", "-m", "5", *UPGRADE, *options,
                  f"http://localhost:{lab.port('pmu-ws')}/")
    assert result.stdout == line + "\n"
    assert line.rstrip(".") in lab.wait(event="error", endpoint="pmu-ws")["what"]


def test_java_11_says_that_its_upgrade_has_no_content(lab):
    """Content-Length: 0, as Java 11 to 18 and old Dart and Swift clients send it."""
    with socket.create_connection(lab.address("pmu-ws")) as peer:
        peer.sendall(upgrade_request("localhost", headers={"Content-Length": "0"}))
        assert peer.recv(12) == b"HTTP/1.1 101"
    assert lab.wait(event="hint", endpoint="pmu-ws")["what"] == "Content-Length: 0 in the upgrade"


def test_curl_asks_for_the_upgrade_with_another_version(lab, tool):
    result = tool("curl", "-si", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
                  "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                  "-H", "Sec-WebSocket-Version: 8", f"http://localhost:{lab.port('pmu-ws')}/")
    assert result.lines[0] == "HTTP/1.1 426 Upgrade Required"
    assert "Sec-WebSocket-Version: 13" in result.lines
