"""getaddrinfo as socket.create_connection calls it."""
import socket
import sys
import time

for name in sys.argv[1:]:
    began = time.monotonic()
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(name, 5003, type=socket.SOCK_STREAM)]
    except OSError:
        found = []
    print(name, f"{time.monotonic() - began:.3f}", *found)
