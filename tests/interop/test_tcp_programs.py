"""Part 2: the PDCs that students write, in the languages they choose, against the emulator."""
import shutil

import pytest

from support.lab import ROOT

PYTHON_CLIENTS = ["part2.py", "part2_halfclose.py"]
CLIENTS = PYTHON_CLIENTS + ["part2.sh", "part2.js"] + (
    ["Part2.java"] if shutil.which("java") else [])
MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]
FLOOD = (ROOT / "profiles/hamlet.txt").read_text()


@pytest.mark.parametrize("client", CLIENTS)
def test_messages_at_once(lab, student, client):
    result = student(client, lab.port("pmu"), "CMD_short:0")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == MESSAGES

    closed = lab.wait(event="close", endpoint="pmu")
    assert (closed["first"], closed["messages"], closed["segments_out"]) == ("server", 20, 2)


@pytest.mark.parametrize("client", ["part2.py", "part2_first_try.py", "part2.sh"])
def test_messages_one_by_one(start_lab, student, client):
    """With a pause between messages, printing what recv() returns seems to be enough: Q11."""
    lab = start_lab("--set", "pmu.speed=10", "--set", "pmu.messages=5")
    result = student(client, lab.port("pmu"), "CMD_short:1")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == MESSAGES[:5]

    closed = lab.wait(event="close", endpoint="pmu")
    assert (closed["messages"], closed["segments_out"]) == (5, 5)


def test_printing_what_recv_returns_is_not_enough(lab, student):
    result = student("part2_first_try.py", lab.port("pmu"), "CMD_short:0")
    assert result.stdout.replace("\n", "") == "".join(MESSAGES)
    assert result.lines[:9] == MESSAGES[:9]
    assert result.lines != MESSAGES


@pytest.mark.parametrize("client", PYTHON_CLIENTS + ["part2.js"])
def test_flood(lab, student, client):
    result = student(client, lab.port("pmu"), "CMD_floodme")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.strip() == (FLOOD * (57344 // len(FLOOD) + 1))[:57344].strip()

    sent = lab.wait(event="send", endpoint="pmu")
    assert (sent["bytes"], sent["sent"]) == (57344, 57344)


def test_flood_is_readable_in_a_report(lab, student):
    """Q14: the first lines are pasted into the report."""
    result = student("part2.py", lab.port("pmu"), "CMD_floodme")
    assert result.lines[:5] == FLOOD.splitlines()[:5]
    assert max(map(len, result.lines)) <= 100


@pytest.mark.parametrize("client", ["part2_first_try.py", "part2.js"])
def test_refusal_is_readable(lab, student, client):
    result = student(client, lab.port("pmu"), "CMD_shrot:0")
    assert result.status == 0
    refusal = 'ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_shrot:0'
    assert result.stdout.replace("\n", "").startswith(refusal)


def test_a_shell_line(lab, tool):
    """What the README shows needs nothing but bash."""
    script = f'exec 3<>/dev/tcp/127.0.0.1/{lab.port("pmu")}; printf CMD_short:0 >&3; cat <&3'
    assert tool("bash", "-c", script).stdout == "".join(MESSAGES)


def test_students_side_by_side(start_lab, student, spawn_student):
    """One that takes its time does not keep another waiting."""
    lab = start_lab("--set", "shutdown.grace=0.1s")
    slow = spawn_student("part2_first_try.py", lab.port("pmu"), "CMD_short:3600")
    assert slow.line() == MESSAGES[0]
    assert student("part2.py", lab.port("pmu"), "CMD_short:0").lines == MESSAGES
    assert lab.events(event="close", command="CMD_short:3600") == []
