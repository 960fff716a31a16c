"""`pmulab run`: how it ends is how its command ends; signals reach the command, once."""
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support.box import box
from support.lab import DEADLINE, SCALE

PYTHON = sys.executable

LOOPBACK = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])


def one_line(result):
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("pmulab run: ") and result.stdout == "", result
    return lines[0].removeprefix("pmulab run: ")


# Exit statuses

@LOOPBACK
@pytest.mark.parametrize("status", [0, 1, 2, 42, 124, 125, 126, 127, 128, 255])
def test_the_commands_own_status(user, options, status):
    assert box(*options, "--", "sh", "-c", f"exit {status}", user=user) == (status, "", "")


@LOOPBACK
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT,
                                    signal.SIGPIPE, signal.SIGRTMAX])
def test_killed_by_a_signal(user, options, number):
    result = box(*options, "--", "sh", "-c", f"ulimit -c 0; kill -{int(number)} $$", user=user)
    assert result == (128 + number, "", "")


@LOOPBACK
def test_not_found(user, options):
    # Nothing that this user cannot enter: there, no one could say that it is not there (execvp(3)).
    assert one_line(box(*options, "--", "no-such-command", user=user,
                        env={"PATH": "/usr/bin:/bin"})) == \
        "no-such-command: there is no such command"


@pytest.mark.parametrize("command", ["./nothing", "/nowhere/at/all", "", "interpreter"])
def test_not_found_either(user, command):
    folder = user.folder()
    script = folder / "interpreter"
    script.write_text("#!/nowhere/python3\n")
    script.chmod(0o755)
    result = box("--", command, user=user, cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert result.status == 127
    assert "there is no such command" in one_line(result)


def test_a_script_whose_interpreter_is_missing(user):
    folder = user.folder()
    script = folder / "script"
    script.write_text("#!/nowhere/python3\n")
    script.chmod(0o755)
    result = box("--", "./script", user=user, cwd=folder)
    assert result.status == 126
    assert one_line(result) == "./script: the program that its first line names is missing"


@LOOPBACK
@pytest.mark.parametrize("command", ["./file", "/etc", "./file/below"])
def test_cannot_be_run(user, options, command):
    folder = user.folder()
    (folder / "file").write_text("#!/bin/sh\n")
    (folder / "file").chmod(0o644)
    result = box(*options, "--", command, user=user, cwd=folder)
    assert result.status == 126
    assert one_line(result) in (f"{command}: Permission denied", f"{command}: Not a directory")


NOT_UNDERSTOOD = [
    ([], "which command?"),
    (["--"], "which command?"),
    (["--nonsense", "true"], "unknown option --nonsense"),
    (["--profile", "nonsense", "true"], "no such profile"),
    (["--set", "nonsense=1", "true"], "nonsense: no such key"),
    (["--set", "pmu.messages=x", "true"], "pmu.messages"),
    (["-c", "/nowhere.ini", "true"], "/nowhere.ini"),
    (["--timeout", "0", "true"], "no duration"),
    (["--timeout", "-1s", "true"], "no duration"),
    (["--timeout", "soon", "true"], "no duration"),
    (["--timeout"], "--timeout"),
    (["--host", "a b", "true"], "no name for a host"),
    (["--host", "a\nb", "true"], "no name for a host"),
    (["--host", "localhost", "true"], "no name for a host"),
    (["--host", "", "true"], "no name for a host"),
    (["--host", "x" * 254, "true"], "no name for a host"),
    (["--local", "nonsense", "true"], "there is no endpoint"),
    (["--local", "", "true"], "there is no endpoint"),
    (["--local", "pmu:", "true"], "--local"),
    (["--local", "pmu:0", "true"], "--local"),
    (["--local", "pmu:65536", "true"], "--local"),
    (["--local", "pmu:5003x", "true"], "--local"),
    (["--local", "pmu", "--local", "pmu:1", "true"], "given twice"),
    (["--local", "tv", "true"], "tv"),
    (["--local", "pmu:6000", "--local", "echo:6000", "true"], "6000"),
    (["--loopback", "--capture", "x", "true"], "--capture needs a network of its own"),
    (["--loopback", "--host", "x", "true"], "--host needs a network of its own"),
    (["--loopback", "--local", "pmu", "true"], "--local needs a network of its own"),
    (["--capture", "/nowhere/x", "true"], "/nowhere/x"),
    (["--capture", "/", "true"], "/: "),
    (["--events", "/nowhere/x", "true"], "/nowhere/x"),
    (["--seed", "x", "true"], "--seed"),
]


@pytest.mark.parametrize("arguments,words", NOT_UNDERSTOOD,
                         ids=lambda value: " ".join(value)[:40] or "nothing")
def test_the_lab_failed(user, arguments, words):
    """The command has not run: a command that begins before what is asked for is there would be
    half-way."""
    result = box(*[word if word != "true" else "touch" for word in arguments],
                 *(["ran"] if "true" in arguments else []), user=user)
    assert result.status == 125
    assert words in one_line(result)
    assert not (user.home / "ran").exists()


def test_a_busy_port_of_the_command_says_what_to_do(user):
    line = one_line(box("--local", "pmu:6000", "--local", "echo:6000", "true", user=user))
    assert "--local echo:PORT" in line
    assert "--ephemeral" not in line  # an option that this command does not have


# Time

@LOOPBACK
def test_time_is_over(user, options):
    began = time.monotonic()
    assert box(*options, "--timeout", "200ms", "--", "sleep", "1000", user=user) == (124, "", "")
    assert 0.2 <= time.monotonic() - began < 5 * SCALE


@LOOPBACK
def test_time_is_not_over(user, options):
    assert box(*options, "--timeout", "1h", "--", "sh", "-c", "exit 5", user=user) == (5, "", "")


@LOOPBACK
def test_a_command_that_ends_when_asked_to(user, options):
    script = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"
    assert box(*options, "--timeout", "200ms", "--", "sh", "-c", script, user=user) == (
        124, "bye\n", "")


@LOOPBACK
def test_a_command_that_ignores_sigterm(user, options):
    script = "trap '' TERM; while :; do sleep 0.05; done"
    began = time.monotonic()
    assert box(*options, "--timeout", "100ms", "--", "sh", "-c", script, user=user) == (124, "", "")
    assert time.monotonic() - began >= 2  # it was given time


@LOOPBACK
def test_a_command_that_is_stopped(user, options):
    """It goes on, so that it can end as it wants to."""
    script = "trap 'echo bye; exit 0' TERM; kill -STOP $$; sleep 1000"
    assert box(*options, "--timeout", "200ms", "--", "sh", "-c", script, user=user) == (
        124, "bye\n", "")


# Signals

PASSED_ON = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2]

# A byte in the pipe for each, its number, whatever Python is doing when it comes.
COUNT = """
import os, select, signal, sys
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
signal.signal(int(sys.argv[1]), lambda number, frame: None)
print("ready", flush=True)
while True:
    for fd in select.select([0, read], [], [])[0]:
        text = os.read(fd, 100)
        if fd == read:
            print(*text, flush=True)
        elif not text:
            sys.exit(0)
        else:
            print(text.decode(), end="", flush=True)
"""


@LOOPBACK
@pytest.mark.parametrize("number", PASSED_ON, ids=lambda number: number.name)
def test_a_signal_reaches_the_command_once(user, spawn_box, options, number):
    running = spawn_box(*options, "--", PYTHON, "-c", COUNT, int(number), user=user)
    assert running.line() == "ready"
    running.signal(number)
    assert running.line() == str(int(number))
    running.write("no other one\n")
    assert running.line() == "no other one"
    running.signal(number)
    assert running.line() == str(int(number))
    assert running.finish() == (0, f"ready\n{int(number)}\nno other one\n{int(number)}\n", "")


@LOOPBACK
@pytest.mark.parametrize("number", PASSED_ON, ids=lambda number: number.name)
def test_a_signal_ends_the_command(user, spawn_box, options, number):
    running = spawn_box(*options, "--", "sh", "-c", "ulimit -c 0; echo ready; exec sleep 1000",
                        user=user)
    assert running.line() == "ready"
    running.signal(number)
    assert running.finish() == (128 + number, "ready\n", "")


@LOOPBACK
def test_a_signal_before_the_command(user, spawn_box, options):
    """From the first instruction on: it ends pmulab, or the command, and never goes nowhere."""
    for _ in range(10):
        running = spawn_box(*options, "--", "sleep", "1000", user=user)
        running.signal(signal.SIGTERM)
        result = running.finish()
        assert result.status in (128 + signal.SIGTERM, -signal.SIGTERM)


@LOOPBACK
def test_a_command_stopped_by_sigstop_goes_on(user, spawn_box, options):
    """pmulab itself is stopped and goes on; the lab answers again."""
    running = spawn_box(*options, "--", "sh",
                        "-c", 'echo ready; read go; pdc CMD_short:0 | tail -n 1', user=user)
    assert running.line() == "ready"
    running.signal(signal.SIGSTOP)
    assert os.waitpid(running.pid, os.WUNTRACED)[1] >> 8 == signal.SIGSTOP
    running.signal(signal.SIGCONT)
    running.write("go\n")
    assert running.line(DEADLINE) == "This is PMU data 20"
    assert running.finish().status == 0


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def has_ended(pid):
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


@LOOPBACK
def test_signals_that_come_too_late(user, spawn_box, options):
    """The command has ended with signals for it still under way: its status is told all the
    same."""
    running = spawn_box(*options, "--", "sh", "-c", "echo ready; exec sleep 1000", user=user)
    assert running.line() == "ready"
    [keeper] = children(running.pid)
    [command] = children(keeper)
    os.kill(keeper, signal.SIGSTOP)
    running.signal(signal.SIGUSR1)
    status = Path(f"/proc/{running.pid}/status")
    wait_until(lambda: "ShdPnd:\t0000000000000000\n" in status.read_text()
               and "State:\tS" in status.read_text())
    running.signal(signal.SIGSTOP)
    os.kill(command, signal.SIGTERM)
    wait_until(lambda: has_ended(command))
    os.kill(keeper, signal.SIGCONT)
    wait_until(lambda: has_ended(keeper))
    running.signal(signal.SIGCONT)
    assert running.finish() == (128 + signal.SIGTERM, "ready\n", "")
