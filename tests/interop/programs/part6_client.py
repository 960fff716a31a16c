# Part 6: the PDC.  python3 part6_client.py PORT CMD_short:0 CA [NAME]
import socket
import ssl
import sys

port, command, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3]
name = sys.argv[4] if len(sys.argv) > 4 else "localhost"

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.verify_mode = ssl.CERT_REQUIRED
context.check_hostname = True
context.load_verify_locations(ca)

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
secure = context.wrap_socket(sock, server_hostname=name)
secure.connect(("localhost", port))
secure.sendall(command.encode())

received = ""
while True:
    data = secure.recv(1024).decode()
    if not data:
        break
    received += data
secure.close()

for number in received.split("This is PMU data ")[1:]:
    print("This is PMU data " + number)
