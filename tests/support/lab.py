"""The lab under test, and the programs that are run against it.

    lab = start_lab("--set", "pmu.messages=3")     # fixtures: conftest.py; `lab` is one with
                                                   # default settings
    lab.port("pmu-ws"), lab.host, lab.ca_file
    result = run("pdc", "CMD_short:0", lab=lab)    # a client;
                                                   # result.status, .stdout, .stderr, .lines
    lab.wait(event="close", endpoint="pmu")        # the first such event, from the start on;
                                                   # fails after a deadline
    lab.wait(event="close", after=event["seq"])    # the first one behind `event`
    lab.wait_all(50, event="close")                # a list, as soon as there are 50
    lab.wait(event="send", bytes=lambda n: n > 18) # a predicate instead of a value
    lab.events(event="send", conn=1)               # what has come so far, without waiting
    lab.stop()                                     # SIGTERM; fails unless the exit status is 0.
                                                   # Fixtures do it too

    server = spawn("echo-server", "-p", "0")       # a fixture: a program that stays;
                                                   # ended with the test
    server.line(), server.error_line()             # the next line it writes; fails after a deadline
    server.finish()                                # waits for its end: a result

Nothing here sleeps or polls: threads read what comes, and whoever waits is woken by it. Every wait
ends after DEADLINE seconds, which PMULAB_TEST_SCALE stretches for slow builds. PMULAB_BUILD names
the build folder.
"""
import atexit
import collections
import contextlib
import functools
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PMULAB_BUILD") or ROOT / "build").absolute()
SCALE = float(os.environ.get("PMULAB_TEST_SCALE") or 1)
DEADLINE = 10 * SCALE
# In a sanitized build, memory and CPU time are not the program's own.
SANITIZED = bool(os.environ.get("PMULAB_SANITIZED"))


def program(name):
    """The path of a built program: "pmulab" or a client's name."""
    return str(BUILD / ("servers" if name == "pmulab" else "clients") / name)


class Result(collections.namedtuple("Result", "status stdout stderr")):
    """How a program ended. Bytes that are not UTF-8 survive as surrogate escapes."""

    @property
    def lines(self):
        return self.stdout.splitlines()


def environment(lab=None, **more):
    """The environment for programs: without anyone's PMULAB_ variables, with the lab's."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PMULAB_")}
    env.update(lab.env if lab else {}, **more)
    return env


def run(name, *args, lab=None, input=None, env=None, timeout=DEADLINE, prefix=()):
    """Runs a program to its end. `prefix` goes before it: ("prlimit", "--nofile=64")."""
    done = subprocess.run([*prefix, program(name), *map(str, args)], timeout=timeout,
                          env=environment(lab, **(env or {})), capture_output=True, text=True,
                          errors="surrogateescape",
                          **({"input": input} if input is not None else
                             {"stdin": subprocess.DEVNULL}))
    return Result(done.returncode, done.stdout, done.stderr)


class Stream:
    """What comes out of a pipe, line by line, read by a thread of its own."""

    def __init__(self, pipe, on_line=None):
        self.text = []
        self.ended = False
        self.changed = threading.Condition()
        self._pipe = pipe
        self._on_line = on_line or self.text.append
        self._taken = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with self._pipe:
            for line in self._pipe:
                with self.changed:
                    self._on_line(line)
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def until(self, condition, deadline):
        """Waits until condition() is true or nothing more can come; its last value."""
        with self.changed:
            self.changed.wait_for(lambda: condition() or self.ended, deadline)
            return condition()

    def line(self, deadline):
        """The next line without its end, None behind the last one."""
        if not self.until(lambda: len(self.text) > self._taken, deadline):
            assert self.ended, f"no line within {deadline:g} s, after:\n{''.join(self.text)}"
            return None
        self._taken += 1
        return self.text[self._taken - 1].rstrip("\n")

    def join(self, deadline):
        self._thread.join(deadline)
        return "".join(self.text)


class Program:
    """A program that stays: a server, or a client to be watched. Made by the fixture `spawn`."""

    def __init__(self, name, *args, lab=None, env=None, prefix=()):
        self.process = subprocess.Popen([*prefix, program(name), *map(str, args)],
                                        env=environment(lab, **(env or {})), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, errors="surrogateescape")
        self._stdout = Stream(self.process.stdout)
        self._stderr = Stream(self.process.stderr)

    @property
    def pid(self):
        return self.process.pid

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def line(self, deadline=DEADLINE):
        return self._stdout.line(deadline)

    def error_line(self, deadline=DEADLINE):
        return self._stderr.line(deadline)

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, timeout=DEADLINE):
        """Closes its stdin and waits for its end."""
        self.process.stdin.close()
        status = self.process.wait(timeout)
        return Result(status, self._stdout.join(timeout), self._stderr.join(timeout))

    def end(self):
        """For the fixture: no process is left behind, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()


@functools.cache
def preloaded():
    """The library below, at a path without blanks: in LD_PRELOAD they separate names (ld.so(8))."""
    folder = tempfile.TemporaryDirectory(prefix="pmulab-refuse-")
    atexit.register(folder.cleanup)
    return shutil.copy(BUILD / "tests" / "librefuse.so", folder.name)


def refusing(address, number):
    """The environment of a program to which the kernel refuses with errno `number` whatever it
    sends to `address`."""
    sanitizer = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    return {"LD_PRELOAD": preloaded(), "REFUSE_ADDRESS": address, "REFUSE_ERRNO": str(number),
            "ASAN_OPTIONS": sanitizer}


class Lab:
    """A running `pmulab serve --ephemeral`, with its events. Made by the fixtures `lab` and
    `start_lab`."""

    def __init__(self, *args, state, env=None, prefix=()):
        self.directory = tempfile.TemporaryDirectory(prefix="pmulab-test-")
        self._stopped = False
        self._events = []
        ports_file = Path(self.directory.name, "ports")
        ready_read, ready_write = os.pipe()
        events_read, events_write = os.pipe()
        self.process = subprocess.Popen(
            [*prefix, program("pmulab"), "serve", "--ephemeral", "--ports-file", ports_file,
             "--ready-fd", str(ready_write), "--events", f"/dev/fd/{events_write}",
             *map(str, args)],
            pass_fds=(ready_write, events_write),
            env=environment(**{"XDG_STATE_HOME": str(state), **(env or {})}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="surrogateescape")
        os.close(ready_write)
        os.close(events_write)
        self._journal = Stream(os.fdopen(events_read, encoding="utf-8"), self._on_event)
        self._output = Stream(self.process.stdout)
        try:
            self._wait_until_ready(ready_read)
            self.env = dict(line.split("=", 1) for line in shlex.split(ports_file.read_text()))
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(ready_read)

    def _wait_until_ready(self, descriptor):
        readable, _, _ = select.select([descriptor], [], [], DEADLINE)
        said = os.read(descriptor, 64) if readable else b""
        if said == b"READY\n":
            return
        if readable:  # its end of the pipe is closed: it has ended or is about to
            self.process.wait(DEADLINE)
        raise AssertionError(f"the lab did not start, exit status {self.process.poll()}:\n"
                             f"{self.output}")

    @property
    def host(self):
        return self.env["PMULAB_HOST"]

    @property
    def ca_file(self):
        return self.env["PMULAB_CA_FILE"]

    def port(self, endpoint):
        return int(self.env[f"PMULAB_{endpoint.upper().replace('-', '_')}_PORT"])

    def address(self, endpoint):
        """What socket.create_connection takes."""
        return self.host, self.port(endpoint)

    @property
    def output(self):
        """What it has written to stdout and stderr: complete once it has ended."""
        if self.process.poll() is not None:
            return self._output.join(DEADLINE)
        return "".join(self._output.text)

    def says(self, text):
        """Waits until it has written a line with `text` to the terminal; False after a deadline."""
        return self._output.until(lambda: any(text in line for line in self._output.text), DEADLINE)

    # Events

    def _on_event(self, line):
        self._events.append(json.loads(line))

    def events(self, after=0, **fields):
        with self._journal.changed:
            return [event for event in self._events
                    if event["seq"] > after and matches(event, fields)]

    def wait(self, after=0, deadline=DEADLINE, **fields):
        return self.wait_all(1, after, deadline, **fields)[0]

    def wait_all(self, count, after=0, deadline=DEADLINE, **fields):
        found = self._journal.until(lambda: self._enough(count, after, fields), deadline)
        if not found:
            last = "\n".join(json.dumps(event) for event in self._events[-20:])
            raise AssertionError(f"fewer than {count} events {fields} after {after} within "
                                 f"{deadline:g} s; the last:\n{last}\n{self.output}")
        return found

    def _enough(self, count, after, fields):
        found = self.events(after, **fields)
        return found if len(found) >= count else None

    # The process

    @property
    def pid(self):
        return self.process.pid

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self):
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) \
            * os.sysconf("SC_PAGE_SIZE")

    def cpu(self):
        """Seconds of CPU time so far, of all threads."""
        return sum(int(task.read_text().split()[0])
                   for task in Path(f"/proc/{self.pid}/task").glob("*/schedstat")) / 1e9

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    @contextlib.contextmanager
    def asleep(self):
        """It gets no turn; what is sent to it meanwhile, waits."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def stop(self, status=0):
        """Asks it to end; fails unless it ends in time and with this exit status. A second call
        does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self.process.poll() is None:
            self.signal()
        try:
            ended = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the lab did not stop within {DEADLINE:g} s of SIGTERM:\n"
                                 f"{self.output}") from None
        self._journal.join(DEADLINE)
        sys.stderr.write(self.output)  # shown by pytest when the test fails
        self.directory.cleanup()
        assert ended == status, f"the lab ended with {ended}, not {status}:\n{self.output}"

    def kill(self):
        self._stopped = True
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()


def matches(event, fields):
    """A missing field equals None."""
    return all(wanted(event.get(name)) if callable(wanted) else event.get(name) == wanted
               for name, wanted in fields.items())
