"""Messages about deployments that wait or run too long."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, notification_messages, notifications, record
from testing.factories import (
    make_service,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.notification_rows import ALL, claim, written


def test_a_deployment_of_a_schedule_that_has_waited_too_long_is_late_once(
    store: Store, settings: Settings
) -> None:
    def waiting(minutes: int, *, rules: Any = ALL, origin: str = "schedule") -> int:
        number = request_deployment(store, settings, make_service(notify=rules))
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        with store.begin() as db:
            set_columns(db, number, created_at=at, origin=origin)
        return number

    late = waiting(11)
    waiting(9)
    waiting(60, origin="browser")
    waiting(60, rules=[{"on": ["failed"], "to": "late"}])

    for _ in range(2):
        notifications.note_late(store)

    assert [(late, "late", "ops")] == written(store)
    claimed = claim(store)
    assert claimed is not None
    message = notification_messages.compose(store, "", claimed)
    assert f"hello is late (#{late})" == message.title
    assert "It hasn't started." in message.text


def ran(
    store: Store, settings: Settings, minutes: float, *, ended: bool = True, **more: Any
) -> int:
    """Insert a deployment that ran, or has been running, for some minutes."""
    number = start_deployment(store, settings, make_service(notify=ALL)).id
    if ended:
        record.finish(store, number, 0)
    now = datetime.now(UTC)
    times = {"started_at": now - timedelta(minutes=minutes)}
    if ended:
        times["finished_at"] = now
    with store.begin() as db:
        set_columns(db, number, **times | more)
    return number


def test_a_deployment_that_runs_longer_than_usual_is_late_once(
    store: Store, settings: Settings
) -> None:
    for minutes in (3, 4, 9):
        ran(store, settings, minutes)
    ran(store, settings, 1, partial=True)
    late = ran(store, settings, 6.5, ended=False)

    # Several workers look at the same time.
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: notifications.note_late(store), range(6)))

    assert [(late, "late", "ops")] == written(store)
    claimed = claim(store)
    assert claimed is not None
    message = notification_messages.compose(store, "", claimed)
    assert f"hello is late (#{late})" == message.title
    assert "It usually takes 4 min." in message.text
    view = deploy.view(store, late)
    assert view.late
    assert view.exceeded == pytest.approx(240, abs=5)


@pytest.mark.parametrize(
    ("before", "minutes", "more"),
    [
        pytest.param([4, 4, 4], 5.5, {}, id="not notably longer"),
        pytest.param([0.1, 0.1, 0.1], 0.9, {}, id="less than a minute longer"),
        pytest.param([4, 4], 60, {}, id="too few runs are known"),
        pytest.param([4, 4, 4], 60, {"partial": True}, id="partial"),
        pytest.param([4, 4, 4], 60, {"ended": True}, id="ended"),
    ],
)
def test_a_deployment_is_not_late(
    store: Store,
    settings: Settings,
    before: list[float],
    minutes: float,
    more: dict[str, Any],
) -> None:
    for each in before:
        ran(store, settings, each)
    number = ran(store, settings, minutes, **{"ended": False} | more)

    notifications.note_late(store)

    assert [] == written(store)
    assert not deploy.view(store, number).late
