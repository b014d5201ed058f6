"""Input at the limits of PostgreSQL and the libraries gets an answer, never a bug."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from app.domain.access import Permission
from app.settings import Settings
from app.store.store import Store
from app.usecases import record
from app.web.app import ROUTES
from app.web.routing import AppRoute
from testing.factories import start_deployment
from testing.routes import fill_path
from testing.web_client import ClientFor

#: What PostgreSQL's texts, its indexes, or its numbers can't hold, and what its
#: patterns give a meaning.
HOSTILE = ["a\0b", "\ud800", "x" * 5000, "9" * 18, "9" * 40, "-1", "%\\_"]
#: Fields of the forms.
FIELDS = ["name", "path", "role", "password", "lifetime", "scope", "next",
          "idempotency_key", "var.x", "user", "services", "subject",
          "permission"]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:20]))
def test_no_value_of_a_request_is_a_bug(
    store: Store, settings: Settings, client_for: ClientFor, value: str
) -> None:
    # One that has ended: the streams of events end too.
    record.finish(store, start_deployment(store, settings).id, 0)
    client = client_for(tuple(Permission))
    form = "&".join(f"{name}={encoded(value)}" for name in FIELDS)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    bugs = []

    for route in ROUTES:
        for address in addresses(route, value):
            if route.method == "POST":
                answer = client.post(address, content=form, headers=kind)
            else:
                answer = client.get(address)
            if answer.status_code >= 500:
                bugs.append(f"{address[:100]}: {answer.status_code}")

    assert [] == bugs


def addresses(route: AppRoute, value: str) -> Iterator[str]:
    """The addresses of a route: the value in its path, and in each parameter."""
    number = value if value.isdigit() and len(value) <= 18 else "1"
    yield fill_path(route.path, number=number, text=encoded(value))
    real = fill_path(route.path, number="1", text="hello")
    for name in route.takes:
        yield f"{real}?{name}={encoded(value)}"


def encoded(text: str) -> str:
    """A text as a part of an address."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
