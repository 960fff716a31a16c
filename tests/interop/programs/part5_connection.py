# Part 5 with websocket.create_connection.  python3 part5_connection.py URL CMD_short:0 [CA]
import sys

import websocket

ssl_options = {"ca_certs": sys.argv[3]} if len(sys.argv) > 3 else {}
ws = websocket.create_connection(sys.argv[1], sslopt=ssl_options)
ws.send(sys.argv[2])

# ends when the server closes
while True:
    message = ws.recv()
    if not message:
        break
    print(message.decode())
ws.close()
