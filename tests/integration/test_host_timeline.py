"""The timeline of a host: what runs changed on it."""

from datetime import timedelta

import pytest

from app.domain.events import TaskResult
from app.settings import Settings
from app.store.host_timeline import TimelineFilter
from app.store.store import Store
from app.usecases import host_timeline, hosts, record
from testing.factories import (
    NOW,
    begins,
    ends,
    recaps,
)
from testing.host_runs import make_playbook_service, run_on_hosts

SHOP = make_playbook_service("shop/site@production")
CHANGED = TaskResult.CHANGED
ALL = TimelineFilter()


def test_a_timeline_has_the_changes_between_two_times(
    store: Store, settings: Settings
) -> None:
    diff = {"before": "port: 80\n", "after": "port: 8080\n"}
    number = run_on_hosts(
        store, settings, SHOP, begins("Configure"),
        ends("Configure", "web1", CHANGED, diff=diff), ends("Look", "web1"),
        ends("Configure", "web2", CHANGED), recaps(changed={"web1": 1}),
    )  # fmt: skip
    web1, minute = hosts.find(store, "web1").host, timedelta(minutes=1)

    def look(**wanted: object) -> list[list[str]]:
        found = host_timeline.look(store, web1, TimelineFilter(**wanted))  # type: ignore[arg-type]
        return [[each.task for each in entry.changes] for entry in found.entries]

    entry = host_timeline.look(store, web1, ALL).entries[0]
    assert (number, 1) == (entry.visit.deployment, entry.visit.changed)
    assert "+port: 8080" in [line.text for line in entry.changes[0].diffs[0].lines]
    assert [["Configure"]] == look(since=NOW, until=NOW + minute)
    assert [] == look(since=NOW + minute)
    assert [] == look(until=NOW)
    assert [["Configure"]] == look(text="PORT: 8080")
    assert [] == look(text="port: 9090")
    assert [] == look(service="wiki")


def test_a_long_timeline_has_pages(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_timeline, "VISITS", 2)
    monkeypatch.setattr(host_timeline, "CHANGES", 3)
    numbers = [
        run_on_hosts(
            store, settings, SHOP, begins("Copy"),
            *(ends("Copy", "web1", CHANGED) for _ in range(count)),
            recaps(changed={"web1": 1}),
        )
        for count in (1, 5, 1, 1)
    ]  # fmt: skip
    web1 = hosts.find(store, "web1").host

    pages, before = [], None
    while True:
        found = host_timeline.look(store, web1, ALL, before)
        pages.append([(e.visit.deployment, len(e.changes), e.more)
                      for e in found.entries])  # fmt: skip
        before = found.before
        if before is None:
            break

    assert [
        [(numbers[3], 1, False), (numbers[2], 1, False)],
        [(numbers[1], 3, True)],
        [(numbers[0], 1, False)],
    ] == pages


def test_the_outcomes_of_a_host_are_recorded_once(
    store: Store, settings: Settings
) -> None:
    number = run_on_hosts(store, settings, SHOP, begins("Copy"), ends("Copy", "web1"))
    record.finish(store, number, 0)

    assert 1 == len(
        host_timeline.look(store, hosts.find(store, "web1").host, ALL).entries
    )
