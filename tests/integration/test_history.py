"""The history: lists, filters, searches, and their pages."""

from datetime import timedelta

import pytest

from app.domain.access import Actor, Permission, Role, on_host
from app.domain.deployment import Origin, Status
from app.settings import Settings
from app.store.history import ANY, Filter
from app.store.store import Store
from app.usecases import deploy, history, record
from testing.factories import (
    NOW,
    make_service,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.statements import listening
from testing.web_client import ClientFor


def test_a_longer_list_sends_no_more_statements(
    store: Store, settings: Settings
) -> None:
    for _ in range(3):
        start_deployment(store, settings)
    sent = []
    for limit in (1, 3):
        with listening(store.engine) as recorded:
            assert limit == len(history.views(store, ANY, limit=limit).items)
        sent.append(len(recorded.statements))

    assert sent[0] == sent[1]


def test_a_list_is_narrowed_by_each_of_the_filters(
    store: Store, settings: Settings
) -> None:
    ended = start_deployment(store, settings)
    record.finish(store, ended.id, 3)
    waiting = request_deployment(store, settings, actor=on_host("ada"))
    other = request_deployment(store, settings, make_service(name="other"))

    def found(wanted: Filter, before: int | None = None) -> list[int]:
        views = history.views(store, wanted, before=before)
        return [view.deployment.id for view in views.items]

    assert [other, waiting, ended.id] == found(ANY)
    assert [waiting, ended.id] == found(ANY, before=other)
    assert [waiting, ended.id] == found(Filter(service="hello"))
    assert [ended.id] == found(Filter(status=Status.FAILED))
    assert [waiting] == found(Filter(actor=on_host("ada").name))
    assert [other, waiting, ended.id] == found(Filter(origin=Origin.CLI))
    assert [] == found(Filter(origin=Origin.API))
    assert [waiting] == found(Filter(service="hello", status=Status.QUEUED))
    assert [] == found(Filter(service="other", status=Status.FAILED))


def test_the_list_shows_the_same_of_each_deployment_as_its_page(
    store: Store, settings: Settings
) -> None:
    """Steps, progress, and how many come first, though they were asked for at once."""
    running = start_deployment(store, settings)
    numbers = [request_deployment(store, settings) for _ in range(3)]

    listed = history.views(store, ANY).items

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

    answer = client_for((Permission.VIEW,)).get(f"/api/v1/deployments?{query}")

    assert 200 == answer.status_code
    assert statuses == [found["status"] for found in answer.json()]


def test_a_list_is_narrowed_to_a_time(store: Store, settings: Settings) -> None:
    """Also where the clock of a host went wrong by less than an hour."""
    numbers = [request_deployment(store, settings) for _ in range(4)]
    minutes = [0, 90, 60, 120]
    with store.begin() as db:
        for number, minute in zip(numbers, minutes, strict=True):
            at = NOW + timedelta(minutes=minute)
            set_columns(db, number, created_at=at)

    def found(since: int | None, until: int | None) -> list[int]:
        times = [None if m is None else NOW + timedelta(minutes=m)
                 for m in (since, until)]  # fmt: skip
        page = history.page(store, Filter(since=times[0], until=times[1]))
        return [numbers.index(deployment.id) for deployment in page.items]

    assert [3, 2, 1, 0] == found(None, None)
    assert [3, 2, 1] == found(60, None)
    assert [3, 1] == found(61, None)
    assert [2, 0] == found(None, 90)
    assert [2] == found(60, 90)
    assert [] == found(121, None)
    assert [] == found(None, 0)


SAID = {"where": "größe", "what": 'a "b" 50%_', "count": 7}


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("größe", True),
        ("GRÖSSE", False),
        ('a "B"', True),
        ("50%_", True),
        ("50__", False),
        ("%", True),
        ("_x", False),
        ("count", True),
        ("Exit Code 3", True),
        ("exit code 4", False),
        ("/", False),
        ("a\0b", False),
    ],
)
def test_a_text_is_looked_for_in_reason_and_variables(
    store: Store, settings: Settings, text: str, *, there: bool
) -> None:
    number = request_deployment(store, settings)
    with store.begin() as db:
        set_columns(db, number, variables=SAID, reason="exit code 3: off")

    page = history.page(store, Filter(text=text))

    assert ([number] if there else []) == [d.id for d in page.items]
    assert (None, None) == (page.before, page.searched_to)


def test_a_search_ends_somewhere_and_goes_on_from_there(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.history.SEARCHED", 2)
    numbers = [request_deployment(store, settings) for _ in range(4)]
    with store.begin() as db:
        set_columns(db, numbers[1], reason="found")

    first = history.page(store, Filter(text="found"))
    second = history.page(store, Filter(text="found"), before=first.before)
    third = history.page(store, Filter(text="found"), before=second.before)

    assert ((), numbers[2]) == (tuple(first.items), first.searched_to)
    assert [numbers[1]] == [deployment.id for deployment in second.items]
    # There were as many as it may look at, so it can't know that these were all.
    assert numbers[0] == second.searched_to
    assert ((), None) == (tuple(third.items), third.before)


def test_who_has_deployed_is_known_by_name(store: Store, settings: Settings) -> None:
    for name in ("bob", "ada", "bob"):
        request_deployment(store, settings, actor=Actor(name, frozenset(Permission)))
    other = make_service(name="other")
    request_deployment(store, settings, other, actor=on_host("eve"))

    assert ["ada", "bob", "eve (host)"] == history.page_with_actors(store)[1]
    assert ["ada", "bob"] == history.page_with_actors(store, service="hello")[1]
    assert [] == history.page_with_actors(store, service="nothing")[1]


def test_the_api_leads_from_page_to_page(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.web.api.PAGE", 2)
    numbers = [request_deployment(store, settings) for _ in range(3)]
    client = client_for((Permission.VIEW,))

    first = client.get("/api/v1/deployments?service=hello&status=")
    second = client.get(first.links["next"]["url"])

    assert numbers[:0:-1] == [found["id"] for found in first.json()]
    assert numbers[:1] == [found["id"] for found in second.json()]
    assert "service=hello" in first.links["next"]["url"]
    assert "next" not in second.links


@pytest.mark.parametrize("path", ["/deployments", "/services/hello"])
def test_a_history_is_narrowed_by_an_address_that_can_be_sent(
    client_for: ClientFor, store: Store, settings: Settings, path: str
) -> None:
    record.finish(store, start_deployment(store, settings).id, 3)
    waiting = request_deployment(store, settings)
    client = client_for(Role.VIEWER)

    sent = client.get(f"{path}?status=queued&actor=&origin=&text=&since=&until=")
    found = client.get(sent.headers["location"])
    nothing = client.get(f"{path}?text=canary")
    wrong = client.get(f"{path}?status=failed&since=%3Cscript%3E")

    assert (303, f"{path}?status=queued") == (
        sent.status_code, sent.headers["location"],
    )  # fmt: skip
    history = found.text[found.text.index('class="history"') :]
    assert f"/deployments/{waiting}" in history
    assert f"/deployments/{waiting - 1}" not in history
    assert '<option value="queued" selected>' in found.text
    assert ">Clear</a>" in found.text
    assert "No matching deployments" in nothing.text
    assert 422 == wrong.status_code
    assert 'id="filter-since-problem"' in wrong.text
    assert "<script>" not in wrong.text


def test_older_pages_keep_the_filters(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.web.history.PAGE", 1)
    numbers = [request_deployment(store, settings) for _ in range(2)]
    client = client_for(Role.VIEWER)

    first = client.get("/deployments?status=queued").text
    older = f"/deployments?status=queued&amp;before={numbers[1]}"
    second = client.get(older.replace("&amp;", "&")).text

    assert f'href="{older}"' in first
    assert "Newest</a>" not in first
    assert f'href="/deployments/{numbers[0]}"' in second
    assert 'href="/deployments?status=queued">Newest</a>' in second


@pytest.mark.parametrize("name", ["status", "origin", "since", "until"])
def test_a_filter_that_nothing_can_have_is_refused(
    client_for: ClientFor, name: str
) -> None:
    """To leave it out would list what it was to exclude."""
    answer = client_for((Permission.VIEW,)).get(f"/api/v1/deployments?{name}=nonsense")

    assert 422 == answer.status_code
    assert answer.json()["error"].startswith(f"{name}: must be ")
