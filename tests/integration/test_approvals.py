"""Deployments that wait for an approval: launch, approve, reject, expiry."""

from dataclasses import replace
from typing import Any

import pytest

from app import bootstrap
from app.domain.approval import Decision
from app.domain.audit import Action
from app.domain.deployment import Origin, Outcome, Status
from app.domain.events import EventKind
from app.domain.options import Options
from app.errors import Conflict, Invalid
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments, events
from app.store.store import Store
from app.usecases import approvals, deploy, record, retries
from testing.approvals import (
    LAUNCHER,
    approve,
    audited,
    jobs,
    launch,
    let_expire,
    reject,
)
from testing.cancellations import cancel, outcome_of
from testing.factories import add_service, make_schema, make_service

WAITING = Status.WAITING_FOR_APPROVAL
PLAYBOOK: dict[str, Any] = {
    "deploy_script": None,
    "playbook": "site.yml",
    "options": ["check"],
}


def secrets_of(store: Store, number: int) -> bytes | None:
    with store.begin() as db:
        locked = deployments.lock(db, number)
    assert locked is not None
    return locked.secrets


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
