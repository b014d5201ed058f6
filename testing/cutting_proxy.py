"""A TCP proxy whose connections a test cuts."""

import socket
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

_BLOCK = 1 << 16


class CuttingProxy(ThreadingTCPServer):
    """Forwards connections to a port of this machine until `cut` is called."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Forwarder)
        self._target = ("127.0.0.1", port)
        self._open: set[socket.socket] = set()
        #: The number of connections so far.
        self.connections = 0

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """Break all connections; new ones are forwarded."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def forward(self, client: socket.socket) -> None:
        """Forward a connection until one side closes it."""
        self.connections += 1
        with socket.create_connection(self._target) as server:
            self._open |= {client, server}
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()
            self._open -= {client, server}


class _Forwarder(BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, CuttingProxy)
        self.server.forward(self.request)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
