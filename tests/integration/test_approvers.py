"""Who may approve a deployment, and what has to hold when it is approved."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.domain.access import Actor, Grant, Permission, Role, access_of
from app.domain.deployment import Status
from app.errors import Conflict, NotAllowed, NotFound
from app.settings import Settings
from app.store import users
from app.store.store import Store
from app.usecases import deploy, tokens
from app.usecases.auth import by_token
from testing.approvals import APPROVER, approve, jobs, launch, make_launcher, reject
from testing.factories import ROOT, add_service, make_service
from testing.planned_schedules import launch_due, next_of, nightly, stored, sync

WAITING = Status.WAITING_FOR_APPROVAL


def test_who_launched_it_cannot_approve_it_but_reject_it(
    store: Store, settings: Settings
) -> None:
    grace = make_launcher(store)
    number = launch(store, settings, actor=grace)
    token = tokens.create_own_token(
        store, replace(grace, access=access_of(Role.ADMIN, ())), "ci",
        [Permission.APPROVE],
    )  # fmt: skip

    for actor in (grace, by_token(store, token)):
        with pytest.raises(NotAllowed, match="somebody else has to approve it"):
            approve(store, settings, number, actor)
    assert Status.CANCELED is reject(store, settings, number, grace).status


def test_what_a_schedule_launches_waits_too(store: Store, settings: Settings) -> None:
    sync(store, make_service(approval=True, schedules=[nightly()]))
    first = next_of(stored(store))

    (number,) = launch_due(store, settings, first).launched
    assert [] == launch_due(store, settings, first).launched

    assert WAITING is deploy.find(store, number).status
    assert [] == jobs(store)
    assert Status.QUEUED is approve(store, settings, number).status
    assert [number] == jobs(store)


@pytest.mark.parametrize("decide", [approve, reject])
def test_it_needs_the_permission_on_the_service(
    store: Store, settings: Settings, decide: Callable[..., object]
) -> None:
    number = launch(store, settings)
    grant = Grant(Permission.APPROVE, "other")
    elsewhere = replace(APPROVER, access=access_of(Role.MEMBER, [grant]))

    for actor in (elsewhere, replace(APPROVER, permissions=frozenset())):
        with pytest.raises(NotAllowed, match="olga may not approve"):
            decide(store, settings, number, actor)
    with pytest.raises(NotFound):
        decide(store, settings, number + 1)


def test_a_machine_token_approves_only_with_the_verb(
    store: Store, settings: Settings
) -> None:
    number = launch(store, settings)
    of_deploy = tokens.create_token(store, ROOT, "ci", [Permission.DEPLOY])
    limited = tokens.create_limited_token(
        store, ROOT, "gate", [Grant(Permission.APPROVE, "hello")]
    )

    with pytest.raises(NotAllowed):
        approve(store, settings, number, by_token(store, of_deploy))
    assert (
        Status.QUEUED
        is approve(store, settings, number, by_token(store, limited)).status
    )


# What is checked again


def disable(store: Store, launcher: Actor) -> None:
    with store.begin() as db:
        assert launcher.user_id is not None
        users.set_disabled(db, launcher.user_id, disabled=True)


def lower_role(store: Store, launcher: Actor) -> None:
    with store.begin() as db:
        assert launcher.user_id is not None
        users.set_role(db, launcher.user_id, Role.VIEWER)


@pytest.mark.parametrize("change", [disable, lower_role])
def test_who_launched_it_must_still_be_allowed_to(
    store: Store, settings: Settings, change: Callable[[Store, Actor], None]
) -> None:
    grace = make_launcher(store)
    number = launch(store, settings, actor=grace)
    change(store, grace)

    with pytest.raises(Conflict, match="grace may not launch hello any more"):
        approve(store, settings, number)
    assert Status.CANCELED is reject(store, settings, number).status


def test_a_token_that_launched_it_must_not_be_revoked(
    store: Store, settings: Settings
) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.DEPLOY])
    actor = by_token(store, secret)
    number, other = (launch(store, settings, actor=actor) for _ in range(2))
    approve(store, settings, number)
    assert actor.token_id is not None
    tokens.revoke_token_by_id(store, ROOT, actor.token_id)

    with pytest.raises(Conflict, match="may not launch hello any more"):
        approve(store, settings, other)


def test_its_service_must_run_it_as_it_was_launched(
    store: Store, settings: Settings
) -> None:
    number = launch(store, settings)
    add_service(store, make_service(approval=True, timeout=7))

    with pytest.raises(Conflict, match="has changed since deployment"):
        approve(store, settings, number)
    with store.begin() as db:
        db.execute(text("UPDATE services SET archived_at = now()"))
    with pytest.raises(Conflict, match="is archived"):
        approve(store, settings, number)
