"""Calendars of freezes, and a server that serves them."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from testing import http_thread
from testing.private_ca import PrivateCa


def calendar(*events: str) -> str:
    """Return a calendar with events, each of them the lines of its properties."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z"]
        lines += [*event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


@dataclass
class CalendarServer:
    """A server of one calendar; `status` and `content` are what it answers."""

    url: str = ""
    content: str = ""
    status: int = 200
    requests: int = 0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[CalendarServer, Path]]:
    """Serve by HTTPS on this host; also return the certificate to trust."""
    served = CalendarServer()
    authority = PrivateCa(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("calendars"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests += 1
            content = served.content.encode()
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    served.url = f"https://127.0.0.1:{server.server_port}/secret/freezes.ics"
    with http_thread.serving(server):
        yield served, authority.certificate
