"""A server that receives the pings of schedules."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from testing import http_thread


class Healthchecks:
    """The received pings, and the status that is answered."""

    def __init__(self) -> None:
        """Accept everything."""
        self.paths: list[str] = []
        self.status: HTTPStatus = HTTPStatus.OK
        #: Cleared while no request is answered.
        self.answers = threading.Event()
        self.answers.set()
        self.url = ""


@contextmanager
def serving() -> Iterator[Healthchecks]:
    """Serve on a free port of this host."""
    found = Healthchecks()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.paths.append(self.path)
            found.answers.wait()
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    found.url = f"http://127.0.0.1:{server.server_port}"
    with http_thread.serving(server):
        try:
            yield found
        finally:
            found.answers.set()
