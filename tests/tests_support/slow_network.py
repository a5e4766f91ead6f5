"""A network between a browser and a server that can be slow, and that can break."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

_PIECE = 32 << 10


class SlowNetwork:
    """Passes connections on to a port of this machine.

    Args:
        port: of the server.
        rate: bytes a second on the way to the server, all connections of their own; 0 for no limit.
    """

    def __init__(self, port: int, rate: int = 0):
        self.rate, self._to = rate, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open |= {near, far}
                for one, other, up in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass, args=(one, other, up), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while piece := one.recv(_PIECE):
                other.sendall(piece)
                if up and self.rate:
                    time.sleep(len(piece) / self.rate)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()  # the other is closed by whoever reads from it
        self._open.discard(one)

    def cut(self) -> None:
        """Break every connection, without a farewell; new ones are accepted."""
        for end in list(self._open):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads, which closes it

    def close(self) -> None:
        """Accept nobody any more."""
        self._listener.close()
        self.cut()
