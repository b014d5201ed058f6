"""Schedules ping their healthcheck URL, which nobody sees."""

from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Role
from app.domain.outgoing_url import parse_networks
from app.settings import Settings
from app.store import pings as rows
from app.store.metadata import metadata
from app.store.store import Store
from app.usecases import pings, record, schedules
from app.usecases.secret_rotation import rotate
from testing.factories import ROOT
from testing.healthchecks import Healthchecks, serving
from testing.pinged_schedules import launch, scheduled, sync
from testing.web_client import ClientFor, csrf_of

LOOPBACK = parse_networks("127.0.0.0/8")
CANARY = "hunter2-canary"


@pytest.fixture
def healthchecks() -> Iterator[Healthchecks]:
    with serving() as found:
        yield found


def send(store: Store, settings: Settings, *, allowed: Any = LOOPBACK) -> int:
    """Send what is due; return the number of pings."""
    secret_box = bootstrap.make_secret_box(settings)
    count = 0
    while taken := pings.take_due(store, 3):
        for ping in taken:
            pings.send(store, secret_box, allowed, ping)
        count += len(taken)
    return count


def let_all_be_due(store: Store) -> None:
    with store.begin() as db:
        db.execute(text("UPDATE pings SET due_at = now()"))


def waiting(store: Store) -> list[tuple[str, int]]:
    """The kind of each ping that isn't sent, and how often it was tried."""
    query = "SELECT kind, attempts FROM pings WHERE sent_at IS NULL ORDER BY number"
    with store.begin() as db:
        return [(row.kind, row.attempts) for row in db.execute(text(query))]


def problem(store: Store) -> str:
    return schedules.find_named(store, "hello", "nightly").stored.ping_problem


@pytest.mark.parametrize(
    ("exit_code", "last"), [(0, "/ping/x?rid=1"), (2, "/ping/x/fail?rid=1")]
)
def test_a_schedule_pings_when_its_deployment_starts_and_ends(
    store: Store,
    settings: Settings,
    healthchecks: Healthchecks,
    exit_code: int,
    last: str,
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/ping/x?rid=1"))
    number = launch(store, settings)

    assert 1 == send(store, settings)
    begun = record.mark_starting(store, number, settings.node)
    record.mark_running(store, begun.deployment)
    assert 0 == send(store, settings)
    record.finish(store, number, exit_code)
    assert 1 == send(store, settings)

    assert ["/ping/x/start?rid=1", last] == healthchecks.paths
    assert [] == waiting(store)
    with store.begin() as db:
        assert 0 == db.execute(text("SELECT count(*) FROM pings")).scalar_one()


def test_without_a_url_nothing_is_pinged(store: Store, settings: Settings) -> None:
    sync(store, settings, scheduled(""))
    record.fail(store, launch(store, settings), "it failed")

    assert 0 == send(store, settings)


def test_a_ping_is_repeated_in_order_until_it_is_accepted(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/x"))
    healthchecks.status = HTTPStatus.SERVICE_UNAVAILABLE
    number = launch(store, settings)
    send(store, settings)
    assert [("start", 1)] == waiting(store)
    assert "the healthcheck answered 503" == problem(store)
    assert 0 == send(store, settings)

    # Its start isn't repeated when it has ended, but the end is.
    record.fail(store, number, "it failed")
    let_all_be_due(store)
    send(store, settings)
    assert [("fail", 1)] == waiting(store)
    healthchecks.status = HTTPStatus.OK
    let_all_be_due(store)
    send(store, settings)

    assert ["/x/start", "/x/start", "/x/fail", "/x/fail"] == healthchecks.paths
    assert [] == waiting(store)
    assert "" == problem(store)


def test_a_ping_is_given_up_after_some_attempts_and_at_once_if_that_is_useless(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/x", overlap="queue"))
    healthchecks.status = HTTPStatus.INTERNAL_SERVER_ERROR
    launch(store, settings)
    for _ in range(10):
        let_all_be_due(store)
        send(store, settings)
    assert 5 == len(healthchecks.paths)
    assert [] == waiting(store)

    healthchecks.status = HTTPStatus.NOT_FOUND
    launch(store, settings)
    send(store, settings)
    assert 6 == len(healthchecks.paths)
    assert [("start", 1)] == waiting(store)
    assert "the healthcheck answered 404" == problem(store)

    healthchecks.status = HTTPStatus.GONE
    let_all_be_due(store)
    send(store, settings)
    assert 7 == len(healthchecks.paths)
    assert [] == waiting(store)
    assert "the healthcheck answered 410" == problem(store)


def test_an_internal_address_is_pinged_only_if_it_is_allowed(
    store: Store, settings: Settings, healthchecks: Healthchecks, client_for: ClientFor
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/{CANARY}"))
    launch(store, settings)

    send(store, settings, allowed=())

    assert [] == healthchecks.paths
    assert [] == waiting(store)
    page = unescape(client_for(Role.VIEWER).get("/schedules/1").text)
    assert "an administrator can allow its network" in page
    assert CANARY not in page


def test_a_ping_that_a_worker_has_taken_is_sent_again_if_that_was_killed(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/x"))
    launch(store, settings)
    with store.begin() as db:
        assert 1 == len(rows.take_due(db, 10))

    assert 0 == send(store, settings)
    let_all_be_due(store)
    assert 1 == send(store, settings)

    assert ["/x/start"] == healthchecks.paths


def test_a_worker_that_was_slower_than_its_lease_changes_nothing(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/x"))
    launch(store, settings)
    with store.begin() as db:
        [slow] = rows.take_due(db, 10)
    let_all_be_due(store)
    with store.begin() as db:
        [taken] = rows.take_due(db, 10)

    with store.begin() as db:
        assert not rows.settle(db, slow)
        assert not rows.put_off(db, slow, "too late", 0)

    assert [("start", 2)] == waiting(store)
    assert "" == problem(store)
    with store.begin() as db:
        assert rows.settle(db, taken)
        assert not rows.put_off(db, slow, "too late", 0)
    assert [] == waiting(store)


def test_a_removed_or_changed_url_is_pinged_no_more(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/one"))
    launch(store, settings)

    # Only the secret path differs.
    sync(store, settings, scheduled(f"{healthchecks.url}/two", overlap="queue"))
    send(store, settings)
    launch(store, settings)
    sync(store, settings, scheduled(""))
    send(store, settings)

    assert ["/two/start"] == healthchecks.paths
    assert [] == waiting(store)


def test_a_url_can_be_pinged_after_a_rotation_of_the_key(
    store: Store, settings: Settings, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(f"{healthchecks.url}/x"))
    before = schedules.find_named(store, "hello", "nightly").stored.healthcheck

    done = rotate(store, settings, bootstrap.make_secret_box(settings), ROOT)

    assert 1 == done.schedules
    after = schedules.find_named(store, "hello", "nightly").stored.healthcheck
    assert before != after
    launch(store, settings)
    send(store, settings)
    assert ["/x/start"] == healthchecks.paths


def test_the_path_of_a_url_is_in_no_row_no_page_and_no_answer(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    sync(store, settings, scheduled(f"https://hc.example.org/{CANARY}"))
    number = launch(store, settings)
    client = client_for(Role.ADMIN)

    pages = [
        client.get(path).text
        for path in ("/schedules", "/schedules/1", "/services/hello",
                     "/api/v1/services", "/api/v1/schedules", f"/deployments/{number}",
                     f"/api/v1/deployments/{number}")
    ]  # fmt: skip
    with store.begin() as db:
        kept = [
            str(row)
            for table in metadata.tables
            for row in db.execute(text(f"SELECT t::text FROM {table} AS t"))  # noqa: S608 - names of tables
        ]

    assert "https://hc.example.org/…" in unescape(pages[1])
    assert any("hc.example.org" in row for row in kept)
    for content in (*pages, *kept):
        assert CANARY not in content


def test_the_form_takes_a_url_and_does_not_repeat_it(
    store: Store, settings: Settings, client_for: ClientFor, healthchecks: Healthchecks
) -> None:
    sync(store, settings, scheduled(""))
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "service": "hello",
        "name": "weekly",
        "cron": "0 4 * * *",
        "healthcheck_url": f"{healthchecks.url}/{CANARY}",
    }

    preview = client.post("/new-schedule", data=form | {"action": "preview"})
    wrong = client.post(
        "/new-schedule", data=form | {"healthcheck_url": f"ftp://h/{CANARY}"}
    )
    created = client.post("/new-schedule", data=form)

    assert CANARY not in preview.text + wrong.text
    assert (422, "must be https://HOST/PATH" in wrong.text) == (wrong.status_code, True)
    assert 303 == created.status_code
    page = client.get(created.headers["location"]).text
    assert f"{healthchecks.url}/…" in unescape(page)
    found = schedules.find_named(store, "hello", "weekly").stored
    client.post(f"/schedules/{found.id}/run", data={"csrf_token": form["csrf_token"]})
    send(store, settings)
    assert [f"/{CANARY}/start"] == healthchecks.paths
