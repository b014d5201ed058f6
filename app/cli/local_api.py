"""The API of this host, called in this process: no web process has to run."""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlencode

from starlette.applications import Starlette

from app.bootstrap.api import make_api
from app.cli.api import Answer, Api, Sent
from app.domain.access import Actor
from app.settings import Settings
from app.store.store import Store
from app.usecases import artifacts
from app.web.login import LOCAL_ACTOR

_Message = MutableMapping[str, Any]


class LocalApi(Api):
    """Calls the handlers of the API as an actor. It is a context manager."""

    def __init__(self, settings: Settings, store: Store, actor: Actor) -> None:
        self.url = settings.base_url
        self._settings = settings
        self._actor = actor
        self._app: Starlette = make_api(settings, store)
        self._runner = asyncio.Runner()
        self._listening: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        # It cancels the tasks that are still running.
        self._runner.__exit__(*raised)

    def artifacts_folder(self, deployment_id: int) -> Path | None:
        """Return the folder with the artifacts of a deployment."""
        return artifacts.artifacts_of(self._settings, deployment_id)

    @contextmanager
    def open(self, request: Sent) -> Iterator[Answer]:
        """Call the handler of a request, and yield its response while it is made.

        What a handler raises that isn't an answer is raised here.
        """
        messages: asyncio.Queue[_Message | None] = asyncio.Queue()
        handling = self._runner.run(self._start(request, messages))
        try:
            first = self._next(messages, handling)
            assert first is not None
            headers = {k.decode(): v.decode("latin-1") for k, v in first["headers"]}
            yield Answer(first["status"], headers, self._pieces(messages, handling))
        finally:
            self._runner.run(_end(handling))

    async def _start(
        self, request: Sent, messages: "asyncio.Queue[_Message | None]"
    ) -> "asyncio.Task[None]":
        if self._listening is None and request.path.endswith("/events"):
            feed = self._app.state.deps.feed
            self._listening = asyncio.create_task(feed.listen())
        received = [{"type": "http.request", "body": request.content}]

        async def receive() -> _Message:
            if received:
                return received.pop()
            return await asyncio.Future()  # The client stays until it has read all.

        handling = asyncio.create_task(
            self._app(self._scope(request), receive, messages.put)
        )
        handling.add_done_callback(lambda _: messages.put_nowait(None))
        return handling

    def _scope(self, request: Sent) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.address),
            "raw_path": request.address.encode(),
            "query_string": urlencode(request.parameters).encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {"host": "localhost", **request.headers}.items()
            ],
            LOCAL_ACTOR: self._actor,
        }

    def _next(
        self,
        messages: "asyncio.Queue[_Message | None]",
        handling: "asyncio.Task[None]",
    ) -> _Message | None:
        """Wait for the next message of a response; None at its end."""
        message = self._runner.run(messages.get())
        if message is None:
            handling.result()  # It raises what the handler has raised.
        return message

    def _pieces(
        self,
        messages: "asyncio.Queue[_Message | None]",
        handling: "asyncio.Task[None]",
    ) -> Iterator[bytes]:
        while message := self._next(messages, handling):
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
