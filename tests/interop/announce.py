"""Runs a student's server as it is, and says on stderr where it listens: its port may then be 0.

    python3 announce.py code_c.py 0
"""
import runpy
import socket
import sys

listen = socket.socket.listen


def announcing_listen(self, *args):
    listen(self, *args)
    print("listening on", *self.getsockname()[:2], file=sys.stderr, flush=True)


socket.socket.listen = announcing_listen
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
