# Part 5 with websocket.WebSocketApp.  python3 part5_app.py URL CMD_short:0 [CA]
import ssl
import sys

import websocket

count = 0


def on_open(ws):
    ws.send(sys.argv[2])


def on_message(ws, message):
    global count
    count += 1
    print(message.decode())


def on_error(ws, error):
    print("error:", error)


def on_close(ws, code, reason):
    print("closed:", code, "after", count, "messages")


ws = websocket.WebSocketApp(sys.argv[1], on_open=on_open, on_message=on_message, on_error=on_error, on_close=on_close)
if len(sys.argv) > 3:
    ws.run_forever(sslopt={"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": sys.argv[3]})
else:
    ws.run_forever()
