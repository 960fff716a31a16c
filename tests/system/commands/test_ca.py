"""scripts/ca: each command, what it refuses, and that its bad certificates are bad in the way they
say."""
import os
import shutil
import stat
import subprocess

import pytest

from support.lab import ROOT

KINDS = ["expired", "not-yet", "wrong-host", "self-signed", "weak-1024"]


def ca(*args, status=0, cwd=None, path=None):
    env = dict(os.environ, **({"PATH": path} if path else {}))
    done = subprocess.run([ROOT / "scripts/ca", *map(str, args)], cwd=cwd, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done
    if status:
        assert done.stdout == "" and done.stderr.startswith("ca: ") \
            and done.stderr.count("\n") == 1, done
    else:
        assert done.stderr == "", done
    return done.stderr if status else done.stdout


def openssl(*args, cwd=None):
    return subprocess.run(["openssl", *map(str, args)], cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def verify(directory, name, *options):
    done = openssl("verify", "-x509_strict", "-purpose", "sslserver", *options,
                   "-CAfile", directory / "cacert.pem", directory / f"{name}_cert.pem")
    return "" if done.returncode == 0 else done.stderr


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def request(directory, *options, name="student", bits=2048, subject="/C=CH/O=EPFL/CN=localhost"):
    """A student's key and request, as the handout makes them."""
    assert openssl("genrsa", "-out", directory / f"{name}_key.pem", bits).returncode == 0
    assert openssl("req", "-new", "-key", directory / f"{name}_key.pem", "-subj", subject, *options,
                   "-out", directory / f"{name}.csr").returncode == 0
    return directory / f"{name}.csr"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A CA in a folder with a space in its name; tests add to it."""
    place = tmp_path_factory.mktemp("ca") / "my lab" / "the ca"
    assert "cacert.pem" in ca("init", place)
    return place


def test_init(directory):
    assert mode(directory) == 0o700
    assert mode(directory / "cakey.pem") == 0o600
    assert mode(directory / "cacert.pem") == 0o644
    assert openssl("verify", "-x509_strict", "-CAfile", directory / "cacert.pem",
                   directory / "cacert.pem").returncode == 0
    key = (directory / "cakey.pem").read_bytes()
    assert "never overwritten" in ca("init", directory, status=1)
    assert (directory / "cakey.pem").read_bytes() == key


def test_server(directory):
    ca("server", directory, "localhost", "127.0.0.1", "::1")
    assert mode(directory / "localhost_key.pem") == 0o600
    for option, name in (("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"),
                         ("-verify_ip", "::1")):
        assert verify(directory, "localhost", option, name) == ""
    assert "hostname mismatch" in verify(directory, "localhost", "-verify_hostname", "elsewhere")
    assert "never overwritten" in ca("server", directory, "localhost", status=1)
    assert "neither a host name nor an address" in ca("server", directory, "a,DNS:b", status=2)
    ca("server", directory, "::1")
    assert verify(directory, "__1", "-verify_ip", "::1") == ""


def test_server_refused_by_openssl(directory):
    assert "openssl x509: " in ca("server", directory, "300.300.300.300", status=1)
    assert sorted(path.name for path in directory.iterdir()
                  if path.name.startswith((".ca", "300"))) == []


@pytest.mark.parametrize("kind, options, reason", [
    ("expired", [], "certificate has expired"),
    ("not-yet", [], "certificate is not yet valid"),
    ("wrong-host", ["-verify_hostname", "localhost"], "hostname mismatch"),
    ("self-signed", [], "self-signed certificate"),
    ("weak-1024", ["-auth_level", "2"], "EE certificate key too weak"),
])
def test_bad(directory, kind, options, reason):
    ca("bad", directory, kind)
    assert reason in verify(directory, kind, *options)
    assert mode(directory / f"{kind}_key.pem") == 0o600
    # and nothing else is wrong with it
    excuse = {"expired": ["-no_check_time"], "not-yet": ["-no_check_time"], "wrong-host": [],
              "self-signed": ["-trusted", directory / "self-signed_cert.pem", "-partial_chain"],
              "weak-1024": []}[kind]
    name = "elsewhere.example" if kind == "wrong-host" else "localhost"
    if kind == "self-signed":
        done = openssl("verify", *excuse, "-verify_hostname", name, directory / f"{kind}_cert.pem")
        assert done.returncode == 0, done
    else:
        assert verify(directory, kind, *excuse, "-auth_level", "1", "-verify_hostname", name) == ""
    public = [openssl("pkey", "-in", directory / f"{kind}_key.pem", "-pubout").stdout,
              openssl("x509", "-in", directory / f"{kind}_cert.pem", "-noout", "-pubkey").stdout]
    assert public[0] == public[1] != ""
    assert "never overwritten" in ca("bad", directory, kind, status=1)


def test_sign(directory, tmp_path):
    csr = request(tmp_path, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,email:a@b.c",
                  "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
    said = ca("sign", directory, "student.csr", cwd=tmp_path)
    assert "subject=C=CH, O=EPFL, CN=localhost" in said
    assert "names=DNS:localhost,IP:127.0.0.1\n" in said
    cert = tmp_path / "student_cert.pem"
    assert mode(cert) == 0o644
    text = openssl("x509", "-in", cert, "-noout", "-text").stdout
    assert "CA:FALSE" in text and "CA:TRUE" not in text
    assert "Certificate Sign" not in text and "a@b.c" not in text
    shutil.copy(directory / "cacert.pem", tmp_path)
    assert verify(tmp_path, "student", "-verify_hostname", "localhost") == ""

    # once more to another place; a certificate may be replaced, a key and anything else may not
    other = tmp_path / "an other.pem"
    for _ in range(2):
        ca("sign", directory, csr, "-o", other)
    assert openssl("x509", "-in", other, "-noout", "-subject").stdout.strip().endswith(
        "CN = localhost")
    key = (tmp_path / "student_key.pem").read_bytes()
    assert "is no certificate" in ca("sign", directory, csr, "-o", tmp_path / "student_key.pem",
                                     status=1)
    assert "is no certificate" in ca("sign", directory, csr, "-o", csr, status=1)
    assert "own certificate" in ca("sign", directory, csr, "--output", directory / "cacert.pem",
                                   status=1)
    assert (tmp_path / "student_key.pem").read_bytes() == key
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key)
    assert "never overwritten" in ca("sign", directory, csr, "-o", both, status=1)


def test_sign_without_names(directory, tmp_path):
    csr = request(tmp_path, "-utf8", subject="/O=Université, \"Ltd\" $HOME/CN=x")
    assert "names=none: " in ca("sign", directory, csr)
    text = openssl("x509", "-in", tmp_path / "student_cert.pem", "-noout", "-text").stdout
    assert "Subject Alternative Name" not in text
    assert "$HOME" in text


def test_sign_1024_bits(directory, tmp_path):
    csr = request(tmp_path, bits=1024)
    assert "RSA key of 1024 bits, refused by TLS today; use 2048 bits, or --legacy" in \
        ca("sign", directory, csr, status=1)
    assert not (tmp_path / "student_cert.pem").exists()
    ca("sign", directory, csr, "--legacy")
    assert (tmp_path / "student_cert.pem").exists()
    assert "too small for anything" in ca("sign", directory, request(tmp_path, bits=512),
                                          "--legacy", status=1)


SUBJECT = "/CN=Public-Key: (4096 bit)"


def key_of(directory, *options):
    """A request for a key of another kind than RSA's usual one; its subject lies."""
    key = directory / "student_key.pem"
    assert openssl("genpkey", *options, "-out", key).returncode == 0
    csr = directory / "student.csr"
    assert openssl("req", "-new", "-key", key, "-subj", SUBJECT, "-out", csr).returncode == 0
    return csr


def weak_dsa(directory):
    parameters = directory / "parameters.pem"
    assert openssl("dsaparam", "-out", parameters, 1024).returncode == 0
    return ["-paramfile", parameters]


@pytest.mark.parametrize("options, said", [
    (["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:1024"], "RSA key of 1024 bits"),
    (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "RSA key of 1024 bits"),
    (weak_dsa, "DSA key of 1024 bits"),
    (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp112r1"], "EC key of 112 bits"),
    (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-192",
      "-pkeyopt", "ec_param_enc:explicit"], "EC key of 192 bits"),
], ids=["pss", "rsa", "dsa", "ec", "explicit"])
def test_sign_weak_keys(directory, tmp_path, options, said):
    csr = key_of(tmp_path, *(options(tmp_path) if callable(options) else options))
    told = ca("sign", directory, csr, status=1)
    assert said in told and "--legacy" in told
    assert not (tmp_path / "student_cert.pem").exists()
    ca("sign", directory, csr, "--legacy")
    assert (tmp_path / "student_cert.pem").exists()


@pytest.mark.parametrize("options", [["-algorithm", "ED25519"], ["-algorithm", "ED448"],
                                     ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"]],
                         ids=["ed25519", "ed448", "p-224"])
def test_sign_short_but_strong_keys(directory, tmp_path, options):
    ca("sign", directory, key_of(tmp_path, *options))


def test_sign_damaged(directory, tmp_path):
    csr = request(tmp_path)
    der = bytearray(openssl_der(csr))
    der[-1] ^= 1  # the signature
    (tmp_path / "der").write_bytes(der)
    openssl("req", "-inform", "DER", "-in", tmp_path / "der", "-out", tmp_path / "forged.csr")
    assert "not signed with the key that is in it" in ca("sign", directory, tmp_path / "forged.csr",
                                                         status=1)
    assert "NOT signed with the key" in ca("show", tmp_path / "forged.csr")
    assert "not a certificate request" in ca("sign", directory, tmp_path / "student_key.pem",
                                             status=1)
    assert "cannot be read" in ca("sign", directory, tmp_path / "missing.csr", status=1)
    cut = tmp_path / "cut.csr"
    cut.write_text(csr.read_text()[:300])
    assert "damaged" in ca("sign", directory, cut, status=1)
    assert list(tmp_path.glob(".ca*")) + list(tmp_path.glob("*_cert.pem")) == []


def openssl_der(csr):
    return subprocess.run(["openssl", "req", "-in", csr, "-outform", "DER"], capture_output=True,
                          check=True).stdout


def test_show(directory, tmp_path):
    csr = request(tmp_path, "-addext", "subjectAltName=DNS:localhost")
    ca("sign", directory, csr)
    shown = ca("show", tmp_path / "student_cert.pem")
    for part in ("certificate\n", "Issuer: O=TCP/IP lab, CN=lab CA 2", "Not After", "CN=localhost",
                 "2048 bit", "Names: DNS:localhost", "CA:FALSE"):
        assert part in shown
    assert ca("show", csr).startswith("certificate request\n")
    shown = ca("show", tmp_path / "student_key.pem")
    assert "2048 bit" in shown and len(shown) < 200
    assert "neither a certificate nor" in ca("show", ROOT / "scripts/ca", status=1)
    assert "cannot be read" in ca("show", tmp_path, status=1)


def test_usage(directory, tmp_path):
    assert ca("--help") == ca("sign", "-h")
    assert max(map(len, ca("--help").splitlines())) <= 100
    for kind in KINDS:
        assert kind in ca("--help")
    for args in ([], ["sing"], ["init"], ["init", "a", "b"], ["init", "--force"], ["sign"],
                 ["sign", directory], ["sign", directory, "a", "b"], ["sign", directory, "a", "-o"],
                 ["sign", "--frce"], ["server", directory], ["bad", directory],
                 ["bad", directory, "worse"], ["show"], ["show", "a", "b"]):
        assert "ca --help" in ca(*args, status=2)
    for args in (["sign", tmp_path, "x"], ["server", tmp_path, "x"], ["bad", tmp_path, "expired"],
                 ["server", tmp_path / "none", "x"]):
        assert "ca init" in ca(*args, status=1)


def test_without_openssl(directory, tmp_path):
    for tool in ("bash", "dirname", "env"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    assert "openssl is missing" in ca("show", directory / "cacert.pem", status=1,
                                      path=str(tmp_path))
