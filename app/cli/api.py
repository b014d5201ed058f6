"""The API as commands use it: requests, pages of lists, downloads and streams.

`LocalApi` calls the handlers of the API in this process, `RemoteApi` sends the requests
to a server. Both give the same bodies, so that a command prints the same.
"""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from app.cli.problems import misunderstood, raise_problem, read_json
from app.errors import NotFound, Unavailable

#: The User-Agent of the command line, by which launches are those of a command.
USER_AGENT = "fastdeploy/cli"
_PREFIX = "/api/v1"
#: The maximum number of digits of an id in a path.
_DIGITS = 18
#: The longest time in seconds that a command waits for the limit of requests to end,
#: and how often.
_LONGEST_WAIT, _WAITS = 60, 5


class ConnectionLost(Unavailable):
    """The server can't be reached, or the connection broke."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; `path` begins after /api/v1, and names in it are quoted."""

    method: str
    path: str
    query: Mapping[str, object]
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def address(self) -> str:
        """The path on the server."""
        return f"{_PREFIX}{self.path}"

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters that have a value."""
        return {
            name: str(value)
            for name, value in self.query.items()
            if value not in (None, "")
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose content is still to be read; names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]

    @property
    def retry_after(self) -> int | None:
        """The seconds after which the server asks to repeat a refused request."""
        text = self.headers.get("retry-after", "")
        return int(text) if self.status in (429, 503) and text.isdigit() else None


class Api(ABC):
    """What commands do with the API of FastDeploy. Errors are FastDeployErrors."""

    #: The address of the pages; empty if it is unknown.
    url: str

    @abstractmethod
    def open(self, request: Sent) -> AbstractContextManager[Answer]:
        """Send a request, and yield the response while its content arrives."""

    @abstractmethod
    def artifacts_folder(self, deployment_id: int) -> Path | None:
        """Return the folder with the artifacts; None if it is on another host."""

    def get(self, path: str, **query: object) -> Any:
        """Return the body of a resource."""
        return self._send("GET", path, query=query)

    def post(self, path: str, body: object = None) -> Any:
        """Send a body, and return that of the response."""
        return self._send("POST", path, body)

    def launch(self, path: str, body: object = None, **query: object) -> Any:
        """Launch a deployment, and return its body."""
        return self._send("POST", path, body, query=query)

    def put(self, path: str, body: object) -> Any:
        """Replace a resource, and return its body."""
        return self._send("PUT", path, body)

    def delete(self, path: str, **query: object) -> Any:
        """Remove a resource, and return what it was."""
        return self._send("DELETE", path, query=query)

    def pages(self, path: str, limit: int | None = None, **query: object) -> list[Any]:
        """Return the entries of a list, at most `limit`, page by page."""
        found: list[Any] = []
        following: Mapping[str, object] | None = query
        while following is not None and (limit is None or len(found) < limit):
            entries, following = self.page(path, following)
            found += entries
        return found[:limit]

    def page(
        self, path: str, query: Mapping[str, object]
    ) -> tuple[list[Any], Mapping[str, object] | None]:
        """Return a page of a list, and the query of the next page if there is one."""
        body, headers = self._exchange(_request("GET", path, query))
        entries = read_json(body, self.url)
        if not isinstance(entries, list):
            raise Unavailable(misunderstood(self.url))
        return entries, _next_page(headers.get("link", ""))

    def download(self, path: str, **query: object) -> Iterator[bytes]:
        """Yield the content of a resource in pieces."""
        with self.open(_request("GET", path, query)) as answer:
            if answer.status >= 400:
                raise_problem(answer.status, b"".join(answer.pieces), self.url)
            yield from answer.pieces

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        content, _ = self._exchange(_request(method, path, query, headers, body))
        return read_json(content, self.url) if content else None

    def _exchange(self, request: Sent) -> tuple[bytes, Mapping[str, str]]:
        """Return the content and the headers, after a pause if the server asks so."""
        for waits in range(_WAITS + 1):
            with self.open(request) as answer:
                content = b"".join(answer.pieces)
            pause = answer.retry_after
            if pause is None or pause > _LONGEST_WAIT or waits == _WAITS:
                break
            print(f"the server asks to wait {pause} s …", file=sys.stderr)
            time.sleep(pause)
        if answer.status >= 400:
            raise_problem(answer.status, content, self.url, pause)
        return content, answer.headers


def segment(kind: str, name: str) -> str:
    """Return a name as a segment of a path.

    Raises NotFound for a name that no segment can have, and so nothing of this kind.
    """
    if name in ("", ".", "..") or "/" in name:
        raise NotFound(f"there is no {kind} {name!r}")
    return quote(name)


def segments(kind: str, name: str) -> str:
    """Return a name that may have slashes as the end of a path.

    Raises NotFound for a name that no path can have, and so nothing of this kind.
    """
    if any(part in (".", "..") for part in name.split("/")) or not name:
        raise NotFound(f"there is no {kind} {name!r}")
    return quote(name, safe="")


def id_segment(kind: str, number: int) -> str:
    """Return an id as a segment of a path. Raises NotFound for one that can't exist."""
    if not 0 <= number < 10**_DIGITS:
        raise NotFound(f"there is no {kind} {number}")
    return str(number)


def _request(
    method: str,
    path: str,
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> Sent:
    sent = {"user-agent": USER_AGENT, "accept": "application/json", **(headers or {})}
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        sent["content-type"] = "application/json"
    return Sent(method, path, query or {}, sent, content)


def _next_page(link: str) -> dict[str, object] | None:
    """Return the query of the next page by the header Link; None on the last one."""
    if 'rel="next"' not in link:
        return None
    address = link[link.index("<") + 1 : link.index(">")]
    return dict(parse_qsl(urlsplit(address).query))
