# Part 3: the PDC. Asks over IPv4 and IPv6 at once, and again after a second.
import select
import socket

HOST = "lab3.iew.epfl.ch"
PORT = 5004

sock4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)

packets = 0
while True:
    packets += 1
    sock4.sendto(b"RESET:20", (HOST, PORT))
    sock6.sendto(b"RESET:20", (HOST, PORT))
    readable, _, _ = select.select([sock4, sock6], [], [], 1)
    if readable:
        break
    print("timeout")

data, addr = readable[0].recvfrom(1024)
print(data.decode(), "over", "IPv4" if readable[0] is sock4 else "IPv6", "from", addr[0], "after", packets)
