"""Raw clients for the lab's datagrams: a test decides about each one.

    peer = Peer(lab, "reset", family=6)     # a UDP socket that hears the endpoint alone
    peer.send(b"RESET:20")
    peer.receive()                          # the next datagram; fails after a deadline
    peer.nothing_more()                     # nothing has come that was not received
    peer.ask(b"RESET:20")                   # the reply; Refused where the port is closed
    peer.fate(b"RESET:20")                  # the reply, or None as soon as the lab has told
                                            # that it was lost

    both_families                           # a parameter `family` of 4 and 6
"""
import os
import re
import socket

import pytest

from support.lab import DEADLINE

HOSTS = {4: "127.0.0.1", 6: "::1"}
KINDS = {4: socket.AF_INET, 6: socket.AF_INET6}
OFFSET = re.compile(rb"OFFSET[=:](0|[1-9][0-9]{0,4})\Z")
WRONG = b"Wrong command."
RESET = b"RESET:20"

Refused = ConnectionRefusedError


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return os.environ.get("CI") == "true"  # where it may not be missing


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
both_families = pytest.mark.parametrize("family", [4, pytest.param(6, marks=needs_ipv6)])


class Peer:
    def __init__(self, lab, endpoint, family=4, source=None):
        self.lab, self.endpoint = lab, endpoint
        self.socket = socket.socket(KINDS[family], socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((HOSTS[family], lab.port(endpoint)))
        host, port = self.socket.getsockname()[:2]
        self.name = f"[{host}]:{port}" if family == 6 else f"{host}:{port}"  # as events call it
        self._seen = 0

    def send(self, data):
        assert self.socket.send(data) == len(data)

    def receive(self):
        return self.socket.recv(65536)

    def nothing_more(self):
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(65536, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(DEADLINE)

    def ask(self, data):
        self.send(data)
        return self.receive()

    def told(self, event, **fields):
        """The next event of this kind about this peer."""
        return self.lab.wait(event=event, endpoint=self.endpoint, peer=self.name, **fields)

    def fate(self, data):
        self.send(data)
        fate = self.lab.wait(after=self._seen, event=("drop", "reply").__contains__, peer=self.name)
        self._seen = fate["seq"]
        return self.receive() if fate["event"] == "reply" else None

    def close(self):
        self.socket.close()


def offset(reply):
    """X of OFFSET=X."""
    match = OFFSET.match(reply)
    assert match, reply
    return int(match[1])


def settings(*assignments):
    """The options of `pmulab serve` for "reset.loss=none", ..."""
    return [option for assignment in assignments for option in ("--set", assignment)]
