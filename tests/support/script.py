"""Servers that a test writes down step by step, for clients to meet: the fixture `serve`."""
import socket
import struct
import threading

from support.lab import DEADLINE


class ScriptedServer:
    """A server on a free port that runs script(connection) for one client after another, in a
    thread.

    `received` is what script() has returned for each of them.
    """

    def __init__(self, script, host="127.0.0.1", clients=1):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._script = script
        self._clients = clients
        self._listener = socket.create_server((host, 0), family=family)
        self._listener.settimeout(DEADLINE)
        self._failure = None
        self.port = self._listener.getsockname()[1]
        self.received = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            for _ in range(self._clients):
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(DEADLINE)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.received.append(self._script(connection))
        except BaseException as failure:  # told by finish(), in the test's own thread
            self._failure = failure
        finally:
            self._listener.close()

    def finish(self):
        """Waits for the script's end; raises what it has raised. What it has returned for the last
        client."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the scripted server has not ended"
        if self._failure:
            raise self._failure
        return self.received[-1]


def read_to_end(connection):
    """Reads until the client has gone, in whichever way."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass


def reset(connection):
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
