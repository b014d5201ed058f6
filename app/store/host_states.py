"""Query what is known of a host as it was before a time, or as it is now.

A time is aware; None is now.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from app.domain import file_history, host_facts
from app.domain.file_history import StoredVersion, VersionKind
from app.domain.host_facts import Facts
from app.store import hosts
from app.store.deployment_tables import deployments
from app.store.deployments import newest_first
from app.store.host_records import MAX_FACT_CHANGES
from app.store.host_tables import host_deployments
from app.store.hosts import Host
from app.store.searching import can_be_found

#: The most stored contents that one request reads to make texts.
MAX_CONTENTS = 2000

_d = host_deployments.c
_LAST = """
SELECT files.id AS file_id, path, last.id AS version, kind, digest
FROM files CROSS JOIN LATERAL (
    SELECT id, kind, digest FROM file_versions
    WHERE file_id = files.id AND ({at} IS NULL OR at < {at})
    ORDER BY id DESC LIMIT 1
) AS last
WHERE host_id = {host} AND path > :after AND kind <> 'removed'
"""
_A, _B = (
    _LAST.format(host=f":{side}", at=f"CAST(:{side}_at AS timestamptz)")
    for side in ("a", "b")
)
# Equal digests aren't empty, and have the same key.
_DIFFERING = text(f"""
WITH a AS ({_A}), b AS ({_B})
SELECT path, a.file_id AS a_file, a.version AS a_version, a.kind AS a_kind,
       a.digest AS a_digest, b.file_id AS b_file, b.version AS b_version,
       b.kind AS b_kind, b.digest AS b_digest
FROM a FULL JOIN b USING (path)
WHERE a.version IS DISTINCT FROM b.version
      AND (a.digest IS DISTINCT FROM b.digest OR a.digest = '')
ORDER BY path LIMIT :limit
""")  # noqa: S608 - the names are those above
_CONTENTS = text("""
SELECT wanted.version, kind, content
FROM unnest(CAST(:files AS bigint[]), CAST(:versions AS bigint[]))
    AS wanted (file_id, version)
JOIN file_versions ON file_versions.file_id = wanted.file_id AND id >= wanted.version
ORDER BY wanted.version, id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class VersionThen:
    """A version of a file, the last one before a time."""

    file_id: int
    id: int
    kind: VersionKind
    digest: str


@dataclass(frozen=True, slots=True)
class FilePair:
    """A file of two hosts; None on a host that is not known to have it."""

    path: str
    a: VersionThen | None
    b: VersionThen | None


@dataclass(frozen=True, slots=True)
class VersionOnHost:
    """The version of a service on a host, and the deployment that brought it."""

    version: str
    deployment: int


def facts(db: Connection, host: Host, at: datetime | None) -> Facts:
    """Return the facts of a host before a time; empty if no run had reached it.

    Facts without a history are left out.
    """
    kept = {k: v for k, v in host.facts.items() if k not in host_facts.PASSING}
    if at is None or (host.facts_at is not None and host.facts_at < at):
        return kept
    first = db.scalar(select(func.min(_d.began_at)).where(_d.host_id == host.id))
    if first is None or first >= at:
        return {}
    for change in hosts.fact_changes(db, host.id, MAX_FACT_CHANGES):
        if change.at >= at:
            kept |= change.before
    return {name: value for name, value in kept.items() if value is not None}


def versions(
    db: Connection, host: Host, at: datetime | None
) -> Mapping[str, VersionOnHost]:
    """Return the version of each service on a host, by the service's name.

    It is that of the last deployment that was complete there.
    """
    if at is None:
        return {
            each.service: VersionOnHost(each.version, each.version_deployment)
            for each in host.services
            if each.version_deployment is not None
        }
    c = deployments.c
    last = (
        select(_d.deployment_id)
        .join(deployments, c.id == _d.deployment_id)
        .where(_d.host_id == host.id, _d.complete, _d.last_at < at)
        .ext(distinct_on(c.service_id))
        .order_by(c.service_id, _d.deployment_id.desc())
    )
    found = newest_first(db, db.scalars(last).all())
    return {each.service_name: VersionOnHost(each.version, each.id) for each in found}


def differing_files(
    db: Connection,
    a: tuple[int, datetime | None],
    b: tuple[int, datetime | None],
    *,
    after: str,
    limit: int,
) -> list[FilePair]:
    """Return the files of two hosts that may differ, with paths above `after`.

    A side is the id of a host and a time. Files with equal digests, and those that were
    removed from both, aren't among them.
    """
    if not can_be_found(after):
        return []
    given = {"a": a[0], "a_at": a[1], "b": b[0], "b_at": b[1]}
    rows = db.execute(_DIFFERING, {**given, "after": after, "limit": limit})
    return [FilePair(row.path, _then(row, "a"), _then(row, "b")) for row in rows]


def _then(row: Row[Any], side: str) -> VersionThen | None:
    file_id, version, kind, digest = (
        getattr(row, f"{side}_{name}") for name in ("file", "version", "kind", "digest")
    )
    if version is None:
        return None
    return VersionThen(file_id, version, VersionKind(kind), digest)


def texts(db: Connection, wanted: Collection[VersionThen]) -> dict[int, str]:
    """Return the texts of versions by their ids, as far as they are known and kept.

    A version of a file with very many later ones has none, either.
    """
    if not wanted:
        return {}
    named = {
        "files": [each.file_id for each in wanted],
        "versions": [each.id for each in wanted],
    }
    rows = db.execute(_CONTENTS, {**named, "limit": MAX_CONTENTS}).all()
    chains: dict[int, list[StoredVersion]] = {}
    for row in rows:
        stored = StoredVersion(VersionKind(row.kind), row.content)
        chains.setdefault(row.version, []).append(stored)
    if len(rows) == MAX_CONTENTS:
        del chains[rows[-1].version]
    found = {number: file_history.texts(chain)[0] for number, chain in chains.items()}
    return {number: text for number, text in found.items() if text is not None}
