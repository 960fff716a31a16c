# Part 2: the PDC.  python3 part2.py PORT CMD_short:0
import socket
import sys

HOST = "localhost"
PORT = int(sys.argv[1])
command = sys.argv[2]

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect((HOST, PORT))
sock.sendall(command.encode())

received = ""
while True:
    data = sock.recv(1024).decode()
    if not data:
        break
    received += data
sock.close()

if command == "CMD_floodme":
    print(received)
else:
    # TCP is a stream: the messages come glued together
    for number in received.split("This is PMU data ")[1:]:
        print("This is PMU data " + number)
