# Part 5: the PDC over WebSocket.  python3 Part5_123456_234567.py CMD_short:0
import sys

import websocket

messages = 0


def on_open(ws):
    ws.send(sys.argv[1])


def on_message(ws, message):
    global messages
    messages += 1
    print(message.decode("utf-8"))


def on_error(ws, error):
    print("error:", error)


def on_close(ws, code, reason):
    print("on_message:", messages)


ws = websocket.WebSocketApp("ws://tcpip.epfl.ch:5006", on_open=on_open, on_message=on_message, on_error=on_error,
                            on_close=on_close)
ws.run_forever()
