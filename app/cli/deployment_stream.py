"""Read the server-sent events of a deployment, also after a dropped connection."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.cli.api import USER_AGENT, Answer, Api, ConnectionLost, Sent
from app.cli.problems import raise_problem
from app.web.schemas import DeploymentBody

#: Seconds between two attempts to connect again, which grow, and until none is made.
_FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 0.5, 15.0, 600.0
#: Responses of a proxy or of a server that restarts.
_TEMPORARY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class News:
    """The state of a deployment and its next events, as the API sends them.

    `last` is the number of the last event, `complete` says that none follows.
    """

    deployment: DeploymentBody
    events: list[dict[str, Any]]
    last: int
    complete: bool = False


@dataclass(slots=True)
class _ServerSent:
    """A server-sent event."""

    name: str = ""
    id: str = ""
    data: list[str] = field(default_factory=list)


def follow(api: Api, deployment_id: int) -> Iterator[News]:
    """Yield the news of a deployment until it has ended: every event exactly once.

    After a dropped connection, it continues behind the last event that arrived.
    Raises NotFound, and ConnectionLost if the server is away for ten minutes.
    """
    after, failed_since, pause = 0, 0.0, _FIRST_PAUSE
    while True:
        try:
            for news in _read(api, deployment_id, after):
                after, failed_since, pause = news.last, 0.0, _FIRST_PAUSE
                yield news
                if news.complete:
                    return
        except ConnectionLost as error:
            failed_since = failed_since or time.monotonic()
            if time.monotonic() - failed_since > _PATIENCE:
                raise ConnectionLost(
                    f"{error}; fastdeploy logs {deployment_id} --follow continues"
                ) from None
            print(f"{error}; connecting again …", file=sys.stderr)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _read(api: Api, deployment_id: int, after: int) -> Iterator[News]:
    """Yield the news of one connection. Raises ConnectionLost when it breaks."""
    with api.open(_request(deployment_id, after)) as answer:
        _require_stream(answer, api.url)
        deployment: DeploymentBody | None = None
        events: list[dict[str, Any]] = []
        for sent in _parse(answer.pieces):
            if sent.name == "deployment":
                deployment = parse_deployment(json.loads("\n".join(sent.data)))
            elif sent.name == "events":
                events = json.loads("\n".join(sent.data))
            if deployment is None:
                continue
            if sent.name == "end":
                yield News(deployment, [], after, complete=True)
                return
            if sent.id:
                after = int(sent.id)
                yield News(deployment, events, after)
                events = []


def parse_deployment(body: Any) -> DeploymentBody:
    """Return the deployment in a body, whose server may be newer than this client."""
    return DeploymentBody.model_validate(body, extra="ignore")


def _request(deployment_id: int, after: int) -> Sent:
    headers = {
        "user-agent": USER_AGENT,
        "accept": "text/event-stream",
        "last-event-id": str(after),
    }
    return Sent("GET", f"/deployments/{deployment_id}/events", {}, headers)


def _require_stream(answer: Answer, url: str) -> None:
    if answer.status == 200:
        return
    if answer.status in _TEMPORARY:
        raise ConnectionLost(f"{url} answered {answer.status}")
    raise_problem(answer.status, b"".join(answer.pieces), url)


def _parse(pieces: Iterable[bytes]) -> Iterator[_ServerSent]:
    """Yield the complete server-sent events of a stream."""
    found = _ServerSent()
    for line in _lines(pieces):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if found.name:
                yield found
            found = _ServerSent()
        elif name == "event":
            found.name = value
        elif name == "id":
            found.id = value
        elif name == "data":
            found.data.append(value)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the complete lines."""
    rest = b""
    for piece in pieces:
        *complete, rest = (rest + piece).split(b"\n")
        for line in complete:
            yield line.removesuffix(b"\r").decode()
