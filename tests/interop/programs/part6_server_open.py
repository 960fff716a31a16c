# Part 6: the PMU, which forgets to close the connection.  python3 part6_server_open.py PORT CERT KEY
import socket
import ssl
import sys
import time

HOST = "localhost"
PORT = int(sys.argv[1])
N = 10

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certfile=sys.argv[2], keyfile=sys.argv[3])

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind((HOST, PORT))
sock.listen(5)

while True:
    connection, addr = sock.accept()
    secure = context.wrap_socket(connection, server_side=True)
    command = secure.recv(1024).decode()
    print("command:", command)
    d = float(command.split(":")[1])
    for i in range(1, N + 1):
        secure.send(("This is PMU data " + str(i)).encode())
        time.sleep(d)
