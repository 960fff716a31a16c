import socket
import sys

MCAST_GRP = '224.1.1.1'
MCAST_PORT = 5005
CAMIPRO = b'123456'

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)

for line in sys.stdin:
    sock.sendto(CAMIPRO + line.rstrip('\n').encode(), (MCAST_GRP, MCAST_PORT))
