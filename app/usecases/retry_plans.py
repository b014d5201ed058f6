"""Find out what a retry of a deployment would run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain import retry
from app.domain.deployment import Deployment, Status
from app.domain.recap import recap
from app.domain.retry import Plan, RetryScope, RunHosts
from app.errors import Conflict, Superseded
from app.store import deployments, owed_handlers, results, retries, run_problems
from app.store.store import Store
from app.usecases.deploy import found_or_raise


@dataclass(frozen=True, slots=True)
class Choice:
    """A retry: what it would run, or the sentence that says why it can't.

    `later` is the deployment to continue in its place, if there is one.
    """

    scope: RetryScope
    plan: Plan | None
    problem: str = ""
    later: int | None = None


def choices(store: Store, deployment_id: int) -> list[Choice]:
    """Return what each retry of a deployment would do. Raises NotFound."""
    with store.begin() as db:
        found = found_or_raise(deployments.find(db, deployment_id), deployment_id)
        scopes = (RetryScope.CONTINUE, RetryScope.FAILED, RetryScope.ALL)
        return [_choice(db, found, scope) for scope in scopes]


def plan(db: Connection, earlier: Deployment, scope: RetryScope) -> Plan:
    """Return what a retry of an ended deployment runs.

    Raises:
        Conflict: It has not ended, has nothing to continue, or something later has
            replaced or continued it.
    """
    if not earlier.ended:
        raise Conflict(
            f"deployment {earlier.id} is {earlier.status}; wait until it has ended, or "
            "cancel it"
        )
    if scope is RetryScope.ALL:
        return _same(db, earlier)
    _require_latest(db, earlier)
    if scope is RetryScope.FAILED:
        hosts = retry.limit(_hosts(db, earlier).failed)
        if hosts is None:
            raise Conflict(
                f"deployment {earlier.id} has no host that failed or was unreachable; "
                "retry it on all hosts"
            )
        return Plan(scope, hosts)
    return _continuation(db, earlier)


def owed_first(store: Store, deployment: Deployment) -> Mapping[str, Sequence[str]]:
    """Return the owed handlers that a deployment runs first, by host."""
    if deployment.retry_scope is not RetryScope.CONTINUE:
        return {}
    with store.begin() as db:
        return _owed(db, deployment, deployment.hosts)


def _choice(db: Connection, earlier: Deployment, scope: RetryScope) -> Choice:
    try:
        return Choice(scope, plan(db, earlier, scope))
    except Superseded as conflict:
        return Choice(scope, None, str(conflict), conflict.deployment_id)
    except Conflict as conflict:
        return Choice(scope, None, str(conflict))


def _same(db: Connection, earlier: Deployment) -> Plan:
    """Return the plan that does what the deployment itself did."""
    scope = earlier.retry_scope or RetryScope.ALL
    continues = scope is RetryScope.CONTINUE
    owed = _owed(db, earlier, earlier.hosts) if continues else {}
    return Plan(scope, earlier.hosts, owed)


def _continuation(db: Connection, earlier: Deployment) -> Plan:
    scope = RetryScope.CONTINUE
    owed = _owed(db, earlier, None)
    if earlier.status is Status.SUCCESSFUL:
        hosts = owed.keys() & _hosts(db, earlier).named if owed else None
        if (limited := retry.limit(hosts or ())) is None:
            raise Conflict(
                f"deployment {earlier.id} was successful and owes no handler; there is "
                "nothing to continue"
            )
        return Plan(scope, limited, _of_hosts(owed, limited))
    found = _hosts(db, earlier)
    wanted = found.failed | found.unreached
    limited = retry.limit(wanted | (owed.keys() & found.named)) if wanted else None
    if limited is None:
        why = found.unknown or "no host failed in it"
        return Plan(scope, earlier.hosts, _of_hosts(owed, earlier.hosts), why)
    return Plan(scope, limited, _of_hosts(owed, limited))


def _require_latest(db: Connection, earlier: Deployment) -> None:
    """Raise Conflict if a retry on some hosts would leave the others at another state.

    They would keep what a later deployment did, or what another retry has finished.
    """
    if earlier.service.playbook is None:
        raise Conflict(
            f"deployment {earlier.id} ran a script, which has no hosts; retry it"
        )
    service_id = earlier.service_id
    later = retries.later_success(db, service_id=service_id, after=earlier.id)
    if later is not None:
        raise Superseded(
            f"deployment {later} was successful since; continue that one, or launch "
            "the service again",
            later,
        )
    later = retries.continued_by(db, service_id=service_id, number=earlier.id)
    if later is not None:
        raise Superseded(f"deployment {later} continues it; continue that one", later)


def _hosts(db: Connection, deployment: Deployment) -> RunHosts:
    if deployment.pruned_at is not None:
        return RunHosts(unknown="its output was deleted")
    results.by_index(db)
    if stats := results.recaps(db, deployment.id):
        return retry.of_recap(recap(stats), stats)
    play = run_problems.last_play(db, deployment.id)
    if play is None:
        return RunHosts(unknown="it ended before its first play")
    return retry.of_stopped_play(play, run_problems.bad_hosts(db, deployment.id))


def _owed(
    db: Connection, deployment: Deployment, hosts: Collection[str] | None
) -> Mapping[str, Sequence[str]]:
    if deployment.options.check:
        return {}  # In check mode, handlers run nothing.
    return _of_hosts(owed_handlers.by_host(db, deployment.service_id), hosts)


def _of_hosts(
    owed: Mapping[str, Sequence[str]], hosts: Collection[str] | None
) -> Mapping[str, Sequence[str]]:
    if hosts is None:
        return owed
    return {host: owed[host] for host in owed if host in hosts}
