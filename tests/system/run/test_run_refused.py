"""`pmulab run` where the machine refuses: one clear line, status 125, nothing half-way; --loopback
works there."""
import os
import subprocess

import pytest

from support.box import box
from support.lab import DEADLINE, Result


def limited(*limits):
    """In a user namespace of its own, in which root has all rights, but so many namespaces only."""
    said = "; ".join(f"echo {number} >/proc/sys/user/max_{kind}_namespaces"
                     for kind, number in limits)
    return ["unshare", "--user", "--map-root-user", "sh", "-ec", f'{said}; exec "$@"', "sh"]


WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
REFUSED = {
    "user": ([*limited(("user", 0)), *WITHOUT_RIGHTS], "no user namespace: ",
             "user.max_user_namespaces=10000"),
    "network": (limited(("net", 0)), "no network namespace: ", "user.max_net_namespaces=10000"),
    "second network": (limited(("net", 1)), "no network namespace: ",
                       "user.max_net_namespaces=10000"),
    "pid": (limited(("pid", 0)), "", "user.max_pid_namespaces=10000"),
    "mount": (limited(("mnt", 0)), "", "user.max_mnt_namespaces=10000"),
}


def run(prefix, *args, user, cwd=None):
    done = subprocess.run([*user.prefix, *prefix, user.program("pmulab"), "run", *args],
                          cwd=cwd or user.home, env=user.environment(), timeout=DEADLINE,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(params=REFUSED)
def refusal(request):
    return REFUSED[request.param]


def test_one_clear_line(user, refusal):
    prefix, says, mends = refusal
    folder = user.folder()
    result = run(prefix, "--capture", "capture", "--", "touch", "ran", user=user, cwd=folder)
    assert (result.status, result.stdout) == (125, ""), result
    [line] = result.stderr.splitlines()
    assert line.startswith("pmulab run: cannot make ")
    assert says in line and mends in line
    assert os.listdir(folder) == []  # neither has the command run, nor a capture of nothing begun


@pytest.mark.parametrize("what", REFUSED)
def test_it_says_what_works_here(user, what):
    line = run(REFUSED[what][0], "true", user=user).stderr
    assert "`pmulab doctor` says more" in line \
        and "`pmulab run --loopback` needs none of it" in line


def test_loopback_works_there(user, refusal):
    result = run(refusal[0], "--loopback", "--", "sh", "-c", "pdc CMD_short:0 | tail -n 1; exit 7",
                 user=user)
    assert result.status == 7 and result.stdout == "This is PMU data 20\n", result


@pytest.mark.root
def test_in_a_chroot(everybody):
    """Nobody makes a user namespace in one (user_namespaces(7)): EPERM, as most refusals are. Root
    needs none."""
    nobody = everybody["nobody"]
    room = nobody.folder()
    room.chmod(0o755)
    inside = ["unshare", "--mount", "sh", "-c", 'mount --rbind / "$0" && exec chroot "$0" "$@"',
              str(room)]

    def run_inside(user, *args):
        done = subprocess.run([*inside, *user.command("run", *args)], env=user.environment(),
                              timeout=DEADLINE, cwd="/", capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    status, stdout, stderr = run_inside(nobody, "--", "id", "-u")
    assert (status, stdout, len(stderr.splitlines())) == (125, "", 1)
    assert "no user namespace: Operation not permitted" in stderr \
        and "a container, a chroot" in stderr
    assert run_inside(nobody, "--loopback", "--", "id", "-u") == (0, f"{nobody.uid}\n", "")
    assert run_inside(everybody["root"], "--", "id", "-u") == (0, "0\n", "")


def test_a_shell_says_the_same(user):
    done = subprocess.run([*user.prefix, *REFUSED["user"][0], user.program("pmulab"), "shell"],
                          env=user.environment(), timeout=DEADLINE, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (125, "", 1)


# Other things that a machine may not have

def test_no_home(user):
    """The certificates are then of this run alone, and go with it."""
    folder = user.folder()
    result = box("--", "sh", "-c", 'ls "$PMULAB_CA_FILE" && pdc-tls CMD_short:0 | tail -n 1',
                 user=user, env={"HOME": "/dev/null", "XDG_STATE_HOME": "", "TMPDIR": str(folder)})
    assert (result.status, result.lines) == (0, ["/etc/pmulab-ca.pem", "This is PMU data 20"]), \
        result
    assert os.listdir(folder) == []


def test_few_descriptors(user):
    """As many as a busy machine's limits may leave."""
    done = subprocess.run(["prlimit", "--nofile=16", *user.command("run", "--", "true")],
                          cwd=user.home, env=user.environment(), timeout=DEADLINE,
                          capture_output=True, text=True)
    assert done.returncode == 125 and len(done.stderr.splitlines()) == 1, done


def test_no_processes_left(user):
    """RLIMIT_NPROC: no keeper, or no command, can be made. Root is not bound by it."""
    if user.uid == 0:
        return
    # The check for leaks would make a process.
    env = user.environment({"ASAN_OPTIONS": "detect_leaks=0"})
    done = subprocess.run([*user.prefix, "prlimit", "--nproc=0",
                           *user.command("run", "--", "true")[len(user.prefix):]],
                          cwd=user.home, env=env, timeout=DEADLINE, capture_output=True, text=True)
    assert done.returncode in (125, 126) and len(done.stderr.splitlines()) == 1, done
