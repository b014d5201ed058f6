"""Record the statements that are sent to PostgreSQL."""

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
class StatementLog:
    """The recorded statements."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The total time of all statements."""
        return sum(statement.seconds for statement in self.statements)


@contextmanager
def listening(engine: Engine) -> Iterator[StatementLog]:
    """Record every statement that the engine sends during the block."""
    recorded = StatementLog()
    started = 0.0

    def before(*_: object) -> None:
        nonlocal started
        started = time.perf_counter()

    def after(
        _db: Connection, _cursor: object, text: str, parameters: Any, *_: object
    ) -> None:
        seconds = time.perf_counter() - started
        recorded.statements.append(Statement(text, parameters, seconds))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield recorded
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)
