"""Who determined what a schedule, a retry or a webhook launches can't approve it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin, Status
from app.errors import NotAllowed
from app.project_folder import without_credentials
from app.queue import make_queue
from app.settings import Settings
from app.store.schedules import StoredSchedule
from app.store.store import Store
from app.usecases import (
    retries,
    schedule_changes,
    schedules,
    tokens,
    webhook_deliveries,
)
from app.usecases.auth import by_token
from app.usecases.schedule_sources import ScheduleSources
from testing.approvals import approve, launch, make_launcher
from testing.factories import add_service, make_schema, make_service
from testing.planned_schedules import end, launch_due, next_of, nightly, stored, sync
from testing.web_client import ClientFor
from testing.webhook_site import DESCRIPTION, make_site

OTHER = nightly(variables={"version": "2"})
LATER = OTHER | {"cron": "30 * * * *"}
BY_SCHEDULE = "has created or changed the schedule of deployment"


@pytest.fixture
def people(store: Store) -> tuple[Actor, ...]:
    """Three administrators."""
    return tuple(
        replace(make_launcher(store, name), permissions=frozenset(Permission))
        for name in ("eva", "lea", "tim")
    )


def create(store: Store, settings: Settings, actor: Actor) -> StoredSchedule:
    """Create a schedule of a service that asks for an approval."""
    service = make_service(
        approval=True, variables=make_schema(version={"type": "string"})
    )
    add_service(store, service)
    schedule_changes.create(store, actor, service.name, nightly(), *_parts(settings))
    return stored(store)


def change(
    store: Store, settings: Settings, actor: Actor, fields: dict[str, Any]
) -> None:
    """Change the schedule."""
    number = stored(store).id
    schedule_changes.replace(store, actor, number, fields, *_parts(settings))


def _parts(settings: Settings) -> tuple[Any, Any]:
    sources = ScheduleSources(settings, without_credentials)
    return bootstrap.make_secret_box(settings), sources


def launched(store: Store, settings: Settings) -> int:
    """Launch the schedule at its next instant."""
    (number,) = launch_due(store, settings, next_of(stored(store))).launched
    return number


def test_who_changed_what_a_schedule_launches_cannot_approve_it(
    store: Store, settings: Settings, people: tuple[Actor, ...]
) -> None:
    eva, lea, tim = people
    create(store, settings, eva)
    change(store, settings, lea, OTHER)
    change(store, settings, tim, LATER)
    number = launched(store, settings)

    for actor in (eva, lea):
        with pytest.raises(NotAllowed, match=f"{actor.name} {BY_SCHEDULE} {number}"):
            approve(store, settings, number, actor)
    assert "tim" == stored(store).changed_by
    assert Status.QUEUED is approve(store, settings, number, tim).status


def test_a_token_does_not_hide_who_changed_a_schedule(
    store: Store, settings: Settings, people: tuple[Actor, ...]
) -> None:
    eva, lea, _ = people
    scopes = [Permission.DEPLOY, Permission.APPROVE]
    of_lea = by_token(store, tokens.create_own_token(store, lea, "ci", scopes))
    create(store, settings, eva)
    change(store, settings, of_lea, OTHER)
    number = launched(store, settings)

    for actor in (lea, of_lea):
        with pytest.raises(NotAllowed, match=BY_SCHEDULE):
            approve(store, settings, number, actor)


def test_who_runs_a_schedule_now_does_not_stand_in_for_its_creator(
    store: Store, settings: Settings, people: tuple[Actor, ...]
) -> None:
    eva, lea, tim = people
    box, sources = _parts(settings)
    number = schedules.run_now(
        store,
        make_queue(settings),
        box,
        lea,
        create(store, settings, eva).id,
        origin=Origin.BROWSER,
        sources=sources,
    )

    with pytest.raises(NotAllowed, match=f"eva {BY_SCHEDULE} {number}"):
        approve(store, settings, number, eva)
    with pytest.raises(NotAllowed, match="lea has launched"):
        approve(store, settings, number, lea)
    assert Status.QUEUED is approve(store, settings, number, tim).status


def test_a_file_that_takes_a_schedule_over_decides_what_is_launched(
    store: Store, settings: Settings, people: tuple[Actor, ...]
) -> None:
    create(store, settings, people[0])
    sync(store, make_service(approval=True, schedules=[nightly()]))

    found = stored(store)
    assert ("", "", ()) == (found.created_by, found.changed_by, found.requesters)
    number = launched(store, settings)
    assert Status.QUEUED is approve(store, settings, number, people[0]).status


def test_who_launched_a_deployment_cannot_approve_its_retry(
    store: Store, settings: Settings, people: tuple[Actor, ...]
) -> None:
    eva, lea, tim = people
    number = launch(store, settings, actor=eva)
    for _ in range(2):
        end(store, number)
        number = retries.retry(
            store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=lea,
            origin=Origin.BROWSER,
            deployment_id=number,
        )

    with pytest.raises(NotAllowed, match="eva has requested the deployment that is"):
        approve(store, settings, number, eva)
    assert Status.QUEUED is approve(store, settings, number, tim).status


def test_who_repeats_a_delivery_cannot_approve_what_it_launches(
    store: Store,
    settings: Settings,
    people: tuple[Actor, ...],
    tmp_path: Path,
    client_for: ClientFor,
) -> None:
    site = make_site(store, settings, tmp_path, client_for)
    asking = DESCRIPTION.replace(
        "inventory: hosts, refs", "inventory: hosts, approval: true, refs"
    )
    site.repository.commit("Ask for approvals", {"fastdeploy.yml": asking})
    site.repository.git("tag", "v1")
    site.push("refs/tags/v1", site.head)
    site.work()
    (delivery,) = site.deliveries
    webhook_deliveries.redeliver(store, people[0], site.sender.id, delivery.id)
    site.work()
    first, second = (each.id for each in site.launched)

    with pytest.raises(NotAllowed, match="eva has repeated the delivery that launched"):
        approve(store, settings, second, people[0])
    assert Status.QUEUED is approve(store, settings, second, people[1]).status
    assert Status.QUEUED is approve(store, settings, first, people[0]).status
