"""pdc-tls and pmu-tls: against each other, against the lab, and against Python's ssl as students
use it."""
import json
import socket
import ssl
import subprocess
import threading

import pytest

from support.lab import DEADLINE, ROOT, run

MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    """A CA with one good pair and every bad one, made by scripts/ca."""
    place = tmp_path_factory.mktemp("certs")
    ca(place, "init", place)
    ca(place, "server", place, "localhost", "127.0.0.1", "::1")
    for kind in ("expired", "not-yet", "wrong-host", "self-signed", "weak-1024"):
        ca(place, "bad", place, kind)
    return place


def ca(place, *args):
    subprocess.run([ROOT / "scripts/ca", *map(str, args)], check=True, capture_output=True,
                   timeout=60)


def pair(certs, name):
    return str(certs / f"{name}_cert.pem"), str(certs / f"{name}_key.pem")


@pytest.fixture
def pmu(spawn, certs):
    """pmu(options...): a pmu-tls on a free port, and that port."""
    def start(*options, name="localhost"):
        cert, key = pair(certs, name)
        server = spawn("pmu-tls", "--cert", cert, "--key", key, "-p", 0, *options)
        address = server.error_line()
        assert address.startswith("listening on 127.0.0.1:")
        return server, int(address.rpartition(":")[2])
    return start


def pdc(certs, port, *args, host="localhost"):
    return run("pdc-tls", "-4", "-H", host, "-p", port, "--ca", certs / "cacert.pem", *args)


def test_against_the_lab(lab):
    result = run("pdc-tls", "CMD_short:0", lab=lab)
    assert (result.status, result.lines) == (0, MESSAGES)
    assert result.stderr.startswith("20 messages, 371 bytes, ")
    assert " recv() calls, TLSv1.3 TLS_" in result.stderr and "close_notify" not in result.stderr
    result = run("pdc-tls", "CMD_floodme", lab=lab)
    assert result.status == 0 and len(result.stdout) == 57344
    result = run("pdc-tls", "CMD_shrot:0", lab=lab)
    assert (result.status, result.stdout) == (1, "")
    assert 'pdc-tls: ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_shrot:0"\n' in \
        result.stderr


def test_json(lab):
    result = run("pdc-tls", "--json", "CMD_short:0", lab=lab)
    numbers = json.loads(result.stdout)
    assert (numbers["messages"], numbers["bytes"], numbers["tls"]) == (20, 371, "TLSv1.3")
    assert (numbers["ended"], numbers["close_notify"], numbers["error"]) == ("closed", True, None)
    assert result.stderr == ""


def test_the_labs_own_ca_is_found(lab, state_directory):
    result = run("pdc-tls", "CMD_short:0", lab=lab,
                 env={"PMULAB_CA_FILE": "", "XDG_STATE_HOME": str(state_directory)})
    assert result.status == 0
    result = run("pdc-tls", "CMD_short:0", lab=lab,
                 env={"PMULAB_CA_FILE": "", "XDG_STATE_HOME": "/nowhere"})
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr == \
        "pdc-tls: /nowhere/pmulab/ca.pem: cannot be read: No such file or directory\n"


def test_both(pmu, certs):
    server, port = pmu("-n", 3, "--first", 0, "--count", 2)
    result = pdc(certs, port, "CMD_short:0.01")
    assert (result.status, result.lines) == (0, [f"This is PMU data {i}" for i in range(3)])
    result = pdc(certs, port, "CMD_floodme", host="127.0.0.1")
    assert result.status == 1
    assert 'ERROR expected CMD_short:<seconds>, got "CMD_floodme"' in result.stderr
    ended = server.finish()
    assert ended.status == 0
    assert ": CMD_short:0.01, 3 messages, 54 bytes, TLSv1.3 TLS_" in ended.stdout
    assert ': not a command: "CMD_floodme"\n' in ended.stderr


class Server:
    """One connection on a free port, served by `serve(connection)` in a thread, with Python's ssl
    or without."""

    def __init__(self, certs, serve, name="localhost", tls=True):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE)
        self.port = self.listener.getsockname()[1]
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.set_ciphers("DEFAULT:@SECLEVEL=0")
            self.context.load_cert_chain(*pair(certs, name))
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(serve,), daemon=True)
        self.thread.start()

    def _run(self, serve):
        with self.listener, self.listener.accept()[0] as connection:
            connection.settimeout(DEADLINE)
            try:
                serve(self.context.wrap_socket(connection, server_side=True)
                      if self.context else connection)
            except OSError:
                pass  # the client has refused us

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()


def answer(connection, text="".join(MESSAGES)):
    assert connection.recv(64) == b"CMD_short:0"
    connection.sendall(text.encode())


@pytest.mark.parametrize("name, said", [
    ("expired", "the certificate of localhost expired on 2"),
    ("not-yet", "the certificate of localhost is not valid before 2"),
    ("wrong-host",
     "the certificate of localhost is issued for elsewhere.example and not for localhost"),
    ("self-signed", "the certificate of localhost is self-signed, not signed by "),
    ("weak-1024", "the certificate of localhost has a key of 1024 bits, too small for TLS today"),
])
def test_bad_certificates(certs, name, said):
    received = []
    with Server(certs, lambda connection: received.append(connection.recv(64)), name) as server:
        result = pdc(certs, server.port, "CMD_short:0")
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith(f"pdc-tls: 127.0.0.1:{server.port}: {said}"), result.stderr
    assert result.stderr.count("\n") == 1
    assert b"CMD_short:0" not in received


def test_bad_certificate_json(certs):
    with Server(certs, answer, "expired") as server:
        result = pdc(certs, server.port, "--json", "CMD_short:0")
    assert result.status == 1 and "expired on" in json.loads(result.stdout)["error"]


def test_other_ca(certs, lab):
    result = run("pdc-tls", "--ca", certs / "cacert.pem", "CMD_short:0", lab=lab)
    assert result.status == 1 and f"is not signed by {certs}/cacert.pem" in result.stderr


def test_1024_bits_with_legacy(certs, pmu):
    cert, key = pair(certs, "weak-1024")
    refused = run("pmu-tls", "--cert", cert, "--key", key, "-p", 0)
    assert refused.status == 2
    assert "1024-bit RSA key, refused by TLS today" in refused.stderr
    _, port = pmu("--legacy", "--count", 1, name="weak-1024")
    assert pdc(certs, port, "--legacy", "CMD_short:0").lines == MESSAGES


def test_end_without_close_notify(certs):
    """What every student's server does."""
    with Server(certs, answer) as server:
        result = pdc(certs, server.port, "CMD_short:0")
    assert (result.status, result.lines) == (0, MESSAGES)
    assert "ended without close_notify: nothing proves that this was all\n" in result.stderr


def test_message_cut(certs):
    with Server(certs,
                lambda connection: answer(connection, "This is PMU data 1This is PM")) as server:
        result = pdc(certs, server.port, "CMD_short:0")
    assert result.status == 3 and "or was cut" in result.stderr


def test_no_answer(certs):
    with Server(certs, lambda connection: answer(connection, "")) as server:
        result = pdc(certs, server.port, "CMD_short:0")
    assert result.status == 3 and result.stderr.endswith("closed without an answer\n")


def test_connection_left_open(certs):
    def stay(connection):
        answer(connection)
        server.done.wait(DEADLINE)

    with Server(certs, stay) as server:
        result = pdc(certs, server.port, "--timeout", "0.2", "CMD_short:0")
    assert (result.status, result.lines) == (1, MESSAGES)
    assert "waiting for the end of the answer: nothing moved for 0.2 s\n" in result.stderr


def test_silent_handshake(certs):
    with Server(certs, lambda connection: server.done.wait(DEADLINE), tls=False) as server:
        result = pdc(certs, server.port, "--timeout", "0.2", "CMD_short:0")
    assert result.status == 1 and "TLS handshake: nothing moved for 0.2 s\n" in result.stderr


def test_not_tls(certs, lab):
    result = run("pdc-tls", "-p", lab.port("pmu"), "CMD_short:0", lab=lab)
    assert result.status == 3
    assert "the peer does not speak TLS: it sent \"ERROR expected CMD_short" in result.stderr


def test_message_by_message(certs, spawn):
    """Each message is shown when it is there, not when the next ones come."""
    shown = threading.Event()

    def serve(connection):
        answer(connection, MESSAGES[0] + MESSAGES[1])
        assert shown.wait(DEADLINE)
        connection.sendall(MESSAGES[2].encode())

    with Server(certs, serve) as server:
        client = spawn("pdc-tls", "-H", "127.0.0.1", "-p", server.port,
                       "--ca", certs / "cacert.pem", "CMD_short:0")
        assert [client.line(), client.line()] == MESSAGES[:2]
        shown.set()
        assert client.line() == MESSAGES[2]
        assert client.finish().status == 0


def student(certs, port, command="CMD_short:0", pieces=None):
    """A student's client: everything until the end."""
    context = ssl.create_default_context(cafile=str(certs / "cacert.pem"))
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            for piece in pieces or [command]:
                connection.sendall(piece.encode())
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()


def test_pmu_with_students_client(certs, pmu):
    _, port = pmu("-n", 4)
    expected = "".join(MESSAGES[:4])
    assert student(certs, port) == expected
    assert student(certs, port, "CMD_short:0\r\n") == expected
    assert student(certs, port, pieces="CMD_short:0.001") == expected
    refused = "ERROR expected CMD_short:<seconds>, got "
    assert student(certs, port, "CMD_short:99999").startswith(refused)
    assert student(certs, port, "CMD_short:0" + 900 * "\0") == expected
    assert student(certs, port, "CMD_short:0 and much more than that").startswith(refused)


def test_pmu_survives(certs, pmu):
    """Each of these is one client; the next one is served, and the server says what it was."""
    server, port = pmu("--timeout", "0.2", "-n", 2, "--count", 6)
    said = []

    def visit(*data):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            for piece in data:
                connection.sendall(piece)
            said.append(server.error_line())  # it gives up while we still hold the connection

    visit()
    visit(b"CMD_short:0")
    visit(b"\x16\x03\x01\x02\x00\x01\x00")  # a record that never ends
    untrusting = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        with pytest.raises(ssl.SSLCertVerificationError):
            untrusting.wrap_socket(connection, server_hostname="localhost")
    said.append(server.error_line())
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
        context = ssl.create_default_context(cafile=str(certs / "cacert.pem"))
        with context.wrap_socket(plain, server_hostname="localhost"):
            said.append(server.error_line())  # a client that never sends its command
    assert student(certs, port) == "This is PMU data 1This is PMU data 2"
    assert server.finish().status == 0
    for line, part in zip(said, ("TLS handshake: timed out",
                                 'does not speak TLS: it sent "CMD_short:0"',
                                 "TLS handshake: timed out", '"unknown CA" (48)',
                                 "waiting for the command: timed out"), strict=True):
        assert part in line


def test_pmu_json(certs, pmu):
    server, port = pmu("-n", 2, "--count", 2, "--json")
    assert student(certs, port) == "".join(MESSAGES[:2])
    refusal = student(certs, port, "CMD_shrot:0")
    result = server.finish()
    assert (result.status, len(result.lines)) == (0, 1)
    assert json.loads(result.stdout) == {"clients": 2, "answered": 1, "messages": 2,
                                         "bytes": 36 + len(refusal), "error": None}


def test_pmu_without_a_limit(certs, pmu):
    """--timeout 0, as everywhere: a client has all the time it wants, and is served."""
    server, port = pmu("--timeout", "0", "--count", 1)
    assert student(certs, port, pieces=["CMD_", "short:0"]) == "".join(MESSAGES)
    assert server.finish().status == 0


def test_usage(certs):
    for name, *args in (["pdc-tls"], ["pdc-tls", "a", "b"], ["pdc-tls", "-p", "x", "CMD_short:0"],
                        ["pdc-tls", "--timeout", "x", "a"], ["pmu-tls"], ["pmu-tls", "--cert", "x"],
                        ["pmu-tls", "--cert", "x", "--key", "y", "z"],
                        ["pmu-tls", "--cert", "/nowhere", "--key", "/nowhere"]):
        result = run(name, *args)
        assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1), result
    for name in ("pdc-tls", "pmu-tls"):
        assert "Examples:" in run(name, "--help").stdout
