# Part 6: the PDC.
import socket
import ssl

HOST = "localhost"
PORT = 5003

context = ssl.create_default_context(cafile="cacert.pem")
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
stream = context.wrap_socket(sock, server_hostname=HOST)
stream.connect((HOST, PORT))
stream.sendall(b"CMD_short:0")
text = ""
while True:
    data = stream.recv(1024)
    if not data:
        break
    text += data.decode()
print(text.replace("This is", "\nThis is").strip())
