"""`--tls-keys` and SSLKEYLOGFILE: with them Wireshark shows what TLS hides."""
import os
import ssl
import stat

import pytest

from support.box import box
from support.lab import program, run
from support.peers import connect
from support.wireshark import tshark

SECRETS = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
           "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}


def secrets(path):
    return {line.split()[0] for line in path.read_text().splitlines()}


@pytest.mark.parametrize("carrier", ["pmu-tls", "pmu-wss"])
def test_the_labs_side(start_lab, tmp_path, carrier):
    keys = tmp_path / "keys"
    keys.write_text("CLIENT_RANDOM of another program\n")
    lab = start_lab("--tls-keys", keys)
    connect(lab, carrier, tls_version=ssl.TLSVersion.TLSv1_3).close()
    lab.wait(event="close", endpoint=carrier)
    lab.stop()
    assert secrets(keys) >= SECRETS | {"CLIENT_RANDOM"}  # appended


def test_only_its_owner_reads_them(start_lab, tmp_path):
    lab = start_lab("--tls-keys", tmp_path / "keys")
    lab.stop()
    assert stat.S_IMODE(os.stat(tmp_path / "keys").st_mode) == 0o600


@pytest.mark.parametrize("client, carrier", [("pdc-tls", "pmu-tls"), ("pdc-ws", "pmu-wss")])
def test_our_clients(lab, tmp_path, client, carrier):
    keys = tmp_path / "keys"
    where = [f"wss://localhost:{lab.port(carrier)}/"] if client == "pdc-ws" else []
    result = run(client, *where, "CMD_short:0", lab=lab, env={"SSLKEYLOGFILE": str(keys)})
    assert result.status == 0 and secrets(keys) >= SECRETS


def test_a_file_that_cannot_be_opened(lab, tmp_path):
    result = run("pmulab", "serve", "-q", "--ephemeral", "--tls-keys", tmp_path, "pmu-tls")
    assert (result.status, result.stderr.count("\n")) == (2, 1)
    assert f"--tls-keys: {tmp_path}: Is a directory" in result.stderr
    result = run("pdc-tls", "CMD_short:0", lab=lab, env={"SSLKEYLOGFILE": str(tmp_path)})
    assert result.status == 0 and f"SSLKEYLOGFILE: {tmp_path}: Is a directory" in result.stderr


def test_a_full_disk_is_told(lab):
    result = run("pmulab", "run", "--loopback", "--tls-keys", "/dev/full", "--",
                 program("pdc-tls"), "CMD_short:0", lab=lab)
    assert result.status == 125
    assert "--tls-keys: /dev/full: No space left on device" in result.stderr


def test_wireshark_shows_the_messages_of_any_client(user):
    """The client knows nothing of it: the secrets are the lab's."""
    folder = user.folder()
    done = box("--capture", folder / "lab.pcap", "--tls-keys", folder / "keys", "--",
               "pdc-tls", "CMD_short:0", user=user, cwd=folder)
    assert done.status == 0, done
    shown = tshark("-r", folder / "lab.pcap", "-o", f"tls.keylog_file:{folder / 'keys'}",
                   "-q", "-z", "follow,tls,ascii,0")
    assert "This is PMU data 20" in shown
