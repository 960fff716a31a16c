# Part 2: the PDC.  python3 Part2_123456_234567.py CMD_short:0
import socket
import sys

HOST = "tcpip.epfl.ch"
PORT = 5003

command = sys.argv[1]
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect((HOST, PORT))
sock.sendall(command.encode("utf-8"))

text = ""
while True:
    data = sock.recv(1024)
    if len(data) == 0:
        break
    text += data.decode("utf-8")
sock.close()

if command.startswith("CMD_short"):
    text = text.replace("This is", "\nThis is").strip()
print(text)
