"""Record the versions of the files that a run has changed, from its recorded events.

This isn't part of the transactions that record a run. A worker continues where the one
before stopped. A deployment ends only after this is done, and retention removes events
of ended deployments only.
"""

from collections.abc import Callable, Iterator

import orjson

from app.domain.deployment import Deployment
from app.domain.matrix import label
from app.errors import Unavailable
from app.log import get
from app.runner import file_diffs
from app.store import deployments, file_records, files, unversioned_events
from app.store.file_records import FileChange
from app.store.store import Store
from app.store.unversioned_events import UnversionedEvent
from app.usecases.file_history import files_kept_of

log = get("record")

#: Maximum number of events from which versions are recorded in one transaction.
PIECE = 200


def record(store: Store, deployment: Deployment) -> None:
    """Record the versions that follow from the events of a deployment so far.

    What can't be recorded is logged: a run must end whatever its events contain. Raises
    Unavailable.
    """
    if deployment.options.check or deployment.service.file_history is False:
        return
    keeps = files_kept_of(deployment)
    while not _record_piece(store, deployment.id, keeps):
        pass


def record_all(store: Store, deployment: Deployment) -> None:
    """Record the versions of a deployment that ends.

    If it has found edits outside FastDeploy, record those of the others that run, too:
    their changes may explain what it has found. Raises Unavailable.
    """
    record(store, deployment)
    with store.begin() as db:
        found_edits = bool(files.edits(db, [deployment.id], limit=1))
        others = deployments.active(db) if found_edits else []
    for other in others:
        record(store, other)


def _record_piece(
    store: Store, deployment_id: int, keeps: Callable[[str], bool]
) -> bool:
    """Record the versions of the next events; return whether these are the last."""
    try:
        return _record_next(store, deployment_id, keeps, PIECE)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the next time it would be the same
        # Without the text of the error, which may quote a file.
        log.warning("files.refused", deployment=deployment_id,
                    error=type(error).__name__)  # fmt: skip
    return any(_record_single(store, deployment_id, keeps) for _ in range(PIECE))


def _record_single(
    store: Store, deployment_id: int, keeps: Callable[[str], bool]
) -> bool:
    """Record the versions of the next event, or skip it if that fails."""
    try:
        return _record_next(store, deployment_id, keeps, 1)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("files.skipped", deployment=deployment_id,
                    error=type(error).__name__)  # fmt: skip
    with store.begin() as db:
        piece = unversioned_events.lock_next(db, deployment_id, 1)
        if piece is not None:
            unversioned_events.advance(db, deployment_id, piece.through)
    return piece is None or piece.is_last


def _record_next(
    store: Store, deployment_id: int, keeps: Callable[[str], bool], limit: int
) -> bool:
    with store.begin() as db:
        piece = unversioned_events.lock_next(db, deployment_id, limit)
        if piece is None:
            return True
        changes = [each for event in piece.events for each in _changes(event, keeps)]
        file_records.record(db, deployment_id, changes)
        unversioned_events.advance(db, deployment_id, piece.through)
    return piece.is_last


def _changes(
    event: UnversionedEvent, keeps: Callable[[str], bool]
) -> Iterator[FileChange]:
    task, reported = label(event.task), orjson.loads(event.data)
    started = file_diffs.started(reported, event.at)
    for diff in file_diffs.find(reported):
        if keeps(diff.path):
            yield FileChange(event.number, started, event.at, event.host, task, diff)
