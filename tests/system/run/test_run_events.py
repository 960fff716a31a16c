"""`pmulab run --events`: a file that is not complete is told of, and is no success."""
import os
import subprocess

import pytest

from support.box import box, events
from support.lab import DEADLINE

WAYS = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])


def line(file, why, count):
    last = "the last event is" if count == 1 else f"the last {count} events are"
    return f"pmulab run: --events: {file}: {why}: {last} not in it\n"


def all_events(user, options, *command):
    """How many a run has."""
    file = user.folder() / "events"
    assert box(*options, "--events", file, "--set", "tv.interval=1h", "--", *command,
               user=user).status == 0
    return len(events(file))


@WAYS
@pytest.mark.parametrize("command, status", [("true", 125), ("exit 3", 3), ("kill -9 $$", 137)])
def test_a_full_disk(user, options, command, status):
    expected = all_events(user, options, "true")
    result = box(*options, "--events", "/dev/full", "--set", "tv.interval=1h", "--", "sh",
                 "-c", command, user=user)
    assert result == (status, "", line("/dev/full", "No space left on device", expected))


@WAYS
def test_a_file_that_may_not_grow(user, options):
    """It ends somewhere in a line; the lines before that one are whole."""
    file = user.folder() / "events"
    done = subprocess.run(
        ["prlimit", "--fsize=3000",
         *user.command("run", *options, "-q", "--events", file, "--set", "tv.interval=1h", "--",
                       "sh", "-c", "echo done")],
        cwd=user.home, env=user.environment(), capture_output=True, text=True, timeout=DEADLINE)
    whole = file.read_bytes().count(b"\n")
    missing = all_events(user, options, "true") - whole
    assert file.stat().st_size == 3000
    assert (done.returncode, done.stdout, done.stderr) == (
        125, "done\n", line(file, "File too large", missing))


@WAYS
def test_a_closed_stdout(user, options):
    """What pmulab opens first would have taken its place."""
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh",
                           *user.command("run", *options, "--events", "-", "--", "touch", "here")],
                          cwd=user.folder(), env=user.environment(), capture_output=True, text=True,
                          timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (
        125, "pmulab run: --events: -: stdout is closed; give a file\n")


@WAYS
def test_a_stdout_that_cannot_be_written(user, options):
    with open(os.devnull) as readable:
        done = subprocess.run(user.command("run", *options, "--events", "-", "--", "true"),
                              cwd=user.home, env=user.environment(), stdout=readable,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert done.returncode == 125
    assert done.stderr.startswith("pmulab run: --events: stdout: Bad file descriptor: the last ")


@WAYS
def test_a_reader_that_has_seen_enough(user, options):
    """As with `| head -n 1`: no failure, and no word."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as end:
        done = subprocess.run(user.command("run", *options, "--events", "-", "--", "true"),
                              cwd=user.home, env=user.environment(), stdout=end,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
