"""The control of a running lab, as programs use it.

    control = start_control("--seed", "7", env={})  # a fixture: a lab with --control and --page
                                                    # (support/lab.py)
    control.lab                                     # the Lab
    answer = control.get("/v1/status")              # over the Unix socket;
                                                    # .status .json .headers .text
    control.patch("/v1/config", {"pmu.messages": 5})
    control.post("/v1/pause"), control.delete("/v1/config")
    control.get("/v1/status", way=control.page)     # over TCP, with the key
    control.request("GET", "/", way=control.tcp, headers={"Host": "x"})  # over TCP, without it
    control.values()["pmu.messages"]                # what every key is now

    events = control.events("since=3")              # a stream of Server-Sent Events, from now on
    events.next(event="change")                     # the next one that fits,
                                                    # those before it are passed over
    control.events("format=ndjson", way=control.page)
    events.close()

    refused(answer, 422, "no such key", key="x")    # fails unless it is such a refusal
"""
import http.client
import json
import socket
import tempfile
from pathlib import Path

from support.lab import DEADLINE, matches

JSON = "application/json"
REFUSAL = {"error", "key", "hint"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.bytes = response.read()

    @property
    def text(self):
        return self.bytes.decode()

    @property
    def json(self):
        assert self.headers["Content-Type"] == JSON
        return json.loads(self.bytes)


class Control:
    """`lab` was started with these options."""

    def __init__(self, lab, path):
        self.lab, self.path = lab, path
        assert lab.says("the page is http://")
        self.url = next(word for word in lab.output.split() if word.startswith("http://"))
        self.authority, self.key = self.url.removeprefix("http://").split("/?key=")
        self.host, self.port = self.authority.rsplit(":", 1)

    # Ways: each opens a connection

    def unix(self):
        return UnixConnection(self.path), {}

    def tcp(self):
        return http.client.HTTPConnection(
            self.host.strip("[]"), int(self.port), timeout=DEADLINE), {}

    def page(self):
        return self.tcp()[0], {"Authorization": f"Bearer {self.key}"}

    # Calls

    def ask(self, method, path, body=None, headers=None, way=None):
        """The connection, and the response with its body unread."""
        connection, more = (way or self.unix)()
        headers = {**more, **(headers or {})}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", JSON)
        connection.request(method, path, body, headers)
        return connection, connection.getresponse()

    def request(self, *args, **kwargs):
        connection, response = self.ask(*args, **kwargs)
        try:
            return Answer(response)
        finally:
            connection.close()

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def patch(self, path, body, **kwargs):
        return self.request("PATCH", path, body, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)

    def values(self):
        return {key["key"]: key["value"] for key in self.get("/v1/config").json["keys"]}

    def events(self, query="since=now", headers=None, way=None):
        connection, response = self.ask("GET", f"/v1/events?{query}", headers=headers, way=way)
        assert response.status == 200, response.read()
        return Events(connection, response)


class Events:
    def __init__(self, connection, response):
        self.connection, self.response = connection, response
        self.type = response.headers["Content-Type"]
        self.last_id = None

    def one(self):
        """The next event; None at the end."""
        if self.type == "application/x-ndjson":
            line = self.response.readline()
            return json.loads(line) if line else None
        while line := self.response.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last_id = int(value)
            elif name == "data":
                event = json.loads(value)
                assert event["seq"] == self.last_id and self.response.readline() == b"\n"
                return event
            else:
                assert name in ("retry", "", ":")
        return None

    def next(self, **fields):
        while event := self.one():
            if matches(event, fields):
                return event
        raise AssertionError(f"the stream has ended without {fields}")

    def take(self, count):
        return [self.one() for _ in range(count)]

    def close(self):
        self.response.close()
        self.connection.close()


class Controls:
    """For the fixture: labs that can be controlled, each with a socket of its own."""

    def __init__(self, start_lab):
        self.start_lab = start_lab
        self.folder = tempfile.TemporaryDirectory(prefix="pmulab-control-")
        self.count = 0

    def start(self, *args, **kwargs):
        self.count += 1
        path = Path(self.folder.name, f"control-{self.count}")
        return Control(self.start_lab("--control", path, "--page=127.0.0.1:0", *args, **kwargs),
                       path)


def refused(answer, status, *texts, key=None):
    """Whether it is a refusal as all of them are, and says this."""
    assert answer.status == status, answer.text
    assert REFUSAL <= set(answer.json) and answer.json["key"] == key and answer.json["error"]
    for text in texts:
        assert text in f"{answer.json['error']}; {answer.json['hint']}"
    return answer
