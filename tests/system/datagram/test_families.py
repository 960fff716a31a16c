"""The families of the PMU of part 3: which one is served, what the other does, and their turns."""
import datetime
import select
import socket
import time

import pytest

from support.datagrams import HOSTS, KINDS, RESET, Peer, Refused, needs_ipv6, offset
from support.lab import DEADLINE, SCALE

IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h


@needs_ipv6
@pytest.mark.parametrize("family", [4, 6])
def test_the_other_family_is_closed(start_reset, family):
    lab = start_reset(f"reset.family={family}")
    offset(Peer(lab, "reset", family).ask(RESET))
    with pytest.raises(Refused):
        Peer(lab, "reset", 10 - family).ask(RESET)
    event = lab.wait(event="family")
    assert event["active"] == f"IPv{family}" and "seconds" not in event


@needs_ipv6
@pytest.mark.parametrize("family", [4, 6])
def test_the_other_family_is_silent(start_reset, family):
    lab = start_reset(f"reset.family={family}", "reset.inactive=silent")
    other = Peer(lab, "reset", 10 - family)
    other.send(RESET)
    drop = other.told("drop")
    assert (drop["family"], drop["n"]) == (10 - family, 0)
    assert drop["reason"] == "the family is not served now"
    assert other.nothing_more()
    assert Peer(lab, "reset", family).fate(RESET)
    assert lab.wait(event="receive")["n"] == 1  # what is swallowed does not count


@needs_ipv6
def test_both_families_have_one_port_and_no_mapped_addresses(start_reset):
    lab = start_reset()
    peers = [Peer(lab, "reset", family) for family in (4, 6)]
    for peer in peers:
        offset(peer.ask(RESET))
    listens = sorted(event["address"] for event in lab.wait_all(2, event="listen"))
    assert listens == [f"127.0.0.1:{lab.port('reset')}", f"[::1]:{lab.port('reset')}"]
    assert [event["peer"] for event in lab.wait_all(2, event="receive")] == [
        peer.name for peer in peers]
    # This client sends IPv4 packets: the lab's IPv6 socket must never get them.
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mapped:
        mapped.settimeout(DEADLINE)
        mapped.sendto(RESET, ("::ffff:127.0.0.1", lab.port("reset")))
        mapped.recvfrom(100)
    assert lab.wait_all(3, event="receive")[2]["family"] == 4
    assert not any("ffff" in event.get("peer", "") for event in lab.events())


@needs_ipv6
def test_ipv6_any_takes_no_ipv4(start_reset):
    lab = start_reset("reset.family=6", options=("--bind", "any"))
    offset(Peer(lab, "reset", 6).ask(RESET))
    with pytest.raises(Refused):
        Peer(lab, "reset", 4).ask(RESET)


@needs_ipv6
def test_families_take_turns(start_reset):
    lab = start_reset("reset.family=alternate:150ms")
    turns = lab.wait_all(5, event="family")
    assert [event["active"] for event in turns] == ["IPv4", "IPv6"] * 2 + ["IPv4"]
    assert all(0 < event["seconds"] <= 0.151 for event in turns)
    for i, event in enumerate(turns):
        assert event["t"] >= turns[0]["t"] + i * 0.15 - 0.005


@needs_ipv6
def test_whoever_asks_is_answered_or_refused(start_reset):
    """A connected client on each family, a question at a time, over some switches: it never waits
    for nothing."""
    lab = start_reset("reset.family=alternate:100ms")
    peers = [Peer(lab, "reset", family) for family in (4, 6)]
    said = {peer: {True: 0, False: 0} for peer in peers}
    ends = time.monotonic() + DEADLINE
    while len(lab.events(event="family")) < 5 and time.monotonic() < ends:
        for peer in peers:
            try:
                answered = offset(peer.ask(RESET)) <= 20
            except Refused:
                answered = False
            said[peer][answered] += 1
    assert all(count > 0 for peer in peers for count in said[peer].values()), said.values()


@needs_ipv6
@pytest.mark.parametrize("family", [4, 6])
def test_nothing_that_had_arrived_is_lost_at_a_switch(start_reset, family):
    """Up to 200 datagrams are under way all the time, and the kernel tells of each one that a
    closed port has refused (ip(7), IP_RECVERR): they are answered, or refused, and none is
    missing."""
    lab = start_reset("reset.family=alternate:100ms")
    sent = answered = refused = 0
    with socket.socket(KINDS[family], socket.SOCK_DGRAM) as sock:
        if family == 4:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        # The kernel may give less, and that is enough.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.connect((HOSTS[family], lab.port("reset")))
        sock.setblocking(False)
        ends = time.monotonic() + DEADLINE
        while True:
            over = len(lab.events(event="family")) >= 7
            if over and sent == answered + refused:
                break
            assert time.monotonic() < ends, f"{sent} sent, {answered} answered, {refused} refused"
            try:
                if not over and sent - answered - refused < 200:
                    sock.send(RESET)
                    sent += 1
                    continue
                select.select([sock], [], [], 0.01)
            except Refused:
                pass  # of an earlier one
            for flags in (0, socket.MSG_ERRQUEUE):
                try:
                    while True:
                        sock.recvmsg(100, 512, flags)
                        answered += flags == 0
                        refused += flags != 0
                except (BlockingIOError, Refused):
                    pass
    assert answered > 0 and refused > 0
    lab.stop()
    assert lab.wait(event="stop")["endpoints"]["reset"]["received"] == answered


@needs_ipv6
@pytest.mark.parametrize("turns", [1.5, 2.5], ids=["in-the-others-turn", "in-its-own-again"])
@pytest.mark.parametrize("direction", ["request", "reply"])
def test_what_is_delayed_survives_a_switch(start_reset, direction, turns):
    """It had arrived, so it is answered; whoever is new is refused meanwhile."""
    period = 0.3 * SCALE
    lab = start_reset(f"reset.family=alternate:{period:.1f}s", f"reset.delay={period * turns:.2f}s",
                      f"reset.direction={direction}")
    before = lab.descriptors()
    peer, late = Peer(lab, "reset"), Peer(lab, "reset")
    peer.send(RESET)
    lab.wait(event="family", active="IPv6")
    with pytest.raises(Refused):
        late.ask(RESET)
    offset(peer.receive())
    lab.wait(after=lab.events()[-1]["seq"], event="family")
    assert lab.events(event="drop") == []
    assert lab.descriptors() <= before  # the old one is closed


def hour_in(zone):
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=zone)))


@needs_ipv6
@pytest.mark.parametrize("odd", [0, 1])
def test_by_default_the_hour_decides(start_lab, odd):
    zone = next(zone for zone in (0, 1) if hour_in(zone).hour % 2 == odd)
    lab = start_lab("reset", env={"TZ": f"LAB-{zone}"})
    event = lab.wait(event="family")
    now = hour_in(zone)
    left = 3600 - (now.minute * 60 + now.second)
    if 60 < left < 3540:  # not while the hour strikes
        assert event["active"] == ("IPv6" if odd else "IPv4")
        assert event["seconds"] == pytest.approx(left, abs=30)


@needs_ipv6
def test_a_port_that_was_taken_meanwhile_is_tried_again(start_reset):
    lab = start_reset(f"reset.family=alternate:{0.3 * SCALE:g}s")
    lab.wait(event="family")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as thief:
        thief.bind(("::1", lab.port("reset")))
        error = lab.wait(event="error")
        assert error["fault"] == "server" and "address already in use" in error["what"]
    assert lab.wait(event="family", active="IPv6")
