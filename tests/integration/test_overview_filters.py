"""The rows of the overview: filters, order, groups, pages, labels and favourites."""

from collections.abc import Sequence

import pytest

from app.domain.access import Permission, Role
from app.domain.dashboard import Condition, Filter, Group, Sort
from app.domain.node import NodeInstance
from app.domain.service import Service
from app.errors import NotAllowed
from app.settings import Settings
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import nodes, overview, record
from testing.factories import (
    ROOT,
    add_service,
    make_schema,
    make_service,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.statements import listening
from testing.web_client import ClientFor, csrf_of

pytestmark = pytest.mark.usefixtures("some_services")


@pytest.fixture
def some_services(store: Store, settings: Settings) -> None:
    """Services in every condition; `shop/site` failed in production, then ran."""

    def run(service: Service, code: int, version: str = "1.0") -> None:
        running = start_deployment(store, settings, service, given={"version": version})
        record.finish(store, running.id, code)

    def made(name: str, *labels: str, description: str = "") -> Service:
        schema = make_schema(version={"type": "string"})
        return make_service(
            name=name, labels=labels, description=description, variables=schema
        )

    run(made("shop/site@production", "team:web"), 2)
    run(made("shop/site@staging", "team:web"), 0, "1.1")
    run(made("backup", "team:base", "tier-1", description="Copies the Database"), 0)
    add_service(store, made("shop/cart@staging"))
    start_deployment(store, settings, made("loader"), given={"version": "3"})
    request_deployment(store, settings, made("mailer", "tier-1"))
    with store.begin() as db:
        services.put(
            db, [FoundService("broken", None, "line 3: no playbook")], node="here"
        )
        services.settle(db)


def names(store: Store, wanted: Filter, user: str = "") -> Sequence[str]:
    return [row.line.name for row in overview.look(store, wanted, user=user).services]


ALL = ["backup", "broken", "loader", "mailer", "shop/cart", "shop/site"]


#: The names that each filter finds, in order.
CASES: list[tuple[Filter, list[str]]] = [
    (Filter(), ALL),
    (Filter(text="SITE shop"), ["shop/site"]),
    (Filter(text="copies database"), ["backup"]),
    (Filter(text="tier-1"), ["backup", "mailer"]),
    (Filter(text="100%"), []),
    (Filter(text="a\0b"), []),
    (Filter(status=Condition.FAILED), ["shop/site"]),
    (Filter(status=Condition.SUCCESSFUL), ["backup", "shop/site"]),
    (Filter(status=Condition.RUNNING), ["loader"]),
    (Filter(status=Condition.QUEUED), ["mailer"]),
    (Filter(status=Condition.INVALID), ["broken"]),
    (Filter(status=Condition.NEVER), ["shop/cart"]),
    (Filter(project="shop"), ["shop/cart", "shop/site"]),
    (Filter(label="team:web"), ["shop/site"]),
    (Filter(environment="production"), ["shop/site"]),
    (Filter(environment="staging", status=Condition.FAILED), []),
    (
        Filter(sort=Sort.STATUS),
        ["loader", "mailer", "shop/site", "broken", "backup", "shop/cart"],
    ),
    (
        Filter(sort=Sort.LATEST),
        ["mailer", "loader", "backup", "shop/site", "broken", "shop/cart"],
    ),
    (
        Filter(group=Group.PROJECT),
        ["shop/cart", "shop/site", "backup", "broken", "loader", "mailer"],
    ),
    (
        Filter(group=Group.STATUS),
        ["loader", "mailer", "shop/site", "broken", "backup", "shop/cart"],
    ),
    (
        Filter(group=Group.LABEL),
        ["backup", "shop/site", "mailer", "broken", "loader", "shop/cart"],
    ),
]


def test_filters_orders_and_groups_choose_the_rows(store: Store) -> None:
    assert [*CASES] == [(wanted, names(store, wanted)) for wanted, _ in CASES]


def test_a_row_shows_the_environment_in_the_most_urgent_condition(
    store: Store,
) -> None:
    """The failure in production is shown although staging succeeded later."""
    (site,) = overview.look(store, Filter(text="site")).services
    (staging,) = overview.look(
        store, Filter(environment="staging", text="site")
    ).services

    assert site.latest is not None
    assert "exit code 2" in site.latest.reason
    assert ("production", Condition.FAILED) == (
        site.line.lead.environment, site.line.lead.condition,
    )  # fmt: skip
    assert [("production", ""), ("staging", "1.1")] == [
        (spot.place.environment, spot.version) for spot in site.spots
    ]
    assert ["failed", "successful"] == [run.status for run in site.outcomes]
    assert ["staging"] == [spot.place.environment for spot in staging.spots]
    assert ["successful"] == [run.status for run in staging.outcomes]


def test_services_are_counted_by_condition_whatever_status_is_filtered(
    store: Store,
) -> None:
    found = overview.look(store, Filter(status=Condition.FAILED, project="shop"))

    assert 1 == found.total
    assert {
        Condition.FAILED: 1, Condition.SUCCESSFUL: 1, Condition.NEVER: 1,
    } == found.conditions  # fmt: skip


def test_a_started_deployment_without_a_heartbeat_is_unreachable(
    store: Store, settings: Settings
) -> None:
    nodes.beat(store, "gone", me=NodeInstance("gone"), concurrency=1)
    running = start_deployment(store, settings, make_service(name="afar"))
    with store.begin() as db:
        set_columns(db, running.id, node="gone")
        db.exec_driver_sql("UPDATE nodes SET heartbeat_at = now() - interval '1 hour'")

    assert ["afar"] == names(store, Filter(status=Condition.UNREACHABLE))


def test_labels_follow_the_last_valid_definition(store: Store) -> None:
    def choices() -> Sequence[str]:
        return overview.choices(store).labels

    assert ["team:base", "team:web", "tier-1"] == choices()

    with store.begin() as db:
        services.put(db, [FoundService("backup", None, "line 1: broken")], node="here")
    assert "team:base" in choices()

    add_service(store, make_service(name="backup", labels=["archive"]))
    assert ["archive", "team:web", "tier-1"] == choices()
    assert ["shop"] == [*overview.choices(store).projects]
    assert ["production", "staging"] == [*overview.choices(store).environments]


def test_a_page_has_some_rows_and_a_later_one_than_the_last_is_the_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "ROWS", 4)

    pages = [overview.look(store, page=number) for number in (1, 2, 9)]

    assert [ALL[:4], ALL[4:], ALL[4:]] == [
        [row.line.name for row in page.services] for page in pages
    ]
    assert [(1, 2, 6), (2, 2, 6), (2, 2, 6)] == [
        (page.page, page.last, page.total) for page in pages
    ]


def test_favourites_are_those_of_a_user_and_first(
    client_for: ClientFor, store: Store
) -> None:
    client, other = client_for(Role.VIEWER), client_for(Role.ADMIN)
    form = {"csrf_token": csrf_of(client, store), "back": "group=project&text=s"}

    added = client.post("/favourites", data=form | {"add": "shop/site"})

    assert (303, "/?text=s&group=project") == (
        added.status_code, added.headers["location"],
    )  # fmt: skip
    assert "shop/site" == names(store, Filter(), Role.VIEWER.value)[0]
    assert ["shop/site"] == names(store, Filter(favourites=True), Role.VIEWER.value)
    assert [] == names(store, Filter(favourites=True), Role.ADMIN.value)
    assert 'aria-pressed="true"' in client.get("/").text
    assert 'aria-pressed="true"' not in other.get("/").text

    client.post("/favourites", data=form | {"remove": "shop/site"})
    assert [] == names(store, Filter(favourites=True), Role.VIEWER.value)


def test_only_a_user_with_the_form_of_the_page_changes_favourites(
    client_for: ClientFor, store: Store
) -> None:
    client = client_for(Role.VIEWER)
    token = client_for((Permission.VIEW,))
    form = {"csrf_token": csrf_of(client, store)}

    assert 403 == client.post("/favourites", data={"add": "backup"}).status_code
    assert 404 == client.post("/favourites", data=form | {"add": "nope"}).status_code
    assert 403 == token.post("/favourites", data={"add": "backup"}).status_code
    assert 'class="star"' not in token.get("/").text
    with pytest.raises(NotAllowed):
        overview.set_favourite(store, ROOT, "backup", chosen=True)


def test_the_form_of_the_page_leads_to_a_url_without_empty_parameters(
    client_for: ClientFor,
) -> None:
    client = client_for((Permission.VIEW,))

    tidied = client.get("/?text=&project=shop&sort=&label=")
    page = client.get("/?project=shop&status=failed")

    assert (303, "/?project=shop") == (
        tidied.status_code, tidied.headers["location"],
    )  # fmt: skip
    assert 'src="/overview?status=failed&amp;project=shop"' in page.text
    assert "1 service found" in page.text
    assert 422 == client.get("/?status=nonsense").status_code
    assert 422 == client.get("/overview?page=-1").status_code


def test_more_services_need_no_more_statements(
    store: Store, settings: Settings
) -> None:
    asked = []
    for number in (0, 12):
        for each in range(number):
            service = make_service(name=f"p/s{each}@live")
            record.finish(store, start_deployment(store, settings, service).id, 0)
        with listening(store.engine) as recorded:
            overview.look(store, Filter(text="s", group=Group.LABEL), user="ada")
        asked.append(len(recorded.statements))

    assert asked[0] == asked[1]
