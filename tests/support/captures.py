"""Captures written by hand, packet by packet.

    capture = Capture(link=RAW)
    stream = capture.stream("127.0.0.1:5003", "127.0.0.1:40000")     # the lab's end, the client's
    stream.open()                                                    # SYN, SYN ACK
    stream.lab(b"This is PMU data 1")                                # a packet of the lab's
    stream.lab_again()                                               # the last one once more
    stream.client(b"CMD_short:0")
    capture.write(path)                                              # a pcap file
"""
import ipaddress
import struct

ETHERNET, RAW = 1, 101
SYN, PUSH, ACK = 2, 8, 16


class Capture:
    def __init__(self, link=RAW):
        self.link = link
        self.frames = []

    def stream(self, lab, client):
        return CapturedStream(self, end(lab), end(client))

    def add(self, packet):
        """One IP packet."""
        ethertype = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        self.frames.append(bytes(12) + struct.pack("!H", ethertype) + packet
                           if self.link == ETHERNET else packet)

    def data(self):
        header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, self.link)
        return header + b"".join(struct.pack("<IIII", n, 0, len(frame), len(frame)) + frame
                                 for n, frame in enumerate(self.frames))

    def write(self, path):
        path.write_bytes(self.data())
        return path


class CapturedStream:
    def __init__(self, capture, lab, client):
        self.capture = capture
        self.ends = {"lab": lab, "client": client}
        self.sent = {"lab": 1000, "client": 2000}
        self.last = b""

    def open(self):
        self.add("client", SYN, b"", self.sent["client"] - 1)
        self.add("lab", SYN | ACK, b"", self.sent["lab"] - 1)
        return self

    def lab(self, data):
        self.send("lab", data)
        self.last = data

    def lab_again(self):
        self.add("lab", PUSH | ACK, self.last, self.sent["lab"] - len(self.last))

    def client(self, data):
        self.send("client", data)

    def send(self, who, data):
        self.add(who, PUSH | ACK, data, self.sent[who])
        self.sent[who] += len(data)

    def add(self, who, flags, data, sequence):
        (source, port), (target, to) = (
            self.ends[who], self.ends["client" if who == "lab" else "lab"])
        tcp = struct.pack("!HHIIBBHHH", port, to, sequence, 0, 5 << 4, flags, 65535, 0, 0) + data
        if source.version == 6:
            ip = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + source.packed + target.packed
        else:
            ip = struct.pack("!BBHIBBH", 0x45, 0, 20 + len(tcp), 0, 64, 6, 0) \
                + source.packed + target.packed
        self.capture.add(ip + tcp)


def end(text):
    """"127.0.0.1:5003" or "[::1]:5003"."""
    address, port = text.rsplit(":", 1)
    return ipaddress.ip_address(address.strip("[]")), int(port)
