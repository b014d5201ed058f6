"""The rows of the table that a benchmark prints."""

from typing import Any

#: The timeout of a measurement in seconds.
PATIENCE = 600
#: Requests of a page before those that are measured: PostgreSQL plans a statement each
#: of the first times that a connection sends it.
UNMEASURED = 20


def row(name: str, measured: float, target: str, *, holds: bool, **details: Any) -> Any:
    """Return one row of the table."""
    return {
        "name": name,
        "measured": round(measured, 3),
        "target": target,
        "holds": holds,
        **details,
    }
