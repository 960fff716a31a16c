"""docs/openapi.json, docs/api.md and the program say the same of the API."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from support.control import JSON, Controls
from support.lab import DEADLINE, ROOT, Lab, environment
from support.peers import connect
from support.schema import Document

API = Document(json.loads((ROOT / "docs/openapi.json").read_text()))
PATHS = API.root["paths"]
METHODS = {"get", "post", "patch", "delete", "put"}
OPERATIONS = {(method.upper(), path): node for path, item in PATHS.items()
              for method, node in item.items() if method in METHODS}
TABLE = re.search(r"^static const struct http_route routes\[\] = \{\n(.*?)^\};",
                  (ROOT / "servers/control/api.c").read_text(),
                  re.MULTILINE | re.DOTALL)[1].splitlines()
GUIDE = (ROOT / "docs/api.md").read_text()
SECTIONS = {(method, path): text for method, path, text in
            re.findall(r"^### (GET|POST|PATCH|DELETE) (/\S*)\n(.*?)(?=^##)", GUIDE + "## \n",
                       re.MULTILINE | re.DOTALL)}


def parameters(method, path):
    return [API.resolve(one) for one in (*PATHS[path].get("parameters", ()),
                                         *OPERATIONS[method, path].get("parameters", ()))]


def answers(method, path):
    return {status: API.resolve(one)
            for status, one in OPERATIONS[method, path]["responses"].items()}


def body_schema(method, path):
    node = OPERATIONS[method, path].get("requestBody")
    return API.resolve(node)["content"][JSON]["schema"] if node else None


# The file by itself


def test_the_table_of_routes_is_in_the_file_and_the_other_way_round():
    rows = [re.fullmatch(r'\t\{ "([A-Z]+)", "([^"]+)", api_\w+ \},', line).groups()
            for line in TABLE]
    assert len(set(rows)) == len(rows) > 10
    assert sorted(rows) == sorted((method, re.sub(r"\{\w+\}", "*", path))
                                  for method, path in OPERATIONS)


def test_what_openapi_wants():
    assert API.root["openapi"] == "3.1.0" and set(API.root) == {
        "openapi", "info", "servers", "security", "paths", "components"}
    names = [node["operationId"] for node in OPERATIONS.values()]
    assert len(set(names)) == len(names) == len(OPERATIONS)
    for item in PATHS.values():
        assert set(item) <= METHODS | {"parameters"}
    for (method, path), node in OPERATIONS.items():
        assert set(node) <= {"operationId", "summary", "parameters", "requestBody", "responses"} \
            and node["summary"]
        assert {"200", "400", "default"} <= set(node["responses"])
        given = [(one["name"], one["in"]) for one in parameters(method, path)]
        assert len(set(given)) == len(given)
        assert {name for name, place in given if place == "path"} == set(
            re.findall(r"\{(\w+)\}", path))
        for one in parameters(method, path):
            assert one["in"] != "path" or one["required"]
            API.check(one["schema"])
        for answer in answers(method, path).values():
            assert answer["description"]
            for content in answer["content"].values():
                API.check(content["schema"])
        if body_schema(method, path):
            API.check(body_schema(method, path))


def test_every_part_is_used():
    text = json.dumps(API.root)
    for kind, parts in API.root["components"].items():
        if kind == "securitySchemes":
            assert {name for way in API.root["security"] for name in way} == set(parts)
            continue
        for name in parts:
            assert f'"#/components/{kind}/{name}"' in text or name == "Event", \
                f"nothing needs {kind}/{name}"


def test_the_checker_sees_faults():
    """It has a test of its own, for all others believe it."""
    key = {"key": "a", "value": "1", "origin": "", "inherited": False, "start": "", "changed": True,
           "default": "", "type": "text", "range": "", "unit": "", "help": "", "effect": "now",
           "endpoint": None}
    schema = {"$ref": "#/components/schemas/Key"}
    assert API.errors(schema, key) == []
    for name, value in [("endpoint", "pmo"), ("endpoint", 1), ("inherited", 0), ("type", "number"),
                        ("value", 1), ("more", 1)]:
        assert len(API.errors(schema, {**key, name: value})) == 1, name
    assert API.errors(schema, {name: value for name, value in key.items() if name != "help"}) == [
        ": help is missing"]
    assert API.errors({"type": "integer", "minimum": 1}, 0) \
        and API.errors({"type": "integer"}, True)
    assert API.errors({"type": "array", "items": {"enum": [4, 6]}, "maxItems": 1}, [4, 5])
    assert len(API.errors({"$ref": "#/components/schemas/Steps"},
                          [{"after": -1}, {"pause": ["x"]}, {"at": 1}])) == 3
    with pytest.raises(AssertionError):
        API.check({"type": "integer", "multipleOf": 2})
    with pytest.raises(KeyError):
        API.check({"$ref": "#/components/schemas/None"})


# The program


@pytest.fixture(scope="module")
def control(state_directory):
    labs = []
    controls = Controls(lambda *args: labs.append(Lab(*args, state=state_directory)) or labs[-1])
    yield controls.start("--seed", "7")
    labs[0].stop()
    controls.folder.cleanup()


HOUR = [{"set": {"pmu.messages": 5}, "pause": ["echo"]}, {"after": "1h", "resume": ["echo"]}]

# Each call with what it answers: every answer that the file names for itself is here.
CALLS = [
    ("GET", "/v1/status", None, 200),
    ("GET", "/v1/config", None, 200),
    ("PATCH", "/v1/config",
     {"reset.loss": "burst:30%,4", "pmu.messages": 5, "pmu.speed": 1.5, "pmu.first": None}, 200),
    ("GET", "/v1/config", None, 200),
    ("GET", "/v1/config/pmu-ws.messages", None, 200),
    ("GET", "/v1/config/pmu.mesages", None, 404),
    ("PATCH", "/v1/config", {"pmu.mesages": 1, "reset.loss": "x", "reset.delay": []}, 422),
    ("PATCH", "/v1/config", {"pmu.port": 1, "reset.port": 2}, 409),
    ("PATCH", "/v1/config", "{", 400),
    ("DELETE", "/v1/config/pmu.messages", None, 200),
    ("DELETE", "/v1/config/pmu.mesages", None, 404),
    ("DELETE", "/v1/config", None, 200),
    ("GET", "/v1/events?since=x", None, 400),
    ("GET", "/v1/events?event=x", None, 400),
    ("GET", "/v1/events?endpoint=x", None, 400),
    ("GET", "/v1/events?format=x", None, 400),
    ("GET", "/v1/connections", None, 200),
    ("POST", "/v1/connections/{id}/close", {"how": "kick"}, 422),
    ("POST", "/v1/connections/{id}/close", {"who": "x"}, 422),
    ("POST", "/v1/connections/{id}/close", {"how": "rst"}, 200),
    ("POST", "/v1/connections/{id}/close", {"how": "fin"}, 404),
    ("POST", "/v1/pause", {"endpoint": "pmu"}, 200),
    ("POST", "/v1/pause", {"endpoint": "pmo"}, 422),
    ("POST", "/v1/pause", "[]", 400),
    ("POST", "/v1/resume", {"endpoint": None}, 200),
    ("POST", "/v1/resume", {"endpoints": "pmu"}, 422),
    ("GET", "/v1/preview", None, 200),
    ("GET", "/v1/preview?endpoint=reset&family=4&direction=request&n=1000"
     "&loss=gemodel:5%25,50%25,max-run=1", None, 200),
    ("GET", "/v1/preview?endpoint=tv", None, 200),
    ("GET", "/v1/preview?loss=x", None, 400),
    ("GET", "/v1/preview?endpoint=tv&direction=request", None, 404),
    ("GET", "/v1/scenario", None, 200),
    ("POST", "/v1/scenario", HOUR, 200),
    ("GET", "/v1/scenario", None, 200),
    ("POST", "/v1/scenario", [], 422),
    ("POST", "/v1/scenario", [{"set": {"no.key": 1}, "pause": ["x"]}], 422),
    ("POST", "/v1/scenario", "[", 400),
    ("DELETE", "/v1/scenario", None, 200),
    ("POST", "/v1/resume", None, 200),
    ("DELETE", "/v1/config", None, 200),
    ("GET", "/metrics", None, 200),
]
SPECIAL = [("GET", path, 200) for path in ("/v1/events",)]  # in tests of their own


def find(method, path):
    """The path of the file that this one is an example of."""
    path = path.partition("?")[0]
    (found,) = [one for wanted, one in OPERATIONS if wanted == method and
                (one == path or re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path))]
    return found


def check_answer(method, path, answer):
    described = answers(method, path)
    node = described.get(str(answer.status))
    assert node, f"{method} {path} answered {answer.status}, which the file does not name"
    kind = answer.headers["Content-Type"].partition(";")[0]
    (documented,) = node["content"]
    assert kind == documented
    assert API.errors(node["content"][kind]["schema"],
                      answer.json if kind == JSON else answer.text) == []


def test_what_it_answers(control):
    """One after the other, in one lab: they are good and bad, and have something to tell of."""
    with connect(control.lab, "echo").socket:
        conn = control.lab.wait(event="open")["conn"]
        for method, path, body, status in CALLS:
            described = find(method, path)
            path = path.replace("{id}", str(conn))
            headers = {"Content-Type": JSON} if isinstance(body, str) else None
            answer = control.request(method, path, body, headers)
            assert answer.status == status, f"{method} {path}: {answer.text}"
            check_answer(method, described, answer)
            if body is not None and status == 200:
                assert API.errors(body_schema(method, described), body) == []


def test_every_answer_is_tried():
    """But those that no single call brings about have tests for all: a parameter (400), a kind of
    body (415)."""
    tried = {(method, find(method, path), str(status)) for method, path, _, status in CALLS}
    tried |= {(method, path, str(status)) for method, path, status in SPECIAL}
    named = {(method, path, status) for method, path in OPERATIONS
             for status in answers(method, path) if status not in ("default", "400", "415")}
    assert named <= tried, named - tried


@pytest.mark.parametrize("method, path", OPERATIONS)
def test_parameters(control, method, path):
    """The refusal of one that there is not names all that there are."""
    query = [one["name"] for one in parameters(method, path) if one["in"] == "query"]
    answer = control.request(method, re.sub(r"\{\w+\}", "1", path) + "?nothing=1")
    assert answer.status == 400 and answer.json["key"] == "nothing"
    check_answer(method, path, answer)
    assert answer.json["hint"] == (f"there are {', '.join(query)}" if query else "there is none")


@pytest.mark.parametrize("method, path", OPERATIONS)
def test_bodies(control, method, path):
    """Who takes a body takes JSON alone, and says so; the members of an object are those of the
    file."""
    schema = body_schema(method, path)
    address = re.sub(r"\{\w+\}", "1", path)
    if schema is None:
        assert "415" not in answers(method, path)
        return
    answer = control.request(method, address, "{}", {"Content-Type": "text/html"})
    assert answer.status == 415
    check_answer(method, path, answer)
    members = API.resolve(schema).get("properties")
    if members:
        answer = control.request(method, address, {"nothing": 1})
        assert answer.status == 422 and answer.json["hint"] == f"there are {', '.join(members)}"


def test_refusals_of_all_calls(control):
    """What HTTP and the guard refuse is as `default` says."""
    schema = {"$ref": "#/components/schemas/Refusal"}
    for answer, status in [
        (control.get("/v1/nothing"), 404),
        (control.post("/v1/status"), 405),
        (control.post("/v1/pause", "x" * 70000), 413),
        (control.get("/" + "x" * 9000), 431),
        (control.get("/v1/status", way=control.tcp), 401),
        (control.get("/v1/status", way=control.page, headers={"Origin": "http://192.0.2.1"}), 403),
    ]:
        assert answer.status == status
        assert API.errors(schema, answer.json) == []


def test_events(control):
    """Each line is an Event; both forms have the type that the file names."""
    described = answers("GET", "/v1/events")["200"]["content"]
    for form in ("sse", "ndjson"):
        events = control.events(f"since=0&format={form}")
        assert events.type in described
        for event in events.take(10):
            assert API.errors({"$ref": "#/components/schemas/Event"}, event) == []
        events.close()


def test_names_of_endpoints(control):
    names = [one["endpoint"] for one in control.get("/v1/status").json["endpoints"]]
    assert API.resolve({"$ref": "#/components/schemas/EndpointName"})["enum"] == names


# The page for people


def test_each_call_has_its_section():
    assert list(SECTIONS) == list(OPERATIONS)
    for (method, path), text in SECTIONS.items():
        for one in parameters(method, path):
            assert one["in"] == "path" or f"`{one['name']}" in text \
                or one["name"] in ("Pmulab-Who",), \
                f"{method} {path}: nothing is said of {one['name']}"
        for status in answers(method, path):
            assert status in ("200", "400", "415", "default") or status in text, \
                f"{method} {path}: {status}?"


def test_its_examples():
    """A block of JSON below a call is an answer of it; one that follows `Body:` is what it is
    sent."""
    count = 0
    for (method, path), text in SECTIONS.items():
        for before, block in re.findall(r"([^\n]*)\n+```json\n(.*?)^```", text,
                                        re.MULTILINE | re.DOTALL):
            value = json.loads(block)
            if before.startswith("Body"):
                schema = body_schema(method, path)
            else:
                status = re.match(r"(\d{3})", before)
                schema = answers(method, path)[
                    status[1] if status else "200"]["content"][JSON]["schema"]
            assert API.errors(schema, value) == [], f"{method} {path}"
            count += 1
    assert count >= len(OPERATIONS) - 2


# What stands for the reader's own client: asks until it is answered.
CLIENT = """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.connect((os.environ["PMULAB_HOST"], int(os.environ["PMULAB_RESET_PORT"])))
    client.settimeout(0.2)
    for attempt in range(30):
        client.send(b"RESET:20")
        try:
            client.recv(100)
            break
        except TimeoutError:
            pass
"""


def test_its_program(control):
    """Twice in one lab: what it does does not depend on what was before."""
    (text,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    text = re.sub(r"^# \.\.\. .*$", CLIENT, text, flags=re.MULTILINE)
    for first in 1, 4:
        last = control.get("/v1/status").json["events"]["next"] - 1
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True,
                              timeout=DEADLINE,
                              env=environment(control.lab, LAB_SOCKET=str(control.path)))
        assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
        assert control.values()["reset.loss"] == "50%"
        changes = control.lab.wait_all(2, after=last, event="change", key="reset.loss",
                                       who="control")
        assert [one["after"] for one in changes] == [f"list:{first},{first + 1}", "50%"]


def test_its_commands(control):
    """curl, with the options that stand there."""
    if not shutil.which("curl"):
        assert os.environ.get("CI") != "true", "curl is missing"
        pytest.skip("curl is missing")
    for line in re.findall(r"^(curl .*)$", GUIDE, re.MULTILINE):
        line = line.replace("lab.socket", str(control.path)).replace(
            "127.0.0.1:8080", control.authority)
        done = subprocess.run(["sh", "-c", f"{line} -sf"], env={**os.environ, "KEY": control.key},
                              capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0 and isinstance(json.loads(done.stdout), dict), \
            f"{line}\n{done.stderr}"
