"""Launch deployments, and read their current state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from app.domain import variables as launch_variables
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment, Origin, Status
from app.domain.estimate import Progress, estimate
from app.domain.options import NO_OPTIONS, Options
from app.domain.revision import Revision
from app.domain.service import Service
from app.domain.steps import Step
from app.encryption import SecretBox
from app.errors import Conflict, Invalid, NotFound
from app.queue import PRIORITIES, Queue
from app.store import audit, deployment_steps, deployments, late_runs, services
from app.store.deployments import NewDeployment
from app.store.queue_position import count_ahead
from app.store.services import Entry
from app.store.store import Store
from app.usecases import approval_requests, confirmation
from app.usecases.enqueue import enqueue
from app.usecases.idempotency import (
    RequestKey,
    find_earlier,
    find_launched,
    make_key,
)
from app.usecases.nodes import missing
from app.usecases.run_credentials import require


@dataclass(frozen=True, slots=True)
class View:
    """A snapshot of a deployment for display."""

    deployment: Deployment
    steps: tuple[Step, ...]
    progress: Progress
    #: Usual duration of each step in seconds, by name.
    usual: Mapping[str, float]
    #: Number of unfinished deployments of the service before it, while it is queued.
    ahead: int
    #: The nodes that have its service, while it is queued and none of them is ready.
    unavailable_nodes: tuple[str, ...] = ()
    #: Usual seconds of the whole run, if it runs notably longer.
    exceeded: float | None = None

    @property
    def late(self) -> bool:
        """Whether it runs notably longer than usual."""
        return self.exceeded is not None


def launch(
    store: Store,
    queue: Queue,
    secret_box: SecretBox,
    *,
    actor: Actor,
    origin: Origin,
    service_name: str,
    given: Mapping[str, Any],
    options: Options = NO_OPTIONS,
    revision: Revision | None = None,
    credentials: Mapping[str, Mapping[str, str]] | None = None,
    run_as: str = "",
    idempotency_key: RequestKey | None = None,
    priority: int = 0,
    confirmed: bool = False,
    requesters: tuple[str, ...] = (),
    note: Callable[[Connection, int], None] | None = None,
) -> int:
    """Launch a deployment of a service; return its id.

    If the service asks for an approval, the deployment waits for it, and has no job
    until then. `requesters` are the identities of those who determined what a schedule
    or a webhook launches: none of them may approve it.

    A service of a git project runs at `revision`; by default, at the commit of the last
    sync.

    `credentials` are those that are asked at each launch, `run_as` is the user of
    FASTDEPLOY_RUN_AS.

    The deployment, its steps, its first event and its job are written in one
    transaction, in which `note` is called with the id. If an actor repeats a request
    with the same `idempotency_key` (a second click, an HTTP retry), the id of the first
    deployment is returned.

    Raises:
        NotAllowed: The actor may not deploy.
        NotFound: There is no such service.
        Conflict: The service is invalid, archived, or has just changed, or a
            credential that it needs doesn't exist.
        Invalid: The priority or the key is malformed, or the service doesn't allow an
            option.
        KeyReused: The key belongs to another request.
        InvalidVariables: The variables don't match the schema.
        ConfirmationNeeded: The launch is valid, but has to be confirmed.
    """
    actor.require(Permission.CHECK)
    if priority not in PRIORITIES:
        limits = f"from {PRIORITIES[0]} to {PRIORITIES[-1]}"
        raise Invalid(f"a priority is a whole number {limits}")
    launch_variables.require_json(given)
    key = make_key(secret_box, actor, idempotency_key)
    if (repeated := find_launched(store, key)) is not None:
        return repeated
    with store.begin() as db:
        entry = registered(db, service_name)
    actor.require_on(Permission.CHECK, service_name)
    checked = revision.service if revision else valid(entry)
    # Outside of a transaction, because it may take a second.
    values = launch_variables.check(checked, given)
    chosen = checked.choose_options(options)
    actor.require_on(permission_of(chosen), service_name)
    with store.unlimited.begin() as db:
        if (repeated := find_earlier(db, key)) is not None:
            return repeated
        present = registered(db, service_name)
        if revision is None and valid(present) != checked:
            raise Conflict("the service has just changed; launch it again")
        shown, secret = launch_variables.split_secrets(checked, values)
        given_credentials = require(db, checked, run_as, credentials or {})
        wanted = NewDeployment(
            service_id=present.id,
            service=checked,
            ref=revision.ref if revision else "",
            actor=actor.name,
            origin=origin,
            variables=shown,
            options=chosen,
            priority=priority,
            secrets=secret_box.seal(secret | given_credentials),
            key=key,
        )
        confirmation.require(
            present.service, wanted, frozenset(secret), confirmed=confirmed
        )
        approval = approval_requests.of_launch(
            db, present.service, wanted, actor, requesters
        )
        number = enqueue(db, queue, wanted, approval)
        audit.note(db, actor, Action.LAUNCH, service_name, number)
        if note is not None:
            note(db, number)
        return number


def permission_of(options: Options) -> Permission:
    """Return the permission that a launch with these options requires."""
    return Permission.CHECK if options.check else Permission.DEPLOY


def find(store: Store, deployment_id: int) -> Deployment:
    """Return the deployment with this id; raises NotFound."""
    with store.begin() as db:
        return found_or_raise(deployments.find(db, deployment_id), deployment_id)


def require_known(store: Store, deployment_id: int) -> None:
    """Raise NotFound if there is no deployment with this id."""
    with store.begin() as db:
        if not deployments.existing_ids(db, [deployment_id]):
            raise _unknown(deployment_id)


def view(store: Store, deployment_id: int) -> View:
    """Return everything about a deployment except its events; raises NotFound."""
    with store.begin() as db:
        return view_in(db, deployment_id)


def view_in(db: Connection, deployment_id: int) -> View:
    """Return the same as `view`, in the caller's transaction."""
    found = found_or_raise(deployments.find(db, deployment_id), deployment_id)
    return _views(db, [found], [found])[0]


def views_in(db: Connection, listed: Sequence[Deployment]) -> list[View]:
    """Return the views of deployments, without usual durations of ended ones."""
    return _views(db, listed, [d for d in listed if not d.ended])


def _views(
    db: Connection, listed: Sequence[Deployment], estimated: Sequence[Deployment]
) -> list[View]:
    """Return the views of deployments; the number of queries is constant."""
    if not listed:
        return []
    steps = deployment_steps.steps_of_each(db, [d.id for d in listed])
    # A partial deployment takes another time than the whole ones before it.
    usual = deployment_steps.usual_durations(
        db, [d.id for d in estimated if not d.partial]
    )
    queued = {d.id for d in listed if d.status is Status.QUEUED}
    ahead = count_ahead(db, queued) if queued else {}
    absent = missing(db, {d.service_id for d in listed if d.id in queued})
    overlong = late_runs.usual_seconds(
        db, [d.id for d in listed if d.started_at is not None and not d.ended]
    )
    now = datetime.now(UTC)
    return [
        View(
            deployment,
            tuple(steps[deployment.id]),
            Progress(1.0, 0.0)
            if deployment.ended
            else estimate(steps[deployment.id], usual.get(deployment.id, {}), now),
            usual.get(deployment.id, {}),
            ahead.get(deployment.id, 0),
            absent.get(deployment.service_id, ()) if deployment.id in queued else (),
            overlong.get(deployment.id),
        )
        for deployment in listed
    ]


def valid(entry: Entry) -> Service:
    """Return the definition of a service. Raises Conflict."""
    if entry.error or entry.service is None:
        raise Conflict(f"service {entry.name} is invalid: {entry.error}")
    return entry.service


def find_registered(store: Store, name: str) -> Entry:
    """Return the same as `registered`, in a transaction of its own."""
    with store.begin() as db:
        return registered(db, name)


def registered(db: Connection, name: str) -> Entry:
    """Return a service that isn't archived. Raises NotFound and Conflict."""
    entry = services.find(db, name)
    if entry is None:
        known = ", ".join(e.name for e in services.list_all(db)) or "none yet"
        raise NotFound(f"there is no service {name!r} (known: {known})")
    if entry.archived_at is not None:
        raise Conflict(f"service {name} is archived: its folder is gone")
    return entry


def found_or_raise(deployment: Deployment | None, deployment_id: int) -> Deployment:
    """Return a deployment that was looked up. Raises NotFound."""
    if deployment is None:
        raise _unknown(deployment_id)
    return deployment


def _unknown(deployment_id: int) -> NotFound:
    return NotFound(f"there is no deployment {deployment_id}")
