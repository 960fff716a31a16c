"""Fixtures of the system and interop tests; what they hand out is described in support/lab.py."""
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.box import Box, require_box, tested_names, users  # noqa: E402  the path comes first
from support.lab import Lab, Program  # noqa: E402


def pytest_configure(config):
    # A program inherits the signals that are ignored. Tests that are started in the background
    # (nohup(1), `&` in a script) begin with these three ignored.
    for number, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGQUIT, signal.SIG_DFL),
                          (signal.SIGINT, signal.default_int_handler)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
    config.addinivalue_line("markers",
                            "alone: measures time or load; runs without other tests beside it")
    config.addinivalue_line("markers",
                            "root: needs root's rights; left out, and counted as deselected, "
                            "for anybody else")


def pytest_collection_modifyitems(config, items):
    """CI counts a skipped test as failed. Rights are not a tool that somebody forgot to install: CI
    runs as root too."""
    left_out = [item for item in items if item.get_closest_marker("root") and os.geteuid() != 0]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def state_directory(tmp_path_factory):
    """XDG_STATE_HOME for every lab of a session: certificates are made once, and never in anyone's
    home."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def start_lab(state_directory):
    """start_lab(*options of `pmulab serve`, env={}, prefix=()): a Lab that is stopped, and checked,
    at the end."""
    labs = []

    def start(*args, **kwargs):
        labs.append(Lab(*args, **{"state": state_directory, **kwargs}))
        return labs[-1]

    yield start
    call_all(lab.stop for lab in labs)


@pytest.fixture
def lab(start_lab):
    """A lab with default settings."""
    return start_lab()


@pytest.fixture
def ca_file(lab):
    return lab.ca_file


@pytest.fixture
def spawn():
    """spawn(name, *args, lab=None, env={}, prefix=()): a Program that is ended at the end."""
    programs = []

    def start(*args, **kwargs):
        programs.append(Program(*args, **kwargs))
        return programs[-1]

    yield start
    call_all(program.end for program in programs)


@pytest.fixture(scope="session")
def everybody():
    with users() as people:
        yield people


@pytest.fixture(scope="session", params=tested_names())
def user(everybody, request):
    """Who `pmulab run` is run as, in a box; described in support/box.py."""
    require_box(everybody[request.param])
    return everybody[request.param]


@pytest.fixture
def spawn_box():
    """spawn_box(*args, user=user, env={}, cwd=None): a Box that is ended at the end."""
    boxes = []

    def start(*args, **kwargs):
        boxes.append(Box(*args, **kwargs))
        return boxes[-1]

    yield start
    call_all(box.end for box in boxes)


def call_all(calls):
    """Makes every call, also when one fails; then the first failure."""
    errors = []
    for call in calls:
        try:
            call()
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
