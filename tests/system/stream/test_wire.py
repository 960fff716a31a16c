"""On the wire: data segments, counted by a foreign client's kernel and by the server's."""
import select
import socket
import ssl

import pytest

from support.lab import SCALE
from support.peers import CARRIERS, connect, is_tls, messages

SEGMENT = 1448  # bytes: 1500 less the headers of IPv4 and TCP with timestamps
D = 0.1 * SCALE  # seconds: more than the emulated round trip and a delayed acknowledgement
EACH_ON_ITS_OWN = ["--set", f"pmu.speed={1 / D:g}"]  # CMD_short:1 takes D


def exchange(lab, command, clients=1, carrier="pmu"):
    """All clients at once. [(bytes, data segments received)]"""
    peers = [connect(lab, carrier) for _ in range(clients)]
    for peer in peers:
        peer.command(command)
    results = []
    for peer in peers:
        said = peer.read_all()
        results.append((said, peer.segments_in))
        peer.close()
    return results


def left(close, segments):
    """So many have left. Among those that were sent again a bare FIN counts too, which was no data
    segment before."""
    return segments - close["segments_again"] <= close["segments_out"] <= segments


def assert_segments(lab, results, size, segments):
    """
    Of each connection, by the server's count and by the client's, to which those are added that
    came twice: while a client delays its acknowledgement (40 ms) the server's kernel takes the last
    segment for lost (RFC 8985, 7).
    """
    closes = lab.wait_all(len(results), event="close")
    assert {len(said) for said, _ in results} == {size}
    assert all(left(close, segments) for close in closes)
    again = sum(close["segments_again"] for close in closes)
    assert 0 <= sum(received for _, received in results) - segments * len(results) <= again


def segments_after_each_send(lab, conn):
    return [send["segments"] for send in lab.events(event="send", conn=conn)]


@pytest.mark.parametrize("first, sizes", [(1, [18, 353]), (0, [18, 352])])
def test_without_pauses_there_are_2_segments(start_lab, first, sizes):
    lab = start_lab("--set", f"pmu.first={first}")
    [(said, segments)] = exchange(lab, "CMD_short:0")
    assert (len(said), segments) == (sum(sizes), 2)
    close = lab.wait(event="close")
    assert segments_after_each_send(lab, 1) == [1] * 20  # the other 19 wait, and leave together
    assert lab.wait(event="send", i=1)["bytes"] == sizes[0]
    assert (close["segments_out"], close["bytes_out"]) == (2, sum(sizes))
    last = lab.wait(event="send", i=20)
    assert (last["left"], last["waiting"], close["left"]) == (sizes[0], sizes[1], sum(sizes))
    assert last["acked"] <= sizes[0] and close["acked"] <= sum(sizes)


@pytest.mark.parametrize("clients, rounds", [(1, 100), (50, 10)])
def test_without_pauses_there_are_2_segments_every_time(lab, clients, rounds):
    results = [result for _ in range(rounds) for result in exchange(lab, "CMD_short:0", clients)]
    assert_segments(lab, results, 371, 2)


@pytest.mark.parametrize("options, command", [(EACH_ON_ITS_OWN, "CMD_short:1"),
                                              ([], f"CMD_short:{D:g}")])
def test_with_pauses_each_message_is_a_segment(start_lab, options, command):
    lab = start_lab(*options)
    assert_segments(lab, exchange(lab, command, 50), 371, 20)


@pytest.mark.parametrize("clients, rounds", [(1, 100), (50, 4)])
def test_the_flood_is_40_segments_every_time(lab, clients, rounds):
    results = [result for _ in range(rounds) for result in exchange(lab, "CMD_floodme", clients)]
    assert_segments(lab, results, 57344, 40)


def test_no_segment_of_the_flood_is_larger_than_a_packet(lab):
    peer = connect(lab, "pmu")
    peer.command("CMD_floodme")
    peer.read_all()
    assert peer.largest_segment_in == SEGMENT


def test_the_largest_segment_is_a_setting(start_lab):
    lab = start_lab("--set", "pmu.mss=512")
    peer = connect(lab, "pmu")
    peer.command("CMD_floodme")
    peer.read_all()
    assert peer.largest_segment_in == 500  # 12 bytes of timestamps
    assert peer.segments_in == -(-57344 // 500)


def test_without_a_round_trip_each_send_is_a_segment(start_lab):
    lab = start_lab("--set", "pmu.rtt=0")
    assert_segments(lab, exchange(lab, "CMD_short:0", 10), 371, 20)
    assert segments_after_each_send(lab, 1) == list(range(1, 21))


def test_a_long_round_trip_gathers_what_is_sent_meanwhile(start_lab):
    lab = start_lab("--set", "pmu.rtt=200ms")
    [(said, segments)] = exchange(lab, "CMD_short:0.06")
    assert said == messages(20)
    assert 6 <= segments <= 8  # 1.14 s in round trips of 0.2 s, and the first one


@pytest.mark.parametrize("carrier", CARRIERS)
def test_without_pauses_every_carrier_writes_2_segments(lab, carrier):
    """The first message, then the others with the goodbye; where a Close is answered first,
    close_notify follows."""
    goodbyes = 1 if carrier == "pmu-wss" else 0
    for conn in range(1, 21):
        [(said, _)] = exchange(lab, "CMD_short:0", carrier=carrier)
        assert said == messages(20)
        close = lab.wait(event="close", conn=conn)
        after = segments_after_each_send(lab, conn)
        assert after == [after[0]] * 20
        assert left(close, after[0] + 1 + goodbyes)


@pytest.mark.parametrize("carrier, goodbyes", [("pmu", 0), ("pmu-ws", 1), ("pmu-tls", 1),
                                               ("pmu-wss", 2)])
def test_with_pauses_every_carrier_writes_a_segment_a_message(start_lab, carrier, goodbyes):
    lab = start_lab(*EACH_ON_ITS_OWN)
    [(said, _)] = exchange(lab, "CMD_short:1", carrier=carrier)
    assert said == messages(20)
    close = lab.wait(event="close")
    first = segments_after_each_send(lab, 1)[0]
    assert left(close, first + 19 + goodbyes)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_foreign_client_counts_the_same_on_every_carrier(lab, carrier):
    version = ssl.TLSVersion.TLSv1_2 if is_tls(carrier) else None  # 1.3 sends tickets when it likes
    peer = connect(lab, carrier, tls_version=version)
    before = peer.segments_in
    peer.command("CMD_short:0")
    assert peer.read_all() == messages(20)
    received = peer.segments_in - before
    peer.close()
    again = lab.wait(event="close")["segments_again"]
    assert 0 <= received - (3 if carrier == "pmu-wss" else 2) <= again


@pytest.mark.parametrize("carrier, goodbyes", [("pmu", 0), ("pmu-ws", 0), ("pmu-tls", 0),
                                               ("pmu-wss", 1)])
def test_a_client_that_reads_late_changes_nothing(lab, carrier, goodbyes):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    first = lab.wait(event="send", i=1)["segments"]
    select.select([], [], [], 0.1)  # this is what late means
    assert peer.read_all() == messages(20)
    peer.close()
    assert left(lab.wait(event="close"), first + 1 + goodbyes)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_flood_of_every_carrier_is_full_segments(lab, carrier):
    version = ssl.TLSVersion.TLSv1_2 if is_tls(carrier) else None
    peer = connect(lab, carrier, tls_version=version)
    before = peer.segments_in
    peer.command("CMD_floodme")
    assert len(peer.read_all()) == 57344
    overhead = (4 * 29 if is_tls(carrier) else 0) + 200  # records, a frame's header, goodbyes
    received = peer.segments_in - before
    assert peer.largest_segment_in == SEGMENT
    peer.close()
    again = lab.wait(event="close")["segments_again"]
    assert 40 <= received <= -(-(57344 + overhead) // SEGMENT) + 1 + again


def test_the_rule_holds_on_ipv6(lab):
    with socket.create_connection(("::1", lab.port("pmu")), timeout=5) as peer:
        peer.sendall(b"CMD_short:0")
        while peer.recv(4096):
            pass
    close = lab.wait(event="close")
    assert (close["segments_out"], close["bytes_out"]) == (2, 371)
