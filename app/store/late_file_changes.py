"""Record changes of a file that another deployment may have changed later.

The last versions are read, and those that follow a late change are written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from app.domain import file_history, late_changes, text_delta
from app.domain.file_history import (
    LastVersion,
    NewVersion,
    StoredVersion,
    VersionKind,
)
from app.domain.late_changes import TimedChange
from app.store.file_tables import file_versions

#: The number of versions among which a late change is placed.
MAX_VERSIONS = 50
_v = file_versions.c


@dataclass(frozen=True, slots=True)
class LateChange:
    """A change, and the columns of its versions that don't depend on the version."""

    timed: TimedChange
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A version with its columns; `id` is None if it must be written."""

    version: LastVersion
    row: Mapping[str, Any]
    id: int | None = None


def record(db: Connection, file_id: int, changes: Sequence[LateChange]) -> None:
    """Record changes of a locked file that has versions, in order."""
    stored = _last_entries(db, file_id)
    entries = stored
    for change in changes:
        entries = _with(entries, change)
    kept = next(i for i, each in enumerate([*entries, None]) if not (each and each.id))
    _replace_from(db, kept, stored, entries)


def _last_entries(db: Connection, file_id: int) -> list[_Entry]:
    query = select(file_versions).where(_v.file_id == file_id)
    newest = db.execute(query.order_by(_v.id.desc()).limit(MAX_VERSIONS)).mappings()
    rows = [dict(row) for row in newest][::-1]
    kinds = [VersionKind(row["kind"]) for row in rows]
    contents = (row["content"] for row in rows)
    texts = file_history.texts(list(map(StoredVersion, kinds, contents)))
    return [
        _Entry(
            LastVersion(kind, row["at"], text, row["digest"], row["deployment"]),
            row,
            row["id"],
        )
        for row, kind, text in zip(rows, kinds, texts, strict=True)
    ]


def _with(entries: list[_Entry], change: LateChange) -> list[_Entry]:
    """Return the entries with those that a change adds."""
    versions = [each.version for each in entries]
    gap = late_changes.gap_of(versions, change.timed)
    if gap is not None:
        before = entries[:gap]
        added = _added(before, change)
        again = _found_again([*before, *added], entries[gap])
        return [*before, *added, *again, *entries[gap + 1 :]]
    beside = late_changes.place_beside(versions, change.timed)
    if beside is None:
        return [*entries, *_added(entries, change)]
    # It has found what was there before the version that is the last one by now.
    written = _added(entries, change)[-1]
    return [*entries[:beside], written, *entries[beside:]]


def _added(before: Sequence[_Entry], change: LateChange) -> list[_Entry]:
    last = before[-1].version if before else None
    added: list[_Entry] = []
    for new in file_history.add(last, change.timed.diff):
        added.append(_entry([*before, *added], new, change.row))
    return added


def _found_again(before: Sequence[_Entry], gap: _Entry) -> list[_Entry]:
    """Return the version that a task found, unless the one before explains it."""
    found = late_changes.as_diff(gap.version)
    new = file_history.find(before[-1].version if before else None, found)
    return [] if new is None else [_entry(before, new, gap.row)]


def _entry(before: Sequence[_Entry], new: NewVersion, row: Mapping[str, Any]) -> _Entry:
    outside = new.kind is VersionKind.OUTSIDE
    since = before[-1].version.at if outside and before else None
    at, deployment = row["at"], row["deployment"]
    version = LastVersion(new.kind, at, new.text, new.digest, deployment)
    return _Entry(version, {**row, "since": since})


def _replace_from(
    db: Connection, kept: int, stored: Sequence[_Entry], entries: Sequence[_Entry]
) -> None:
    """Store the entries from the index `kept` on instead of those that are stored."""
    old = [each.id for each in stored[kept:]]
    db.execute(delete(file_versions).where(_v.id.in_(old)))
    rows: list[dict[str, Any]] = []
    base = ""
    for entry in entries[kept:][::-1]:
        text = entry.version.text
        rows.append(
            _row(entry, None if text is None else text_delta.encode(text, base))
        )
        base = base if text is None else text
    if rows:
        db.execute(insert(file_versions), rows[::-1])
    holders = (each for each in entries[:kept][::-1] if each.version.text is not None)
    if holder := next(holders, None):
        content = text_delta.encode(holder.version.text or "", base)
        is_holder = (_v.id == holder.id, _v.content.is_not(None))
        db.execute(update(file_versions).where(*is_holder).values(content=content))


def _row(entry: _Entry, content: bytes | None) -> dict[str, Any]:
    columns = {name: value for name, value in entry.row.items() if name != "id"}
    about = {"kind": entry.version.kind.value, "digest": entry.version.digest}
    return {**columns, **about, "content": content}
