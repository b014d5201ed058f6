"""Clients of the web application in this process."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.exceptions import StarletteDeprecationWarning

from app.bootstrap.web import make_web
from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import auth, tokens
from testing.factories import PASSWORD, ROOT, make_user

with warnings.catch_warnings():
    # Starlette prefers httpx2; we have httpx, which the command line uses.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

#: What a client authenticates with: a user's session by role, a token by scopes, or
#: nothing.
Access = Role | tuple[Permission, ...] | None
#: Returns a client.
ClientFor = Callable[[Access], TestClient]


@contextmanager
def started_web(settings: Settings) -> Iterator[Starlette]:
    """Yield the web application between its startup and its shutdown."""
    web = make_web(settings)
    with TestClient(web):
        yield web


def make_client(web: Starlette, store: Store, access: Access) -> TestClient:
    """Return a client that follows no redirect and gets exceptions as responses."""
    client = TestClient(web, follow_redirects=False, raise_server_exceptions=False)
    if isinstance(access, Role):
        form = {"name": make_user(store, access.value, access), "password": PASSWORD}
        assert client.post("/login", data=form).status_code == 303
    elif access is not None:
        name = ("-".join(access) or "none")[:64]
        secret = tokens.create_token(store, ROOT, name, access)
        client.headers["Authorization"] = f"Bearer {secret}"
    return client


def csrf_of(client: TestClient, store: Store) -> str:
    """Return the CSRF token of a client's session."""
    actor = auth.by_session(store, client.cookies["fastdeploy"])
    assert actor is not None
    return actor.csrf_token
