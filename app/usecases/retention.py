"""Retention: what a deployment printed is kept for so long; that it was, for ever.

Events, journal and artifacts of old deployments go; the row with its outcome and its
steps stays. Oldest first, and never those of a deployment that goes on. So does what
the audit log noted long ago.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.service import Keep
from app.settings import Settings
from app.store import audit, deployments, events, services
from app.store.store import Store
from app.usecases.staging import remove_leftovers

#: Events deleted in one transaction: short enough that nobody waits for it.
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What was removed: deployments, the bytes of their journals, audit entries."""

    deployments: int
    size: int
    noted: int


def prune(
    store: Store, settings: Settings, stop: Callable[[], bool] = lambda: False
) -> PruneResult:
    """Remove what is beyond the limits and lies on this node.

    It may be cut off anywhere, also by `stop`, and goes on the next time: a deployment
    is marked when all that it printed is gone.
    """
    remove_leftovers(settings)
    noted = _forget(store, settings, stop)
    count = size = 0
    with store.begin() as db:
        known = [(e.id, _limits(settings, e)) for e in services.list_everything(db)]
    for service_id, keep in known:
        for old in _beyond(store, settings, service_id, keep):
            if not _remove(store, settings, old.id, stop):
                return PruneResult(count, size, noted)
            count += 1
            size += old.journal_offset
    return PruneResult(count, size, noted)


def _forget(store: Store, settings: Settings, stop: Callable[[], bool]) -> int:
    """Remove what the audit log noted too long ago; returns how much it was."""
    if settings.keep_audit_days is None:
        return 0
    before = datetime.now(UTC) - timedelta(days=settings.keep_audit_days)
    count = deleted = 0
    while not stop():
        with store.begin() as db:
            deleted = audit.delete_some(db, before, BATCH)
        count += deleted
        if deleted < BATCH:
            break
    return count


def _beyond(
    store: Store, settings: Settings, service_id: int, keep: Keep
) -> list[deployments.PrunableDeployment]:
    """The deployments of a service that are beyond any of the limits, oldest first."""
    if keep == Keep():
        return []
    before = None
    if keep.days is not None:
        before = datetime.now(UTC) - timedelta(days=keep.days)
    with store.begin() as db:
        return deployments.list_prunable(
            db,
            service_id,
            node=settings.node,
            before=before,
            count=keep.deployments,
            size=None if keep.mebibytes is None else keep.mebibytes * 1024 * 1024,
        )


def _remove(
    store: Store, settings: Settings, deployment_id: int, stop: Callable[[], bool]
) -> bool:
    """Remove what one deployment printed; False if it was stopped before the end."""
    deleted = BATCH
    while deleted == BATCH:
        if stop():
            return False
        with store.begin() as db:
            deleted = events.delete_some(db, deployment_id, BATCH)
    shutil.rmtree(settings.runs / str(deployment_id), ignore_errors=True)
    with store.begin() as db:
        deployments.mark_pruned(db, deployment_id, datetime.now(UTC))
    return True


def _limits(settings: Settings, entry: services.Entry) -> Keep:
    """A service's limits: its own, else those of the settings."""
    usual = Keep(
        days=settings.keep_days,
        deployments=settings.keep_deployments,
        mebibytes=settings.keep_mebibytes,
    )
    own = entry.service.keep if entry.service else Keep()
    return usual.model_copy(update=own.model_dump(exclude_none=True))
