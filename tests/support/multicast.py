"""Members of the television station's group, on the loopback interface alone: nothing leaves the
machine.

    member = Member(lab)                   # joined; hears all that is sent to the group from now on
    member.hear()                          # the next datagram; fails after a deadline
    member.hear_until(b"swcmTVRWND...")    # all up to that one, which is the last
    member.has_heard_nothing()             # nothing waits to be read
    speaker = Speaker(lab)
    speaker.say(b"123456What a piece of work is a man")

Both are context managers.
"""
import collections
import socket
import struct

from support.lab import DEADLINE

LOOPBACK = socket.inet_aton("127.0.0.1")
# ip(7); Python names neither of them everywhere.
IP_MULTICAST_ALL, IP_PKTINFO, IP_RECVTTL = 49, 8, 12

Datagram = collections.namedtuple("Datagram", "data source ttl interface")


class Member:
    """A receiver. Without `join` it is only bound to the port, and hears no group that others have
    joined."""

    def __init__(self, lab, join=True):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for option in (IP_PKTINFO, IP_RECVTTL):
            self.socket.setsockopt(socket.IPPROTO_IP, option, 1)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        group = lab.env["PMULAB_TV_GROUP"]
        # To the group's address: that of another test's client may have the same port.
        self.socket.bind((group, lab.port("tv")))
        if join:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                   socket.inet_aton(group) + LOOPBACK)

    def receive(self):
        data, controls, _, source = self.socket.recvmsg(65536, 256)
        found = {kind: value for level, kind, value in controls if level == socket.IPPROTO_IP}
        return Datagram(data, source, struct.unpack("=i", found[socket.IP_TTL])[0],
                        struct.unpack_from("=i", found[IP_PKTINFO])[0])

    def hear(self):
        return self.receive().data

    def hear_until(self, last):
        """`last` is a datagram, or a predicate."""
        heard = [self.hear()]
        while not (last(heard[-1]) if callable(last) else heard[-1] == last):
            heard.append(self.hear())
        return heard

    def has_heard_nothing(self):
        self.socket.setblocking(False)
        try:
            self.socket.recv(1)
            return False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Speaker:
    """A sender."""

    def __init__(self, lab):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, LOOPBACK)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        self.socket.bind(("127.0.0.1", 0))
        self.address = lab.env["PMULAB_TV_GROUP"], lab.port("tv")
        self.name = "{}:{}".format(*self.socket.getsockname())  # as events call it

    def say(self, *datagrams):
        for datagram in datagrams:
            self.socket.sendto(datagram, self.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
