"""Record the versions of the files that runs change on hosts.

The last version has its whole content. When another one is added, it keeps what makes
its content from that of the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, text

from app.domain import file_history, text_delta
from app.domain.file_history import LastVersion, NewVersion, VersionKind
from app.domain.late_changes import TimedChange, may_be_late
from app.runner.file_diffs import FileDiff
from app.store import host_records, late_file_changes
from app.store.late_file_changes import LateChange

#: A file is added in a fixed order, so that no two runs wait for each other.
_PUT_FILES = text("""
INSERT INTO files (host_id, path)
SELECT * FROM unnest(CAST(:hosts AS bigint[]), CAST(:paths AS text[])) AS found (h, p)
ORDER BY h, p COLLATE "C"
ON CONFLICT DO NOTHING
""")
_LOCK_FILES = text("""
SELECT id, files.host_id, files.path FROM files
JOIN unnest(CAST(:hosts AS bigint[]), CAST(:paths AS text[])) AS found (host_id, path)
    USING (host_id, path)
ORDER BY id FOR NO KEY UPDATE OF files
""")
#: The last version of each file, and the last one with a content.
_ENDS = text("""
SELECT wanted.id AS file_id, last.id, kind, at, digest, deployment,
       holder.id AS holder, content
FROM unnest(CAST(:files AS bigint[])) AS wanted (id)
JOIN LATERAL (
    SELECT id, kind, at, digest, deployment FROM file_versions
    WHERE file_id = wanted.id ORDER BY id DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT id, content FROM file_versions
    WHERE file_id = wanted.id AND content IS NOT NULL ORDER BY id DESC LIMIT 1
) AS holder ON true
""")
# One statement for all rows, with their contents as one value: psycopg takes long to
# write an array of bytes.
_ADD = text("""
INSERT INTO file_versions
    (service_id, deployment, file_id, number, at, since, task, kind, digest, content)
SELECT :service_id, :deployment, file_id, number, at, since, task, kind, digest,
       substring(CAST(:contents AS bytea) FROM start FOR size)
FROM unnest(
    CAST(:file_id AS bigint[]), CAST(:number AS int[]), CAST(:at AS timestamptz[]),
    CAST(:since AS timestamptz[]), CAST(:task AS text[]), CAST(:kind AS text[]),
    CAST(:digest AS text[]), CAST(:starts AS int[]), CAST(:sizes AS int[])
) WITH ORDINALITY AS added
    (file_id, number, at, since, task, kind, digest, start, size, place)
ORDER BY place
""")
_COLUMNS = ("file_id", "number", "at", "since", "task", "kind", "digest")
# Retention may have removed a content meanwhile.
_REPLACE = text("""
UPDATE file_versions
SET content = substring(CAST(:contents AS bytea) FROM start FOR size)
FROM unnest(
    CAST(:ids AS bigint[]), CAST(:starts AS int[]), CAST(:sizes AS int[])
) AS made (made_id, start, size)
WHERE id = made_id AND content IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class FileChange:
    """A change of a file that the event with this number reports.

    The task ran on the host from `started` to `at`.
    """

    number: int
    started: datetime
    at: datetime
    host: str
    task: str
    diff: FileDiff


@dataclass(slots=True)
class _Chain:
    """The end of the versions of a file; `holder` is the last one with a content."""

    last: LastVersion | None = None
    holder: dict[str, Any] | None = None
    text: str = ""

    def add(
        self, version: NewVersion, row: Mapping[str, Any], at: datetime
    ) -> dict[str, Any]:
        """Return the row of a further version.

        `row` has the columns that don't depend on the version. The content of the row
        before changes.
        """
        content = None
        if version.text is not None:
            content = text_delta.encode(version.text)
            if self.holder is not None:
                self.holder["content"] = text_delta.encode(self.text, version.text)
        outside = version.kind is VersionKind.OUTSIDE
        added = {
            **row,
            "kind": version.kind.value,
            "digest": version.digest,
            "content": content,
            "since": self.last.at if outside and self.last else None,
        }
        if version.text is not None:
            self.holder, self.text = added, version.text
        self.last = LastVersion(
            version.kind, at, version.text, version.digest, row["deployment"]
        )
        return added


def record(db: Connection, deployment_id: int, changes: Sequence[FileChange]) -> None:
    """Record the versions that changes of files add, in order."""
    if not changes:
        return
    service_id, scope = host_records.place(db, deployment_id)
    hosts = host_records.ids_of(db, scope, sorted({each.host for each in changes}))
    files = _lock(db, {(hosts[each.host], each.diff.path) for each in changes})
    chains = _chains(db, files.values())
    stored = [chain.holder for chain in chains.values() if chain.holder is not None]
    before = [row["content"] for row in stored]
    added: list[dict[str, Any]] = []
    late: dict[int, list[LateChange]] = {}
    for each in changes:
        file_id = files[hosts[each.host], each.diff.path]
        row = {
            "service_id": service_id, "deployment": deployment_id, "file_id": file_id,
            "number": each.number, "at": each.at, "task": each.task,
        }  # fmt: skip
        chain = chains[file_id]
        timed = TimedChange(deployment_id, each.started, each.at, each.diff)
        if file_id in late or may_be_late(chain.last, timed):
            late.setdefault(file_id, []).append(LateChange(timed, row))
            continue
        new = file_history.add(chain.last, each.diff)
        added += [chain.add(version, row, each.at) for version in new]
    _replace(db, [r for r, old in zip(stored, before, strict=True)
                  if r["content"] is not old])  # fmt: skip
    if added:
        columns = {name: [row[name] for row in added] for name in _COLUMNS}
        of_deployment = {"service_id": service_id, "deployment": deployment_id}
        db.execute(_ADD, {**of_deployment, **columns, **_contents(added)})
    for file_id, found in late.items():
        late_file_changes.record(db, file_id, found)


def _replace(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the contents that are made from those of other versions by now."""
    if rows:
        db.execute(_REPLACE, {"ids": [row["id"] for row in rows], **_contents(rows)})


def _contents(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the contents of rows as one value, and the place of each in it."""
    found: list[bytes | None] = [row["content"] for row in rows]
    sizes = [None if each is None else len(each) for each in found]
    ends = accumulate((size or 0 for size in sizes), initial=1)
    return {
        "contents": b"".join(filter(None, found)),
        "starts": [*ends][:-1],
        "sizes": sizes,
    }


def _lock(
    db: Connection, wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], int]:
    """Add the files that are missing, and lock all; return their ids."""
    hosts, paths = zip(*sorted(wanted), strict=True)
    named = {"hosts": list(hosts), "paths": list(paths)}
    rows = db.execute(_LOCK_FILES, named).all()
    if len(rows) < len(wanted):
        db.execute(_PUT_FILES, named)
        rows = db.execute(_LOCK_FILES, named).all()
    return {(row.host_id, row.path): row.id for row in rows}


def _chains(db: Connection, file_ids: Collection[int]) -> dict[int, _Chain]:
    """Return the end of the versions of each file."""
    chains = {file_id: _Chain() for file_id in file_ids}
    for row in db.execute(_ENDS, {"files": list(file_ids)}):
        chain = chains[row.file_id]
        if row.holder is not None:
            chain.holder = {"id": row.holder, "content": row.content}
            chain.text = text_delta.decode(row.content)
        content = chain.text if row.holder == row.id else None
        kind = VersionKind(row.kind)
        chain.last = LastVersion(kind, row.at, content, row.digest, row.deployment)
    return chains
