# Part 3: one after the other, each with its timeout.  python3 part3_in_turn.py PORT
import socket
import sys

PORT = int(sys.argv[1])
socks = []
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(1)
    socks.append((s, host))

packets = 0
while True:
    s, host = socks[packets % 2]
    packets += 1
    s.sendto(b"RESET:20", (host, PORT))
    try:
        data, addr = s.recvfrom(9)
        break
    except socket.timeout:
        print("timeout")
print(data.decode(), "from", addr[0], "packets:", packets)
