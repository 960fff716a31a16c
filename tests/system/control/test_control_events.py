"""GET /v1/events: from the ring, then live; without gap, without anybody waiting for anybody."""
import json
import socket

import pytest

from support.control import JSON
from support.lab import DEADLINE, SCALE
from support.peers import connect

RING = 8 << 20  # bytes that are kept
LONG = ["pattern:" + letter * 254 + ".x" for letter in "x."]  # values that fill it soon


def change(control, *values):
    for value in values:
        assert control.patch("/v1/config", {"pmu.messages": value}).status == 200


def after(events):
    return [event["after"] for event in events]


@pytest.mark.parametrize("form, said", [("sse", "text/event-stream"),
                                        ("ndjson", "application/x-ndjson")])
def test_from_the_ring_and_then_live(control, form, said):
    change(control, 1, 2)
    events = control.events(f"format={form}", way=control.page)
    assert events.type == said
    first = events.one()
    assert (first["seq"], first["event"], first["seed"]) == (1, "start", 7)
    assert after([events.next(event="change"), events.next(event="change")]) == ["1", "2"]
    change(control, 3)
    assert events.next(event="change")["after"] == "3"
    events.close()


def test_what_is_read_is_what_is_written(control):
    """The same lines as --events."""
    change(control, 1)
    connect(control.lab, "echo").close()
    closed = control.lab.wait(event="close")
    connection, response = control.ask("GET", "/v1/events?format=ndjson")
    for event in control.lab.events():
        assert json.loads(response.readline()) == event
        if event == closed:
            break
    connection.close()


def test_the_form_of_server_sent_events(control):
    connection, response = control.ask("GET", "/v1/events")
    assert response.readline() == b"retry: 1000\n" and response.readline() == b"\n"
    assert response.readline() == b"id: 1\n"
    assert response.readline().startswith(b'data: {"t":') and response.readline() == b"\n"
    connection.close()


def test_a_reader_that_comes_again_misses_nothing(control):
    events = control.events("since=0")
    change(control, *range(1, 11))
    seen = [event["seq"] for event in events.take(5)]
    seen_last = events.last_id
    events.close()
    change(control, *range(11, 21))
    # A browser asks for the same address again: the header wins.
    events = control.events("since=0", headers={"Last-Event-ID": str(seen_last)})
    while (event := events.one())["event"] != "change" or event["after"] != "20":
        seen.append(event["seq"])
    assert seen == list(range(1, event["seq"]))
    events.close()


def test_where_it_begins(control):
    change(control, 1, 2)
    last = control.lab.wait_all(2, event="change")[-1]["seq"]
    assert control.events(f"since={last - 1}").one()["seq"] == last
    behind = control.events(f"since={last}&event=change")
    now = control.events("since=now&event=change")
    other = control.events("since=1000000")  # the number of another lab's event
    assert other.one()["seq"] == 1
    change(control, 3)
    assert behind.one()["after"] == now.one()["after"] == "3"
    for events in (behind, now, other):
        events.close()


def test_a_choice(control):
    chosen = control.events("since=now&event=change,suspend&endpoint=pmu-ws,lab")
    all_of_one = control.events("since=now&endpoint=echo&format=ndjson")
    control.post("/v1/pause", {"endpoint": "echo"})
    control.post("/v1/pause", {"endpoint": "pmu-ws"})
    control.post("/v1/resume")
    control.patch("/v1/config", {"pmu.messages": 1, "pmu-ws.messages": 2, "pmu-tls.messages": 3})
    assert [(event["event"], event.get("endpoint")) for event in chosen.take(3)] == \
        [("suspend", "pmu-ws"), ("change", None), ("change", "pmu-ws")]
    assert [event["event"] for event in all_of_one.take(2)] == ["suspend", "resume"]
    chosen.close()
    all_of_one.close()


@pytest.mark.parametrize("query, key", [
    ("event=chang", "event"), ("event=", "event"), ("endpoint=pmo", "endpoint"),
    ("since=x", "since"), ("since=-1", "since"), ("since=", "since"),
    ("since=18446744073709551616", "since"), ("format=xml", "format")])
def test_what_is_no_choice(control, query, key):
    answer = control.get(f"/v1/events?{query}")
    assert (answer.status, answer.json["key"]) == (400, key)


def test_a_wrong_last_event_id(control):
    answer = control.get("/v1/events", headers={"Last-Event-ID": "x"})
    assert (answer.status, answer.json["key"]) == (400, "Last-Event-ID")


def test_the_end(control):
    """The lab's last word is heard, and the stream ends in good order."""
    readers = [control.events("since=0"), control.events("format=ndjson", way=control.page)]
    control.lab.stop()
    for events in readers:
        assert events.next(event="stop")["why"] == "SIGTERM"
        assert events.one() is None


def fill(control, target):
    """Changes that are long, over one connection, until so many bytes of events have happened; the
    changes."""
    connection, _ = control.unix()
    count, written = 0, 0
    while written < target:
        body = json.dumps({key: LONG[count % 2]
                           for key in ("reset.loss", "tv.loss", "udp-print.loss")})
        connection.request("PATCH", "/v1/config", body, {"Content-Type": JSON})
        response = connection.getresponse()
        assert response.status == 200 and response.read()
        count += 3
        written += 3 * 2 * len(LONG[0])
    connection.close()
    return count


def test_a_slow_reader_is_told_what_it_lost_and_delays_nobody(control):
    """What cannot be kept for it is counted; who reads gets all of it meanwhile, and the lab
    answers."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(DEADLINE)
        slow.connect((control.host, int(control.port)))
        slow.sendall(f"GET /v1/events?format=ndjson HTTP/1.0\r\nHost: {control.authority}\r\n"
                     f"Authorization: Bearer {control.key}\r\n\r\n".encode())
        reader = slow.makefile("rb")
        assert b" 200 " in reader.readline()
        while reader.readline().strip():
            pass
        first = json.loads(reader.readline())["seq"]
        assert first == 1
        count = fill(control, RING + (2 << 20))
        fast = control.events("since=now")
        change(control, 77)
        last = fast.next(event="change", after="77")["seq"]
        fast.close()
        lost, expected = [], 2
        while (event := json.loads(reader.readline()))["seq"] != last:
            if event["event"] == "lost":
                lost.append(event)
                assert event["from"] == expected \
                    and event["seq"] == event["from"] + event["count"] - 1
            else:
                assert event["seq"] == expected
            expected = event["seq"] + 1
        reader.close()
    assert len(lost) == 1 and 0 < lost[0]["count"] < count
    assert not control.lab.events(event="lost")


def test_who_comes_late_is_told_what_is_gone(control):
    fill(control, RING + (1 << 20))
    status = control.get("/v1/status").json["events"]
    assert status["first"] > 1
    events = control.events("since=0")
    lost = events.one()
    assert (lost["event"], lost["from"], lost["count"]) == ("lost", 1, status["first"] - 1)
    assert events.one()["seq"] == status["first"]
    events.close()


def test_many_readers(control):
    """Each gets everything, in order."""
    readers = [control.events("event=change", way=control.page) for _ in range(30)]
    change(control, *range(1, 51))
    for events in readers:
        assert after(events.take(50)) == [str(i) for i in range(1, 51)]
        events.close()
    # Who has gone is forgotten.
    change(control, 99)
    assert control.get("/v1/status").status == 200


@pytest.mark.alone
def test_readers_cost_little(control):
    """So that a lab with a page serves as one without: the work is done once in a while, not for
    each event."""
    readers = [control.events("format=ndjson") for _ in range(5)]
    before = control.lab.cpu()
    connection, _ = control.unix()
    for i in range(2000):
        connection.request("PATCH", "/v1/config", f'{{"pmu.messages": {i + 1}}}',
                           {"Content-Type": JSON})
        connection.getresponse().read()
    assert control.lab.cpu() - before < 2 * SCALE
    for events in readers:
        for i in range(2000):
            assert events.next(event="change")["after"] == str(i + 1)
        events.close()
