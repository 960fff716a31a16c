"""GET /v1/preview: what it shows is what the socket then does."""
import urllib.parse

import pytest

from support.datagrams import RESET, Peer, both_families, settings
from support.lab import run

MODELS = ["none", "50%", "burst:40%,3", "gemodel:30%,40%,80%,5%", "state:20%,50%,10%,60%,5%",
          "list:2,3,17", "first:3", "pattern:xx.", "90%,max-run=2"]


@pytest.fixture
def start_control(start_control):
    """Over IPv4, whatever the hour."""
    return lambda *args: start_control("--set", "reset.family=4", *args)


def preview(control, **parameters):
    answer = control.get(f"/v1/preview?{urllib.parse.urlencode(parameters)}")
    assert answer.status == 200, answer.text
    shown = answer.json
    assert [one["n"] for one in shown["datagrams"]] == list(
        range(shown["from"], shown["from"] + len(shown["fates"])))
    assert shown["fates"] == "".join(".x"[one["lost"]] for one in shown["datagrams"])
    return shown


def drawn(shown):
    return [one["drawn"] for one in shown["datagrams"]]


def fates(peer, count):
    return "".join("." if peer.fate(RESET) else "x" for _ in range(count))


# As it is


@pytest.mark.parametrize("loss", MODELS)
def test_it_happens(start_control, loss):
    """From the first one on, and then from where the endpoint is."""
    control = start_control("--seed", "11", *settings(f"reset.loss={loss}"))
    before = preview(control, n=40)
    assert (before["endpoint"], before["family"], before["direction"], before["seed"],
            before["from"]) == ("reset", 4, "request", 11, 1)
    peer = Peer(control.lab, "reset")
    assert fates(peer, 20) == before["fates"][:20]
    then = preview(control, n=20)
    assert then["from"] == 21 and then["datagrams"] == before["datagrams"][20:]
    assert fates(peer, 20) == then["fates"]


@both_families
def test_each_family(start_control, family):
    control = start_control("--seed", "11", *settings("reset.family=both"))
    peer = Peer(control.lab, "reset", family)
    shown, other = preview(control, family=family, n=30), preview(control, family=10 - family, n=30)
    assert shown["fates"] != other["fates"]
    assert fates(peer, 10) == shown["fates"][:10]
    assert preview(control, family=family)["from"] == 11
    assert preview(control, family=10 - family)["from"] == 1


def test_replies(start_control):
    """Where replies are lost, they are what is shown; their numbers are their own."""
    control = start_control("--seed", "11", *settings("reset.direction=reply"))
    shown = preview(control, n=30)
    assert shown["direction"] == "reply"
    assert preview(control, direction="request", n=30)["fates"] == "." * 30
    assert fates(Peer(control.lab, "reset"), 30) == shown["fates"]
    assert preview(control, direction="request")["from"] == 31


def test_what_is_drawn_is_what_events_tell(start_control):
    control = start_control("--seed", "11", *settings("reset.loss=gemodel:30%,40%,80%,5%"))
    shown = {one["n"]: one for one in preview(control, n=30)["datagrams"]}
    fates(Peer(control.lab, "reset"), 30)
    drops = control.lab.events(event="drop")
    assert len(drops) == sum(one["lost"] for one in shown.values()) > 3
    for drop in drops:
        assert shown[drop["n"]]["drawn"] == pytest.approx(drop["drawn"], abs=2e-9)
        assert shown[drop["n"]]["state"] == drop["state"]


def test_more_than_losses(start_control):
    control = start_control("--seed", "11", *settings(
        "reset.loss=20%", "reset.delay=1ms", "reset.jitter=1ms", "reset.duplicate=30%",
        "reset.corrupt=30%", "reset.reorder=30%"))
    shown = {one["n"]: one for one in preview(control, n=40)["datagrams"]}
    peer = Peer(control.lab, "reset")
    for _ in range(40):
        peer.send(RESET)
    control.lab.wait_all(40, event="receive", endpoint="reset")
    expected = {
        "drop": {n for n, one in shown.items() if one["lost"]},
        "duplicate": {n for n, one in shown.items() if len(one["delays"]) == 2},
        "corrupt": {n for n, one in shown.items() if one["corrupted"]},
        "reorder": {n for n, one in shown.items() if one["reordered"]},
    }
    control.patch("/v1/config", {"pmu.messages": 1})
    control.lab.wait(event="change")
    for event, numbers in expected.items():
        assert len(numbers) > 3
        assert {one["n"] for one in control.lab.events(event=event, direction="request")} == numbers
    delays = control.lab.events(event="delay", direction="request")
    assert len(delays) > 20 and all(delay["seconds"] in shown[delay["n"]]["delays"]
                                    for delay in delays)


def test_others_see_the_same(start_control):
    """`pmulab loss preview` with the seed that the answer names."""
    control = start_control(*settings("reset.loss=burst:40%,3"))
    shown = preview(control, n=200)
    told = run("pmulab", "loss", "preview", "--seed", shown["seed"], "--loss", shown["loss"],
               "-n", 200)
    assert told.lines == [shown["fates"]]


# As it would be


def test_another_loss_draws_the_same(control):
    """What is drawn stays; only what it is compared with is another."""
    peer = Peer(control.lab, "reset")
    fates(peer, 5)
    now = preview(control, n=30)
    would_be = preview(control, n=30, loss="10%")
    assert now["loss"] == "50%" and would_be["loss"] == "10%"
    assert drawn(now) == drawn(would_be) and None not in drawn(now)
    assert would_be["fates"] == "".join(".x"[value < 0.1] for value in drawn(now)) != now["fates"]
    assert preview(control, n=30) == now
    assert control.values()["reset.loss"] == "50%"

    control.patch("/v1/config", {"reset.loss": "10%"})
    assert preview(control, n=30) == would_be
    assert fates(peer, 30) == would_be["fates"]


@pytest.mark.parametrize("loss", MODELS)
def test_another_model(control, loss):
    """In the middle of a stream, after another model."""
    peer = Peer(control.lab, "reset")
    fates(peer, 7)
    would_be = preview(control, n=20, loss=loss)
    control.patch("/v1/config", {"reset.loss": loss})
    assert would_be["fates"] == fates(peer, 20)


def test_it_disturbs_nothing(start_control):
    alone, looked_at = (start_control("--seed", "5", *settings("reset.loss=burst:40%,3"))
                        for _ in range(2))
    quiet, watched = (Peer(control.lab, "reset") for control in (alone, looked_at))
    happened = ""
    for _ in range(20):
        preview(looked_at, n=1000, loss="pattern:x.")
        happened += fates(watched, 1)
    assert happened == fates(quiet, 20)


# Other endpoints


def test_the_station_speaks(start_control):
    control = start_control("--seed", "5", *settings("tv.interval=5ms", "tv.loss=50%"))
    shown = preview(control, endpoint="tv", n=1000)
    assert shown["direction"] == "reply" and shown["from"] >= 1
    lost = {one["n"] for one in shown["datagrams"] if one["lost"]}
    after = shown["from"] - 1
    for event in control.lab.wait_all(10, endpoint="tv", event=("drop", "line").__contains__,
                                      n=lambda n: n > after):
        assert (event["event"] == "drop") == (event["n"] in lost)


def test_udp_print(start_control):
    control = start_control("--seed", "5", *settings("udp-print.loss=50%"))
    shown = preview(control, endpoint="udp-print", n=10)
    peer = Peer(control.lab, "udp-print")
    happened = ""
    for n in range(1, 11):
        peer.send(b"x")
        happened += ".x"[peer.told(("drop", "print").__contains__,
                                   after=control.lab.wait(event="receive", n=n)["seq"])
                         ["event"] == "drop"]
    assert happened == shown["fates"]


# What is refused


@pytest.mark.parametrize("query, key, text", [
    ("endpoint=pmu", "endpoint", 'there is no endpoint "pmu" with datagrams'),
    ("endpoint=x", "endpoint", 'there is no endpoint "x" with datagrams'),
    ("family=5", "family", 'there is no family "5"'),
    ("direction=up", "direction", 'there is no direction "up"'),
    ("n=0", "n", "no number of datagrams"),
    ("n=1001", "n", "no number of datagrams"),
    ("n=-1", "n", "no number of datagrams"),
    ("n=", "n", "no number of datagrams"),
    ("loss=101%25", "loss", "101%"),
    ("loss=", "loss", ""),
    ("los=1", "los", 'there is no parameter "los"'),
])
def test_bad_questions(control, query, key, text):
    answer = control.get(f"/v1/preview?{query}")
    assert answer.status == 400
    assert answer.json["key"] == key and text in answer.json["error"] and answer.json["error"]


@pytest.mark.parametrize("query", ["endpoint=tv&direction=request", "endpoint=tv&family=6"])
def test_what_there_is_not(control, query):
    answer = control.get(f"/v1/preview?{query}")
    assert answer.status == 404 and answer.json["error"] == (
        "tv has no datagrams of that family and direction")


def test_an_endpoint_that_does_not_run(start_control):
    assert start_control("pmu").get("/v1/preview").status == 404
