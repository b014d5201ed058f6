"""The web application in this process, and clients that are somebody."""

import warnings
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.exceptions import StarletteDeprecationWarning

from app import bootstrap
from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import auth
from tests.factories import PASSWORD, ROOT, make_user

with warnings.catch_warnings():
    # Starlette prefers httpx2; the other tests, bench and tools use httpx.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

#: Make a client for a role with a session, for scopes with a token, or for nobody.
ClientFor = Callable[[Role | tuple[Permission, ...] | None], TestClient]


@pytest.fixture
def web(settings: Settings) -> Iterator[Starlette]:
    """The web application, started up."""
    app = bootstrap.make_web(settings)
    with TestClient(app):
        yield app


@pytest.fixture
def client_for(web: Starlette, store: Store) -> ClientFor:
    """Make clients; each follows no redirect and gets bugs as answers."""

    def make(who: Role | tuple[Permission, ...] | None) -> TestClient:
        client = TestClient(web, follow_redirects=False, raise_server_exceptions=False)
        if isinstance(who, Role):
            form = {"name": make_user(store, who.value, who), "password": PASSWORD}
            assert 303 == client.post("/login", data=form).status_code
        elif who is not None:
            secret = auth.create_token(store, ROOT, "-".join(who) or "none", who)
            client.headers["Authorization"] = f"Bearer {secret}"
        return client

    return make


def csrf_of(client: TestClient, store: Store) -> str:
    """The token that the forms of this client's session carry."""
    actor = auth.by_session(store, client.cookies["fastdeploy"])
    assert actor is not None
    return actor.csrf_token
