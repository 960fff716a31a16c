# Part 3: the PDC. Takes every address that the name has, one after the other.
import socket

HOST = "lab3.iw.epfl.ch"
PORT = 5004

addresses = socket.getaddrinfo(HOST, PORT, type=socket.SOCK_DGRAM)
print(len(addresses), "addresses")
done = False
while not done:
    for family, kind, proto, name, address in addresses:
        s = socket.socket(family, kind, proto)
        s.settimeout(1)
        s.connect(address)
        try:
            s.send("RESET:20".encode())
            print(s.recv(100).decode(), "from", address[0])
            done = True
            break
        except ConnectionRefusedError:
            print("nobody at", address[0])
        except socket.timeout:
            print("timeout at", address[0])
        finally:
            s.close()
