"""Record the statements of a page, with their time and their plans in PostgreSQL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass(frozen=True)
class Statement:
    """One statement as it was sent, and the seconds until its rows had arrived."""

    text: str
    parameters: Any
    seconds: float


@dataclass
class Heard:
    """The recorded statements."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The total time of all statements."""
        return sum(statement.seconds for statement in self.statements)


@contextmanager
def listening(engine: Engine) -> Iterator[Heard]:
    """Record every statement that the engine sends during the block."""
    heard = Heard()
    begun = 0.0

    def before(*_: object) -> None:
        nonlocal begun
        begun = time.perf_counter()

    def after(
        _db: Connection, _cursor: object, text: str, parameters: Any, *_: object
    ) -> None:
        seconds = time.perf_counter() - begun
        heard.statements.append(Statement(text, parameters, seconds))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


@dataclass(frozen=True)
class Scan:
    """A scan of a plan: the node's type, the table, and the index if any."""

    kind: str
    table: str
    index: str

    def __str__(self) -> str:
        return f"{self.kind} {self.index or self.table}"


def scans(db: Connection, statement: Statement) -> list[Scan]:
    """Return the scans in the plan of a statement, outermost first."""
    explained = db.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters
    ).scalar_one()
    return list(_scans(explained[0]["Plan"]))


def rows_read(db: Connection, statement: Statement, table: str) -> int:
    """Return the number of rows of a table that a statement reads or filters out."""
    explained = db.exec_driver_sql(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}",
        statement.parameters,
    ).scalar_one()
    return round(sum(_rows(explained[0]["Plan"], table)))


def _rows(node: dict[str, Any], table: str) -> Iterator[float]:
    if node.get("Relation Name") == table:
        dropped = node.get("Rows Removed by Filter", 0)
        yield (node["Actual Rows"] + dropped) * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _rows(below, table)


def _scans(node: dict[str, Any]) -> Iterator[Scan]:
    # The index of a bitmap scan is in a child of the node with the table.
    if node["Node Type"].endswith("Scan") and (
        "Relation Name" in node or "Index Name" in node
    ):
        yield Scan(
            node["Node Type"], node.get("Relation Name", ""), node.get("Index Name", "")
        )
    for below in node.get("Plans", ()):
        yield from _scans(below)
