"""A client of the web process, with nothing but the standard library.

It keeps each answer whole, with its head, and follows no redirect: what is looked for
may be in either.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from time import monotonic
from typing import Any

#: Seconds after which a stream has said what it had to say.
_STREAM = 3.0


@dataclass(frozen=True)
class Answer:
    """What came back for a path."""

    path: str
    status: int
    head: bytes
    body: bytes

    @property
    def content(self) -> bytes:
        """All of it."""
        return self.head + self.body


@dataclass(frozen=True)
class Web:
    """The web process at that address, for who has that token."""

    host: str
    port: int
    token: str

    def get(self, path: str, accept: str = "application/json") -> Answer:
        """Ask for something; of a stream without end, its beginning."""
        return self.send("GET", path, accept=accept)

    def post(self, path: str, content: object, **headers: str) -> Answer:
        """Send a JSON body."""
        given = {"content-type": "application/json", **headers}
        return self.send("POST", path, json.dumps(content).encode(), **given)

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Send a request with the token, unless another authorization is given."""
        connection = HTTPConnection(self.host, self.port, timeout=30)
        try:
            given = {"authorization": f"Bearer {self.token}", **headers}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            content = b"".join(_body(connection, answer))
        finally:
            connection.close()
        return Answer(path, answer.status, str(answer.msg).encode(), content)

    def read(self, path: str) -> Any:  # JSON has no other type
        """What the API says."""
        answer = self.get(path)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def launch(self, service: str, **variables: str) -> int:
        """Launch a deployment; returns its number."""
        asked = {"service": service, "variables": variables}
        answer = self.post("/api/v1/deployments", asked)
        assert answer.status == 201, answer
        number: int = json.loads(answer.body)["id"]
        return number

    def output(self, number: int) -> bytes:
        """What a deployment has printed so far."""
        return self.get(f"/api/v1/deployments/{number}/output").body

    def ended(self, number: int) -> bool:
        """Whether a deployment has ended."""
        return bool(self.read(f"/api/v1/deployments/{number}")["finished_at"])


def _body(connection: HTTPConnection, answer: HTTPResponse) -> Iterator[bytes]:
    if answer.headers.get_content_type() != "text/event-stream":
        yield answer.read()
        return
    until = monotonic() + _STREAM
    while (left := until - monotonic()) > 0:
        # Gone once the last piece was read of a stream that has an end.
        if connection.sock is not None:
            connection.sock.settimeout(left)
        try:
            piece = answer.read1(1 << 16)
        except TimeoutError:
            return
        if not piece:
            return
        yield piece
