# Part 6: the PMU.
import socket
import ssl
import time

HOST = "localhost"
PORT = 5003
n = 10

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certfile="123456_cert.pem", keyfile="123456_key.pem")

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind((HOST, PORT))
sock.listen(5)
while True:
    connection, addr = sock.accept()
    stream = context.wrap_socket(connection, server_side=True)
    command = stream.recv(1024).decode()
    print("received", command, "from", addr[0])
    d = float(command.split(":")[1])
    for i in range(n):
        stream.send(f"This is PMU data {i + 1}".encode())
        time.sleep(d)
    stream.shutdown(socket.SHUT_RDWR)
    stream.close()
