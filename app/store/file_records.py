"""Record the versions of the files that runs change on hosts.

The rows are written in the transaction that records the events from which they follow.
The last version has its whole content. When another one is added, it keeps what makes
its content from that of the other.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    LargeBinary,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.domain import file_history, text_delta
from app.domain.events import RunnerEvent
from app.domain.file_history import LastVersion, NewVersion, VersionKind
from app.domain.matrix import label
from app.runner.file_diffs import FileDiff
from app.store import host_records
from app.store.events import Occurrence
from app.store.file_tables import file_versions

_c = file_versions.c
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


@dataclass(frozen=True, slots=True)
class FileChange:
    """A change of a file that the event with this number reports."""

    number: int
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
        self.last = LastVersion(version.kind, at, version.text, version.digest)
        return added


def record(
    db: Connection,
    deployment_id: int,
    last: int,
    batch: Sequence[Occurrence],
    keeps: Callable[[str], bool],
) -> None:
    """Record what the events after number `last` report about files.

    `keeps` says whether versions of the file with a path are kept.
    """
    changes = [each for each in _changes(last, batch) if keeps(each.diff.path)]
    if not changes:
        return
    service_id, scope = host_records.place(db, deployment_id)
    hosts = host_records.ids_of(db, scope, sorted({each.host for each in changes}))
    files = _lock(db, {(hosts[each.host], each.diff.path) for each in changes})
    chains = _chains(db, files.values())
    stored = [chain.holder for chain in chains.values() if chain.holder is not None]
    before = [row["content"] for row in stored]
    added: list[dict[str, Any]] = []
    for each in changes:
        file_id = files[hosts[each.host], each.diff.path]
        row = {
            "file_id": file_id, "service_id": service_id, "deployment": deployment_id,
            "number": each.number, "at": each.at, "task": each.task,
        }  # fmt: skip
        chain = chains[file_id]
        new = file_history.add(chain.last, each.diff)
        added += [chain.add(version, row, each.at) for version in new]
    _replace(db, [r for r, old in zip(stored, before, strict=True)
                  if r["content"] is not old])  # fmt: skip
    if added:
        db.execute(insert(file_versions), added)


def _replace(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the contents that are made from those of other versions by now."""
    if not rows:
        return
    changed = [{"row": row["id"], "delta": row["content"]} for row in rows]
    # Retention may have removed it meanwhile.
    where = (_c.id == bindparam("row"), _c.content.is_not(None))
    delta = bindparam("delta", type_=LargeBinary)
    db.execute(update(file_versions).where(*where).values(content=delta), changed)


def _changes(last: int, batch: Sequence[Occurrence]) -> Iterator[FileChange]:
    for number, each in enumerate(batch, start=last + 1):
        event = each.event
        if isinstance(event, RunnerEvent) and event.files and event.host:
            task = label(event.task)
            for diff in event.files:
                yield FileChange(number, each.at, event.host, task, diff)


def _lock(
    db: Connection, wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], int]:
    """Add the files that are missing, and lock all; return their ids."""
    hosts, paths = zip(*sorted(wanted), strict=True)
    named = {"hosts": list(hosts), "paths": list(paths)}
    db.execute(_PUT_FILES, named)
    rows = db.execute(_LOCK_FILES, named)
    return {(row.host_id, row.path): row.id for row in rows}


def _chains(db: Connection, file_ids: Collection[int]) -> dict[int, _Chain]:
    """Return the end of the versions of each file."""
    chains = {file_id: _Chain() for file_id in file_ids}
    of_files = _c.file_id.in_(file_ids)
    newest = (_c.file_id, _c.id.desc())
    holders = (
        select(_c.id, _c.file_id, _c.content)
        .where(of_files, _c.content.is_not(None))
        .ext(distinct_on(_c.file_id))
        .order_by(*newest)
    )
    for row in db.execute(holders):
        chain = chains[row.file_id]
        chain.holder = {"id": row.id, "content": row.content}
        chain.text = text_delta.decode(row.content)
    last = (
        select(_c.id, _c.file_id, _c.kind, _c.at, _c.digest)
        .where(of_files)
        .ext(distinct_on(_c.file_id))
        .order_by(*newest)
    )
    for found in db.execute(last):
        chain = chains[found.file_id]
        is_holder = chain.holder is not None and chain.holder["id"] == found.id
        content = chain.text if is_holder else None
        kind = VersionKind(found.kind)
        chain.last = LastVersion(kind, found.at, content, found.digest)
    return chains
