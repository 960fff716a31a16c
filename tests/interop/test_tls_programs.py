"""Part 6: Python's ssl and the openssl command towards the emulator, and students' servers towards
our pdc-tls."""
import socket
import ssl
from pathlib import Path

import pytest

MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]


def pair(lab):
    """The lab's own certificate and key: a student's server may have them here."""
    folder = Path(lab.ca_file).parent
    return folder / "cert.pem", folder / "key.pem"


# Clients of the emulator


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "tcpip.epfl.ch",
                                  "lab3.iew.epfl.ch", "lab3.iw.epfl.ch"])
def test_python_client_checks_chain_and_name(lab, student, name):
    result = student("part6_client.py", lab.port("pmu-tls"), "CMD_short:0", lab.ca_file, name)
    assert (result.status, result.stderr) == (0, "")
    assert result.lines == MESSAGES

    handshake = lab.wait(event="handshake", endpoint="pmu-tls")
    assert handshake["tls_version"] == "TLSv1.3"


def test_python_client_refuses_another_name(lab, student):
    result = student("part6_client.py", lab.port("pmu-tls"), "CMD_short:0", lab.ca_file,
                     "moodle.epfl.ch")
    assert result.status == 1
    assert "Hostname mismatch" in result.stderr
    error = lab.wait(event="error", endpoint="pmu-tls")
    assert error["fault"] == "peer"


def test_python_client_refuses_an_unknown_ca(lab, student, other_ca):
    result = student("part6_client.py", lab.port("pmu-tls"), "CMD_short:0", other_ca[0])
    assert result.status == 1
    assert "CERTIFICATE_VERIFY_FAILED" in result.stderr


def read_strictly(address, ca_file, version, command):
    """All bytes up to close_notify. Without one Python raises: not by suppress_ragged_eofs alone,
    for since Python 3.10 OpenSSL itself is told to ignore that end."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = context.maximum_version = version
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    with socket.create_connection(address) as plain:
        with context.wrap_socket(plain, server_hostname="localhost",
                                 suppress_ragged_eofs=False) as secure:
            secure.sendall(command)
            return b"".join(iter(lambda: secure.recv(4096), b""))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_end_of_stream_is_told(lab, version):
    assert len(read_strictly(lab.address("pmu-tls"), lab.ca_file, version, b"CMD_floodme")) == 57344


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_missing_close_notify_would_be_seen(lab, student_server, version):
    """No student's server sends one, so the test above proves something."""
    _, port = student_server("part6_server.py", *pair(lab))
    with pytest.raises(ssl.SSLError, match="(?i)eof"):
        read_strictly(("localhost", port), lab.ca_file, version, b"CMD_short:0")


def test_a_session_is_resumed(start_lab):
    lab = start_lab("--set", "shutdown.grace=0.1s")
    context = ssl.create_default_context(cafile=lab.ca_file)
    session = None
    for resumed in (False, True):
        with socket.create_connection(lab.address("pmu-tls")) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                secure.sendall(b"CMD_short:0")
                assert secure.recv(17) == b"This is PMU data "
                assert secure.session_reused == resumed
                session = secure.session


def s_client(tool, lab, *args, port="pmu-tls"):
    return tool("openssl", "s_client", "-connect", f"127.0.0.1:{lab.port(port)}",
                "-CAfile", lab.ca_file, "-verify_return_error", *args, input="CMD_short:0")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_client(lab, tool, version):
    result = s_client(tool, lab, "-ign_eof", "-tls" + version.replace(".", "_"),
                      "-verify_hostname", "localhost")
    assert result.status == 0
    assert f"New, TLSv{version}, Cipher is" in result.stdout
    assert "Verification: OK" in result.stdout
    assert "Verified peername: localhost" in result.stdout
    assert "".join(MESSAGES) in result.stdout
    assert result.stdout.endswith("closed\n")  # close_notify; else "read:errno=0"


@pytest.mark.parametrize("name", ["localhost", "tcpip.epfl.ch", "unknown.example"])
def test_s_client_names_a_server(lab, tool, name):
    """There is one certificate, whichever server is asked for."""
    result = s_client(tool, lab, "-quiet", "-servername", name)
    assert (result.status, result.stdout) == (0, "".join(MESSAGES))


@pytest.mark.parametrize("options", [["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                                     ["-tls1_2", "-cipher", "AES128-SHA256"]])
def test_s_client_with_what_is_out_of_date(lab, tool, options):
    """No version before 1.2, no key transport by RSA."""
    result = s_client(tool, lab, *options)
    assert result.status == 1
    assert "This is" not in result.stdout
    assert lab.wait(event="error", endpoint="pmu-tls")["fault"] == "peer"


def test_s_client_leaves(lab, tool):
    """Without -ign_eof it says close_notify and goes as soon as its stdin ends."""
    tool("openssl", "s_client", "-connect", f"127.0.0.1:{lab.port('pmu-tls')}", input="")
    assert lab.wait(event="close", endpoint="pmu-tls")["first"] == "peer"


def test_s_client_cannot_renegotiate(lab, tool):
    result = tool("openssl", "s_client", "-connect", f"127.0.0.1:{lab.port('pmu-tls')}",
                  "-tls1_2", input="R\n")
    assert "RENEGOTIATING" in result.stdout + result.stderr
    assert "no renegotiation" in result.stderr
    assert lab.wait(event="close", endpoint="pmu-tls")["messages"] == 0


# Students' servers


@pytest.mark.parametrize("program", ["part6_server.py", "part6_server_open.py"])
def test_our_client_and_a_students_server(lab, student_server, spawn, program):
    server, port = student_server(program, *pair(lab))
    client = spawn("pdc-tls", "--ca", lab.ca_file, "-p", port, "--timeout", "1", "CMD_short:0")

    # The client shows all that came, and says that there was no goodbye. It gives up a connection
    # that stays open after the timeout.
    assert [client.line() for _ in range(10)] == MESSAGES[:10]
    result = client.finish()
    assert server.line() == "command: CMD_short:0"
    assert "10 messages, 181 bytes" in result.stderr
    if program == "part6_server.py":
        assert result.status == 0
        assert "without close_notify" in result.stderr
    else:
        assert result.status == 1
        assert "1 s" in result.stderr


def test_our_client_refuses_a_students_server_of_another_ca(lab, student_server, other_ca, tool):
    server, port = student_server("part6_server.py", *other_ca)
    result = tool("pdc-tls", "--ca", lab.ca_file, "-p", port, "CMD_short:0")
    assert (result.status, result.stdout) == (1, "")
    assert "self-signed" in result.stderr


def test_students_client_and_our_server(lab, spawn, student):
    certificate, key = pair(lab)
    server = spawn("pmu-tls", "--cert", certificate, "--key", key, "-p", "0")
    port = int(server.error_line().split(":")[-1])
    for _ in range(2):
        result = student("part6_client.py", port, "CMD_short:0", lab.ca_file)
        assert (result.status, result.stderr) == (0, "")
        assert result.lines[:2] == MESSAGES[:2]
