"""Fixtures for programs that are not ours: the students' files in programs/, and tools."""
import subprocess

import pytest

from support.lab import run
from support.students import ENVIRONMENT, INTEROP, PROGRAMS, PYTHON, interpreter, need, need_command

# A network that has nothing but a loopback interface, and a route for multicast through it.
ALONE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c",
         'ip link set lo up && ip route add 224.0.0.0/4 dev lo && exec "$@"', "sh")


@pytest.fixture
def student():
    """student("part2.py", *args): runs a program of programs/ to its end; a Result."""

    def start(file, *args):
        return run(interpreter(file), PROGRAMS / file, *args, env=ENVIRONMENT)

    return start


@pytest.fixture
def spawn_student(spawn):
    """spawn_student("code_d.py", *args): a Program that stays."""

    def start(file, *args):
        return spawn(interpreter(file), PROGRAMS / file, *args, env=ENVIRONMENT)

    return start


@pytest.fixture
def student_server(spawn):
    """student_server("code_c.py", *args): a Program that listens, and its port. It gets 0 as its
    port argument."""

    def start(file, *args):
        server = spawn(PYTHON, INTEROP / "announce.py", PROGRAMS / file, "0", *args,
                       env=ENVIRONMENT)
        return server, int(server.error_line().split()[-1])

    return start


@pytest.fixture
def start_alone(start_lab, spawn):
    """start_alone(*settings): a lab in a network of its own, and a function that starts a student's
    program there."""
    for command in ("unshare", "nsenter", "ip"):
        need_command(command)
    need(subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0,
         "a network namespace of one's own")

    def start(*settings):
        lab = start_lab(*(option for setting in settings for option in ("--set", setting)), "tv",
                        prefix=ALONE)
        inside = ("nsenter", "--target", str(lab.pid), "--user", "--net", "--preserve-credentials")

        def start_student(file, *args):
            return spawn(PYTHON, PROGRAMS / file, lab.env["PMULAB_TV_GROUP"], lab.port("tv"), *args,
                         prefix=inside, env=ENVIRONMENT)

        return lab, start_student

    return start


@pytest.fixture
def tool():
    """tool("curl", *args, input="..."): runs a command of the system, or a client of ours, to its
    end; a Result."""

    def start(name, *args, **kwargs):
        return run(name if name.startswith("pdc") else need_command(name), *args, **kwargs)

    return start


@pytest.fixture
def other_ca(tool, tmp_path):
    """A self-signed certificate for localhost and its key; nothing in the lab is signed by it."""
    certificate, key = tmp_path / "other-ca.pem", tmp_path / "other-ca-key.pem"
    made = tool("openssl", "req", "-x509", "-nodes", "-newkey", "ec",
                "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost",
                "-keyout", key, "-out", certificate)
    assert made.status == 0, made.stderr
    return certificate, key
