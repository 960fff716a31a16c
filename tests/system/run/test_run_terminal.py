"""`pmulab run` and `pmulab shell` at a terminal: its signals, job control, and whose it is
afterwards."""
import contextlib
import os
import pty
import select
import signal
import sys
import termios
import time
import uuid
from pathlib import Path

import pytest

from support.box import marked
from support.lab import DEADLINE

PYTHON = sys.executable

LOOPBACK = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def state(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return None


class Terminal:
    """A person at a terminal of 100 columns whose shell is bash without anyone's start files, run
    as `user`."""

    def __init__(self, user, env=None):
        self.said = ""
        self._end_of_match = 0
        self.word = f"mark-{uuid.uuid4().hex}"
        env = user.environment({"MARK": f"{self.word}.", "PS1": "outside> ", "TERM": "xterm",
                                "HISTFILE": "", **(env or {})})
        command = [*user.prefix, "bash", "--norc", "--noprofile", "--noediting", "-i"]
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(user.home)
            os.execvpe(command[0], command, env)
        self.until("outside> ")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def until(self, text):
        """Reads on until `text` has been shown, behind what was waited for before; what was shown
        until then."""
        end = time.monotonic() + DEADLINE
        while text not in self.said[self._end_of_match:]:
            ready, _, _ = select.select([self.descriptor], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {text!r} within {DEADLINE:g} s; the terminal shows:\n{self.said}"
            try:
                more = os.read(self.descriptor, 65536)
            except OSError:
                more = b""
            assert more, f"the shell has ended without {text!r}:\n{self.said}"
            self.said += more.decode(errors="replace").replace("\r\n", "\n")
        begin = self._end_of_match
        self._end_of_match = self.said.index(text, begin) + len(text)
        return self.said[begin:self._end_of_match - len(text)]

    def run(self, line):
        """A command to its end: what it wrote, without its own echo."""
        self.type(line + "\n")
        shown = self.until("outside> ")
        return shown.partition("\n")[2]

    def status(self):
        return int(self.run("echo $?"))

    # A person is slower than a machine, and these two wait as a person would.

    def await_stop(self, count):
        """Until so many processes of those with $MARK have stopped: one that has not might read
        what is typed next."""
        wait_until(lambda: sum(state(pid) == "T" for pid in marked(f"={self.word}.")) == count)

    def await_group(self, group):
        """Until the terminal is another group's."""
        wait_until(lambda: self.group() != group)

    def group(self):
        return os.tcgetpgrp(self.descriptor)

    def close(self):
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGHUP)
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(user):
    """The shell's $PMULAB is the path of pmulab, $INSIDE a prompt that does not show where it is
    typed."""
    terminal = Terminal(user, env={"PMULAB": user.program("pmulab"), "INSIDE": "inside> "})
    yield terminal
    terminal.close()


# A byte in the pipe for each, whatever Python is doing when it comes.
INTERRUPTED = """
import os, select, signal, sys
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
signal.signal(signal.SIGINT, lambda number, frame: None)
print("ready", flush=True)
count = 0
while True:
    for fd in select.select([0, read], [], [])[0]:
        text = os.read(fd, 100)
        if fd == read:
            count += len(text)
            print("interrupted\\n" * len(text), end="", flush=True)
        else:
            print("read", text.decode().strip(), flush=True)
        if text == b"end\\n":
            print(count, "in all")
            sys.exit(4)
"""


@pytest.fixture
def interrupted(user):
    """A program that counts Ctrl-C's."""
    path = user.folder() / "interrupted.py"
    path.write_text(INTERRUPTED)
    return f"{PYTHON} {path}"


@LOOPBACK
def test_the_terminal_is_the_commands(terminal, options):
    shown = terminal.run(f'"$PMULAB" run {" ".join(options)} -- '
                         'sh -c \'test -t 0 && test -t 1 && test -t 2 && tty\'')
    assert shown.startswith("/dev/pts/")
    assert terminal.run(f'"$PMULAB" run {" ".join(options)} -- stty size') == \
        terminal.run("stty size")


@LOOPBACK
def test_interrupt_reaches_the_command_once(terminal, interrupted, options):
    terminal.type(f'"$PMULAB" run {" ".join(options)} -- {interrupted}\n')
    terminal.until("ready\n")
    for word in "one", "two", "three", "four", "end":
        terminal.type("\x03")
        terminal.until("interrupted\n")
        terminal.type(f"{word}\n")
        terminal.until(f"read {word}\n")
    terminal.until("5 in all\n")
    terminal.until("outside> ")
    assert terminal.status() == 4


@LOOPBACK
def test_interrupt_ends_a_command(terminal, options):
    terminal.type(f'"$PMULAB" run {" ".join(options)} -- sh -c "echo ready; exec sleep 1000"\n')
    terminal.until("ready\n")
    terminal.type("\x03")
    terminal.until("outside> ")
    assert terminal.status() == 128 + signal.SIGINT


@LOOPBACK
def test_stop_and_go_on(terminal, interrupted, options):
    """Ctrl-Z stops the command and the lab, fg lets both go on; several times."""
    terminal.type(f'"$PMULAB" run {" ".join(options)} -- {interrupted}\n')
    terminal.until("ready\n")
    for word in "one", "two":
        terminal.type("\x1a")
        terminal.until("Stopped")
        terminal.until("outside> ")
        terminal.await_stop(2)
        terminal.type("fg\n")
        terminal.until("run")
        terminal.type(f"{word}\n")
        terminal.until(f"read {word}\n")
    terminal.type("\x1a")
    terminal.until("outside> ")
    terminal.await_stop(2)
    terminal.run("kill %1; wait %1; fg")
    assert terminal.run("jobs") == ""


@LOOPBACK
def test_an_end_in_the_background(terminal, options):
    """It began in the foreground; the terminal is somebody else's when it ends."""
    terminal.type(f'"$PMULAB" run {" ".join(options)} -- sh -c "echo ready; exec sleep 1000"\n')
    terminal.until("ready\n")
    terminal.type("\x1a")
    terminal.until("Stopped")
    terminal.until("outside> ")
    terminal.await_stop(2)
    group = terminal.group()
    terminal.run("bg")

    def sleepers():
        """It may have been stopped before the exec."""
        return [pid for pid in marked(f"={terminal.word}.")
                if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]

    wait_until(sleepers)
    lab = [pid for pid in marked(f"={terminal.word}.") if pid != terminal.pid]
    for pid in sleepers():
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not set(lab) & set(marked(f"={terminal.word}.")))
    assert terminal.group() == group
    terminal.type("wait %1; echo status $?\n")
    terminal.until("status 143\n")


def test_the_lab_answers_after_a_stop(terminal):
    terminal.type('"$PMULAB" run -- sh -c "echo ready; read line; pdc CMD_short:0"\n')
    terminal.until("ready\n")
    terminal.type("\x1a")
    terminal.until("outside> ")
    terminal.await_stop(2)
    terminal.type("fg\n")
    terminal.until("run")
    terminal.type("go\n")
    terminal.until("This is PMU data 20\n")
    terminal.until("outside> ")
    assert terminal.status() == 0


def test_in_the_background(terminal):
    """It does not take the terminal from who has it."""
    terminal.type('"$PMULAB" run -- sh -c "pdc CMD_short:0 | tail -n 1" &\n')
    terminal.until("outside> ")
    terminal.type("wait\n")
    terminal.until("This is PMU data 20\n")
    terminal.until("outside> ")
    assert terminal.run("echo mine").endswith("mine\n")


SLEEPS = "sh -c 'echo sleep''s; exec sleep 1000'\n"  # shows "sleeps", which is not what was typed


@pytest.fixture(params=["run", "run --loopback", "shell"])
def inside(terminal, user, request):
    """The shell bash in a box, at its first prompt."""
    script = user.folder() / "bash"
    script.write_text("#!/bin/sh\nexec bash --norc --noprofile --noediting -i\n")
    script.chmod(0o755)
    end = f"-- {script}" if request.param != "shell" else ""
    terminal.type(f'SHELL={script} PS1="$INSIDE" "$PMULAB" {request.param} {end}\n')
    shown = terminal.until("inside> ").partition("\n")[2]
    assert "job control" not in shown  # "no job control in this shell"
    assert shown == "" or request.param == "shell"
    return terminal


def test_a_shell_has_job_control(inside):
    inside.type(SLEEPS)
    inside.until("sleeps\n")
    inside.type("\x1a")
    inside.until("Stopped")
    inside.until("inside> ")
    inside.type("jobs\n")
    inside.until("Stopped")
    inside.until("inside> ")
    group = inside.group()
    inside.type("fg\n")
    inside.await_group(group)
    inside.type("\x03")
    inside.until("inside> ")
    inside.type("echo status $?\n")
    inside.until("status 130\n")
    inside.type("exit 3\n")
    inside.until("outside> ")
    assert inside.status() == 3


def test_an_interrupt_is_the_shells(inside):
    """At its prompt, and for what runs in it: neither ends the shell or the lab."""
    inside.type("\x03")
    inside.until("inside> ")
    inside.type(SLEEPS)
    inside.until("sleeps\n")
    inside.type("\x03")
    inside.until("inside> ")
    inside.type("pdc CMD_short:0 | tail -n 1\n")
    inside.until("This is PMU data 20\n")
    inside.type("exit\n")
    inside.until("outside> ")


def test_the_end_of_input_ends_a_shell(inside):
    inside.type("\x04")
    inside.until("outside> ")


def test_what_a_shell_leaves_ends(inside):
    """Jobs in the background, stopped ones too."""
    inside.type("sleep 1000 & " + SLEEPS)
    inside.until("sleeps\n")
    inside.type("\x1a")
    inside.until("Stopped")
    inside.until("inside> ")
    inside.type("exit\n")
    inside.until("There are stopped jobs")
    inside.until("inside> ")
    inside.type("exit 5\n")
    inside.until("outside> ")
    assert inside.status() == 5


@LOOPBACK
@pytest.mark.parametrize("end", ["kill -9 $$", "exit 0", "exec sleep 1000"])
def test_whose_the_terminal_is_afterwards(terminal, user, options, end):
    """The command has made a group of its own the terminal's, and has not given it back."""
    script = user.folder() / "take.py"
    script.write_text("import os, signal, sys\n"
                      "os.setpgid(0, 0)\nsignal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
                      "os.tcsetpgrp(0, os.getpid())\n"
                      f"os.execvp('sh', ['sh', '-c', {end!r}])\n")
    # Asked by who runs right behind it: the outer bash would mend it before its prompt.
    program = user.folder() / "program"
    limit = "--timeout 500ms" if "sleep" in end else ""
    program.write_text(f'"$PMULAB" run {limit} {" ".join(options)} -- {PYTHON} {script}\necho $?\n'
                       f'{PYTHON} -c "import os; print(os.tcgetpgrp(0) == os.getpgrp())"\n')
    shown = terminal.run(f"sh {program}")
    assert shown.split()[-2:] == [{"kill -9 $$": "137", "exit 0": "0"}.get(end, "124"), "True"]


def test_the_terminals_settings_stay(terminal):
    before = termios.tcgetattr(terminal.descriptor)
    terminal.run('"$PMULAB" run -- pdc CMD_short:0')
    assert termios.tcgetattr(terminal.descriptor) == before


def test_a_shell_without_a_name(terminal):
    terminal.type('SHELL= PS1="$INSIDE" ENV= "$PMULAB" shell\n')
    terminal.until("inside> ")
    terminal.type("exit 6\n")
    terminal.until("outside> ")
    assert terminal.status() == 6


@LOOPBACK
def test_a_terminal_that_is_closed(user, options):
    """Its window is closed: SIGHUP; nothing of the box outlives it."""
    terminal = Terminal(user, env={"PMULAB": user.program("pmulab")})
    script = "(trap '' HUP; exec sleep 1000) & echo ready; sleep 1001"
    terminal.type(f'"$PMULAB" run {" ".join(options)} -- sh -c "{script}"\n')
    terminal.until("ready\n")
    os.close(terminal.descriptor)
    os.waitpid(terminal.pid, 0)
    wait_until(lambda: not marked(terminal.word))
