"""Query what deployments did on a host, and the changed results of their tasks."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    select,
)

from app.domain.deployment import Status
from app.domain.events import TaskResult
from app.domain.host import HostStatus
from app.store import files
from app.store.deployment_tables import deployments, events
from app.store.host_tables import host_deployments
from app.store.results import HAS_RESULT
from app.store.searching import can_be_found, contains
from app.store.service_tables import services

_d, _e = host_deployments.c, events.c
#: Maximum number of deployments in which one request searches for a text.
SEARCHED = 200


@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """Filters of a timeline; None and an empty text match all.

    `since` (inclusive) and `until` (exclusive) limit the time of the results, both
    aware. `text` is searched in the changed results, case-insensitively. `outside`
    matches only deployments that found a file edited outside FastDeploy.
    """

    service: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What a deployment did on a host, and who launched it.

    `outcome` is the status of the deployment. `kept` is false if retention has removed
    its events.
    """

    deployment: int
    service: str
    actor: str
    outcome: Status
    status: HostStatus
    changed: int
    failed: int
    complete: bool
    began_at: datetime
    last_at: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class ChangedResult:
    """A changed result on a host; `data` is the complete event as JSON."""

    deployment: int
    number: int
    at: datetime
    task: str
    data: str


def visits(
    db: Connection, host_id: int, wanted: TimelineFilter, *, before: int | None = None,
    limit: int,
) -> list[Visit]:  # fmt: skip
    """Return the deployments on a host with ids below `before`, newest first.

    With a text, only those that changed the host and whose events are kept.
    """
    if not can_be_found(wanted.service):
        return []
    query = _visits().where(_d.host_id == host_id, *_conditions(wanted))
    if before is not None:
        query = query.where(_d.deployment_id < before)
    if wanted.outside:
        finding = files.finding_deployments(host_id)
        query = query.where(_d.deployment_id.in_(finding))
    rows = db.execute(query.order_by(_d.deployment_id.desc()).limit(limit))
    return [_visit(row) for row in rows]


def changes(
    db: Connection, ids: Collection[int], host: str, wanted: TimelineFilter, *,
    limit: int,
) -> list[ChangedResult]:  # fmt: skip
    """Return the changed results of these deployments on a host, newest first."""
    if not ids or not can_be_found(wanted.text):
        return []
    query = (
        select(_e.deployment_id, _e.number, _e.at, _e.task, _e.data)
        .where(
            _e.deployment_id.in_(ids),
            _e.host == host,
            _e.result == TaskResult.CHANGED.value,
            HAS_RESULT,
            *_of_results(wanted),
        )
        .order_by(_e.deployment_id.desc(), _e.number.desc())
        .limit(limit)
    )
    return [
        ChangedResult(row.deployment_id, row.number, row.at, row.task or "", row.data)
        for row in db.execute(query)
    ]


def _visits() -> Select[Any]:
    c = deployments.c
    return (
        select(
            host_deployments, services.c.name.label("service"), c.actor,
            c.status.label("outcome"), c.pruned_at,
        )
        .join(deployments, c.id == _d.deployment_id)
        .join(services, services.c.id == c.service_id)
    )  # fmt: skip


def _conditions(wanted: TimelineFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.service:
        found.append(services.c.name == wanted.service)
    if wanted.since is not None:
        found.append(_d.last_at >= wanted.since)
    if wanted.until is not None:
        found.append(_d.began_at < wanted.until)
    if wanted.text:
        found.append(and_(_d.changed > 0, deployments.c.pruned_at.is_(None)))
    return found


def _of_results(wanted: TimelineFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(_e.at >= wanted.since)
    if wanted.until is not None:
        found.append(_e.at < wanted.until)
    if wanted.text:
        # Escaped as in the stored JSON, which escapes quotes and ends of lines.
        escaped = json.dumps(wanted.text, ensure_ascii=False)[1:-1]
        found.append(contains(_e.data, escaped))
    return found


def _visit(row: Row[Any]) -> Visit:
    return Visit(
        row.deployment_id, row.service, row.actor, Status(row.outcome),
        HostStatus(row.status), row.changed, row.failed, row.complete, row.began_at,
        row.last_at, row.pruned_at is None,
    )  # fmt: skip
