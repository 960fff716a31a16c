"""The lab's HTTP API: every call, good and bad (docs/api.md)."""
import re
import socket
import threading

import pytest

from support.control import JSON, REFUSAL, refused
from support.datagrams import RESET, Peer
from support.lab import DEADLINE, run
from support.peers import connect


def messages(lab, endpoint="pmu"):
    peer = connect(lab, endpoint)
    peer.command("CMD_short:0")
    return peer.read_all().count(b"This is PMU data")


# Status


def test_status(control):
    status = control.get("/v1/status").json
    assert status["seed"] == 7 and status["uptime"] > 0 and status["connections"] == 0
    assert status["events"]["first"] == 1 and status["events"]["next"] > 1
    ports = {one["endpoint"]: one["port"] for one in status["endpoints"]}
    assert ports == {name: control.lab.port(name) for name in ports} and len(ports) == 8
    assert all(one["totals"] and not one["paused"] and not one["local"]
               for one in status["endpoints"])
    messages(control.lab)
    pmu = next(one for one in control.get("/v1/status").json["endpoints"]
               if one["endpoint"] == "pmu")
    assert pmu["totals"]["connections"] == 1 and pmu["totals"]["messages"] == 20


# Configuration


def test_all_keys(control):
    keys = control.get("/v1/config").json["keys"]
    printed = re.findall(r"^[a-z_]+ = ", run("pmulab", "serve", "--print-config").stdout,
                         re.MULTILINE)
    assert len(keys) == len(printed) > 40
    for key in keys:
        assert set(key) == {"key", "value", "origin", "inherited", "start", "changed", "default",
                            "type", "range", "unit", "help", "effect", "endpoint"}
        assert key["help"] and key["value"] == key["start"] and not key["changed"]
        assert control.get(f"/v1/config/{key['key']}").json == key


def test_one_key(start_control):
    control = start_control("--set", "pmu.messages=15")
    key = control.get("/v1/config/pmu-ws.messages").json
    assert (key["value"], key["origin"], key["inherited"], key["default"]) == (
        "15", "--set", True, "20")
    assert (key["type"], key["range"], key["effect"], key["endpoint"]) == (
        "integer", "0..1000000", "now", "pmu-ws")
    assert control.get("/v1/config/reset.port").json["effect"] == "restart"
    refused(control.get("/v1/config/pmu.mesages"), 404, "no such key", "did you mean pmu.messages?",
            key="pmu.mesages")
    refused(control.get("/v1/config/%22%3Cscript%3E"), 404, key='"<script>')


def test_a_change_holds_for_the_next_command(control):
    assert messages(control.lab) == 20
    answer = control.patch("/v1/config", {"pmu.messages": 5}, headers={"Pmulab-Who": "me"})
    assert answer.status == 200
    assert [(key["key"], key["value"], key["origin"], key["start"], key["changed"])
            for key in answer.json["keys"]] == [("pmu.messages", "5", "me", "20", True)]
    assert messages(control.lab) == 5
    told = control.lab.wait_all(1, event="change")
    assert [(one["who"], one["key"], one["before"], one["after"]) for one in told] == \
        [("me", "pmu.messages", "20", "5")]


@pytest.mark.parametrize("key, value, becomes", [
    ("reset.loss", "burst:30%,4", "burst:30%,4"),
    ("pmu.first", 7, "7"),
    ("pmu.speed", 2.5, "2.5"),
    ("pmu.speed", 0.1, "0.1"),
    ("pmu-ws.messages", 3, "3"),
    ("pmu.messages", None, "15"),
])
def test_kinds_of_values(start_control, key, value, becomes):
    control = start_control("--set", "pmu.messages=15", "pmu", "pmu-ws", "reset")
    control.patch("/v1/config", {"pmu.messages": 9})
    assert control.patch("/v1/config", {key: value}).json["keys"][0]["value"] == becomes
    assert control.get(f"/v1/config/{key}").json["value"] == becomes


def test_all_or_nothing_and_every_error(control):
    before = control.get("/v1/config").json
    answer = refused(control.patch("/v1/config", {"pmu.messages": 5, "pmu.first": -1, "pmu.mess": 1,
                                                  "reset.loss": [1], "reset.port": 5}),
                     422, key="pmu.first")
    errors = answer.json["errors"]
    assert [error["key"] for error in errors] == ["pmu.first", "pmu.mess", "reset.loss",
                                                  "reset.port"]
    assert all(set(error) == REFUSAL for error in errors)
    assert "did you mean" in errors[1]["hint"] and "a text, a number" in errors[2]["error"]
    assert control.get("/v1/config").json == before and not control.lab.events(event="change")


def test_what_needs_a_restart(control):
    answer = refused(control.patch("/v1/config", {"reset.port": 5999, "pmu.messages": 1}), 409,
                     "while the lab runs", key="reset.port")
    assert len(answer.json["errors"]) == 1 and control.values()["pmu.messages"] == "20"
    assert control.patch("/v1/config", {"reset.port": 5004}).status == 200  # as it is
    answer = refused(control.patch("/v1/config", {"pmu.port": 5, "reset.reorder": "10%"}), 422,
                     "while the lab runs", key="pmu.port")
    assert [error["key"] for error in answer.json["errors"]] == ["pmu.port", "reset.reorder"]


@pytest.mark.parametrize("body, status, texts", [
    ("", 200, []),
    ("{}", 200, []),
    ("{", 400, ["no JSON", "line 1"]),
    ("[]", 400, ["no JSON object"]),
    ("3", 400, ["no JSON"]),
    ('{"pmu.messages": 1, "pmu.messages": 2}', 400, ["duplicate"]),
    ('{"pmu.messages": "\\u0000"}', 400, ["no JSON"]),
    ('{"pmu.messages": "\xff"}', 400, ["no JSON"]),
    ("[" * 30000, 400, ["no JSON"]),
    ('{"x": "' + "a" * 70000 + '"}', 413, ["65536"]),
])
def test_bodies(control, body, status, texts):
    answer = control.patch("/v1/config", body.encode("latin-1"), headers={"Content-Type": JSON})
    if status == 200:
        assert answer.json == {"keys": []}
    else:
        refused(answer, status, *texts)
    assert not control.lab.events(event="change")


@pytest.mark.parametrize("said, status", [
    ("text/plain", 415), ("application/jsonx", 415), ("application/x-www-form-urlencoded", 415),
    ("application/json; charset=utf-8", 200), ("Application/JSON", 200)])
def test_what_a_body_is_said_to_be(control, said, status):
    answer = control.patch("/v1/config", '{"pmu.messages": 4}', headers={"Content-Type": said})
    assert answer.status == status
    assert control.values()["pmu.messages"] == ("4" if status == 200 else "20")


def test_back_to_the_start(start_control):
    control = start_control("--set", "pmu.messages=15")
    control.patch("/v1/config", {"pmu.messages": 1, "pmu.first": 2, "pmu-ws.messages": 3})
    answer = control.delete("/v1/config/pmu.messages").json
    assert (answer["value"], answer["origin"], answer["changed"]) == ("15", "--set", False)
    assert control.values()["pmu-ws.messages"] == "3"
    restored = control.delete("/v1/config").json["keys"]
    assert {key["key"]: key["value"] for key in restored} == {
        "pmu.first": "1", "pmu-ws.messages": "15"}
    assert not any(key["changed"] for key in control.get("/v1/config").json["keys"])
    assert control.delete("/v1/config").json == {"keys": []}
    refused(control.delete("/v1/config/pmu.mess"), 404, key="pmu.mess")
    assert control.delete("/v1/config/reset.port").status == 200  # nothing to do


def test_many_change_at_once(control):
    """Each change is whole, and the events are a chain: before is what was after."""
    answers = []

    def change(first):
        connection, _ = control.unix()
        for i in range(first, first + 25):
            connection.request("PATCH", "/v1/config", f'{{"pmu.messages": {i}, "pmu.first": {i}}}',
                               {"Content-Type": JSON})
            response = connection.getresponse()
            answers.append((response.status, response.read()))
        connection.close()

    threads = [threading.Thread(target=change, args=(100 * i,)) for i in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(answers) == 200 and {status for status, _ in answers} == {200}
    changes = control.lab.wait_all(400, event="change")
    for key, value in (("pmu.messages", "20"), ("pmu.first", "1")):
        for one in (one for one in changes if one["key"] == key):
            assert one["before"] == value
            value = one["after"]
        assert control.values()[key] == value
    assert control.values()["pmu.messages"] == control.values()["pmu.first"]


# Between two datagrams

COUNT = 300


def lost(events):
    return {event["n"]: event["drawn"] for event in events if event["event"] == "drop"}


def burst(control, in_the_middle=lambda: None):
    """Asks COUNT times, slowly enough that none is folded or missed; what the lab told of the
    requests."""
    peers = [Peer(control.lab, "reset") for _ in range(3)]
    for i in range(COUNT):
        peers[i % 3].send(RESET)
        if i == COUNT // 2:
            in_the_middle()
        if i % 50 == 49:
            control.lab.wait(event=lambda name: name in ("drop", "reset"), n=i + 1, family=4)
    return [event for event in control.lab.events()
            if event["event"] in ("drop", "reset", "change")]


def test_a_change_in_the_middle_of_a_burst(start_control):
    """The drawn values stay what they are; what is lost changes from one datagram to the next."""
    options = ("--seed", "7", "--set", "reset.family=4", "reset")
    much = lost(burst(start_control("--set", "reset.loss=60%", *options)))
    little = lost(burst(start_control("--set", "reset.loss=20%", *options)))
    assert set(little) < set(much) and all(much[n] == drawn for n, drawn in little.items())
    control = start_control("--set", "reset.loss=60%", *options)
    worker = threading.Thread(target=lambda: control.patch("/v1/config", {"reset.loss": "20%"}))
    told = burst(control, worker.start)
    worker.join(DEADLINE)
    change = next(i for i, event in enumerate(told) if event["event"] == "change")
    last = max(event["n"] for event in told[:change] if "n" in event)
    assert 50 < last < COUNT
    assert min(event["n"] for event in told[change + 1:]) == last + 1
    expected = {n: drawn for n, drawn in much.items() if n <= last}
    expected.update({n: drawn for n, drawn in little.items() if n > last})
    assert lost(told) == expected


def test_the_family_that_is_served(start_control):
    control = start_control("--set", "reset.family=4", "reset", "udp-print", "pmu")

    def served():
        return {one["endpoint"]: (one["family"], one["left"])
                for one in control.get("/v1/status").json["endpoints"]}

    assert served() == {"reset": ("IPv4", None), "udp-print": ("IPv4", None), "pmu": (None, None)}
    control.patch("/v1/config", {"reset.family": "alternate:1h"})
    family, left = served()["reset"]
    assert family == "IPv4" and 3500 < left <= 3600


# Connections


@pytest.mark.parametrize("endpoint", ["pmu", "pmu-tls"])
def test_what_a_client_has_read_is_counted(control, endpoint):
    """Act, then assert: nothing has to be waited for."""
    def totals():
        return next(one["totals"] for one in control.get("/v1/status").json["endpoints"]
                    if one["endpoint"] == endpoint)

    for i in range(1, 21):
        peer = connect(control.lab, endpoint)
        peer.command("CMD_short:0")
        assert peer.read_exactly(18) == b"This is PMU data 1"
        assert totals()["messages"] >= 20 * i - 19
        peer.read_all()
        now = totals()
        assert (now["connections"], now["messages"], now["bytes_out"], now["bytes_in"]) == (
            i, 20 * i, 371 * i, 11 * i)
        peer.close()


def test_connections(control):
    assert control.get("/v1/connections").json == {"connections": []}
    peer = connect(control.lab, "pmu")
    opened = control.lab.wait(event="open")
    assert control.get("/v1/connections").json == {"connections": [
        {"id": opened["conn"], "endpoint": "pmu", "local": False, "peer": opened["peer"],
         "since": opened["t"]}]}
    assert control.get("/v1/status").json["connections"] == 1
    peer.close()


@pytest.mark.parametrize("body, ends", [
    ({"how": "fin"}, b""), ({"how": "rst"}, ConnectionResetError), (None, b""), ({}, b"")])
def test_a_connection_is_cut(control, body, ends):
    with socket.create_connection(control.lab.address("echo"), DEADLINE) as peer:
        conn = control.lab.wait(event="open")["conn"]
        answer = control.post(f"/v1/connections/{conn}/close", body, headers={"Pmulab-Who": "me"})
        assert answer.json == {"id": conn, "how": "rst" if ends else "fin"}
        if ends:
            with pytest.raises(ends):
                peer.recv(1)
        else:
            assert peer.recv(1) == ends
    closed = control.lab.wait(event="close")
    assert (closed["conn"], closed["first"], closed["why"]) == (conn, "server", "cut by me")
    refused(control.post(f"/v1/connections/{conn}/close"), 404, "no open connection")


@pytest.mark.parametrize("endpoint", ["pmu", "pmu-tls", "pmu-ws", "pmu-wss"])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_in_the_middle_of_the_messages(control, endpoint, how):
    """With a FIN behind the carrier's goodbye (close_notify, a Close frame), or with a reset."""
    peer = connect(control.lab, endpoint)
    peer.command("CMD_short:60")
    conn = control.lab.wait(event="send")["conn"]
    assert control.post(f"/v1/connections/{conn}/close", {"how": how}).status == 200
    if how == "fin":
        assert peer.read_all() == b"This is PMU data 1"
    else:
        with pytest.raises(ConnectionResetError):
            peer.read_all()
    peer.close()
    closed = control.lab.wait(event="close", conn=conn)
    assert (closed["endpoint"], closed["why"], closed["messages"]) == (
        endpoint, "cut by control", 1)
    assert control.get("/v1/connections").json == {"connections": []}


def test_connections_that_are_not_cut(control):
    peer = connect(control.lab, "echo")
    conn = control.lab.wait(event="open")["conn"]
    refused(control.post(f"/v1/connections/{conn}/close", {"how": "gently"}), 422, '"fin" or "rst"',
            key="how")
    refused(control.post(f"/v1/connections/{conn}/close", {"how": 1}), 422, key="how")
    refused(control.post(f"/v1/connections/{conn}/close", {"who": "fin"}), 422, "there are how",
            key="who")
    for wrong in ("0", "77", "-1", "x", "18446744073709551617", "%31x"):
        refused(control.post(f"/v1/connections/{wrong}/close"), 404)
    refused(control.get(f"/v1/connections/{conn}/close"), 405, "POST")
    assert len(control.get("/v1/connections").json["connections"]) == 1
    peer.close()


# Pause


def test_pause_and_resume(control):
    paused = control.post("/v1/pause", {"endpoint": "pmu"},
                          headers={"Pmulab-Who": "me"}).json["endpoints"]
    assert [(one["endpoint"], one["paused"]) for one in paused] == [("pmu", True)]
    with socket.create_connection(control.lab.address("pmu"), DEADLINE) as waits:
        waits.sendall(b"CMD_short:0")
        assert messages(control.lab, "pmu-ws") == 20 and not control.lab.events(
            event="open", endpoint="pmu")
        assert control.post("/v1/resume").json["endpoints"][2]["paused"] is False
        assert waits.recv(100).startswith(b"This is PMU data 1")
    assert [(one["endpoint"], one["who"]) for one in control.lab.wait_all(1, event="suspend")] == [
        ("pmu", "me")]
    assert control.lab.wait_all(1, event="resume")[0]["endpoint"] == "pmu"
    refused(control.post("/v1/pause", {"endpoint": "pmo"}), 422, "there are udp-print, echo",
            key="endpoint")
    refused(control.post("/v1/pause", {"endpoint": 3}), 422, key="endpoint")
    refused(control.post("/v1/pause", {"all": True}), 422, key="all")


def test_what_does_not_run_is_not_paused(start_control):
    refused(start_control("pmu").post("/v1/pause", {"endpoint": "echo"}), 422, "does not run",
            key="endpoint")


# What every call has


@pytest.mark.parametrize("method, path, status, allowed", [
    ("GET", "/v1", 404, None),
    ("GET", "/v1/status/", 404, None),
    ("GET", "/v2/status", 404, None),
    ("POST", "/v1/status", 405, "GET, HEAD, OPTIONS"),
    ("PUT", "/v1/config", 405, "GET, HEAD, PATCH, DELETE, OPTIONS"),
    ("GET", "/v1/pause", 405, "POST, OPTIONS"),
    ("GET", "/v1/../v1/status", 400, None),
    ("GET", "/v1/%2e%2e/status", 400, None),
])
def test_paths_and_methods(control, method, path, status, allowed):
    answer = refused(control.request(method, path), status)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/v1/status", "/v1/config", "/v1/config/pmu.first",
                                  "/v1/connections", "/v1/events"])
def test_parameters_that_are_not_there(control, path):
    refused(control.get(f"{path}?color=red"), 400, "there is no parameter", key="color")


def test_the_page(control):
    for way in (control.unix, control.page):
        page = control.get("/", way=way)
        assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.text.startswith("<!doctype html>") and "Content-Encoding" not in page.headers
        assert control.get("/", way=way, headers={"Accept-Encoding": "gzip, br"}).headers[
            "Content-Encoding"] == "gzip"
    refused(control.post("/"), 405)


def test_what_students_send_stays_text(control):
    text = "<script>alert(1)</script>\x1b[31m"
    peer = connect(control.lab, "pmu")
    peer.command(text)
    control.lab.wait(event="close")
    answer = control.events("event=command,error&format=ndjson&since=0").next(endpoint="pmu")
    assert "<script>alert(1)</script>\\x1b" in answer.get("bytes", answer.get("text"))


def test_what_is_quoted_may_be_cut(control):
    """Also in the middle of a character."""
    for before in "x", "xx":
        answer = refused(control.post("/v1/pause", {"endpoint": before + "é" * 600}), 422,
                         f'no endpoint "{before}éé', key="endpoint")
        assert answer.json["error"].rstrip("?").endswith("é")


def test_not_every_unknown_key_is_guessed_at(control):
    answer = refused(control.patch("/v1/config", {f"reset.los{i}": 1 for i in range(20)}), 422,
                     key="reset.los0")
    hints = [error["hint"] for error in answer.json["errors"]]
    assert len(hints) == 20 and all("reset.loss" in hint for hint in hints[:8]) \
        and not any(hints[8:])


@pytest.mark.parametrize("count, errors", [(512, 512), (513, 1)])
def test_more_keys_than_there_are(control, count, errors):
    answer = control.patch("/v1/config", {f"reset.loss{i}": 1 for i in range(count)})
    assert answer.status == 422 and len(answer.json["errors"]) == errors
    assert ("more keys than there are" in answer.text) == (errors == 1)
