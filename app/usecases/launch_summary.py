"""Summarize what a launch would do, for who has to confirm or approve it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.domain.deployment import Deployment, Status
from app.domain.freezes import Frozen
from app.domain.owed_handlers import OwedHandler
from app.domain.service import Service
from app.errors import Conflict
from app.settings import Settings
from app.store import (
    deployments,
    earlier_deployments,
    owed_handlers,
    schedules,
)
from app.store.deployments import MAX_ID, NewDeployment
from app.store.store import Store
from app.usecases import calendars, revisions
from app.usecases.confirmation import ConfirmationNeeded
from app.usecases.revisions import Difference


@dataclass(frozen=True, slots=True)
class LaunchSummary:
    """A launch that has to be confirmed or approved, and what is known about it."""

    wanted: NewDeployment
    #: The names of its secret variables, whose values are not shown.
    secrets: tuple[str, ...]
    #: The last successful deployment of the whole service.
    last: Deployment | None
    #: What changed in the repository since then; None if it isn't known.
    difference: Difference | None
    #: The handlers that deployments of the service owe.
    owed: Sequence[OwedHandler]
    #: The freeze in which each schedule of the service is now, by its name.
    frozen: dict[str, Frozen]
    #: The deployments of the service that are queued or started, oldest first.
    unfinished: Sequence[Deployment]

    @property
    def replaced(self) -> Sequence[Deployment]:
        """The queued deployments that the launch would cancel."""
        if self.wanted.service.queue != "latest":
            return []
        return [each for each in self.unfinished if each.started_at is None]


def summarize(
    store: Store, settings: Settings, needed: ConfirmationNeeded
) -> LaunchSummary:
    """Return what a launch would do that has to be confirmed."""
    return _summary(store, settings, needed.wanted, needed.secrets)


def of_deployment(
    store: Store, settings: Settings, deployment: Deployment
) -> LaunchSummary:
    """Return what a deployment will do that waits for an approval.

    All secret variables of the service are named, whether it sets them or not.
    """
    wanted = NewDeployment(
        service_id=deployment.service_id,
        service=deployment.service,
        actor=deployment.actor,
        origin=deployment.origin,
        variables=deployment.variables,
        priority=deployment.priority,
        options=deployment.options,
        retry_of=deployment.retry_of,
        retry_scope=deployment.retry_scope,
        hosts=deployment.hosts,
        completes=deployment.completes,
        ref=deployment.ref,
    )
    return _summary(store, settings, wanted, deployment.service.secret_names)


def _summary(
    store: Store, settings: Settings, wanted: NewDeployment, secrets: frozenset[str]
) -> LaunchSummary:
    with store.begin() as db:
        number = earlier_deployments.last_successful(
            db, service_id=wanted.service_id, before=MAX_ID
        )
        last = deployments.find(db, number) if number is not None else None
        owed = owed_handlers.of_service(db, wanted.service_id)
        frozen = _frozen(db, wanted.service.name)
        unfinished = [
            each
            for each in deployments.active(db)
            if each.service_id == wanted.service_id
            and each.status is not Status.WAITING_FOR_APPROVAL
        ]
    return LaunchSummary(
        wanted,
        tuple(sorted(secrets)),
        last,
        _difference(settings, wanted.service, last),
        owed,
        frozen,
        unfinished,
    )


def _frozen(db: Connection, service: str) -> dict[str, Frozen]:
    now: datetime = schedules.now(db)
    found = list(schedules.of_services(db, {service}).values())
    freezes = calendars.freezes_of(db, found, now)
    states = {
        each.schedule.name: freezes[each.id].find(now, each.schedule.timezone)
        for each in found
    }
    return {name: frozen for name, frozen in states.items() if frozen is not None}


def _difference(
    settings: Settings, service: Service, last: Deployment | None
) -> Difference | None:
    commit = service.project.commit if service.project else ""
    if last is None or not last.commit or not commit or not service.project:
        return None
    if not service.project.git:
        return None
    try:
        return revisions.difference(settings, service, last.commit, commit)
    except Conflict:
        return None  # The repository no longer has the earlier commit.
