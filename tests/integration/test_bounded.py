"""What one request may cost: statements end, searches stop, and few run at once."""

from dataclasses import replace

import anyio
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.errors import Busy
from app.settings import Settings
from app.store.search import SearchQuery
from app.store.store import Store
from app.usecases import search, tokens
from app.web import login
from testing.asgi import Client
from testing.factories import ROOT, print_lines, start_deployment
from testing.web_client import ClientFor


def test_a_statement_is_ended_at_its_timeout_and_that_is_not_an_outage(
    store: Store,
) -> None:
    with pytest.raises(Busy, match="took too long"), store.begin(0.05) as db:
        db.execute(text("SELECT pg_sleep(30)"))

    with store.begin() as db:
        assert "0" == db.scalar(text("SHOW statement_timeout"))


def test_every_statement_of_the_web_process_has_a_limit(web: Starlette) -> None:
    with web.state.deps.store.begin() as db:
        assert "15s" == db.scalar(text("SHOW statement_timeout"))


def test_a_search_stops_when_its_time_is_over(store: Store, settings: Settings) -> None:
    number = start_deployment(store, settings).id
    print_lines(store, number, *["nothing"] * 2 * search.STEP, "needle")

    first = search.look(store, number, SearchQuery(text="needle"), 0, seconds=0)
    second = search.look(
        store, number, SearchQuery(text="needle"), search.STEP, seconds=60
    )

    assert ([], search.STEP) == (first.events, first.further)
    assert ["needle"] == [event.text for event in second.events]
    assert second.further is None


def test_searches_that_wait_let_others_pass(store: Store, settings: Settings) -> None:
    number = start_deployment(store, settings).id
    secret = tokens.create_token(store, ROOT, "reader", [Permission.VIEW])
    app = make_web(settings)
    client = Client(app, secret)
    places = app.state.deps.search_places
    found: list[int] = []

    async def look() -> None:
        status, _ = await client.request(f"/deployments/{number}/search?text=x")
        found.append(status)

    async def main() -> None:
        for _ in range(places.value):
            places.acquire_nowait()
        async with anyio.create_task_group() as group:
            # More than there are threads.
            for _ in range(60):
                group.start_soon(look)
            status, _ = await client.request("/api/v1/services")
            assert 200 == status
            assert [] == found
            places.release()

    anyio.run(main)

    assert [200] * 60 == found
    app.state.deps.store.close()


def test_a_login_that_gets_no_place_in_time_keeps_the_name(
    web: Starlette, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "PATIENCE", 0)
    web.state.deps = replace(web.state.deps, login_places=anyio.Semaphore(0))

    answer = client_for(None).post("/login", data={"name": "ada", "password": "x"})

    assert (429, "0") == (answer.status_code, answer.headers["retry-after"])
    assert "too many people log in" in answer.text
    assert 'value="ada"' in answer.text
