"""Clients of the API that get a certain status, whatever they ask."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import anyio
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.web.middleware import BodyLimit
from testing.disks import fill, small_disk
from testing.factories import PASSWORD
from testing.web_client import ClientFor, csrf_of, make_client

#: The header of a conditional request, by the status that it gets.
CONDITIONS = {"304": {"If-None-Match": "*"}, "412": {"If-Match": '"another"'}}


def without_body(app: ASGIApp) -> ASGIApp:
    """Serve an application to clients whose body doesn't arrive in time."""

    async def served(scope: Scope, _: Receive, send: Send) -> None:
        async def never() -> Message:
            await anyio.sleep_forever()
            raise AssertionError

        await BodyLimit(app, seconds=0.01)(scope, never, send)

    return served


def session_client(web: Starlette, store: Store, name: str) -> TestClient:
    """Return a client that sends the session and the CSRF token of a user."""
    client = make_client(web, store, None)
    form = {"name": name, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


@contextmanager
def client_that_gets(
    status: str, client_for: ClientFor, web: Starlette, settings: Settings
) -> Iterator[TestClient]:
    """Make a client, and if the disk must be full, fill it."""
    with ExitStack() as stack:
        client = client_for(tuple(Permission))
        if status == "401":
            client = client_for(None)
        elif status == "403":
            client = client_for(())
        elif status in CONDITIONS:
            client.headers.update(CONDITIONS[status])
        elif status == "408":
            client = TestClient(without_body(web), headers=client.headers)
        elif status == "429":
            limited = settings.model_copy(update={"api_requests_per_minute": 1})
            limiting = make_web(limited)
            stack.callback(limiting.state.deps.store.close)
            client = TestClient(limiting, headers=client.headers)
            client.get("/api/v1/account")
        elif status == "503":
            nowhere = SecretStr("postgresql://127.0.0.1:1/nothing")
            offline = settings.model_copy(update={"database_url": nowhere})
            client = TestClient(make_web(offline), headers=client.headers)
        elif status == "507":
            fill(stack.enter_context(small_disk(settings.runs, 1)))
        yield client
