"""The proxy of the benchmarks that delays connections."""

import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from testing.delay_proxy import Address, delaying
from testing.ports import free_port

ROUND_TRIP = 60


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while block := self.request.recv(1 << 16):
            self.request.sendall(block)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Address]:
    """Yield the address of a proxy before a server that echoes."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = ("127.0.0.1", free_port())
        with delaying(ROUND_TRIP, {here: ("127.0.0.1", server.server_address[1])}):
            yield here
        server.shutdown()


def test_each_exchange_takes_at_least_a_round_trip(proxy: Address) -> None:
    with closing(socket.create_connection(proxy)) as client:
        for _ in range(3):
            begun = time.monotonic()
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            assert time.monotonic() - begun >= ROUND_TRIP / 1000


def test_what_is_sent_arrives_unchanged_and_in_order(proxy: Address) -> None:
    content = os.urandom(3_000_000)
    with closing(socket.create_connection(proxy)) as client:
        sender = threading.Thread(target=client.sendall, args=(content,))
        sender.start()
        received = bytearray()
        while len(received) < len(content):
            block = client.recv(1 << 16)
            assert block, "the connection was closed early"
            received += block
        sender.join()

    assert received == content
