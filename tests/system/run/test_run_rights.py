"""`pmulab run`: the command is who the caller is, in all that it inherits, and may do no more than
the caller may."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.box import box
from support.lab import DEADLINE

PYTHON = sys.executable

TELL = """
import json, os, resource, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def target(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        return None  # the listing's own
print(json.dumps({
    "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
    "environment": {name: value for name, value in os.environ.items() \
if not name.startswith("PMULAB_")},
    "folder": [os.getcwd(), os.path.realpath("/proc/self/cwd"), \
os.path.realpath("/proc/self/root")],
    "umask": status["Umask"],
    "limits": {name: resource.getrlimit(getattr(resource, name)) \
for name in dir(resource) if name[:7] == "RLIMIT_"},
    "priority": [os.nice(0), sorted(os.sched_getaffinity(0)), \
open("/proc/self/oom_score_adj").read()],
    "signals": [status[name] for name in ("SigBlk", "SigIgn", "SigPnd")],
    "files": {fd: target(fd) for fd in os.listdir("/proc/self/fd") if target(fd)},
    "rights": {name: int(text, 16) for name, text in status.items() if name.startswith("Cap")},
    "no new": status["NoNewPrivs"].strip(),
}))
"""

LOOPBACK = pytest.mark.parametrize("options", [(), ("--loopback",)], ids=["box", "loopback"])


def told(*command, user, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE,
                          stdin=subprocess.DEVNULL,
                          **{"cwd": user.home, "env": user.environment(), **more})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = json.loads(done.stdout)
    # 1 and 2 are pipes of ours.
    return {**said, "files": {fd: name for fd, name in said["files"].items()
                              if fd not in ("1", "2")}}


def both(user, *options, **more):
    """What a program finds without pmulab, and what it finds with it."""
    program = (PYTHON, "-c", TELL)
    return (told(*user.prefix, *program, user=user, **more),
            told(*user.command("run", *options, "--", *program), user=user, **more))


UNTOUCHED = ("ids", "environment", "folder", "umask", "limits", "priority", "signals", "files")


def assert_untouched(without, within):
    assert {name: within[name] for name in UNTOUCHED} == {name: without[name] for name in UNTOUCHED}


@LOOPBACK
def test_nothing_that_is_inherited_changes(user, options):
    assert_untouched(*both(user, *options))


def test_no_rights(user):
    within = both(user)[1]
    assert within["rights"] == dict.fromkeys(within["rights"], 0)
    assert within["no new"] == "1"


def test_id(user):
    assert box("id", "-u", user=user) == (0, f"{user.uid}\n", "")
    assert box("id", "-g", user=user) == (0, f"{user.gid}\n", "")


@LOOPBACK
def test_unusual_surroundings(user, options):
    """A folder, an environment, limits, a mask, ignored signals and descriptors that are not the
    usual ones."""
    folder = user.folder()
    read, write = os.pipe()

    def prepare():
        import resource
        os.umask(0o027)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(1)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGTERM])

    with os.fdopen(read), os.fdopen(write, "w"):
        without, within = both(
            user, *options, cwd=folder, pass_fds=(read, write), preexec_fn=prepare,
            env=user.environment({"STRANGE": "a\nb", "TERM": "xterm-256color", "EMPTY": ""}))
    assert_untouched(without, within)
    assert within["limits"]["RLIMIT_NOFILE"] == [200, 300]
    assert str(write) in within["files"]
    assert within["folder"][0] == str(folder)


@LOOPBACK
def test_ignored_children(user, options):
    """Who started pmulab ignores SIGCHLD: the kernel would then tell nobody how the command
    ended."""
    result = box(*options, "--", "sh", "-c", "exit 3", user=user,
                 preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert result == (3, "", "")


@LOOPBACK
def test_broken_pipe_ends_a_command(user, options):
    """pmulab ignores SIGPIPE for itself alone."""
    result = box(*options, "--", "sh", "-c", "(trap - PIPE; yes; echo $? >&2) | head -n 1",
                 user=user)
    assert result == (0, "y\n", f"{128 + signal.SIGPIPE}\n")


@LOOPBACK
def test_closed_descriptors(user, options):
    """Nothing of pmulab's takes the places of stdin, stdout and stderr."""
    script = ('exec "$@" -- sh -c "readlink /proc/self/fd/0 /proc/self/fd/1 >here; exit 4" '
              '<&- >&- 2>&-')
    folder = user.folder()
    done = subprocess.run(["sh", "-c", script, "sh", *user.command("run", *options)], cwd=folder,
                          env=user.environment(), timeout=DEADLINE)
    assert done.returncode == 4
    assert Path(folder, "here").read_text() == f"{folder}/here\n"


@LOOPBACK
def test_bytes_pass_as_they_are(user, options):
    data = bytes(range(256)) * 4096
    done = subprocess.run(
        user.command("run", *options, "--", "sh", "-c", "cat; printf '\\377\\0x' >&2"),
        input=data, capture_output=True, cwd=user.home, env=user.environment(), timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, b"\xff\0x")
    assert done.stdout == data


def test_arguments_pass_as_they_are(user):
    words = ["", "--", "-x", "a b", "*", "$HOME", "\n", "ü", "--timeout"]
    done = box("--", PYTHON, "-c", "import sys, json; print(json.dumps(sys.argv[1:]))", *words,
               user=user)
    assert json.loads(done.stdout) == words


def test_first_operand_ends_options(user):
    assert box("echo", "--help", "-v", user=user) == (0, "--help -v\n", "")


@LOOPBACK
def test_environment_of_the_lab(user, options):
    """A caller's own PMULAB_ variables give way to those of this lab; others stay."""
    result = box(*options, "--", "env", user=user,
                 env={"PMULAB_HOST": "elsewhere", "PMULAB_OTHER": "stays"})
    told = dict(line.split("=", 1) for line in result.lines if line.startswith("PMULAB_"))
    assert told["PMULAB_HOST"] == ("localhost" if options else "tcpip.epfl.ch")
    assert told["PMULAB_OTHER"] == "stays"
    assert Path(told["PMULAB_CA_FILE"]).is_file()
    if not options:
        ports = ("UDP_PRINT", "ECHO", "PMU", "RESET", "TV", "PMU_WS", "PMU_TLS", "PMU_WSS")
        assert [told[f"PMULAB_{name}_PORT"] for name in ports] == [
            str(port) for port in range(5001, 5009)]


# Rights

GAIN = [
    ("sudo", "-n", "id"),
    ("su", "-c", "id"),
    ("unshare", "--net", "true"),
    ("unshare", "--mount", "true"),
    ("mount", "-t", "tmpfs", "none", "/mnt"),
    ("umount", "/etc"),
    ("umount", "/proc"),
    ("umount", "-l", "/etc/passwd"),
    ("mount", "-o", "remount,rw", "/etc"),
    ("nsenter", "--target", "1", "--net", "true"),
    ("nsenter", "--target", "1", "--mount", "true"),
    ("ip", "link", "set", "wire", "down"),
    ("ip", "addr", "add", "192.0.2.9/24", "dev", "wire"),
    ("ip", "route", "replace", "default", "dev", "wire"),
    ("chroot", "/", "true"),
    ("setpriv", "--reuid=12345", "true"),
    ("hostname", "other"),
]


@pytest.mark.parametrize("command", GAIN, ids=" ".join)
def test_rights_cannot_be_gained(user, command):
    result = box("--", "sh", "-c", 'command -v "$1" >/dev/null || exit 1; "$@"', "sh", *command,
                 user=user)
    assert result.status != 0, result


def test_a_setuid_program_stays_the_user(user):
    """Its owner is root, where the tests may make one."""
    if os.geteuid() != 0:
        program = "/usr/bin/passwd"
        assert box("--", "sh", "-c", f"{program} --version; id -u",
                   user=user).stdout.endswith(f"{user.uid}\n")
        return
    copy = user.folder() / "id"
    copy.write_bytes(Path("/usr/bin/id").read_bytes())
    os.chown(copy, 1, 1)
    copy.chmod(0o6755)
    assert box("--", copy, "-u", user=user) == (0, f"{user.uid}\n", "")
    assert box("--", copy, "-g", user=user) == (0, f"{user.gid}\n", "")


def test_raw_sockets_are_refused(user):
    script = ("import socket\n"
              "for kind in (socket.AF_PACKET, socket.SOCK_RAW, 0), "
              "(socket.AF_INET, socket.SOCK_RAW, 1):\n"
              "    try:\n        socket.socket(*kind)\n"
              "    except PermissionError:\n        print('refused')")
    assert box("--", PYTHON, "-c", script, user=user) == (0, "refused\nrefused\n", "")


# /proc

def test_processes_outside_are_not_seen(user):
    result = box("--", "sh", "-c", "ls /proc | grep '^[0-9]'", user=user)
    assert len(result.lines) <= 4  # the keeper, sh, ls, grep
    assert "1" in result.lines


@pytest.mark.parametrize("name", ["mem", "environ", "maps", "fd/0", "exe", "cwd", "root", "ns/net",
                                  "io", "auxv"])
def test_the_keeper_cannot_be_looked_into(user, name):
    """It is a copy of the emulator's process."""
    script = ("import os, sys\npath = sys.argv[1]\n"
              "print(os.readlink(path) if os.path.islink(path) else open(path, 'rb').read(1))")
    result = box("--", PYTHON, "-c", script, f"/proc/1/{name}", user=user)
    assert result.status == 1 and "PermissionError" in result.stderr, result


def test_the_keeper_cannot_be_stopped(user):
    script = ("import os, signal\nfor number in signal.valid_signals():\n    os.kill(1, number)\n"
              "print('still here')")
    assert box("--", PYTHON, "-c", script, user=user) == (0, "still here\n", "")


def test_the_keeper_cannot_be_traced(user):
    script = ("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
              "print(libc.ptrace(16, 1, 0, 0), os.strerror(ctypes.get_errno()))")
    assert box("--", PYTHON, "-c", script, user=user) == (0, "-1 Operation not permitted\n", "")


def test_a_command_in_the_box_of_another(user):
    """A box in a box: where the kernel allows it, its own lab; else one clear line."""
    inner = user.program("pmulab")
    result = box("--", inner, "run", "--", "pdc", "CMD_short:0", user=user)
    if result.status == 0:
        assert "This is PMU data 20" in result.stdout
    else:
        assert (result.status, len(result.stderr.splitlines())) == (125, 1)
