"""Access to the control server: the key, the places where it listens, and crowds."""
import contextlib
import os
import re
import resource
import socket
import stat

import pytest

from support.control import Control, refused
from support.lab import DEADLINE, run
from support.peers import connect


@pytest.mark.parametrize("method, path", [
    ("GET", "/"), ("GET", "/v1/status"), ("GET", "/v1/events"), ("PATCH", "/v1/config"),
    ("POST", "/v1/pause"), ("GET", "/nothing")])
def test_nobody_without_the_key(control, method, path):
    wrong = "0" * len(control.key)
    for headers in ({}, {"Authorization": f"Bearer {wrong}"},
                    {"Authorization": f"Basic {control.key}"},
                    {"Cookie": f"pmulab_{control.port}={wrong}"},
                    {"Cookie": f"other={control.key}"}):
        refused(control.request(method, path, way=control.tcp, headers=headers), 401, "key")
    refused(control.request("GET", f"{path}?key={wrong}", way=control.tcp), 401)
    assert not control.lab.events(event="suspend")


def test_the_key_becomes_a_cookie(control):
    """For a folder of its own, so that no server on another port of this machine is sent it."""
    answer = control.get(f"/?key={control.key}", way=control.tcp)
    folder = answer.headers["Location"]
    assert answer.status == 303 and re.fullmatch("/[0-9a-f]{16}/", folder)
    cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert cookie == f"pmulab_{control.port}={control.key}" \
        and {"HttpOnly", "SameSite=Strict", f"Path={folder}"} == set(attributes)
    headers = {"Cookie": cookie}
    assert control.get(folder, way=control.tcp, headers=headers).text == control.get("/").text
    assert control.get(f"{folder}v1/status", way=control.tcp, headers=headers).status == 200
    refused(control.get("/v1/status", way=control.tcp, headers=headers), 401, "key")
    control.patch(f"{folder}v1/config", {"pmu.first": 3}, way=control.tcp, headers=headers)
    assert control.lab.wait(event="change")["who"] == "page"


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 403),
    ({"Host": "evil.example:{port}"}, 403),
    ({"Host": "localhost:{port}"}, 200),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1:{port}"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
])
def test_no_other_sites_page(control, headers, status):
    headers = {name: value.format(port=control.port) for name, value in headers.items()}
    answer = control.patch("/v1/config", {"pmu.first": 3}, way=control.page, headers=headers)
    assert answer.status == status
    if status != 200:
        refused(answer, 403)
        assert control.values()["pmu.first"] == "1"


def test_browsers_are_told_to_be_strict(control):
    for answer in (control.get("/", way=control.page), control.get("/v1/status"),
                   control.get("/x", way=control.tcp)):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_socket_is_its_owners(control):
    assert stat.S_IMODE(os.stat(control.path).st_mode) == 0o600
    control.lab.stop()
    assert not control.path.exists()


# Places


@pytest.mark.parametrize("options, status, text", [
    (["--page=example.org:80"], 2, "is no address"),
    (["--page=127.0.0.1:70000"], 2, "is no address"),
    (["--page="], 2, "is no address"),
    (["--page=::1:5"], 3, "--page: [::0.1.0.5]:8080: "),
    (["--page", "127.0.0.1:0"], 2, "--page=127.0.0.1:0"),
    (["--control", "x" * 200], 2, "1 to 107 bytes"),
    (["--control", ""], 2, "1 to 107 bytes"),
    (["--control", "/nonexistent/folder/socket"], 3, "/nonexistent/folder/socket"),
])
def test_options_that_are_refused(options, status, text):
    result = run("pmulab", "serve", "--ephemeral", *options, "echo")
    assert result.status == status and text in result.stderr and result.stderr.count("\n") == 1


def test_places_that_are_taken(start_control, tmp_path):
    first = start_control("echo")
    result = run("pmulab", "serve", "--ephemeral", "--control", first.path, "echo")
    assert result.status == 3 and "somebody listens there already" in result.stderr
    result = run("pmulab", "serve", "--ephemeral", f"--page={first.authority}", "echo",
                 env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert result.status == 3 and "--page=127.0.0.1:0 takes a free port" in result.stderr
    assert f"by pmulab (pid {first.lab.pid})" in result.stderr
    assert first.get("/v1/status").status == 200


def test_the_page_alone_where_the_place_is_taken(start_lab, tmp_path):
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    first = start_lab("--page=0", "echo", env=environment)
    second = start_lab("--page=0", "echo", env=environment)
    assert second.says("only the page: --control")
    control = Control(first, tmp_path / "pmulab" / "control")
    assert control.get("/v1/status").status == 200
    assert Control(second, None).get("/v1/status", way=Control(second, None).page).status == 200


def test_who_has_no_key_keeps_no_place(control):
    """More of them than the page has places for, all of whom stay: each is told, and whoever has
    the key gets in."""
    host, port = control.url.split("/")[2].split(":")
    strangers = []
    try:
        for _ in range(70):
            stranger = socket.create_connection((host, int(port)), DEADLINE)
            strangers.append(stranger)
            stranger.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            said = b"".join(iter(lambda peer=stranger: peer.recv(65536), b""))  # to its end
            assert said.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 503 ")) \
                and b"connection: close" in said.lower()
    finally:
        for stranger in strangers:
            stranger.close()
    assert control.get("/v1/status", way=control.page).status == 200


def test_a_thousand_slow_ones_keep_nobody_out(control):
    """Each has begun a request and goes on with it never; the page, the socket and the lab answer
    as ever."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as crowd:
        for _ in range(1000):
            slow = crowd.enter_context(socket.create_connection((control.host, int(control.port)),
                                                                DEADLINE))
            slow.sendall(b"GET /v1/status HTTP/1.1\r\nHost: ")
        for way in (control.page, control.unix, control.page):
            assert control.get("/v1/status", way=way).status == 200
        peer = connect(control.lab, "pmu")
        peer.command("CMD_short:0")
        assert peer.read_all().count(b"This is PMU data") == 20
