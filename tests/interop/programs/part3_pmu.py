# The PMU of the handout's part 3, to try the client at home.  python3 part3_pmu.py PORT
import random
import socket
import sys

random.seed(3)
some_probability = 0.5
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))

while True:
    data, addr = s.recvfrom(1024)
    if random.random() >= some_probability:
        n = int(data.decode().split(":")[1])
        X = random.randint(0, n)
        s.sendto(("OFFSET=" + str(X)).encode(), addr)
        print(data.decode(), "->", X)
    else:
        print(data.decode(), "dropped")
