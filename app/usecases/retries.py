"""Retry and continue deployments, and dismiss the handlers that they owe."""

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment, Origin
from app.domain.retry import RetryScope
from app.domain.service import Service
from app.domain.service_changes import changed_keys
from app.domain.service_name import file_of
from app.encryption import SecretBox
from app.errors import Conflict, NotFound
from app.queue import Queue
from app.store import audit, deployments, owed_handlers
from app.store.deployments import NewDeployment
from app.store.services import Entry
from app.store.store import Store
from app.usecases import approval_requests, confirmation
from app.usecases.deploy import (
    find,
    found_or_raise,
    permission_of,
    registered,
    valid,
)
from app.usecases.enqueue import enqueue
from app.usecases.idempotency import (
    RequestKey,
    find_earlier,
    find_launched,
    make_key,
)
from app.usecases.retry_plans import plan
from app.usecases.run_credentials import asked

_ACTIONS = {RetryScope.CONTINUE: Action.CONTINUE}


def retry(
    store: Store,
    queue: Queue,
    secret_box: SecretBox,
    *,
    actor: Actor,
    origin: Origin,
    deployment_id: int,
    scope: RetryScope = RetryScope.ALL,
    idempotency_key: RequestKey | None = None,
    confirmed: bool = False,
) -> int:
    """Launch an ended deployment again with the same variables and options.

    A service of a git project runs at the same commit, as it is defined there. `scope`
    selects the hosts; to continue a deployment runs its owed handlers first. Return the
    new id.

    A key and a confirmation work as for `launch`. Raises NotAllowed, NotFound, Invalid
    for a malformed key, KeyReused, ConfirmationNeeded, and Conflict if the deployment
    has not ended, the service is archived or invalid, its config.json has changed
    since, or the service has secret variables, which are not stored; and for some hosts
    if there are none, or if a later deployment was successful or continues it.
    """
    actor.require(Permission.CHECK)
    key = make_key(secret_box, actor, idempotency_key)
    if (repeated := find_launched(store, key)) is not None:
        return repeated
    seen = find(store, deployment_id)
    actor.require_on(permission_of(seen.options), seen.service_name)
    with store.unlimited.begin() as db:
        if (repeated := find_earlier(db, key)) is not None:
            return repeated
        # The lock keeps two requests from continuing it at the same time.
        locked = deployments.lock(db, deployment_id)
        earlier = found_or_raise(locked.deployment if locked else None, deployment_id)
        planned = plan(db, earlier, scope)
        _require_kept(db, earlier)
        entry, service = runnable(db, earlier)
        continues = planned.scope is RetryScope.CONTINUE and planned.hosts is not None
        wanted = NewDeployment(
            service_id=entry.id,
            service=service,
            ref=earlier.ref,
            actor=actor.name,
            origin=origin,
            variables=earlier.variables,
            options=earlier.options,
            priority=earlier.priority,
            retry_of=deployment_id,
            retry_scope=planned.scope,
            hosts=planned.hosts,
            completes=continues and earlier.counts,
            key=key,
        )
        confirmation.require(entry.service, wanted, frozenset(), confirmed=confirmed)
        requesters = approval_requests.requesters_of(db, deployment_id)
        approval = approval_requests.of_launch(
            db, entry.service, wanted, actor, requesters
        )
        number = enqueue(db, queue, wanted, approval)
        action = _ACTIONS.get(planned.scope, Action.RETRY)
        audit.note(db, actor, action, earlier.service_name, number)
        return number


def dismiss_handler(
    store: Store, actor: Actor, deployment_id: int, host: str, handler: str
) -> None:
    """Settle a handler that a deployment owes a host, without running it.

    Somebody may have restarted the service by hand. The earlier deployments of the
    service don't owe it either then. Raises NotAllowed, and NotFound if there is no
    such deployment or it doesn't owe the handler.
    """
    actor.require(Permission.DEPLOY)
    with store.begin() as db:
        found = found_or_raise(deployments.find(db, deployment_id), deployment_id)
        actor.require_on(Permission.DEPLOY, found.service_name)
        if not found.ended or not owed_handlers.dismiss(
            db, found, host, handler, actor.name
        ):
            raise NotFound(
                f"deployment {deployment_id} doesn't owe {host} the handler {handler}"
            )
        subject = f"{handler} on {host}"
        audit.note(db, actor, Action.DISMISS_HANDLER, subject, deployment_id)


def _require_kept(db: Connection, earlier: Deployment) -> None:
    """Raise Conflict if the deployment had secrets, which aren't kept."""
    if earlier.service.secret_names:
        raise Conflict(
            "its secret variables are not kept; launch the service again with them"
        )
    for reference in asked(db, earlier.service):
        raise Conflict(
            f"its credential {reference} is asked at each launch and not kept; "
            "launch the service again with it"
        )


def runnable(db: Connection, earlier: Deployment) -> tuple[Entry, Service]:
    """Return the service as it would run now for a deployment. Raises Conflict."""
    recorded = earlier.service
    if recorded.project is not None and recorded.project.commit:
        entry = registered(db, earlier.service_name)
        present = entry.service.project if entry.service else None
        if present is None or present.git != recorded.project.git:
            raise Conflict(
                f"deployment {earlier.id} ran a commit of {recorded.project.git}, "
                "which is not the project's repository now; launch the service again"
            )
        return entry, recorded
    entry = registered(db, earlier.service_name)
    service = valid(entry)
    if changed := changed_keys(recorded, service):
        raise Conflict(
            f"{file_of(entry.name)} has changed since deployment {earlier.id} "
            f"({', '.join(changed)}); launch the service again"
        )
    return entry, service
