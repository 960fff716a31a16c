"""The television station: what its group hears, and what it hears of its group."""
import random
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.lab import SANITIZED, program, run
from support.multicast import Member, Speaker

REWIND = b"swcmTVRWND..."
MIB = 1 << 20
# In a network of its own, where 192.0.2.7 is the machine's own and nothing leads anywhere else.
ALONE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c",
         'ip link set lo up && ip address add 192.0.2.7/32 dev lo && exec "$@"', "sh")


@pytest.fixture
def start_tv(start_lab, tmp_path):
    """start_tv(text, *settings): a lab with nothing but a quick station that says `text`."""

    def start(text="one\n\ntwo\n", *settings, quick=True):
        play = tmp_path / "play.txt"
        play.write_bytes(text if isinstance(text, bytes) else text.encode())
        settings = [f"tv.text={play}", *(["tv.interval=1ms"] if quick else []), *settings]
        return start_lab("--seed", 7,
                         *(option for setting in settings for option in ("--set", setting)), "tv")

    return start


@pytest.fixture
def quiet_tv(start_tv):
    """A station that says its first line and nothing more in the time of a test."""
    return start_tv("one\ntwo\n", "tv.interval=1h", quick=False)


def is_answer(data):
    return data.startswith(b"swcmTV@")


def totals(lab):
    lab.stop()
    return lab.events(event="stop")[0]["endpoints"]["tv"]


# What it says

def test_the_play_from_the_start_to_the_rewinding_and_again(start_tv):
    lab = start_tv("ACT I\n\nWho's there?\r\n\xc9lan\n")
    with Member(lab) as member:
        member.hear_until(REWIND)
        for _ in range(3):
            assert member.hear_until(REWIND) == [b"swcmTVACT I", b"swcmTV", b"swcmTVWho's there?",
                                                 "swcmTV\xc9lan".encode(), REWIND]


def test_three_intervals_of_silence_behind_the_rewinding(start_tv):
    lab = start_tv("one\ntwo\n", "tv.interval=100ms", quick=False)
    lines = lab.wait_all(6, event="line")
    assert [line["text"] for line in lines] == ["swcmTVone", "swcmTVtwo", REWIND.decode()] * 2
    assert all(line["t"] > due - 0.01 for line, due in zip(lines, (0, 0.1, 0.2, 0.5, 0.6, 0.7)))


def test_every_line_is_an_event(start_tv):
    lab = start_tv()
    lines = lab.wait_all(4, event="line")
    assert [(line["n"], line["bytes"], line["text"]) for line in lines[:4]] == [
        (1, 9, "swcmTVone"), (2, 6, "swcmTV"), (3, 9, "swcmTVtwo"), (4, 13, "swcmTVRWND...")]
    assert totals(lab)["lines"] == len(lab.events(event="line"))


def test_hamlet_is_built_in(start_lab):
    lab = start_lab("--set", "tv.interval=1ms", "tv")
    with Member(lab) as member:
        member.hear_until(REWIND)
        play = b"\n".join(line.removeprefix(b"swcmTV") for line in member.hear_until(REWIND)[:-1])
    assert play.startswith(b"ACT I\n\nSCENE I. Elsinore.") and b"Who's there?" in play


def test_a_long_line_is_cut_between_characters(start_tv):
    line = "\u20ac" * 1000
    lab = start_tv(f"{line}\nend\n")
    with Member(lab) as member:
        member.hear_until(REWIND)
        heard = member.hear_until(REWIND)
    assert [len(data) for data in heard] == [1470, 1470, 78, 9, 13]
    assert "".join(data[6:].decode() for data in heard[:3]) == line


def test_another_id_and_group(start_tv):
    lab = start_tv("one\n", "tv.id=123456", "tv.group=239.1.2.3")
    assert lab.env["PMULAB_TV_GROUP"] == "239.1.2.3"
    with Member(lab) as member:
        assert set(member.hear_until(b"123456RWND...")) <= {b"123456one", b"123456RWND..."}


# Nothing leaves the machine

def test_only_the_loopback_interface_and_no_hop(start_tv):
    lab = start_tv()
    with Member(lab) as member:
        for _ in range(10):
            heard = member.receive()
            assert (heard.source[0], heard.ttl, heard.interface) == (
                "127.0.0.1", 0, socket.if_nametoindex("lo"))
    assert lab.events(event="error") == []


def test_the_group_is_joined_on_the_loopback_interface_alone(quiet_tv):
    port = f"{quiet_tv.port('tv'):04X}"
    sockets = [line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()]
    assert [local for local in sockets if local.endswith(f":{port}")] == [f"010101E0:{port}"]
    joined, interface = set(), None
    for line in Path("/proc/net/igmp").read_text().splitlines()[1:]:
        words = line.split()
        if line[0].isdigit():
            interface = words[1]
        elif words[0] == "010101E0":
            joined.add(interface)
    assert joined == {"lo"}


def test_who_has_not_joined_hears_nothing(start_tv):
    lab = start_tv()
    with Member(lab) as member, Member(lab, join=False) as stranger:
        member.hear_until(REWIND)
        member.hear_until(REWIND)
        assert stranger.has_heard_nothing()


def test_a_ttl_prints_one_line_of_warning(start_tv):
    lab = start_tv("one\n", "tv.ttl=1")  # on the loopback interface
    warnings = lab.wait_all(1, event="error")
    assert [(event["fault"], event["what"]) for event in warnings] == [
        ("configuration",
         "warning: with tv.interface=127.0.0.1 and tv.ttl=1 what the station sends still stays "
         "on this machine")]
    with Member(lab) as member:
        member.hear_until(REWIND)
        assert member.hear_until(REWIND) == [b"swcmTVone", REWIND]  # each once
    lab.stop()
    assert lab.output.count("warning") == 1


def test_quiet_still_warns():
    with subprocess.Popen([program("pmulab"), "serve", "-q", "--ephemeral", "--set", "tv.ttl=1",
                           "tv"], stderr=subprocess.PIPE, text=True) as lab:
        try:
            assert "warning: with tv.interface=127.0.0.1 and tv.ttl=1" in lab.stderr.readline()
        finally:
            lab.terminate()
        assert lab.stderr.read() == ""


def test_a_group_that_is_none_is_warned_of(start_lab):
    lab = start_lab("--set", "tv.group=127.0.0.1", "tv")
    [warning] = lab.wait_all(1, event="error")
    assert warning["fault"] == "configuration"
    assert warning["what"].startswith("warning: tv.group=127.0.0.1 is no multicast address")
    lab.wait_all(2, event="line")
    assert lab.events(event="participant") == []  # what it sends to itself is its own


@pytest.mark.parametrize("group", ["192.0.2.7", "0.0.0.0", "255.255.255.255", "223.255.255.255",
                                   "240.0.0.1"])
def test_a_host_that_the_loopback_interface_cannot_reach(group):
    """Refused at the start, before anything is sent anywhere."""
    result = run("pmulab", "serve", "--ephemeral", "--set", f"tv.group={group}", "tv", prefix=ALONE)
    assert result.status == 2
    assert result.stderr.startswith(f"pmulab serve: tv.group={group} is no multicast address and "
                                    "cannot be reached from tv.interface=127.0.0.1; ")
    assert "--set tv.interface=ADDRESS" in result.stderr and result.stderr.count("\n") == 1


def test_a_host_on_an_interface_that_was_named(start_lab):
    lab = start_lab("--set", "tv.group=192.0.2.7", "--set", "tv.interface=192.0.2.7", "tv",
                    prefix=ALONE)
    warnings = lab.wait_all(2, event="error")
    assert warnings[0]["what"].startswith("warning: tv.group=192.0.2.7 is no multicast address")
    lab.wait_all(2, event="line")
    assert lab.events(event="error") == warnings  # each line was sent


def test_an_interface_that_is_none():
    result = run("pmulab", "serve", "--ephemeral", "--set", "tv.interface=192.0.2.1", "tv")
    assert result.status == 3
    assert result.stderr.startswith("pmulab serve: tv: 224.1.1.1:0 on the interface of 192.0.2.1: "
                                    "cannot join the group")
    assert "--set tv.interface=ADDRESS" in result.stderr and result.stderr.count("\n") == 1


def test_a_port_that_somebody_keeps_for_himself():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("224.1.1.1", 0))  # without SO_REUSEADDR
        port = other.getsockname()[1]
        result = run("pmulab", "serve", "--set", f"tv.port={port}", "tv")
    assert result.status == 3
    assert result.stderr.startswith(f"pmulab serve: tv: 224.1.1.1:{port} ") \
        and result.stderr.count("\n") == 1
    assert "--set tv.port=N" in result.stderr


def test_a_receiver_that_was_there_before(spawn):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("", 0))
        port = other.getsockname()[1]
        station = spawn("pmulab", "serve", "--set", f"tv.port={port}", "tv")
        assert station.error_line().startswith("pmulab ")
        assert station.error_line() == f"tv       listens on 224.1.1.1:{port}"
        station.signal(signal.SIGTERM)
        assert station.finish().status == 0


def test_several_receivers_beside_it(quiet_tv):
    with Member(quiet_tv) as one, Member(quiet_tv) as two, Speaker(quiet_tv) as speaker:
        speaker.say(b"123456hello")
        assert one.hear() == two.hear() == b"123456hello"
        assert quiet_tv.wait(event="participant")["text"] == "hello"


# What it hears

def test_a_participant(quiet_tv):
    with Speaker(quiet_tv) as speaker:
        speaker.say("123456\xe9t\xe9\0".encode(), b"123456", b"123456to be")
        heard = quiet_tv.wait_all(3, event="participant")
        assert {(event["peer"], event["id"]) for event in heard} == {(speaker.name, "123456")}
        assert [(event["characters"], event["total"], event["text"]) for event in heard] == [
            (4, 4, "\xe9t\xe9\\x00"), (0, 4, ""), (5, 9, "to be")]
    assert totals(quiet_tv) == {"lines": 1, "heard": 3, "missed": 0, "participants": 1,
                                "answers": 0, "dropped": 0, "errors": 0}


def test_what_a_participant_says_is_recorded_whole(quiet_tv):
    text = "What a piece of work is a man! " * 47
    with Speaker(quiet_tv) as speaker:
        speaker.say(b"123456" + text.encode(), b"123456" + b"x" * 60000)
    heard = quiet_tv.wait_all(2, event="participant")
    assert heard[0]["text"] == text
    assert heard[1]["characters"] == 60000 and heard[1]["text"] == "x" * 1472 + "..."


def test_an_answer_for_more_than_300_characters(quiet_tv):
    with Member(quiet_tv) as member, Speaker(quiet_tv) as speaker:
        speaker.say(b"123456" + b"x" * 150, b"123456" + "\xe9".encode() * 150, b"123456y",
                    b"123456z")
        heard = member.hear_until(is_answer)
        assert heard[-1].startswith(b"swcmTV@123456: Thank you")
        answer = quiet_tv.wait(event="answer")
        assert answer["id"] == "123456" and answer["peer"] == speaker.name
        assert b"swcmTV" + answer["text"].encode() == heard[-1]
        assert answer["n"] == quiet_tv.events(event="line")[-1]["n"] + 1
        # for the 301st character, not before
        assert quiet_tv.wait(event="participant", after=answer["seq"])["text"] == "z"
        assert quiet_tv.events(event="participant", text="y")[0]["seq"] == answer["seq"] - 1
    assert totals(quiet_tv)["answers"] == 1


def test_two_participants_are_counted_apart(quiet_tv):
    with Member(quiet_tv) as member, Speaker(quiet_tv) as one, Speaker(quiet_tv) as two:
        for _ in range(7):
            one.say(b"123456" + b"x" * 100)
            two.say(b"654321" + b"y" * 100)
        two.say(b"000000")
        quiet_tv.wait(event="participant", id="000000")
        assert [event["id"] for event in quiet_tv.events(event="answer")] == \
            ["123456", "654321"] * 2
        two.say(b"000001")  # behind all answers; the station is not as quick as those who speak
        heard = [data[:13] for data in member.hear_until(b"000001") if is_answer(data)]
        assert heard == [b"swcmTV@123456", b"swcmTV@654321"] * 2
    # each gets another riddle the second time, and what it gets is the seed's
    texts = [event["text"] for event in quiet_tv.events(event="answer")]
    assert len(set(texts)) == 4


def test_a_run_repeats(start_tv):
    def answers():
        lab = start_tv("one\n", "tv.interval=1h", quick=False)
        with Speaker(lab) as speaker:
            speaker.say(*(b"%06d" % number + b"x" * 301 for number in range(20)))
        texts = [event["text"] for event in lab.wait_all(20, event="answer")]
        lab.stop()
        return texts

    first = answers()
    assert first == answers()
    assert len({text.split("!", 1)[1] for text in first}) > 5


def test_its_own_datagrams_are_never_counted(start_tv):
    lab = start_tv("x" * 1000)
    with Speaker(lab) as speaker:
        lab.wait_all(20, event="line")
        speaker.say(b"123456")  # behind 20 lines of its own
        lab.wait(event="participant")
    assert lab.events(event="answer") == [] and lab.events(event="error") == []
    assert totals(lab)["heard"] == 1


NO_ID = "the ID is missing: "
NOT_UTF8 = "this is not UTF-8: "
SHORT = "too short: "


@pytest.mark.parametrize("datagram,what", [
    (b"", SHORT), (b"12345", SHORT), (b"123456\xe9", NOT_UTF8),
    (b"123456" + "\u20ac".encode()[:2], NOT_UTF8),
    (b"\xff" * 1472, NOT_UTF8), (b"123456" + b"\x80" * 60000, NOT_UTF8),
], ids=lambda value: repr(value[:20]))
def test_what_is_no_participants(quiet_tv, datagram, what):
    with Speaker(quiet_tv) as speaker:
        speaker.say(datagram, b"123456hello")
        error = quiet_tv.wait(event="error")
        assert error["fault"] == "peer" and error["what"].startswith(what) \
            and error["peer"] == speaker.name
        assert quiet_tv.wait(event="participant")["total"] == 5
    with Member(quiet_tv) as member:
        assert member.has_heard_nothing()
    assert totals(quiet_tv) == {"lines": 1, "heard": 2, "missed": 0, "participants": 1,
                                "answers": 0, "dropped": 0, "errors": 1}


@pytest.mark.parametrize("id, shown, answered", [
    (b"To be ", "To be ", b"To be "), (b"12345\n", "12345\\n", b"12345?"),
    (b"\0" * 6, "\\x00" * 6, b"??????"), ("h\xe9las".encode(), "h\\xc3\\xa9las", b"h??las"),
    ("12345\xe9".encode(), "12345\\xc3", b"12345?"), (b"      ", "      ", b"      "),
], ids=lambda value: repr(value))
def test_an_id_of_any_bytes_is_a_participants(quiet_tv, id, shown, answered):
    """Counted and answered like others, and told once that it looks like text."""
    with Member(quiet_tv) as member, Speaker(quiet_tv) as speaker:
        speaker.say(id + b"x" * 200, id + b"y" * 101)
        assert member.hear_until(is_answer)[-1].startswith(b"swcmTV@" + answered + b": Thank you")
        answer = quiet_tv.wait(event="answer")
        assert answer["id"] == shown
        error, = quiet_tv.events(event="error")
        assert error["fault"] == "peer" and error["what"].startswith(NO_ID) \
            and error["peer"] == speaker.name
    assert [event["total"] for event in quiet_tv.events(event="participant", id=shown)] == [
        200, 301]
    assert totals(quiet_tv)["participants"] == 1


def test_a_text_that_reads_on_behind_the_id(quiet_tv):
    with Speaker(quiet_tv) as speaker:
        speaker.say(b"Something is rotten", b"Something is rotten", b"123456")
        quiet_tv.wait(event="participant", id="123456")
    assert [event["what"].split(";")[0] for event in quiet_tv.events(event="error")] == [
        "the ID reads like the beginning of the text"]  # once is enough
    assert [event["total"] for event in quiet_tv.events(event="participant", id="Someth")] == [
        13, 26]


def test_somebody_uses_the_stations_id(quiet_tv):
    with Speaker(quiet_tv) as speaker:
        speaker.say(b"swcmTV" + b"x" * 400, b"123456")
        quiet_tv.wait(event="participant", id="123456")
    assert quiet_tv.events(event="participant")[0]["id"] == "swcmTV"
    assert quiet_tv.events(event="error")[0]["what"].startswith(
        "somebody else uses the station's own ID")
    assert quiet_tv.events(event="answer") == []


def test_people_read_it_safely(start_lab):
    lab = start_lab("--set", "tv.interval=1h", "tv")
    with Speaker(lab) as speaker:
        speaker.say("123456\x1b[31m \xe9 \x9b31m \u202e \u20ac".encode())
        lab.wait(event="participant")
    lab.stop()
    said = [line for line in lab.output.splitlines() if "123456" in line]
    assert said[0].endswith("says \"\\x1b[31m \xe9 \\xc2\\x9b31m \\xe2\\x80\\xae \u20ac\" "
                            "(16 characters, 16 so far)")
    assert "ACT I" not in lab.output  # the play only with -v


# An imperfect network

def test_all_is_lost(start_tv):
    lab = start_tv("one\n", "tv.loss=100%")
    with Member(lab) as member, Speaker(lab) as speaker:
        speaker.say(b"123456" + b"x" * 301)
        drop = lab.wait(event="drop", peer=speaker.name)
        assert (drop["direction"], drop["family"], drop["reason"]) == ("reply", 4, "loss")
        lab.wait_all(20, event="drop", after=drop["seq"])
        assert member.hear()[:6] == b"123456"  # its own, which no network of the lab's has lost
        assert member.has_heard_nothing()
    assert totals(lab)["lines"] == totals(lab)["answers"] == 0
    assert [event["n"] for event in lab.events(event="drop")] == list(
        range(1, len(lab.events(event="drop")) + 1))


def test_exactly_these_are_lost(start_tv):
    lab = start_tv("one\ntwo\nthree\n", "tv.loss=list:2,3")
    assert [(event["n"], event["text"]) for event in lab.wait_all(2, event="line")[:2]] == [
        (1, "swcmTVone"), (4, "swcmTVRWND...")]


def test_duplicates_and_delays(start_tv):
    lab = start_tv("one\n", "tv.duplicate=100%", "tv.delay=1ms")
    with Member(lab) as member:
        member.hear_until(REWIND)
        heard = member.hear_until(lambda data: data == REWIND and member.hear() == REWIND)
        assert b"swcmTVone" in heard
    assert lab.wait(event="duplicate")["direction"] == "reply"
    assert lab.wait(event="delay")["seconds"] == 0.001


def test_a_bit_is_flipped(start_tv):
    lab = start_tv("one\n", "tv.corrupt=100%")
    with Member(lab) as member:
        heard = member.hear()
    flipped = [sum(bin(a ^ b).count("1") for a, b in zip(heard, sent))
               for sent in (b"swcmTVone", REWIND) if len(sent) == len(heard)]
    assert flipped == [1]
    assert lab.wait(event="line")["text"] == "swcmTVone"  # as it was before


def test_what_is_delayed_is_lost_at_the_end(start_tv):
    lab = start_tv("one\n", "tv.interval=1h", "tv.delay=60s", quick=False)
    lab.wait(event="delay")
    assert totals(lab)["dropped"] == 1
    assert lab.events(event="drop")[0]["reason"] == "the lab has stopped"


# Enemies

def test_rubbish(quiet_tv):
    chance = random.Random(5005)
    with Member(quiet_tv) as member, Speaker(quiet_tv) as speaker:
        for _ in range(20):
            speaker.say(*(chance.randbytes(chance.choice((0, 1, 5, 6, 7, 100, 1472, 60000)))
                          for _ in range(10)))
            marker = b"%06d" % chance.randrange(10**6)
            speaker.say(marker + b"x" * 301)
            member.hear_until(lambda data: data.startswith(b"swcmTV@" + marker))


def test_a_crowd_of_100_000(quiet_tv):
    """It is remembered as far as memory goes: 65,536 of them."""
    step, before = 100, quiet_tv.memory()
    with Member(quiet_tv) as member, Speaker(quiet_tv) as speaker:
        for first in range(0, 100_000, step):
            speaker.say(*(b"%06d" % number for number in range(first, first + step)))
            speaker.say(b"marker" + b"X" * 301)  # answered: the others have been heard
            member.hear_until(is_answer)
        grown = quiet_tv.memory() - before
    stop = totals(quiet_tv)
    assert stop["participants"] == 100_001 and stop["answers"] == 100_000 // step
    assert sum(event["count"] for event in quiet_tv.events(event="forget")) == 100_001 - 65536
    assert grown < 8 * MIB or SANITIZED
    # All participants have one address, so most of their events are folded.
    folded = sum(event["count"] for event in quiet_tv.events(event="repeated"))
    assert folded > 90_000
    assert folded + len(quiet_tv.events(event="participant")) == 100_000 + 100_000 // step


# Configuration

@pytest.mark.parametrize("content,why", [
    (b"", "the file is empty"), (b"fine\n\xe9t\xe9\n", "line 2 is not UTF-8"),
    (b"x" * (MIB + 1), "is larger than 1048576"), (None, "No such file or directory"),
], ids=["empty", "latin-1", "large", "missing"])
def test_a_play_that_is_no_good(tmp_path, content, why):
    play = tmp_path / "play.txt"
    if content is not None:
        play.write_bytes(content)
    result = run("pmulab", "serve", "--ephemeral", "--set", f"tv.text={play}", "tv")
    assert result.status == 2
    assert "tv.text: " in result.stderr and why in result.stderr and result.stderr.count("\n") == 1


def test_reorder_needs_a_delay():
    result = run("pmulab", "serve", "--ephemeral", "--set", "tv.reorder=10%", "tv")
    assert result.status == 2 and result.stderr.startswith("pmulab serve: tv")
