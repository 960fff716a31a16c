"""scripts/lab and scripts/test, as somebody types them."""
import subprocess

from support.lab import DEADLINE, ROOT


def script(path, *args, **kwargs):
    return subprocess.run([path, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          **{"timeout": DEADLINE, **kwargs})


def test_lab_help_says_what_it_does():
    done = script(ROOT / "scripts/lab", "--help")
    assert done.returncode == 0
    assert "until Ctrl-C" in done.stdout
    assert done.stderr == ""


def test_test_help_says_what_it_does():
    done = script(ROOT / "scripts/test", "--help")
    assert done.returncode == 0
    assert "N passed, N failed" in done.stdout
