"""What all clients have in common; the files beside this one know them one by one."""
import os
import resource
import subprocess
import time

import pytest

from support.lab import SCALE, environment, program, run
from support.script import read_to_end

CLIENTS = ["echo-client", "pdc", "pdc-ws", "pdc-tls"]
SERVERS = ["echo-server", "pmu-tls"]
COMMAND = {"echo-client": "Good night!"}


def command(client):
    return COMMAND.get(client, "CMD_short:0")


@pytest.mark.parametrize("name", CLIENTS + SERVERS)
def test_help(name):
    result = run(name, "--help")
    assert (result.status, result.stderr) == (0, "")
    assert result.lines[0].startswith(f"Usage: {name} ")
    assert max(map(len, result.lines)) <= 100
    examples = result.stdout.split("\nExamples:\n")[1]
    assert f"  {name}" in examples
    assert "Exit status: 0 " in examples


@pytest.mark.parametrize("name", CLIENTS + SERVERS)
def test_version(name):
    result = run(name, "--version")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{name} ")


@pytest.mark.parametrize("name", CLIENTS + SERVERS)
def test_a_slip_of_the_fingers(name):
    result = run(name, "--hlep")
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr == \
        f"{name}: unknown option --hlep; did you mean --help? See {name} --help\n"


@pytest.mark.parametrize("client", CLIENTS)
def test_json_is_one_line_in_failures_too(lab, serve, client):
    server = serve(lambda connection: connection.recv(1000) and None)
    result = run(client, "--json", "-H", "127.0.0.1", "-p", server.port, command(client), lab=lab)
    assert result.status in (1, 3)
    assert result.stdout.count("\n") == 1
    assert '"error":' in result.stdout.replace(" ", "")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_on_stdout_but_data(lab, closed_port, client):
    refused = run(client, "-H", "127.0.0.1", "-p", closed_port, command(client), lab=lab)
    assert (refused.status, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"{client}: 127.0.0.1:{closed_port}: connection refused")
    assert refused.stderr.count("\n") == 1

    unknown = run(client, "-H", "no-such-host.invalid", command(client), lab=lab)
    assert (unknown.status, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith(f"{client}: no-such-host.invalid:")
    assert unknown.stderr.count("\n") == 1


@pytest.mark.parametrize("client", ["pdc", "pdc-ws", "pdc-tls"])
def test_head_has_seen_enough(start_lab, client):
    """A closed stdout ends a client without a word about pipes, and the lab goes on."""
    lab = start_lab("--set", "pmu.messages=20000")
    shell = subprocess.run(
        ["bash", "-c", '"$0" CMD_short:0 | head -n 1; echo "${PIPESTATUS[0]}"', program(client)],
        env=environment(lab), timeout=30 * SCALE, capture_output=True, text=True)
    assert shell.stdout == "This is PMU data 1\n0\n"
    assert "pipe" not in shell.stderr.lower()
    assert run("pdc", "CMD_short:0", lab=lab).status == 0


def options_of(server, lab):
    folder = os.path.dirname(lab.ca_file)
    return ["--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem"] \
        if server == "pmu-tls" else []


@pytest.mark.parametrize("server", SERVERS)
def test_an_address_that_is_taken(lab, spawn, server):
    first = spawn(server, "-p", "0", *options_of(server, lab))
    port = first.error_line().rpartition(":")[2]
    second = run(server, "-p", port, *options_of(server, lab))
    assert (second.status, second.stdout) == (3, "")
    assert f"127.0.0.1:{port}" in second.stderr
    assert second.stderr.count("\n") == 1


@pytest.mark.parametrize("server", SERVERS)
def test_another_address(lab, spawn, server):
    stays = spawn(server, "-p", "0", "--bind", "127.0.0.2", *options_of(server, lab))
    assert stays.error_line().startswith("listening on 127.0.0.2:")


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("client", CLIENTS)
def test_waiting_takes_no_processor(lab, serve, client):
    """A peer that says nothing costs nothing: 10 % of the time would be far too much."""
    server = serve(read_to_end)
    before, started = cpu_of_children(), time.monotonic()
    result = run(client, "--timeout", 0.5 * SCALE, "-p", server.port, "-H", "127.0.0.1",
                 command(client), lab=lab)
    assert result.status == 1
    assert time.monotonic() - started >= 0.5 * SCALE
    assert cpu_of_children() - before < 0.05 * SCALE


@pytest.mark.parametrize("arguments", [["echo-client", "--hold"], ["echo-server"], ["pmu-tls"]])
def test_staying_takes_no_processor(lab, spawn, arguments):
    """Nor does a client that holds its connection, or a server without clients."""
    name, *options = arguments
    if name in SERVERS:
        options += ["-p", "0", *options_of(name, lab)]
    stays = spawn(name, *options, lab=lab)
    assert stays.line() if name == "echo-client" else stays.error_line()
    with pytest.raises(subprocess.TimeoutExpired):
        stays.process.wait(0.5 * SCALE)
    with open(f"/proc/{stays.pid}/schedstat") as stat:
        assert int(stat.read().split()[0]) / 1e9 < 0.1 * SCALE


@pytest.mark.parametrize("client", CLIENTS)
def test_a_slow_peer_takes_no_processor(lab, serve, client):
    """Bytes one by one wake a client that often, and no more."""

    def drip(connection):
        connection.recv(1000)
        try:
            for byte in b"HTTP/1.1 101 Switching Protocols\r\n":
                connection.sendall(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            return  # some have seen enough
        read_to_end(connection)

    before = cpu_of_children()
    run(client, "--timeout", 0.3 * SCALE, "-p", serve(drip).port, "-H", "127.0.0.1",
        command(client), lab=lab)
    assert cpu_of_children() - before < 0.05 * SCALE


@pytest.mark.parametrize("client", CLIENTS)
def test_stdin_is_left_alone(lab, client):
    """In a shell's `while read` loop a client must not swallow the other lines."""
    reader, writer = os.pipe()
    os.write(writer, b"the next line\n")
    os.close(writer)
    with os.fdopen(reader, "rb") as stdin:
        done = subprocess.run([program(client), command(client)], env=environment(lab), stdin=stdin,
                              capture_output=True, timeout=30 * SCALE)
        assert done.returncode == 0
        assert stdin.read() == b"the next line\n"
