"""Deployments that wait for an approval: launch, approve, reject, expiry and races."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Grant, Permission, Role, access_of
from app.domain.approval import Decision
from app.domain.audit import Action
from app.domain.deployment import Deployment, Origin, Outcome, Status
from app.domain.events import EventKind
from app.domain.options import Options
from app.errors import Conflict, FastDeployError, Invalid, NotAllowed, NotFound
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments, events, users
from app.store.store import Store
from app.usecases import approvals, audit, deploy, record, retries, tokens
from app.usecases.auth import by_token
from testing.approvals import APPROVER, LAUNCHER, approve, launch, make_launcher, reject
from testing.cancellations import cancel, outcome_of
from testing.factories import ROOT, add_service, make_schema, make_service

WAITING = Status.WAITING_FOR_APPROVAL
PLAYBOOK: dict[str, Any] = {
    "deploy_script": None,
    "playbook": "site.yml",
    "options": ["check"],
}


def jobs(store: Store) -> list[int]:
    """Return the deployments that have a job."""
    with store.begin() as db:
        query = "SELECT (args->>'deployment_id')::int FROM procrastinate_jobs"
        return list(db.scalars(text(f"{query} ORDER BY id")))


def let_expire(store: Store, number: int, milliseconds: int = 0) -> None:
    """Let the time for an approval end, now or after a moment."""
    at = text(
        "UPDATE approvals SET expires_at = now() + :after WHERE deployment_id = :id"
    )
    with store.begin() as db:
        db.execute(at, {"id": number, "after": timedelta(milliseconds=milliseconds)})


def secrets_of(store: Store, number: int) -> bytes | None:
    with store.begin() as db:
        locked = deployments.lock(db, number)
    assert locked is not None
    return locked.secrets


def audited(store: Store, action: Action) -> list[tuple[str, int | None, Any]]:
    """Return who did it, the deployment, and what has changed."""
    found = audit.latest(store, ROOT, action=action)
    return [(each.actor, each.deployment, json.loads(each.changes)) for each in found]


# The launch


def test_a_launch_waits_without_a_job(store: Store, settings: Settings) -> None:
    number = launch(store, settings)

    found = deploy.view(store, number)
    assert WAITING is found.deployment.status
    assert (None, 0, ()) == (
        found.deployment.job_id, found.ahead, found.unavailable_nodes
    )  # fmt: skip
    assert [] == jobs(store)
    with store.begin() as db:
        assert [(1, EventKind.WAITING_FOR_APPROVAL)] == [
            (event.number, event.kind) for event in events.read(db, number)
        ]


def test_a_check_needs_no_approval_and_does_not_wait_for_others(
    store: Store, settings: Settings
) -> None:
    launch(store, settings, **PLAYBOOK)

    number = launch(store, settings, chosen=Options(check=True), **PLAYBOOK)

    found = deploy.view(store, number)
    assert (Status.QUEUED, 0) == (found.deployment.status, found.ahead)
    assert [number] == jobs(store)


def test_the_registered_service_asks_for_an_older_commit_too(
    store: Store, settings: Settings
) -> None:
    """The service of the retried commit doesn't ask, that of the last sync does."""
    name = "books/site@live"
    source = {"git": "file:///nowhere", "commit": "a" * 40}
    number = launch(store, settings, name=name, project=source, approval=False)
    cancel(store, settings, number)
    add_service(store, make_service(name=name, project=source, approval=True))

    again = retries.retry(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=LAUNCHER,
        origin=Origin.API,
        deployment_id=number,
    )

    assert WAITING is deploy.find(store, again).status


def test_a_launch_replaces_what_waits_as_it_does_if_only_the_latest_counts(
    store: Store, settings: Settings
) -> None:
    first, second = (launch(store, settings, queue="latest") for _ in range(2))

    assert Outcome(Status.CANCELED, f"replaced by deployment {second}") == outcome_of(
        deploy.find(store, first)
    )
    approve(store, settings, second)
    third = launch(store, settings, queue="latest")
    assert Status.QUEUED is deploy.find(store, second).status
    approve(store, settings, third)
    assert Status.CANCELED is deploy.find(store, second).status
    assert [third] == jobs(store)


# Decisions


def test_an_approval_queues_what_was_launched(store: Store, settings: Settings) -> None:
    number = launch(
        store, settings, variables=make_schema(secret="token", v={}),
        given={"token": "hunter2", "v": 1},
    )  # fmt: skip
    before = deploy.find(store, number)
    sealed = secrets_of(store, number)

    approved = approve(store, settings, number, comment="go")

    assert Status.QUEUED is approved.status
    assert [number] == jobs(store)
    assert approved == replace(
        before, status=Status.QUEUED, job_id=approved.job_id, last_event=2
    )
    assert sealed is not None
    assert sealed == secrets_of(store, number)
    begun = record.mark_starting(store, number, "here").deployment
    assert Status.RUNNING is record.mark_running(store, begun).status
    with store.begin() as db:
        found = events.read(db, number)
    assert [
        (1, EventKind.WAITING_FOR_APPROVAL),
        (2, EventKind.QUEUED),
        (3, EventKind.STARTED),
    ] == [(event.number, event.kind) for event in found]
    assert "approved by olga: go" == found[1].text
    assert [
        ("olga", number, {
            "status": {"before": "waiting-for-approval", "after": "queued"},
            "comment": {"before": "", "after": "go"},
        })
    ] == audited(store, Action.APPROVE)  # fmt: skip
    decided = approvals.find_approval(store, number)
    assert decided is not None
    assert (Decision.APPROVED, "olga", "go") == (
        decided.decision, decided.decided_by, decided.comment
    )  # fmt: skip


def test_a_rejection_cancels_it_and_removes_its_secrets(
    store: Store, settings: Settings
) -> None:
    number = launch(
        store, settings, variables=make_schema(secret="token"),
        given={"token": "hunter2"},
    )  # fmt: skip

    rejected = reject(store, settings, number, comment="not before Monday")

    assert Outcome(
        Status.CANCELED, "rejected by olga: not before Monday"
    ) == outcome_of(rejected)
    assert secrets_of(store, number) is None
    assert [("olga", number)] == [each[:2] for each in audited(store, Action.REJECT)]


def test_what_nobody_approves_in_time_is_canceled(
    store: Store, settings: Settings
) -> None:
    number, other = launch(store, settings), launch(store, settings)
    let_expire(store, number)
    with pytest.raises(Conflict, match="not approved in time"):
        approve(store, settings, number)

    assert 1 == approvals.expire(store, make_queue(settings))

    assert Outcome(Status.CANCELED, "nobody approved it in time") == outcome_of(
        deploy.find(store, number)
    )
    assert WAITING is deploy.find(store, other).status
    assert [("expiry", number)] == [
        each[:2] for each in audited(store, Action.EXPIRE_APPROVAL)
    ]
    assert 0 == approvals.expire(store, make_queue(settings))


def test_a_deployment_is_decided_about_once(store: Store, settings: Settings) -> None:
    number, canceled = launch(store, settings), launch(store, settings)
    approve(store, settings, number)
    cancel(store, settings, canceled)

    for decide in (approve, reject):
        with pytest.raises(Conflict, match="was approved already by olga"):
            decide(store, settings, number)
        with pytest.raises(Conflict, match="has ended already"):
            decide(store, settings, canceled)
    queued = launch(store, settings, approval=False)
    with pytest.raises(Conflict, match="needs no approval"):
        approve(store, settings, queued)


@pytest.mark.parametrize("comment", ["x" * 1001, "two\nlines", "\x1b[2J"])
def test_a_comment_is_a_short_line(
    store: Store, settings: Settings, comment: str
) -> None:
    number = launch(store, settings)

    with pytest.raises(Invalid, match="a comment"):
        reject(store, settings, number, comment=comment)
    assert WAITING is deploy.find(store, number).status


# Who may decide


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


def test_who_created_the_schedule_cannot_approve_what_it_launches(
    store: Store, settings: Settings
) -> None:
    grace = make_launcher(store)
    number = launch(store, settings, schedule_creator="grace (ci, token)")

    with pytest.raises(NotAllowed, match="has created the schedule"):
        approve(store, settings, number, grace)
    assert Status.QUEUED is approve(store, settings, number).status


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


# Races


def together(acts: Sequence[Callable[[], object]]) -> list[object]:
    """Do all of them at the same time; return the results or errors."""
    barrier = Barrier(len(acts))

    def act(one: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return one()
        except FastDeployError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(act, acts))


def test_one_of_concurrent_decisions_wins(store: Store, settings: Settings) -> None:
    other = replace(APPROVER, name="otto", identity="user:4712")
    for _ in range(5):
        number = launch(store, settings)

        results = together([
            partial(approve, store, settings, number),
            partial(approve, store, settings, number, other),
            partial(reject, store, settings, number),
        ])  # fmt: skip

        assert 2 == sum(isinstance(each, Conflict) for each in results)
        decided = approvals.find_approval(store, number)
        assert decided is not None
        is_approved = decided.decision is Decision.APPROVED
        expected = Status.QUEUED if is_approved else Status.CANCELED
        assert expected is deploy.find(store, number).status
        assert is_approved == (number in jobs(store))
        noted = audited(store, Action.APPROVE) + audited(store, Action.REJECT)
        assert [decided.decided_by] == [who for who, of, _ in noted if of == number]


def test_a_canceled_deployment_never_keeps_a_job(
    store: Store, settings: Settings
) -> None:
    for _ in range(5):
        number = launch(store, settings)

        results = together([
            partial(approve, store, settings, number),
            partial(cancel, store, settings, number),
        ])  # fmt: skip

        assert not isinstance(results[1], Exception)
        assert Status.CANCELED is deploy.find(store, number).status
        assert [] == jobs(store)


def test_an_approval_at_the_last_moment_wins_or_is_refused(
    store: Store, settings: Settings
) -> None:
    queue = make_queue(settings)
    for _ in range(5):
        number = launch(store, settings)
        let_expire(store, number, milliseconds=5)

        result, _ = together([
            partial(approve, store, settings, number),
            partial(approvals.expire, store, queue),
        ])  # fmt: skip
        refused = isinstance(result, Conflict)
        if refused:
            let_expire(store, number)
            approvals.expire(store, queue)

        expected = Status.CANCELED if refused else Status.QUEUED
        assert expected is deploy.find(store, number).status
        assert refused == (number not in jobs(store))


def test_approvals_and_launches_replace_each_other_without_a_deadlock(
    store: Store, settings: Settings
) -> None:
    for _ in range(5):
        number = launch(store, settings, queue="latest")

        result, later, _ = together([
            partial(approve, store, settings, number),
            partial(launch, store, settings, queue="latest"),
            partial(launch, store, settings, queue="latest"),
        ])  # fmt: skip

        assert isinstance(later, int)
        refused = isinstance(result, Conflict)
        assert refused or isinstance(result, Deployment)
        assert refused == (number not in jobs(store))
        with store.begin() as db:
            waiting = [d for d in deployments.active(db) if d.status is WAITING]
        assert 1 == len(waiting)
