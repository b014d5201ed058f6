"""Compare what the runs wrote with what was recorded and sent, event by event.

It uses none of the application's own parsing and translation.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import class_row

from app.settings import Settings
from tools.chaos.client import Client
from tools.chaos.kinds import Kind
from tools.chaos.slow import RevokedReader, SlowReader

#: The number of findings that are listed; others are only counted.
_MAX_MESSAGES = 20
#: The maximum number of characters of an item that a message repeats.
_EXAMPLE = 1000
_MILESTONES = ("queued", "started", "finished")
_STATES = ("pending", "running", "success", "failure", "skipped")
#: The maximum number of characters of an event's text that a client receives.
_SENT = 16_384


@dataclass
class Findings:
    """The differences from the expected results."""

    lost: int = 0
    duplicated: int = 0
    wrong_outcome: int = 0
    stuck: int = 0
    messages: list[str] = field(default_factory=list)

    def compare(
        self, what: str, expected: Sequence[Hashable], found: Sequence[Hashable]
    ) -> None:
        """Count missing and duplicated items; a wrong order counts as one of each."""
        lost = list((Counter(expected) - Counter(found)).elements())
        duplicated = list((Counter(found) - Counter(expected)).elements())
        if not lost and not duplicated:
            pairs = zip(expected, found, strict=True)
            # A wrong order.
            first = next(((a, b) for a, b in pairs if a != b), None)
            lost, duplicated = ([first[0]], [first[1]]) if first else ([], [])
        self.lost += len(lost)
        self.duplicated += len(duplicated)
        if lost or duplicated:
            examples = f"{str(lost[:1])[:_EXAMPLE]}, {str(duplicated[:1])[:_EXAMPLE]}"
            self.tell(
                f"{what}: {len(lost)} lost, {len(duplicated)} duplicated: {examples}"
            )

    def require(self, what: str, expected: object, found: object) -> None:
        """Count a result that differs from the expected one."""
        if expected != found:
            self.wrong_outcome += 1
            self.tell(f"{what}: {found!r} instead of {expected!r}")

    def tell(self, sentence: str) -> None:
        """Add a sentence to the summary, unless it has many."""
        if len(self.messages) < _MAX_MESSAGES:
            self.messages.append(sentence)

    @property
    def none(self) -> bool:
        """Whether there are no differences."""
        return not (self.lost or self.duplicated or self.wrong_outcome or self.stuck)


@dataclass(frozen=True)
class Row:
    """An event in the database."""

    number: int
    kind: str
    name: str | None
    text: str
    open: bool
    data: str | None
    raw: bytes | None


def compare(
    settings: Settings,
    launched: dict[int, Kind],
    clients: Sequence[Client],
    slow: Sequence[SlowReader],
    revoked: Sequence[RevokedReader],
    findings: Findings,
) -> int:
    """Compare every deployment and every client; return the number of events."""
    events = 0
    with psycopg.connect(settings.database) as db:
        asked = db.execute("SELECT id FROM deployments").fetchall()
        findings.compare("deployments", sorted(launched), sorted(n for (n,) in asked))
        for number, kind in launched.items():
            rows = _rows(db, number)
            events += len(rows)
            _compare_events(settings, number, kind, rows, findings)
            _compare_outcome(settings, db, number, kind, findings)
            sent = [(row.number, hash(row.text[:_SENT])) for row in rows]
            for client in clients:
                if client.deployment == number:
                    what = f"client of {kind.name} {number}"
                    findings.compare(what, sent, client.received)
    for reader in slow:
        kind = launched[reader.deployment]
        if kind.script:
            what = f"{kind.name} {reader.deployment}: download"
            findings.require(
                what, _digest(settings, reader.deployment, kind), reader.digest
            )
    for former in revoked:
        what = f"deployment {former.deployment} is open to a token that was revoked"
        findings.require(what, False, former.got_through)
    configs = sorted(path.name for path in settings.config_folder.iterdir())
    findings.require("config files that are left", [], configs)
    return events


def lines(journal: bytes, *, script: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the kind and the recorded content of each line of a journal."""
    found = journal.split(b"\n")
    for line in found if found[-1] else found[:-1]:
        about = _object(line)
        if {"event", "uuid", "counter", "event_data"} <= about.keys():
            yield "runner", line
        elif not script and {"status", "runner_ident"} <= about.keys():
            yield "status", str(about["status"]).encode()
        elif not script and {"speed", "runner_ident"} <= about.keys():
            yield "status", b"speed"
        elif "name" in about and about.get("state") in _STATES:
            yield "step", line
        else:
            yield "output", line


def recorded(rows: Sequence[Row]) -> Iterator[tuple[str, bytes]]:
    """Yield the kind and content of each recorded line; join the pieces of a line."""
    begun = b""
    for row in rows:
        if row.kind == "output":
            begun += row.text.encode() if row.raw is None else row.raw
            if not row.open:
                yield "output", begun
                begun = b""
        elif row.kind == "status":
            yield "status", (row.name or "").encode()
        elif row.kind in ("runner", "step"):
            yield row.kind, (row.data or "").encode()
    if begun:
        # The last line has no newline.
        yield "output", begun


def _compare_events(
    settings: Settings, number: int, kind: Kind, rows: list[Row], findings: Findings
) -> None:
    what = f"{kind.name} {number}"
    journal = settings.runs / str(number) / "journal"
    written = journal.read_bytes() if journal.exists() else b""
    findings.require(f"{what}: the journal is whole", True, kind.is_whole(written))
    expected = written if kind.recorded is None else kind.recorded
    found = list(lines(expected, script=kind.script))
    findings.compare(f"{what}: lines", found, list(recorded(rows)))
    milestones = [row.kind for row in rows if row.kind in _MILESTONES]
    findings.compare(f"{what}: milestones", _MILESTONES, milestones)
    numbers = [row.number for row in rows]
    findings.compare(f"{what}: numbers", range(1, len(rows) + 1), numbers)


def _compare_outcome(
    settings: Settings,
    db: psycopg.Connection[Any],
    number: int,
    kind: Kind,
    findings: Findings,
) -> None:
    what = f"{kind.name} {number}"
    found = db.execute(
        "SELECT status, exit_code FROM deployments WHERE id = %s", [number]
    ).fetchone()
    findings.require(f"{what}: outcome", (kind.status, kind.exit_code), found)
    steps = db.execute(
        "SELECT name, state FROM steps WHERE deployment_id = %s", [number]
    )
    findings.require(f"{what}: steps", dict(kind.steps), dict(steps.fetchall()))
    artifacts = settings.runs / str(number) / "artifacts" / str(number)
    for name, expected in (("status", kind.status), ("rc", str(kind.exit_code))):
        file = artifacts / name
        content = file.read_text() if file.exists() else None
        findings.require(f"{what}: artifact {name}", expected, content)


def _digest(settings: Settings, number: int, kind: Kind) -> str:
    """Return the digest of what a script printed, with secrets masked."""
    journal = settings.runs / str(number) / "journal"
    printed = journal.read_bytes() if kind.recorded is None else kind.recorded
    return hashlib.sha256(printed).hexdigest()


def _rows(db: psycopg.Connection[Any], number: int) -> list[Row]:
    with db.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            "SELECT number, kind, name, text, open, data, raw FROM events "
            "WHERE deployment_id = %s ORDER BY number",
            [number],
        ).fetchall()


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
