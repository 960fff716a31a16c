"""Fixtures of the system tests."""
import socket

import pytest

from support.control import Controls
from support.script import ScriptedServer


@pytest.fixture
def serve():
    """serve(script, host="127.0.0.1", clients=1): a ScriptedServer; its script must have gone well
    at the end."""
    servers = []

    def start(*args, **kwargs):
        servers.append(ScriptedServer(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.finish()


@pytest.fixture
def closed_port():
    """A port that nobody listens on, and nobody else gets."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def start_control(start_lab):
    """start_control(*options of `pmulab serve`): a Control (support/control.py) of a lab that is
    stopped at the end."""
    controls = Controls(start_lab)
    yield controls.start
    controls.folder.cleanup()


@pytest.fixture
def control(start_control):
    """The control of a lab with default settings."""
    return start_control("--seed", "7")
