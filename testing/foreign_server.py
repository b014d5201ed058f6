"""A web server that isn't FastDeploy, as an address with a mistake leads to one."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ForeignServer(ThreadingHTTPServer):
    """Answers every request with 200 and the same body."""

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body = body

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: ForeignServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
