"""`pmulab loss`: the preview shows what the socket does, and the statistics say what the journal
tells."""
import json
import os
import pty
import socket
import subprocess

import pytest

from support.lab import DEADLINE, program, run

FATES_OF_7 = (".x.x.xxx..x..x...x.x.xxxxxx.x.xx.x..xx....x.xxxx.x"
              "x..xx.x.xx...x.xx.xx.xx..xx.xxx...xx....xx.....x.x")


def preview(*args, status=0):
    done = run("pmulab", "loss", "preview", *args)
    assert done.status == status, done
    return done


def stats(*args, **kwargs):
    return run("pmulab", "loss", "stats", *args, **kwargs)


# preview


def test_preview():
    done = preview("--seed", 7)
    assert done.stdout == FATES_OF_7 + "\n"
    assert done.stderr.splitlines() == [
        "reset, requests over IPv4, seed 7: 50%",
        "lost 51 of 100 (51%) in 28 runs, mean run 1.82, longest 6",
        "expected: 50% lost, mean run 2",
    ]


@pytest.mark.parametrize("options, fates, expected", [
    (["--loss", "none", "-n", 5], ".....", "expected: nothing is lost"),
    (["--loss", "100%", "-n", 5], "xxxxx", "expected: sooner or later all are lost"),
    (["--loss", "list:1,2,5", "-n", 6], "xx..x.", "expected: 3 lost in all, mean run 1.5"),
    (["--loss", "first:2", "-n", 1], "x", "expected: 2 lost in all, mean run 2"),
    (["--loss", "pattern:xx.,max-run=1", "-n", 6], "x..x..", "expected: 33.33% lost, mean run 1"),
    (["--endpoint", "udp-print", "-n", 3], "...", "expected: nothing is lost"),
])
def test_preview_exactly(options, fates, expected):
    done = preview(*options)
    assert done.stdout == fates + "\n"
    assert done.stderr.splitlines()[-1] == expected


def test_preview_by_what_chance_depends_on():
    options = [[], ["--seed", 8], ["--endpoint", "tv"], ["--family", 6], ["--direction", "reply"]]
    shown = {preview("--seed", 7, "--loss", "50%", *more).stdout for more in options}
    assert len(shown) == len(options)
    assert preview("--seed", 7, "--loss", "50%", "-n", 50).stdout == FATES_OF_7[:50] + "\n"


def test_preview_of_the_station():
    done = preview("--seed", 7, "--loss", "50%", "--endpoint", "tv")
    assert done.stderr.startswith("tv, replies over IPv4, seed 7: 50%\n")
    assert done.stdout == preview("--seed", 7, "--loss", "50%", "--direction", "reply",
                                  "--endpoint", "tv").stdout
    for options in (["--endpoint", "tv", "--direction", "request"],
                    ["--direction", "request", "--endpoint", "tv"]):
        refused = preview(*options, status=2)
        assert refused.stderr == ("pmulab loss preview: --direction: tv loses nothing that it "
                                  "hears; its lines and answers are reply\n")


def test_preview_tells_the_seed_it_drew():
    one, two = preview(), preview()
    seed = one.stderr.split("seed ")[1].split(":")[0]
    assert preview("--seed", seed).stdout == one.stdout != two.stdout


def test_preview_on_a_terminal():
    terminal, end = pty.openpty()
    done = subprocess.run([program("pmulab"), "loss", "preview", "--seed", "7"],
                          stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.PIPE,
                          timeout=DEADLINE)
    os.close(end)
    shown = os.read(terminal, 1000).decode()
    os.close(terminal)
    assert done.returncode == 0
    assert shown == f"{FATES_OF_7[:50]}\r\n{FATES_OF_7[50:]}\r\n"


@pytest.mark.parametrize("options, error", [
    (["--loss", "30"], '--loss: "30" could be percent or a fraction; write 30% or 0.3'),
    (["--loss", "burst:90%,2"],
     "--loss: burst: with a mean run of 2 at most 66.6666666% can be lost, "
     "since one gets through between two runs"),
    (["--seed", "-1"], '--seed: "-1" is not a whole number from 0 to 9223372036854775807'),
    (["--seed", "9223372036854775808"],
     '--seed: "9223372036854775808" is not a whole number from 0 to 9223372036854775807'),
    (["--endpoint", "pmu"],
     '--endpoint: there is no endpoint "pmu" with datagrams; there are udp-print, reset, tv'),
    (["--family", "5"], '--family: "5" is neither 4 nor 6'),
    (["--direction", "up"], '--direction: "up" is neither request nor reply'),
    (["-n", "0"], "-n: 0 is outside of 1..10000000"),
    (["more"], '"more" is too much; see pmulab loss preview --help'),
])
def test_preview_refuses(options, error):
    done = preview(*options, status=2)
    assert done.stdout == ""
    assert done.stderr == f"pmulab loss preview: {error}\n"


def test_preview_into_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("pmulab"), "loss", "preview"], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert done.stderr == "pmulab loss preview: stdout: No space left on device\n"


@pytest.mark.parametrize("args, status", [
    ([], 2), (["--help"], 0), (["brush"], 2), (["preview", "--help"], 0), (["stats", "--help"], 0),
    (["stats"], 2), (["stats", "a", "b"], 2)])
def test_usage(args, status):
    assert run("pmulab", "loss", *args).status == status


# the socket does the same, and the statistics find it again


@pytest.mark.parametrize("loss, direction", [
    ("burst:30%,4", "request"), ("gemodel:10%,40%,70%,5%", "reply"), ("50%,max-run=2", "both")])
def test_socket_does_what_was_shown(start_lab, tmp_path, loss, direction):
    count = 200
    lab = start_lab("--seed", 7, "--set", f"reset.loss={loss}", "--set", "reset.family=4", "--set",
                    f"reset.direction={direction}", "reset")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect(lab.address("reset"))
        for n in range(1, count + 1):
            peer.send(b"RESET:20")
            lab.wait(event="receive", n=n)
    lab.stop()
    # Only requests that arrive are answered, and only answers can be lost on their way back.
    total = count
    for way in ("request", "reply"):
        lost = {event["n"] for event in lab.events(event="drop", direction=way)}
        if direction in (way, "both"):
            shown = preview("--seed", 7, "--loss", loss, "--direction", way,
                            "-n", total).stdout.strip()
            assert lost == {n for n, fate in enumerate(shown, 1) if fate == "x"}
        else:
            assert lost == set()
        total -= len(lost)

    journal = tmp_path / "lab.ndjson"
    journal.write_text("".join(json.dumps(event) + "\n" for event in lab.events()))
    done = stats(journal)
    assert done.status == 0 and done.stderr == ""
    requests, replies = (line.split() for line in done.lines[1:])
    assert requests[:4] == ["reset", "IPv4", "request", str(count)]
    assert replies[:4] == ["reset", "IPv4", "reply", str(count - int(requests[4]))]
    assert requests[-1] == ("none" if direction == "reply" else loss)
    assert replies[-1] == ("none" if direction == "request" else loss)


# stats


def events(*flows, config=None):
    """Lines of a journal: flows are (endpoint, family, direction, fates)."""
    lines = [{"t": 0, "seq": 1, "event": "start", "seed": 7, "config": config or {}}]
    for endpoint, family, direction, fates in flows:
        for n, fate in enumerate(fates, 1):
            about = {"endpoint": endpoint, "family": family, "n": n}
            if direction == "request":
                lines.append({"event": "receive", **about})
            if fate == "x":
                lines.append({"event": "drop", "direction": direction, "reason": "loss",
                              "model": "random", **about})
            elif direction == "reply":
                lines.append({"event": "reply", **about})
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_stats():
    done = stats("-", input=events(
        ("reset", 6, "reply", "x..."), ("reset", 4, "request", "x.xx..xxx." * 10),
        ("reset", 4, "reply", "...."), ("reset", 6, "request", "xxxx"),
        config={"reset.loss": "burst:30%,4", "reset.direction": "request"}))
    assert done.status == 0, done
    assert done.stderr == ""
    assert [" ".join(line.split()) for line in done.lines] == [
        "endpoint family direction datagrams lost loss 95% interval mean run longest "
        "fitted expected configured",
        "reset IPv4 request 100 60 60.0% 50.2 to 69.1% 2.00 3 "
        "burst:60.0%,2.00 30%, run 4 burst:30%,4",
        "reset IPv4 reply 4 0 0.0% 0.0 to 49.0% 0.00 0 none 0% none",
        "reset IPv6 request 4 4 100.0% 51.0 to 100.0% 4.00 4 "
        "burst:100.0%,4.00 30%, run 4 burst:30%,4",
        "reset IPv6 reply 4 1 25.0% 4.6 to 69.9% 1.00 1 burst:25.0%,1.00 0% none",
    ]
    last = done.lines[0].index("configured")
    assert [line[last:] for line in done.lines[1:]] == ["burst:30%,4", "none", "burst:30%,4",
                                                        "none"]


@pytest.mark.parametrize("config, expected", [
    ({}, ["?", "?"]),
    ({"reset.loss": "list:1,2,5"}, ["3", "in", "all", "list:1,2,5"]),
    ({"reset.loss": "100%"}, ["100%", "100%"]),
    ({"reset.loss": "none"}, ["0%", "none"]),
    ({"reset.loss": "of another version"}, ["?", "of", "another", "version"]),
    ({"reset.loss": "50%", "reset.direction": "both"}, ["50%,", "run", "2", "50%"]),
])
def test_stats_beside_the_configuration(config, expected):
    done = stats("-", input=events(("reset", 4, "request", "x.."), config=config))
    assert done.lines[1].split()[12:] == expected


@pytest.mark.parametrize("fates, fitted", [
    ("xxxx.....xx....", "burst:40.0%,3.00"), ("....", "none"), ("xxxx", "burst:100.0%,4.00"),
    ("xxxx.xxxx", "88.9%")])
def test_stats_fit_can_be_set_again(fates, fitted):
    done = stats("-", input=events(("reset", 4, "request", fates)))
    assert done.lines[1].split()[11] == fitted
    preview("--loss", fitted)


def test_stats_without_a_start():
    done = stats("-", input='{"event":"receive","endpoint":"reset","family":4,"n":1}\n')
    assert done.status == 0 and done.lines[1].split()[3:5] == ["1", "0"]


def test_stats_in_any_order_and_of_other_reasons():
    """A datagram counts once, and a drop that is not chance is none of the network's."""
    lines = events(("reset", 4, "request", "xx.x")).splitlines()
    lines[1:] = reversed(lines[1:])
    drop = {"event": "drop", "endpoint": "reset", "family": 4, "direction": "request"}
    for n, reason in ((3, "too many are delayed"), (0, "not served"), (1, "too late")):
        lines.append(json.dumps({**drop, "n": n, "reason": reason}))
    lines.append('{"event":"tomorrow","n":[]}')
    done = stats("-", input="\n".join(lines) + "\n")
    row = done.lines[1].split()
    assert row[3:6] == ["4", "3", "75.0%"] and row[9:11] == ["1.50", "2"]


def test_stats_of_the_station():
    lines = [{"event": "line", "endpoint": "tv", "n": n} for n in (1, 2)]
    lines.append({"event": "answer", "endpoint": "tv", "n": 4})
    lines.append({"event": "drop", "endpoint": "tv", "family": 4, "direction": "reply", "n": 3,
                  "reason": "loss"})
    done = stats("-", input="".join(json.dumps(line) + "\n" for line in lines))
    assert done.lines[1].split()[:6] == ["tv", "IPv4", "reply", "4", "1", "25.0%"]


def test_stats_tell_what_is_missing():
    lines = events(("reset", 4, "request", "xx.xx.xx")).splitlines()
    lines = [line for line in lines if '"n": 3' not in line and '"n": 6' not in line]
    lines.append('{"event":"repeated","endpoint":"reset","peer":"127.0.0.1","count":51230}')
    lines.append('{"event":"lost","count":54,"from":111}')
    done = stats("-", input="\n".join(lines) + "\n")
    assert done.status == 0
    assert done.lines[1].split()[9:11] == ["2.00", "2"]  # a run ends where numbers are missing
    assert done.stderr.splitlines() == [
        "pmulab loss stats: reset, IPv4, request: 2 of 8 datagrams are not told of",
        "pmulab loss stats: 51230 datagrams were only counted, since their senders sent so many",
        "pmulab loss stats: 54 events are missing in the file",
    ]


def test_stats_of_a_file_that_is_cut_off():
    done = stats("-", input=events(("reset", 4, "request", "x.")) + '{"event":"rec')
    assert done.status == 0 and done.lines[1].split()[3:5] == ["2", "1"]
    assert done.stderr == "pmulab loss stats: -:5: the last line is cut off, and left out\n"


@pytest.mark.parametrize("text, error", [
    ("", "- tells of no datagrams"),
    ('{"event":"start","config":{}}\n', "- tells of no datagrams"),
    ("\n", "-:1: this is no event: "),
    ('{"event":"start"}\n[1]\n', "-:2: this is no event: no object"),
    ("Hamlet\n", "-:1: this is no event: "),
    ('{"event":"\x1b[2J\n', "-:1: this is no event: "),
    ("[" * 100000 + "\n", "-:1: this is no event: "),
    ('{"event":"start","config":{}}\n' * 2,
     "-:2: a second run begins here; one file for each, please"),
])
def test_stats_refuse(text, error):
    done = stats("-", input=text)
    assert done.status == 1 and done.stdout == ""
    assert done.stderr.startswith(f"pmulab loss stats: {error}") and done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_stats_survive_fields_of_other_kinds():
    fields = {"event": "receive", "endpoint": "reset", "family": 4, "n": 1}
    lines = [{**fields, name: wrong} for name in fields
             for wrong in (None, "x", -1, 0, 1.5, 2**62, [], {}, True)]
    lines.append({"event": "start", "config": [1]})
    assert stats("-", input="".join(json.dumps(line) + "\n" for line in lines)).status == 0


def test_stats_of_no_file(tmp_path):
    done = stats(tmp_path / "none")
    assert done.status == 1
    assert done.stderr == f"pmulab loss stats: {tmp_path}/none: No such file or directory\n"
    done = stats(tmp_path)
    assert done.status == 1
    assert done.stderr == f"pmulab loss stats: {tmp_path}: Is a directory\n"
