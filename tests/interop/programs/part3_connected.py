# Part 3: connected sockets, so that a closed port is told.  python3 part3_connected.py PORT
import socket
import sys

PORT = int(sys.argv[1])

while True:
    for address in (("127.0.0.1", PORT), ("::1", PORT)):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect(address)
            try:
                s.send(b"RESET:20")
                print(s.recv(1024).decode(), "from", address[0])
                sys.exit()
            except ConnectionRefusedError:
                print("nobody at", address[0])
            except socket.timeout:
                print("timeout at", address[0])
