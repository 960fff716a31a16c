"""`pmulab run`: the names of the lab, in every language's way of looking them up, and no others;
/etc."""
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.box import box
from support.lab import DEADLINE, ROOT, SCALE

PYTHON = sys.executable
SOURCES = ROOT / "tests" / "support" / "names"

V4, V6 = "198.51.100.1", "2001:db8::1"
LAB = ["tcpip.epfl.ch", "lab3.iew.epfl.ch", "lab3.iw.epfl.ch"]
OTHERS = ["example.com", "www.epfl.ch", "nothing", "tcpip.epfl.ch.example.com",
          "no-such-name.invalid"]
AT_ONCE = 1 * SCALE  # seconds; a resolver that is waited for takes five


def looked_up(result):
    """{name: [addresses]}; fails where one of them took longer than at once."""
    assert result.status == 0 and result.stderr == "", result
    found = {}
    for line in result.lines:
        name, seconds, *addresses = line.split()
        assert float(seconds) < AT_ONCE, line
        # Java writes every group of an address in full.
        found[name] = [str(ipaddress.ip_address(address)) for address in addresses]
    return found


# Languages

BUILT = {"C": ("gcc", "-o", "{made}", "names.c"),
         "C with musl": ("musl-gcc", "-o", "{made}", "names.c"),
         "Go": ("go", "build", "-o", "{made}", "names.go")}
RUN = {"Python": (PYTHON, "names.py"), "Node": ("node", "names.js"), "Java": ("java", "Names.java")}
OPTIONAL = ("musl-gcc", "go")  # nobody needs them; the others belong to what the tests need
LANGUAGES = [*RUN, *(name for name, command in BUILT.items()
                     if command[0] not in OPTIONAL or shutil.which(command[0]))]


@pytest.fixture(scope="module")
def built(everybody, tmp_path_factory):
    """The command that looks names up in a language; built once."""
    folder = next(iter(everybody.values())).programs
    cache = tmp_path_factory.mktemp("cache")
    commands = {}

    def build(language):
        if language in RUN:
            program, source = RUN[language]
            return [program, shutil.copy(SOURCES / source, folder)]
        if language not in commands:
            made = folder / f"names-{len(commands)}"
            command = [word.format(made=made) for word in BUILT[language]]
            subprocess.run(command, cwd=SOURCES, check=True, timeout=12 * DEADLINE,
                           env={**os.environ, "CGO_ENABLED": "0", "GOCACHE": str(cache),
                                "GO111MODULE": "off"})
            commands[language] = [made]
        return commands[language]

    return build


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_every_language(user, built, language):
    found = looked_up(box("--host", "my-server.example.org", "--", *built(language), *LAB,
                          "my-server.example.org", *OTHERS, "localhost", socket.gethostname(),
                          user=user, timeout=3 * DEADLINE))
    for name in [*LAB, "my-server.example.org"]:
        assert set(found[name]) == {V4, V6}, name
        # A program that takes the first address meets the lab over IPv4. musl has an order of its
        # own: it reads no gai.conf.
        assert found[name][0] == V4 or "musl" in language, name
    for name in OTHERS:
        assert found[name] == [], name
    assert set(found["localhost"]) <= {"127.0.0.1", "::1"} and found["localhost"]
    assert found[socket.gethostname()], "a machine's own name"


def test_who_asks_a_resolver_is_refused_at_once(user, built):
    """No answer, but no waiting either."""
    command = built("Node")
    found = looked_up(box("--", *command, "--resolve", *LAB, *OTHERS, user=user))
    assert found == {name: [] for name in [*LAB, *OTHERS]}


# The C library's ways

MATRIX = """
import json, socket, sys, time
rows = []
for name in sys.argv[1:]:
    for family in socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6:
        for flags in 0, socket.AI_ADDRCONFIG, socket.AI_CANONNAME, \
socket.AI_V4MAPPED | socket.AI_ADDRCONFIG:
            began = time.monotonic()
            try:
                found = sorted({entry[4][0] \
for entry in socket.getaddrinfo(name, 5003, family, 0, 0, flags)})
            except socket.gaierror as error:
                found = error.errno
            rows.append([name, family, flags, found, time.monotonic() - began])
print(json.dumps(rows))
"""


def test_families_and_flags(user):
    expected = {socket.AF_UNSPEC: [V4, V6], socket.AF_INET: [V4], socket.AF_INET6: [V6]}
    for name, family, flags, found, _ in json.loads(
            box("--", PYTHON, "-c", MATRIX, *LAB, user=user).stdout):
        assert found == expected[family], (name, family, flags)
    for name, family, flags, found, seconds in json.loads(
            box("--", PYTHON, "-c", MATRIX, *OTHERS, user=user).stdout):
        assert found in (socket.EAI_NONAME, socket.EAI_ADDRFAMILY, socket.EAI_NODATA), \
            (name, family, flags)
        assert seconds < AT_ONCE


# A bare Debian has neither /etc/services nor /etc/protocols.
DATABASES = [(name, *rest)
             for name, *rest in [("services", "http", "80/tcp"), ("protocols", "tcp", "6")]
             if Path("/etc", name).exists()]


@pytest.mark.parametrize("database,name,words", [
    ("ahostsv4", "tcpip.epfl.ch", V4), ("ahostsv6", "tcpip.epfl.ch", V6),
    ("ahosts", "lab3.iew.epfl.ch", V4), ("hosts", "lab3.iw.epfl.ch", V6),
    ("hosts", V4, "tcpip.epfl.ch"), ("hosts", V6, "tcpip.epfl.ch"), ("hosts", "TCPIP.EPFL.CH", V6),
    ("hosts", "localhost", "::1"), ("passwd", "root", "root:"), *DATABASES])
def test_getent(user, database, name, words):
    result = box("--", "getent", database, name, user=user)
    assert result.status == 0 and words in result.stdout, result


@pytest.mark.parametrize("name", ["example.com", "192.0.2.1", "8.8.8.8", "2001:db8::77"])
def test_getent_without_an_answer(user, name):
    began = time.monotonic()
    assert box("--", "getent", "hosts", name, user=user) == (2, "", "")
    assert time.monotonic() - began < 2 * AT_ONCE


def test_resolver_in_the_environment(user):
    """Nor when the environment asks for patience."""
    began = time.monotonic()
    box("--", "getent", "ahosts", "example.com", user=user,
        env={"RES_OPTIONS": "attempts:5 timeout:30", "LOCALDOMAIN": "epfl.ch"})
    assert time.monotonic() - began < 2 * AT_ONCE


@pytest.mark.parametrize("names", [
    ["a.example.org"], ["a", "b.c"], ["x" * 250], [f"h{i}" for i in range(64)], ["tcpip.epfl.ch"],
    ["Under_score.example"]], ids=lambda names: names[0][:20])
def test_more_names(user, names):
    options = [word for name in names for word in ("--host", name)]
    result = box(*options, "--", "getent", "ahostsv4", names[-1], user=user)
    assert result.status == 0 and result.stdout.startswith(V4), result


def test_too_many_names(user):
    result = box(*["--host", "x"] * 65, "--", "true", user=user)
    assert (result.status, result.stderr) == (125, "pmulab run: --host: 64 names at most\n")


# /etc

OWN = {"hosts", "resolv.conf", "nsswitch.conf", "gai.conf"}


def test_etc_is_the_machines(user):
    """The same entries, of the same kinds, leading to the same places."""
    script = ("import os, json\n"
              "print(json.dumps({e.name: [e.is_symlink() and os.readlink(e.path), e.is_dir(),"
              " os.path.exists(e.path)] for e in os.scandir('/etc')}))")
    within = json.loads(box("--", PYTHON, "-c", script, user=user).stdout)
    without = json.loads(subprocess.run([*user.prefix, PYTHON, "-c", script], capture_output=True,
                                        text=True, check=True).stdout)
    assert {name: entry for name, entry in within.items() if name not in OWN} == \
        {name: entry for name, entry in without.items() if name not in OWN}
    assert OWN <= set(within)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/ssl/certs", "/etc/alternatives",
                                  "/etc/localtime", "/etc/os-release", "/etc/services",
                                  "/etc/ssl/openssl.cnf"])
def test_etc_can_be_read(user, path):
    if not os.path.exists(path):
        return
    command = ("ls", "-lL") if os.path.isdir(path) else ("cat",)
    without = subprocess.run([*user.prefix, *command, path], capture_output=True, text=True,
                             timeout=DEADLINE)
    within = box("--", *command, path, user=user)
    # Who owns what is not known in a user namespace.
    assert within.status == 0 and len(within.lines) == len(without.stdout.splitlines())


@pytest.mark.parametrize("command", [
    "echo 127.0.0.1 tcpip.epfl.ch >>/etc/hosts", ": >/etc/resolv.conf", "rm -f /etc/hosts",
    "mv /etc/hosts /etc/hosts2", "touch /etc/new", "chmod 777 /etc/hosts", "mkdir /etc/folder",
    "ln -s x /etc/link", "cp /etc/hosts /etc/nsswitch.conf", "echo x >>/proc/self/root/etc/hosts"])
def test_etc_cannot_be_changed(user, command):
    result = box("--", "sh", "-c", f"({command}) && echo done; getent hosts tcpip.epfl.ch",
                 user=user)
    assert "done" not in result.stdout and V6 in result.stdout
    assert "Read-only" in result.stderr or "ermission" in result.stderr or "busy" in result.stderr


def test_files_outside_stay(user):
    """What the lab mounts is the box's alone."""
    before = {name: Path("/etc", name).read_bytes() for name in OWN if Path("/etc", name).is_file()}
    box("--", "true", user=user)
    assert {name: Path("/etc", name).read_bytes() for name in OWN
            if Path("/etc", name).is_file()} == before
