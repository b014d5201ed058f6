"""Receivers of notifications on loopback: a mail server and an HTTP server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from testing import http_thread


@dataclass(frozen=True, slots=True)
class Received:
    """A request that the HTTP server has received."""

    path: str
    headers: dict[str, str]
    body: bytes


class MailServer(ThreadingTCPServer):
    """Accepts every mail, in the part of SMTP that a client needs for that."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        super().__init__(("127.0.0.1", 0), _Mail)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Mail(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 receiver")
        for line in self.rfile:
            command = line[:4].upper().strip()
            if command == b"DATA":
                self._say("354 go on")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                mail = message_from_bytes(content, policy=policy.default)
                assert isinstance(mail, EmailMessage)
                self.server.mails.append(mail)
            self._say("221 bye" if command == b"QUIT" else "250 OK")
            if command == b"QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class HttpServer(ThreadingHTTPServer):
    """Keeps the requests that it receives, and answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        #: While it isn't set, requests to /hang wait for it.
        self.go_on = threading.Event()
        super().__init__(("127.0.0.1", 0), _Http)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def to(self, path: str) -> list[Received]:
        """Return the requests to a path."""
        return [each for each in self.received if each.path == path]


class _Http(BaseHTTPRequestHandler):
    server: HttpServer

    def do_POST(self) -> None:
        """Keep the request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.path, headers, body))
        if self.path == "/hang":
            self.server.go_on.wait()
        self.send_response(self.server.status)
        if self.server.status == HTTPStatus.FOUND:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_GET(self) -> None:
        """Accept the request to which a redirect leads."""
        self.server.received.append(Received(self.path, {}, b""))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Yield a running mail server."""
    server = MailServer()
    with http_thread.serving(server):
        yield server


@contextmanager
def http_server() -> Iterator[HttpServer]:
    """Yield a running HTTP server."""
    server = HttpServer()
    with http_thread.serving(server):
        try:
            yield server
        finally:
            server.go_on.set()
