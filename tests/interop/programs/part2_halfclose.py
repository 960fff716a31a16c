# Part 2: says that it has nothing more to say.  python3 part2_halfclose.py PORT CMD_short:0
import re
import socket
import sys

with socket.create_connection(("localhost", int(sys.argv[1]))) as sock:
    sock.sendall(sys.argv[2].encode())
    sock.shutdown(socket.SHUT_WR)
    stream = sock.makefile("r")
    text = stream.read()
print(re.sub(r"(\d)This", r"\1\nThis", text))
