"""`pmulab doctor`, in networks that are made for it: what it says of machines that can do
everything, a part, nothing.

Each runs in a network namespace of its own, where nobody else has the lab's ports. The way there
takes root's rights; the user that most tests are about is nobody.
"""
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.lab import DEADLINE, Result, environment, program, run

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# Runs a command in a user namespace that allows no other one below it, and takes away the rights
# that could replace one. A machine that refuses user namespaces looks like this.
NO_NAMESPACES = ["unshare", "-Ur", "sh", "-c",
                 'echo 0 >/proc/sys/user/max_user_namespaces && '
                 'exec setpriv --bounding-set=-all --inh-caps=-all "$@"', "sh"]
USERS = pytest.mark.parametrize("user", [[], NOBODY], ids=["root", "nobody"])
RUN_NEEDS = ["network namespaces", "mount namespaces", "pid namespaces", "veth", "network in a box",
             "packet sockets"]
PORTS = {5001: "udp-print", 5002: "echo", 5003: "pmu", 5004: "reset", 5005: "tv", 5006: "pmu-ws",
         5007: "pmu-tls", 5008: "pmu-wss"}
CHECKS = ["user namespaces", *RUN_NEEDS, "loopback", "::1", "multicast on lo", "multicast route",
          "OpenSSL", "websocket-client", "tshark", *(f"port {port}" for port in PORTS)]


@pytest.fixture(scope="module")
def pmulab():
    """A copy where everybody may read it."""
    with tempfile.TemporaryDirectory(prefix="pmulab-doctor-") as folder:
        os.chmod(folder, 0o755)
        yield shutil.copy(program("pmulab"), folder)


def network(setup, command):
    """A command in a network of its own, once `setup` has been done there."""
    return ["unshare", "--net", "sh", "-c", f'{setup} && exec "$@"', "sh", *command]


@pytest.fixture
def doctor(pmulab):
    """doctor(*options): the result. The command's own environment is `env`, that of its way there
    is not."""
    def run_doctor(*options, prefix=(), setup="ip link set lo up", env=()):
        done = subprocess.run(
            network(setup, [*prefix, "env", "PATH=/usr/bin:/bin", *env, pmulab, "doctor",
                            *options]),
            cwd="/", env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=3 * DEADLINE)
        return Result(done.returncode, done.stdout, done.stderr)

    return run_doctor


def findings(result):
    assert result.stderr == ""
    return {line["check"]: line for line in map(json.loads, result.lines)}


# ---- a machine that can do everything ----

@pytest.mark.root
@USERS
def test_everything_works(doctor, user):
    result = doctor(prefix=user)
    assert (result.status, result.stderr) == (0, "")
    assert result.lines[-1] == "`pmulab run` works here."
    for check in ["user namespaces", *RUN_NEEDS, "loopback", "::1", "multicast on lo"]:
        assert f"\nok       {check:19} " in "\n" + result.stdout


@pytest.mark.root
@USERS
def test_json(doctor, user):
    result = doctor("--json", prefix=user)
    assert result.status == 0
    lines = [json.loads(line) for line in result.lines]
    assert [line["check"] for line in lines] == CHECKS
    for line in lines:
        assert list(line) == ["check", "result", "means", "mend"]
        assert line["result"] in ("ok", "limited", "missing") and line["means"]
        assert line["mend"] is None if line["result"] == "ok" else line["mend"]


@pytest.mark.root
def test_text_says_the_same(doctor):
    """The result first, and columns that stand below each other."""
    told = findings(doctor("--json"))
    lines = doctor().lines
    for finding in told.values():
        assert f"{finding['result']:8} {finding['check']:19} {finding['means']}" in lines
        if finding["mend"]:
            assert f"{'':8} {'what mends it:':19} {finding['mend']}" in lines


LISTING = """
list() { ls /proc | grep -c '^[0-9]'; find /proc/1/ns /proc/$$/ns -type l -printf '%l\\n'; \
cat /proc/self/mountinfo
ip -o link; ip -o address; ls /proc/$$/fd; ls -A "$TMPDIR" /run; cat /etc/hosts; }
ip link set lo up; list >"$1/before"; "$2" doctor >"$1/said"; echo $? >>"$1/said"; list >"$1/after"
"""


@pytest.mark.root
def test_nothing_is_left_behind(pmulab, tmp_path):
    """In a pid namespace of its own, where every process that is left can be seen, and with it its
    namespaces."""
    (tmp_path / "tmp").mkdir()
    subprocess.run(["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc",
                    "sh", "-c", LISTING, "sh", tmp_path, pmulab],
                   check=True, timeout=3 * DEADLINE,
                   env=environment(TMPDIR=str(tmp_path / "tmp"),
                                   PATH="/usr/sbin:/usr/bin:/sbin:/bin"))
    assert (tmp_path / "said").read_text().endswith("`pmulab run` works here.\n0\n")
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


# ---- machines that cannot ----

@pytest.mark.root
def test_users_have_no_namespaces(doctor):
    result = doctor("--json", prefix=[*NOBODY, *NO_NAMESPACES])
    told = findings(result)
    assert result.status == 1
    for check in ["user namespaces", *RUN_NEEDS]:
        assert told[check]["result"] == "missing"
        assert told[check]["mend"] == "sysctl user.max_user_namespaces=10000"
    assert "No space left on device" in told["network in a box"]["means"]
    assert told["loopback"]["result"] == told["::1"]["result"] == \
        told["multicast on lo"]["result"] == "ok"
    text = doctor(prefix=[*NOBODY, *NO_NAMESPACES])
    assert (text.status, text.stderr) == (1, "")
    assert text.lines[-1].startswith(
        "`pmulab run` does not work here; `pmulab run --loopback` does")


@pytest.mark.root
def test_another_kind_has_run_out(doctor):
    """The command names the one that is missing; who has the rights does not miss users."""
    told = findings(doctor("--json", prefix=[
        "unshare", "-Ur", "sh", "-c",
        'echo 0 >/proc/sys/user/max_net_namespaces; '
        'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh"]))
    assert told["user namespaces"]["result"] == "limited"
    assert told["mount namespaces"]["result"] == told["pid namespaces"]["result"] == "ok"
    for check in ("network namespaces", "veth", "network in a box", "packet sockets"):
        assert told[check]["result"] == "missing"
        assert told[check]["mend"] == "sysctl user.max_net_namespaces=10000"


@pytest.mark.root
def test_users_are_refused(doctor, tmp_path):
    """In a chroot nobody makes a user namespace (user_namespaces(7)): EPERM, as most refusals
    are."""
    tmp_path.chmod(0o755)
    chroot = ["unshare", "--mount", "sh", "-c",
              f'mount --rbind / "{tmp_path}" && exec chroot "{tmp_path}" "$@"', "sh"]
    refused = doctor("--json", prefix=[*chroot, *NOBODY])
    told = findings(refused)
    assert refused.status == 1
    for check in ["user namespaces", *RUN_NEEDS]:
        assert told[check]["result"] == "missing"
        assert "Operation not permitted" in told[check]["means"]
    root = doctor("--json", prefix=chroot)
    told = findings(root)
    assert root.status == 0
    assert told["user namespaces"]["result"] == "limited"
    assert {told[check]["result"] for check in RUN_NEEDS} == {"ok"}


@pytest.mark.root
def test_nothing_works(doctor):
    result = doctor("--json", setup=":", prefix=[*NOBODY, *NO_NAMESPACES])
    told = findings(result)
    assert result.status == 2
    for check in ("loopback", "::1", "multicast on lo"):
        assert (told[check]["result"], told[check]["mend"]) == ("missing", "ip link set lo up")
    text = doctor(setup=":", prefix=[*NOBODY, *NO_NAMESPACES])
    assert text.status == 2
    assert text.lines[-1] == "Neither `pmulab run` nor `pmulab run --loopback` works here."


@pytest.mark.root
def test_run_does_not_need_loopback(doctor):
    """Its networks have one of their own."""
    result = doctor("--json", setup=":")
    assert result.status == 0
    assert findings(result)["loopback"]["result"] == "missing"


@pytest.mark.root
def test_no_ipv6(doctor):
    told = findings(doctor(
        "--json", setup="ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6",
        prefix=NOBODY))
    assert told["::1"]["result"] == "missing"
    assert told["::1"]["mend"] == \
        "sudo sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0"
    assert told["loopback"]["result"] == told["port 5004"]["result"] == "ok"


CARD = ("ip link set lo up && ip link add card type veth peer name other && "
        "ip address add 192.0.2.9/24 dev card && ip link set card up && "
        "ip route add default dev card")


@pytest.mark.root
@pytest.mark.parametrize("setup, result, means", [
    ("ip link set lo up", "limited", "no route"),
    ("ip link set lo up && ip route add 224.1.1.1 dev lo", "ok", "hear `tv` on lo"),
    (CARD, "ok", "that name no interface use card"),
    (f"{CARD} && ip route add 224.1.1.1 dev lo", "ok", "hear `tv` on lo"),
    (f"{CARD} && ip route add 224.0.0.0/8 dev lo && ip route add 224.0.0.0/4 dev card", "ok",
     "hear `tv` on lo"),
    (f"{CARD} && ip route add 224.1.1.1 dev card metric 7 && "
     "ip route add 224.1.1.1 dev lo metric 8", "ok", "use card"),
    (f"{CARD} && ip route add 224.1.1.1 dev card metric 8 && "
     "ip route add 224.1.1.1 dev lo metric 7", "ok", "on lo"),
    (f"{CARD} && ip link set card multicast off", "limited", "the default interface has none"),
    ("ip link set lo up && ip route add unreachable 224.0.0.0/4", "limited", "no route"),
])
def test_multicast_route(doctor, setup, result, means):
    told = findings(doctor("--json", setup=setup))["multicast route"]
    assert told["result"] == result and means in told["means"]
    assert told["mend"] == ("ip route add 224.1.1.1 dev lo" if result == "limited" else None)


# ---- ports ----

# Has sockets, then runs the doctor beside itself.
HOLDER = """
import socket, subprocess, sys
held = []
for kind, host, port in {sockets}:
    held.append(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, \
getattr(socket, kind)))
    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, {reuse})
    held[-1].bind((host, port))
    if kind == "SOCK_STREAM":
        held[-1].listen()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def doctor_beside(pmulab, sockets, reuse=False):
    holder = subprocess.Popen(network("ip link set lo up", ["/usr/bin/python3", "-c", HOLDER.format(
        sockets=sockets, reuse=int(reuse)), pmulab, "doctor", "--json"]),
        env=environment(PATH="/usr/sbin:/usr/bin:/sbin:/bin"), stdout=subprocess.PIPE, text=True)
    said, _ = holder.communicate(timeout=3 * DEADLINE)
    assert holder.returncode == 0
    return holder.pid, {line["check"]: line for line in map(json.loads, said.splitlines())}


@pytest.mark.root
def test_ports_that_are_taken(pmulab):
    sockets = [("SOCK_DGRAM", "0.0.0.0", 5001), ("SOCK_STREAM", "127.0.0.1", 5003),
               ("SOCK_DGRAM", "::1", 5004), ("SOCK_DGRAM", "0.0.0.0", 5005),
               ("SOCK_STREAM", "::1", 5006), ("SOCK_STREAM", "::", 5008)]
    pid, told = doctor_beside(pmulab, sockets)
    taken = {port for _, _, port in sockets}
    for port, endpoint in PORTS.items():
        finding = told[f"port {port}"]
        if port not in taken:
            assert (finding["result"], finding["mend"]) == ("ok", None)
            continue
        assert (finding["result"], finding["mend"]) == ("limited", f"kill {pid}")
        assert finding["means"].startswith(f"taken by python3 (pid {pid}): ")
        assert f"--set {endpoint}.port=N" in finding["means"]
    assert told["network in a box"]["result"] == "ok"


@pytest.mark.root
def test_a_receiver_does_not_take_the_stations_port(pmulab):
    _, told = doctor_beside(pmulab, [("SOCK_DGRAM", "0.0.0.0", 5005)], reuse=True)
    assert told["port 5005"]["result"] == "ok"


@pytest.mark.root
def test_a_holder_that_nobody_may_see(doctor):
    """Another user's process: no pid, but how to find out."""
    holder = HOLDER.format(sockets=[("SOCK_STREAM", "127.0.0.1", 5003),
                                    ("SOCK_DGRAM", "127.0.0.1", 5001)], reuse=0)
    told = findings(doctor("--json", prefix=["/usr/bin/python3", "-c", holder, *NOBODY]))
    assert told["port 5003"]["means"].startswith("taken by somebody else's process: ")
    assert told["port 5003"]["mend"] == "sudo ss -tnlp sport = :5003"
    assert told["port 5001"]["mend"] == "sudo ss -unlp sport = :5001"


# ---- programs ----

def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.root
def test_python_without_websocket_client(doctor, tmp_path):
    python = script(tmp_path / "python3", "exit 1")
    told = findings(doctor("--json", env=[f"PATH={tmp_path}:/usr/bin"]))["websocket-client"]
    assert told["result"] == "missing" and str(python) in told["means"]
    assert told["mend"] == f"{python} -m pip install websocket-client"


@pytest.mark.root
def test_python_of_the_system(doctor, tmp_path):
    """/usr/bin/python3 without its modules: the mend is the system's package."""
    told = findings(doctor("--json", env=["PYTHONHOME=/nonexistent"]))["websocket-client"]
    assert (told["result"], told["mend"]) == ("missing", "apt-get install python3-websocket")


@pytest.mark.root
def test_python_that_only_needs_a_try(doctor, tmp_path):
    """It is run, and not looked for among files."""
    script(tmp_path / "python3", 'test "$1" = -c && test "${2#import websocket}" != "$2"')
    assert findings(doctor("--json", env=[f"PATH={tmp_path}"]))["websocket-client"]["result"] == \
        "ok"


@pytest.mark.root
def test_no_programs(doctor, pmulab):
    result = doctor("--json", prefix=NOBODY, env=["PATH=/nonexistent"])
    told = findings(result)
    assert result.status == 0
    assert told["websocket-client"]["mend"] == "sudo apt-get install python3 python3-websocket"
    assert told["tshark"]["mend"] == "sudo apt-get install tshark"
    for check in ("websocket-client", "tshark"):
        assert told[check]["result"] == "missing" \
            and "No such file or directory" in told[check]["means"]


@pytest.mark.root
def test_killed_in_the_middle(pmulab, tmp_path):
    """What it was trying ends with it."""
    os.mkfifo(tmp_path / "pid")
    script(tmp_path / "python3", f'echo $$ >"{tmp_path}/pid"; exec sleep 600')
    command = ["env", f"PATH={tmp_path}:/usr/bin:/bin", pmulab, "doctor"]
    process = subprocess.Popen(network("ip link set lo up", command), env=environment(),
                               stdout=subprocess.DEVNULL)
    try:
        child = os.pidfd_open(int((tmp_path / "pid").read_text()))
        process.send_signal(signal.SIGKILL)
        ended, _, _ = select.select([child], [], [], DEADLINE)
        os.close(child)
        assert ended
    finally:
        process.kill()
        process.wait()


# ---- OpenSSL ----

@pytest.mark.root
@pytest.mark.parametrize("level, result, means", [
    (1, "ok", "level 1: 2048-bit keys are accepted, 1024-bit keys too"),
    (2, "ok",
     "level 2: 2048-bit keys are accepted, 1024-bit keys with `--set tls.legacy=yes` only"),
    (3, "limited", "level 3 refuses keys of 2048 bits"),
    (4, "limited", "level 4 refuses keys of 256 (elliptic) and 2048 bits"),
])
def test_openssl(doctor, tmp_path, level, result, means):
    config = tmp_path / "openssl.cnf"
    config.write_text(f"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                      f"CipherString = DEFAULT@SECLEVEL={level}\n")
    told = findings(doctor("--json", env=[f"OPENSSL_CONF={config}"]))["OpenSSL"]
    assert told["result"] == result and told["means"].startswith(means)


# ---- the command line ----

@pytest.mark.parametrize("arguments, said", [
    (["--jsno"], "unknown option --jsno; did you mean --json? See pmulab doctor --help"),
    (["ports"], "there is nothing to be named; see pmulab doctor --help"),
])
def test_usage(arguments, said):
    result = run("pmulab", "doctor", *arguments)
    assert result == (2, "", f"pmulab doctor: {said}\n")


def test_help():
    result = run("pmulab", "doctor", "--help")
    assert (result.status, result.stderr) == (0, "")
    assert "0 `pmulab run` works, 1 only `run --loopback` does, 2 neither, or wrong usage." in \
        result.stdout
    assert max(map(len, result.lines)) <= 100


@pytest.mark.root
def test_full_disk(pmulab):
    with open("/dev/full", "w") as full:
        done = subprocess.run(network("ip link set lo up", [pmulab, "doctor"]), stdout=full,
                              stderr=subprocess.PIPE, env=environment(), text=True,
                              timeout=3 * DEADLINE)
    assert (done.returncode, done.stderr) == (1, "pmulab doctor: stdout: No space left on device\n")
