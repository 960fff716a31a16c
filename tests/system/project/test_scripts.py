"""scripts/lab and scripts/test, as somebody types them. Setting up is tested on a machine where
meson, ninja, apt-get and sudo are small scripts that write down who calls them; the real thing is
tests/fresh."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.lab import BUILD, DEADLINE, ROOT, SCALE, environment

MESON = """
[ "$1" = setup ] && [ -e "$3/meson-here" ] && exit 1
touch "$3/build.ninja" "$3/meson-here"
"""
NINJA_TARGETS = '[ "$3" = -t ] && exec echo servers/pmulab'
NINJA = NINJA_TARGETS + """
mkdir -p "$2/servers"
cat > "$2/servers/pmulab" <<'END'
#!/bin/sh
printf "<%s>" "$@"
END
chmod +x "$2/servers/pmulab"
"""


class Machine:
    """A PATH with everything of the real one but what sets up a lab, and a checkout in a folder
    with a space."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.checkout = folder / "my lab"
        self.log = folder / "log"
        self.options = {}
        self.bin.mkdir(parents=True)
        for tool in Path("/usr/bin").iterdir():
            (self.bin / tool.name).symlink_to(tool)
        for name in ("apt-get", "sudo", "meson", "ninja"):
            self.remove(name)
        shutil.copytree(ROOT / "scripts", self.checkout / "scripts")
        self.fake("ninja", NINJA)

    def remove(self, name):
        (self.bin / name).unlink(missing_ok=True)

    def fake(self, name, script=""):
        self.remove(name)
        (self.bin / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n{script}\n')
        (self.bin / name).chmod(0o755)

    def calls(self):
        """Who was called, and forgets it."""
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return calls

    def start(self, *args):
        return subprocess.Popen([self.checkout / "scripts/lab", *args],
                                cwd="/", stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment(PATH=str(self.bin)), **self.options)

    def lab(self, *args):
        return finish(self.start(*args))


def finish(process):
    stdout, stderr = process.communicate(timeout=DEADLINE)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def ready(machine):
    """One that has meson."""
    machine.fake("meson", MESON)
    return machine


def script(path, *args, timeout=DEADLINE):
    return subprocess.run([ROOT / path, *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout,
                          env=environment(PMULAB_BUILD=str(BUILD)))


@pytest.mark.parametrize("path, words", [
    ("scripts/lab", "until Ctrl-C"),
    ("scripts/test", "N passed, N failed"),
])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_says_what_a_script_does(path, words, option):
    done = script(path, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_test_refuses_unknown_options():
    done = script("scripts/test", "--frobnicate")
    assert done.returncode == 1
    assert done.stderr == "scripts/test: no such option: --frobnicate; see --help\n"


# Starting

def test_lab_hands_its_arguments_to_serve_untouched(ready):
    done = ready.lab("--set", "tls.dir=my keys", "pmu")
    assert done.returncode == 0
    assert done.stdout == "<serve><--set><tls.dir=my keys><pmu>"


def test_second_start_only_builds_what_has_changed(ready):
    ready.fake("apt-get")
    ready.fake("sudo")
    ready.lab()
    assert [call.split()[0] for call in ready.calls()] == ["meson", "ninja", "ninja"]
    done = ready.lab()
    assert (done.stdout, done.stderr) == ("<serve>", "")
    assert [call.split()[0] for call in ready.calls()] == ["ninja", "ninja"]


def test_copied_checkout_is_built_anew(ready):
    ready.lab()
    ready.calls()
    ready.checkout = ready.checkout.rename(ready.checkout.with_name("another lab"))
    assert ready.lab().stdout == "<serve>"
    assert ready.calls()[0].startswith("meson setup")


def test_two_starts_at_once_build_one_after_the_other(ready):
    ready.fake("ninja", f'{NINJA_TARGETS}\nmkdir "$2/busy" || exit 1\n{NINJA}\nrmdir "$2/busy"')
    for done in [finish(process) for process in [ready.start() for _ in range(4)]]:
        assert (done.returncode, done.stdout) == (0, "<serve>"), done.stderr
    assert [call.split()[0] for call in ready.calls()].count("meson") == 1


def test_failed_build_is_shown(ready):
    ready.fake("ninja",
               "echo '[1/9] Compiling'; echo FAILED: main.c.o; echo 'main.c:7: error: no'; exit 1")
    done = ready.lab()
    assert done.returncode == 1
    assert "main.c:7: error: no" in done.stderr
    assert "Compiling" not in done.stderr
    assert done.stderr.endswith("scripts/lab: ninja failed, see above\n")


def test_build_folder_of_somebody_else_is_named(ready):
    ready.lab()
    build = ready.checkout / "build"
    if os.getuid() == 0:  # who may write everywhere
        public = Path(tempfile.mkdtemp(prefix="pmulab-test-"))
        try:
            public.chmod(0o755)
            other = Machine(public / "machine")
            other.fake("meson", MESON)
            other.lab()
            other.options = {"user": 65534, "group": 65534, "extra_groups": []}
            done, build = other.lab(), other.checkout / "build"
        finally:
            shutil.rmtree(public)
    else:
        build.chmod(0o500)
        done = ready.lab()
        build.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.startswith(f"scripts/lab: {build}")
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_lab_does_not_build_the_tests(ready):
    ready.lab()
    assert ready.calls()[-1].endswith("/build servers/pmulab")


# Setting up

def test_without_apt_get_one_line_says_what_to_install(machine):
    machine.remove("valgrind")  # not needed for the lab: not named
    done = machine.lab()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == \
        "scripts/lab: missing, and without apt-get for you to install: meson (1.0 or later)\n"


def test_every_missing_thing_is_named(machine):
    machine.remove("ninja")
    machine.remove("pkg-config")
    assert machine.lab().stderr.endswith("meson (1.0 or later), ninja, pkg-config\n")


def test_without_root_and_sudo_one_line_says_what_to_type(machine):
    machine.fake("apt-get")
    machine.fake("id", "echo 1000")
    done = machine.lab()
    assert done.returncode == 1
    assert done.stderr == "scripts/lab: missing, and neither root nor sudo to install it; " \
        "as root: apt-get install meson\n"


def test_user_installs_through_sudo(machine):
    machine.fake("id", "echo 1000")
    machine.fake("apt-get")
    machine.fake("meson.installed", MESON)
    machine.fake("sudo", f'case "$*" in *" install "*meson) cd "{machine.bin}" && '
                 'mv meson.installed meson;; esac')
    done = machine.lab()
    assert (done.returncode, done.stdout) == (0, "<serve>")
    assert "installing meson" in done.stderr
    assert [call for call in machine.calls() if call.startswith("apt-get")] == []


def test_failing_installation_is_one_line(machine):
    machine.fake("id", "echo 0")
    machine.fake("apt-get", "echo 'W: old'; echo 'E: Unable to locate package meson'; exit 100")
    done = machine.lab()
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == \
        ["scripts/lab: cannot install meson: E: Unable to locate package meson"]


# The real lab

def test_demo_runs_every_client():
    done = script("scripts/lab", "demo", timeout=60 * SCALE)
    assert done.returncode == 0, done.stdout + done.stderr
    for client in (BUILD / "clients").iterdir():
        if client.is_file() and os.access(client, os.X_OK):
            assert f"$ {client.name} " in done.stdout or f"$ {client.name}\n" in done.stdout, \
                client.name
    for part in ("1.1", "1.2", "2", "3", "4.1", "4.2", "5", "6"):
        assert f"\n== Part {part}" in done.stdout
    for words in ("Received data: Adieu!", "20 messages", "OFFSET=",
                  "the answer: Thank you for taking part!"):
        assert words in done.stdout
    # pdc-reset sends as often as the preview has losses in front, and once more.
    (fates,) = re.findall(r"^ +([x.]{50})$", done.stdout, re.MULTILINE)
    (packets,) = re.findall(r"OFFSET=\d+ over IPv\d after \d+ packets? \((\d+) of them",
                            done.stdout)
    assert int(packets) == len(fates) - len(fates.lstrip("x")) + 1


@pytest.mark.alone
def test_second_start_is_fast():
    script("scripts/lab", "--print-config", timeout=60 * SCALE)
    done = script("scripts/lab", "--print-config", timeout=1)
    assert done.returncode == 0


# Results

def results(folder, tests, files=None, ci=""):
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    lines = [json.dumps({"returncode": 0, "stdout": "", "result": "OK", **test}) for test in tests]
    (folder / "testlog.json").write_text("\n".join(lines))
    return subprocess.run([ROOT / "scripts/results", folder], capture_output=True, text=True,
                          timeout=DEADLINE, env={**os.environ, "CI": ci})


TAP = "1..3\nok 1 - a:one: Passed\nnot ok 2 - b:two: 1 != 2\nok 3 - c # SKIP no ::1\n"
UNIT = {"name": "pmulab:unit / wire", "stdout": TAP, "result": "FAIL"}
SYSTEM = {"name": "pmulab:system / system"}
JUNIT = """<testsuites><testsuite><testcase name="x"/>
<testcase name="y"><failure message="m">because</failure></testcase></testsuite></testsuites>"""


@pytest.mark.parametrize("tests, files, last, status", [
    ([UNIT], {}, "1 passed, 1 failed, 1 skipped", 1),
    ([{**UNIT, "stdout": "1..1\nok 1 - a\n", "result": "OK"}], {}, "1 passed, 0 failed", 0),
    # A crash behind the last case, and one before the first.
    ([{**UNIT, "stdout": "1..2\nok 1 - a\n", "result": "ERROR"}], {}, "1 passed, 1 failed", 1),
    ([{**UNIT, "stdout": "", "result": "TIMEOUT"}], {}, "0 passed, 1 failed", 1),
    ([{**SYSTEM, "result": "FAIL"}], {"pytest-system.xml": JUNIT}, "1 passed, 1 failed", 1),
    ([{**SYSTEM, "result": "TIMEOUT"}], {}, "0 passed, 1 failed", 1),
    ([UNIT, {**SYSTEM, "result": "FAIL"}],
     {"pytest-system.xml": JUNIT}, "2 passed, 2 failed, 1 skipped", 1),
    ([], {}, "0 passed, 0 failed", 1),
])
def test_results_are_summed(tmp_path, tests, files, last, status):
    done = results(tmp_path, tests, files)
    assert done.stdout.splitlines()[-1] == last
    assert done.returncode == status


def test_results_show_why(tmp_path):
    done = results(tmp_path, [UNIT, {**SYSTEM, "result": "FAIL"}], {"pytest-system.xml": JUNIT})
    assert "b:two: 1 != 2" in done.stdout
    assert "because" in done.stdout


def test_skipped_is_failed_in_ci(tmp_path):
    assert results(tmp_path, [UNIT], ci="true").stdout.splitlines()[-1] == "1 passed, 2 failed"
