"""`pmulab report`: one HTML file that needs nothing else, whatever others have sent to the lab."""
import base64
import hashlib
import html.parser
import json
import os
import pty
import re
import stat
import subprocess

import pytest

from support.lab import DEADLINE, SANITIZED, environment, program, run

MIB = 1 << 20
MEMORY = 56 * 1024 * (16 if SANITIZED else 1)  # KiB
START = {"t": 0.017, "seq": 1, "event": "start", "version": "0.1.0",
         "time": "2026-11-23T14:05:09.123+01:00", "seed": 7, "config": {"pmu.port": "5003"}}
HOSTILE = ["</script><script>alert(1)</script>", "</SCRIPT >", "<!--<script>", "-->", "]]>",
           "<img src=x onerror=alert(1)>", "a\u2028b\u2029c", "\\u003c/script>", "\\", "\\<", '"',
           "&lt;/script&gt;", "\x01\r\n\x1b[2J\x7f", "\x85\x9b", "é 😀 \ufeff \ufffe", "__proto__",
           "https://example.org/"]


def event(seq, name="print", **fields):
    return {"t": seq / 1000, "seq": seq, "event": name, **fields}


def line(event, **how):
    return json.dumps(event, **{"separators": (",", ":"), "ensure_ascii": False, **how}) + "\n"


class Page(html.parser.HTMLParser):
    """A report as a browser takes it apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.styles, self._inside = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = {"script": self.scripts, "style": self.styles}.get(tag)
        if self._inside is not None:
            self._inside.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside is not None:
            self._inside[-1] += data

    def attributes(self, tag, **fitting):
        return [found for name, found in self.tags
                if name == tag and fitting.items() <= found.items()]

    @property
    def policy(self):
        (meta,) = self.attributes("meta", **{"http-equiv": "Content-Security-Policy"})
        return dict(rule.split(maxsplit=1) for rule in meta["content"].split(";"))

    @property
    def events(self):
        return [json.loads(line) for line in self.scripts[0].split("\n") if line]


def report(journal, *args, **how):
    """The page of a journal, which may be a text."""
    result = run("pmulab", "report", "-", *args, input=journal, **how)
    assert result.status == 0, result.stderr
    return Page(result.stdout)


# What is in it


def test_a_run_is_in_it_whole(start_lab, tmp_path):
    journal = tmp_path / "lab.ndjson"
    lab = start_lab("--seed", "7")
    run("pdc", "CMD_short:0", lab=lab)
    run("pdc", "<script>alert(1)</script>", lab=lab)
    lab.stop()
    journal.write_text("".join(line(event) for event in lab.events()), "utf-8")
    result = run("pmulab", "report", journal, "-o", tmp_path / "lab.html")
    assert result == (0, "", "")
    page = Page((tmp_path / "lab.html").read_text("utf-8"))
    assert page.events == lab.events()
    assert {"start", "send", "error", "stop"} <= {event["event"] for event in page.events}


def test_it_is_the_page_and_nothing_else():
    page = report(line(START))
    events, code = page.attributes("script")
    assert events == {"type": "application/x-ndjson", "id": "events"}
    assert code == {"type": "module"}
    assert page.attributes("section", id="streams") and page.attributes("section", id="datagrams")
    assert "modelCreate" in page.scripts[1] \
        and not re.search(r"^\s*(import|export)\b", page.scripts[1], re.MULTILINE)


def test_nothing_is_loaded_from_anywhere():
    page = report(line(START))
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "action", "formaction", "data", "poster",
                        "xlink:href"):
                assert value == "data:,", (tag, name, value)
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"']*",
                               page.scripts[1] + "".join(page.styles)))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, never loaded
    assert not re.search(r"@import|url\((?!data:|#|\"data:)", "".join(page.styles))


def test_only_its_own_script_and_style_may_run():
    page = report(line(START))
    policy = page.policy
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    (style,) = page.styles
    for rule, text in [("script-src", page.scripts[1]), ("style-src", style)]:
        assert policy[rule] == \
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert not re.search(r"unsafe|\*|https?:", " ".join(policy.values()))
    assert not [name for _, attributes in page.tags for name in attributes
                if name.startswith("on") or name == "style"]
    # The policy holds for what stands behind it.
    names = [tag for tag, attributes in page.tags]
    assert page.tags.index(
        ("meta", page.attributes("meta", **{"http-equiv": "Content-Security-Policy"})[0])) \
        < min(names.index("style"), names.index("link"), names.index("script"))


# What others have written


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_a_text(text, ascii_only):
    plain = report(line(START))
    events = [START, event(2, text=text, **{text: [text]}), event(3, "stop", why="SIGTERM")]
    page = report("".join(line(event, ensure_ascii=ascii_only) for event in events))
    assert page.events == events
    assert page.tags == plain.tags
    assert page.scripts[1:] == plain.scripts[1:]
    assert "<" not in page.scripts[0]
    assert not re.search("[\u2028\u2029\r\0]", page.scripts[0])


def test_events_are_lines_however_they_are_written():
    """HTML makes every CR the end of a line."""
    page = report('{"t":1,\r"seq":1,\t"event":"print",\r "n":1.50}  \r\n'
                  '{"t":2, "seq":2, "event":"stop"}')
    assert page.events == [{"t": 1, "seq": 1, "event": "print", "n": 1.5},
                           {"t": 2, "seq": 2, "event": "stop"}]
    assert '"n":1.50' in page.scripts[0]  # as it was written


def test_a_part_of_a_journal_is_enough():
    events = [event(7, text="x"), event(9, text="y")]
    assert report("".join(map(line, events))).events == events


def test_the_last_line_of_a_lab_that_was_killed_is_left_out():
    result = run("pmulab", "report", "-", input=line(START) + '{"t":1,"se')
    assert result.status == 0
    assert result.stderr == "pmulab report: -:2: the last line is cut off, and left out\n"
    assert Page(result.stdout).events == [START]


# Size


def long_journal(path, count, text):
    with path.open("w") as file:
        file.write(line(START))
        for seq in range(2, count + 2):
            file.write(line(event(seq, text=text)))


@pytest.mark.parametrize("text", ["x" * 1000, "<" * 170], ids=["plain", "spelled longer"])
def test_of_a_long_run_the_last_events_are_in_it(tmp_path, text):
    count = 40_000
    long_journal(tmp_path / "lab.ndjson", count, text)
    result = run("pmulab", "report", tmp_path / "lab.ndjson", "-o", tmp_path / "lab.html",
                 timeout=6 * DEADLINE)
    assert result.status == 0
    (left_out,) = re.fullmatch(r"pmulab report: the oldest (\d+) of 40001 events are left out: "
                               r"32 MiB of them fit\n", result.stderr).groups()
    left_out = int(left_out)
    assert 32 * MIB < (tmp_path / "lab.html").stat().st_size < 32.5 * MIB
    start, lost, *events = Page((tmp_path / "lab.html").read_text("utf-8")).events
    assert start == START
    assert lost == event(left_out + 1, "lost", count=left_out, **{"from": 2}) | {"t": lost["t"]}
    assert [event["seq"] for event in events] == list(range(left_out + 2, count + 2))
    assert all(event["text"] == text for event in events)


def test_what_holds_is_kept_of_what_is_left_out(tmp_path):
    """Of events that tell how something is from then on the last one about each thing."""
    early = [
        event(2, "listen", endpoint="pmu", address="127.0.0.1:5003"),
        event(3, "change", endpoint="reset", key="reset.loss", before="50%", after="60%"),
        event(4, "change", endpoint="reset", key="reset.loss", before="60%", after="none"),
        event(5, "change", endpoint="reset", key="reset.delay", before="0", after="1s"),
        event(6, "suspend", endpoint="pmu", who="ctl"),
        event(7, "resume", endpoint="pmu", who="ctl"),
        event(8, "suspend", endpoint="echo", who="ctl"),
        event(9, "family", endpoint="reset", active="IPv6"),
        *(event(10 + i, "change", key=f"a{i}", after="1") for i in range(300)),  # no lab's
    ]
    first = early[-1]["seq"] + 1
    with (tmp_path / "lab.ndjson").open("w") as file:
        file.writelines(map(line, [
            START, *early,
            *(event(seq, text="x" * 1000) for seq in range(first, first + 36_000)),
            event(first + 36_000, "change", key="a299", after="2")]))
    result = run("pmulab", "report", tmp_path / "lab.ndjson", "-o", tmp_path / "lab.html",
                 timeout=6 * DEADLINE)
    assert result.status == 0
    events = Page((tmp_path / "lab.html").read_text("utf-8")).events
    at = next(i for i, one in enumerate(events) if one["event"] == "lost")
    # The last changes of 256 keys are kept: 255 here, and that of a299 at the end.
    assert [one["seq"] for one in events[1:at]] == list(range(10 + 44, 10 + 299))
    assert events[at]["count"] == events[at]["seq"] - 1 - (at - 1) \
        and events[at + 1]["seq"] == events[at]["seq"] + 1
    few = [START, *early[:8], *(event(seq, text="x" * 1000) for seq in range(10, 36_000))]
    with (tmp_path / "few.ndjson").open("w") as file:
        file.writelines(map(line, few))
    assert run("pmulab", "report", tmp_path / "few.ndjson", "-o", tmp_path / "few.html",
               timeout=6 * DEADLINE).status == 0
    events = Page((tmp_path / "few.html").read_text("utf-8")).events
    assert [one["seq"] for one in events[:7]] == [1, 2, 4, 5, 7, 8, 9] \
        and events[7]["event"] == "lost"
    assert events[7]["count"] == events[7]["seq"] - 7


def memory(journal, output, status):
    """KiB that a report of this file takes."""
    command = ("import resource, subprocess, sys; "
               "status = subprocess.run(sys.argv[1:]).returncode; "
               "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run(
        ["/usr/bin/python3", "-c", command, program("pmulab"), "report", journal, "-o", output],
        env=environment(), capture_output=True, text=True, timeout=6 * DEADLINE, check=True)
    ended, size = map(int, done.stdout.split())
    assert ended == status, done.stderr
    return size, done.stderr


def test_memory_does_not_grow_with_the_journal(tmp_path):
    long_journal(tmp_path / "lab.ndjson", 70_000, "x" * 1000)
    assert memory(tmp_path / "lab.ndjson", tmp_path / "lab.html", 0)[0] < MEMORY


def test_what_has_no_lines_is_not_read_to_its_end(tmp_path):
    size, said = memory("/dev/zero", tmp_path / "lab.html", 2)
    assert said == "pmulab report: /dev/zero:1: this line is too long for an event\n"
    assert size < MEMORY


def test_a_line_that_nobody_could_open_is_refused(tmp_path):
    result = run("pmulab", "report", "-", input=line(event(1, text="<" * (6 * MIB))))
    assert (result.status, result.stderr) == (
        2, "pmulab report: -:1: this line is too long for an event\n")


# Where it goes


def test_without_a_name_it_goes_to_stdout(tmp_path):
    run("pmulab", "report", "-", "-o", tmp_path / "lab.html", input=line(START))
    for args in [], ["-o", "-"]:
        assert run("pmulab", "report", "-", *args, input=line(START)).stdout == \
            (tmp_path / "lab.html").read_text("utf-8")


def test_a_terminal_is_spared():
    ours, theirs = pty.openpty()
    with os.fdopen(ours), os.fdopen(theirs, "w") as terminal:
        done = subprocess.run([program("pmulab"), "report", "-"], stdin=subprocess.DEVNULL,
                              stdout=terminal, stderr=subprocess.PIPE, text=True, env=environment(),
                              timeout=DEADLINE)
    assert done.returncode == 2
    assert done.stderr == \
        "pmulab report: the report is nothing for a terminal: name its file, -o lab.html\n"


def test_it_takes_the_place_of_an_older_one_whole(tmp_path):
    target = tmp_path / "lab.html"
    target.write_text("older")
    with target.open() as older:
        assert run("pmulab", "report", "-", "-o", target, input=line(START)).status == 0
        assert older.read() == "older"  # another file: who reads the older one reads it to its end
    assert Page(target.read_text("utf-8")).events == [START]
    assert os.listdir(tmp_path) == ["lab.html"]


def test_others_may_read_it_as_any_file(tmp_path):
    result = subprocess.run(["sh", "-c", 'umask 027; exec "$@"', "sh", program("pmulab"),
                             "report", "-", "-o", tmp_path / "lab.html"],
                            input=line(START), text=True, env=environment(), timeout=DEADLINE)
    assert result.returncode == 0
    assert stat.S_IMODE((tmp_path / "lab.html").stat().st_mode) == 0o640


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there.html").write_text("older")
    (tmp_path / "lab.html").symlink_to("there.html")
    assert run("pmulab", "report", "-", "-o", tmp_path / "lab.html", input=line(START)).status == 0
    assert (tmp_path / "lab.html").is_symlink()
    assert Page((tmp_path / "there.html").read_text("utf-8")).events == [START]


def test_a_device_stays_one():
    assert run("pmulab", "report", "-", "-o", "/dev/fd/1", input=line(START)).status == 0
    assert run("pmulab", "report", "-", "-o", "/dev/null", input=line(START)) == (0, "", "")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_the_events_are_not_overwritten(tmp_path):
    journal = tmp_path / "lab.ndjson"
    journal.write_text(line(START))
    (tmp_path / "same").symlink_to(journal)
    for output in journal, tmp_path / "same":
        result = run("pmulab", "report", journal, "-o", output)
        assert result.status == 2
        assert result.stderr == \
            f"pmulab report: -o {output}: these are the events; give the report another name\n"
    assert journal.read_text() == line(START)


# What goes wrong


@pytest.mark.parametrize("journal, said", [
    ("", "-: there are no events in it"),
    ("hello\n", "-:1: this is no event: '[' or '{' expected near 'hello'"),
    ("[1]\n", "-:1: this is no event: no object"),
    ('{"some":"object"}\n',
     "-:1: this is no event: it should have t, seq and event (docs/events.md)"),
    ('{"t":1,"seq":"1","event":"stop"}\n',
     "-:1: this is no event: it should have t, seq and event (docs/events.md)"),
    ('{"t":null,"seq":1,"event":"stop"}\n',
     "-:1: this is no event: it should have t, seq and event (docs/events.md)"),
    (line(START) + "\x1b]0;x\n", "-:2: this is no event: '[' or '{' expected near '\\x1b'"),
    (line(START) + "{}\n",
     "-:2: this is no event: it should have t, seq and event (docs/events.md)"),
    (line(START) * 2, "-:2: a second run begins here; one file for each, please"),
    (line(event(2)) + line(START), "-:2: a second run begins here; one file for each, please"),
], ids=range(10))
def test_what_is_no_journal(tmp_path, journal, said):
    (tmp_path / "lab.html").write_text("older")
    assert run("pmulab", "report", "-", "-o", tmp_path / "lab.html", input=journal) == (
        2, "", f"pmulab report: {said}\n")
    assert (tmp_path / "lab.html").read_text() == "older"
    assert os.listdir(tmp_path) == ["lab.html"]


@pytest.mark.parametrize("args, status, said", [
    ([], 2, "one file of events is wanted; see pmulab report --help"),
    (["a", "b"], 2, "one file of events is wanted; see pmulab report --help"),
    (["nowhere.ndjson"], 2, "nowhere.ndjson: No such file or directory"),
    (["."], 2, ".: Is a directory"),
    (["-", "-o"], 2, "-o needs FILE.html; see pmulab report --help"),
    (["-", "-o", "nowhere/lab.html"], 2, "nowhere/lab.html: No such file or directory"),
    (["-", "-o", "."], 2, ".: Is a directory"),
    (["-", "-o", "/dev/full"], 1, "/dev/full: No space left on device"),
], ids=range(8))
def test_what_goes_wrong_is_said(tmp_path, args, status, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("pmulab", "report", *args, input=line(START)) == (
        status, "", f"pmulab report: {said}\n")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_behind_stdout():
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("pmulab"), "report", "-"], input=line(START),
                              stdout=full, stderr=subprocess.PIPE, text=True, env=environment(),
                              timeout=DEADLINE)
    assert done.returncode == 1
    assert done.stderr == "pmulab report: stdout: No space left on device\n"


def test_a_full_disk_leaves_the_older_one(tmp_path):
    (tmp_path / "lab.html").write_text("older")
    result = run("pmulab", "report", "-", "-o", tmp_path / "lab.html", input=line(START),
                 prefix=("prlimit", "--fsize=4096"))
    assert result == (1, "", f"pmulab report: {tmp_path}/lab.html: File too large\n")
    assert (tmp_path / "lab.html").read_text() == "older"
    assert os.listdir(tmp_path) == ["lab.html"]
