"""A long history: what is listed is right, and PostgreSQL finds it by an index."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app import bootstrap
from app.domain.access import Permission, on_host
from app.domain.deployment import Origin, Status
from app.settings import Settings, read_settings
from app.store.deployments import ANY, Filter
from app.store.store import Store
from app.usecases import deploy, record
from bench.history import Page, fill, pages
from bench.plans import Scan, listening, scans
from tests.conftest import Postgres
from tests.factories import make_service, request_deployment, start_deployment
from tests.integration.conftest import ClientFor

#: Enough that reading all of it would cost PostgreSQL more than an index does.
TOTAL = 50_000


@pytest.fixture(scope="module")
def long_history(postgres: Postgres) -> Iterator[Store]:
    """A store with TOTAL deployments, which nobody changes."""
    url = postgres.create_database()
    store = bootstrap.make_store(read_settings(database_url=SecretStr(url)))
    fill(store, TOTAL)
    yield store
    store.close()
    postgres.drop_database(url)


def test_every_page_of_a_long_history_is_found_by_indexes(long_history: Store) -> None:
    """However rare what is looked for is, and however long ago it was."""
    whole_tables = {
        (name, str(scan))
        for name, page in pages(long_history, TOTAL).items()
        for scan in plan_of(long_history, page())
        if not scan.index and scan.table in {"deployments", "steps", "events"}
        if scan.kind != "Bitmap Heap Scan"
    }

    assert set() == whole_tables


@pytest.mark.parametrize(
    ("page", "index"),
    [
        ("service last deployed long ago", "ix_deployments_service_id_id"),
        ("list by actor of long ago", "ix_deployments_actor_"),
        ("list by origin of long ago", "ix_deployments_origin_id"),
        ("list of what waits", "ix_deployments_status_id"),
        ("list by service and status", "ix_deployments_service_id_status_id"),
        ("deployment", "ix_deployments_service_id_status_id"),
    ],
)
def test_what_is_rare_is_found_by_an_index_of_its_own(
    long_history: Store, page: str, index: str
) -> None:
    plan = plan_of(long_history, pages(long_history, TOTAL)[page]())

    # Of several that would do, any.
    assert any((scan.index or "").startswith(index) for scan in plan)


def plan_of(store: Store, page: Page) -> list[Scan]:
    """How PostgreSQL reads the tables for what a page asks."""
    with listening(store.engine) as heard:
        page()
    with store.begin() as db:
        return [scan for sent in heard.statements for scan in scans(db, sent)]


def test_a_list_asks_no_more_often_the_longer_it_is(long_history: Store) -> None:
    asked = []
    for limit in (1, 50):
        with listening(long_history.engine) as heard:
            assert limit == len(deploy.views(long_history, ANY, limit=limit))
        asked.append(len(heard.statements))

    assert asked[0] == asked[1]


def test_a_list_is_narrowed_by_each_of_the_filters(
    store: Store, settings: Settings
) -> None:
    ended = start_deployment(store, settings)
    record.exited(store, ended.id, 3)
    waiting = request_deployment(store, settings, actor=on_host("ada"))
    other = request_deployment(store, settings, make_service(name="other"))

    def found(wanted: Filter, before: int | None = None) -> list[int]:
        views = deploy.views(store, wanted, before=before)
        return [view.deployment.id for view in views]

    assert [other, waiting, ended.id] == found(ANY)
    assert [waiting, ended.id] == found(ANY, before=other)
    assert [waiting, ended.id] == found(Filter(service="hello"))
    assert [ended.id] == found(Filter(status=Status.FAILED))
    assert [waiting] == found(Filter(actor=on_host("ada").name))
    assert [other, waiting, ended.id] == found(Filter(origin=Origin.CLI))
    assert [] == found(Filter(origin=Origin.API))
    assert [waiting] == found(Filter(service="hello", status=Status.QUEUED))
    assert [] == found(Filter(service="other", status=Status.FAILED))


def test_the_list_tells_of_each_what_its_own_page_tells(
    store: Store, settings: Settings
) -> None:
    """Steps, progress, and how many come first, though they were asked for at once."""
    running = start_deployment(store, settings)
    numbers = [request_deployment(store, settings) for _ in range(3)]

    listed = deploy.views(store, ANY)

    assert [*reversed(numbers), running.id] == [view.deployment.id for view in listed]
    assert [3, 2, 1, 0] == [view.ahead for view in listed]
    assert [
        (view.deployment, view.steps, view.ahead)
        for view in (deploy.view(store, view.deployment.id) for view in listed)
    ] == [(view.deployment, view.steps, view.ahead) for view in listed]


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("status=queued", ["queued"]),
        ("status=running&service=hello&actor=", ["running"]),
        ("origin=cli", ["queued", "running"]),
        ("origin=api", []),
        ("actor=nobody", []),
        ("actor=a%00b", []),
    ],
)
def test_the_api_lists_what_is_asked_for(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    query: str,
    statuses: list[str],
) -> None:
    start_deployment(store, settings)
    request_deployment(store, settings)

    answer = client_for((Permission.VIEW,)).get(f"/api/deployments?{query}")

    assert 200 == answer.status_code
    assert statuses == [found["status"] for found in answer.json()]


@pytest.mark.parametrize("name", ["status", "origin"])
def test_a_filter_that_nothing_can_have_is_refused(
    client_for: ClientFor, name: str
) -> None:
    """To leave it out would list what it was to exclude."""
    answer = client_for((Permission.VIEW,)).get(f"/api/deployments?{name}=nonsense")

    assert 422 == answer.status_code
    assert answer.json()["error"].startswith(f"{name} is one of ")
