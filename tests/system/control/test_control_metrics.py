"""GET /metrics: Prometheus' text format 0.0.4, read by a parser that takes nothing else; and what
is counted."""
import re
import shutil
import subprocess

from support.control import JSON
from support.datagrams import RESET, Peer
from support.lab import DEADLINE
from support.peers import connect

NAME = r"[a-z_][a-z0-9_]*"
LABEL = rf'{NAME}="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
WITHOUT_UNIT = {"pmulab_build_info", "pmulab_events_kept", "pmulab_connections_open",
                "pmulab_endpoint_paused"}


def parse(text):
    """{name: (type, {labels: value})}. Each name has its HELP, its TYPE and its samples, in this
    order and once."""
    assert text.endswith("\n")
    families, name = {}, None
    lines = iter(text.removesuffix("\n").split("\n"))
    for line in lines:
        if help_line := re.fullmatch(rf"# HELP ({NAME}) (\S.*\S)", line):
            name = help_line[1]
            assert name not in families, f"{name} comes twice"
            type_line = re.fullmatch(rf"# TYPE {name} (counter|gauge)", next(lines))
            families[name] = type_line[1], {}
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample and sample[1] == name, line
        labels = frozenset(tuple(one.split("=", 1)) for one in re.findall(LABEL, sample[2] or ""))
        assert labels not in families[name][1], f"the same labels twice: {line}"
        families[name][1][labels] = float(sample[3])
    assert all(samples for _, samples in families.values()), "a name without samples"
    return families


def metrics(control):
    answer = control.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"] == (
        "text/plain; version=0.0.4; charset=utf-8")
    return parse(answer.text)


def value(families, name, endpoint=None):
    (found,) = [number for labels, number in families[name][1].items()
                if endpoint is None or ("endpoint", f'"{endpoint}"') in labels]
    return found


def test_names_and_types(control):
    families = metrics(control)
    for name, (kind, _) in families.items():
        assert name.startswith(("pmulab_", "process_"))
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind == "counter" or name.endswith(("_seconds", "_bytes")) or name in WITHOUT_UNIT, \
            name
    assert WITHOUT_UNIT <= set(families)


if shutil.which("promtool"):
    def test_promtool(control):
        checked = subprocess.run(["promtool", "check", "metrics"],
                                 input=control.get("/metrics").text, text=True,
                                 capture_output=True, timeout=DEADLINE)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_streams(control):
    peer = connect(control.lab, "pmu")
    control.lab.wait(event="open", endpoint="pmu")
    families = metrics(control)
    assert value(families, "pmulab_connections_open", "pmu") == \
        value(families, "pmulab_connections_total", "pmu") == 1
    peer.command("CMD_short:0")
    assert len(peer.read_all()) == 371
    peer.close()
    control.lab.wait(event="close", endpoint="pmu")
    families = metrics(control)
    assert value(families, "pmulab_connections_open", "pmu") == 0
    assert value(families, "pmulab_messages_total", "pmu") == 20
    assert value(families, "pmulab_sent_bytes_total", "pmu") == 371
    assert value(families, "pmulab_received_bytes_total", "pmu") == len("CMD_short:0")
    assert value(families, "pmulab_messages_total", "pmu-ws") == 0


def test_datagrams(start_control):
    control = start_control("--set", "reset.loss=first:2", "--set", "reset.family=4")
    peer = Peer(control.lab, "reset")
    assert [bool(peer.fate(RESET)) for _ in range(5)] == [False, False, True, True, True]
    families = metrics(control)
    assert value(families, "pmulab_datagrams_received_total", "reset") == 5
    assert value(families, "pmulab_datagrams_dropped_total", "reset") == 2
    assert value(families, "pmulab_replies_total", "reset") == 3
    assert value(families, "pmulab_errors_total", "reset") == 0
    peer.send(b"nonsense")
    peer.told("error")
    assert value(metrics(control), "pmulab_errors_total", "reset") == 1


def test_paused(control):
    control.post("/v1/pause", {"endpoint": "echo"})
    families = metrics(control)
    assert value(families, "pmulab_endpoint_paused", "echo") == 1
    assert value(families, "pmulab_endpoint_paused", "pmu") == 0


def test_the_lab(control):
    status = control.get("/v1/status").json
    families = metrics(control)
    assert families["pmulab_build_info"][1] == {
        frozenset({("version", f'"{status["version"]}"')}): 1}
    later = control.get("/v1/status").json["uptime"]
    assert status["uptime"] - 0.001 <= value(families, "pmulab_uptime_seconds") <= later + 0.001
    assert value(families, "pmulab_events_total") >= status["events"]["next"] - 1
    assert 0 < value(families, "pmulab_events_kept") <= value(families, "pmulab_events_total")
    assert value(families, "process_cpu_seconds_total") <= control.lab.cpu() + 0.01
    assert 1 << 20 < value(families, "process_resident_memory_bytes") < 1 << 32


def test_an_endpoint_that_does_not_run_is_not_there(start_control):
    families = metrics(start_control("echo"))
    assert "pmulab_station_lines_total" not in families and "pmulab_replies_total" not in families
    assert list(families["pmulab_connections_open"][1]) == [
        frozenset({("endpoint", '"echo"'), ("local", '"false"')})]


def test_parameters_are_refused(control):
    answer = control.get("/metrics?x=1")
    assert answer.status == 400 and answer.headers["Content-Type"] == JSON \
        and answer.json["key"] == "x"
