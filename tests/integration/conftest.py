"""The web application in this process, and its clients."""

from collections.abc import Iterator
from functools import partial

import pytest
from starlette.applications import Starlette

from app.settings import Settings
from app.store.store import Store
from testing.web_client import ClientFor, make_client, started_web


@pytest.fixture
def web(settings: Settings) -> Iterator[Starlette]:
    """The web application after its startup."""
    with started_web(settings) as web:
        yield web


@pytest.fixture
def client_for(web: Starlette, store: Store) -> ClientFor:
    """Make clients of the web application."""
    return partial(make_client, web, store)
