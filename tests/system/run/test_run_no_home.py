"""A lab for who has no home: the keys of its certificates are in no file, and no folder is made for
them."""
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

WAYS = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])
NOTE = "pmulab: no home directory is known; the certificates of this run are in memory\n"
READY = "import signal; print('ready', flush=True); signal.pause()"
CLIENT = ("sh", "-c",
          "pdc-tls CMD_short:0 | tail -n 1 && pdc-ws wss://$PMULAB_HOST/ CMD_short:0 | tail -n 1")


class Homeless:
    """The environment of who has nothing but $TMPDIR, and a look at what is left there."""

    def __init__(self, user):
        self.user = user
        self.temporary = user.folder()
        self.word = f"mark-{uuid.uuid4().hex}"
        self.env = user.environment({"TMPDIR": str(self.temporary), "MARK": self.word})
        del self.env["HOME"], self.env["XDG_STATE_HOME"]

    def left(self):
        return os.listdir(self.temporary)

    def left_soon(self):
        """Once all processes have gone: whoever was killed waits for nobody."""
        end = time.monotonic() + DEADLINE
        while marked(self.word) and time.monotonic() < end:
            os.sched_yield()
        assert marked(self.word) == []
        return self.left()

    def contents(self):
        return "".join(Path(self.temporary, name).read_text() for name in self.left())

    def run(self, *args, **more):
        return box(*args, user=self.user, **{"env": None, **more})


@pytest.fixture
def homeless(user, monkeypatch):
    homeless = Homeless(user)
    monkeypatch.setattr(user, "environment", lambda env=None: {**homeless.env, **(env or {})})
    return homeless


# All is as ever

@WAYS
def test_certificates_are_trusted(homeless, options):
    result = homeless.run(*options, "--", *CLIENT)
    assert (result.status, result.stdout) == (0, "This is PMU data 20\n" * 2)
    assert result.stderr.startswith(NOTE)
    assert homeless.left() == []


@WAYS
def test_the_ca_is_all_that_can_be_read(homeless, options):
    """In the box it is no file of the machine's; outside it is there for as long as the command."""
    script = 'cat "$PMULAB_CA_FILE"; echo "$PMULAB_CA_FILE"; ls -A "$TMPDIR"'
    result = homeless.run(*options, "--", "sh", "-c", script)
    assert result.status == 0 and "PRIVATE" not in result.stdout
    assert result.lines[0] == "-----BEGIN CERTIFICATE-----"
    end = result.lines.index("-----END CERTIFICATE-----")
    if options:
        file = Path(result.lines[end + 1])
        assert (file.parent, [file.name]) == (homeless.temporary, result.lines[end + 2:])
    else:
        assert result.lines[end + 1:] == ["/etc/pmulab-ca.pem"]
    assert homeless.left() == []


def test_others_may_read_the_ca(homeless):
    """A program under test may be somebody else's."""
    assert homeless.run("--loopback", "--", "sh", "-c", 'stat -c %a "$PMULAB_CA_FILE"',
                        preexec_fn=lambda: os.umask(0o077)).stdout == "644\n"


@WAYS
def test_each_run_has_its_own(homeless, options):
    told = {homeless.run(*options, "--", "sh", "-c", 'cat "$PMULAB_CA_FILE"').stdout
            for _ in range(2)}
    assert len(told) == 2


@WAYS
def test_nothing_can_be_written(homeless, options):
    """No word of a file in the environment, whatever the caller had there; the rest of the lab is
    as ever."""
    nowhere = homeless.temporary / "none"
    result = homeless.run(*options, "--", "sh", "-c",
                          'echo "ca=$PMULAB_CA_FILE"; pdc CMD_short:0 | tail -n 1',
                          env={"TMPDIR": str(nowhere), "PMULAB_CA_FILE": "old"})
    assert result.status == 0
    assert result.lines == [f"ca={'' if options else '/etc/pmulab-ca.pem'}", "This is PMU data 20"]
    notes = [line for line in result.stderr.splitlines(keepends=True)
             if line.startswith("pmulab: ")]
    assert notes[0] == NOTE
    assert len(notes) == (2 if options else 1)
    if options:
        assert notes[1].startswith("pmulab: no file for the lab's CA, and no PMULAB_CA_FILE: "
                                   f"{nowhere}/pmulab-ca-")
        assert notes[1].endswith(": No such file or directory\n")
    assert homeless.left() == []


@WAYS
@pytest.mark.parametrize("kind", ["none", "file"])
def test_a_home_that_is_not_there_is_not_made(homeless, options, kind):
    """As that of daemons, /nonexistent; root could make it."""
    home = homeless.user.folder() / kind
    if kind == "file":
        home.write_text("")
    before = os.listdir(home.parent)
    result = homeless.run(*options, "--", "true", env={"HOME": str(home)})
    assert result == (0, "", f"pmulab: HOME is {home}, which is no directory; "
                      "the certificates of this run are in memory\n")
    assert os.listdir(home.parent) == before
    assert homeless.left() == []


@WAYS
def test_directories_that_cannot_be_used_share_one_ca(homeless, options):
    """Of two endpoints, each with its own; PMULAB_CA_FILE serves for both."""
    result = homeless.run(*options, "--set", "pmu-tls.dir=/proc/a", "--set", "pmu-wss.dir=/proc/b",
                          "--", *CLIENT)
    assert (result.status, result.stdout) == (0, "This is PMU data 20\n" * 2)


# However it ends

MOMENTS = [("getrandom", 1), ("socketpair", 1), ("clone", 1), ("recvfrom", 1), ("clone3", 1),
           ("epoll_wait", 1), ("epoll_wait", 2), ("wait4", 1), ("exit_group", 1)]


@WAYS
@pytest.mark.parametrize("call, number", MOMENTS, ids=str)
def test_killed_at_a_moment(homeless, options, call, number):
    user = homeless.user
    command = [*user.prefix, "strace", "-qqq", "-o", "/dev/null", "-e", f"trace={call}",
               "-e", f"inject={call}:signal=KILL:when={number}",
               *user.command("run", *options, "--", "sleep", "0.1")[len(user.prefix):]]
    subprocess.run(command, cwd=user.home, env=homeless.env, timeout=DEADLINE,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert homeless.left_soon() == []


@WAYS
def test_killed_while_the_command_runs(homeless, options):
    running = Box(*options, "--", sys.executable, "-c", READY, user=homeless.user)
    assert running.line() == "ready"
    assert len(homeless.left()) == (1 if options else 0)
    assert "PRIVATE" not in homeless.contents()
    running.signal(signal.SIGKILL)
    assert running.finish().status == -signal.SIGKILL
    assert homeless.left_soon() == []


def test_the_keeper_is_killed(homeless):
    """Then it is pmulab's to remove what the keeper has written."""
    running = Box("--loopback", "--", sys.executable, "-c", READY, user=homeless.user)
    assert running.line() == "ready"
    keeper = int(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0])
    os.kill(keeper, signal.SIGKILL)
    running.finish()
    assert homeless.left_soon() == []


# serve

class Serving:
    """A `pmulab serve` of who has no home."""

    def __init__(self, homeless, *options, env=None):
        read, self._write = os.pipe()
        self.ports = homeless.user.folder() / "ports"
        self.process = subprocess.Popen(
            [*homeless.user.prefix, homeless.user.program("pmulab"), "serve", "--ephemeral",
             "--ready-fd", str(self._write), "--ports-file", str(self.ports), *options],
            env={**homeless.env, **(env or {})}, pass_fds=[self._write], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.close(self._write)
        with os.fdopen(read) as ready:
            assert ready.read() == "READY\n"

    def told(self):
        return dict(line.split("=", 1) for line in self.ports.read_text().splitlines())

    def end(self, number):
        self.process.send_signal(number)
        said = self.process.communicate(timeout=DEADLINE)[0]
        return self.process.returncode, said


def test_serve_has_a_public_file(homeless):
    serving = Serving(homeless, "pmu-tls")
    file = Path(serving.told()["PMULAB_CA_FILE"])
    try:
        assert homeless.left() == [file.name]
        assert homeless.contents().count("-----BEGIN") == 1 and "PRIVATE" not in homeless.contents()
        assert file.stat().st_mode & 0o777 == 0o644
        env = {**homeless.env, **serving.told()}
        client = subprocess.run([homeless.user.program("pdc-tls"), "CMD_short:0"], env=env,
                                capture_output=True, text=True, timeout=DEADLINE)
        assert client.returncode == 0, client
    finally:
        status, said = serving.end(signal.SIGTERM)
    assert status == 0
    assert said.startswith(f"{NOTE}pmulab: the lab's CA is in {file}\n")
    assert homeless.left() == []


def test_serve_without_a_place_for_files(homeless):
    serving = Serving(homeless, "pmu-tls", env={"TMPDIR": str(homeless.temporary / "none")})
    assert "PMULAB_CA_FILE" not in serving.told()
    status, said = serving.end(signal.SIGTERM)
    assert status == 0
    assert "pmulab: no file for the lab's CA, and no PMULAB_CA_FILE: " in said


def test_serve_killed_leaves_no_key(homeless):
    """The public file stays: nobody is left to remove it."""
    assert Serving(homeless, "pmu-tls").end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert "PRIVATE" not in homeless.contents()


def test_serve_that_needs_no_certificate(homeless):
    serving = Serving(homeless, "pmu", "echo")
    assert homeless.left() == []
    assert NOTE not in serving.end(signal.SIGTERM)[1]
