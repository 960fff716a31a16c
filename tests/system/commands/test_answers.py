"""`pmulab answers`: the numbers of the report, from real runs and from journals and captures made
for it."""
import gzip
import json
import lzma
import re
import socket
import subprocess

import pytest

from support.captures import ETHERNET, RAW, Capture
from support.datagrams import Peer
from support.lab import BUILD, DEADLINE, ROOT, environment, program, run
from support.multicast import Speaker

QUESTIONS = ["Q6", "Q9", "Q10", "Q13", "Q15", "Q16", "Q17", "Q18", "Q22", "Q23", "Q24", "Q25"]
KEYS = ["question", "asks", "answer", "why", "value", "notes", "lines", "capture", "run"]

# What the servers of 2016 did, at twenty times their speed.
YEAR_2016 = [word for key in ("pmu.messages=20", "pmu.first=0", "pmu.flood=1110", "pmu.speed=20",
                              "reset.separator=:") for word in ("--set", key)]
CODE_D = b"O Romeo, Romeo! wherefore art thou Romeo?"


def answers(*args, **kwargs):
    """By question."""
    done = run("pmulab", "answers", "--json", *args, **kwargs)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.lines]
    assert [answer["question"] for answer in objects] == QUESTIONS
    assert all(list(answer) == KEYS for answer in objects)
    return {answer["question"]: answer for answer in objects}


def text(*args, **kwargs):
    """The line of each question, and what stands below it."""
    done = run("pmulab", "answers", *args, **kwargs)
    assert done.status == 0, done
    parts = re.split(r"^(Q\d+) +", done.stdout, flags=re.MULTILINE)
    assert parts[0] == "" and parts[1::2] == QUESTIONS
    return dict(zip(parts[1::2], parts[2::2]))


def journal_of(lab, path):
    """Stops the lab; its events as a file."""
    lab.stop()
    path.write_text("".join(json.dumps(event) + "\n" for event in lab.events()))
    return path


class Journal:
    """A journal made by hand; fields of an event as keywords."""

    def __init__(self, **config):
        self.lines = []
        self.conns = 0
        self.event("start", version="1", time="2026-11-23T23:59:59.900+01:00", seed=1,
                   config=config)

    def event(self, event, t=0.0, **fields):
        self.lines.append({"t": t, "seq": len(self.lines) + 1, "event": event, **fields})
        return len(self.lines)

    def conn(self, endpoint="pmu", command=None, sends=(), segments=0, why="done", again=0,
             close=True, peer="127.0.0.1:40000", local="127.0.0.1:5003"):
        """`sends`: (bytes, segments) of each."""
        self.conns += 1
        about = {"endpoint": endpoint, "conn": self.conns}
        self.event("open", local=local, peer=peer, **about)
        if command:
            kind = {"CMD_s": "short", "CMD_f": "flood"}.get(command[:5], "bad")
            self.event("command", text=command, kind=kind, interval=0.0, messages=len(sends),
                       **about)
        for i, (size, left) in enumerate(sends):
            self.event("send", i=i + 1, bytes=size, sent=size, calls=1, segments=left, **about)
        if close:
            self.event("close", first="server", why=why, command=command, messages=len(sends),
                       bytes_out=sum(size for size, _ in sends), bytes_in=11, segments_out=segments,
                       segments_again=again, segments_in=1, seconds=0.0, **about)
        return self.conns

    def write(self, path):
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return path


@pytest.fixture
def journal(tmp_path):
    journal = Journal()
    journal.path = tmp_path / "lab.ndjson"
    return journal


# The real thing


def test_report_of_2016(start_lab, tmp_path):
    lab = start_lab(*YEAR_2016)
    client = tmp_path / "client.json"
    for args in (["pdc", "CMD_short:0"], ["pdc", "CMD_short:1"], ["pdc", "-b", 16, "CMD_floodme"],
                 ["pdc-ws", "CMD_short:0"], ["pdc-ws", "CMD_floodme"]):
        done = run(*args, "--json", lab=lab)
        assert done.status == 0, done
        with client.open("a") as file:
            file.write(done.stdout)
    path = journal_of(lab, tmp_path / "lab.ndjson")
    found = answers(path, "--client", client)
    assert found["Q9"]["answer"] == "20 messages in each of 2 runs"
    assert found["Q9"]["value"] == {"messages": 20, "runs": 2, "min": 20, "max": 20}
    assert found["Q10"]["answer"] == \
        "d=0: 2 packets, of 18 and 352 bytes; d=1: 20 packets, 10 of 18 and 10 of 19 bytes"
    assert [(value["d"], value["packets"], value["bytes"]) for value in found["Q10"]["value"]] == [
        (0, 2, [18, 352]), (1, 20, [18] * 10 + [19] * 10)]
    assert found["Q13"]["answer"] == "1 packet, of 1110 bytes"
    assert found["Q15"]["answer"] == "71 calls of recv(16)"
    assert found["Q15"]["value"] == [{"recv_calls": 71, "buffer": 16}]
    assert found["Q15"]["notes"] == ["Not the same number as of packets: 1 packet, 71 calls."]
    assert found["Q23"]["value"]["packets"] == 2
    assert found["Q23"]["notes"] == ["Part 2 has 2 (Q10)."]
    assert found["Q24"]["value"]["on_message"] == 20
    assert found["Q24"]["notes"] == ["The client has counted 20 too."]
    assert found["Q25"]["answer"] == "1 packet; on_message is called 1 time"
    for question in ("Q9", "Q10", "Q13", "Q15", "Q23", "Q24", "Q25"):
        assert found[question]["why"] and found[question]["run"] is None
    events = lab.events()
    told = [events[line - 1]["event"] for line in found["Q10"]["lines"]]
    assert told == ["command", "close", "command", "close"]
    shown = text(path, "--client", client)
    assert shown["Q9"].startswith("20 messages in each of 2 runs (lines ")
    assert shown["Q15"].startswith("71 calls of recv(16) (lines ")


def test_echo(start_lab, tmp_path):
    """Code D stays connected for ever."""
    lab = start_lab()
    with socket.create_connection(lab.address("echo")) as peer:
        peer.sendall(CODE_D)
        lab.wait(event="send", endpoint="echo", i=3)
        path = tmp_path / "lab.ndjson"
        path.write_text("".join(json.dumps(event) + "\n" for event in lab.events()))
        found = answers(path)["Q6"]
    assert found["answer"] == "3 pieces, of 16, 16 and 9 bytes"
    assert found["value"] == {"pieces": 3, "bytes": [16, 16, 9], "runs": 1, "min": 3, "max": 3}
    assert found["notes"] == [
        "41 bytes came, and recv(16) takes 16 at most: echo.chunk, or the number in code C."]


def test_reset(start_lab, tmp_path):
    lab = start_lab("--seed", 7, "--set", "reset.family=6", "--set", "reset.loss=list:1,2,5",
                    "reset")
    peer = Peer(lab, "reset", family=6)
    fates = [peer.fate(b"RESET:20") is not None for _ in range(6)]
    assert fates == [False, False, True, True, False, True]
    found = answers(journal_of(lab, tmp_path / "lab.ndjson"))
    assert found["Q16"]["value"]["family"] == 6
    assert found["Q16"]["value"]["over_ipv6"] == 3
    assert found["Q16"]["value"]["time"][:19] >= lab.events(event="start")[0]["time"][:19]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(UTC[+-]\d\d:\d\d\), over IPv6; "
                        r"the last of 3", found["Q16"]["answer"])
    last = lab.events(event="reply")[-1]
    assert found["Q16"]["lines"] == [last["seq"]]
    assert found["Q17"]["answer"] == \
        "2.00 packets before an acknowledgement, loss 50.0 % (95 % interval: 18.8 to 81.2 %)"
    value = found["Q17"]["value"]
    assert (value["packets"], value["acknowledgements"], value["lost"], value["mean"]) == (
        6, 3, 3, 2)


def test_station(start_lab, tmp_path):
    lab = start_lab("--set", "tv.interval=10ms", "tv")
    with Speaker(lab) as speaker:
        speaker.say(b"123456" + b"x" * 301)
        speaker.say(b"654321" + b"y" * 12)
        lab.wait(event="answer", id="123456")
        lab.wait(event="participant", id="654321")
    lab.wait_all(6, event="line")
    path = journal_of(lab, tmp_path / "lab.ndjson")
    found = answers(path)
    lines = [event for event in lab.events(event="line") if len(event["text"]) > 6][:5]
    assert found["Q18"]["value"] == [event["text"] for event in lines]
    assert found["Q18"]["lines"] == [event["seq"] for event in lines]
    answer = lab.events(event="answer")[0]
    assert found["Q22"]["answer"] == f"to 123456: {answer['text']}"
    assert found["Q22"]["value"][0] == {"id": "123456", "text": answer["text"], "answers": 1,
                                        "characters": 301}
    assert found["Q22"]["notes"] == [
        "654321 has said 12 characters, and is answered behind the 300th."]
    assert "tv-send" in found["Q22"]["run"]  # for the other one of the group
    assert text(path)["Q22"].startswith(f"to 123456: {answer['text']} (lines ")


# The page


def test_page_names_what_is_there(start_lab, tmp_path):
    """docs/answers.md: the questions, the keys of an object, the names of its values."""
    page = (ROOT / "docs" / "answers.md").read_text()
    tables = [re.findall(r"^\| (Q[^|]*|`\w+`) \|(.*)\|$", table, re.MULTILINE)
              for table in page.split("\n\n")]
    questions, keys, values = [table for table in tables if table]
    assert [name for name, _ in questions] == QUESTIONS
    assert [name.strip("`") for name, _ in keys] == KEYS

    lab = start_lab("--set", "pmu.speed=20", "--set", "reset.loss=none", "--set", "reset.family=4")
    client = tmp_path / "client.json"
    for args in (["pdc", "CMD_short:0"], ["pdc", "CMD_floodme"], ["pdc-ws", "CMD_short:0"],
                 ["pdc-ws", "CMD_floodme"], ["pdc-reset"], ["echo-client"]):
        done = run(*args, "--json", lab=lab)
        with client.open("a") as file:
            file.write(done.stdout)
    with Speaker(lab) as speaker:
        speaker.say(b"123456" + b"x" * 301)
        lab.wait(event="answer")
    found = answers(journal_of(lab, tmp_path / "lab.ndjson"), "--client", client)
    common = {}
    for names, cell in values:
        for name in names.split(", "):
            value = found[name]["value"]
            value = value[0] if isinstance(value, list) else value
            # A name in brackets is a value, not a field.
            fields = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cell))) \
                | common.get(cell.split(",")[0].strip(), set())
            common["as " + name] = fields
            assert (set(value) if isinstance(value, dict) else set()) == fields, name


# What the run does not have


def test_nothing(journal):
    shown = answers(journal.write(journal.path))
    assert all(answer["answer"] is None and answer["why"] is None and answer["run"]
               for answer in shown.values())
    assert shown["Q13"]["run"] == "pmulab run --events lab.ndjson -- build/clients/pdc CMD_floodme"
    assert "strace -f -c -e trace=recvfrom" in shown["Q15"]["run"]
    assert text(journal.path)["Q13"] == (
        "packets with data of the flood: nothing of it in this run\n"
        "     run: pmulab run --events lab.ndjson -- build/clients/pdc CMD_floodme\n")


def test_what_to_run_shows_it(journal, tmp_path):
    """Each command that is proposed, as it stands, but on free ports and with a faster play."""
    (tmp_path / "build").symlink_to(BUILD)
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 3, segments=2)
    proposed = {name: answer["run"]
                for name, answer in answers(journal.write(journal.path)).items() if answer["run"]}
    assert set(proposed) == set(QUESTIONS) - {"Q9"}
    for name, command in proposed.items():
        if name == "Q15":
            continue  # several commands, in words
        assert command.count("pmulab run --events lab.ndjson -- build/clients/") == 1
        command = command.replace("pmulab run",
                                  "build/servers/pmulab run --loopback --set tv.interval=10ms "
                                  "--set pmu.speed=20")
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=3 * DEADLINE)
        assert done.returncode == 0, (command, done)
        assert answers(tmp_path / "lab.ndjson")[name]["answer"], command


def test_half_of_q10(journal):
    journal.conn(command="CMD_short:0.5", sends=[(18, 1), (18, 2)], segments=2)
    found = answers(journal.write(journal.path))["Q10"]
    assert found["answer"] == "d=0.5: 2 packets, of 18 and 18 bytes"
    assert found["run"].endswith("pdc CMD_short:0")
    assert "for the rest: pmulab run" in text(journal.path)["Q10"]


def test_flood_without_a_client(journal):
    journal.conn(command="CMD_floodme", sends=[(57344, 10)], segments=40)
    found = answers(journal.write(journal.path))
    assert found["Q13"]["answer"] == "40 packets"
    assert found["Q15"]["answer"] is None
    assert found["Q15"]["notes"] == [
        "The flood is in this run, but only its client knows how often it called recv()."]


# Several runs


def test_range_and_the_last(journal):
    for count in (20, 8, 15):
        journal.conn(command="CMD_short:0", sends=[(18, 1)] * count, segments=2)
    found = answers(journal.write(journal.path))
    assert found["Q9"]["answer"] == "15 messages in the last of 3 runs, 8 to 20 in all"
    assert found["Q9"]["value"] == {"messages": 15, "runs": 3, "min": 8, "max": 20}
    assert found["Q10"]["answer"] == "d=0: 2 packets, of 18 and 252 bytes in each of 3 runs"


def test_what_was_cut_short_does_not_count_beside_what_was_not(journal):
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 20, segments=2)
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 3, segments=2, why="connection lost")
    journal.conn(command="CMD_floodme", sends=[(70, 1)], segments=1, why="connection lost")
    found = answers(journal.write(journal.path))
    assert found["Q9"]["answer"] == "20 messages"
    assert found["Q13"]["answer"] == "1 packet, of 70 bytes"
    assert "No such connection went to its end: this is what there was of it." in \
        found["Q13"]["notes"]


def test_another_d_is_another_experiment(journal):
    for command, segments in (("CMD_short:0.001", [1, 1]), ("CMD_short:2", [1, 2])):
        journal.conn(command=command, sends=[(18, n) for n in segments], segments=2)
    assert answers(journal.write(journal.path))["Q10"]["answer"] == \
        "d=2: 2 packets, of 18 and 18 bytes"


def test_two_labs_in_one_file(journal):
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 3, segments=2)
    journal.event("start", version="1", seed=1, config={})
    journal.conns = 0
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 5, segments=2)
    assert answers(journal.write(journal.path))["Q9"]["value"] == {
        "messages": 5, "runs": 2, "min": 3, "max": 5}


def test_the_first_was_cut_short(journal):
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 3, segments=2, why="connection lost")
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 20, segments=2)
    assert answers(journal.write(journal.path))["Q9"]["answer"] == "20 messages"


def test_the_last_hundred(journal):
    for n in range(1, 151):
        journal.conn(command="CMD_short:0", sends=[(18, 1)] * n, segments=2)
    found = answers(journal.write(journal.path))["Q9"]
    assert found["answer"] == "150 messages in the last of 100 runs, 51 to 150 in all"
    # Each run has two lines: the command's and its end's.
    told = [journal.lines[line - 1]["messages"] for line in found["lines"]]
    assert told == [n for n in range(141, 151) for _ in range(2)]


# Packets that the kernel has counted


@pytest.mark.parametrize("sends, segments, expected", [
    ([(18, 1), (18, 1), (19, 1)], 2, "2 packets, of 18 and 37 bytes"),
    ([(18, 1), (18, 1), (19, 3)], 3, "3 packets, of 18, 18 and 19 bytes"),
    ([(18, 1), (18, 2), (18, 2)], 3, "3 packets, each of 18 bytes"),
    ([(18, 1), (1000, 1), (1000, 2)], 3, "3 packets"),
    ([(18, 1), (18, 1), (18, 2), (18, 2)], 3, "3 packets"),
    ([(18, 1), (18, 1)], 3, "3 packets"),
    ([(18, 1), (18, 2)], 3, "3 packets"),
])
def test_sizes(journal, sends, segments, expected):
    """Only where nothing else can have been in a packet."""
    journal.conn(command="CMD_short:0", sends=sends, segments=segments)
    shown = answers(journal.write(journal.path))["Q10"]["answer"].removeprefix("d=0: ")
    assert shown.replace(", of 18, 18 and 18 bytes", ", each of 18 bytes") == expected


@pytest.mark.parametrize("sends, segments, expected", [
    ([(18, 2), (18, 2), (18, 2)], 3, "2 packets"),  # the Close frame went with the last message
    ([(18, 2), (18, 2), (18, 2)], 4, "2 packets"),  # the Close frame went behind it
    ([(18, 2), (18, 3), (18, 4)], 5, "3 packets"),
    ([(18, 2)], 2, "1 packet"),
])
def test_websocket_packets(journal, sends, segments, expected):
    journal.conn("pmu-ws", command="CMD_short:0", sends=sends, segments=segments)
    found = answers(journal.write(journal.path))
    assert found["Q23"]["answer"] == expected
    assert found["Q24"]["value"]["on_message"] == len(sends)


@pytest.mark.parametrize("size, segments, expected", [
    (57344, 41, "40 packets"), (57344, 42, "40 packets"),
    (57344, 44, "42 or 43 packets"), (1110, 3, "1 packet"),
])
def test_websocket_flood(journal, size, segments, expected):
    journal.conn("pmu-ws", command="CMD_floodme", sends=[(size, 2 if size == 1110 else 11)],
                 segments=segments)
    found = answers(journal.write(journal.path))["Q25"]
    assert found["answer"] == f"{expected}; on_message is called 1 time"
    assert ("--capture does" in " ".join(found["notes"])) == (" or " in expected)


def test_sent_again(journal):
    journal.conn(command="CMD_floodme", sends=[(1110, 1)], segments=1, again=2)
    found = answers(journal.write(journal.path))["Q13"]
    assert found["answer"] == "1 packet, of 1110 bytes"
    assert found["notes"][0] == "2 more packets were sent again; not counted."


# Packets in a capture


@pytest.mark.parametrize("link", [RAW, ETHERNET])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_capture_agrees(journal, tmp_path, link, host):
    lab, peer = f"{host}:5003", f"{host}:40000"
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 3, segments=2, peer=peer, local=lab)
    capture = Capture(link)
    stream = capture.stream(lab, peer).open()
    stream.client(b"CMD_short:0")
    stream.lab(b"This is PMU data 1")
    stream.lab_again()
    stream.lab(b"This is PMU data 2This is PMU data 3")
    found = answers(journal.write(journal.path),
                    "--capture", capture.write(tmp_path / "lab.pcap"))["Q10"]
    assert found["answer"] == "d=0: 2 packets, of 18 and 36 bytes"
    assert found["capture"] == "agrees"
    assert found["value"][0]["counted_by"] == "capture"
    assert found["value"][0]["again"] == 1
    assert found["notes"] == ["d=0: 1 more packet was sent again; not counted.",
                              "d=0: The capture agrees: frames 4 to 6."]


def test_capture_of_a_loopback(journal, tmp_path):
    """What one send() hands over passes as one packet there."""
    journal.conn(command="CMD_floodme", sends=[(57344, 10)], segments=40)
    capture = Capture()
    capture.stream("127.0.0.1:5003", "127.0.0.1:40000").open().lab(b"x" * 57344)
    found = answers(journal.write(journal.path),
                    "--capture", capture.write(tmp_path / "lab.pcap"))["Q13"]
    assert found["answer"] == "1 packet, of 57344 bytes"
    assert found["capture"] == "differs"
    assert found["notes"][0].startswith(
        "The capture has 1 packet with data where the kernel has sent 40: ")


def test_capture_of_something_else(journal, tmp_path):
    journal.conn(command="CMD_floodme", sends=[(1110, 1)], segments=1)
    capture = Capture()
    capture.stream("127.0.0.1:5003", "127.0.0.1:40001").open().lab(b"x" * 1110)
    found = answers(journal.write(journal.path),
                    "--capture", capture.write(tmp_path / "lab.pcap"))["Q13"]
    assert (found["answer"], found["capture"]) == ("1 packet, of 1110 bytes", "absent")
    assert found["notes"][0] == \
        "The capture does not have this connection; the number is the kernel's."


def test_capture_of_a_port_used_again(journal, tmp_path):
    capture = Capture()
    for packets in (1, 2):
        journal.conn(command="CMD_floodme", sends=[(10 * packets, packets)], segments=packets)
        stream = capture.stream("127.0.0.1:5003", "127.0.0.1:40000")
        stream.sent = {"lab": 50000 * packets, "client": 70000 * packets}
        stream.open()
        for _ in range(packets):
            stream.lab(b"x" * 10)
    found = answers(journal.write(journal.path),
                    "--capture", capture.write(tmp_path / "lab.pcap"))["Q13"]
    assert found["answer"] == "2 packets, of 10 and 10 bytes in the last of 2 runs, 1 to 2 in all"
    assert found["capture"] == "agrees"


def test_capture_of_websocket(journal, tmp_path):
    """The handshake's packet and that of the Close frame carry no message; one that carries a part
    does."""
    journal.conn("pmu-ws", command="CMD_short:0", sends=[(18, 2), (18, 2), (18, 2)], segments=4)
    capture = Capture()
    stream = capture.stream("127.0.0.1:5003", "127.0.0.1:40000").open()
    stream.lab(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    stream.lab(b"\x82\x12This is PMU data 1")
    stream.lab(b"\x82\x12This is PMU data 2\x82\x12This is PMU data 3")
    stream.lab(b"\x88\x02\x03\xe8")
    found = answers(journal.write(journal.path),
                    "--capture", capture.write(tmp_path / "lab.pcap"))["Q23"]
    assert found["answer"] == "2 packets, of 20 and 40 bytes"
    assert found["capture"] == "agrees"


def test_capture_of_what_has_not_ended(journal, tmp_path):
    journal.conn(command="CMD_short:0", sends=[(18, 1)], close=False)
    assert answers(journal.write(journal.path))["Q10"]["answer"] == "d=0: not counted"
    capture = Capture()
    capture.stream("127.0.0.1:5003", "127.0.0.1:40000").open().lab(b"This is PMU data 1")
    found = answers(journal.path, "--capture", capture.write(tmp_path / "lab.pcap"))["Q10"]
    assert found["answer"] == "d=0: 1 packet, of 18 bytes"
    assert "d=0: The capture alone tells: frame 3." in found["notes"]


def test_capture_that_is_cut(journal, tmp_path):
    path = tmp_path / "lab.pcap"
    capture = Capture()
    capture.stream("127.0.0.1:5003", "127.0.0.1:40000").open().lab(b"x" * 100)
    path.write_bytes(capture.data()[:-1])
    done = run("pmulab", "answers", journal.write(journal.path), "--capture", path)
    assert done.status == 0
    assert done.stderr.startswith(f"pmulab answers: {path}: cut behind frame 2: ")


# Datagrams


def test_acknowledgement_after_midnight(journal):
    journal.event("reply", t=0.25, endpoint="reset", family=4, n=1, text="OFFSET=17")
    journal.event("reply", t=0.5, endpoint="reset", family=4, n=2, text="Wrong command.")
    found = answers(journal.write(journal.path))["Q16"]
    assert found["answer"] == "2026-11-24 00:00:00 (UTC+01:00), over IPv4"
    assert found["value"]["time"] == "2026-11-24T00:00:00.150+01:00"
    assert found["notes"][0].startswith("It said OFFSET=17. ")


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-11-23", 7])
def test_acknowledgement_without_a_date(journal, time):
    journal.lines[0]["time"] = time
    journal.event("reply", t=0.25, endpoint="reset", family=6, n=1, text="OFFSET=17")
    assert answers(journal.write(journal.path))["Q16"]["answer"] == \
        "0.250 s after the start, over IPv6"


def test_datagrams_that_say_nothing_about_the_network(journal):
    journal.event("receive", endpoint="reset", family=4, n=0, text="RESET:20")
    journal.event("drop", endpoint="reset", family=4, direction="request", n=0,
                  reason="the family is not served now")
    journal.event("receive", endpoint="udp-print", family=4, n=1, text="Hello")
    journal.event("receive", endpoint="reset", family=6, n=1, text="RESET:20")
    journal.event("drop", endpoint="reset", family=6, direction="request", n=1, reason="loss")
    journal.event("repeated", endpoint="reset", count=9)
    found = answers(journal.write(journal.path))["Q17"]
    assert found["answer"] == "no acknowledgement, loss 100.0 % (95 % interval: 20.7 to 100.0 %)"
    assert found["value"]["mean"] is None
    assert "9 packets more were only counted, since their senders sent so many." in found["notes"]


# Clients


@pytest.mark.parametrize("objects, expected", [
    ([{"command": "CMD_floodme", "recv_calls": 71, "buffer": 16}], "71 calls of recv(16)"),
    ([{"command": "CMD_floodme", "recv_calls": 1}], "1 call"),
    ([{"command": "CMD_floodme", "recv_calls": 5, "buffer": 300},
      {"command": "CMD_floodme", "recv_calls": 2, "buffer": 4096}],
     "5 calls of recv(300); 2 calls of recv(4096)"),
    ([{"command": "CMD_short:0", "recv_calls": 3, "buffer": 16}], None),
    ([{"command": "CMD_floodme", "recv_calls": 3, "frames": 1}], None),
    ([{"command": "CMD_floodme", "recv_calls": 3, "tls": "TLSv1.3"}], None),
    ([{"command": "CMD_floodme", "recv_calls": "many"}, {"command": 5}, {}], None),
])
def test_clients(journal, tmp_path, objects, expected):
    client = tmp_path / "client.json"
    client.write_text("\n".join(map(json.dumps, objects)))
    journal.conn(command="CMD_floodme", sends=[(1110, 1)], segments=1)
    found = answers(journal.write(journal.path), "--client", client)["Q15"]
    assert found["answer"] == expected
    if expected == "1 call":
        assert found["notes"] == ["By chance the same number as of packets: 1 packet, 1 call."]


def test_client_of_another_run(journal, tmp_path):
    client = tmp_path / "client.json"
    client.write_text('{"command":"CMD_short:0","messages":19,"frames":19}\n')
    journal.conn("pmu-ws", command="CMD_short:0", sends=[(18, 2)] * 20, segments=3)
    found = answers(journal.write(journal.path), "--client", client)["Q24"]
    assert found["notes"] == [
        "The client has counted 19, which is not the same: is it of this run?"]


# Files


def test_from_stdin(journal):
    journal.conn(command="CMD_short:0", sends=[(18, 1)] * 4, segments=2)
    shown = journal.write(journal.path).read_text()
    assert answers("-", input=shown)["Q9"]["value"]["messages"] == 4
    cut = run("pmulab", "answers", "-", input=shown[:-5])
    assert cut.status == 0
    assert cut.stderr == \
        f"pmulab answers: -:{len(journal.lines)}: the last line is cut off, and left out\n"


@pytest.mark.parametrize("content, error", [
    ("", "{path}: there is no event in it; pmulab run --events FILE writes one"),
    ("{}\n", "{path}: there is no event in it; pmulab run --events FILE writes one"),
    ("[1]\n", "{path}:1: this is no event: no object"),
    ("Hello, Romeo\n", "{path}:1: this is no event: '[' or '{{' expected near 'Hello'"),
])
def test_no_journal(tmp_path, content, error):
    path = tmp_path / "lab.ndjson"
    path.write_text(content)
    done = run("pmulab", "answers", path)
    assert (done.status, done.stdout, done.stderr) == (
        2, "", f"pmulab answers: {error.format(path=path)}\n")


@pytest.mark.parametrize("option", ["--capture", "--client", None])
def test_no_file(journal, option):
    journal.write(journal.path)
    done = run("pmulab", "answers", *([journal.path, option] if option else []), "/nowhere/file")
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == "pmulab answers: /nowhere/file: No such file or directory\n"


def test_no_capture(journal):
    journal.write(journal.path)
    done = run("pmulab", "answers", journal.path, "--capture", journal.path)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith(f"pmulab answers: {journal.path}: ")


@pytest.mark.parametrize("module, command", [(gzip, "gunzip"), (lzma, "unxz")])
def test_compressed_capture(journal, tmp_path, module, command):
    journal.write(journal.path)
    capture = tmp_path / "lab.pcap.compressed"
    capture.write_bytes(module.compress(b"whatever stands in it"))
    done = run("pmulab", "answers", journal.path, "--capture", capture)
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"it is compressed: {command} it first" in done.stderr


def test_capture_without_packets(journal, tmp_path):
    journal.write(journal.path)
    capture = Capture().write(tmp_path / "lab.pcap")
    done = run("pmulab", "answers", journal.path, "--capture", capture)
    assert done.status == 0
    assert done.stderr.startswith(f"pmulab answers: {capture}: there is no packet in it; ") \
        and "--local" in done.stderr


def test_events_missing(journal):
    journal.event("lost", count=54, **{"from": 2})
    done = run("pmulab", "answers", journal.write(journal.path))
    assert done.status == 0
    assert done.stderr == f"pmulab answers: 54 events are missing in {journal.path}\n"


def test_terminal_is_not_hijacked(journal):
    evil = "\x1b]0;gotcha\x07\u202e\n"
    journal.event("line", endpoint="tv", n=1, text="swcmTV" + evil)
    journal.event("answer", endpoint="tv", n=2, id="12\x1b[2J", text="@x: " + evil)
    journal.event("participant", endpoint="tv", id="\u00e9\u20ac" * 30, total=5, characters=5,
                  text=evil)
    done = run("pmulab", "answers", journal.write(journal.path))
    assert done.status == 0
    assert not set("\x1b\x07\u202e") & set(done.stdout)
    answers(journal.path)


def test_values_of_any_kind(journal):
    """A journal that nobody can have written."""
    for value in (None, -1, 2 ** 62, -2 ** 62, 1.5, "x", [], {}, True):
        for event in ("start", "open", "command", "send", "close", "receive", "drop", "duplicate",
                      "reply", "line", "participant", "answer", "lost", "repeated"):
            for about in ({"endpoint": "pmu", "conn": 1}, {"endpoint": "pmu-ws", "conn": 2},
                          {"endpoint": "reset"}):
                fields = dict.fromkeys(("t", "time", "config", "local", "peer", "text", "kind",
                                        "i", "bytes", "segments", "messages", "bytes_out",
                                        "segments_out", "segments_again", "why", "family", "n",
                                        "reason", "id", "total", "count"), value)
                journal.lines.append({"seq": 1, "event": event, **fields, **about})
                journal.lines.append({"seq": 1, "event": event, **about, event: value})
    done = run("pmulab", "answers", journal.write(journal.path))
    assert done.status == 0, done


@pytest.mark.parametrize("args, status", [(["--help"], 0), ([], 2), (["a", "b"], 2),
                                          (["--brush"], 2)])
def test_usage(args, status):
    assert run("pmulab", "answers", *args).status == status


def test_into_a_full_disk(journal):
    journal.write(journal.path)
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("pmulab"), "answers", journal.path], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert done.stderr == "pmulab answers: stdout: No space left on device\n"
