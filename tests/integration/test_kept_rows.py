"""Rendered rows are kept: none is out of date, or has another's rights."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from app.domain.access import Grant, Permission, Role, SubjectKind
from app.domain.service import Service
from app.settings import Settings
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import grants, overview, record
from testing.factories import (
    PASSWORD,
    ROOT,
    add_service,
    make_schema,
    make_service,
    make_user,
    set_columns,
    start_deployment,
)
from testing.web_client import ClientFor, csrf_of, make_client

NAME = "shop/site@live"


def made(description: str = "", *labels: str) -> Service:
    schema = make_schema(version={"type": "string"})
    return make_service(
        name=NAME, description=description, labels=labels, variables=schema
    )


def deploy(store: Store, settings: Settings, version: str, code: int = 0) -> int:
    number = start_deployment(store, settings, made(), given={"version": version}).id
    record.finish(store, number, code)
    return number


Change = Callable[[Store, Settings, int], object]


def _set(**values: object) -> Change:
    def change(store: Store, _: Settings, number: int) -> None:
        with store.begin() as db:
            set_columns(db, number, **values)

    return change


def _break(store: Store, *_: object) -> None:
    with store.begin() as db:
        services.put(db, [FoundService(NAME, None, "line 3: no")], node="here")
        services.settle(db)


def _delete(store: Store, _: Settings, number: int) -> None:
    with store.begin() as db:
        db.exec_driver_sql("DELETE FROM deployments WHERE id = %s", (number - 1,))


#: What changes a row, and what it shows then.
CHANGES: dict[str, tuple[Change, str]] = {
    "a new version": (lambda *a: deploy(a[0], a[1], "9.9"), ">9.9<"),
    "a failure": (lambda *a: deploy(a[0], a[1], "2", 3), "exit code 3"),
    "a running deployment": (
        lambda *a: start_deployment(a[0], a[1], made(), given={"version": "2"}),
        "<span>running</span>",
    ),
    "a description": (lambda *a: add_service(a[0], made("The shop")), ">The shop<"),
    "a label": (lambda *a: add_service(a[0], made("", "team:web")), ">team:web<"),
    "an error": (_break, "line 3: no"),
    "another actor": (_set(actor="grace"), "by grace"),
    "a partial deployment": (_set(partial=True), "partial-mark"),
    "a warning": (_set(warnings=[{"kind": "deprecated"}]), "with warnings"),
    "an earlier creation": (
        _set(created_at=datetime.now(UTC) - timedelta(days=3)),
        "3 days ago",
    ),
    "a deleted deployment": (_delete, 'newest last: 1 successful"'),
}


@pytest.mark.parametrize(
    ("change", "shown"),
    CHANGES.values(),
    ids=[name.replace(" ", "-") for name in CHANGES],
)
def test_a_row_shows_what_has_changed(
    store: Store,
    settings: Settings,
    client_for: ClientFor,
    change: Change,
    shown: str,
) -> None:
    deploy(store, settings, "1.0")
    number = deploy(store, settings, "1.1")
    client = client_for((Permission.VIEW,))
    # The second request gets the row that the first one has rendered.
    before = [client.get("/overview").text for _ in range(2)]

    change(store, settings, number)
    after = client.get("/overview").text

    assert [False, False, True] == [shown in text for text in (*before, after)]


def test_the_time_since_a_deployment_goes_on(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = deploy(store, settings, "1.0")
    client = client_for((Permission.VIEW,))

    def since(minutes: int) -> str:
        at = datetime.now(UTC) - timedelta(minutes=minutes, seconds=5)
        with store.begin() as db:
            set_columns(db, number, created_at=at)
        text = client.get("/overview").text
        start = text.index("<relative-time")
        return str(text[start:].partition(">")[2].partition("<")[0])

    assert ["just now", "2 min ago", "1 h ago"] == [since(m) for m in (0, 2, 60)]


def test_a_kept_row_has_only_what_its_viewer_may_see_and_do(
    web: Starlette, store: Store, settings: Settings, client_for: ClientFor
) -> None:
    """The administrator sees the row first, and again after the member."""
    deploy(store, settings, "1.0")
    add_service(store, make_service(name="shop/site@staging"))
    add_service(store, make_service(name="backup"))
    administrator, viewer = client_for(Role.ADMIN), client_for(Role.VIEWER)
    token = client_for((Permission.VIEW,))
    member = make_client(web, store, None)
    form = {"name": make_user(store, "ada", Role.MEMBER), "password": PASSWORD}
    assert 303 == member.post("/login", data=form).status_code
    grants.add(
        store, ROOT, SubjectKind.USER, "ada", Grant(Permission.VIEW, "*@staging")
    )
    launch, star = "#launch", 'class="star"'

    for _ in range(2):
        whole = administrator.get("/overview").text
        assert all(part in whole for part in (NAME, "1.0", "backup", launch, star))
        seen = member.get("/overview").text
        assert "shop/site@staging" in seen
        assert not [part for part in (NAME, "1.0", "backup", launch) if part in seen]
        assert launch not in viewer.get("/overview").text
        assert star not in token.get("/overview").text

    grants.add(store, ROOT, SubjectKind.USER, "ada", Grant(Permission.DEPLOY, NAME))
    seen = member.get("/overview").text
    assert f"/services/{NAME}#launch" in seen
    assert "/services/shop/site@staging#launch" not in seen


def test_a_favourite_of_one_user_is_not_one_of_another(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    deploy(store, settings, "1.0")
    one, other = client_for(Role.VIEWER), client_for(Role.ADMIN)
    pressed = 'aria-pressed="true"'
    form = {"csrf_token": csrf_of(one, store), "add": "shop/site"}

    before = [client.get("/overview").text for client in (one, other)]
    one.post("/favourites", data=form)
    after = [client.get("/overview").text for client in (one, other)]

    assert [0, 0] == [text.count(pressed) for text in before]
    assert [1, 0] == [text.count(pressed) for text in after]


def test_a_long_row_is_parsed_each_time_and_shown_whole(
    store: Store, settings: Settings
) -> None:
    """A document that isn't kept, with the newest outcomes of all environments."""
    for number in range(60):
        add_service(store, make_service(name=f"shop/many@place-{number:02}"))
    long = {"version": "1.0", "notes": "x" * 20_000}
    schema = make_schema(version={"type": "string"}, notes={"type": "string"})
    service = make_service(name="shop/many@place-07", variables=schema)
    number = start_deployment(store, settings, service, given=long).id
    record.finish(store, number, 0)

    first, second = (overview.look(store).services[0] for _ in range(2))

    assert first == second
    assert first is not second
    assert 60 == len(first.spots)
    assert ("1.0", number) == (first.spots[7].version, first.spots[7].brought_by)
    assert [number] == [ended.id for ended in first.outcomes]


def test_a_row_of_the_history_is_up_to_date_and_has_the_rights_of_its_viewer(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = start_deployment(store, settings, made(), given={"version": "1.0"}).id
    administrator, viewer = client_for(Role.ADMIN), client_for(Role.VIEWER)
    again = f'href="/services/{NAME}?again={number}#launch"'

    pages = [c.get("/deployments").text for c in (administrator, viewer, administrator)]
    record.finish(store, number, 3)
    ended = viewer.get("/deployments").text

    assert [True, False, True] == [again in page for page in pages]
    assert all("<elapsed-time" in page for page in pages)
    assert "exit code 3" in ended
    assert not [part for part in ("<elapsed-time", again) if part in ended]
