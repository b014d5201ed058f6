"""Read how PostgreSQL plans and executes a statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from testing.statements import Statement


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
