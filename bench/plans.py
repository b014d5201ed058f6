"""What a page asks of PostgreSQL: its statements, their time, and their plans."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass(frozen=True)
class Statement:
    """One statement as it was sent, and the seconds until its rows were here."""

    text: str
    parameters: Any
    seconds: float


@dataclass
class Heard:
    """The statements that were sent while somebody listened."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """What all of them took."""
        return sum(statement.seconds for statement in self.statements)


@contextmanager
def listening(engine: Engine) -> Iterator[Heard]:
    """Note every statement that the engine sends within the block."""
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
    """How a plan reads a table: the node's type, the table, and the index if any."""

    kind: str
    table: str
    index: str

    def __str__(self) -> str:
        return f"{self.kind} {self.index or self.table}"


def scans(db: Connection, statement: Statement) -> list[Scan]:
    """How PostgreSQL would read the tables of a statement, outermost first."""
    explained = db.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters
    ).scalar_one()
    return list(_scans(explained[0]["Plan"]))


def rows_read(db: Connection, statement: Statement, table: str) -> int:
    """How many rows of a table PostgreSQL reads for a statement, those it drops too."""
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
    # A bitmap's index is in a node below the one that names the table.
    if node["Node Type"].endswith("Scan") and (
        "Relation Name" in node or "Index Name" in node
    ):
        yield Scan(
            node["Node Type"], node.get("Relation Name", ""), node.get("Index Name", "")
        )
    for below in node.get("Plans", ()):
        yield from _scans(below)
