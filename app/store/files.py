"""Query the files that runs have changed on hosts, and their versions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, text

from app.domain import file_history
from app.domain.file_history import StoredVersion, VersionKind
from app.store.deployment_tables import deployments
from app.store.file_tables import file_versions, files
from app.store.host_tables import hosts
from app.store.searching import can_be_found, contains
from app.store.service_tables import services

#: Maximum number of versions of a file that are read.
MAX_VERSIONS = 1000
_f, _v = files.c, file_versions.c
_OUTSIDE = _v.kind == VersionKind.OUTSIDE.value
#: Removes the oldest contents beyond a number of bytes.
_PRUNE = text("""
UPDATE file_versions SET content = NULL WHERE id IN (
    SELECT id FROM (
        SELECT id, sum(octet_length(content)) OVER (ORDER BY id DESC) AS total
        FROM file_versions WHERE content IS NOT NULL
    ) AS kept
    WHERE total > :budget ORDER BY id LIMIT :limit
)
""")


@dataclass(frozen=True, slots=True)
class File:
    """A file on a host, with its number of versions and the time of the last one.

    `outside` is the time of the last edit outside FastDeploy that was found.
    """

    id: int
    path: str
    versions: int
    last_at: datetime
    outside: datetime | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a file, and who launched the deployment that wrote or found it.

    `number` is that of the event. `since` is the time of the version before, for one
    that was edited outside. `text` is None if the content isn't known or kept. `actor`
    and `commit` are empty if they aren't known.
    """

    kind: VersionKind
    deployment: int
    number: int
    service: str
    actor: str
    commit: str
    at: datetime
    since: datetime | None
    task: str
    text: str | None


@dataclass(frozen=True, slots=True)
class OutsideEdit:
    """An edit outside FastDeploy between two times that a deployment found."""

    deployment: int
    host: str
    scope: str
    path: str
    since: datetime
    until: datetime


def listed(
    db: Connection, host_id: int, text: str = "", *, skip: int = 0, limit: int = 100
) -> list[File]:
    """Return the files of a host by path; those with a text in their path."""
    if not can_be_found(text):
        return []
    rows = db.execute(_listed(host_id, text).offset(skip).limit(limit))
    return [File(*row) for row in rows]


def count(db: Connection, host_id: int, text: str = "") -> int:
    """Return the number of files of a host with a text in their path."""
    if not can_be_found(text):
        return 0
    query = _listed(host_id, text).order_by(None).subquery()
    found: int = db.execute(select(func.count()).select_from(query)).scalar_one()
    return found


def find(db: Connection, host_id: int, path: str) -> list[Version]:
    """Return the versions of a file, oldest first; empty without such a file.

    They are the newest MAX_VERSIONS.
    """
    if not can_be_found(path):
        return []
    d = deployments.c
    rows = db.execute(
        select(
            file_versions, services.c.name.label("service"), d.actor, d.commit
        )
        .join(files, _f.id == _v.file_id)
        .join(services, services.c.id == _v.service_id)
        .outerjoin(deployments, d.id == _v.deployment)
        .where(_f.host_id == host_id, _f.path == path)
        .order_by(_v.id.desc())
        .limit(MAX_VERSIONS)
    ).all()[::-1]  # fmt: skip
    kinds = [VersionKind(row.kind) for row in rows]
    stored = map(StoredVersion, kinds, (row.content for row in rows))
    contents = file_history.texts(list(stored))
    return [
        Version(
            kind, row.deployment, row.number, row.service, row.actor or "",
            row.commit or "", row.at, row.since, row.task, content,
        )
        for row, kind, content in zip(rows, kinds, contents, strict=True)
    ]  # fmt: skip


def edits(
    db: Connection, ids: Collection[int], host_id: int | None = None, limit: int = 200
) -> list[OutsideEdit]:
    """Return the edits that deployments found, on one host or on all, in order."""
    if not ids:
        return []
    query = (
        select(
            _v.deployment, hosts.c.name, hosts.c.scope, _f.path, _v.since, _v.at
        )
        .join(files, _f.id == _v.file_id)
        .join(hosts, hosts.c.id == _f.host_id)
        .where(_v.deployment.in_(ids), _OUTSIDE)
        .order_by(_v.id)
        .limit(limit)
    )  # fmt: skip
    if host_id is not None:
        query = query.where(_f.host_id == host_id)
    return [OutsideEdit(*row) for row in db.execute(query)]


def finding_deployments(host_id: int | None = None) -> Select[tuple[int]]:
    """Return the query of the deployments that found an edit, on one host or on any."""
    query = select(_v.deployment).where(_OUTSIDE)
    if host_id is None:
        return query
    return query.join(files, _f.id == _v.file_id).where(_f.host_id == host_id)


def hosts_with_edits() -> Select[tuple[int]]:
    """Return the query of the hosts on which a deployment found an edit."""
    edited = select(_v.file_id).where(_OUTSIDE)
    return select(_f.host_id).where(_f.id.in_(edited))


def prune(db: Connection, budget: int, limit: int) -> int:
    """Remove the oldest contents beyond `budget` bytes, at most `limit`.

    The rows stay. Return the number of removed contents.
    """
    return db.execute(_PRUNE, {"budget": budget, "limit": limit}).rowcount


def _listed(host_id: int, text: str) -> Select[Any]:
    conditions = [_f.host_id == host_id]
    if text:
        conditions.append(contains(_f.path, text))
    return (
        select(
            _f.id, _f.path, func.count(), func.max(_v.at),
            func.max(_v.at).filter(_OUTSIDE),
        )
        .join(file_versions, _v.file_id == _f.id)
        .where(and_(*conditions))
        .group_by(_f.id, _f.path)
        .order_by(_f.path)
    )  # fmt: skip
