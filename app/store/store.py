"""The store: transactions on PostgreSQL, and the errors if it is unavailable."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from psycopg.errors import DiskFull, QueryCanceled
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import Busy, Unavailable
from app.store import visibility
from app.store.engine import OUTAGE


class Store:
    """Opens transactions. Use cases own them; query modules run inside of them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._visible: Sequence[Collection[str]] = ()
        self._whole = self
        self._ids: str | None = None

    def limited_to(self, visible: Sequence[Collection[str]]) -> "Store":
        """Return a store whose transactions see some services only.

        `visible` is `Access.visible`; if it is empty, nothing is limited.
        """
        if not visible:
            return self._whole
        limited = Store(self.engine)
        limited._visible, limited._whole = visible, self._whole
        return limited

    @property
    def unlimited(self) -> "Store":
        """The store whose transactions see everything.

        For what a use case does after it has found its service in the limited one.
        """
        return self._whole

    @contextmanager
    def begin(self, statement_seconds: float | None = None) -> Iterator[Connection]:
        """Run a transaction: commit at the end of the block, roll back on an error.

        Raises:
            Unavailable: PostgreSQL is unavailable or its disk is full. The block is
                rolled back, unless the connection was lost during the commit.
            Busy: No connection became free in time, or a statement exceeded
                `statement_seconds`, which defaults to the engine's timeout.
        """
        try:
            with self.engine.begin() as connection:
                if statement_seconds is not None:
                    _limit(connection, statement_seconds)
                if self._visible:
                    self._limit(connection)
                yield connection
        except PoolTimeout as error:
            raise Busy(
                "all database connections of this process are in use; try again in a "
                "few seconds"
            ) from error
        except (OperationalError, InterfaceError, *OUTAGE) as error:
            if isinstance(getattr(error, "orig", error), QueryCanceled):
                raise Busy(
                    "PostgreSQL took too long for this; try again in a few seconds, or "
                    "ask for less"
                ) from error
            raise Unavailable(_why(error)) from error

    def _limit(self, connection: Connection) -> None:
        """Limit a transaction. The services are found once: a store is of a request."""
        if self._ids is None:
            self._ids = visibility.limit(connection, self._visible)
        else:
            visibility.limit_to_ids(connection, self._ids)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _limit(connection: Connection, seconds: float) -> None:
    milliseconds = str(max(1, int(seconds * 1000)))
    limit = func.set_config("statement_timeout", milliseconds, True)
    connection.execute(select(limit))


def _why(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, DiskFull):
        return (
            f"PostgreSQL's disk is full ({cause.diag.message_primary}); make room there"
        )
    lines = str(cause).strip().splitlines()
    return (
        "PostgreSQL doesn't answer "
        f"({lines[0] if lines else type(cause).__name__}); "
        "check that it runs and that FASTDEPLOY_DATABASE_URL is right"
    )
