# Part 3: both at once, whoever answers first.  python3 part3.py PORT
import select
import socket
import sys

PORT = int(sys.argv[1])
ADDRESS4 = ("127.0.0.1", PORT)
ADDRESS6 = ("::1", PORT)

sock4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)

tries = 0
answered = False
while not answered:
    tries += 1
    sock4.sendto("RESET:20".encode(), ADDRESS4)
    sock6.sendto("RESET:20".encode(), ADDRESS6)
    ready, _, _ = select.select([sock4, sock6], [], [], 1)
    for sock in ready:
        data, addr = sock.recvfrom(1024)
        text = data.decode()
        if text.startswith("OFFSET="):
            print(text, "over", "IPv4" if sock is sock4 else "IPv6", "after", tries)
            answered = True
