"""`pmulab run --capture`: what Wireshark shows of a run, and what the journal says of it, are the
same, packet by packet."""
import os
import resource

import pytest

from support.box import box, events, require_box, user_names
from support.wireshark import ACK, FIN, SYN, connection, read_capture, sent_by, sizes, tshark

PYTHON = "/usr/bin/python3"
LAB = {4: "198.51.100.1:{}", 6: "[2001:db8::1]:{}"}
# The most bytes of data in a packet of 1500 bytes: with timestamps, the headers have 52 and 72.
MOST = {4: 1448, 6: 1428}
SHORT = [18] * 9 + [19] * 11

# What the server sends: the bytes of data in each of its packets. None is a number that is not the
# same each time.
EXCHANGES = {
    "at once": (("pdc", "CMD_short:0"), {4: [18, 353], 6: [18, 353]}),
    "one by one": (("pdc", "CMD_short:1"), {4: SHORT, 6: SHORT}),
    "flood": (("pdc", "CMD_floodme"), {4: [1448] * 39 + [872], 6: [1428] * 40 + [224]}),
    # Behind the answer to the upgrade: frames of 2 and 4 bytes more, and the Close frame of 4.
    "WebSocket at once": (("pdc-ws", "CMD_short:0"), {4: [None, 20, 395], 6: [None, 20, 395]}),
    "WebSocket flood": (("pdc-ws", "CMD_floodme"),
                        {4: [None] + [1448] * 39 + [880], 6: [None] + [1428] * 40 + [232]}),
    # Its handshake, session tickets, a record a message (22 bytes more), close_notify (24).
    "TLS at once": (("pdc-tls", "CMD_short:0"),
                    {4: [None, None, 40, 795], 6: [None, None, 40, 795]}),
    "TLS flood": (("pdc-tls", "CMD_floodme"), None),
}
families = pytest.mark.parametrize("family", [4, 6])


class Run:
    """A command that has run with `--capture` and `--events`."""

    def __init__(self, user, *command, options=(), **more):
        self.folder = user.folder()
        self.path = self.folder / "lab.pcap"
        self.result = box("--capture", self.path, "--events", self.folder / "lab.ndjson", *options,
                          "--", *command, user=user, cwd=self.folder, **more)
        self.events = events(self.folder / "lab.ndjson")

    def told(self, event, **fields):
        return [line for line in self.events
                if line["event"] == event
                and all(line.get(name) == value for name, value in fields.items())]


def is_whole(stream):
    """From the first SYN to what acknowledges the last FIN: two that cross are each
    acknowledged."""
    assert [packet.flags & (SYN | ACK | FIN) for packet in stream[:3]] == [SYN, SYN | ACK, ACK]
    ends = [packet for packet in stream if packet.flags & FIN and not packet.again]
    assert len({packet.source for packet in ends}) == len(ends) == 2
    assert ends[-1].target in [packet.source for packet in stream[stream.index(ends[-1]) + 1:]]
    assert (stream[-1].flags & (SYN | ACK | FIN), stream[-1].size) == (ACK, 0)
    return True


def agree(packets, run):
    """Each connection of the journal is one of the capture, with as many packets, and there is no
    other."""
    opened = run.told("open")
    assert {(line["peer"], line["local"]) for line in opened} == {
        (packet.source, packet.target) for packet in packets
        if packet.kind == "tcp" and packet.flags & SYN and not packet.flags & ACK}
    for line in opened:
        stream = connection(packets, line["peer"], line["local"])
        closed, = run.told("close", conn=line["conn"])
        assert is_whole(stream)
        assert len(sent_by(stream, line["local"])) == closed["segments_out"]
        assert len(sent_by(stream, line["peer"])) == closed["segments_in"]
        again = [packet for packet in stream
                 if packet.again and packet.size and packet.source == line["local"]]
        assert len(again) == closed["segments_again"]
    return len(opened)


@families
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_capture_and_events_agree(user, exchange, family):
    (program, command), wanted = EXCHANGES[exchange]
    run = Run(user, program, f"-{family}", command, options=("--set", "pmu.speed=20"))
    assert run.result.status == 0, run.result.stderr
    packets = read_capture(run.path)
    assert agree(packets, run) == 1

    opened, = run.told("open")
    closed, = run.told("close")
    sent = sent_by(connection(packets, opened["peer"], opened["local"]), opened["local"])
    assert max(sizes(sent)) <= MOST[family]
    assert sum(sizes(sent)) >= closed["bytes_out"]
    if wanted:
        fixed = [size if known else None for size, known in zip(sizes(sent), wanted[family])]
        assert (len(sent), fixed) == (len(wanted[family]), wanted[family])
    if program == "pdc":
        assert sum(sizes(sent)) == closed["bytes_out"]

    assert [packet for packet in packets if not packet.good] == []
    assert max(packet.length for packet in packets) <= 1514
    times = [packet.time for packet in packets]
    assert times == sorted(times)


@families
def test_each_message_with_a_pause_is_a_packet(user, family):
    """send() by send(): what the journal says of a message stands in its packet."""
    run = Run(user, "pdc", f"-{family}", "CMD_short:1", options=("--set", "pmu.speed=20"))
    opened, = run.told("open")
    sent = sent_by(connection(read_capture(run.path), opened["peer"], opened["local"]),
                   opened["local"])
    told = run.told("send")
    assert [(line["i"], line["segments"], line["bytes"], line["sent"]) for line in told] == [
        (i, i, packet.size, packet.size) for i, packet in enumerate(sent, 1)]
    # As far apart, too: d = 1, twenty times as fast.
    gaps = [later.time - earlier.time for earlier, later in zip(sent, sent[1:])]
    assert sum(gaps) == pytest.approx(told[-1]["t"] - told[0]["t"], abs=0.02)


def test_several_connections(user):
    commands = " && ".join(f"pdc -{family} {command}" for family in (4, 6)
                           for command in ("CMD_short:0", "CMD_floodme", "CMD_nonsense"))
    run = Run(user, "sh", "-c", commands.replace("CMD_nonsense", "CMD_nonsense || true"))
    assert run.result.status == 0, run.result.stderr
    assert agree(read_capture(run.path), run) == 6


@families
def test_datagrams(user, family):
    """Lost ones have been on the wire: it is behind it that the lab loses them."""
    run = Run(user, "pdc-reset", f"-{family}", "--timeout", "50ms", "--runs", "5", options=(
        "--set", "reset.family=both", "--set", "reset.loss=first:2"))
    assert run.result.status == 0, run.result.stderr
    lab = LAB[family].format(5004)
    packets = read_capture(run.path)
    assert [(packet.source, packet.size) for packet in packets if packet.target == lab] == [
        (line["peer"], line["bytes"]) for line in run.told("receive")]
    assert [(packet.target, packet.size) for packet in packets if packet.source == lab] == [
        (line["peer"], line["bytes"]) for line in run.told("reply")]
    assert len(run.told("receive")) == 7
    assert [packet for packet in packets if not packet.good] == []


def test_the_station(user):
    """From its first line on; the command's own words too."""
    run = Run(user, "tv-send", "--id", "123456", options=("--set", "tv.interval=1ms"),
              input="What a piece of work is a man!\n")
    assert run.result.status == 0, run.result.stderr
    packets = [packet for packet in read_capture(run.path) if packet.target == "224.1.1.1:5005"]
    lines = run.told("line")
    assert lines
    assert [packet.size for packet in packets if packet.source.startswith("198.51.100.1:")] == [
        line["bytes"] for line in lines]
    said, = run.told("participant")
    assert [(packet.source, packet.size) for packet in packets
            if packet.source.startswith("198.51.100.2:")] == [
        (said["peer"], 6 + said["characters"])]


# The file

FOLLOWER = """
import socket, struct, subprocess
tail = subprocess.Popen(["tail", "-c", "+1", "-f", "lab.pcap"], stdout=subprocess.PIPE)
take = tail.stdout.read
lab = socket.create_connection(("tcpip.epfl.ch", 5003))
port = lab.getsockname()[1]
take(24)
found = False
while not found:
    length, = struct.unpack("=8xI4x", take(16))
    frame = take(length)
    kind, protocol = struct.unpack_from("!H9xB", frame, 12)
    found = (kind, protocol) == (0x0800, 6) and struct.unpack_from("!H11xB", frame, 34) == (port, 2)
print("SYN of", port)
lab.sendall(b"CMD_short:0")
print(len(lab.makefile("rb").read()))
tail.kill()
"""


def test_readable_while_it_is_written(user):
    """The command reads of its own connection before it says its first word."""
    run = Run(user, PYTHON, "-c", FOLLOWER)
    assert run.result.status == 0, run.result.stderr
    opened, = run.told("open")
    assert run.result.lines == ["SYN of " + opened["peer"].split(":")[1], "371"]
    assert agree(read_capture(run.path), run) == 1


def test_tshark_follows_it(user, spawn_box):
    """As the help of `pmulab shell` has it."""
    tshark("--version")
    folder = user.folder()
    follower = spawn_box("--capture", "lab.pcap", "--", "sh", "-c",
                         "pdc CMD_short:0 >pdc.txt; "
                         "tail -f -c +1 lab.pcap | tshark -l -n -i - -Y 'tcp.len > 0'"
                         " -T fields -e tcp.len", user=user, cwd=folder)
    assert [follower.line() for _ in range(3)] == ["11", "18", "353"]


def test_the_file_is_the_users_own(user):
    run = Run(user, "true")
    status = run.path.stat()
    assert (run.result.status, status.st_uid, status.st_gid) == (0, user.uid, user.gid)
    assert status.st_mode & 0o777 == 0o644


def test_a_pipe(user):
    """Its reader comes first; what it gets is what a file would have."""
    folder = user.folder()
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    user.own(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert box("--capture", pipe, "--", "pdc", "CMD_short:0", user=user).status == 0
    copy = folder / "copy.pcap"
    with os.fdopen(reader, "rb") as stream:  # less than a pipe holds
        copy.write_bytes(stream.read())
    packets = read_capture(copy)
    assert sizes(sent_by(packets, LAB[4].format(5003))) == [18, 353]


# What goes wrong with it

def make_pipe(folder):
    os.mkfifo(folder / "pipe")



UNUSABLE = {
    "no folder": ("nowhere/lab.pcap", None, "No such file or directory"),
    "full disk": ("/dev/full", None, "No space left on device"),
    "folder": (".", None, "Is a directory"),
    "pipe without a reader": ("pipe", make_pipe, "nobody reads this pipe; start its reader first"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_no_capture_no_run(user, case):
    path, prepare, why = UNUSABLE[case]
    folder = user.folder()
    if prepare:
        prepare(folder)
        user.own(folder / path)
    result = box("--capture", path, "--", "touch", "ran", user=user, cwd=folder)
    assert (result.status, result.stdout, result.stderr) == (
        125, "", f"pmulab run: {path}: {why}\n")
    assert not (folder / "ran").exists()


def test_a_folder_of_somebody_elses(everybody):
    """Whoever may make the network may not write where their user may not."""
    user = everybody[user_names()[-1]]
    require_box(user)
    result = box("--capture", "/lab.pcap", "--", "true", user=user)
    assert (result.status, result.stderr) == (125, "pmulab run: /lab.pcap: Permission denied\n")


@pytest.mark.parametrize("own, status", [(0, 125), (3, 3)])
def test_full_in_the_middle(user, own, status):
    """The command is not disturbed, and its own failure comes first; the file ends with a whole
    frame."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))

    folder = user.folder()
    result = box("--capture", "lab.pcap", "--", "sh", "-c", f"pdc CMD_floodme && exit {own}",
                 user=user, cwd=folder, preexec_fn=limit)
    assert (result.status, len(result.stdout)) == (status, 57344)
    complaint = result.stderr.splitlines()[-1]
    packets = read_capture(folder / "lab.pcap")
    assert f"pmulab run: lab.pcap: File too large: the first {len(packets)} frames are in it, " \
        in complaint
    assert (folder / "lab.pcap").stat().st_size <= 20000
