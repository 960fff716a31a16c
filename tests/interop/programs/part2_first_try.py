# Part 2, first try: prints whatever recv() returns.  python3 part2_first_try.py PORT CMD_short:1
import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect(("localhost", int(sys.argv[1])))
sock.send((sys.argv[2] + "\n").encode("utf-8"))
data = sock.recv(18)
while data:
    print(data.decode("utf-8"))
    data = sock.recv(18)
