"""The overview: its services, its queue, and the statements that it sends."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Permission
from app.domain.deployment import Status
from app.domain.node import NodeInstance, NodeState
from app.settings import Settings
from app.store.store import Store
from app.usecases import nodes as node_usecases
from app.usecases import overview, record
from app.usecases.overview import OUTCOMES
from testing.factories import (
    add_service,
    make_service,
    make_step_line,
    record_lines,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.statements import listening
from testing.web_client import ClientFor


def test_a_service_shows_its_last_outcomes_with_the_newest_last(
    store: Store, settings: Settings
) -> None:
    codes = [3, *[0] * (OUTCOMES - 1), 1]
    for code in codes:
        record.finish(store, start_deployment(store, settings).id, code)
    running = start_deployment(store, settings)
    request_deployment(store, settings)
    add_service(store, make_service(name="other"))

    hello, other = overview.look(store).services

    assert [Status.SUCCESSFUL] * (OUTCOMES - 1) + [Status.FAILED] == [
        ended.status for ended in hello.outcomes
    ]
    assert hello.latest is not None
    assert running.id == hello.latest.id
    assert other.latest is None
    assert [] == [*other.outcomes]


def test_what_waits_has_a_place_in_the_queue_of_its_service(
    store: Store, settings: Settings
) -> None:
    begun = start_deployment(store, settings)
    first, second = (request_deployment(store, settings) for _ in range(2))
    other = request_deployment(store, settings, make_service(name="other"))

    found = overview.look(store).activity

    assert [begun.id] == [view.deployment.id for view in found.begun]
    assert {first: 1, second: 2, other: 1} == {
        item.view.deployment.id: item.position for item in found.waiting
    }


def test_of_a_long_queue_the_rest_is_counted(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "WAITING", 1)
    first, *_ = (request_deployment(store, settings) for _ in range(3))

    found = overview.look(store).activity

    assert [first] == [item.view.deployment.id for item in found.waiting]
    assert 2 == found.unlisted


def test_a_step_that_goes_on_for_too_long_is_not_about_to_end(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    """Time has passed since NOW, when it began; the one before took none."""
    before = start_deployment(store, settings)
    record_lines(store, before.id, make_step_line(), make_step_line(state="success"))
    record.finish(store, before.id, 0)
    running = start_deployment(store, settings)
    record_lines(store, running.id, make_step_line())
    client = client_for((Permission.VIEW,))

    for path in ("/", f"/deployments/{running.id}"):
        text = client.get(path).text
        assert "taking longer than usual" in text, path
        assert "seconds left" not in text, path


def test_a_deployment_that_runs_longer_than_usual_is_marked(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    for _ in range(3):
        record.finish(store, start_deployment(store, settings).id, 0)
    running = start_deployment(store, settings)
    with store.begin() as db:
        set_columns(db, running.id, started_at=datetime.now(UTC) - timedelta(hours=1))
    client = client_for((Permission.VIEW,))

    for path in ("/", f"/deployments/{running.id}"):
        assert ">late</span>" in client.get(path).text, path
    assert client.get(f"/api/v1/deployments/{running.id}").json()["late"] is True


def test_nodes_are_counted_by_their_state(store: Store) -> None:
    for name in ("a", "b"):
        node_usecases.beat(store, name, me=NodeInstance(name), concurrency=1)
    node_usecases.beat(store, "c", me=NodeInstance("c"), concurrency=1, draining=True)

    found = overview.look(store).activity

    assert {NodeState.READY: 2, NodeState.DRAINING: 1} == found.nodes


def test_it_asks_no_more_often_the_more_there_is(
    store: Store, settings: Settings
) -> None:
    asked = []
    for names in (["a"], ["b", "c", "d"]):
        for name in names:
            service = make_service(name=name)
            record.finish(store, start_deployment(store, settings, service).id, 0)
            start_deployment(store, settings, service)
            request_deployment(store, settings, service)
        with listening(store.engine) as recorded:
            overview.look(store)
        asked.append(len(recorded.statements))

    assert asked[0] == asked[1]


def test_the_part_that_changes_is_sent_only_when_it_has(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    client = client_for((Permission.VIEW,))
    add_service(store)
    first = client.get("/overview")
    seen = {"If-None-Match": first.headers["etag"]}

    same = client.get("/overview", headers=seen)
    number = request_deployment(store, settings)
    changed = client.get("/overview", headers=seen)

    assert (304, b"") == (same.status_code, same.content)
    assert 200 == changed.status_code
    assert f"hello #{number}" in changed.text


def test_the_page_begins_with_what_its_updates_have(
    client_for: ClientFor, store: Store
) -> None:
    """Otherwise the first update would replace elements that didn't change.

    An update has no form, since it keeps the one that somebody fills in.
    """
    client = client_for((Permission.VIEW,))
    add_service(store)

    page, update = (client.get(path).text for path in ("/", "/overview"))

    begin, form, end = "<service-filter>", "</form>", "</service-filter>"
    before, _, after = page.partition(begin)
    assert form in after
    bare = f"{before}{begin}{end}{after.partition(end)[2]}"
    assert f'<live-part src="/overview">{update}</live-part>' in bare
