"""`pmulab run` leaves nothing behind: no process, mount, namespace or file, whoever ends, and
however."""
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from support.box import Box, box, marked
from support.lab import DEADLINE

PYTHON = sys.executable

LOOPBACK = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])


class Traces:
    """What one run could leave on this machine. Its processes are known by a word in the
    environment and, where they are the box's own, in the command line."""

    def __init__(self, user):
        self.word = f"mark-{uuid.uuid4().hex}"
        self.temporary = user.folder()
        self.env = {"MARK": self.word, "TMPDIR": str(self.temporary)}
        self.folder = user.folder()
        self.before = self._machine()

    @staticmethod
    def _machine():
        """What else runs on this machine mounts nothing there."""
        mounts = {line.split()[4] + " " + line.split(" - ")[1].split()[0]
                  for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        names = Path("/run/netns")
        return ({mount for mount in mounts
                 if mount.startswith(("/etc", "/proc", "/run/nscd", "/ "))},
                sorted(names.iterdir()) if names.is_dir() else [])

    def processes(self):
        return marked(self.word)

    def check(self):
        """At once: who has waited for pmulab may count on it."""
        assert [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.processes()] == []
        self._check_files()

    def check_soon(self):
        """For who was killed: nobody is left to wait for the others."""
        end = time.monotonic() + DEADLINE
        while self.processes() and time.monotonic() < end:
            os.sched_yield()
        self.check()

    def _check_files(self):
        assert os.listdir(self.temporary) == []
        assert os.listdir(self.folder) == []
        assert self._machine() == self.before


@pytest.fixture
def traces(user):
    return Traces(user)


# What a command leaves

DAEMON = """
import os, signal, sys, time
kind = sys.argv[1]
read, write = os.pipe()
def settle():
    os.write(write, b"x")
    os.close(write)
    while True:
        signal.pause()
if os.fork() == 0:
    if kind != "child":
        os.setsid()
        if os.fork():
            os._exit(0)
    if kind == "silent":
        null = os.open("/dev/null", os.O_RDWR)
        for fd in 0, 1, 2:
            os.dup2(null, fd)
    if kind == "deaf":
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
    if kind == "many":
        for _ in range(50):
            if os.fork() == 0:
                settle()
    if kind == "stopped":
        os.write(write, b"x")
        os.kill(os.getpid(), signal.SIGSTOP)
    if kind == "restless":  # never the same process for long
        os.write(write, b"x")
        while True:
            if os.fork():
                os._exit(0)
    settle()
os.read(read, 1)
print("ready", flush=True)
sys.exit(int(sys.argv[2]))
"""
KINDS = ["child", "daemon", "silent", "deaf", "many", "stopped", "restless"]


@LOOPBACK
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_command_starts_ends_with_it(user, traces, options, kind):
    """stdout and stderr end too: box() reads them to their end."""
    result = box(*options, "--", PYTHON, "-c", DAEMON, kind, "7", user=user, env=traces.env,
                 cwd=traces.folder)
    traces.check()
    assert result == (7, "ready\n", "")


@LOOPBACK
def test_the_same_when_its_time_is_over(user, traces, options):
    script = '"$0" -c "$1" deaf 0; "$0" -c "$1" daemon 0; sleep 1000'
    result = box(*options, "--timeout", "1s", "--", "sh", "-c", script, PYTHON, DAEMON, user=user,
                 env=traces.env, cwd=traces.folder)
    traces.check()
    assert result == (124, "ready\nready\n", "")


@LOOPBACK
@pytest.mark.parametrize("command", [["true"], ["false"], ["/nowhere"], ["/etc"],
                                     ["pdc", "CMD_short:0"], ["sh", "-c", "kill -9 $$"]],
                         ids=" ".join)
def test_a_simple_end(user, traces, options, command):
    box(*options, "--", *command, user=user, env=traces.env, cwd=traces.folder)
    traces.check()


@pytest.mark.parametrize("options", [["--profile", "nonsense"], ["--capture", "/nowhere/x"],
                                     ["--events", "/nowhere/x"],
                                     ["--local", "pmu:6000", "--local", "echo:6000"]],
                         ids=" ".join)
def test_a_start_that_fails(user, traces, options):
    assert box(*options, "true", user=user, env=traces.env, cwd=traces.folder).status == 125
    traces.check()


@LOOPBACK
def test_a_command_that_kills_everybody(user, traces, options):
    """In the box that is everybody in it. Outside, it would be everybody there: so only its own
    children."""
    script = f"sleep 1000 & kill -9 {'$!' if options else '-1'}; echo still here"
    result = box(*options, "--", "sh", "-c", script, user=user, env=traces.env, cwd=traces.folder)
    traces.check()
    assert result == (0, "still here\n", "")


def test_files_of_the_command_stay(user):
    """What a command writes is there afterwards, as its user's."""
    folder = user.folder()
    assert box("--", "sh", "-c", "echo x >file; mkdir folder; ln -s file link", user=user,
               cwd=folder).status == 0
    assert sorted(os.listdir(folder)) == ["file", "folder", "link"]
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in folder.iterdir()} == {
        (user.uid, user.gid)}


# The end of pmulab itself

READY = "import signal; print('ready', flush=True); signal.pause()"


@LOOPBACK
def test_the_keeper_is_killed(user, traces, options):
    """One clear line, and no command without a keeper goes on for long."""
    running = Box(*options, "--", PYTHON, "-c", READY, user=user, env=traces.env, cwd=traces.folder)
    assert running.line() == "ready"
    keeper = int(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0])
    os.kill(keeper, signal.SIGKILL)
    result = running.finish()
    traces.check_soon()
    assert result.status == 128 + signal.SIGKILL
    assert "was killed, with all that it had started" in result.stderr


# Each moment is a system call: its name, and which call of that name it is. strace(1) kills pmulab
# at that call.
MOMENTS = [
    ("openat", 5),
    # A user namespace where one is needed, and network namespaces.
    ("unshare", 1), ("unshare", 2), ("unshare", 3),
    ("sendto", 1), ("sendto", 6),                      # netlink: the wire, its addresses
    ("listen", 1), ("bind", 9),
    ("socketpair", 1), ("clone", 1), ("recvfrom", 1),  # the keeper; pmulab waits for it
    ("clone3", 1),                                     # threads
    ("epoll_wait", 1), ("epoll_wait", 2),              # the command runs
    ("wait4", 1),                                      # the command has ended
    ("setns", 1), ("exit_group", 1),
]


@LOOPBACK
@pytest.mark.parametrize("call,number", MOMENTS, ids=lambda value: str(value))
def test_killed_at_a_moment(user, traces, options, call, number):
    command = [*user.prefix, "strace", "-qqq", "-o", "/dev/null", "-e", f"trace={call}",
               "-e", f"inject={call}:signal=KILL:when={number}",
               *user.command("run", *options, "--", PYTHON, "-c", DAEMON, "deaf", "0")[
                   len(user.prefix):]]
    done = subprocess.run(command, cwd=traces.folder, env=user.environment(traces.env),
                          timeout=DEADLINE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    traces.check_soon()
    # Without a box there are fewer of these calls.
    if not (options and call in ("unshare", "setns", "sendto")):
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL) \
            or (call, number) == ("unshare", 3)


@LOOPBACK
@pytest.mark.parametrize("kind", KINDS)
def test_killed_while_the_command_runs(user, traces, options, kind):
    script = '"$0" -c "$1" "$2" 0; echo running; sleep 1000'
    running = Box(*options, "--", "sh", "-c", script, PYTHON, DAEMON, kind, user=user,
                  env=traces.env, cwd=traces.folder)
    assert (running.line(), running.line()) == ("ready", "running")
    running.signal(signal.SIGKILL)
    assert running.finish().status == -signal.SIGKILL  # and nobody holds its stdout any more
    traces.check_soon()


@LOOPBACK
def test_killed_with_its_whole_group(user, traces, options):
    """As a terminal's window that is closed by force: the keeper as well."""
    script = '"$0" -c "$1" deaf 0; echo running; sleep 1000'
    running = Box(*options, "--", "sh", "-c", script, PYTHON, DAEMON, user=user, env=traces.env,
                  cwd=traces.folder, start_new_session=True)
    assert (running.line(), running.line()) == ("ready", "running")
    # On loopback killpg(2) would kill the keeper too. A process that has left the group is then on
    # its own, as ever.
    if options:
        running.signal(signal.SIGKILL)
    else:
        os.killpg(running.pid, signal.SIGKILL)
    assert running.finish().status == -signal.SIGKILL
    traces.check_soon()


# Namespaces

COUNTED = """
echo 20 >/proc/sys/user/max_net_namespaces
echo 10 >/proc/sys/user/max_pid_namespaces
echo 10 >/proc/sys/user/max_mnt_namespaces
mkfifo ready
good=0 failed=0
while [ $good -lt 15 ]; do
    if "$@" -- true 2>error; then good=$((good + 1)); else failed=$((failed + 1)); fi
    "$@" -- sh -c "echo ready; exec sleep 1000" >ready 2>&1 &
    read line <ready
    kill -9 $!
    wait $!
    [ $failed -lt 1000 ] || { cat error; exit 1; }
done
"""


def test_namespaces_do_not_add_up(user):
    """Where ten boxes fit and no more, thirty fit one after the other; the kernel takes its time
    with networks."""
    room = ["unshare", "--user", "--map-root-user", "sh", "-c", COUNTED, "sh",
            user.program("pmulab"), "run"]
    done = subprocess.run([*user.prefix, *room], cwd=user.folder(), env=user.environment(),
                          timeout=6 * DEADLINE, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done
