import socket
import sys

MCAST_GRP = sys.argv[1]
MCAST_PORT = int(sys.argv[2])
CAMIPRO = sys.argv[3]

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)

while True:
    try:
        text = input()
    except EOFError:
        break
    sock.sendto(CAMIPRO.encode() + text.encode(), (MCAST_GRP, MCAST_PORT))
