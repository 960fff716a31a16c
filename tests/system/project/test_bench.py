"""tests/bench: that its programs run. What they measure is not judged here."""
import os
import re
import subprocess

from support.lab import BUILD, DEADLINE, ROOT, environment

START = ROOT / "tests/bench/start"
COMPARE = ROOT / "tests/bench/compare"


def call(*command, **env):
    return subprocess.run(list(map(str, command)), env=environment(PMULAB_BUILD=str(BUILD), **env),
                          timeout=3 * DEADLINE, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)


def test_start():
    """Each start is also ended, at the very moment it is ready."""
    done = call(START, "--starts", 5, "--limit", 10000, "--", "--set", "pmu.messages=3", "pmu",
                "pmu-tls")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"5 starts: median [\d.]+ ms, max [\d.]+ ms; the first, .* [\d.]+ ms\n",
                        done.stdout)


def test_start_over_the_limit():
    assert call(START, "--starts", 1, "--limit", 0.001, "--", "echo").returncode == 1


def test_start_says_what_is_missing(tmp_path):
    done = call(START, "--build", tmp_path)
    assert done.returncode == 1
    assert "is not built" in done.stderr


def bench(folder, script):
    """A bench whose run-peers is `script`; $1... are its arguments."""
    program = folder / "run-peers"
    program.write_text("#!/bin/bash\n" + script)
    program.chmod(0o755)
    return folder


def test_compare_hands_over_servers_that_start(tmp_path):
    """Every command it gives to the bench is run as the bench would."""
    folder = bench(tmp_path, 'printf "%s\\n" "$@"')
    done = call(COMPARE, folder, "--groups", "tcp-short", "--quick", PATH=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["--only", "tcp-short"]
    assert lines[-1] == "--quick"

    owns = [line.split("|") for line in lines if "|" in line]
    assert [(name, protocol) for name, protocol, _ in owns] == [
        (name, protocol) for protocol in ("pmu", "ws", "tls")
        for name in ("pmulab", "pmulab, pmu.rtt=0", "pmulab, pmu.rtt=0, pmu.mss=0")]
    for _, protocol, command in owns:
        filled = command.format(port=5003, n=10, flood=65536, rsa="pair")
        checked = call("bash", "-c", filled.replace(" serve ", " serve --print-config "))
        assert (checked.returncode, checked.stderr) == (0, "")
        assert re.search(r"^pmu\.messages *= *10\b|^messages *= *10\b", checked.stdout,
                         re.MULTILINE), checked.stdout


def test_compare_ends_as_the_bench_does(tmp_path):
    assert call(COMPARE, bench(tmp_path, "exit 7")).returncode == 7


def test_compare_needs_a_bench(tmp_path):
    for arguments in [], [tmp_path], ["--quick"]:
        done = call(COMPARE, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("compare: BENCH_DIR is ")
    assert call(COMPARE, "--help").stdout.startswith("tests/bench/compare BENCH_DIR ")
