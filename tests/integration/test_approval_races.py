"""Concurrent decisions about a deployment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

from app.domain.approval import Decision
from app.domain.audit import Action
from app.domain.deployment import Deployment, Status
from app.errors import Conflict, FastDeployError
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments
from app.store.store import Store
from app.usecases import approvals, deploy
from testing.approvals import (
    APPROVER,
    approve,
    audited,
    jobs,
    launch,
    let_expire,
    reject,
)
from testing.cancellations import cancel

WAITING = Status.WAITING_FOR_APPROVAL


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
