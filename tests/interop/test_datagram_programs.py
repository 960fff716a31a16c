"""Parts 1.1 and 3: codes A and B as they stand in the handout, the PDC as students write it, and
tools."""
import re

import pytest

from support.datagrams import needs_ipv6, settings
from support.lab import run

OFFSET = r"OFFSET=(?:[0-9]|1[0-9]|20)"


# Part 1.1

def test_code_a_and_the_printer(start_lab, student):
    lab = start_lab("udp-print")
    sent = student("code_a.py", lab.port("udp-print"))
    assert (sent.status, sent.stdout) == (0, "Message sent\n")
    assert lab.wait(event="print")["text"] == "Hello, Romeo "


def test_code_a_and_code_b(student, student_server):
    server, port = student_server("code_b.py")
    assert student("code_a.py", port).status == 0
    assert server.line() == "Received data:  Hello, Romeo "
    assert re.fullmatch(r"From Address:  \('127\.0\.0\.1', [0-9]+\)", server.line())


def test_our_sender_and_code_b(student_server):
    server, port = student_server("code_b.py")
    assert run("udp-send", "-p", port, "O Romeo").status == 0
    assert server.line() == "Received data:  O Romeo"


def test_code_a_and_our_receiver(spawn, student):
    receiver = spawn("udp-recv", "-p", "0", "--count", "1")
    port = int(receiver.error_line().split(":")[-1])
    assert student("code_a.py", port).status == 0
    assert "Hello, Romeo " in receiver.line()
    assert receiver.finish().status == 0


# Part 3: the first datagram of the family that is served is lost

def pdc_lab(start_lab, family, *assignments):
    return start_lab(*settings(f"reset.family={family}", "reset.loss=first:1", *assignments),
                     "reset")


@needs_ipv6
@pytest.mark.parametrize("family", [4, 6])
def test_a_client_that_asks_both_at_once(start_lab, student, family):
    done = student("part3.py", pdc_lab(start_lab, family).port("reset"))
    assert done.status == 0, done.stderr
    assert re.fullmatch(rf"{OFFSET} over IPv{family} after 2\n", done.stdout)


@needs_ipv6
@pytest.mark.parametrize("inactive", ["closed", "silent"])
@pytest.mark.parametrize("family, host, packets", [(4, "127.0.0.1", 3), (6, "::1", 4)])
def test_a_client_that_asks_in_turn(start_lab, student, family, host, packets, inactive):
    """Which it need not hear of: its sockets are not connected. And it has room for nine bytes,
    which is enough."""
    lab = pdc_lab(start_lab, family, f"reset.inactive={inactive}")
    done = student("part3_in_turn.py", lab.port("reset"))
    assert done.status == 0, done.stderr
    assert re.fullmatch("timeout\n" * (packets - 1) + f"{OFFSET} from {host} packets: {packets}\n",
                        done.stdout)


@needs_ipv6
@pytest.mark.parametrize("family, said", [
    (4, "timeout at 127.0.0.1\nnobody at ::1\n{} from 127.0.0.1\n"),
    (6, "nobody at 127.0.0.1\ntimeout at ::1\nnobody at 127.0.0.1\n{} from ::1\n"),
])
def test_a_client_that_connects_its_sockets(start_lab, student, family, said):
    done = student("part3_connected.py", pdc_lab(start_lab, family).port("reset"))
    assert done.status == 0, done.stderr
    assert re.fullmatch(said.format(OFFSET), done.stdout)


@needs_ipv6
@pytest.mark.parametrize("family, host", [(4, "127.0.0.1"), (6, "::1")])
def test_bash(start_lab, student, family, host):
    done = student("part3.sh", pdc_lab(start_lab, family).port("reset"))
    assert done.status == 0
    assert re.fullmatch(f"{OFFSET} from {host}\n", done.stdout)


@pytest.mark.parametrize("address", ["UDP4:127.0.0.1",
                                     pytest.param("UDP6:[::1]", marks=needs_ipv6)])
def test_socat(start_lab, tool, address):
    lab = start_lab(*settings("reset.family=both", "reset.loss=none", "reset.separator=:"), "reset")
    done = tool("socat", "-t0.5", "-", f"{address}:{lab.port('reset')}", input="RESET:0\n")
    assert done.stdout == "OFFSET:0"


def test_socat_and_the_printer(start_lab, tool):
    lab = start_lab("udp-print")
    done = tool("socat", "-u", "-", f"UDP4:127.0.0.1:{lab.port('udp-print')}",
                input="Hello from socat\n")
    assert done.status == 0, done.stderr
    assert lab.wait(event="print")["text"] == r"Hello from socat\n"


# The PMU that students write to try their client

def test_our_client_and_a_students_pmu(student_server):
    server, port = student_server("part3_pmu.py")
    done = run("pdc-reset", "-4", "-H", "127.0.0.1", "-p", port, "--timeout", "200ms",
               "--runs", "5")
    assert done.status == 0, done.stderr
    said = [server.line() for _ in range(5)]
    assert all(re.fullmatch(r"RESET:20 (dropped|-> [0-9]+)", line) for line in said)


@needs_ipv6
def test_a_students_client_and_a_students_pmu(student, student_server):
    _, port = student_server("part3_pmu.py")
    done = student("part3.py", port)
    assert re.fullmatch(rf"{OFFSET} over IPv4 after [0-9]+\n", done.stdout)
