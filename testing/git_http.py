"""A real git server over HTTP: `git http-backend` behind basic authentication."""

import base64
import contextlib
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from testing import http_thread


class GitHttp:
    """A server of the repositories in a folder, for one user with one token."""

    def __init__(
        self, root: Path, user: str, token: str, certificate: Path | None = None
    ) -> None:
        """Listen on a free port.

        Args:
            root: The folder of the repositories.
            user: The name of the user.
            token: Its token.
            certificate: A file with a certificate and its key, for HTTPS.
        """
        self.root = root
        login = base64.b64encode(f"{user}:{token}".encode()).decode()
        self.expected = f"Basic {login}"
        #: The values of `Authorization` that it has received.
        self.received: list[str] = []
        #: Called within each request that is authorized.
        self.during: Callable[[], None] = lambda: None
        #: Where it redirects each request to; empty: nowhere.
        self.elsewhere = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def address(self) -> str:
        """Its URL, without a path."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator["GitHttp"]:
        """Serve until the end of the context."""
        with http_thread.serving(self._server):
            yield self


def _handler(server: GitHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if authorization := self.headers["Authorization"]:
                server.received.append(authorization)
            if server.elsewhere:
                self._answer(302, [("Location", server.elsewhere + self.path)])
            elif authorization != server.expected:
                said = f"fatal: {authorization} is not allowed\n".encode()
                self._answer(401, [("WWW-Authenticate", "Basic realm=git")], said)
            else:
                server.during()
                self._answer(*self._ask_git())

        do_POST = do_GET  # noqa: N815 - the name that http.server expects

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        def _ask_git(self) -> tuple[int, list[tuple[str, str]], bytes]:
            path, _, query = self.path.partition("?")
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            done = subprocess.run(
                ["git", "http-backend"], input=content, capture_output=True, check=True,
                env={
                    "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null",
                    "GIT_PROJECT_ROOT": str(server.root), "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path, "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command, "REMOTE_USER": "reader",
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(content)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )  # fmt: skip
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            headers = {line.partition(": ")[0]: line.partition(": ")[2]
                       for line in lines}  # fmt: skip
            status = int(headers.pop("Status", "200").split()[0])
            return status, list(headers.items()), body

        def _answer(
            self, status: int, headers: list[tuple[str, str]], body: bytes = b""
        ) -> None:
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", str(len(body)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
