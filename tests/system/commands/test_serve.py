"""`pmulab serve` as a program: options, exit statuses, what it says and where."""
import contextlib
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from support.lab import DEADLINE, SCALE, environment, program, run
from support.peers import STREAMS, Plain, connect, messages


@pytest.fixture
def home(state_directory):
    """The environment of a lab that is started by hand."""
    return {"XDG_STATE_HOME": str(state_directory)}


@pytest.fixture
def busy_port():
    """A port that this process listens on, on 127.0.0.1."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def serve(*args, **kwargs):
    """A start that fails, or prints something and is done."""
    return run("pmulab", "serve", *args, **kwargs)


@contextlib.contextmanager
def running(*args, home={}):
    """A quiet lab on ports of the test's choice, until the end of the block."""
    lab = subprocess.Popen([program("pmulab"), "serve", "-q", "--ready-fd", "1", *args],
                           stdout=subprocess.PIPE, env=environment(**home))
    try:
        assert lab.stdout.readline() == b"READY\n"
        yield lab
        lab.terminate()
        assert lab.wait(DEADLINE) == 0
    finally:
        lab.kill()
        lab.wait()
        lab.stdout.close()


def first_message(host, port):
    with socket.create_connection((host, port), timeout=DEADLINE) as peer:
        peer.sendall(b"CMD_short:0")
        return Plain(peer).read_all()[:18]


def refused(result, status, *texts):
    """One line on stderr, nothing on stdout."""
    assert result.status == status
    assert result.stdout == ""
    assert result.stderr.startswith("pmulab serve: ") and result.stderr.count("\n") == 1
    for text in texts:
        assert text in result.stderr


# Ports

def test_the_ports_file_is_for_a_shell(home, tmp_path):
    ports, events = tmp_path / "it's here", tmp_path / "events"
    with running("--ephemeral", "--ports-file", ports, "--events", events, home=home):
        script = (f'. "{ports}"; echo $PMULAB_HOST $PMULAB_ECHO_PORT $PMULAB_PMU_WSS_PORT '
                  '"$PMULAB_CA_FILE"')
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True,
                              env=environment()).stdout.split()
        assert Path(said[3]).is_file()
    heard = [json.loads(line).get("address") for line in events.read_text().splitlines()]
    assert said[0] == "127.0.0.1"
    assert f"127.0.0.1:{said[1]}" in heard and f"[::1]:{said[2]}" in heard


def test_the_ports_file_names_every_endpoint_and_goes_with_the_lab(start_lab):
    lab = start_lab()
    ports = Path(lab.directory.name, "ports")
    names = [line.split("=")[0] for line in ports.read_text().splitlines()]
    assert {"PMULAB_CA_FILE", "PMULAB_ECHO_PORT", "PMULAB_HOST", "PMULAB_PMU_PORT",
            "PMULAB_PMU_TLS_PORT", "PMULAB_PMU_WSS_PORT", "PMULAB_PMU_WS_PORT"} <= set(names)
    assert os.listdir(lab.directory.name) == ["ports"]  # no temporary file is left
    lab.signal()
    lab.process.wait(DEADLINE)
    assert os.listdir(lab.directory.name) == []


def test_an_old_ports_file_is_replaced(tmp_path):
    ports = tmp_path / "ports"
    ports.write_text("PMULAB_OLD=1\n" * 100)
    with running("--ephemeral", "--ports-file", ports, "echo"):
        assert re.fullmatch(r"PMULAB_HOST=127.0.0.1\nPMULAB_ECHO_PORT=\d+\n", ports.read_text())
    assert not ports.exists()


def test_only_the_endpoints_that_are_named(home, tmp_path, spawn):
    lab = spawn("pmulab", "serve", "--ephemeral", "--events", "-", "-q", "pmu", "echo", env=home)
    events = [json.loads(lab.line()) for _ in range(5)]
    assert [event.get("endpoint") for event in events] == [None, "echo", "echo", "pmu", "pmu"]
    lab.signal(signal.SIGTERM)
    assert lab.finish().status == 0


def test_one_port_on_both_addresses(lab):
    for endpoint in STREAMS:
        addresses = {event["address"]
                     for event in lab.wait_all(2, event="listen", endpoint=endpoint)}
        assert addresses == {f"127.0.0.1:{lab.port(endpoint)}", f"[::1]:{lab.port(endpoint)}"}


@pytest.mark.parametrize("bind, addresses", [
    ("127.0.0.2", ["127.0.0.2"]),
    ("::1", ["[::1]"]),
    ("any", ["0.0.0.0", "[::]"]),
    ("localhost", ["127.0.0.1", "[::1]"]),
])
def test_bind(start_lab, bind, addresses):
    lab = start_lab("--bind", bind)
    heard = [event["address"].rpartition(":")[0]
             for event in lab.wait_all(len(addresses), event="listen", endpoint="pmu")]
    assert heard == addresses
    assert lab.host == {"any": "127.0.0.1", "localhost": "127.0.0.1"}.get(bind, bind)
    assert first_message(lab.host, lab.port("pmu")) == b"This is PMU data 1"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_socket_of_any_serves_both_families(start_lab, host):
    lab = start_lab("--bind", "any")
    with socket.create_connection((host, lab.port("echo")), timeout=DEADLINE) as peer:
        peer.sendall(b"?")
        assert peer.recv(1) == b"?"


def test_ports_are_settings(closed_port):
    with running("--set", f"pmu.port={closed_port}", "--bind", "127.0.0.3", "pmu"):
        assert first_message("127.0.0.3", closed_port) == b"This is PMU data 1"


def test_a_busy_port(home, busy_port):
    result = serve("--set", f"pmu.port={busy_port}", "--set", "echo.port=0", "--bind", "127.0.0.1",
                   "echo", "pmu", env=home)
    refused(result, 3, f"pmu: 127.0.0.1:{busy_port}", "already in use", f"(pid {os.getpid()})",
            "--ephemeral", "--set pmu.port=")


def test_a_port_that_is_busy_on_one_address_only(home, busy_port):
    refused(serve("--set", f"pmu.port={busy_port}", "pmu", env=home), 3, f"127.0.0.1:{busy_port}")


def test_an_address_of_somebody_else(home):
    refused(serve("--bind", "192.0.2.1", "--ephemeral", "pmu", env=home), 3, "pmu: 192.0.2.1",
            "cannot assign")


def test_a_lab_starts_again_at_once_on_its_port(closed_port):
    """SO_REUSEADDR, as part 1.2 teaches: what the first one closed is still in TIME_WAIT."""
    for _ in range(3):
        with running("--bind", "127.0.0.4", "--set", f"pmu.port={closed_port}", "pmu"):
            assert first_message("127.0.0.4", closed_port) == b"This is PMU data 1"


# Configuration

@pytest.mark.parametrize("args, texts", [
    (["--set", "pmu.mesages=1"], ["--set: pmu.mesages: no such key; did you mean pmu.messages?"]),
    (["--set", "pmu.messages=1x"], ['pmu.messages: "1x" is not a whole number']),
    (["--set", "pmu.messages=-1"], ['"-1" is not']),
    (["--set", "pmu.messages="], ['"" is not']),
    (["--set", "pmu.messages"], ["is not KEY=VALUE"]),
    (["--set", "pmu.rtt=201ms"], ["pmu.rtt", "200ms"]),
    (["--set", "echo.messages=1"], ["echo.messages: no such key"]),
    (["--bogus"], ["unknown option --bogus"]),
    (["--seed", "x"], ["--seed"]),
    (["--seed"], ["--seed"]),
    (["--ready-fd", "77"], ["descriptor 77 is not open"]),
    (["--bind", "nowhere"], ["--bind", "nowhere"]),
    (["nosuch"], ['there is no endpoint "nosuch"', "pmu-wss"]),
    (["-c", "/nonexistent/file"], ["/nonexistent/file", "No such file"]),
    (["--events", "/nonexistent/file"], ["--events", "/nonexistent/file", "No such file"]),
    (["--set", "tls.cert=/nonexistent/file", "--set", "tls.key=/nonexistent/key"],
     ["/nonexistent/file"]),
    (["--set", "tls.cert=/etc/hostname"], ["tls.key"]),
    (["--set", "pmu.flood_text=/nonexistent/file"], ["/nonexistent/file"]),
])
def test_what_is_wrong_is_one_line_and_status_2(home, args, texts):
    refused(serve("--ephemeral", *args, env=home), 2, *texts)


@pytest.mark.parametrize("text, line", [
    ("[pmu]\nmessages = 15\n\npmu.mesages = 3\n", 4),
    ("pmu.mesages = 3\n", 1),
    ("\n\n[nosuch]\n", 3),
    ("[pmu]\nmessages = 15 rubbish\n", 2),
    ("[pmu]\nnothing\n", 2),
])
def test_a_wrong_line_of_a_file_is_named(tmp_path, home, text, line):
    file = tmp_path / "lab.ini"
    file.write_text(text)
    refused(serve("--ephemeral", "-c", file, env=home), 2, f"{file}:{line}: ")


def test_what_is_wrong_leaves_nothing_behind(tmp_path, home):
    ports = tmp_path / "ports"
    refused(serve("--ephemeral", "--ports-file", ports, "--set", "pmu.mesages=1", env=home), 2)
    assert os.listdir(tmp_path) == []


def test_set_wins_over_files_wherever_it_stands(tmp_path, start_lab):
    first, second = tmp_path / "first.ini", tmp_path / "second.ini"
    first.write_text("[pmu]\nmessages = 3\nfirst = 3\nflood = 3\n")
    second.write_text("[pmu]\nmessages = 4\nfirst = 4\n")
    lab = start_lab("--set", "pmu.messages=5", "-c", first, "-c", second)
    config = lab.wait(event="start")["config"]
    assert (config["pmu.messages"], config["pmu.first"], config["pmu.flood"]) == ("5", "4", "3")


def test_the_printed_configuration_is_a_file(tmp_path, start_lab):
    text = tmp_path / "play.txt"
    text.write_text("Romeo\n")
    settings = ["pmu.messages=15", "pmu-ws.messages=10", "pmu.rtt=1500us", "pmu.flood=1MiB",
                "pmu.stall=none", "ws.ping=2m", "ws.reply=text", "pmu.speed=0.25",
                f"pmu.flood_text={text}", "pmu-tls.port=0", "tls.legacy=yes"]
    options = [option for setting in settings for option in ("--set", setting)]
    printed = serve("--print-config", *options)
    assert printed.status == 0
    assert "messages = 15  ; --set" in printed.lines
    assert "port = 5002  ; default" in printed.lines
    file = tmp_path / "lab.ini"
    file.write_text(printed.stdout)
    again = serve("--print-config", "-c", file)
    assert values(again.lines) == values(printed.lines)
    config = start_lab("-c", file).wait(event="start")["config"]
    assert config == start_lab(*options).wait(event="start")["config"]


def values(lines):
    """Without where each comes from."""
    return [line.partition("  ;")[0] for line in lines]


def test_print_config_names_file_and_line(tmp_path):
    file = tmp_path / "lab.ini"
    file.write_text("\n[pmu]\n; a comment\nmessages = 15\n")
    assert f"messages = 15  ; {file}:4" in serve("--print-config", "-c", file).lines


def test_endpoints_may_have_certificates_of_their_own(start_lab, tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    lab = start_lab("--set", f"tls.dir={own}", "--set", f"pmu-wss.dir={other}")
    assert lab.ca_file == str(own / "ca.pem")
    for endpoint, directory in [("pmu-tls", own), ("pmu-wss", other)]:
        shown = ssl.get_server_certificate(lab.address(endpoint), ca_certs=directory / "ca.pem",
                                           timeout=DEADLINE)
        assert shown.strip() == (directory / "cert.pem").read_text().strip()


# What it says

def test_help():
    result = serve("--help")
    assert (result.status, result.stderr) == (0, "")
    for text in ["--ephemeral", "pmu.messages", "5003", "Examples:", "Exit status:"]:
        assert text in result.stdout


@pytest.mark.parametrize("args", [["--version"], ["serve", "--version"]])
def test_version(args):
    result = run("pmulab", *args)
    assert (result.status, result.stderr) == (0, "")
    assert re.search(r" \d+\.\d+\.\d+$", result.stdout.strip())


@pytest.mark.parametrize("args, status", [([], 2), (["nosuch"], 2), (["--help"], 0)])
def test_the_program_without_a_command(args, status):
    result = run("pmulab", *args)
    assert result.status == status
    assert "pmulab" in result.stdout + result.stderr


def one_exchange(lab):
    peer = connect(lab, "pmu")
    peer.command("CMD_short:0")
    assert peer.read_all() == messages(20)
    peer.close()
    lab.wait(event="close")
    lab.stop()
    return lab.output


def test_people_get_a_line_for_each_thing_that_matters(start_lab):
    lab = start_lab("pmu", "echo")
    said = one_exchange(lab).splitlines()
    peer = lab.wait(event="open")["peer"]
    assert said[0].startswith("pmulab ")
    assert f"pmu      #1 {peer}  CMD_short:0  20 messages, 371 bytes, 2 segments, closed" in said
    assert said[-1] == "stopped: SIGTERM"
    assert len(said) == 7  # and the four addresses


def test_quiet_says_nothing(start_lab):
    assert one_exchange(start_lab("-q")) == ""


def test_verbose_says_everything(start_lab):
    lab = start_lab("-v")
    said = one_exchange(lab).splitlines()
    assert len(said) == len(lab.events())
    assert sum("send" in line for line in said) == 20


def test_a_pipe_gets_no_colours(start_lab):
    lab = start_lab("-v")
    peer = connect(lab, "pmu")
    peer.command("nonsense")
    peer.read_all()
    peer.close()
    lab.stop()
    assert "nonsense" in lab.output and "\x1b" not in lab.output


def on_a_terminal(home, **more):
    """What a lab writes to a terminal about a bad command from somewhere."""
    ours, theirs = pty.openpty()
    lab = subprocess.Popen([program("pmulab"), "serve", "--ephemeral", "--ready-fd", "1",
                            "--events", "/dev/null", "pmu"],
                           stderr=theirs, stdout=subprocess.PIPE, env=environment(**home, **more))
    os.close(theirs)
    said = b""
    try:
        assert lab.stdout.readline() == b"READY\n"
        while not (port := re.search(rb"127\.0\.0\.1:(\d+)", said)):
            said += os.read(ours, 4096)
        with socket.create_connection(("127.0.0.1", int(port[1])), timeout=DEADLINE) as peer:
            peer.sendall(b"nonsense\x1b[2J")
            while peer.recv(4096):
                pass
    finally:
        lab.terminate()
        lab.wait(DEADLINE)
        lab.stdout.close()
    try:
        while piece := os.read(ours, 4096):
            said += piece
    except OSError:  # EIO: the other end has gone
        pass
    os.close(ours)
    return said


def test_a_terminal_gets_colours_but_never_the_peers(home):
    said = on_a_terminal(home)
    assert b"\x1b[31m" in said
    assert rb"nonsense\x1b[2J" in said and b"\x1b[2J" not in said


def test_no_color_is_honoured(home):
    assert b"\x1b" not in on_a_terminal(home, NO_COLOR="1")


def test_events_on_stdout_are_all_that_is_there(home, spawn):
    lab = spawn("pmulab", "serve", "--ephemeral", "--events", "-", "pmu", env=home)
    lines = [json.loads(lab.line()) for _ in range(3)]
    assert [event["event"] for event in lines] == ["start", "listen", "listen"]
    lab.signal(signal.SIGTERM)
    result = lab.finish()
    events = [json.loads(line) for line in result.lines]
    assert events[-1]["event"] == "stop"
    assert "listens on" in result.stderr


def test_events_go_to_a_file(start_lab, tmp_path):
    file = tmp_path / "lab.ndjson"
    file.write_text("something old\n")
    lab = start_lab("--events", file)
    connect(lab, "pmu").close()
    lab.stop()
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "stop"]


def test_the_seed_is_told(start_lab):
    assert start_lab("--seed", "12345").wait(event="start")["seed"] == 12345
    assert start_lab().wait(event="start")["seed"] != start_lab().wait(event="start")["seed"]


# Its end

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_as_asked(start_lab, number):
    lab = start_lab()
    lab.signal(number)
    assert lab.process.wait(DEADLINE) == 0
    assert lab.wait(event="stop")["why"] == number.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_as_asked_the_moment_it_is_ready(tmp_path, number):
    ports = tmp_path / "ports"
    for _ in range(20):
        with running("--ephemeral", "--ports-file", ports, "pmu") as lab:
            lab.send_signal(number)
            assert lab.wait(DEADLINE) == 0
            assert not ports.exists()


def test_signals_while_it_cleans_up_change_nothing(tmp_path):
    """The reader of its events does not read, so that its last words take half a second."""
    pipe, ports = tmp_path / "pipe", tmp_path / "ports"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with running("--ephemeral", "--ports-file", ports, "--events", pipe, "--set", "echo.chunk=1",
                 "echo") as lab:
        port = int(re.search(r"ECHO_PORT=(\d+)", ports.read_text())[1])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as peer:
            for _ in range(20):  # more events than the pipe takes
                peer.sendall(b"!" * 100)
                assert Plain(peer).read_exactly(100) == b"!" * 100
        began = time.monotonic()
        while lab.poll() is None and time.monotonic() - began < DEADLINE:
            lab.send_signal(signal.SIGTERM)
        assert lab.wait(DEADLINE) == 0
        assert time.monotonic() - began > 0.4
        assert not ports.exists()
    os.close(reader)


def test_an_environment_gives_no_settings(start_lab):
    lab = start_lab(env={"PMULAB_PMU_PORT": "1", "PMULAB_MESSAGES": "3",
                         "PMULAB_HOST": "192.0.2.1"})
    assert lab.host == "127.0.0.1"
    assert lab.wait(event="start")["config"]["pmu.messages"] == "20"


@pytest.mark.alone
def test_a_start_is_quick(home):
    """20 ms until everything listens, when the certificates exist; the bound is for machines that
    do other things."""
    took = []
    for _ in range(20):
        began = time.monotonic()
        with running("--ephemeral", home=home):
            took.append(time.monotonic() - began)
    took.sort()
    print(f"milliseconds: least {took[0] * 1000:.1f}, median {took[10] * 1000:.1f}, most "
          f"{took[-1] * 1000:.1f}")
    assert took[10] < 0.1 * SCALE


@pytest.mark.parametrize("args", [["foo\nbar"], ["--bind", "\x1b[2J"], ["-c", "a\nb.ini"],
                                  ["--print-config", "no\rsuch"]])
def test_an_error_is_one_line_whatever_it_quotes(args):
    result = run("pmulab", "serve", "--ephemeral", *args)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and result.stderr[:-1].isprintable()


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["serve", "--help"],
                                  ["serve", "--print-config"]])
def test_what_was_not_printed_is_a_failure(args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("pmulab"), *args], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert re.fullmatch(r"pmulab( serve)?: stdout: No space left on device\n", done.stderr)


def test_a_ports_file_that_cannot_be_written(tmp_path):
    events = tmp_path / "events"
    events.write_text("another lab's\n")
    result = run("pmulab", "serve", "--ephemeral", "--ports-file", tmp_path / "none" / "ports",
                 "--events", events, "pmu")
    assert result.status == 2
    assert "--ports-file" in result.stderr and result.stderr.count("\n") == 1
    assert events.read_text() == "another lab's\n"


def test_a_ports_file_that_is_another_labs_by_now_stays(tmp_path):
    ports = tmp_path / "ports"
    with running("--ephemeral", "--ports-file", ports, "pmu"):
        ports.rename(tmp_path / "first")
        ports.write_text("another lab's\n")
    assert ports.read_text() == "another lab's\n"
