"""A capture as Wireshark shows it, read by tshark.

    packets = read_capture(path)               # all of it; fails where it does not end with a
                                               # whole frame
    packets[0].source, .target                 # "198.51.100.1:5003", as events write it; without a
                                               # port where there is none
    packets[0].kind                            # "tcp", "udp", or None
    packets[0].size                            # bytes of data
    stream = connection(packets, peer, local)  # those of a connection, both ways
    sizes(sent_by(stream, local))              # packets with data that were not sent before
"""
import collections
import subprocess

from support.lab import SCALE
from support.students import need_command

Packet = collections.namedtuple("Packet",
                                "number time source target kind size flags good again ttl length")

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FIELDS = ("frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.len", "udp.length",
          "tcp.flags", "tcp.checksum.status", "udp.checksum.status", "tcp.analysis.retransmission",
          "ip.ttl", "frame.len")
CHECK = ("tcp.check_checksum:TRUE", "udp.check_checksum:TRUE")
GOOD, UDP_HEADER = "1", 8


def tshark(*args):
    """Its stdout."""
    done = subprocess.run([need_command("tshark"), "-n", *map(str, args)], capture_output=True,
                          text=True, timeout=60 * SCALE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_capture(path):
    text = tshark("-r", path, *(word for option in CHECK for word in ("-o", option)),
                  "-T", "fields", "-E", "occurrence=f",
                  *(word for field in FIELDS for word in ("-e", field)))
    return [packet(dict(zip(FIELDS, line.split("\t")))) for line in text.splitlines()]


def packet(fields):
    kind = "tcp" if fields["tcp.srcport"] else "udp" if fields["udp.srcport"] else None
    size = {"tcp": lambda: int(fields["tcp.len"]),
            "udp": lambda: int(fields["udp.length"]) - UDP_HEADER,
            None: lambda: 0}[kind]()
    return Packet(int(fields["frame.number"]), float(fields["frame.time_epoch"]),
                  end(fields, kind, "src"), end(fields, kind, "dst"), kind, size,
                  int(fields["tcp.flags"] or "0", 16) & 0x1F,
                  kind is None or fields[f"{kind}.checksum.status"] == GOOD,
                  bool(fields["tcp.analysis.retransmission"]), int(fields["ip.ttl"] or "0"),
                  int(fields["frame.len"]))


def end(fields, kind, side):
    v4, v6 = fields[f"ip.{side}"], fields[f"ipv6.{side}"]
    if kind is None:
        return v4 or v6
    port = fields[f"{kind}.{side}port"]
    return f"{v4}:{port}" if v4 else f"[{v6}]:{port}"


def connection(packets, peer, local):
    return [packet for packet in packets
            if packet.kind == "tcp" and {packet.source, packet.target} == {peer, local}]


def sent_by(packets, source):
    return [packet for packet in packets
            if packet.source == source and packet.size and not packet.again]


def sizes(packets):
    return [packet.size for packet in packets]
