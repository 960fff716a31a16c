"""pmulab ctl: each of its commands, against a lab and without one."""
import contextlib
import json
import re
import signal
import socket
import subprocess
import threading

import pytest

from support.lab import DEADLINE, program, run
from support.peers import connect


@pytest.fixture
def ctl(control):
    """ctl(*args, input=None, env={}): `pmulab ctl ARGS --control PATH` to its end."""

    def call(command, *args, **kwargs):
        return run("pmulab", "ctl", command, "--control", control.path, *args, **kwargs)

    call.control, call.lab = control, control.lab
    return call


def said(result, status=0):
    assert result.status == status, result.stderr
    assert (result.stderr == "") == (status == 0)
    return result.stdout if status == 0 else result.stderr


# What it shows


def test_status(ctl):
    peer = connect(ctl.lab, "pmu")
    ctl.lab.wait(event="open")
    ctl("pause", "echo")
    lines = said(ctl("status")).splitlines()
    assert lines[0].startswith("pmulab ") and "seed 7, connections: 1" in lines[0] \
        and len(lines) == 9
    rows = {line.split()[0]: line for line in lines[1:]}
    assert rows["pmu"].split()[1:] == [str(ctl.lab.port("pmu")), "open", "1,", "connections", "1"]
    assert rows["echo"].split()[1:] == [str(ctl.lab.port("echo")), "paused"]
    assert json.loads(said(ctl("status", "--json")))["seed"] == 7
    peer.close()


def test_status_tells_the_family(ctl):
    ctl("set", "reset.family=alternate:1h")
    (row,) = [line for line in said(ctl("status")).splitlines() if line.startswith("reset")]
    assert re.search(r"  IPv4 for 3[56]\d\d s$", row)


def test_get(ctl):
    assert said(ctl("get", "pmu.messages")) == "20\n"
    assert json.loads(said(ctl("get", "--json", "pmu.messages")))["value"] == "20"
    lines = said(ctl("get")).splitlines()
    assert "pmu.messages = 20  ; default" in lines and len(lines) > 40
    assert said(ctl("get", "pmu.mesages"), 1) == \
        "pmulab ctl get: pmu.mesages: no such key; did you mean pmu.messages?\n"
    assert said(ctl("get", ""), 2) and said(ctl("get", "a", "b"), 2) and said(ctl("get", "a/b"), 1)


def test_connections_and_cut(ctl):
    with socket.create_connection(ctl.lab.address("echo"), DEADLINE) as peer:
        opened = ctl.lab.wait(event="open")
        assert said(ctl("connections")).split()[:3] == [str(opened["conn"]), "echo", opened["peer"]]
        assert said(ctl("cut", str(opened["conn"]))) == "" and peer.recv(1) == b""
    with socket.create_connection(ctl.lab.address("echo"), DEADLINE) as peer:
        conn = ctl.lab.wait_all(2, event="open")[-1]["conn"]
        assert said(ctl("cut", "--rst", str(conn))) == ""
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    assert [event["why"] for event in ctl.lab.wait_all(2, event="close")] == [
        "cut by ctl", "cut by ctl"]
    assert "no open connection 77" in said(ctl("cut", "77"), 1)
    for wrong in ((), ("x",), ("",), ("1", "2")):
        said(ctl("cut", *wrong), 2)


def test_metrics(ctl):
    assert "# TYPE pmulab_" in said(ctl("metrics"))


def test_preview(ctl):
    """What `pmulab loss preview` says of the same seed."""
    result = ctl("preview", "--loss", "burst:30%,4", "-n", "40")
    assert result.stderr == "reset, IPv4, request, seed 7, loss burst:30%,4: from datagram 1 on\n"
    assert result.stdout == run("pmulab", "loss", "preview", "--seed", "7", "--loss", "burst:30%,4",
                                "-n", "40").stdout
    options = ("--endpoint", "udp-print", "--direction", "request", "--family", "4")
    now = json.loads(ctl("preview", "--json", *options).stdout)
    assert (now["endpoint"], now["loss"], set(now["fates"])) == ("udp-print", "none", {"."})
    assert "there is no such loss" in said(ctl("preview", "--loss", "x&n=3"), 1)


# What it changes


def test_set_and_unset(ctl):
    assert said(ctl("set", "pmu.messages=5", " pmu.first = 3")) == \
        "pmu.messages = 5\npmu.first = 3\n"
    assert [(event["who"], event["key"]) for event in ctl.lab.wait_all(2, event="change")] == \
        [("ctl", "pmu.messages"), ("ctl", "pmu.first")]
    assert said(ctl("get")).count("; ctl\n") == 2
    assert said(ctl("unset", "pmu.messages")) == "pmu.messages = 20\n"
    assert said(ctl("unset", "--all")) == "pmu.first = 1\n"
    assert said(ctl("unset", "--all")) == ""
    later = next(key for key in ctl.control.get("/v1/config").json["keys"]
                 if key["effect"] == "connection")
    assert said(ctl("set", f"{later['key']}={later['value']}")).endswith(
        "; for connections from now on\n")


def test_every_refusal_has_its_line(ctl):
    lines = said(ctl("set", "pmu.messages=-1", "pmu.port=7", "pmu.first=4", "x=y"), 1).splitlines()
    assert len(lines) == 3 and all(line.startswith("pmulab ctl set: ") for line in lines)
    assert "pmu.messages: \"-1\" is not a whole number" in lines[0] \
        and "--set pmu.port=7" in lines[1]
    assert said(ctl("get", "pmu.first")) == "1\n"
    assert said(ctl("unset", "pmu.mess"), 1).count("\n") == 1


@pytest.mark.parametrize("args", [
    ("set",), ("set", "pmu.messages"), ("set", "a=\udcff"), ("unset",), ("unset", "--all", "a"),
    ("pause", "a", "b"), ("status", "x"), ("scenario", "/nothing"), ("watch", "x"), ("nothing",),
    ("status", "--url", "http://localhost:1/")])
def test_wrong_usage(ctl, args):
    said(ctl(*args), 2)


def test_pause_and_resume(ctl):
    assert said(ctl("pause", "pmu")) == "" and said(ctl("pause")) == "" \
        and said(ctl("resume")) == ""
    assert len(ctl.lab.wait_all(8, event="resume")) == 8
    assert "there is no endpoint \"pmo\"; there are udp-print, echo" in said(ctl("pause", "pmo"), 1)


def test_scenario(ctl, tmp_path):
    path = tmp_path / "scenario.json"
    path.write_text('[{"set": {"pmu.messages": 5}}, {"after": "1h", "set": {"pmu.messages": 6}}]')
    assert said(ctl("scenario")) == "0 of 0 steps done, no more to come\n"
    assert said(ctl("scenario", path)) == ""
    assert ctl.lab.wait(event="change")["after"] == "5"
    assert said(ctl("scenario")) == "1 of 2 steps done, it goes on\n"
    assert said(ctl("scenario", "--end")) == "1 of 2 steps done, no more to come\n"
    assert said(ctl("scenario", "-", input='[{"set": {"pmu.messages": 8}}]')) == ""
    assert said(ctl("get", "pmu.messages")) == "8\n"
    path.write_text('[{"set": {"pmu.messages": -8, "x": 1}}]')
    assert said(ctl("scenario", path), 1).count("pmulab ctl scenario: step 1: ") == 2
    said(ctl("scenario", "--end", path), 2)


def test_scenario_that_is_no_json(ctl, tmp_path):
    path = tmp_path / "scenario.json"
    path.write_text("[\n{]")
    assert f"{path}:2:" in said(ctl("scenario", path), 2)


# Which lab


def test_the_page_does_as_well(control):
    assert said(run("pmulab", "ctl", "get", "--url", control.url, "pmu.messages")) == "20\n"
    assert said(run("pmulab", "ctl", "get", "pmu.messages", env={"PMULAB_URL": control.url})) == \
        "20\n"
    wrong = control.url[:-1] + ("0" if control.url[-1] != "0" else "1")
    assert "the key is missing, or is wrong" in said(
        run("pmulab", "ctl", "status", "--url", wrong), 1)
    said(run("pmulab", "ctl", "status", "--url", control.url.partition("?")[0]), 1)


def test_a_lab_is_found(start_lab, tmp_path):
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    for option in ("--page=0", "--control=default"):
        lab = start_lab(option, "--seed", "8", "echo", env=environment)
        assert "seed 8" in said(run("pmulab", "ctl", "status", env=environment))
        lab.stop()
    assert "is there a lab with --page or --control?" in said(
        run("pmulab", "ctl", "status", env=environment), 1)


@pytest.mark.parametrize("url", ["", "foo", "https://127.0.0.1:8080/", "http://", "http://:80/",
                                 "http://127.0.0.1:0/", "http://127.0.0.1:x/", "http://a b/",
                                 "http://127.0.0.1:80/?key=a\r\nX: y"])
def test_what_is_no_address(url):
    said(run("pmulab", "ctl", "status", "--url", url), 2)


def test_what_is_no_lab(lab, closed_port):
    assert "connection refused" in said(
        run("pmulab", "ctl", "status", "--url", f"http://127.0.0.1:{closed_port}/"), 1)
    echo = f"http://127.0.0.1:{lab.port('echo')}/"
    assert "does not speak HTTP" in said(run("pmulab", "ctl", "status", "--url", echo), 1)


ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" \
    + (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 17


@pytest.mark.parametrize("answer, text", [
    (b"", "closed without an answer"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "the lab has gone"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx", "no JSON"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "no JSON object"),
    (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nxx",
     "the lab answered 500"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 20000, "does not speak HTTP",
                 id="endless heads"),
    pytest.param(ENDLESS, "no JSON", id="endless body"),
    (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nxx", "the lab answered 500"),
    ('HTTP/1.1 400 Oh\r\nContent-Length: 20\r\n\r\n{"error":"\u009b31mred"}'.encode(),
     "\\xc2\\x9b31mred"),
    (b"HTTP/1.1 400 Oh\r\nContent-Length: 25\r\n\r\n{\"error\":\"\\u001b[31mred\"}",
     "\\x1b[31mred"),
])
def test_answers_that_are_none(serve, answer, text):
    def script(peer):
        peer.recv(65536)
        with contextlib.suppress(ConnectionError):  # it has had enough
            peer.sendall(answer)

    server = serve(script)
    result = run("pmulab", "ctl", "status", "--url", f"http://127.0.0.1:{server.port}/")
    assert text in said(result, 1) and "\x1b" not in result.stderr


# Watching


class Watch:
    """A `pmulab ctl watch` that listens: what happens from now on is shown."""

    def __init__(self, spawn, control, *args):
        self.program = spawn("pmulab", "ctl", "watch", "--control", control.path, *args)
        self.control = control

    def until(self, text):
        while text not in (line := self.program.line()):
            assert line is not None
        return line


def test_watch_in_the_words_of_the_lab(ctl, spawn):
    """The same lines that the lab writes to its terminal."""
    watch = Watch(spawn, ctl.control, "--since", "0")
    peer = connect(ctl.lab, "pmu")
    peer.command("CMD_short:0")
    assert peer.read_all()
    peer.close()
    line = watch.until("CMD_short:0")
    assert "20 messages, 371 bytes, 2 segments, closed" in line and ctl.lab.says(line)
    peer = connect(ctl.lab, "pmu")
    peer.command('"\\\x1b\n<b>')
    peer.close()
    line = watch.until('<b>')
    assert '\\"\\\\\\x1b\\n<b>' in line and ctl.lab.says(line)
    ctl("set", "pmu.messages=5")
    assert watch.until("pmu.messages") == "pmu.messages: 20 -> 5 (ctl)"
    ctl.lab.stop()
    assert watch.until("stopped") == "stopped: SIGTERM"
    assert watch.program.finish().status == 0


def test_watch_for_programs(ctl, spawn):
    watch = Watch(spawn, ctl.control, "--json", "--since", "0", "--event", "change,stop")
    ctl("set", "pmu.messages=5")
    event = json.loads(watch.program.line())
    assert (event["event"], event["after"]) == ("change", "5")
    assert ctl.lab.wait(event="change") == event
    ctl.lab.stop()
    assert json.loads(watch.program.line())["event"] == "stop" and watch.program.line() is None
    assert watch.program.finish().status == 0


def test_watch_everything(ctl, spawn):
    watch = Watch(spawn, ctl.control, "-v", "--since", "0", "--endpoint", "reset")
    assert watch.program.line().split()[1:4] == ["reset", "listens", "on"]


def test_watch_what_is_named(ctl, spawn):
    """Also what only -v tells otherwise."""
    watch = Watch(spawn, ctl.control, "--event", "send", "--since", "0")
    peer = connect(ctl.lab, "pmu")
    peer.command("CMD_short:0")
    assert "send  i=20  bytes=19" in watch.until("i=20")
    peer.close()


def test_watch_what_cannot_be_watched(ctl):
    assert 'event: there is no event "x"' in said(ctl("watch", "--event", "x"), 1)
    assert 'endpoint: there is no endpoint "x"' in said(ctl("watch", "--endpoint", "x"), 1)
    said(ctl("watch", "--since", "x"), 1)
    said(ctl("watch", "--event", "x" * 3000), 2)


@pytest.mark.parametrize("options", [["--endpoint", "reset"], ["--json", "--event", "listen"], []])
def test_watch_ends_with_the_lab(ctl, spawn, options):
    """Also where it is not told of the lab's end."""
    watch = Watch(spawn, ctl.control, "--since", "0", *options)
    watch.until("listen")
    ctl.lab.stop()
    result = watch.program.finish()
    assert (result.status, result.stderr) == (0, "")


@pytest.mark.parametrize("event", [
    {"event": "close", "command": "\\x4"}, {"event": "close", "command": "\\"},
    {"event": "close", "command": 7}, {"event": "print"}, {"event": "print", "text": 5},
    {"event": "line"}, {"event": "participant", "id": None},
    {"event": "participant", "id": [], "text": {}},
    {"event": "error", "what": "\x9b31m", "endpoint": "reset"},
    {"event": "answer", "text": "\u202e", "id": "\\x1b"},
    {"event": "change", "key": "\x9b", "before": None}, {"event": 3}, {}])
def test_watch_of_what_no_lab_says(serve, event):
    """Whoever answers there: nothing breaks, and no terminal obeys."""
    event = {"t": 1, "seq": 1, "endpoint": "tv", "conn": 1, **event}
    for ascii_only in True, False:
        line = json.dumps(event, ensure_ascii=ascii_only).encode() + b"\n"

        def script(peer, line=line):
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))

        for options in [], ["-v"]:
            server = serve(script)
            result = run("pmulab", "ctl", "watch", *options,
                         "--url", f"http://127.0.0.1:{server.port}/")
            assert result.status == 0, result.stderr
            assert not set(result.stdout) & set("\x1b\x9b\u202e")


def test_watch_goes_on_where_it_was_cut(spawn):
    """The lab cuts who takes nothing for a minute. Here a server does, at once, in the middle of a
    line."""
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    asked = []

    def chunk(data):
        return b"%x\r\n%s\r\n" % (len(data), data)

    def answer(listener):
        for body in (chunk(b'{"seq":7,"event":"drop"}\n{"seq":8,"ev'),
                     chunk(b'{"seq":8,"event":"drop"}\n') + chunk(b"")):
            peer, _ = listener.accept()
            with peer:
                asked.append(peer.recv(65536).split()[1].decode())
                peer.sendall(head + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        serving = threading.Thread(target=answer, args=(listener,))
        serving.start()
        watch = spawn("pmulab", "ctl", "watch", "--json",
                      "--url", f"http://127.0.0.1:{listener.getsockname()[1]}/")
        result = watch.finish()
        serving.join()
    assert (result.status, [json.loads(line)["seq"] for line in result.stdout.splitlines()]) == (
        0, [7, 8])
    assert [path.split("since=")[1] for path in asked] == ["now", "7"]


def test_watch_a_lab_that_is_killed(ctl, spawn):
    watch = Watch(spawn, ctl.control, "--since", "0")
    watch.until("listens")
    ctl.lab.kill()
    result = watch.program.finish()
    assert result.status == 1 and result.stderr.endswith("the lab has gone\n")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watch_for_nobody(ctl, options):
    """`pmulab ctl watch | head -1`: it ends when something happens that nobody reads."""
    watch = subprocess.Popen([program("pmulab"), "ctl", "watch", "--control",
                              str(ctl.control.path), "--since", "0", *options],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert watch.stdout.readline()
    watch.stdout.close()
    for value in range(1, 21):
        ctl.control.patch("/v1/config", {"pmu.messages": value})
    assert watch.wait(DEADLINE) == 1
    assert b"stdout takes no more" in watch.stderr.read()
    watch.stderr.close()


def test_a_lab_that_does_not_answer(ctl, spawn):
    """It has been stopped with Ctrl-Z: ctl does not wait for ever."""
    ctl.lab.signal(signal.SIGSTOP)
    try:
        assert "no answer in time" in said(ctl("status", timeout=3 * DEADLINE), 1)
    finally:
        ctl.lab.signal(signal.SIGCONT)
