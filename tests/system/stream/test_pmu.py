"""What the PMU says over each carrier: the facts that decide whether real clients work."""
import socket
import ssl
import time
from pathlib import Path

import pytest

from support.frames import BINARY, CONTINUATION, TEXT, frame
from support.lab import DEADLINE, ROOT
from support.peers import BYTE_STREAMS, CARRIERS, WEBSOCKETS, connect, is_websocket, messages

ERROR = 'ERROR expected CMD_short:<seconds> or CMD_floodme, got "{}"\n'

every_carrier = pytest.mark.parametrize("carrier", CARRIERS)
byte_streams = pytest.mark.parametrize("carrier", BYTE_STREAMS)
websockets = pytest.mark.parametrize("carrier", WEBSOCKETS)


@pytest.fixture
def fast_lab(start_lab):
    """A second lasts 10 ms, and there are 3 messages."""
    return start_lab("--set", "pmu.speed=100", "--set", "pmu.messages=3", "--set", "pmu.rtt=0")


def ask(lab, carrier, command):
    """All that the server says, up to an orderly end."""
    peer = connect(lab, carrier)
    peer.command(command)
    said = peer.read_all()
    peer.close()
    return said


def send_in_pieces(peer, text, carrier):
    """One byte at a time, each in a segment of its own (and, where the carrier has them, a record
    and a frame). False: this machine was too slow for it; after 50 ms of silence a number is
    over."""
    if is_websocket(carrier):
        pieces = [frame(0 if i else TEXT, text[i:i + 1], fin=i == len(text) - 1)
                  for i in range(len(text))]
    else:
        pieces = [text[i:i + 1] for i in range(len(text))]
    times = [time.monotonic()]
    for piece in pieces:
        peer.send(piece)
        times.append(time.monotonic())
    return max(after - before for before, after in zip(times, times[1:])) < 0.03


@every_carrier
def test_messages_have_no_separator_and_the_command_no_end(lab, carrier):
    assert ask(lab, carrier, "CMD_short:0") == messages(20)


@every_carrier
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_end_belongs_to_the_command(lab, carrier, end):
    assert ask(lab, carrier, "CMD_short:0" + end) == messages(20)
    close = lab.wait(event="close", endpoint=carrier)
    assert close["command"] == "CMD_short:0"
    assert lab.events(event="error") == []


@byte_streams
def test_a_line_end_may_come_later(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0\r")
    peer.command("\n")
    assert peer.read_all() == messages(20)
    peer.close()
    lab.wait(event="close")
    assert lab.events(event="error") == []


@every_carrier
@pytest.mark.parametrize("d", ["0", "1", "0.25", ".5", "2.", "00", "000.010"])
def test_d_is_a_decimal_number(fast_lab, carrier, d):
    assert ask(fast_lab, carrier, f"CMD_short:{d}") == messages(3)
    command = fast_lab.wait(event="command")
    assert command["text"] == f"CMD_short:{d}"
    assert command["interval"] == pytest.approx(float(d) / 100, abs=0.0006)  # milliseconds


@every_carrier
def test_bytes_behind_a_command_are_noted_and_ignored(lab, carrier):
    assert ask(lab, carrier, "CMD_short:0\nCMD_floodme\x00") == messages(20)
    note = lab.wait(event="error", endpoint=carrier)
    assert note["fault"] == "peer"
    assert note["bytes"] == r"CMD_floodme\x00"
    assert lab.wait(event="close")["why"] == "done"


@every_carrier
@pytest.mark.parametrize("command", [b"CMD_short:0", b"CMD_short:0.25", b"CMD_short:0.25\r\n"])
def test_a_command_may_come_byte_by_byte(fast_lab, carrier, command):
    for _ in range(5):
        peer = connect(fast_lab, carrier)
        if send_in_pieces(peer, command, carrier):
            break
        peer.reset()
    assert peer.read_all() == messages(3)
    assert fast_lab.wait(event="command", **peer.who)["text"] == command.decode().rstrip()


def bytes_in(control):
    """That the lab's only endpoint has read."""
    return control.get("/v1/status").json["endpoints"][0]["totals"]["bytes_in"]


def test_a_busy_lab_reads_before_it_takes_a_number_for_whole(start_control):
    """It gets no turn for longer than it would wait for more; but more has come."""
    control = start_control("--set", "pmu.messages=3", "--set", "pmu.speed=20", "pmu")

    def reads(peer, piece):
        wanted = bytes_in(control) + len(piece)
        peer.send(piece)
        end = time.monotonic() + DEADLINE
        while bytes_in(control) < wanted:
            assert time.monotonic() < end

    for _ in range(5):
        peer = connect(control.lab, "pmu")
        reads(peer, b"CMD_short:")
        reads(peer, b"0")
        with control.lab.asleep():
            in_time = peer.stays_silent(0.06)
            peer.send(b".25")
        if in_time:
            break
        peer.reset()
    assert peer.read_all() == messages(3)
    assert control.lab.wait(event="command", **peer.who)["text"] == "CMD_short:0.25"


def test_bytes_that_are_read_together_have_come_apart(start_control):
    """A lab that was busy reads all that has come at once: it is no command in one piece."""
    control = start_control("--set", "pmu.messages=3", "--set", "pmu.speed=20", "pmu")
    for _ in range(5):
        wanted = bytes_in(control) + 11
        with control.lab.asleep():
            peer = connect(control.lab, "pmu")
            for byte in b"CMD_short:0":
                peer.send(bytes([byte]))
            began = time.monotonic()
        while bytes_in(control) < wanted:
            assert time.monotonic() - began < DEADLINE
        peer.send(b".25")
        if time.monotonic() - began < 0.04:
            break
        peer.reset()
    assert peer.read_all() == messages(3)
    assert control.lab.wait(event="command", **peer.who)["text"] == "CMD_short:0.25"


@every_carrier
def test_the_flood_may_be_asked_for_byte_by_byte(lab, carrier):
    peer = connect(lab, carrier)
    send_in_pieces(peer, b"CMD_floodme", carrier)
    assert len(peer.read_all()) == 57344


@every_carrier
@pytest.mark.parametrize("command, size", [("CMD_short:0.5", len(messages(3))),
                                           ("CMD_floodme", 57344)])
def test_a_peer_that_half_closes_gets_everything(fast_lab, carrier, command, size):
    peer = connect(fast_lab, carrier)
    peer.command(command)
    peer.half_close()
    said = peer.read_to_close() if is_websocket(carrier) else peer.read_all()
    assert len(said) == size
    assert fast_lab.wait(event="close")["why"] == "done"
    assert fast_lab.events(event="error") == []


@every_carrier
def test_each_message_is_one_send_of_its_own(lab, carrier):
    ask(lab, carrier, "CMD_short:0")
    sends = lab.wait_all(20, event="send", endpoint=carrier)
    assert [send["i"] for send in sends] == list(range(1, 21))
    assert [send["bytes"] for send in sends] == [18] * 9 + [19] * 11
    assert all(send["calls"] == 1 and send["sent"] == send["bytes"] for send in sends)


@every_carrier
def test_the_flood_is_one_send_of_readable_text(lab, carrier):
    text = ask(lab, carrier, "CMD_floodme").decode()
    hamlet = Path(ROOT, "profiles/hamlet.txt").read_text()
    assert len(text.encode()) == 57344
    assert text.startswith(hamlet[:5000])
    assert "Who's there?" in text[:1000]
    assert all(line.isprintable() for line in text.splitlines())
    send = lab.wait(event="send", endpoint=carrier)
    assert (send["bytes"], send["sent"], send["calls"]) == (57344, 57344, 1)


@websockets
def test_replies_are_one_binary_frame_each(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_all()
    assert peer.messages == [(BINARY, messages(1, first=i)) for i in range(1, 21)]
    assert all(got.fin for got in peer.frames)


@websockets
def test_replies_may_be_text(start_lab, carrier):
    lab = start_lab("--set", "ws.reply=text", "--set", "pmu.messages=2")
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_all()
    assert peer.messages == [(TEXT, b"This is PMU data 1"), (TEXT, b"This is PMU data 2")]


@websockets
@pytest.mark.parametrize("reply, opcode", [("binary", BINARY), ("text", TEXT)])
def test_the_flood_may_come_in_fragments(start_lab, carrier, reply, opcode):
    lab = start_lab("--set", "ws.fragment=100", "--set", f"ws.reply={reply}",
                    "--set", "pmu.flood=1234")
    peer = connect(lab, carrier)
    peer.command("CMD_floodme")
    text = peer.read_all()
    assert len(text) == 1234
    assert peer.messages == [(opcode, text)]
    assert [len(got.payload) for got in peer.frames] == [100] * 12 + [34]


@websockets
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_commands_come_as_text_and_as_binary(lab, carrier, opcode):
    peer = connect(lab, carrier)
    peer.send(frame(opcode, b"CMD_short:0"))
    assert peer.read_all() == messages(20)


@websockets
def test_the_server_starts_the_close_handshake(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_all()
    peer.close()
    assert peer.close_code == 1000
    close = lab.wait(event="close")
    assert close["first"] == "server"
    assert close["ws_close_code"] == 1000


@websockets
def test_a_close_that_nobody_answers_is_waited_for_2_seconds(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    assert peer.read_to_close() == messages(20)
    assert peer.lower.read_all() == b""  # ends, although there was no answer
    peer.close()
    assert 2 <= lab.wait(event="close")["seconds"] < 2 + DEADLINE


@websockets
def test_a_peer_may_close_before_the_last_message(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:3600")
    peer.read_frame()
    peer.send(frame(8, b"\x03\xe8bye"))
    assert peer.read_frame().payload == b"\x03\xe8"
    assert peer.lower.read_all() == b""
    peer.close()
    close = lab.wait(event="close")
    assert (close["first"], close["why"], close["ws_close_code"]) == ("peer", "peer closed", 1000)


@pytest.mark.parametrize("carrier", ["pmu-tls", "pmu-wss"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3],
                         ids=["1.2", "1.3"])
def test_tls_ends_with_close_notify(lab, carrier, version):
    peer = connect(lab, carrier, tls_version=version)
    peer.command("CMD_short:0")
    assert peer.read_all() == messages(20)
    tls = peer.lower if is_websocket(carrier) else peer
    assert tls.got_close_notify
    assert lab.wait(event="handshake")["tls_version"] == (
        "TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")


@every_carrier
@pytest.mark.parametrize("command, shown", [
    (b"CMD_shrot:0", "CMD_shrot:0"),
    (b"RESET:20", "RESET:20"),
    (b"cmd_short:0", "cmd_short:0"),
    (b"CMD_short:x", "CMD_short:x"),
    (b"CMD_short:\n", r"CMD_short:\n"),
    (b"CMD_short: 1", "CMD_short: 1"),
    (b" CMD_short:0", " CMD_short:0"),
    (b"\xff\x00\x1b[31m\"\\", r"\xff\x00\x1b[31m\"\\"),
    (b"CMD_floodm" + b"a" * 90, "CMD_floodm" + "a" * 54 + "..."),
])
def test_a_bad_command_gets_one_line_and_a_normal_close(lab, carrier, command, shown):
    peer = connect(lab, carrier)
    peer.send(frame(BINARY, command) if is_websocket(carrier) else command)
    assert peer.read_all().decode() == ERROR.format(shown)
    peer.close()
    error = lab.wait(event="error", endpoint=carrier)
    assert (error["fault"], error["bytes"]) == ("peer", shown)
    assert lab.wait(event="close")["why"] == "bad command"


@every_carrier
@pytest.mark.parametrize("command, byte", [
    (b"CMD_short:1,5", "byte 12 is a comma: write 1.5"),
    (b"CMD_short:1e9", "byte 12 is an exponent: write the number in full"),
    (b"CMD_short:1e400", "byte 12 is an exponent: write the number in full"),
    (b"CMD_short:1.2.3", "byte 14 is a second point"),
    (b"CMD_short:-1", "byte 11 is a sign: the seconds are 0 or more"),
    (b"CMD_short:0x", 'byte 12 is "x"'),
    (b"CMD_short:0;ls", 'byte 12 is ";"'),
    (b"CMD_short:0 ;ls", 'byte 13 is ";"'),
    (b"CMD_floodmenot", 'byte 12 is "n"'),
])
def test_a_command_that_goes_on_is_none(lab, carrier, command, byte):
    peer = connect(lab, carrier)
    peer.send(frame(BINARY, command) if is_websocket(carrier) else command)
    assert peer.read_all().decode() == ERROR.format(command.decode())[:-1] + f" ({byte})\n"
    peer.close()
    error = lab.wait(event="error", endpoint=carrier)
    assert (error["what"], error["bytes"]) == (f"this is no command ({byte})", command.decode())
    assert lab.wait(event="close")["why"] == "bad command"


@every_carrier
@pytest.mark.parametrize("behind", [
    b"\n", b"\r\n", b" ", b"\n\n", 53 * b"\0", 900 * b"\0", b"\nCMD_short:0", b"CMD_floodme",
])
def test_what_is_harmless_behind_a_command(lab, carrier, behind):
    peer = connect(lab, carrier)
    command = b"CMD_short:0" + behind
    peer.send(frame(BINARY, command) if is_websocket(carrier) else command)
    assert b"This is PMU data 20" in peer.read_all()
    peer.close()
    assert lab.wait(event="close", endpoint=carrier)["why"] == "done"


@pytest.mark.parametrize("carrier", ["pmu-ws", "pmu-wss"])
@pytest.mark.parametrize("ending, code", [(b"\xff", 1007), (5000 * b"x", 1009)])
def test_a_message_is_judged_when_it_is_whole(lab, carrier, ending, code):
    """Its first fragment is no command, and not answered as one: the message has a worse fault."""
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"no command", fin=False))
    peer.send(frame(CONTINUATION, ending))
    assert lab.wait(event="error", endpoint=carrier)["what"].endswith(f"({code})")
    assert lab.wait(event="close", endpoint=carrier)["why"] == "protocol error"


@pytest.mark.parametrize("carrier", ["pmu-ws", "pmu-wss"])
@pytest.mark.parametrize("fin, declared", [(False, None), (True, 20)])
def test_half_a_message_is_not_answered(lab, carrier, fin, declared):
    """The peer ends its direction in the middle of a message, and of a frame."""
    peer = connect(lab, carrier)
    peer.send(frame(TEXT, b"CMD_short:0", fin=fin, length=declared))
    peer.half_close()
    closed = lab.wait(event="close", endpoint=carrier)
    assert (closed["why"], closed["messages"], closed["ws_close_code"]) == ("peer closed", 0, 1006)
    peer.close()


@every_carrier
@pytest.mark.parametrize("beginning", ["C", "CMD_short:", "CMD_short:.", "CMD_floodm"])
def test_half_a_command_is_a_bad_one_when_nothing_follows(lab, carrier, beginning):
    peer = connect(lab, carrier)
    peer.command(beginning)  # a WebSocket message ends by itself
    if not is_websocket(carrier):
        peer.half_close()
    assert peer.read_all().decode() == ERROR.format(beginning)


@byte_streams
def test_what_can_no_longer_become_a_command_is_answered_at_once(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_s")
    assert peer.stays_silent(0.03)
    peer.command("i")
    assert peer.read_all().decode() == ERROR.format("CMD_si")


@every_carrier
@pytest.mark.parametrize("d, messages_wanted", [("3600.001", 3), ("3601", 3),
                                                ("99999999999999999999", 3), ("3600", 25)])
def test_d_has_limits(start_lab, carrier, d, messages_wanted):
    lab = start_lab("--set", f"pmu.messages={messages_wanted}", "--set", "pmu.speed=1000000")
    said = ask(lab, carrier, f"CMD_short:{d}").decode()
    assert said == (f'ERROR expected CMD_short:<seconds> or CMD_floodme, got "CMD_short:{d}" '
                    f"(at most 3600 seconds, and {messages_wanted} messages within 86400)\n")


@every_carrier
def test_a_day_is_within_the_limits(start_lab, carrier):
    lab = start_lab("--set", "pmu.messages=24", "--set", "pmu.speed=1000000")
    assert ask(lab, carrier, "CMD_short:3600") == messages(24)


@every_carrier
def test_two_clients_do_not_mix(fast_lab, carrier):
    first, second = connect(fast_lab, carrier), connect(fast_lab, carrier)
    first.command("CMD_short:1")
    second.command("CMD_floodme")
    assert len(second.read_all()) == 57344
    assert first.read_all() == messages(3)


@every_carrier
def test_messages_first_and_flood_are_settings(start_lab, carrier):
    lab = start_lab("--set", "pmu.messages=8", "--set", "pmu.first=0", "--set", "pmu.flood=1110")
    assert ask(lab, carrier, "CMD_short:0") == messages(8, first=0)
    assert len(ask(lab, carrier, "CMD_floodme")) == 1110


@every_carrier
def test_no_messages_at_all_is_an_empty_stream(start_lab, carrier):
    assert ask(start_lab("--set", "pmu.messages=0"), carrier, "CMD_short:1") == b""


@every_carrier
def test_the_flood_is_text_of_ones_own(start_lab, tmp_path, carrier):
    text = tmp_path / "text"
    text.write_text("To be, ")
    lab = start_lab("--set", f"pmu.flood_text={text}", "--set", "pmu.flood=17")
    assert ask(lab, carrier, "CMD_floodme") == b"To be, To be, To "


def test_a_setting_for_one_endpoint_wins(start_lab):
    lab = start_lab("--set", "pmu-ws.messages=2", "--set", "pmu.messages=5",
                    "--set", "pmu-tls.first=7")
    assert ask(lab, "pmu", "CMD_short:0") == messages(5)
    assert ask(lab, "pmu-ws", "CMD_short:0") == messages(2)
    assert ask(lab, "pmu-tls", "CMD_short:0") == messages(5, first=7)
    assert ask(lab, "pmu-wss", "CMD_short:0") == messages(5)


# The echo

def test_the_echo_sends_back_what_comes(lab):
    peer = connect(lab, "echo")
    text = b"O Romeo, Romeo! wherefore art thou Romeo?"
    peer.send(text)
    assert peer.read_exactly(len(text)) == text
    peer.half_close()
    assert peer.read_all() == b""
    assert lab.wait(event="close", endpoint="echo")["first"] == "peer"
    assert [send["bytes"] for send in lab.events(event="send")] == [16, 16, 9]


def test_the_echo_holds_a_connection_that_says_nothing(lab):
    peer = connect(lab, "echo")
    lab.wait(event="open")
    assert peer.stays_silent(0.2)


def test_the_echo_returns_a_megabyte_to_a_peer_that_reads_meanwhile(start_lab):
    lab = start_lab("--set", "echo.chunk=16KiB")
    peer = connect(lab, "echo")
    block = bytes(range(256)) * 64
    for _ in range(64):
        peer.send(block)
        assert peer.read_exactly(len(block)) == block


def test_the_echo_works_on_ipv6(lab):
    with socket.create_connection(("::1", lab.port("echo")), timeout=5) as peer:
        peer.sendall(b"Romeo")
        assert peer.recv(16) == b"Romeo"
