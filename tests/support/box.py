"""Programs in the lab's own network: `pmulab run`, as whoever runs the tests and as a user without
any rights.

    def test_x(user):                              # a fixture: as root, each test runs as root
                                                   # and as nobody
        result = box("id", "-u", user=user)        # `pmulab run id -u` to its end:
                                                   # result.status, .stdout, .stderr
        box("--local", "echo", "--", "pdc", "-6", "CMD_short:0", user=user, env={"A": "1"},
            cwd=user.folder())

    running = spawn_box("cat", user=user)          # a fixture: a Program (support/lab.py), ended
                                                   # with the test
    running.write("x\n"), running.line(), running.pid, running.finish()

    events(path)                                   # a journal as a list
    marked("unique text")                          # the processes that have it in their command
                                                   # line or environment

The built programs are copied where everybody may read them, and are found in PATH. HOME and
XDG_STATE_HOME are the user's own. The working directory is the user's home.
"""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.lab import BUILD, DEADLINE, SANITIZED, Program, Result, Stream, environment

NOBODY = 65534
BECOME_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork")


def user_names():
    """Who there is: nobody only where somebody may become it."""
    return ["root", "nobody"] if os.geteuid() == 0 else ["self"]


def tested_names():
    """Who the tests run as: one alone where the programs are slow."""
    return user_names()[-1:] if SANITIZED else user_names()


class User:
    """Somebody who runs programs. `base` is a folder of the session's that everybody may enter."""

    def __init__(self, name, base):
        self.name = name
        self.uid, self.gid = (NOBODY, NOBODY) if name == "nobody" else (os.geteuid(), os.getegid())
        self.prefix = BECOME_NOBODY if name == "nobody" else ()
        self.programs = base / "bin"
        self.home = base / name
        self.home.mkdir()
        self.own(self.home)

    def own(self, path):
        """Gives it to this user."""
        os.chown(path, self.uid, self.gid)
        return path

    def folder(self):
        """A new folder of this user's; it goes at the end of the session."""
        return self.own(Path(tempfile.mkdtemp(dir=self.home)))

    def program(self, name):
        """The path of a built program that this user may run."""
        return str(self.programs / name)

    def environment(self, env=None):
        """Without anyone's PMULAB_ variables."""
        return environment(**{"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state"),
                              "PATH": f"{self.programs}:{os.environ['PATH']}", **(env or {})})

    def command(self, *args):
        """What Popen takes to run `pmulab ARGS`."""
        return [*self.prefix, self.program("pmulab"), *map(str, args)]

    def why_no_box(self):
        """None, or why this machine lets this user make no namespaces: asked of unshare(1), not of
        pmulab."""
        for way in (NAMESPACES, (*NAMESPACES, "--user", "--map-current-user")):
            tried = subprocess.run([*self.prefix, *way, "true"], capture_output=True, text=True,
                                   timeout=DEADLINE)
            if tried.returncode == 0:
                return None
        return tried.stderr.strip()


@contextlib.contextmanager
def users():
    """All of them, by their names, for as long as the tests of a session run."""
    base = Path(tempfile.mkdtemp(prefix="pmulab-box-", dir="/tmp"))
    try:
        base.chmod(0o755)
        (base / "bin").mkdir(mode=0o755)
        for source in [BUILD / "servers" / "pmulab", *(BUILD / "clients").iterdir()]:
            if source.is_file() and os.access(source, os.X_OK):
                shutil.copy(source, base / "bin")
        yield {name: User(name, base) for name in user_names()}
    finally:
        shutil.rmtree(base)


def require_box(user):
    """Skips the test where this machine refuses; CI counts that as failed."""
    why = user.why_no_box()
    if why:
        pytest.skip(f"{user.name} may make no namespaces here: {why}")


def box(*args, user, input=None, env=None, timeout=DEADLINE, cwd=None, command="run", **more):
    """`pmulab run ARGS` to its end. `more` goes to subprocess.run."""
    stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(user.command(command, *args), timeout=timeout, cwd=cwd or user.home,
                          capture_output=True, text=True, errors="surrogateescape",
                          **{**stdin, "env": user.environment(env), **more})
    return Result(done.returncode, done.stdout, done.stderr)


class Box(Program):
    """A `pmulab run ARGS` that is watched while it runs. Made by the fixture `spawn_box`."""

    def __init__(self, *args, user, env=None, cwd=None, command="run", **more):
        self.process = subprocess.Popen(user.command(command, *args), cwd=cwd or user.home,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="surrogateescape",
                                        **{"env": user.environment(env), **more})
        self._stdout = Stream(self.process.stdout)
        self._stderr = Stream(self.process.stderr)


def events(path):
    with open(path, encoding="utf-8") as journal:
        return [json.loads(line) for line in journal]


def marked(text):
    """The processes, of all namespaces, that have `text` in their command line or environment; not
    the caller."""
    wanted = text.encode()
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in process.joinpath("cmdline").read_bytes() or \
                        wanted in process.joinpath("environ").read_bytes():
                    found.append(int(process.name))
    return found
