"""Changes by the clock: POST /v1/scenario, and --scenario. Tests wait for the events of the
steps."""
import json

import pytest

from support.control import Controls
from support.datagrams import RESET, Peer
from support.lab import Lab, run

HOUR = "1h"
LONG = 1  # seconds: two requests in a row take less


@pytest.fixture
def start_control(start_control):
    """Over IPv4, whatever the hour."""
    return lambda *args: start_control("--set", "reset.family=4", *args)


def start(control, *steps, **kwargs):
    answer = control.post("/v1/scenario", list(steps), **kwargs)
    assert answer.status == 200, answer.text
    return answer.json


def show(control):
    return control.get("/v1/scenario").json


# What it does


def test_nothing_at_first(control):
    assert show(control) == {"running": False, "who": None, "began": None, "next": None, "done": 0,
                             "steps": []}


def test_steps_in_order(control):
    begun = start(control, {"set": {"reset.loss": "none", "pmu.messages": 5}},
                  {"after": "100ms", "set": {"reset.loss": "60%"}, "pause": ["pmu", "echo"]},
                  {"after": 0.1, "set": {"reset.loss": None}, "resume": ["pmu"]})
    assert begun["running"] and begun["done"] == 1 and 0 < begun["next"] <= 0.1
    assert [step["at"] for step in begun["steps"]] == [0, 0.1, 0.2]
    assert [step["done"] is not None for step in begun["steps"]] == [True, False, False]

    control.lab.wait(event="resume")
    told = control.lab.events(who="scenario")
    assert [(one["event"], one.get("endpoint"), one.get("key"), one.get("after"))
            for one in told] == [
                ("change", "reset", "reset.loss", "none"), ("change", None, "pmu.messages", "5"),
                ("change", "reset", "reset.loss", "60%"),
                ("suspend", "pmu", None, None), ("suspend", "echo", None, None),
                ("change", "reset", "reset.loss", "50%"), ("resume", "pmu", None, None)]
    began = told[0]["t"]
    assert told[2]["t"] - began >= 0.099 and told[5]["t"] - began >= 0.199

    ended = show(control)
    assert not ended["running"] and ended["next"] is None and ended["done"] == 3
    assert [step["done"] for step in ended["steps"]] == pytest.approx(
        [told[i]["t"] for i in (0, 2, 5)], abs=0.02)
    assert ended["steps"][1]["set"] == {"reset.loss": "60%"} \
        and ended["steps"][1]["pause"] == ["pmu", "echo"]
    assert control.values()["pmu.messages"] == "5"


def test_the_first_step_is_done_before_the_answer(control):
    start(control, {"set": {"reset.loss": "100%"}}, {"after": HOUR})
    assert control.values()["reset.loss"] == "100%"
    assert Peer(control.lab, "reset").fate(RESET) is None


def test_values_of_every_kind(control):
    start(control, {"set": {"pmu.messages": 7, "pmu.speed": 1.5, "reset.duplicate": "5%",
                            "ws.ping": "off"}})
    assert {key: control.values()[key]
            for key in ("pmu.messages", "pmu.speed", "reset.duplicate")} == {
                "pmu.messages": "7", "pmu.speed": "1.5", "reset.duplicate": "5%"}


def test_many_steps(control):
    steps = [{"after": "1ms", "set": {"pmu.messages": i}} for i in range(1, 201)]
    start(control, *steps)
    values = [int(one["after"]) for one in control.lab.wait_all(200, event="change")]
    assert values == list(range(1, 201))
    assert show(control)["done"] == 200


def test_a_step_that_only_waits(control):
    start(control, {"after": "20ms"}, {}, {"after": "20ms", "set": {"pmu.messages": 3}})
    assert control.lab.wait(event="change")["key"] == "pmu.messages"


def test_who_has_started_it(control):
    assert start(control, {"after": HOUR}, headers={"Pmulab-Who": "ctl"})["who"] == "ctl"


# Its end


def not_done(control, first):
    """Waits, with the station's lines as a clock, until the second step's time is over."""
    due = first["began"] + first["steps"][1]["at"]
    assert control.get("/v1/status").json["uptime"] < due, "the machine is too slow for this test"
    control.lab.wait(event="line", t=lambda t: t > due + 0.1)
    return not control.lab.events(event="change", key="pmu.messages") \
        and control.values()["pmu.messages"] == "20"


@pytest.fixture
def clock(start_control):
    return start_control("--set", "tv.interval=20ms")


def test_it_is_ended(clock):
    first = start(clock, {"set": {"pmu.first": 4}}, {"after": LONG, "set": {"pmu.messages": 3}})
    ended = clock.delete("/v1/scenario")
    assert ended.status == 200 and ended.json == show(clock)
    assert not ended.json["running"] and ended.json["next"] is None and ended.json["done"] == 1
    assert [step["done"] for step in ended.json["steps"]] == [first["steps"][0]["done"], None]
    assert not_done(clock, first)
    assert clock.values()["pmu.first"] == "4"


def test_it_is_replaced(clock):
    first = start(clock, {"set": {"pmu.first": 4}}, {"after": LONG, "set": {"pmu.messages": 3}})
    second = start(clock, {"after": HOUR, "set": {"pmu.messages": 9}})
    assert len(second["steps"]) == 1 and second["done"] == 0 and second["running"]
    assert not_done(clock, first)
    assert clock.values()["pmu.first"] == "4"


def test_to_end_nothing(control):
    assert control.delete("/v1/scenario").json["running"] is False


def test_the_lab_ends_first(control):
    start(control, {"after": HOUR, "set": {"pmu.messages": 3}})
    control.lab.stop()
    assert not control.lab.events(event="change")


# What is refused


REFUSED = [
    ([], None, None, "a scenario is a list of steps"),
    ({"after": "5s"}, None, None, "a scenario is a list of steps"),
    ([{}] * 201, None, None, "a scenario has at most 200 steps"),
    ([7], 1, None, "a step is an object"),
    ([{}, {"at": "5s"}], 2, "at", 'a step has no member "at"'),
    ([{"after": "soon"}], 1, "after", "no time between two steps"),
    ([{"after": -1}], 1, "after", "no time between two steps"),
    ([{"after": "25h"}], 1, "after", "no time between two steps"),
    ([{"after": True}], 1, "after", "no time between two steps"),
    ([{"after": None}], 1, "after", "no time between two steps"),
    ([{"set": ["reset.loss"]}], 1, "set", "no object of keys and values"),
    ([{}, {}, {"set": {"reset.los": "1%"}}], 3, "reset.los", "no such key"),
    ([{"set": {"reset.loss": "101%"}}], 1, "reset.loss", ""),
    ([{"set": {"reset.loss": {}}}], 1, "reset.loss",
     "a value is a text, a number, true, false or null"),
    ([{"set": {"pmu.port": 1}}], 1, "pmu.port", "cannot be changed while the lab runs"),
    ([{"set": {"reset.reorder": "5%"}}], 1, "reset.reorder", "reorder needs a delay"),
    ([{"set": {"reset.delay": "5ms", "reset.reorder": "5%"}}, {}, {"set": {"reset.delay": 0}}],
     3, "reset.delay", "reorder needs a delay"),
    ([{"pause": "pmu"}], 1, "pause", "this is no list"),
    ([{"pause": [1]}], 1, "pause", "this is no list of texts"),
    ([{"resume": ["pmo"]}], 1, "resume", 'there is no endpoint "pmo"'),
    ([{"resume": ["pmu", "tv"]}], 1, "resume", "tv does not run"),
    ([{"a" * 63 + "\u00e9" * 8: 1}], 1, "a" * 63 + "\u00e9" * 8, 'a step has no member "aaaa'),
]


@pytest.fixture(scope="module")
def refusing(state_directory):
    """A lab with a scenario that runs, which no refusal may disturb."""
    labs = []
    controls = Controls(lambda *args: labs.append(Lab(*args, state=state_directory)) or labs[-1])
    control = controls.start("pmu", "reset")
    start(control, {"set": {"pmu.messages": 3}}, {"after": HOUR, "set": {"pmu.messages": 4}})
    yield control
    labs[0].stop()
    controls.folder.cleanup()


@pytest.mark.parametrize("body, step, key, text", REFUSED)
def test_refused(refusing, body, step, key, text):
    before, events = show(refusing), refusing.get("/v1/status").json["events"]
    answer = refusing.post("/v1/scenario", body)
    assert answer.status == 422, answer.text
    refusal = answer.json
    assert (refusal["step"], refusal["key"]) == (step, key) and text in refusal["error"] \
        and refusal["error"]
    assert [{name: refusal[name] for name in ("error", "hint", "key", "step")}] == refusal["errors"]
    after = show(refusing)
    assert after.pop("next") <= before.pop("next") and after == before
    assert refusing.get("/v1/status").json["events"] == events


def test_every_error_is_told(control):
    """Each once, though what steps before have set counts for those behind."""
    values = control.values()
    errors = control.post("/v1/scenario", [
        {"set": {"no.key": 1, "reset.loss": "x"}},
        {"after": "x", "set": {"pmu.messages": 5}, "pause": ["a", "b"]},
        {"set": {"reset.loss": "5%", "pmu.port": 1}},
    ]).json["errors"]
    assert [(one["step"], one["key"]) for one in errors] == [
        (1, "no.key"), (1, "reset.loss"), (2, "after"), (2, "pause"), (2, "pause"), (3, "pmu.port")]
    assert control.values() == values


@pytest.mark.parametrize("body, status", [("", 400), ("[", 400), ('[{"after":1,"after":2}]', 400),
                                          ("nan", 400)])
def test_no_json(control, body, status):
    answer = control.post("/v1/scenario", body, headers={"Content-Type": "application/json"})
    assert answer.status == status and answer.json["error"].startswith("the body is no JSON")


def test_not_said_to_be_json(control):
    assert control.post("/v1/scenario", "[{}]",
                        headers={"Content-Type": "text/plain"}).status == 415


def test_refused_when_its_time_has_come(control):
    """Somebody has changed what the step stood on. It is told, and the next ones go on."""
    start(control, {"set": {"reset.delay": "1ms"}},
          {"after": LONG, "set": {"reset.reorder": "5%", "pmu.messages": 3}, "pause": ["echo"]},
          {"after": "1ms", "set": {"pmu.first": 4}})
    assert control.patch("/v1/config", {"reset.delay": 0}).status == 200
    told = control.lab.wait(event="error")
    assert (told["fault"], told.get("endpoint")) == ("configuration", None)
    assert told["what"].startswith("step 2 of the scenario was not done: reset.reorder: ")
    assert control.lab.wait(event="suspend", after=told["seq"])["endpoint"] == "echo"
    control.lab.wait(event="change", key="pmu.first", after=told["seq"])
    assert control.values()["pmu.messages"] == "20"
    assert [[error["key"] for error in step["errors"]] for step in show(control)["steps"]] == [
        [], ["reset.reorder"], []]


# At the start


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "steps.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path
    return write


STEPS = [{"set": {"reset.loss": "none"}},
         {"after": "10ms", "set": {"reset.loss": "100%"}, "pause": ["pmu"]}]


def test_at_the_start(start_lab, file):
    lab = start_lab("--set", "reset.family=4", "--scenario", file(STEPS))
    first, second = lab.wait_all(2, event="change", who="scenario", key="reset.loss")
    assert (first["after"], second["after"]) == ("none", "100%") \
        and second["t"] - first["t"] >= 0.009
    assert lab.wait(event="suspend")["endpoint"] == "pmu"
    assert first["seq"] > lab.wait(event="start")["seq"]
    assert Peer(lab, "reset").fate(RESET) is None


def test_at_the_start_and_shown(start_control, file):
    control = start_control("--scenario", file(STEPS))
    control.lab.wait(event="suspend")
    assert show(control)["who"] == "--scenario" and show(control)["done"] == 2


def test_beside_a_command(file, tmp_path):
    events = tmp_path / "events"
    assert run("pmulab", "run", "--loopback", "--scenario", file(STEPS), "--events", events,
               "--", "true").status == 0
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert {"event": "change", "who": "scenario", "after": "none"}.items() <= next(
        one for one in told if one["event"] == "change").items()


@pytest.mark.parametrize("text, line", [
    ("[", "{path}:1:1: this is no JSON: ']' expected near end of file"),
    ("{}", "{path}: a scenario is a list of steps; such as "),
    ([{}, {"set": {"reset.los": 1}}],
     "{path}: step 2: reset.los: no such key; did you mean reset.loss?"),
    ([{"set": {"pmu.port": 1}}],
     "{path}: step 1: pmu.port: cannot be changed while the lab runs; "),
])
def test_bad_files(file, tmp_path, text, line):
    path = file(text)
    events = tmp_path / "events"
    done = run("pmulab", "serve", "--ephemeral", "--bind", "127.0.0.1", "--events", events,
               "--scenario", path, "echo", "reset")
    assert done.status == 2
    assert done.stderr.startswith(f"pmulab serve: --scenario: {line.format(path=path)}"), \
        done.stderr
    assert not events.exists()


def test_no_file(tmp_path):
    done = run("pmulab", "serve", "--ephemeral", "--scenario", tmp_path / "none", "echo")
    assert (done.status, done.stderr) == (
        2, f"pmulab serve: --scenario: unable to open {tmp_path}/none: No such file or directory\n")
