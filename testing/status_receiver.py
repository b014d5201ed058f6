"""An HTTP server that receives the status of commits, as GitHub's API does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from testing import http_thread


@dataclass(frozen=True, slots=True)
class Received:
    """A request and the status with which it was answered."""

    path: str
    authorization: str
    body: dict[str, Any]
    answered: int


class StatusReceiver:
    """A server that answers some requests with an error before it accepts one."""

    def __init__(self, failures: int, error: int = 500) -> None:
        self.received: list[Received] = []
        self._failures = failures
        #: The status with which it answers first.
        self.error = error
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def accepted(self) -> list[Received]:
        """The requests that it has accepted."""
        return [each for each in self.received if each.answered == 201]

    def answer(self, path: str, authorization: str, body: dict[str, Any]) -> int:
        """Keep a request; return the status of its answer."""
        with self._lock:
            status = 201 if self._failures <= 0 else self.error
            self._failures -= 1
            self.received.append(Received(path, authorization, body, status))
            return status

    @contextmanager
    def serving(self) -> Iterator["StatusReceiver"]:
        """Serve until the end of the context."""
        with http_thread.serving(self._server):
            yield self


def _handler(receiver: StatusReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length))
            status = receiver.answer(
                self.path, self.headers.get("Authorization", ""), body
            )
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
