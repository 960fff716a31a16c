"""The students' programs of tests/interop/programs/, and what runs them.

    run(interpreter("part2.py"), PROGRAMS / "part2.py", "CMD_short:0", env=ENVIRONMENT)
    need_command("gcc")                        # its path

What is missing skips a test on a developer's machine and fails it where CI=true; scripts/lib.sh
lists it all.
"""
import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from support.lab import ROOT

INTEROP = ROOT / "tests" / "interop"
PROGRAMS = INTEROP / "programs"
PYTHON = "/usr/bin/python3"
NODE_MODULES = Path("/usr/share/nodejs")

# As on a student's terminal, each line is seen at once.
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "NODE_PATH": str(NODE_MODULES)}


def need(found, name):
    if not found:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing(f"{name} is missing")
    return found


def need_command(name):
    return need(shutil.which(name), name)


def interpreter(file):
    """What runs a file of programs/, with the module that it imports."""
    if file.lower().startswith("part5") and file.endswith(".py"):
        module = "websockets" if "asyncio" in file else "websocket"
        need(importlib.util.find_spec(module), f"the Python module {module}")
    if file.lower().startswith("part5") and file.endswith(".js"):
        need((NODE_MODULES / "ws").exists(), "the npm package ws")
    suffix = Path(file).suffix
    return {".py": PYTHON, ".js": need_command("node") if suffix == ".js" else None,
            ".java": shutil.which("java"), ".sh": "/bin/bash"}[suffix]
