"""The web application in this process, and its clients."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette

from app.bootstrap.web import make_web
from app.domain.access import Role
from app.settings import Settings
from app.store import access_watch
from app.store.store import Store
from testing.fast_web import fast_web
from testing.waiting import PATIENCE
from testing.web_client import ClientFor, csrf_of, make_client, started_web

if TYPE_CHECKING:
    # testing/web_client.py imports it without its warning.
    from starlette.testclient import TestClient


@pytest.fixture(scope="session", autouse=True)
def _fast_web() -> Iterator[None]:
    """Spend no time on what the tests aren't about."""
    with fast_web():
        yield


@pytest.fixture
def web(settings: Settings) -> Iterator[Starlette]:
    """The web application after its startup."""
    with started_web(settings) as web:
        yield web


@pytest.fixture
def client_for(web: Starlette, store: Store) -> ClientFor:
    """Make clients of the web application."""
    return partial(make_client, web, store)


@pytest.fixture
def admin(client_for: ClientFor, store: Store) -> "TestClient":
    """Somebody who is logged in as admin, and whose requests bear the form's token."""
    client = client_for(Role.ADMIN)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


@pytest.fixture
def webs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Starlette, Starlette]]:
    """Two web processes, in which only notifications and expiry cause a check."""
    monkeypatch.setattr(access_watch, "CHECK_ANYWAY", PATIENCE * 2)
    webs = make_web(settings), make_web(settings)
    yield webs
    for web in webs:
        web.state.deps.store.close()
