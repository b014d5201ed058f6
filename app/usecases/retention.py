"""Retention: remove the output of old deployments, and old audit entries.

Events, journal and artifacts of ended deployments are removed, oldest first. Their
rows with outcome and steps are kept.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.audit import Action
from app.domain.retention import Keep
from app.runner import git_tree
from app.settings import Settings
from app.store import audit, deployments, events, files, services
from app.store import retention as stored
from app.store.store import Store
from app.usecases import (
    open_streams,
    project_mirrors,
    rate_limits,
    webhook_deliveries,
)
from app.usecases.staging import remove_leftovers

#: Rows to delete in one transaction; it is short, so that others don't wait for it.
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class PruneResult:
    """Numbers of removed deployments, bytes of their journals, and audit entries."""

    deployments: int
    size: int
    noted: int


def prune(
    store: Store, settings: Settings, stop: Callable[[], bool] = lambda: False
) -> PruneResult:
    """Remove the data on this node that exceeds the limits.

    It may be interrupted anywhere, also by `stop`, and continues the next time: a
    deployment is marked as pruned when all of its output has been removed.
    """
    remove_leftovers(settings)
    noted = _forget(store, settings, stop)
    webhook_deliveries.prune(store, stop)
    _prune_files(store, settings, stop)
    rate_limits.prune(store)
    open_streams.prune(store)
    count = size = 0
    with store.begin() as db:
        known = [(e.id, _limits(settings, e)) for e in services.list_everything(db)]
    for service_id, keep in known:
        for old in _beyond(store, settings, service_id, keep):
            if not _remove(store, settings, old.id, stop):
                return PruneResult(count, size, noted)
            count += 1
            size += old.journal_offset
    _prune_trees(store, settings)
    project_mirrors.prune(store, settings)
    return PruneResult(count, size, noted)


def _prune_files(store: Store, settings: Settings, stop: Callable[[], bool]) -> None:
    """Remove the oldest contents of files beyond the budget; their rows stay."""
    if settings.keep_file_mebibytes is None:
        return
    budget, removed = settings.keep_file_mebibytes * 1024 * 1024, BATCH
    while removed == BATCH and not stop():
        with store.begin() as db:
            removed = files.prune(db, budget, BATCH)


def _prune_trees(store: Store, settings: Settings) -> None:
    """Remove the trees of commits that no kept deployment and no service needs."""
    with store.begin() as db:
        needed = stored.commits(db)
    with suppress(OSError):
        for project in (settings.var.absolute() / "projects").iterdir():
            git_tree.prune(project / "trees", needed)


def _forget(store: Store, settings: Settings, stop: Callable[[], bool]) -> int:
    """Remove audit entries that exceed the retention; return their number.

    Once a day is enough: each time, an audit entry records it.
    """
    if settings.keep_audit_days is None or _forgot_today(store):
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


def _forgot_today(store: Store) -> bool:
    with store.begin() as db:
        latest = audit.latest(db, action=Action.DELETE_ENTRIES, limit=1)
    return bool(latest) and latest[0].at > datetime.now(UTC) - timedelta(days=1)


def _beyond(
    store: Store, settings: Settings, service_id: int, keep: Keep
) -> list[stored.PrunableDeployment]:
    """Return the deployments of a service that exceed any limit, oldest first."""
    if keep == Keep():
        return []
    before = None
    if keep.days is not None:
        before = datetime.now(UTC) - timedelta(days=keep.days)
    with store.begin() as db:
        return stored.list_prunable(
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
    """Remove the output of a deployment; return False if it was stopped before."""
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
    """Return a service's limits: its own, otherwise those of the settings."""
    usual = Keep(
        days=settings.keep_days,
        deployments=settings.keep_deployments,
        mebibytes=settings.keep_mebibytes,
    )
    own = entry.service.keep if entry.service else Keep()
    return usual.model_copy(update=own.model_dump(exclude_none=True))
